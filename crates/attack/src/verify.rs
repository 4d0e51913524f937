use minster_model::{
    cube::{CountTable, Pattern, Policy, TableSet, World, Zeros},
    rounding::Rounding,
};

use crate::{
    Failure, FailureReason, Refusal,
    certificates::{Certificates, Who},
    holder,
    insider::Insiders,
    linked,
    promise::{self, Target, Whom},
    rounded,
    solve::{self, Demand},
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
    let holders = holder::of_unknowns(set, &system);
    let mut certificates = Certificates::new(Checker::new(set, patterns), &system, &holders);
    proposed.iter().for_each(|world| certificates.add(world.clone()));
    let least = set.policy.zeros.least_withheld();
    let mut attack = Attack { system: &system, holders: &holders, certificates, least, search };
    let targets = promise::targets(set, patterns, &system, &holders);
    let demands = targets.len();
    for Target { table, cell, reason, demand, published, whom } in targets {
        let mut fail = |reason| failures.push(Failure { table, cell, reason });
        let Some(demand) = demand else {
            fail(reason);
            continue;
        };
        let but = match whom {
            Whom::Everyone { but } => but,
            Whom::Holder(holder) => {
                if !attack.meets(&demand, Who::Holder(holder)) {
                    fail(reason);
                }
                continue;
            }
        };
        if !attack.meets(&demand, Who::Outsider) {
            fail(reason);
            continue;
        }
        let insiders = Insiders { policy: set.policy, system: &system, demand: &demand, published };
        let insiders = insiders.demands(&mut attack.certificates);
        let is_met = |(of, unknown, knows)| attack.meets(&of, Who::Insider(unknown, knows));
        if !insiders.into_iter().all(is_met) {
            fail(FailureReason::Insider);
        }
        if !attack.leaves_holders(&demand, &but) {
            fail(FailureReason::Holder);
        }
    }
    let worlds = attack.certificates.used();
    match failures.is_empty() {
        true => Ok(Certified { demands, worlds }),
        false => Err(Refusal::Unprotected(failures)),
    }
}

/// The attack on one demand after the other.
struct Attack<'a> {
    system: &'a System,
    /// Whose each unknown is, where holders are known.
    holders: &'a [Option<usize>],
    certificates: Certificates<'a>,
    least: u64,
    search: Search,
}

impl Attack<'_> {
    /// Whether someone thinks a world possible that meets the demand.
    fn meets(&mut self, demand: &Demand, who: Who) -> bool {
        self.certificates.meet(demand, who)
            || self.find(demand, who) && self.certificates.meet(demand, who)
    }

    /// Whether a world meets the demand for each holder, but for some, and leaves what is theirs alone. A
    /// world serves all whom it leaves alone, so that few are looked for.
    fn leaves_holders(&mut self, demand: &Demand, but: &[usize]) -> bool {
        loop {
            match self.certificates.moved_by_every_world(demand, but).first() {
                None => return true,
                Some(&holder) if !self.meets(demand, Who::Holder(holder)) => return false,
                Some(_) => {}
            }
        }
    }

    /// Searches for such a world, where that is allowed.
    fn find(&mut self, demand: &Demand, who: Who) -> bool {
        let range = |unknown: usize| match who {
            Who::Insider(of, knows) if of == unknown => (self.least.max(knows), None),
            Who::Holder(holder) if self.holders[unknown] == Some(holder) => {
                let truth = self.system.truth[unknown].unsigned_abs();
                (truth, Some(truth))
            }
            _ => (self.least, None),
        };
        let values = (self.search == Search::Allowed)
            .then(|| solve::solve(self.system, demand, &range))
            .flatten();
        values.is_some_and(|values| {
            self.certificates.add(self.certificates.world(&values));
            true
        })
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
        let counts = world::cells(table, table.inner());
        failures.extend(holder::visible(set, number, &counts, pattern));
        for (cell, count) in counts.into_iter().enumerate() {
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
