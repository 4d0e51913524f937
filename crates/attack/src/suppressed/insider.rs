//! Those who know that they are in a cell: it holds at least as many as they are. The promise must hold over
//! the worlds that leave them there.

use std::collections::BTreeSet;

use minster_model::policy::Policy;

use crate::{
    shared::bound::Bound,
    suppressed::{certificates::Certificates, equations::System, solve::RequiredSum},
};

/// Everyone who could be in a withheld inner cell, against one requirement.
pub(crate) struct Insiders<'a> {
    pub(crate) policy: Policy,
    pub(crate) system: &'a System,
    pub(crate) required: &'a RequiredSum,
    /// The published part of the cell, where the requirement follows from the least that a small cell can be.
    pub(crate) published: Option<i64>,
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
        let of = |unknown: usize| (self.required_of(unknown), unknown, self.knows(unknown));
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

    /// The requirement for one insider: where they are below the cell, its least is more by what they know.
    fn required_of(&self, unknown: usize) -> RequiredSum {
        let unknowns = &self.required.unknowns;
        let bound = match (self.required.bound, unknowns.contains(&unknown)) {
            (bound, false) => bound,
            (bound, true) => {
                let low = self.system.least_of(unknowns) + self.more(unknown) as i64;
                let threshold = self.policy.threshold as i64;
                match (bound, self.published) {
                    (Bound::AtMost(bound), _) => Bound::AtMost(bound.max(low)),
                    (Bound::AtLeast(_), Some(published)) => {
                        let high = threshold.max(published + low + threshold - 1);
                        Bound::AtLeast(high - published)
                    }
                    (bound, None) => bound,
                }
            }
        };
        RequiredSum { unknowns: unknowns.clone(), bound }
    }
}
