//! The officer's month: what the vault's log and the ledger of runs tell of it. Counts of persons and rows from 1 to 4 are hidden.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use minster_model::Purpose;
use minster_store::{Progress, RunRecord};
use minster_vault_api::{PurposeDefinition, SMALLEST_SHOWN, ShownCount};
use serde::Serialize;

use super::log::{Entry, Event, Month, Publication};

/// A purpose ends soon within so many days after the month.
const SOON: i64 = 60;

/// The month.
#[derive(Serialize, Default)]
pub(super) struct Report {
    pub(super) format: u32,
    pub(super) month: String,
    /// Entries of the log in the month, by event: of each kind, also of those that no other part tells of.
    pub(super) entries: BTreeMap<String, u64>,
    /// Proposals by action, in the month.
    pub(super) requests: BTreeMap<String, u64>,
    /// Custodians' signatures.
    pub(super) approvals: u64,
    pub(super) purposes: BTreeMap<String, Use>,
    pub(super) quarantines: Quarantines,
    pub(super) disposals: Vec<Disposal>,
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
    lists: Vec<&'a str>,
    made: u64,
    lifted: u64,
    rows: u64,
}

impl Report {
    pub(super) fn of(month: &Month, entries: &[Entry], runs: &[RunRecord]) -> Self {
        let mut reading = Reading::default();
        for entry in entries.iter().filter(|entry| month.reaches(&entry.time)) {
            // A hold that is lifted is known until then.
            if month.has(&entry.time) {
                reading.happened(entry);
            }
            reading.stands(entry);
        }
        let mut report = reading.end(month);
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
            Event::LiftedHold { hold } => drop(self.standing.remove(hold.as_str())),
            Event::AppliedDisposal { receipt } => {
                let place = self.lists.iter().position(|list| *list == receipt.list);
                if let Some(disposal) = place.and_then(|at| self.report.disposals.get_mut(at)) {
                    disposal.applied = true;
                }
            }
            _ => {}
        }
    }

    /// Counts an entry of the month.
    fn happened(&mut self, entry: &'a Entry) {
        *self.report.entries.entry(entry.name.clone()).or_default() += 1;
        match &entry.event {
            Event::OpenedRun { purpose } => self.of(purpose).runs_opened += 1,
            Event::ClosedRun { purpose: Some(purpose) } => self.of(purpose).runs_closed += 1,
            Event::Pseudonymised { purpose, today } => self.of(purpose).numbers.day(*today),
            Event::RepairedNumbers { purpose, today } => self.of(purpose).repairs.day(*today),
            Event::MadeParts { purpose, today } => self.of(purpose).parts.day(*today),
            Event::Alarm { purpose } => self.of(purpose).alarms += 1,
            Event::Resumed { purpose } => self.of(purpose).resumed += 1,
            Event::Proposed { action } => {
                *self.report.requests.entry(action.clone()).or_default() += 1;
            }
            Event::Approved {} => self.report.approvals += 1,
            Event::OpenedQuarantine { chosen } => {
                self.report.quarantines.opened += 1;
                self.rows += chosen;
            }
            Event::Held { category: None, .. } => self.made += 1,
            Event::Held { category: Some(category), .. } => {
                self.report.holds.moratoria_made.push(category.clone());
            }
            Event::LiftedHold { hold } => match self.standing.get(hold.as_str()) {
                Some(Some(category)) => {
                    self.report.holds.moratoria_lifted.push((*category).to_owned());
                }
                _ => self.lifted += 1,
            },
            Event::Disposed { proposal, purpose, persons } => {
                self.lists.push(proposal);
                self.report.disposals.push(Disposal {
                    purpose: purpose.to_string(),
                    day: day(entry),
                    persons: persons.iter().map(|(of, n)| (of.clone(), shown(*n))).collect(),
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

    fn end(self, month: &Month) -> Report {
        let Self { mut report, definitions, stopped, standing, lists: _, made, lifted, rows } =
            self;
        (report.format, report.month) = (1, month.to_string());
        let last = month.last_day();
        for (purpose, definition) in &definitions {
            let of = report.purposes.entry(purpose.to_string()).or_default();
            of.stopped = stopped.contains(purpose);
            of.numbers.within(Some(definition.budget.day));
            of.repairs.within(definition.repairs.map(|budget| budget.day));
            of.parts.within(definition.linkage.map(|budget| budget.day));
            let ends = definition.expires.filter(|day| ends_soon(*day, last));
            report.ending.extend(ends.map(|day| (purpose.to_string(), day.to_string())));
        }
        report.quarantines.rows = shown(rows);
        let holds = &mut report.holds;
        (holds.made, holds.lifted) = (shown(made), shown(lifted));
        holds.standing = shown(standing.values().filter(|of| of.is_none()).count() as u64);
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
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::officer::{
        log::tests::entries,
        month_page::{page, text},
    };

    const PURPOSE: &str = r#"{"name":"p","text":"t","legal_basis":"b","roles":["ingest"],
        "budget":{"run":10,"day":200},"expires":"2026-12-31"}"#;

    fn report(lines: &[String], month: &str) -> Value {
        let made = format!(
            r#"{{"time":"2026-01-01T00:00:00Z","event":"made","purposes":[{}]}}"#,
            PURPOSE.replace('\n', "")
        );
        let all: Vec<&str> =
            std::iter::once(made.as_str()).chain(lines.iter().map(String::as_str)).collect();
        let entries = entries(&all);
        let report = Report::of(&month.parse().unwrap(), &entries, &[]);
        let page = page(&report).into_string();
        assert!(page.contains(month) && !page.contains("SAR/2026"), "{page}");
        assert!(!text(&report).contains("SAR/2026"));
        serde_json::to_value(&report).unwrap()
    }

    fn at(day: &str, event: &str, rest: &str) -> String {
        format!(r#"{{"time":"{day}T09:00:00Z","event":"{event}"{rest}}}"#)
    }

    #[test]
    fn a_month_counts_its_own_entries_and_no_others() {
        let denied = |day: &str| at(day, "denied", r#","what":"x""#);
        let lines = [
            denied("2026-10-31"),
            denied("2026-11-01"),
            denied("2026-11-30"),
            denied("2026-12-01"),
        ];
        assert_eq!(report(&lines, "2026-11")["denied"], 2);
        assert_eq!(report(&lines, "2026-11")["entries"], json!({ "denied": 2 }));
        assert_eq!(report(&lines, "2026-09")["entries"], json!({}));
    }

    #[test]
    fn budgets_are_told_by_the_busiest_day_and_small_counts_are_hidden() {
        let asked = |day: &str, today: u64| {
            at(day, "pseudonymised", &format!(r#","purpose":"p","today":{today}"#))
        };
        let lines = [asked("2026-11-02", 40), asked("2026-11-02", 50), asked("2026-11-03", 9)];
        let told = &report(&lines, "2026-11")["purposes"]["p"]["numbers"];
        assert_eq!(*told, json!({ "busiest_day": 50, "budget": 200, "percent": 25 }));
        let told = &report(&[asked("2026-11-02", 3)], "2026-11")["purposes"]["p"]["numbers"];
        assert_eq!(*told, json!({ "busiest_day": null, "budget": 200, "percent": null }));
    }

    #[test]
    fn holds_on_persons_are_counted_and_moratoria_are_named_until_they_are_lifted() {
        let held = |day: &str, name: &str, category: &str| {
            at(day, "held", &format!(r#","proposal":"{name}","reference":"SAR/2026/1"{category}"#))
        };
        let lifted =
            |day: &str, name: &str| at(day, "lifted-hold", &format!(r#","hold":"{name}""#));
        let mut lines: Vec<String> =
            (0..6).map(|n| held("2026-10-02", &format!("h{n}"), "")).collect();
        lines.push(held("2026-10-03", "m", r#","category":"adoption","ordered_by":"the Inquiry""#));
        lines.push(lifted("2026-11-04", "h1"));
        lines.push(lifted("2026-11-05", "m"));
        let november = &report(&lines, "2026-11")["holds"];
        assert_eq!(november["standing"], 5, "{november}");
        assert_eq!(november["lifted"], Value::Null, "one is few");
        assert_eq!(november["moratoria_lifted"], json!(["adoption"]));
        assert_eq!(november["moratoria_standing"], json!([]));
        let october = &report(&lines, "2026-10")["holds"];
        assert_eq!((&october["made"], &october["standing"]), (&json!(6), &json!(6)));
        assert_eq!(october["moratoria_standing"], json!(["adoption"]));
    }

    #[test]
    fn a_hold_that_was_lifted_before_the_month_stands_no_more() {
        let lines = [
            at("2026-09-01", "held", r#","proposal":"m","category":"adoption""#),
            at("2026-10-01", "lifted-hold", r#","hold":"m""#),
        ];
        assert_eq!(report(&lines, "2026-11")["holds"]["moratoria_standing"], json!([]));
    }

    #[test]
    fn disposals_alarms_releases_and_refusals_are_told() {
        let lines = [
            at(
                "2026-11-02",
                "disposed",
                r#","proposal":"d1","purpose":"p","persons":{"adoption":2,"other-records":12}"#,
            ),
            at("2026-11-03", "disposed", r#","proposal":"d2","purpose":"p","persons":{}"#),
            at("2026-11-09", "applied-disposal", r#","purpose":"p","receipt":{"list":"d1"}"#),
            at("2026-11-10", "alarm", r#","purpose":"p","source":"census","rule":"r""#),
            at(
                "2026-11-11",
                "let-out",
                r#","purpose":"p","release":"children","period":"2024-25","audience":"partners""#,
            ),
            at(
                "2026-11-12",
                "withdrew",
                r#","purpose":"p","release":"children","period":"2024-25""#,
            ),
            at(
                "2026-11-13",
                "opened-quarantine",
                r#","chosen":3,"reference":"SAR/2026/2","reason":"a name""#,
            ),
            at(
                "2026-11-14",
                "refused",
                r#","strangers":[{"uid":1,"count":7}],"full":[],"denied":[{"uid":2,"count":3}]"#,
            ),
            at("2026-11-15", "proposed", r#","action":"find-subject","reference":"SAR/2026/3""#),
            at("2026-11-16", "opened-case", r#","kind":"access""#),
        ];
        let told = report(&lines, "2026-11");
        let disposals = &told["disposals"];
        assert_eq!(disposals[0]["persons"], json!({ "adoption": null, "other-records": 12 }));
        assert_eq!(
            (&disposals[0]["applied"], &disposals[1]["applied"]),
            (&json!(true), &json!(false))
        );
        assert_eq!(told["purposes"]["p"]["alarms"], 1);
        assert_eq!(told["purposes"]["p"]["stopped"], true);
        assert_eq!(told["releases"][0]["audience"], "partners");
        assert_eq!(told["releases"][1]["what"], "withdrawn");
        assert_eq!(told["quarantines"], json!({ "opened": 1, "rows": null }));
        assert_eq!((&told["denied"], &told["refused"]), (&json!(3), &json!(7)));
        assert_eq!(told["requests"], json!({ "find-subject": 1 }));
        // An event that no part tells of is counted by its name.
        assert_eq!(told["entries"]["opened-case"], 1);
    }

    #[test]
    fn a_purpose_that_ends_within_sixty_days_is_named() {
        for (month, ends) in
            [("2026-10", false), ("2026-11", true), ("2026-12", true), ("2027-01", false)]
        {
            assert_eq!(!report(&[], month)["ending"]["p"].is_null(), ends, "{month}");
        }
    }
}
