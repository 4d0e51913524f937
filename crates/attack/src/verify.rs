use std::collections::{BTreeMap, BTreeSet};

use minster_model::{
    cube::{CountTable, Pattern, Policy, TableSet, World, Zeros},
    rounding::Rounding,
};

use crate::{
    Failure, FailureReason, Refusal,
    insider::Insiders,
    linked,
    promise::{self, Target},
    rounded,
    solve::{self, Bound, Demand},
    system::System,
    world::{self, Checker},
};

/// Tables and patterns that withstood the attack. Only [`verify`] makes one, and only one can be
/// released.
#[derive(Debug, Clone)]
pub struct ReleasableSet {
    set: TableSet,
    patterns: Vec<Pattern>,
    worlds: Vec<World>,
    /// Where every number is published rounded or perturbed: by which rule, and the numbers.
    rounded: Option<(Rounding, Vec<Vec<u64>>)>,
}

impl ReleasableSet {
    /// What withstood the attack by ranges: for [`verify_rounded`](crate::verify_rounded) alone.
    pub(crate) fn new_rounded(
        set: TableSet,
        published: Vec<Vec<u64>>,
        rule: Rounding,
        worlds: Vec<World>,
    ) -> Self {
        let patterns = rounded::patterns(&set);
        Self { set, patterns, worlds, rounded: Some((rule, published)) }
    }

    /// The tables.
    pub fn tables(&self) -> &[CountTable] {
        &self.set.tables
    }

    /// The patterns, one a table.
    pub fn patterns(&self) -> &[Pattern] {
        &self.patterns
    }

    /// By which rule every number is rounded or perturbed, if it is: for the public to know.
    pub fn rounding(&self) -> Option<Rounding> {
        self.rounded.as_ref().map(|(rule, _)| *rule)
    }

    /// The published policy.
    pub fn policy(&self) -> Policy {
        self.set.policy
    }

    /// The certificates: for the auditor, never for the public.
    pub fn certificates(&self) -> &[World] {
        &self.worlds
    }

    /// One cell's number, if it is published.
    pub fn published(&self, table: usize, cell: usize) -> Option<u64> {
        self.published_cells(table).get(cell).copied().flatten()
    }

    /// Every cell's number of one table, rounded where it is published so; none where it is withheld.
    pub fn published_cells(&self, table: usize) -> Vec<Option<u64>> {
        let of_table = &self.set.tables[table];
        if let (Some((_, numbers)), None) = (&self.rounded, of_table.standing()) {
            return numbers[table].iter().copied().map(Some).collect();
        }
        let counts = world::cells(of_table, of_table.inner());
        let withheld = &self.patterns[table].withheld;
        counts
            .into_iter()
            .zip(withheld)
            .map(|(count, withheld)| (!withheld).then_some(count))
            .collect()
    }
}

/// Attacks the tables as they would be published.
pub fn verify(set: TableSet, patterns: Vec<Pattern>) -> Result<ReleasableSet, Refusal> {
    verify_with(set, patterns, &[])
}

/// [`verify`], with worlds that someone proposes as certificates. Nobody is trusted: one that does not
/// fit is passed over, and what no proposed world shows is searched for.
pub fn verify_with(
    set: TableSet,
    patterns: Vec<Pattern>,
    proposed: &[World],
) -> Result<ReleasableSet, Refusal> {
    let Certified { worlds, .. } = attack(&set, &patterns, proposed, Search::Allowed)?;
    Ok(ReleasableSet { set, patterns, worlds, rounded: None })
}

/// Checks again, by adding up alone, that these certificates show what [`verify`] promises: no solver is
/// asked. For whoever holds the truth and doubts the release.
///
/// # Errors
/// As [`verify`]; a demand that no certificate meets is in [`Refusal::Unprotected`].
pub fn certify(
    set: &TableSet,
    patterns: &[Pattern],
    certificates: &[World],
) -> Result<Certified, Refusal> {
    attack(set, patterns, certificates, Search::None)
}

/// What certificates were found to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certified {
    /// How many demands the promise makes that the truth alone does not meet.
    pub demands: usize,
    /// The certificates that meet them.
    pub worlds: Vec<World>,
}

/// Whether what no proposed world shows is searched for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Search {
    Allowed,
    None,
}

fn attack(
    set: &TableSet,
    patterns: &[Pattern],
    proposed: &[World],
    search: Search,
) -> Result<Certified, Refusal> {
    let fits =
        |(table, pattern): (&CountTable, &Pattern)| pattern.withheld.len() == table.cell_count();
    if patterns.len() != set.tables.len() || !set.tables.iter().zip(patterns).all(fits) {
        return Err(Refusal::Shape);
    }
    let stands = |(table, pattern): (&CountTable, &Pattern)| {
        table.standing().is_none_or(|standing| standing == pattern)
    };
    if !set.tables.iter().zip(patterns).all(stands) {
        return Err(Refusal::Standing);
    }
    linked::check(set)?;
    let mut failures = visible(set, patterns)?;
    let system = System::new(set, patterns);
    let mut certificates = Certificates::new(Checker::new(set, patterns), &system);
    proposed.iter().for_each(|world| certificates.add(world.clone()));
    let least = set.policy.zeros.least_withheld();
    let targets = promise::targets(set, patterns, &system);
    let demands = targets.len();
    for Target { table, cell, reason, demand, published } in targets {
        let Some(demand) = demand else {
            failures.push(Failure { table, cell, reason });
            continue;
        };
        let find = |certificates: &mut Certificates<'_>, demand: &Demand, known| {
            let values = (search == Search::Allowed)
                .then(|| solve::solve(&system, least, demand, known))
                .flatten();
            values.is_some_and(|values| {
                certificates.add(certificates.world(&values));
                true
            })
        };
        let met = certificates.meet(&demand)
            || find(&mut certificates, &demand, None) && certificates.meet(&demand);
        if !met {
            failures.push(Failure { table, cell, reason });
            continue;
        }
        let insiders = Insiders { policy: set.policy, system: &system, demand: &demand, published };
        for (of, unknown, knows) in insiders.demands(&mut certificates) {
            let known = Some((unknown, knows));
            let met = certificates.meet_known(&of, known)
                || find(&mut certificates, &of, known) && certificates.meet_known(&of, known);
            if !met {
                failures.push(Failure { table, cell, reason: FailureReason::Insider });
                break;
            }
        }
    }
    let worlds = certificates.used();
    match failures.is_empty() {
        true => Ok(Certified { demands, worlds }),
        false => Err(Refusal::Unprotected(failures)),
    }
}

/// Worlds that fit, found again by the unknowns that they alter.
pub(crate) struct Certificates<'a> {
    checker: Checker<'a>,
    system: &'a System,
    worlds: Vec<(World, BTreeMap<usize, i64>)>,
    altering: BTreeMap<usize, Vec<usize>>,
    used: BTreeSet<usize>,
}

impl<'a> Certificates<'a> {
    fn new(checker: Checker<'a>, system: &'a System) -> Self {
        let (worlds, altering, used) = Default::default();
        Self { checker, system, worlds, altering, used }
    }

    /// Adds a world, if it is one.
    fn add(&mut self, world: World) {
        if !self.checker.fits(&world) {
            return;
        }
        let change = |&(table, inner, count): &(usize, usize, u64)| {
            let unknown = self.system.unknown(table, inner)?;
            Some((unknown, self.checker.change(table, inner, count)?))
        };
        let changes: BTreeMap<usize, i64> = world.counts.iter().filter_map(change).collect();
        for &unknown in changes.keys() {
            self.altering.entry(unknown).or_default().push(self.worlds.len());
        }
        self.worlds.push((world, changes));
    }

    /// The world in which the unknowns take these values.
    fn world(&self, values: &BTreeMap<usize, u64>) -> World {
        let count = |(&unknown, &value): (&usize, &u64)| {
            let (table, inner) = self.system.unknowns[unknown];
            (table, inner, value)
        };
        let differs = |&(table, inner, count): &(usize, usize, u64)| {
            self.checker.change(table, inner, count) != Some(0)
        };
        let mut counts: Vec<_> = values.iter().map(count).filter(differs).collect();
        counts.sort_unstable();
        World { counts }
    }

    /// Whether some world meets the demand. The truth never does.
    fn meet(&mut self, demand: &Demand) -> bool {
        let found = self.meeting(demand).next();
        self.used.extend(found);
        found.is_some()
    }

    /// Whether the truth or some world meets an insider's demand and is no less than what they know.
    fn meet_known(&mut self, demand: &Demand, known: Option<(usize, u64)>) -> bool {
        if self.meets(demand, &BTreeMap::new()) {
            return true;
        }
        let fits = |number: &usize| {
            known.is_none_or(|(unknown, knows)| self.value(*number, unknown) >= knows as i64)
        };
        let found = self.meeting(demand).find(fits);
        self.used.extend(found);
        found.is_some()
    }

    /// Marks worlds as certificates that something rests on.
    pub(crate) fn use_all(&mut self, worlds: Vec<usize>) {
        self.used.extend(worlds);
    }

    /// The worlds that meet a demand, by their numbers; one may come more than once.
    pub(crate) fn meeting(&self, demand: &Demand) -> impl Iterator<Item = usize> {
        let known = demand.unknowns.iter().filter_map(|unknown| self.altering.get(unknown));
        known.flatten().copied().filter(|&number| self.meets(demand, &self.worlds[number].1))
    }

    fn meets(&self, demand: &Demand, changes: &BTreeMap<usize, i64>) -> bool {
        let truth: i64 = demand.unknowns.iter().map(|&unknown| self.system.truth[unknown]).sum();
        let change: i64 = demand.unknowns.iter().filter_map(|unknown| changes.get(unknown)).sum();
        match demand.bound {
            Bound::AtMost(bound) => truth + change <= bound,
            Bound::AtLeast(bound) => truth + change >= bound,
        }
    }

    /// What an unknown is in a world.
    fn value(&self, world: usize, unknown: usize) -> i64 {
        let change = self.worlds[world].1.get(&unknown).copied().unwrap_or_default();
        self.system.truth[unknown] + change
    }

    /// What is other than the truth in a world: unknowns and their values.
    pub(crate) fn altered(&self, world: usize) -> impl Iterator<Item = (usize, i64)> {
        let changes = self.worlds[world].1.iter();
        changes.map(|(&unknown, change)| (unknown, self.system.truth[unknown] + change))
    }

    /// The worlds that met a demand, in order, each once.
    fn used(&self) -> Vec<World> {
        let used = self.used.iter().map(|&number| self.worlds[number].0.clone());
        used.collect::<BTreeSet<World>>().into_iter().collect()
    }
}

/// What needs no attack to be seen. A table that was published before was looked at then.
fn visible(set: &TableSet, patterns: &[Pattern]) -> Result<Vec<Failure>, Refusal> {
    let mut failures = Vec::new();
    for (number, (table, pattern)) in set.tables.iter().zip(patterns).enumerate() {
        let total: u64 = table.inner().iter().sum();
        if set.policy.is_small(total) {
            return Err(Refusal::GrandTotal { table: table.name().to_owned() });
        }
        if table.standing().is_some() {
            continue;
        }
        for (cell, count) in world::cells(table, table.inner()).into_iter().enumerate() {
            let withheld = pattern.withheld[cell];
            let guarded =
                table.guarded().binary_search_by_key(&cell, |guarded| guarded.cell).is_ok();
            let reason = match (guarded || set.policy.is_small(count), withheld) {
                (true, false) => FailureReason::SmallPublished,
                (_, true) if count == 0 && set.policy.zeros == Zeros::Published => {
                    FailureReason::ZeroWithheld
                }
                _ => continue,
            };
            failures.push(Failure { table: number, cell, reason });
        }
        let withheld = |cell: &&usize| pattern.withheld[**cell];
        let reason = FailureReason::KeptWithheld;
        let kept = table.kept().iter().filter(withheld);
        failures.extend(kept.map(|&cell| Failure { table: number, cell, reason }));
    }
    Ok(failures)
}
