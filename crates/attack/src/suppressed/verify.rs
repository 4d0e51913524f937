use minster_model::{
    IdVec, RespondentId, TableId,
    policy::Zeros,
    refinement::Refinements,
    table::{AlternativeTable, CountTable, Pattern, TableSet},
};

use crate::{
    shared::{
        alternative_table::{self, Checker},
        id_slice::IdSlice,
        linked_tables,
        refusal::{Failure, FailureReason, Refusal},
        releasable::{Certified, ReleasableSet},
        typed::{TableCell, TypedPattern, TypedSet},
    },
    suppressed::{
        certificates::{Attacker, Certificates},
        equations::{System, UnknownId},
        insider::{InsiderRequirement, Insiders},
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
    let patterns = fitting(set, patterns)?;
    linked_tables::check(set)?;
    let mut failures = visible(set, patterns)?;
    let refinements = Refinements::new(set);
    let system = System::new(set, patterns, &refinements);
    let respondents = respondents::of_unknowns(set, &system);
    let mut certificates = Certificates::new(Checker::new(set, patterns), &system, &respondents);
    // The suppression proposes worlds: each is checked like one of the attack's own, and spares a search.
    proposed.iter().for_each(|alternative| certificates.add(alternative.clone()));
    let requirements =
        requirements::requirements(set, patterns, &system, (&respondents, &refinements));
    let count = requirements.len();
    let mut attack = Attack {
        set,
        refinements: &refinements,
        system: &system,
        respondents: &respondents,
        certificates,
        search,
    };
    for requirement in &requirements {
        let failed = attack.failed(requirement).into_iter();
        failures
            .extend(failed.map(|reason| Failure::new(requirement.table, requirement.cell, reason)));
    }
    let alternatives = attack.certificates.used();
    match failures.is_empty() {
        true => Ok(Certified { requirements: count, alternatives }),
        false => Err(Refusal::Unprotected(failures)),
    }
}

/// The patterns by table, if there is one for each table and none is published otherwise than before.
fn fitting<'a>(
    set: &TableSet,
    patterns: &'a [Pattern],
) -> Result<IdSlice<'a, TableId, Pattern>, Refusal> {
    let mut both = set.tables.iter().zip(patterns);
    let fit = patterns.len() == set.tables.len()
        && both.clone().all(|(table, pattern)| pattern.withheld.len() == table.cell_count());
    if !fit {
        return Err(Refusal::Shape);
    }
    let stand = both.all(|(table, pattern)| {
        table.published_pattern().is_none_or(|published| published == pattern)
    });
    if !stand {
        return Err(Refusal::Standing);
    }
    Ok(IdSlice::new(patterns))
}

/// The attack on one requirement after the other.
struct Attack<'a> {
    set: &'a TableSet,
    refinements: &'a Refinements<'a>,
    system: &'a System,
    /// The respondent of each unknown, where respondents are known.
    respondents: &'a IdVec<UnknownId, Option<RespondentId>>,
    certificates: Certificates<'a>,
    search: SearchMode,
}

impl Attack<'_> {
    /// In what ways a requirement is not met, over all whom it must be met for.
    fn failed(&mut self, requirement: &Requirement) -> Vec<FailureReason> {
        // Where nothing is unknown, the truth is the only world, and the requirement was made since it does not meet it.
        let Some(required) = &requirement.required else { return vec![requirement.reason] };
        match &requirement.attackers {
            Attackers::Everyone { but } => self.failed_by_everyone(requirement, required, but),
            Attackers::Respondent(respondent) => {
                let is_met = self.meets(required, Attacker::Respondent(*respondent));
                if is_met { Vec::new() } else { vec![requirement.reason] }
            }
        }
    }

    /// In what ways a requirement is not met for outsiders, insiders and respondents.
    fn failed_by_everyone(
        &mut self,
        requirement: &Requirement,
        required: &RequiredSum,
        but: &[RespondentId],
    ) -> Vec<FailureReason> {
        // Everyone can rule out what an outsider can: the others know more, and add nothing.
        if !self.meets(required, Attacker::Outsider) {
            return vec![requirement.reason];
        }
        let mut failed = Vec::new();
        let insiders = Insiders {
            policy: self.set.policy,
            system: self.system,
            required,
            cell: (requirement.table, requirement.cell),
            small: requirement.small.as_ref(),
            refinements: self.refinements,
        };
        let insiders = insiders.requirements(&mut self.certificates);
        let is_met = insiders.into_iter().all(|InsiderRequirement { required, unknown, knows }| {
            self.meets(&required, Attacker::Insider(unknown, knows))
        });
        if !is_met {
            failed.push(FailureReason::Insider);
        }
        if !self.leaves_respondents(required, but) {
            failed.push(FailureReason::Respondent);
        }
        failed
    }

    /// Whether someone thinks a world possible that meets the requirement.
    fn meets(&mut self, required: &RequiredSum, attacker: Attacker) -> bool {
        // The finding of a search is asked for again: only the check says that it is a world, and meets the requirement.
        self.certificates.meet(required, attacker)
            || self.find(required, attacker) && self.certificates.meet(required, attacker)
    }

    /// Whether a world meets the requirement for each respondent, but for some, and leaves what is theirs alone. A
    /// world serves all whom it leaves alone, so that few are looked for.
    fn leaves_respondents(&mut self, required: &RequiredSum, but: &[RespondentId]) -> bool {
        loop {
            let moved = self.certificates.moved_by_every_alternative(required, but);
            let Some(&respondent) = moved.first() else { return true };
            // Each world that is found leaves one more alone, so that this comes to an end.
            if !self.meets(required, Attacker::Respondent(respondent)) {
                return false;
            }
        }
    }

    /// Searches for such a world, where that is allowed.
    fn find(&mut self, required: &RequiredSum, attacker: Attacker) -> bool {
        if self.search == SearchMode::None {
            return false;
        }
        let values = solve::solve(self.system, required, &|unknown| self.range(unknown, attacker));
        let found = values.map(|values| self.certificates.alternative(&values));
        let is_found = found.is_some();
        found.into_iter().for_each(|alternative| self.certificates.add(alternative));
        is_found
    }

    /// Between which values an unknown lies for someone: what they know of it holds in each world that they think
    /// possible.
    fn range(&self, unknown: UnknownId, attacker: Attacker) -> (u64, Option<u64>) {
        let least = self.system.least(unknown);
        match attacker {
            Attacker::Insider(of, knows) if of == unknown => (least.max(knows), None),
            Attacker::Respondent(respondent) if self.respondents[unknown] == Some(respondent) => {
                let truth = self.system.truth[unknown].unsigned_abs();
                (truth, Some(truth))
            }
            _ => (least, None),
        }
    }
}

/// Returns the failures that need no attack to be seen. A table that was published before was looked at then.
fn visible(
    set: &TableSet,
    patterns: IdSlice<'_, TableId, Pattern>,
) -> Result<Vec<Failure>, Refusal> {
    let mut failures = Vec::new();
    for ((number, table), pattern) in set.by_table().enumerate().zip(patterns) {
        // The total of a table is small itself: nothing can hide it, for nothing is counted beside it.
        if set.policy.is_small(table.inner().iter().sum()) {
            return Err(Refusal::GrandTotal { table: table.name().to_owned() });
        }
        if table.published_pattern().is_none() {
            visible_in(set, number, table, pattern, &mut failures);
        }
    }
    Ok(failures)
}

/// Adds the failures of one table that need no attack to be seen.
fn visible_in(
    set: &TableSet,
    number: TableId,
    table: &CountTable,
    pattern: &Pattern,
    failures: &mut Vec<Failure>,
) {
    let counts = alternative_table::counts(table);
    let policy = table.policy(set.policy);
    failures.extend(respondents::visible(set, number, &counts, pattern));
    let cells = counts.enumerate().zip(pattern.by_cell()).zip(table.known_zero_cells());
    for (((cell, &count), &withheld), is_known) in cells {
        let levels = table.protection_levels();
        let unsafe_by_rule = levels.binary_search_by_key(&cell.0, |level| level.cell).is_ok();
        let reason = match (unsafe_by_rule || policy.is_small(count), withheld) {
            (true, false) if !is_known => FailureReason::SmallPublished,
            // Every zero is published, so that a withheld one would be taken for a child, and protect nobody.
            (_, true) if count == 0 && policy.zeros == Zeros::Published => {
                FailureReason::ZeroWithheld
            }
            _ => continue,
        };
        failures.push(Failure::new(number, cell, reason));
    }
    let forced = table.forced_published().iter().map(|&cell| TableCell(cell));
    let reason = FailureReason::ForcedPublishedWithheld;
    failures.extend(
        forced
            .filter(|&cell| pattern.by_cell()[cell])
            .map(|cell| Failure::new(number, cell, reason)),
    );
}
