//! The report: what was audited, what each check came to, and what changed since the last report.

mod installation;
mod page;

use std::{collections::BTreeMap, fmt::Write as _};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub(crate) use installation::Installation;

use crate::{
    check::{Check, Verdict, counts, exit_code},
    failure::Failure,
    site::Site,
};

/// The report's format.
const FORMAT: u32 = 2;

/// The report of one audit.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Report {
    format: u32,
    pub(crate) exit: u8,
    /// When it was made (RFC 3339, UTC).
    pub(crate) time: String,
    passed: usize,
    failed: usize,
    not_checked: usize,
    installation: Installation,
    /// The differences from the last report; none where there was no report before.
    since: Option<Since>,
    checks: Vec<Check>,
}

/// The changes since a report.
#[derive(Debug, Serialize, Deserialize)]
struct Since {
    time: String,
    changes: Vec<String>,
}

impl Report {
    pub(crate) fn of(site: &Site, checks: Vec<Check>, before: Option<&Self>) -> Self {
        let [passed, failed, not_checked] = counts(&checks);
        let time = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let installation = Installation::of(site);
        let exit = exit_code(&checks);
        let since = before.map(|before| Since {
            time: before.time.clone(),
            changes: [
                installation.changes(&before.installation),
                verdicts(&checks, &before.checks),
            ]
            .concat(),
        });
        Self {
            format: FORMAT,
            exit,
            time,
            passed,
            failed,
            not_checked,
            installation,
            since,
            checks,
        }
    }

    /// For people.
    pub(crate) fn text(&self) -> String {
        let mut text = self.installation.text(&self.time);
        text.push('\n');
        for Check { id, title, verdict, evidence, by_hand, as_root } in &self.checks {
            let _ = writeln!(text, "{verdict:<12} {title} [{id}]");
            for line in evidence {
                let _ = writeln!(text, "             {line}");
            }
            let _ = writeln!(text, "             by hand: {by_hand}");
            if let Some(command) = as_root {
                let _ = writeln!(text, "             root runs: {command}");
            }
            text.push('\n');
        }
        if let Some(Since { time, changes }) = &self.since {
            let _ = writeln!(text, "Since the report of {time}:");
            for change in changes {
                let _ = writeln!(text, "  {change}");
            }
            if changes.is_empty() {
                let _ = writeln!(text, "  nothing changed");
            }
            text.push('\n');
        }
        let _ = writeln!(text, "{}", self.sum());
        text
    }

    /// In a line.
    fn sum(&self) -> String {
        let Self { passed, failed, not_checked, .. } = self;
        format!(
            "{} checks: {passed} passed, {failed} failed, {not_checked} not checked",
            self.checks.len()
        )
    }

    /// For programs: one object in one line.
    pub(crate) fn json(&self) -> Result<String, Failure> {
        serde_json::to_string(self).map(|text| text + "\n").map_err(Failure::Json)
    }

    /// For a data protection officer: a page that needs no other file.
    pub(crate) fn page(&self, signer: &str) -> String {
        page::page(self, signer).into_string()
    }
}

/// Checks whose verdict is another.
fn verdicts(now: &[Check], before: &[Check]) -> Vec<String> {
    let was: BTreeMap<&str, Verdict> =
        before.iter().map(|of| (of.id.as_str(), of.verdict)).collect();
    let mut changes: Vec<String> = now
        .iter()
        .filter_map(|check| match was.get(check.id.as_str()) {
            Some(verdict) if *verdict == check.verdict => None,
            Some(verdict) => Some(format!("{}: {verdict} then, {} now", check.id, check.verdict)),
            None => Some(format!("{}: not asked for then, {} now", check.id, check.verdict)),
        })
        .collect();
    let gone = before.iter().filter(|of| now.iter().all(|check| check.id != of.id));
    changes.extend(gone.map(|of| format!("{}: {} then, not asked for now", of.id, of.verdict)));
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changed_is_told_and_what_did_not_is_not() {
        let check = |id: &str, verdict: Verdict| {
            let mut check = Check::begin(id, "", "").end();
            check.verdict = verdict;
            check
        };
        let before =
            [check("a", Verdict::Pass), check("b", Verdict::Pass), check("c", Verdict::Pass)];
        let now = [check("a", Verdict::Pass), check("b", Verdict::Fail), check("d", Verdict::Pass)];
        let changes = verdicts(&now, &before);
        let told = [
            "b: PASS then, FAIL now",
            "d: not asked for then, PASS now",
            "c: PASS then, not asked for now",
        ];
        assert_eq!(changes, told);
    }
}
