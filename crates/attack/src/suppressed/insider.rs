//! Those who know that they are in a cell: it holds at least as many as they are. The promise must hold over
//! the worlds that leave them there.

use std::collections::{BTreeMap, BTreeSet};

use minster_model::{policy::Policy, refinement::Refinements};

use crate::{
    shared::bound::Bound,
    suppressed::{
        certificates::Certificates, equations::System, requirement::LeastOfSmall,
        solve::RequiredSum,
    },
};

/// Everyone who could be in a withheld inner cell, against one requirement.
pub(crate) struct Insiders<'a> {
    pub(crate) policy: Policy,
    pub(crate) system: &'a System,
    pub(crate) required: &'a RequiredSum,
    /// The cell that it is about.
    pub(crate) cell: (usize, usize),
    /// The least that the cell can be by the rules, where the requirement follows from that.
    pub(crate) small: Option<&'a LeastOfSmall>,
    pub(crate) refinements: &'a Refinements<'a>,
}

impl Insiders<'_> {
    /// Returns what is still to be shown: a requirement, the inner cell where an insider is, and how many it holds at
    /// least. For those who are left out, a known world that meets the requirement is a certificate already: it
    /// is marked as used.
    pub(crate) fn requirements(
        &self,
        certificates: &mut Certificates<'_>,
    ) -> Vec<(RequiredSum, usize, u64)> {
        let below = self.required.unknowns.iter().copied();
        let below = below.filter(|&unknown| self.more(unknown) > 0);
        let mut insiders = self.moved_by_every_alternative(certificates);
        insiders.extend(below);
        let mut within = BTreeMap::new();
        let of =
            |unknown: usize| (self.required_of(unknown, &mut within), unknown, self.knows(unknown));
        insiders.into_iter().map(of).collect()
    }

    /// The insiders whom no known world that meets the requirement leaves where they are.
    fn moved_by_every_alternative(&self, certificates: &mut Certificates<'_>) -> BTreeSet<usize> {
        let mut moved: Option<BTreeSet<usize>> = None;
        let mut looked_at = Vec::new();
        for alternative in certificates.meeting(self.required) {
            looked_at.push(alternative);
            let here: BTreeSet<usize> = certificates
                .altered(alternative)
                .filter(|&(unknown, value)| value < self.knows(unknown) as i64)
                .map(|(unknown, _)| unknown)
                .collect();
            let both = match moved {
                None => here,
                Some(before) => before.intersection(&here).copied().collect(),
            };
            let done = both.is_empty();
            moved = Some(both);
            if done {
                break;
            }
        }
        certificates.use_all(looked_at);
        moved.unwrap_or_default()
    }

    /// How many an insider of an inner cell knows to be there.
    fn knows(&self, unknown: usize) -> u64 {
        self.system.least(unknown) + self.more(unknown)
    }

    /// How many more than the least that is.
    fn more(&self, unknown: usize) -> u64 {
        self.system.more_known(unknown)
    }

    /// The least that the cell can be to an insider who is in it: in one of its own inner cells, or in one of another
    /// table that lies within it. `within` holds those of each table that was asked for.
    fn least_to(
        &self,
        small: &LeastOfSmall,
        unknown: usize,
        within: &mut BTreeMap<usize, Vec<usize>>,
    ) -> Option<i64> {
        let (table, inner) = self.system.unknowns[unknown];
        let least = small.by_table[table]?;
        let is_within = match table == self.cell.0 {
            true => self.required.unknowns.contains(&unknown),
            false => {
                let (own, cell) = self.cell;
                let of_table = || self.refinements.within(own, cell, table).unwrap_or_default();
                within.entry(table).or_insert_with(of_table).binary_search(&inner).is_ok()
            }
        };
        is_within.then_some(least + self.more(unknown) as i64)
    }

    /// The requirement for one insider: where they are in the cell, its least is more by what they know.
    fn required_of(&self, unknown: usize, within: &mut BTreeMap<usize, Vec<usize>>) -> RequiredSum {
        let unknowns = &self.required.unknowns;
        let threshold = self.policy.threshold as i64;
        let bound = match (self.required.bound, self.small) {
            (bound, Some(small)) => match (bound, self.least_to(small, unknown, within)) {
                (bound, None) => bound,
                (Bound::AtMost(bound), Some(low)) => {
                    Bound::AtMost(bound.max(low - small.published))
                }
                (Bound::AtLeast(bound), Some(low)) => {
                    let high = threshold.max(low + threshold - 1);
                    Bound::AtLeast(bound.max(high - small.published))
                }
            },
            (Bound::AtMost(bound), None) if unknowns.contains(&unknown) => {
                let low = self.system.least_of(unknowns) + self.more(unknown) as i64;
                Bound::AtMost(bound.max(low))
            }
            (bound, None) => bound,
        };
        RequiredSum { unknowns: unknowns.clone(), bound }
    }
}
