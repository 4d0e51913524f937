use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use minster_model::{
    rounding::Rounding,
    table::{AlternativeTable, CountTable, Pattern, TableSet},
};

use crate::{
    rounded::{
        integer_program,
        interval_propagation::Relations,
        local_search::{DraftAlternative, RangeSums},
        ranges::{self, Range},
        requirements::{self, RoundedRequirement},
    },
    shared::{
        bound::Bound,
        linked_tables,
        refusal::{Failure, FailureReason, Refusal},
        releasable::{Certified, ReleasableSet},
    },
};

/// Requires for which a whole-number program is tried, at most; what is left counts as not shown.
const PROGRAMS: usize = 400;

/// Attacks tables of which every number is published rounded or perturbed: one list of numbers a table, by
/// cell number, empty for a table that was published before.
///
/// The attacker knows the rule, so that each number tells a *range* of the true count; that counts are whole
/// and add up; and what was published before. For each small cell, some world must have it at the least and
/// some at the most of its own range: all numbers together then say no more about it than its own does.
/// For a group that a sensitive category would disclose, and for tables published before, the requirements are
/// those of [`verify`](crate::verify).
///
/// # Errors
/// [`Refusal::Shape`], [`Refusal::Standing`] and [`Refusal::Rule`] for numbers that are not the rule's;
/// [`Refusal::Unprotected`] names cells of which the range is narrowed. Where single sums narrow some already,
/// no others are looked for.
pub fn verify_rounded(
    set: TableSet,
    published: Vec<Vec<u64>>,
    rule: Rounding,
) -> Result<ReleasableSet, Refusal> {
    let (ranges, requirements) = read(&set, &published, rule)?;
    let relations = Relations::new(&set);
    // The truth is within them, so that none is empty.
    let narrowed = relations.narrowed(&ranges).ok_or(Refusal::Shape)?;
    let failures = seen_at_once(&set, &narrowed, &requirements);
    if !failures.is_empty() {
        return Err(Refusal::Unprotected(failures));
    }
    let within = RangeSums::new(&set, &narrowed);
    let mut search = RoundedSearch::new(&set, &published, &within);
    for requirement in &requirements {
        if !search.look_for(requirement) {
            search.look_closer(&set, requirement, &relations, &narrowed);
        }
    }
    let Certified { alternatives, .. } = shown(&set, &ranges, &requirements, search.alternatives)?;
    let patterns = patterns(&set);
    Ok(ReleasableSet::new_rounded(set, patterns, published, rule, alternatives))
}

/// Checks again, by adding up alone, that these certificates show what [`verify_rounded`] promises.
///
/// # Errors
/// As [`verify_rounded`]; a requirement that no certificate meets is in [`Refusal::Unprotected`].
pub fn certify_rounded(
    set: &TableSet,
    published: &[Vec<u64>],
    rule: Rounding,
    certificates: &[AlternativeTable],
) -> Result<Certified, Refusal> {
    let (ranges, requirements) = read(set, published, rule)?;
    let mut failures = seen_at_once(set, &ranges, &requirements);
    let sums = RangeSums::new(set, &ranges);
    let proposed =
        certificates.iter().filter_map(|alternative| sums.changes(set, alternative)).collect();
    match shown(set, &ranges, &requirements, proposed) {
        Ok(certified) if failures.is_empty() => Ok(certified),
        Ok(_) => Err(Refusal::Unprotected(failures)),
        Err(Refusal::Unprotected(more)) => {
            failures.extend(more);
            Err(Refusal::Unprotected(failures))
        }
        Err(refusal) => Err(refusal),
    }
}

/// Each cell's own range, and what the promise requires, once the numbers are seen to be the rule's.
fn read(
    set: &TableSet,
    published: &[Vec<u64>],
    rule: Rounding,
) -> Result<(Vec<Vec<Range>>, Vec<RoundedRequirement>), Refusal> {
    linked_tables::check(set)?;
    let ranges = ranges::ranges(set, published, rule)?;
    for table in &set.tables {
        if set.policy.is_small(table.inner().iter().sum()) {
            return Err(Refusal::GrandTotal { table: table.name().to_owned() });
        }
    }
    let requirements = requirements::requirements(set, &ranges);
    Ok((ranges, requirements))
}

/// Returns what these changes of the true counts show, of which only those count that add up.
fn shown(
    set: &TableSet,
    ranges: &[Vec<Range>],
    requirements: &[RoundedRequirement],
    proposed: Vec<BTreeMap<usize, i64>>,
) -> Result<Certified, Refusal> {
    let sums = RangeSums::new(set, ranges);
    let shown = FittingAlternatives::new(&sums, proposed);
    let (mut count, mut used) = (0, BTreeSet::new());
    let mut failures = Vec::new();
    for requirement in requirements {
        match shown.meeting(&sums, requirement) {
            Some(met) => {
                count += usize::from(met.is_some());
                used.extend(met);
            }
            None => failures.push(requirement.failure()),
        }
    }
    match failures.is_empty() {
        true => Ok(Certified {
            requirements: count,
            alternatives: shown.alternatives(set, &sums, &used),
        }),
        false => Err(Refusal::Unprotected(failures)),
    }
}

/// Worlds that further requirements are tried in.
const OPEN: usize = 4;

/// Cells that must not be published at all, and ranges that single sums narrow.
fn seen_at_once(
    set: &TableSet,
    narrowed: &[Vec<Range>],
    requirements: &[RoundedRequirement],
) -> Vec<Failure> {
    let mut failures = Vec::new();
    for (table, count_table) in
        set.tables.iter().enumerate().filter(|(_, t)| t.published_pattern().is_none())
    {
        let reason = FailureReason::SmallPublished;
        let unsafe_by_rule = count_table.protection_levels().iter();
        failures.extend(unsafe_by_rule.map(|level| Failure { table, cell: level.cell, reason }));
    }
    for requirement in requirements.iter().filter(|requirement| requirement.is_cell) {
        let Range { low, high } = narrowed[requirement.table][requirement.cell];
        let reached = match requirement.bound {
            Bound::AtMost(most) => low <= most,
            Bound::AtLeast(least) => high >= least,
        };
        if !reached {
            failures.push(requirement.failure());
        }
    }
    failures
}

/// Looks for a world for each requirement, in the ones it has first.
struct RoundedSearch<'a> {
    sums: &'a RangeSums,
    /// Where a search starts: the published numbers, where they are a world themselves, and the truth.
    starts: Vec<DraftAlternative<'a>>,
    /// Worlds that may meet further requirements, and their places among the worlds, the newest first.
    open: VecDeque<(DraftAlternative<'a>, usize)>,
    alternatives: Vec<BTreeMap<usize, i64>>,
    programs: usize,
}

impl<'a> RoundedSearch<'a> {
    fn new(set: &TableSet, published: &[Vec<u64>], sums: &'a RangeSums) -> Self {
        let mut numbers = Vec::new();
        for (table, published) in set.tables.iter().zip(published) {
            match table.published_pattern() {
                Some(_) => numbers.extend(table.inner().iter().map(|&count| count as i64)),
                None => {
                    let inner = table.inner_cells();
                    numbers.extend(inner.into_iter().map(|cell| published[cell] as i64));
                }
            }
        }
        let starts =
            [numbers, sums.truth.clone()].map(|counts| DraftAlternative::new(sums, counts));
        let starts = starts.into_iter().filter(DraftAlternative::fits).collect();
        Self { sums, starts, open: VecDeque::new(), alternatives: Vec::new(), programs: 0 }
    }

    /// Whether moving single children found a world, or one meets the requirement already.
    fn look_for(&mut self, requirement: &RoundedRequirement) -> bool {
        let inner = requirement.places(self.sums);
        let truth: i64 = inner.iter().map(|&inner| self.sums.truth[inner]).sum();
        if is_met(truth, requirement.bound) {
            return true;
        }
        for (draft, place) in &mut self.open {
            if draft.meet(&inner, requirement.bound) {
                self.alternatives[*place] = draft.changes();
                return true;
            }
        }
        for start in &self.starts {
            let mut draft = start.clone();
            if draft.meet(&inner, requirement.bound) {
                let place = self.alternatives.len();
                self.alternatives.push(draft.changes());
                self.open.truncate(OPEN - 1);
                self.open.push_front((draft, place));
                return true;
            }
        }
        false
    }

    /// Takes the requirement for met, narrows all ranges by that, and looks again, with a whole-number program
    /// at last.
    fn look_closer(
        &mut self,
        set: &TableSet,
        requirement: &RoundedRequirement,
        relations: &Relations,
        narrowed: &[Vec<Range>],
    ) {
        let mut ranges = narrowed.to_vec();
        if requirement.is_cell {
            let range = &mut ranges[requirement.table][requirement.cell];
            match requirement.bound {
                Bound::AtMost(most) => range.high = range.high.min(most),
                Bound::AtLeast(least) => range.low = range.low.max(least),
            }
            match relations.narrowed(&ranges) {
                Some(narrowed) => ranges = narrowed,
                None => return,
            }
        }
        self.programs += 1;
        if self.programs > PROGRAMS {
            return;
        }
        let within = RangeSums::new(set, &ranges);
        let inner = requirement.places(&within);
        let nearest =
            within.truth.iter().zip(&within.own).map(|(t, own)| *t.clamp(&own.low, &own.high));
        let mut draft = DraftAlternative::new(&within, nearest.collect());
        match draft.meet(&inner, requirement.bound) {
            true => self.alternatives.push(draft.changes()),
            false => self.alternatives.extend(integer_program::solve(
                self.sums,
                &inner,
                requirement.bound,
            )),
        }
    }
}

/// Worlds that add up, found again by the inner cells that they alter.
struct FittingAlternatives {
    alternatives: Vec<BTreeMap<usize, i64>>,
    altering: HashMap<usize, Vec<usize>>,
}

impl FittingAlternatives {
    fn new(sums: &RangeSums, proposed: Vec<BTreeMap<usize, i64>>) -> Self {
        let alternatives: Vec<_> =
            proposed.into_iter().filter(|alternative| sums.fits(alternative)).collect();
        let mut altering: HashMap<usize, Vec<usize>> = HashMap::new();
        for (number, alternative) in alternatives.iter().enumerate() {
            alternative.keys().for_each(|&inner| altering.entry(inner).or_default().push(number));
        }
        Self { alternatives, altering }
    }

    /// The world that meets a requirement: none where the truth itself does.
    fn meeting(&self, sums: &RangeSums, requirement: &RoundedRequirement) -> Option<Option<usize>> {
        let inner = requirement.places(sums);
        let truth: i64 = inner.iter().map(|&inner| sums.truth[inner]).sum();
        if is_met(truth, requirement.bound) {
            return Some(None);
        }
        let meets = |number: &usize| {
            let changes = &self.alternatives[*number];
            let change: i64 = inner.iter().filter_map(|inner| changes.get(inner)).sum();
            is_met(truth + change, requirement.bound)
        };
        let altering = inner.iter().filter_map(|inner| self.altering.get(inner)).flatten();
        altering.copied().find(meets).map(Some)
    }

    /// The worlds that met a requirement, in order, each once.
    fn alternatives(
        &self,
        set: &TableSet,
        sums: &RangeSums,
        used: &BTreeSet<usize>,
    ) -> Vec<AlternativeTable> {
        let alternative = |&number: &usize| AlternativeTable {
            counts: self.alternatives[number]
                .iter()
                .map(|(&inner, change)| {
                    let table = sums.first.partition_point(|&first| first <= inner) - 1;
                    let place = inner - sums.first[table];
                    let count = set.tables[table].inner()[place].saturating_add_signed(*change);
                    (table, place, count)
                })
                .collect(),
        };
        used.iter().map(alternative).collect::<BTreeSet<AlternativeTable>>().into_iter().collect()
    }
}

fn is_met(value: i64, bound: Bound) -> bool {
    match bound {
        Bound::AtMost(most) => value <= most,
        Bound::AtLeast(least) => value >= least,
    }
}

/// Returns what is withheld where every number is published: nothing but what was withheld before.
fn patterns(set: &TableSet) -> Vec<Pattern> {
    let pattern = |table: &CountTable| {
        let none = || Pattern { withheld: vec![false; table.cell_count()] };
        table.published_pattern().cloned().unwrap_or_else(none)
    };
    set.tables.iter().map(pattern).collect()
}

#[cfg(test)]
mod tests {
    use minster_model::{
        policy::{Policy, Zeros},
        table::{CountTable, Hierarchy, ProtectionLevel},
    };

    use super::*;

    #[test]
    fn a_bound_is_met_up_to_itself() {
        let at_most = [4, 5, 6].map(|value| is_met(value, Bound::AtMost(5)));
        let at_least = [4, 5, 6].map(|value| is_met(value, Bound::AtLeast(5)));
        assert_eq!((at_most, at_least), ([true, true, false], [false, true, true]));
    }

    #[test]
    fn a_cell_that_is_never_published_is_seen_again_too() {
        let sex = Hierarchy::flat("sex", "all", ["F".into(), "M".into()]).unwrap();
        let table = CountTable::new("t", vec![sex], vec![10, 15], vec![]).unwrap();
        let published = vec![table.cell_counts()];
        let of = |unsafe_by_rule| {
            let tables = vec![table.clone().with_protection_levels(unsafe_by_rule).unwrap()];
            TableSet { tables, policy: Policy::new(5, Zeros::Published) }
        };
        let rule = Rounding::Nearest { base: 5 };
        assert!(certify_rounded(&of(vec![]), &published, rule, &[]).is_ok());
        let never = of(vec![ProtectionLevel { cell: 1, lower: 5, upper: 5 }]);
        let failure = Failure { table: 0, cell: 1, reason: FailureReason::SmallPublished };
        let refused = Refusal::Unprotected(vec![failure]);
        assert_eq!(certify_rounded(&never, &published, rule, &[]), Err(refused.clone()));
        assert_eq!(verify_rounded(never, published, rule).unwrap_err(), refused);
    }
}
