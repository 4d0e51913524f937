//! The officer's month: what the vault's log and the ledger of runs tell of it. Counts of persons and rows from 1 to 4
//! are hidden, and what tells of persons is counted so that no subtraction gives such a count: to the nearest 5, beside no exact sum of it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use minster_model::{Purpose, coarse};
use minster_store::{Progress, RunRecord};
use minster_vault_api::{PurposeDefinition, SMALLEST_SHOWN, ShownCount};
use serde::Serialize;

use super::{
    log::{Entry, Event, Month, Publication},
    rights::{Cases, Register},
};

/// A purpose ends soon within so many days after the month.
const SOON: i64 = 60;

/// The month.
#[derive(Serialize, Default)]
pub(super) struct Report {
    pub(super) format: u32,
    pub(super) month: String,
    /// Entries of the log in the month, by event; not those that another part tells of by person. Whatever may be about one person is
    /// counted as persons are.
    pub(super) entries: BTreeMap<String, ShownCount>,
    /// Proposals by action, in the month. Those about one person are counted as persons are.
    pub(super) requests: BTreeMap<String, ShownCount>,
    /// Custodians' signatures under proposals about no single person.
    pub(super) approvals: u64,
    /// Cases of children's rights, by right.
    pub(super) cases: BTreeMap<String, Cases>,
    pub(super) purposes: BTreeMap<String, Use>,
    pub(super) quarantines: Quarantines,
    /// Those of a schedule's list.
    pub(super) disposals: Vec<Disposal>,
    /// Erasures of one child, as a case was granted.
    pub(super) erasures: ShownCount,
    pub(super) holds: Holds,
    /// Purposes that end within 60 days after the month, or ended in it.
    pub(super) ending: BTreeMap<String, String>,
    pub(super) releases: Vec<Released>,
    /// Requests that the vault denied, and connections that it refused.
    pub(super) denied: u64,
    pub(super) refused: u64,
    pub(super) runs: Runs,
}

/// The use of a purpose.
#[derive(Serialize, Default)]
pub(super) struct Use {
    pub(super) runs_opened: u64,
    pub(super) runs_closed: u64,
    pub(super) alarms: u64,
    pub(super) resumed: u64,
    /// Whether an alarm of the month, or of before, still stops it.
    pub(super) stopped: bool,
    pub(super) numbers: Budgeted,
    pub(super) repairs: Budgeted,
    pub(super) parts: Budgeted,
}

/// The part that the busiest day took of a day's budget.
#[derive(Serialize, Default)]
pub(super) struct Budgeted {
    pub(super) busiest_day: ShownCount,
    pub(super) budget: Option<u64>,
    pub(super) percent: Option<u64>,
    #[serde(skip)]
    pub(super) most: u64,
}

#[derive(Serialize, Default)]
pub(super) struct Quarantines {
    pub(super) opened: u64,
    /// Rows that were told; none where 1 to 4 were.
    pub(super) rows: ShownCount,
}

#[derive(Serialize)]
pub(super) struct Disposal {
    /// Its list, by which the receipt names it.
    #[serde(skip)]
    list: String,
    pub(super) purpose: String,
    pub(super) day: String,
    /// Persons by category; none where 1 to 4 are.
    pub(super) persons: BTreeMap<String, ShownCount>,
    /// Whether its list was applied to all datasets since, up to the month's end.
    pub(super) applied: bool,
}

/// Holds on persons are counted, moratoria named.
#[derive(Serialize, Default)]
pub(super) struct Holds {
    pub(super) made: ShownCount,
    pub(super) lifted: ShownCount,
    pub(super) standing: ShownCount,
    pub(super) moratoria_made: Vec<String>,
    pub(super) moratoria_lifted: Vec<String>,
    pub(super) moratoria_standing: Vec<String>,
}

#[derive(Serialize, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Released {
    pub(super) day: String,
    pub(super) release: String,
    pub(super) period: String,
    pub(super) purpose: String,
    /// None where an earlier release let it out, or it was withdrawn.
    pub(super) audience: Option<String>,
    pub(super) what: &'static str,
}

#[derive(Serialize, Default)]
pub(super) struct Runs {
    pub(super) runs: u64,
    /// By exit code; those that were interrupted have none.
    pub(super) exits: BTreeMap<String, u64>,
    pub(super) sources_left_out: u64,
    pub(super) drafts_refused: u64,
}

/// Proposals that are about no single person. One of a later release counts as about a person until it stands here.
const OF_NO_PERSON: [&str; 13] = [
    "name-purpose",
    "allow-load",
    "resume",
    "change-custodians",
    "change-reviewers",
    "rotate",
    "retire",
    "accept-snapshot",
    "forget-release",
    "moratorium",
    "grant-role",
    "revoke-role",
    LIFTED_MORATORIUM,
];

/// The lifting of a moratorium: the action is the same as for a hold on a person.
const LIFTED_MORATORIUM: &str = "lift-moratorium";

/// Entries that other parts tell of, person by person or proposal by proposal: their sum would give what those hide.
const TOLD_ELSEWHERE: [&str; 7] =
    ["proposed", "approved", "held", "lifted-hold", "disposed", "applied-disposal", "case"];

/// Entries that are about no single person. Each other one counts as about a person, and so does one of a later release.
const EXACT: &[&str] = &[
    "made",
    "started",
    "stopped",
    "repaired",
    "rekeyed",
    "opened-run",
    "pseudonymised",
    "made-parts",
    "told-births",
    "repaired-numbers",
    "closed-run",
    "alarm",
    "created-key",
    "unwrapped-key",
    "scanned-key",
    "compared",
    "named-purpose",
    "allowed-load",
    "resumed",
    "appointed",
    "changed-custodians",
    "changed-reviewers",
    "gave-review",
    "took-review",
    "rotated",
    "read-crosswalk",
    "retired",
    "agreed",
    "let-out",
    "withdrew",
    "checkpointed",
    "restored",
    "stated",
    "denied",
    "refused",
    "recorded-manifest",
    "took-over",
    "accepted-snapshot",
    "forgot-release",
    "unlocked",
    "told-facts",
    "planned-retention",
    "took-over-roles",
    "granted-role",
    "revoked-role",
];

/// A count of persons, or of what is about one person: to the nearest 5, unless it is small.
pub(super) fn of_persons(count: u64) -> ShownCount {
    shown(count).map(coarse)
}

/// A count, unless it is small.
fn shown(count: u64) -> ShownCount {
    (count == 0 || count >= SMALLEST_SHOWN).then_some(count)
}

/// The log, read up to the month's end.
#[derive(Default)]
struct Reading<'a> {
    report: Report,
    definitions: BTreeMap<Purpose, &'a PurposeDefinition>,
    stopped: BTreeSet<Purpose>,
    /// Holds that stand, each with its category where it is a moratorium.
    standing: BTreeMap<&'a str, Option<&'a str>>,
    register: Register<'a>,
    entries: BTreeMap<&'a str, u64>,
    /// The month's proposals.
    proposed: Vec<(&'a str, &'a str)>,
    /// Actions of all proposals.
    actions: BTreeMap<&'a str, &'a str>,
    /// Signatures of the month, by the proposals.
    signed: Vec<&'a str>,
    /// Proposals that lifted a moratorium.
    moratoria: BTreeSet<&'a str>,
    erased: u64,
    made: u64,
    lifted: u64,
    rows: u64,
}

impl Report {
    /// `today` is the day on which it is asked for: a case of a month that is not over is overdue once its day is.
    pub(super) fn of(month: &Month, entries: &[Entry], runs: &[RunRecord], today: Date) -> Self {
        let mut reading = Reading::default();
        for entry in entries.iter().filter(|entry| month.reaches(&entry.time)) {
            // A hold that is lifted is known until then.
            if month.has(&entry.time) {
                reading.happened(entry);
            }
            if let Event::Case(step) = &entry.event {
                reading.register.takes(step, month.has(&entry.time));
            }
            reading.stands(entry);
        }
        let mut report = reading.end(month, today);
        report.runs = Runs::of(month, runs);
        report
    }
}

impl<'a> Reading<'a> {
    fn of(&mut self, purpose: &Purpose) -> &mut Use {
        self.report.purposes.entry(purpose.to_string()).or_default()
    }

    /// Takes in how things stand after an entry, of whatever month.
    fn stands(&mut self, entry: &'a Entry) {
        match &entry.event {
            Event::Made { purposes } => {
                self.definitions = purposes.iter().map(|of| (of.name.clone(), of)).collect();
            }
            Event::NamedPurpose { definition } => {
                self.definitions.insert(definition.name.clone(), definition);
            }
            Event::Alarm { purpose } => drop(self.stopped.insert(purpose.clone())),
            Event::Resumed { purpose } => drop(self.stopped.remove(purpose)),
            Event::Held { proposal, category } => {
                self.standing.insert(proposal, category.as_deref());
            }
            Event::LiftedHold { proposal, hold } => {
                let category = self.standing.remove(hold.as_str()).flatten();
                self.moratoria.extend(category.map(|_| proposal.as_str()));
            }
            Event::Proposed { proposal, action } => drop(self.actions.insert(proposal, action)),
            Event::AppliedDisposal { receipt } => {
                let mut disposals = self.report.disposals.iter_mut();
                if let Some(disposal) = disposals.find(|of| of.list == receipt.list) {
                    disposal.applied = true;
                }
            }
            _ => {}
        }
    }

    /// Counts an entry of the month.
    fn happened(&mut self, entry: &'a Entry) {
        *self.entries.entry(&entry.name).or_default() += 1;
        match &entry.event {
            Event::OpenedRun { purpose } => self.of(purpose).runs_opened += 1,
            Event::ClosedRun { purpose: Some(purpose) } => self.of(purpose).runs_closed += 1,
            Event::Pseudonymised { purpose, today } => self.of(purpose).numbers.day(*today),
            Event::RepairedNumbers { purpose, today } => self.of(purpose).repairs.day(*today),
            Event::MadeParts { purpose, today } => self.of(purpose).parts.day(*today),
            Event::Alarm { purpose } => self.of(purpose).alarms += 1,
            Event::Resumed { purpose } => self.of(purpose).resumed += 1,
            Event::Proposed { proposal, action } => self.proposed.push((proposal, action)),
            Event::Approved { proposal } => self.signed.push(proposal),
            Event::OpenedQuarantine { chosen } => {
                self.report.quarantines.opened += 1;
                self.rows += chosen;
            }
            Event::Held { category: None, .. } => self.made += 1,
            Event::Held { category: Some(category), .. } => {
                self.report.holds.moratoria_made.push(category.clone());
            }
            Event::LiftedHold { hold, .. } => match self.standing.get(hold.as_str()) {
                Some(Some(category)) => {
                    self.report.holds.moratoria_lifted.push((*category).to_owned());
                }
                _ => self.lifted += 1,
            },
            Event::Disposed { case: Some(_), .. } => self.erased += 1,
            Event::Disposed { proposal, purpose, persons, case: None } => {
                self.report.disposals.push(Disposal {
                    list: proposal.clone(),
                    purpose: purpose.to_string(),
                    day: day(entry),
                    persons: persons.iter().map(|(of, n)| (of.clone(), of_persons(*n))).collect(),
                    applied: false,
                });
            }
            Event::LetOut(publication) => self.release(entry, publication, "let out"),
            Event::Withdrew(publication) => self.release(entry, publication, "withdrawn"),
            Event::Denied {} => self.report.denied += 1,
            Event::Refused { strangers, full, denied } => {
                let all = |counts: &[super::log::Count]| -> u64 {
                    counts.iter().map(|of| of.count).sum()
                };
                self.report.denied += all(denied);
                self.report.refused += all(strangers) + all(full);
            }
            _ => {}
        }
    }

    fn release(&mut self, entry: &Entry, of: &Publication, what: &'static str) {
        self.report.releases.push(Released {
            day: day(entry),
            release: of.release.to_string(),
            period: of.period.to_string(),
            purpose: of.purpose.to_string(),
            audience: of.audience.map(|of| of.to_string()),
            what,
        });
    }

    /// Counts of what was proposed and signed, and of entries: nothing of them sums up what is hidden.
    fn sums(&mut self) {
        let action = |proposal: &str, action| match self.moratoria.contains(proposal) {
            true => LIFTED_MORATORIUM,
            false => action,
        };
        let mut requests: BTreeMap<&str, u64> = BTreeMap::new();
        for (proposal, of) in &self.proposed {
            *requests.entry(action(proposal, of)).or_default() += 1;
        }
        let told = requests.into_iter().map(|(of, count)| match OF_NO_PERSON.contains(&of) {
            true => (of.to_owned(), Some(count)),
            false => (of.to_owned(), of_persons(count)),
        });
        self.report.requests = told.collect();
        let of_no_person = self.signed.iter().filter(|proposal| {
            let of = self.actions.get(*proposal).copied().unwrap_or_default();
            OF_NO_PERSON.contains(&action(proposal, of))
        });
        self.report.approvals = of_no_person.count() as u64;
        let entries = self.entries.iter().filter(|(name, _)| !TOLD_ELSEWHERE.contains(name));
        let told = entries.map(|(name, count)| {
            let count = if EXACT.contains(name) { Some(*count) } else { of_persons(*count) };
            ((*name).to_owned(), count)
        });
        self.report.entries = told.collect();
    }

    fn end(mut self, month: &Month, today: Date) -> Report {
        self.sums();
        let Self { mut report, definitions, stopped, standing, register, .. } = self;
        let (made, lifted, rows, erased) = (self.made, self.lifted, self.rows, self.erased);
        (report.format, report.month) = (1, month.to_string());
        report.erasures = of_persons(erased);
        let last = month.last_day();
        let behind = last.tomorrow().unwrap_or(last);
        report.cases = register.counts(behind.min(today));
        for (purpose, definition) in &definitions {
            let of = report.purposes.entry(purpose.to_string()).or_default();
            of.stopped = stopped.contains(purpose);
            of.numbers.within(Some(definition.budget.day));
            of.repairs.within(definition.repairs.map(|budget| budget.day));
            of.parts.within(definition.linkage.map(|budget| budget.day));
            let ends = definition.expires.filter(|day| ends_soon(*day, last));
            report.ending.extend(ends.map(|day| (purpose.to_string(), day.to_string())));
        }
        report.quarantines.rows = of_persons(rows);
        let holds = &mut report.holds;
        (holds.made, holds.lifted) = (of_persons(made), of_persons(lifted));
        holds.standing = of_persons(standing.values().filter(|of| of.is_none()).count() as u64);
        holds.moratoria_standing =
            standing.values().filter_map(|of| of.map(str::to_owned)).collect();
        report
    }
}

/// Whether a day lies in the month that ends on `last`, or up to 60 days behind it.
fn ends_soon(day: Date, last: Date) -> bool {
    let days = (day - last).get_days();
    day >= last.first_of_month() && i64::from(days) <= SOON
}

fn day(entry: &Entry) -> String {
    entry.time.get(..10).unwrap_or_default().to_owned()
}

impl Budgeted {
    fn day(&mut self, today: u64) {
        self.most = self.most.max(today);
    }

    fn within(&mut self, budget: Option<u64>) {
        self.busiest_day = shown(self.most);
        self.budget = budget.filter(|budget| *budget < u64::MAX);
        // A share of a small count would tell the count.
        let share = |budget: u64| (self.most * 100).div_ceil(budget.max(1));
        self.percent = self.busiest_day.and(self.budget).map(share);
    }
}

impl Runs {
    fn of(month: &Month, runs: &[RunRecord]) -> Self {
        let mut all = Self::default();
        for run in runs.iter().filter(|run| month.has(&run.started.to_string())) {
            all.runs += 1;
            let exit = run.exit.map_or("interrupted".to_owned(), |code| code.to_string());
            *all.exits.entry(exit).or_default() += 1;
            let left_out = run.sources.iter().filter(|of| of.progress == Progress::LeftOut);
            all.sources_left_out += left_out.count() as u64;
            let refused = run.stages.iter().filter(|of| of.progress == Progress::Refused);
            all.drafts_refused += refused.count() as u64;
        }
        all
    }
}

#[cfg(test)]
mod tests;
