use std::collections::{BTreeSet, HashMap, VecDeque};

use minster_model::{
    IdVec, TableId, id,
    rounding::Rounding,
    table::{AlternativeTable, Pattern, TableSet},
};

use crate::{
    rounded::{
        integer_program,
        interval_propagation::Relations,
        local_search::{Changes, DraftAlternative, PlaceId, RangeSums},
        ranges::{self, Range, Ranges},
        requirements::{self, RoundedRequirement},
    },
    shared::{
        bound::Bound,
        id_slice::IdSlice,
        linked_tables,
        refusal::{Failure, FailureReason, Refusal},
        releasable::{Certified, ReleasableSet},
        typed::{TableCell, TypedSet, TypedTable},
    },
};

id! {
    /// The place of a world among those that were found.
    FoundId
}

id! {
    /// The number of a world that adds up.
    AlternativeId
}

/// Requirements for which a whole-number program is tried, at most; what is left counts as not shown.
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
    let (ranges, requirements) = read(&set, IdSlice::new(&published), rule)?;
    let relations = Relations::new(&set);
    // The truth is within them, so that none is empty.
    let narrowed = relations.narrowed(&ranges).ok_or(Refusal::Shape)?;
    let failures = seen_at_once(&set, &narrowed, &requirements);
    if !failures.is_empty() {
        return Err(Refusal::Unprotected(failures));
    }
    let within = RangeSums::new(&set, &narrowed);
    let mut search = RoundedSearch::new(&set, IdSlice::new(&published), &within);
    for requirement in &requirements {
        if !search.look_for(requirement) {
            search.look_closer(&set, requirement, &relations, &narrowed);
        }
    }
    // Whatever found a world, only what adds up within the published ranges counts, narrowed ones being a help to find it.
    let found = search.alternatives.into_iter().collect();
    let Certified { alternatives, .. } = shown(&set, &ranges, &requirements, found)?;
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
    let (ranges, requirements) = read(set, IdSlice::new(published), rule)?;
    let mut failures = seen_at_once(set, &ranges, &requirements);
    let sums = RangeSums::new(set, &ranges);
    // One that names a cell that does not exist is no world, and shows nothing.
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
    published: IdSlice<'_, TableId, Vec<u64>>,
    rule: Rounding,
) -> Result<(Ranges, Vec<RoundedRequirement>), Refusal> {
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
    ranges: &Ranges,
    requirements: &[RoundedRequirement],
    proposed: Vec<Changes>,
) -> Result<Certified, Refusal> {
    let sums = RangeSums::new(set, ranges);
    let shown = FittingAlternatives::new(&sums, proposed);
    let (mut count, mut used) = (0, BTreeSet::new());
    let mut failures = Vec::new();
    for requirement in requirements {
        match shown.meeting(&sums, requirement) {
            Some(Shown::ByTruth) => {}
            Some(Shown::By(alternative)) => {
                count += 1;
                used.insert(alternative);
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
    narrowed: &Ranges,
    requirements: &[RoundedRequirement],
) -> Vec<Failure> {
    let mut failures = Vec::new();
    let new = set.by_table().enumerate().filter(|(_, of)| of.published_pattern().is_none());
    for (table, count_table) in new {
        // A rounded number is near the true one: what is never to be published is not to be published rounded.
        let levels = count_table.protection_levels().iter();
        failures.extend(levels.map(|level| {
            Failure::new(table, TableCell(level.cell), FailureReason::SmallPublished)
        }));
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
    /// Worlds that may meet further requirements, the newest first.
    open: VecDeque<(DraftAlternative<'a>, FoundId)>,
    alternatives: IdVec<FoundId, Changes>,
    programs: usize,
}

impl<'a> RoundedSearch<'a> {
    fn new(set: &TableSet, published: IdSlice<'_, TableId, Vec<u64>>, sums: &'a RangeSums) -> Self {
        let mut numbers = IdVec::new();
        for (table, published) in set.tables.iter().zip(published) {
            match table.published_pattern() {
                Some(_) => numbers.extend(table.inner().iter().map(|&count| count as i64)),
                None => {
                    let published: IdSlice<'_, TableCell, u64> = IdSlice::new(published);
                    let inner = table.cells_of_inner();
                    numbers.extend(inner.into_iter().map(|cell| published[cell] as i64));
                }
            }
        }
        // The published numbers first: they are in the middle of their ranges, so that most ends are near.
        let starts =
            [numbers, sums.truth.clone()].map(|counts| DraftAlternative::new(sums, counts));
        let starts = starts.into_iter().filter(DraftAlternative::fits).collect();
        Self { sums, starts, open: VecDeque::new(), alternatives: IdVec::new(), programs: 0 }
    }

    /// Whether moving single children found a world, or one meets the requirement already.
    fn look_for(&mut self, requirement: &RoundedRequirement) -> bool {
        let places = requirement.places(self.sums);
        if requirement.bound.is_met(self.sums.true_sum(&places)) {
            return true;
        }
        // One world for many requirements: fewer certificates, and fewer searches.
        for (draft, found) in &mut self.open {
            if draft.meet(&places, requirement.bound) {
                self.alternatives[*found] = draft.changes();
                return true;
            }
        }
        for start in &self.starts {
            let mut draft = start.clone();
            if draft.meet(&places, requirement.bound) {
                let found = self.alternatives.push(draft.changes());
                self.open.truncate(OPEN - 1);
                self.open.push_front((draft, found));
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
        narrowed: &Ranges,
    ) {
        let mut ranges = narrowed.clone();
        if requirement.is_cell {
            let range = &mut ranges[requirement.table][requirement.cell];
            match requirement.bound {
                Bound::AtMost(most) => range.high = range.high.min(most),
                Bound::AtLeast(least) => range.low = range.low.max(least),
            }
            // An empty range is a proof that no world meets the requirement: it stays unmet, and counts as failed.
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
        let places = requirement.places(&within);
        // The truth may be outside the narrowed ranges: the counts next to it inside them are the start.
        let truth = within.truth.iter().zip(&within.own);
        let nearest = truth.map(|(truth, own)| *truth.clamp(&own.low, &own.high)).collect();
        let mut draft = DraftAlternative::new(&within, nearest);
        let found = match draft.meet(&places, requirement.bound) {
            true => Some(draft.changes()),
            false => integer_program::solve(self.sums, &places, requirement.bound),
        };
        self.alternatives.extend(found);
    }
}

/// The evidence that a requirement is met.
enum Shown {
    /// The truth itself.
    ByTruth,
    /// A world.
    By(AlternativeId),
}

/// Worlds that add up, found again by the inner cells that they alter.
struct FittingAlternatives {
    alternatives: IdVec<AlternativeId, Changes>,
    altering: HashMap<PlaceId, Vec<AlternativeId>>,
}

impl FittingAlternatives {
    fn new(sums: &RangeSums, proposed: Vec<Changes>) -> Self {
        let alternatives: IdVec<AlternativeId, Changes> =
            proposed.into_iter().filter(|alternative| sums.fits(alternative)).collect();
        let mut altering: HashMap<PlaceId, Vec<AlternativeId>> = HashMap::new();
        for (number, alternative) in alternatives.enumerate() {
            alternative.keys().for_each(|&place| altering.entry(place).or_default().push(number));
        }
        Self { alternatives, altering }
    }

    /// The evidence that a requirement is met, if there is any.
    fn meeting(&self, sums: &RangeSums, requirement: &RoundedRequirement) -> Option<Shown> {
        let places = requirement.places(sums);
        let truth = sums.true_sum(&places);
        if requirement.bound.is_met(truth) {
            return Some(Shown::ByTruth);
        }
        // A world with another sum than the true one alters one of its cells: no other needs to be looked at.
        let altering = places.iter().filter_map(|place| self.altering.get(place)).flatten();
        let mut meeting = altering.copied().filter(|&number| {
            let changes = &self.alternatives[number];
            let change: i64 = places.iter().filter_map(|place| changes.get(place)).sum();
            requirement.bound.is_met(truth + change)
        });
        meeting.next().map(Shown::By)
    }

    /// The worlds that met a requirement, in order, each once.
    fn alternatives(
        &self,
        set: &TableSet,
        sums: &RangeSums,
        used: &BTreeSet<AlternativeId>,
    ) -> Vec<AlternativeTable> {
        let alternatives: BTreeSet<AlternativeTable> =
            used.iter().map(|&number| table_of(set, sums, &self.alternatives[number])).collect();
        alternatives.into_iter().collect()
    }
}

/// The world that differs from the truth by these changes.
fn table_of(set: &TableSet, sums: &RangeSums, changes: &Changes) -> AlternativeTable {
    let counts = changes.iter().map(|(&place, &change)| {
        let (table, inner) = sums.inner_cell(place);
        let truth = set.table(table).by_inner()[inner];
        (table.0, inner.0, truth.saturating_add_signed(change))
    });
    AlternativeTable { counts: counts.collect() }
}

/// Returns what is withheld where every number is published: nothing but what was withheld before.
fn patterns(set: &TableSet) -> Vec<Pattern> {
    set.tables
        .iter()
        .map(|table| match table.published_pattern() {
            Some(published) => published.clone(),
            None => Pattern { withheld: vec![false; table.cell_count()] },
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use minster_model::{
        policy::{Policy, Zeros},
        table::{CountTable, Hierarchy, ProtectionLevel},
    };

    use super::*;

    #[test]
    fn a_cell_that_is_never_published_is_seen_again_too() {
        let sex = Hierarchy::flat("sex", "all", ["F".into(), "M".into()]).unwrap();
        let table = CountTable::new("t", vec![sex], vec![10, 15], vec![]).unwrap();
        let published = vec![table.cell_counts()];
        let levels = vec![ProtectionLevel { cell: 1, lower: 5, upper: 5 }];
        let [shown, never] = [vec![], levels].map(|levels| {
            let tables = vec![table.clone().with_protection_levels(levels).unwrap()];
            TableSet { tables, policy: Policy::new(5, Zeros::Published) }
        });
        let rule = Rounding::Nearest { base: 5 };
        assert!(certify_rounded(&shown, &published, rule, &[]).is_ok());
        let failure = Failure { table: 0, cell: 1, reason: FailureReason::SmallPublished };
        let refused = Refusal::Unprotected(vec![failure]);
        assert_eq!(certify_rounded(&never, &published, rule, &[]), Err(refused.clone()));
        assert_eq!(verify_rounded(never, published, rule).unwrap_err(), refused);
    }
}
