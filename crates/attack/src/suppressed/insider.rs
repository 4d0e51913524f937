//! Those who know that they are in a cell: it holds at least as many as they are. The promise must hold over
//! the worlds that leave them there.

use std::collections::{BTreeMap, BTreeSet, btree_map::Entry};

use minster_model::{TableId, policy::Policy, refinement::Refinements};

use crate::{
    shared::{
        bound::{Bound, high},
        typed::{InnerCell, TableCell},
    },
    suppressed::{
        certificates::Certificates,
        equations::{System, UnknownId},
        requirement::LeastOfSmall,
        solve::RequiredSum,
    },
};

/// Everyone who could be in a withheld inner cell, against one requirement.
pub(crate) struct Insiders<'a> {
    pub(crate) policy: Policy,
    pub(crate) system: &'a System,
    pub(crate) required: &'a RequiredSum,
    /// The cell that it is about.
    pub(crate) cell: (TableId, TableCell),
    /// The least that the cell can be by the rules, where the requirement follows from that.
    pub(crate) small: Option<&'a LeastOfSmall>,
    pub(crate) refinements: &'a Refinements<'a>,
}

/// A requirement that must be met for one insider.
pub(crate) struct InsiderRequirement {
    pub(crate) required: RequiredSum,
    /// Where they are.
    pub(crate) unknown: UnknownId,
    /// How many it holds at least.
    pub(crate) knows: u64,
}

/// The inner cells that lie within the cell, of each table that was asked for.
type Within = BTreeMap<TableId, Vec<InnerCell>>;

impl Insiders<'_> {
    /// Returns what is still to be shown. For those who are left out, a known world that meets the requirement is a
    /// certificate already: it is marked as used.
    pub(crate) fn requirements(
        &self,
        certificates: &mut Certificates<'_>,
    ) -> Vec<InsiderRequirement> {
        // Insiders in the cell itself have another requirement than outsiders: a world that meets the one need not
        // meet the other.
        let below = self.required.unknowns.iter().copied();
        let below = below.filter(|&unknown| self.more(unknown) > 0);
        let mut insiders = self.moved_by_every_alternative(certificates);
        insiders.extend(below);
        let mut within = Within::new();
        insiders.extend(self.asking_elsewhere(&mut within));
        insiders
            .into_iter()
            .map(|unknown| InsiderRequirement {
                required: self.required_of(unknown, &mut within),
                unknown,
                knows: self.knows(unknown),
            })
            .collect()
    }

    /// The insiders in inner cells of other tables that lie within the cell, where another requirement is made for them
    /// than for outsiders: they know that the cell holds more.
    fn asking_elsewhere(&self, within: &mut Within) -> Vec<UnknownId> {
        let Some(small) = self.small else { return Vec::new() };
        let (own, _) = self.cell;
        let mut asking = Vec::new();
        for (table, least) in small.by_table.enumerate() {
            if table == own || least.is_none() {
                continue;
            }
            let unknowns = self.within(table, within).into_iter().flatten();
            let unknowns = unknowns.filter_map(|&inner| self.system.unknown(table, inner));
            asking.extend(unknowns.filter(|&unknown| self.more(unknown) > 0));
        }
        asking.retain(|&unknown| self.required_of(unknown, within).bound != self.required.bound);
        asking
    }

    /// The insiders whom no known world that meets the requirement leaves where they are. Where none meets it, the
    /// truth does (an outsider was asked for first), and leaves everyone.
    fn moved_by_every_alternative(
        &self,
        certificates: &mut Certificates<'_>,
    ) -> BTreeSet<UnknownId> {
        let mut moved: Option<BTreeSet<UnknownId>> = None;
        let mut looked_at = Vec::new();
        for alternative in certificates.meeting(self.required) {
            looked_at.push(alternative);
            // Where a world leaves the truth alone, it leaves everyone: only what it alters can move an insider.
            let here: BTreeSet<UnknownId> = certificates
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
    fn knows(&self, unknown: UnknownId) -> u64 {
        self.system.least(unknown) + self.more(unknown)
    }

    /// How many more than the least that is.
    fn more(&self, unknown: UnknownId) -> u64 {
        self.system.more_known(unknown)
    }

    /// The least that the cell can be to an insider who is in it: in one of its own inner cells, or in one of another
    /// table that lies within it. None where the insider is not in it, for all that anyone can tell.
    fn least_to(
        &self,
        small: &LeastOfSmall,
        unknown: UnknownId,
        within: &mut Within,
    ) -> Option<i64> {
        let (table, inner) = self.system.unknowns[unknown];
        let least = small.by_table[table]?;
        let (own, _) = self.cell;
        let is_within = match table == own {
            true => self.required.unknowns.contains(&unknown),
            false => self.within(table, within)?.binary_search(&inner).is_ok(),
        };
        // The other parts of the cell have their least, and the insider's own has what they know.
        is_within.then_some(least + self.more(unknown) as i64)
    }

    /// The inner cells of another table that lie within the cell, worked out once; none where it does not tell.
    fn within<'b>(&self, other: TableId, within: &'b mut Within) -> Option<&'b [InnerCell]> {
        let (own, cell) = self.cell;
        let cells = match within.entry(other) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(open) => {
                let cells = self.refinements.within(own.0, cell.0, other.0)?;
                open.insert(cells.into_iter().map(InnerCell).collect())
            }
        };
        Some(cells)
    }

    /// The requirement for one insider: where they are in the cell, its least is more by what they know.
    fn required_of(&self, unknown: UnknownId, within: &mut Within) -> RequiredSum {
        let unknowns = &self.required.unknowns;
        let bound = match (self.required.bound, self.small) {
            (bound, Some(small)) => match (bound, self.least_to(small, unknown, within)) {
                (bound, None) => bound,
                // No world that leaves them there has the cell lower: to ask for that would refuse every pattern.
                (Bound::AtMost(bound), Some(low)) => {
                    Bound::AtMost(bound.max(low - small.published))
                }
                // As far from their own least must be possible as is from everyone's.
                (Bound::AtLeast(bound), Some(low)) => {
                    Bound::AtLeast(bound.max(high(self.policy.threshold, low) - small.published))
                }
            },
            // A protection level counts from the truth: it moves only where the insider's own knowledge is above it.
            (Bound::AtMost(bound), None) if unknowns.contains(&unknown) => {
                let low = self.system.least_of(unknowns) + self.more(unknown) as i64;
                Bound::AtMost(bound.max(low))
            }
            (bound, None) => bound,
        };
        RequiredSum { unknowns: unknowns.clone(), bound }
    }
}
