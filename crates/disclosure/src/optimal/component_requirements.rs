//! Says what the promise asks of a pattern, one insider at a time, and what stays asked of a smaller pattern.
//!
//! **Withholding more never takes a world away.** A world of a pattern leaves what is published at the
//! truth; whatever more may be withheld counts, in truth, at least the least that a withheld cell can be (a
//! zero is never withheld where zeros are published), so that the world is one of the larger pattern too.
//! The pattern could change what is asked in two ways:
//!
//! - *Low*, by the inner cells that are withheld. Below a small cell each that counts anyone is small and
//!   so withheld in every pattern, and one that counts none adds nothing either way: low is the same in
//!   all. Below a large cell that is unsafe by rule it is not: one more withheld there means that the cell must be
//!   able to be less. So a pattern that fails *low* of a cell that is unsafe by rule shows that a smaller one fails only
//!   where that withholds, below the cell, what [`ComponentRequirement::pinned`] names.
//! - *Insiders*, by whom a withheld cell could hold. One who is not below the cell asked for asks the
//!   same as an outsider, in worlds that leave them there. Where their own cell is published every world
//!   does: to ask them in any case asks nothing more. Below a small cell theirs is always withheld; below
//!   one that is unsafe by rule it is named by [`ComponentRequirement::pinned`].

use std::collections::BTreeMap;

use minster_model::{CellId, IdVec, table::ProtectionLevel};

use crate::{
    optimal::cell_set::{CellSet, ComponentCellId},
    problem::{
        cells::Cells,
        requirements::{self, RequirementOrigin},
    },
};

/// A requirement of the promise, as an outsider makes it; who else makes it asks for the same or a little else.
pub(crate) struct ComponentRequirement {
    /// A sum of cells, with signs.
    pub(crate) terms: Vec<(ComponentCellId, i64)>,
    kind: RequirementKind,
    /// The inner cells that it counts, where those in them ask otherwise: by how much less each can be.
    below: BTreeMap<ComponentCellId, i64>,
    /// The inner cells of other tables that lie within a small cell, and the least that the small cell changes by to
    /// those in them.
    elsewhere: BTreeMap<ComponentCellId, i64>,
}

/// The direction of a requirement, and how far it goes.
enum RequirementKind {
    /// It may be as little as its withheld inner cells leave it, or less by this.
    Less(i64),
    /// It may be more by this.
    More(i64),
    /// A small cell may be max(threshold, `low` + threshold − 1), given its count.
    Large { low: i64, threshold: i64, count: i64 },
}

/// How far the sum must be able to change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChangeBound {
    AtMost(i64),
    AtLeast(i64),
}

impl ChangeBound {
    /// Whether a change of the sum goes as far.
    pub(crate) fn is_met(self, change: i64) -> bool {
        match self {
            Self::AtMost(bound) => change <= bound,
            Self::AtLeast(bound) => change >= bound,
        }
    }
}

impl ComponentRequirement {
    /// Returns what an outsider or someone in an inner cell asks of a pattern; nothing where the truth
    /// meets it, or where whoever is in a published cell would ask otherwise than an outsider.
    pub(crate) fn bound(
        &self,
        known: &IdVec<ComponentCellId, i64>,
        withheld: &CellSet,
        who: Option<ComponentCellId>,
    ) -> Option<ChangeBound> {
        // A published cell tells everyone what its insiders know: they ask no more than an outsider.
        let elsewhere = who.and_then(|who| self.elsewhere.get(&who).copied());
        if elsewhere.is_some() && who.is_some_and(|who| !withheld.has(who)) {
            return None;
        }
        let who = who.filter(|who| self.below.contains_key(who));
        if who.is_some_and(|who| !withheld.has(who)) {
            return None;
        }
        let more = who.map_or(0, |who| known[who]);
        let bound = match self.kind {
            RequirementKind::Less(lower) => {
                let withheld = self.below.iter().filter(|(cell, _)| withheld.has(**cell));
                let low: i64 = withheld.map(|(_, less)| -less).sum();
                // Insiders of the cell know of more children, here or in another table, which raises low for them. Nobody
                // asks for more than the protection level.
                let change = (low + more).max(-lower);
                ChangeBound::AtMost(elsewhere.map_or(change, |least| change.max(least)))
            }
            RequirementKind::More(upper) => ChangeBound::AtLeast(upper),
            RequirementKind::Large { low, threshold, count } => {
                // This is the second condition of the promise, with the low of the one who asks.
                let low = elsewhere.map_or(low, |least| low.max(count + least));
                ChangeBound::AtLeast(threshold.max(low + more + threshold - 1) - count)
            }
        };
        // The truth is a world of every pattern, so that it needs no other.
        (!bound.is_met(0)).then_some(bound)
    }

    /// Whether someone in an inner cell asks otherwise than an outsider.
    pub(crate) fn is_below(&self, who: ComponentCellId) -> bool {
        self.below.contains_key(&who) || self.elsewhere.contains_key(&who)
    }

    /// The cells of a pattern, forced ones aside, but for which less might be asked of a smaller one.
    pub(crate) fn pinned(
        &self,
        known: &IdVec<ComponentCellId, i64>,
        forced: &CellSet,
        withheld: &CellSet,
        who: Option<ComponentCellId>,
    ) -> Vec<ComponentCellId> {
        let RequirementKind::Less(lower) = self.kind else { return Vec::new() };
        let who = who.filter(|who| self.below.contains_key(who));
        // A smaller pattern asks as much if the cells that it withholds below this one take it as low as is asked. The
        // list has as few free cells as reach that: a clause with fewer exceptions says more.
        let mut needed = lower.saturating_add(who.map_or(0, |who| known[who]));
        let mut pinned = Vec::new();
        let mut below: Vec<(ComponentCellId, i64)> =
            self.below.iter().map(|(&c, &less)| (c, less)).collect();
        below.retain(|&(cell, less)| withheld.has(cell) && less > 0);
        below.sort_by_key(|&(cell, less)| {
            (!forced.has(cell) && who != Some(cell), std::cmp::Reverse(less), cell)
        });
        for (cell, less) in below {
            // As soon as the cell may be as little as is asked, the others make no difference.
            if needed <= 0 {
                break;
            }
            needed -= less;
            if !forced.has(cell) {
                pinned.push(cell);
            }
        }
        pinned
    }
}

/// The inner cells that decide how little an origin's cell may be: of a small one, those with anyone in them,
/// for the others add nothing either way.
pub(crate) fn deciding(cells: &Cells<'_>, origin: RequirementOrigin) -> Vec<CellId> {
    match origin {
        RequirementOrigin::Small(cell) => requirements::inner_of(cells, cell),
        RequirementOrigin::UnsafeByRule(cell, _) => cells.inner_below(cell),
        // Remainders are asked about where respondents are declared, and nothing is sought there.
        RequirementOrigin::Class { .. } | RequirementOrigin::Remainder(_) => Vec::new(),
    }
}

/// Returns what an origin asks, in a component's numbers.
pub(crate) fn requirements(
    cells: &Cells<'_>,
    origin: RequirementOrigin,
    local: &BTreeMap<CellId, ComponentCellId>,
    forced: &CellSet,
) -> Vec<ComponentRequirement> {
    match origin {
        RequirementOrigin::Small(cell) => of_small(cells, origin, cell, local, forced),
        RequirementOrigin::UnsafeByRule(cell, level) => {
            of_unsafe_by_rule(cells, origin, cell, level, local)
        }
        RequirementOrigin::Remainder(_) => Vec::new(),
        RequirementOrigin::Class { group, inside } => {
            let threshold = cells.set.policy.threshold as i64;
            let missing = threshold - (cells.count[group] - cells.count[inside]);
            let requirement = ComponentRequirement {
                terms: numbered(&[(group, 1), (inside, -1)], local),
                kind: RequirementKind::More(missing),
                below: BTreeMap::new(),
                elsewhere: BTreeMap::new(),
            };
            if missing > 0 { vec![requirement] } else { Vec::new() }
        }
    }
}

/// Returns what a small cell asks: to be as much as the promise says, and as little as the rules let it be.
fn of_small(
    cells: &Cells<'_>,
    origin: RequirementOrigin,
    cell: CellId,
    local: &BTreeMap<CellId, ComponentCellId>,
    forced: &CellSet,
) -> Vec<ComponentRequirement> {
    let threshold = cells.set.policy.threshold as i64;
    let (below, count) = (below(cells, origin, local), cells.count[cell]);
    // Inner cells below a small cell are small or empty, so that all with children are forced: low is the same in
    // every pattern.
    let withheld = below.iter().filter(|(inner, _)| forced.has(**inner));
    let low = count - withheld.map(|(_, less)| less).sum::<i64>();
    // The cells within it in other tables are small too, and withheld in every pattern.
    let floor = requirements::least_by_others(cells, cell, |_| true);
    let low = low.max(floor);
    let large = ComponentRequirement {
        terms: numbered(&[(cell, 1)], local),
        kind: RequirementKind::Large { low, threshold, count },
        below: below.clone(),
        elsewhere: elsewhere(cells, cell, local),
    };
    // No world has it at less than the rules let it be: to be less by so much is no bound.
    let less = if floor > 0 { count - floor } else { i64::MAX };
    let little = ComponentRequirement {
        terms: large.terms.clone(),
        kind: RequirementKind::Less(less),
        below,
        elsewhere: large.elsewhere.clone(),
    };
    vec![large, little]
}

/// Returns what a cell that is unsafe by rule asks: to be less and more by its protection level.
fn of_unsafe_by_rule(
    cells: &Cells<'_>,
    origin: RequirementOrigin,
    cell: CellId,
    ProtectionLevel { lower, upper, .. }: ProtectionLevel,
    local: &BTreeMap<CellId, ComponentCellId>,
) -> Vec<ComponentRequirement> {
    let terms = numbered(&[(cell, 1)], local);
    let mut requirements = vec![ComponentRequirement {
        terms: terms.clone(),
        kind: RequirementKind::Less(i64::try_from(lower).unwrap_or(i64::MAX)),
        below: below(cells, origin, local),
        elsewhere: BTreeMap::new(),
    }];
    // A child below asks for no more than an outsider.
    if upper > 0 {
        requirements.push(ComponentRequirement {
            terms,
            kind: RequirementKind::More(i64::try_from(upper).unwrap_or(i64::MAX)),
            below: BTreeMap::new(),
            elsewhere: BTreeMap::new(),
        });
    }
    requirements
}

/// The inner cells that decide how little an origin's cell may be, and by how much less each can be.
fn below(
    cells: &Cells<'_>,
    origin: RequirementOrigin,
    local: &BTreeMap<CellId, ComponentCellId>,
) -> BTreeMap<ComponentCellId, i64> {
    let here = |inner: CellId| {
        Some((*local.get(&inner)?, cells.count[inner] - cells.least_withheld(inner)))
    };
    deciding(cells, origin).into_iter().filter_map(here).collect()
}

/// A sum in a component's numbers. A cell that cannot change is in none.
fn numbered(
    terms: &[(CellId, i64)],
    local: &BTreeMap<CellId, ComponentCellId>,
) -> Vec<(ComponentCellId, i64)> {
    let here = |&(cell, sign): &(CellId, i64)| Some((*local.get(&cell)?, sign));
    terms.iter().filter_map(here).collect()
}

/// Those in inner cells of other tables that lie within a small cell, and the least that it changes by to each.
fn elsewhere(
    cells: &Cells<'_>,
    cell: CellId,
    local: &BTreeMap<CellId, ComponentCellId>,
) -> BTreeMap<ComponentCellId, i64> {
    let mut elsewhere = BTreeMap::new();
    for finer in cells.within.get(&cell).into_iter().flatten() {
        let least: i64 = finer.iter().map(|&inner| cells.least_withheld(inner)).sum();
        for inner in finer.iter().filter(|&&inner| cells.insiders[inner] > 0) {
            let Some(&here) = local.get(inner) else { continue };
            elsewhere.insert(here, least + cells.insiders[*inner] - cells.count[cell]);
        }
    }
    elsewhere
}

#[cfg(test)]
mod tests {
    use minster_model::{
        NodeId,
        policy::{Costs, Policy, Zeros},
        table::{CountTable, Sensitive, TableSet},
    };

    use super::*;
    use crate::{problem::requirements::InsiderCondition, test_tables::flat};

    /// Two areas by three kinds, with a small area, a large one that is unsafe by rule, and a sensitive kind.
    fn set(zeros: Zeros, insider: u64, level: ProtectionLevel) -> TableSet {
        let sensitive = vec![Sensitive { dimension: 1, categories: vec![NodeId(1)] }];
        let dimensions = vec![flat("area", 2), flat("kind", 3)];
        let table = CountTable::new("t", dimensions, vec![1, 0, 2, 9, 3, 8], sensitive).unwrap();
        let table = table.with_protection_levels(vec![level]).unwrap();
        TableSet { tables: vec![table], policy: Policy { insider, ..Policy::new(5, zeros) } }
    }

    fn cell_set(cells: impl IntoIterator<Item = ComponentCellId>) -> CellSet {
        let mut cell_set = CellSet::none(12);
        cells.into_iter().for_each(|cell| cell_set.put(cell));
        cell_set
    }

    /// The component is the whole table, with the same numbers.
    fn requirements_of(
        cells: &Cells<'_>,
        origin: RequirementOrigin,
    ) -> (Vec<ComponentRequirement>, CellSet) {
        let local = cells.ids().map(|cell| (cell, here(cell))).collect();
        let forced =
            cell_set(cells.ids().filter(|&cell| requirements::is_primary(cells, cell)).map(here));
        (requirements(cells, origin, &local, &forced), forced)
    }

    fn known(cells: &Cells<'_>) -> IdVec<ComponentCellId, i64> {
        cells.insiders.iter().copied().collect()
    }

    fn change(bound: ChangeBound) -> f64 {
        match bound {
            ChangeBound::AtMost(change) | ChangeBound::AtLeast(change) => change as f64,
        }
    }

    /// The component's number of a cell: it is the whole table.
    fn here(cell: CellId) -> ComponentCellId {
        ComponentCellId(cell.0)
    }

    fn told(terms: &[(ComponentCellId, i64)], who: Option<ComponentCellId>, change: f64) -> String {
        format!("{terms:?} by {change} for {who:?}")
    }

    /// One world for all insiders is what one of them asks who knows most.
    fn is_compared(cells: &Cells<'_>, change: f64) -> bool {
        cells.set.policy.insider == 0 || change < 0.0
    }

    fn required(cells: &Cells<'_>, origin: RequirementOrigin, withheld: &CellSet) -> Vec<String> {
        let pattern: IdVec<CellId, bool> =
            cells.ids().map(|cell| withheld.has(here(cell))).collect();
        let requirements = origin.requirements(cells, &pattern).into_iter();
        let of = requirements.filter(|requirement| is_compared(cells, requirement.change)).map(
            |requirement| {
                let terms = requirement.terms().map(|(cell, sign)| (here(cell), sign as i64));
                let who = match requirement.insiders {
                    InsiderCondition::One(who) => Some(here(who)),
                    _ => None,
                };
                told(&terms.collect::<Vec<_>>(), who, requirement.change)
            },
        );
        let mut required: Vec<String> = of.collect();
        required.sort();
        required
    }

    fn asked(
        cells: &Cells<'_>,
        origin: RequirementOrigin,
        requirements: &[ComponentRequirement],
        withheld: &CellSet,
    ) -> Vec<String> {
        let mut asked = Vec::new();
        for requirement in requirements {
            let insiders = requirement.below.keys().copied().filter(|who| {
                matches!(origin, RequirementOrigin::Small(_)) && known(cells)[*who] > 0
            });
            for who in std::iter::once(None).chain(insiders.map(Some)) {
                let bound = requirement.bound(&known(cells), withheld, who);
                let change = bound.map(change).filter(|by| is_compared(cells, *by));
                asked.extend(change.map(|change| told(&requirement.terms, who, change)));
            }
        }
        asked.sort();
        asked
    }

    #[test]
    fn a_component_requires_what_its_origins_require() {
        let policies = [
            (Zeros::Published, 0),
            (Zeros::MayBeWithheld, 0),
            (Zeros::Unsafe, 0),
            (Zeros::MayBeWithheld, 1),
            (Zeros::MayBeWithheld, 2),
        ];
        let levels = [(3, 2), (25, 1), (0, 4), (4, 0)];
        let all = policies.iter().flat_map(|policy| levels.map(|level| (*policy, level)));
        for ((zeros, insider), (lower, upper)) in all {
            let set = set(zeros, insider, ProtectionLevel { cell: 8, lower, upper });
            let cells = Cells::new(&set, Costs::default());
            for origin in requirements::origins(&cells) {
                let (requirements, forced) = requirements_of(&cells, origin);
                for also in [vec![], vec![9], vec![9, 11]] {
                    let also = also.into_iter().map(ComponentCellId);
                    let withheld = cell_set(forced.iter().chain(also));
                    assert_eq!(
                        asked(&cells, origin, &requirements, &withheld),
                        required(&cells, origin, &withheld),
                        "{origin:?} {zeros:?} {insider}"
                    );
                }
            }
        }
    }

    #[test]
    fn what_is_pinned_is_what_a_smaller_pattern_could_be_asked_less_without() {
        for (insider, lower) in
            (0..3).flat_map(|insider| (1..25).map(move |lower| (insider, lower)))
        {
            let level = ProtectionLevel { cell: 8, lower, upper: 1 };
            let set = set(Zeros::MayBeWithheld, insider, level);
            let cells = Cells::new(&set, Costs::default());
            let (requirements, forced) =
                requirements_of(&cells, RequirementOrigin::UnsafeByRule(CellId(8), level));
            let requirement = &requirements[0];
            let [nine, ten, eleven] = [9, 10, 11].map(ComponentCellId);
            let wholes = [&[nine, eleven][..], &[nine], &[eleven]];
            let cases = wholes.iter().flat_map(|free| {
                [None, Some(nine), Some(ten), Some(eleven)]
                    .map(|who| (cell_set(forced.iter().chain(free.iter().copied())), *free, who))
            });
            for (whole, free, who) in cases {
                // A child in a published cell asks as everyone does.
                let asked = |pattern: &CellSet| {
                    let who = who.filter(|who| pattern.has(*who));
                    requirement.bound(&known(&cells), pattern, who).map_or(0.0, change)
                };
                let pinned = requirement.pinned(&known(&cells), &forced, &whole, who);
                let smaller = |left: &[ComponentCellId]| {
                    let all = (0..8u8).map(|some| {
                        free.iter().copied().filter(move |cell| some >> (cell.0 - 9) & 1 == 1)
                    });
                    let forced = &forced;
                    let left = left.to_vec();
                    all.map(move |some| cell_set(forced.iter().chain(some).chain(left.clone())))
                        .collect::<Vec<_>>()
                };
                assert!(
                    smaller(&pinned).iter().all(|pattern| asked(pattern) <= asked(&whole)),
                    "{insider} {lower} {who:?}"
                );
                // The asking child is pinned, though others might do.
                for cell in pinned.iter().filter(|_| who.is_none()) {
                    let without: Vec<_> = pinned.iter().copied().filter(|of| of != cell).collect();
                    assert!(
                        smaller(&without).iter().any(|pattern| asked(pattern) > asked(&whole)),
                        "{insider} {lower} {who:?} {cell}"
                    );
                }
            }
        }
    }
}
