use minster_model::{
    policy::Zeros,
    table::{CountTable, Pattern, TableSet, World},
};

use crate::{
    shared::{
        linked_tables,
        refusal::{Failure, FailureReason, Refusal},
        releasable::{Certified, ReleasableSet},
        world::{self, Checker},
    },
    suppressed::{
        certificates::{Certificates, Who},
        equations::System,
        holder,
        insider::Insiders,
        requirement::{Target, Whom},
        solve::{self, Demand},
        targets,
    },
};

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
    Ok(ReleasableSet::new(set, patterns, worlds))
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
    linked_tables::check(set)?;
    let mut failures = visible(set, patterns)?;
    let system = System::new(set, patterns);
    let holders = holder::of_unknowns(set, &system);
    let mut certificates = Certificates::new(Checker::new(set, patterns), &system, &holders);
    proposed.iter().for_each(|world| certificates.add(world.clone()));
    let mut attack = Attack { system: &system, holders: &holders, certificates, search };
    let targets = targets::targets(set, patterns, &system, &holders);
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
            Who::Insider(of, knows) if of == unknown => {
                (self.system.least(unknown).max(knows), None)
            }
            Who::Holder(holder) if self.holders[unknown] == Some(holder) => {
                let truth = self.system.truth[unknown].unsigned_abs();
                (truth, Some(truth))
            }
            _ => (self.system.least(unknown), None),
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

/// Returns the failures that need no attack to be seen. A table that was published before was looked at then.
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
        let known = table.known_zero_cells();
        let policy = table.policy(set.policy);
        failures.extend(holder::visible(set, number, &counts, pattern));
        for (cell, count) in counts.into_iter().enumerate() {
            let withheld = pattern.withheld[cell];
            let guarded =
                table.guarded().binary_search_by_key(&cell, |guarded| guarded.cell).is_ok();
            let reason = match (guarded || policy.is_small(count), withheld) {
                (true, false) if !known[cell] => FailureReason::SmallPublished,
                (_, true) if count == 0 && policy.zeros == Zeros::Published => {
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
