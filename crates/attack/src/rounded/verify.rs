use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use minster_model::{
    rounding::Rounding,
    table::{CountTable, Pattern, TableSet, World},
};

use crate::{
    rounded::{
        integer_program,
        interval_propagation::Relations,
        local_search::{Making, Sums},
        ranges::{self, Range},
        targets::{self, Target},
    },
    shared::{
        bound::Bound,
        linked_tables,
        refusal::{Failure, FailureReason, Refusal},
        releasable::{Certified, ReleasableSet},
        world,
    },
};

/// Demands for which a whole-number program is tried, at most; what is left counts as not shown.
const PROGRAMS: usize = 400;

/// Attacks tables of which every number is published rounded or perturbed: one list of numbers a table, by
/// cell number, empty for a table that was published before.
///
/// The attacker knows the rule, so that each number tells a *range* of the true count; that counts are whole
/// and add up; and what was published before. For each small cell, some world must have it at the least and
/// some at the most of its own range: all numbers together then say no more about it than its own does.
/// For a group that a sensitive category would disclose, and for tables published before, the demands are
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
    let (ranges, targets) = read(&set, &published, rule)?;
    let relations = Relations::new(&set);
    // The truth is within them, so that none is empty.
    let narrowed = relations.narrowed(&ranges).ok_or(Refusal::Shape)?;
    let failures = seen_at_once(&set, &narrowed, &targets);
    if !failures.is_empty() {
        return Err(Refusal::Unprotected(failures));
    }
    let within = Sums::new(&set, &narrowed);
    let mut search = Search::new(&set, &published, &within);
    for target in &targets {
        if !search.look_for(target) {
            search.look_closer(&set, target, &relations, &narrowed);
        }
    }
    let Certified { worlds, .. } = shown(&set, &ranges, &targets, search.worlds)?;
    let patterns = patterns(&set);
    Ok(ReleasableSet::new_rounded(set, patterns, published, rule, worlds))
}

/// Checks again, by adding up alone, that these certificates show what [`verify_rounded`] promises.
///
/// # Errors
/// As [`verify_rounded`]; a demand that no certificate meets is in [`Refusal::Unprotected`].
pub fn certify_rounded(
    set: &TableSet,
    published: &[Vec<u64>],
    rule: Rounding,
    certificates: &[World],
) -> Result<Certified, Refusal> {
    let (ranges, targets) = read(set, published, rule)?;
    let mut failures = seen_at_once(set, &ranges, &targets);
    let sums = Sums::new(set, &ranges);
    let proposed = certificates.iter().filter_map(|world| sums.changes(set, world)).collect();
    match shown(set, &ranges, &targets, proposed) {
        Ok(certified) if failures.is_empty() => Ok(certified),
        Ok(_) => Err(Refusal::Unprotected(failures)),
        Err(Refusal::Unprotected(more)) => {
            failures.extend(more);
            Err(Refusal::Unprotected(failures))
        }
        Err(refusal) => Err(refusal),
    }
}

/// Each cell's own range, and what the promise demands, once the numbers are seen to be the rule's.
fn read(
    set: &TableSet,
    published: &[Vec<u64>],
    rule: Rounding,
) -> Result<(Vec<Vec<Range>>, Vec<Target>), Refusal> {
    linked_tables::check(set)?;
    let ranges = ranges::ranges(set, published, rule)?;
    for table in &set.tables {
        if set.policy.is_small(table.inner().iter().sum()) {
            return Err(Refusal::GrandTotal { table: table.name().to_owned() });
        }
    }
    let targets = targets::targets(set, &ranges);
    Ok((ranges, targets))
}

/// Returns what these changes of the true counts show, of which only those count that add up.
fn shown(
    set: &TableSet,
    ranges: &[Vec<Range>],
    targets: &[Target],
    proposed: Vec<BTreeMap<usize, i64>>,
) -> Result<Certified, Refusal> {
    let sums = Sums::new(set, ranges);
    let shown = Shown::new(&sums, proposed);
    let (mut demands, mut used) = (0, BTreeSet::new());
    let mut failures = Vec::new();
    for target in targets {
        match shown.meeting(&sums, target) {
            Some(met) => {
                demands += usize::from(met.is_some());
                used.extend(met);
            }
            None => failures.push(target.failure()),
        }
    }
    match failures.is_empty() {
        true => Ok(Certified { demands, worlds: shown.worlds(set, &sums, &used) }),
        false => Err(Refusal::Unprotected(failures)),
    }
}

/// Worlds that further demands are tried in.
const OPEN: usize = 4;

/// Cells that must not be published at all, and ranges that single sums narrow.
fn seen_at_once(set: &TableSet, narrowed: &[Vec<Range>], targets: &[Target]) -> Vec<Failure> {
    let mut failures = Vec::new();
    for (table, cube) in set.tables.iter().enumerate().filter(|(_, t)| t.standing().is_none()) {
        let reason = FailureReason::SmallPublished;
        let guarded = cube.guarded().iter();
        failures.extend(guarded.map(|guarded| Failure { table, cell: guarded.cell, reason }));
    }
    for target in targets.iter().filter(|target| target.is_cell) {
        let Range { low, high } = narrowed[target.table][target.cell];
        let reached = match target.bound {
            Bound::AtMost(most) => low <= most,
            Bound::AtLeast(least) => high >= least,
        };
        if !reached {
            failures.push(target.failure());
        }
    }
    failures
}

/// Looks for a world for each demand, in the ones it has first.
struct Search<'a> {
    sums: &'a Sums,
    /// Where a search starts: the published numbers, where they are a world themselves, and the truth.
    starts: Vec<Making<'a>>,
    /// Worlds that may meet further demands, and their places among the worlds, the newest first.
    open: VecDeque<(Making<'a>, usize)>,
    worlds: Vec<BTreeMap<usize, i64>>,
    programs: usize,
}

impl<'a> Search<'a> {
    fn new(set: &TableSet, published: &[Vec<u64>], sums: &'a Sums) -> Self {
        let mut numbers = Vec::new();
        for (table, published) in set.tables.iter().zip(published) {
            match table.standing() {
                Some(_) => numbers.extend(table.inner().iter().map(|&count| count as i64)),
                None => {
                    let inner = world::inner_cells(table);
                    numbers.extend(inner.into_iter().map(|cell| published[cell] as i64));
                }
            }
        }
        let starts = [numbers, sums.truth.clone()].map(|counts| Making::new(sums, counts));
        let starts = starts.into_iter().filter(Making::fits).collect();
        Self { sums, starts, open: VecDeque::new(), worlds: Vec::new(), programs: 0 }
    }

    /// Whether moving single children found a world, or one meets the demand already.
    fn look_for(&mut self, target: &Target) -> bool {
        let inner = target.places(self.sums);
        let truth: i64 = inner.iter().map(|&inner| self.sums.truth[inner]).sum();
        if is_met(truth, target.bound) {
            return true;
        }
        for (making, place) in &mut self.open {
            if making.meet(&inner, target.bound) {
                self.worlds[*place] = making.changes();
                return true;
            }
        }
        for start in &self.starts {
            let mut making = start.clone();
            if making.meet(&inner, target.bound) {
                let place = self.worlds.len();
                self.worlds.push(making.changes());
                self.open.truncate(OPEN - 1);
                self.open.push_front((making, place));
                return true;
            }
        }
        false
    }

    /// Takes the demand for met, narrows all ranges by that, and looks again, with a whole-number program
    /// at last.
    fn look_closer(
        &mut self,
        set: &TableSet,
        target: &Target,
        relations: &Relations,
        narrowed: &[Vec<Range>],
    ) {
        let mut ranges = narrowed.to_vec();
        if target.is_cell {
            let range = &mut ranges[target.table][target.cell];
            match target.bound {
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
        let within = Sums::new(set, &ranges);
        let inner = target.places(&within);
        let nearest =
            within.truth.iter().zip(&within.own).map(|(t, own)| *t.clamp(&own.low, &own.high));
        let mut making = Making::new(&within, nearest.collect());
        match making.meet(&inner, target.bound) {
            true => self.worlds.push(making.changes()),
            false => self.worlds.extend(integer_program::solve(self.sums, &inner, target.bound)),
        }
    }
}

/// Worlds that add up, found again by the inner cells that they alter.
struct Shown {
    worlds: Vec<BTreeMap<usize, i64>>,
    altering: HashMap<usize, Vec<usize>>,
}

impl Shown {
    fn new(sums: &Sums, proposed: Vec<BTreeMap<usize, i64>>) -> Self {
        let worlds: Vec<_> = proposed.into_iter().filter(|world| sums.fits(world)).collect();
        let mut altering: HashMap<usize, Vec<usize>> = HashMap::new();
        for (number, world) in worlds.iter().enumerate() {
            world.keys().for_each(|&inner| altering.entry(inner).or_default().push(number));
        }
        Self { worlds, altering }
    }

    /// The world that meets a demand: none where the truth itself does.
    fn meeting(&self, sums: &Sums, target: &Target) -> Option<Option<usize>> {
        let inner = target.places(sums);
        let truth: i64 = inner.iter().map(|&inner| sums.truth[inner]).sum();
        if is_met(truth, target.bound) {
            return Some(None);
        }
        let meets = |number: &usize| {
            let changes = &self.worlds[*number];
            let change: i64 = inner.iter().filter_map(|inner| changes.get(inner)).sum();
            is_met(truth + change, target.bound)
        };
        let altering = inner.iter().filter_map(|inner| self.altering.get(inner)).flatten();
        altering.copied().find(meets).map(Some)
    }

    /// The worlds that met a demand, in order, each once.
    fn worlds(&self, set: &TableSet, sums: &Sums, used: &BTreeSet<usize>) -> Vec<World> {
        let world = |&number: &usize| World {
            counts: self.worlds[number]
                .iter()
                .map(|(&inner, change)| {
                    let table = sums.first.partition_point(|&first| first <= inner) - 1;
                    let place = inner - sums.first[table];
                    let count = set.tables[table].inner()[place].saturating_add_signed(*change);
                    (table, place, count)
                })
                .collect(),
        };
        used.iter().map(world).collect::<BTreeSet<World>>().into_iter().collect()
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
        table.standing().cloned().unwrap_or_else(none)
    };
    set.tables.iter().map(pattern).collect()
}

#[cfg(test)]
mod tests {
    use minster_model::{
        policy::{Policy, Zeros},
        table::{CountTable, Guarded, Hierarchy},
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
        let of = |guarded| {
            let tables = vec![table.clone().guarding(guarded).unwrap()];
            TableSet { tables, policy: Policy::new(5, Zeros::Published) }
        };
        let rule = Rounding::Nearest { base: 5 };
        assert!(certify_rounded(&of(vec![]), &published, rule, &[]).is_ok());
        let never = of(vec![Guarded { cell: 1, down: 5, up: 5 }]);
        let failure = Failure { table: 0, cell: 1, reason: FailureReason::SmallPublished };
        let refused = Refusal::Unprotected(vec![failure]);
        assert_eq!(certify_rounded(&never, &published, rule, &[]), Err(refused.clone()));
        assert_eq!(verify_rounded(never, published, rule).unwrap_err(), refused);
    }
}
