use minster_model::{
    policy::Zeros,
    refinement::Refinements,
    table::{AlternativeTable, CountTable, Pattern, TableSet},
};

use crate::{
    shared::{
        alternative_table::{self, Checker},
        linked_tables,
        refusal::{Failure, FailureReason, Refusal},
        releasable::{Certified, ReleasableSet},
    },
    suppressed::{
        certificates::{Attacker, Certificates},
        equations::System,
        insider::Insiders,
        requirement::{Attackers, Requirement},
        requirements, respondents,
        solve::{self, RequiredSum},
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
    proposed: &[AlternativeTable],
) -> Result<ReleasableSet, Refusal> {
    let Certified { alternatives, .. } = attack(&set, &patterns, proposed, SearchMode::Allowed)?;
    Ok(ReleasableSet::new(set, patterns, alternatives))
}

/// Checks again, by adding up alone, that these certificates show what [`verify`] promises: no solver is
/// asked. For whoever holds the truth and doubts the release.
///
/// # Errors
/// As [`verify`]; a requirement that no certificate meets is in [`Refusal::Unprotected`].
pub fn certify(
    set: &TableSet,
    patterns: &[Pattern],
    certificates: &[AlternativeTable],
) -> Result<Certified, Refusal> {
    attack(set, patterns, certificates, SearchMode::None)
}

/// Whether what no proposed world shows is searched for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum SearchMode {
    Allowed,
    None,
}

fn attack(
    set: &TableSet,
    patterns: &[Pattern],
    proposed: &[AlternativeTable],
    search: SearchMode,
) -> Result<Certified, Refusal> {
    let fits =
        |(table, pattern): (&CountTable, &Pattern)| pattern.withheld.len() == table.cell_count();
    if patterns.len() != set.tables.len() || !set.tables.iter().zip(patterns).all(fits) {
        return Err(Refusal::Shape);
    }
    let stands = |(table, pattern): (&CountTable, &Pattern)| {
        table.published_pattern().is_none_or(|published| published == pattern)
    };
    if !set.tables.iter().zip(patterns).all(stands) {
        return Err(Refusal::Standing);
    }
    linked_tables::check(set)?;
    let mut failures = visible(set, patterns)?;
    let refinements = Refinements::new(set);
    let system = System::new(set, patterns, &refinements);
    let respondents = respondents::of_unknowns(set, &system);
    let mut certificates = Certificates::new(Checker::new(set, patterns), &system, &respondents);
    proposed.iter().for_each(|alternative| certificates.add(alternative.clone()));
    let mut attack = Attack { system: &system, respondents: &respondents, certificates, search };
    let requirements =
        requirements::requirements(set, patterns, &system, (&respondents, &refinements));
    let count = requirements.len();
    for Requirement { table, cell, reason, required, small, attackers } in requirements {
        let mut fail = |reason| failures.push(Failure { table, cell, reason });
        let Some(required) = required else {
            fail(reason);
            continue;
        };
        let but = match attackers {
            Attackers::Everyone { but } => but,
            Attackers::Respondent(respondent) => {
                if !attack.meets(&required, Attacker::Respondent(respondent)) {
                    fail(reason);
                }
                continue;
            }
        };
        if !attack.meets(&required, Attacker::Outsider) {
            fail(reason);
            continue;
        }
        let insiders = Insiders {
            policy: set.policy,
            system: &system,
            required: &required,
            cell: (table, cell),
            small: small.as_ref(),
            refinements: &refinements,
        };
        let insiders = insiders.requirements(&mut attack.certificates);
        let is_met = |(of, unknown, knows)| attack.meets(&of, Attacker::Insider(unknown, knows));
        if !insiders.into_iter().all(is_met) {
            fail(FailureReason::Insider);
        }
        if !attack.leaves_respondents(&required, &but) {
            fail(FailureReason::Respondent);
        }
    }
    let alternatives = attack.certificates.used();
    match failures.is_empty() {
        true => Ok(Certified { requirements: count, alternatives }),
        false => Err(Refusal::Unprotected(failures)),
    }
}

/// The attack on one requirement after the other.
struct Attack<'a> {
    system: &'a System,
    /// Whose each unknown is, where respondents are known.
    respondents: &'a [Option<usize>],
    certificates: Certificates<'a>,
    search: SearchMode,
}

impl Attack<'_> {
    /// Whether someone thinks a world possible that meets the requirement.
    fn meets(&mut self, required: &RequiredSum, attacker: Attacker) -> bool {
        self.certificates.meet(required, attacker)
            || self.find(required, attacker) && self.certificates.meet(required, attacker)
    }

    /// Whether a world meets the requirement for each respondent, but for some, and leaves what is theirs alone. A
    /// world serves all whom it leaves alone, so that few are looked for.
    fn leaves_respondents(&mut self, required: &RequiredSum, but: &[usize]) -> bool {
        loop {
            match self.certificates.moved_by_every_alternative(required, but).first() {
                None => return true,
                Some(&respondent) if !self.meets(required, Attacker::Respondent(respondent)) => {
                    return false;
                }
                Some(_) => {}
            }
        }
    }

    /// Searches for such a world, where that is allowed.
    fn find(&mut self, required: &RequiredSum, attacker: Attacker) -> bool {
        let range = |unknown: usize| match attacker {
            Attacker::Insider(of, knows) if of == unknown => {
                (self.system.least(unknown).max(knows), None)
            }
            Attacker::Respondent(respondent) if self.respondents[unknown] == Some(respondent) => {
                let truth = self.system.truth[unknown].unsigned_abs();
                (truth, Some(truth))
            }
            _ => (self.system.least(unknown), None),
        };
        let values = (self.search == SearchMode::Allowed)
            .then(|| solve::solve(self.system, required, &range))
            .flatten();
        values.is_some_and(|values| {
            self.certificates.add(self.certificates.alternative(&values));
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
        if table.published_pattern().is_some() {
            continue;
        }
        let counts = alternative_table::cells(table, table.inner());
        let known = table.known_zero_cells();
        let policy = table.policy(set.policy);
        failures.extend(respondents::visible(set, number, &counts, pattern));
        for (cell, count) in counts.into_iter().enumerate() {
            let withheld = pattern.withheld[cell];
            let unsafe_by_rule =
                table.protection_levels().binary_search_by_key(&cell, |level| level.cell).is_ok();
            let reason = match (unsafe_by_rule || policy.is_small(count), withheld) {
                (true, false) if !known[cell] => FailureReason::SmallPublished,
                (_, true) if count == 0 && policy.zeros == Zeros::Published => {
                    FailureReason::ZeroWithheld
                }
                _ => continue,
            };
            failures.push(Failure { table: number, cell, reason });
        }
        let withheld = |cell: &&usize| pattern.withheld[**cell];
        let reason = FailureReason::ForcedPublishedWithheld;
        let forced_published = table.forced_published().iter().filter(withheld);
        failures.extend(forced_published.map(|&cell| Failure { table: number, cell, reason }));
    }
    Ok(failures)
}
