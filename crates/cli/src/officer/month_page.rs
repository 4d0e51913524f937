//! The officer's month as text and as a page.

use std::fmt::Write as _;

use maud::{Markup, html};
use minster_vault_api::{SMALLEST_SHOWN, ShownCount};

use super::{
    month::{Budgeted, Disposal, Holds, Released, Report, Runs, Use},
    page as pages,
    rights::Cases,
};

fn told(count: ShownCount) -> String {
    count.map_or_else(|| format!("1 to {}", SMALLEST_SHOWN - 1), |count| count.to_string())
}

impl Budgeted {
    fn told(&self) -> String {
        match (self.budget, self.percent) {
            (Some(budget), Some(percent)) => {
                format!("{} of {budget} ({percent} %)", told(self.busiest_day))
            }
            (Some(budget), None) => format!("{} of {budget}", told(self.busiest_day)),
            (None, _) if self.most == 0 => "none allowed".to_owned(),
            (None, _) => told(self.busiest_day),
        }
    }
}

fn purposes(report: &Report) -> Vec<Vec<String>> {
    let of = |(name, of): (&String, &Use)| {
        let alarms = match (of.alarms, of.stopped) {
            (0, false) => "none".to_owned(),
            (0, true) => "stopped by an earlier one".to_owned(),
            (alarms, true) => format!("{alarms}; it is stopped"),
            (alarms, false) => format!("{alarms}; resumed"),
        };
        let runs = format!("{} opened, {} closed", of.runs_opened, of.runs_closed);
        vec![name.clone(), runs, of.numbers.told(), of.repairs.told(), of.parts.told(), alarms]
    };
    report.purposes.iter().map(of).collect()
}

fn requests(report: &Report) -> Vec<Vec<String>> {
    report.requests.iter().map(|(action, count)| vec![action.clone(), told(*count)]).collect()
}

/// Cases of children's rights: the right, opened, closed, open, overdue.
fn cases(report: &Report) -> Vec<Vec<String>> {
    let of = |(right, of): (&String, &Cases)| {
        let counts = [of.opened, of.closed, of.open, of.overdue].map(told);
        [vec![right.clone()], counts.to_vec()].concat()
    };
    report.cases.iter().map(of).collect()
}

fn disposals(report: &Report) -> Vec<Vec<String>> {
    let of = |of: &Disposal| {
        let persons: Vec<String> =
            of.persons.iter().map(|(category, n)| format!("{} of {category}", told(*n))).collect();
        let applied = if of.applied { "applied to all datasets" } else { "NOT YET APPLIED" };
        vec![of.day.clone(), of.purpose.clone(), persons.join(", "), applied.to_owned()]
    };
    report.disposals.iter().map(of).collect()
}

fn releases(report: &Report) -> Vec<Vec<String>> {
    let of = |of: &Released| {
        let audience = of.audience.clone().unwrap_or_else(|| "-".to_owned());
        vec![
            of.day.clone(),
            of.release.clone(),
            of.period.clone(),
            of.what.to_owned(),
            audience,
            of.purpose.clone(),
        ]
    };
    report.releases.iter().map(of).collect()
}

fn ending(report: &Report) -> Vec<Vec<String>> {
    report.ending.iter().map(|(name, day)| vec![name.clone(), day.clone()]).collect()
}

/// The rest, as names and values.
fn facts(report: &Report) -> Vec<(String, String)> {
    let Holds { made, lifted, standing, .. } = report.holds;
    let names = |all: &[String]| if all.is_empty() { "none".to_owned() } else { all.join(", ") };
    let Runs { runs, exits, sources_left_out, drafts_refused } = &report.runs;
    let exits: Vec<String> = exits.iter().map(|(code, n)| format!("{n} with {code}")).collect();
    let exits =
        if exits.is_empty() { String::new() } else { format!("; exit: {}", exits.join(", ")) };
    let opened = match report.quarantines.opened {
        0 => "none".to_owned(),
        opened => format!("{opened} times, {} rows told", told(report.quarantines.rows)),
    };
    let fact = |name: &str, value: String| (name.to_owned(), value);
    vec![
        fact(
            "Signatures of custodians, under proposals about no single person",
            report.approvals.to_string(),
        ),
        fact("Quarantines opened", opened),
        fact(
            "Holds on persons",
            format!("{} made, {} lifted, {} stand", told(made), told(lifted), told(standing)),
        ),
        fact("Erasures of one child", told(report.erasures)),
        fact("Moratoria made", names(&report.holds.moratoria_made)),
        fact("Moratoria lifted", names(&report.holds.moratoria_lifted)),
        fact("Moratoria standing", names(&report.holds.moratoria_standing)),
        fact("Denied requests", report.denied.to_string()),
        fact("Refused connections", report.refused.to_string()),
        fact("Runs", format!("{runs}{exits}")),
        fact("Sources left out", sources_left_out.to_string()),
        fact("Drafts refused", drafts_refused.to_string()),
    ]
}

/// For people, without a page.
pub(super) fn text(report: &Report) -> String {
    let mut text = format!("{}, days in UTC\n", report.month);
    let mut part = |title: &str, rows: Vec<Vec<String>>| {
        let _ = writeln!(text, "\n{title}");
        if rows.is_empty() {
            text += "  none\n";
        }
        for row in rows {
            let _ = writeln!(text, "  {}", row.join("  "));
        }
    };
    part("proposals to custodians", requests(report));
    let named = |row: Vec<String>| match &row[..] {
        [right, opened, closed, open, overdue] => vec![format!(
            "{right}: {opened} opened, {closed} closed, {open} open, {overdue} of them overdue"
        )],
        _ => row,
    };
    part("cases of children's rights", cases(report).into_iter().map(named).collect());
    part("purposes: runs; numbers, repairs and parts of the busiest day; alarms", purposes(report));
    part("purposes that end", ending(report));
    part("releases", releases(report));
    part("disposals", disposals(report));
    part(
        "the rest",
        facts(report).into_iter().map(|(name, of)| vec![format!("{name}: {of}")]).collect(),
    );
    part(
        "entries of the vault's log, by event",
        report.entries.iter().map(|(name, n)| vec![format!("{} {name}", told(*n))]).collect(),
    );
    text
}

/// As a page.
pub(super) fn page(report: &Report) -> Markup {
    let entries: Vec<Vec<String>> =
        report.entries.iter().map(|(name, n)| vec![name.clone(), told(*n)]).collect();
    let body = html! {
        p {
            "The month, as the vault's log and the ledger of runs tell it. Days are UTC. Counts of what is about persons are to the "
            "nearest 5, and 1 to 4 are hidden. No number, name or reason stands here."
        }
        h2 { "Purposes" }
        (pages::table("Use of each purpose; the busiest day beside a day's budget", &["Purpose", "Runs", "Numbers", "Repairs", "Parts for matching", "Alarms"], &purposes(report), &[]))
        (pages::table("Purposes that end within 60 days, or ended", &["Purpose", "Last day"], &ending(report), &[]))
        h2 { "Requests" }
        (pages::table("Proposals to custodians", &["Action", "Proposals"], &requests(report), &[1]))
        (pages::table("Cases of children's rights, by right; open and overdue at the month's end", &["Right", "Opened", "Closed", "Open", "Overdue"], &cases(report), &[1, 2, 3, 4]))
        (pages::facts(&facts(report)))
        h2 { "Releases" }
        (pages::table("Let out and withdrawn", &["Day", "Release", "Period", "What", "Readers", "Purpose"], &releases(report), &[]))
        h2 { "Disposals" }
        (pages::table("Disposals", &["Day", "Purpose", "Persons", "List"], &disposals(report), &[]))
        h2 { "The log" }
        (pages::table("Entries by event", &["Event", "Entries"], &entries, &[1]))
    };
    pages::page(&format!("The data protection officer's month: {}", report.month), &body)
}
