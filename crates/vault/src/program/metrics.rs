//! The figures that monitors watch of a vault, in Prometheus' text format: names, days, shares and counts of no child.

use std::path::PathBuf;

use clap::Args;
use jiff::Timestamp;
use minster_metrics::{Family, Metrics as Figures};
use minster_model::{Purpose, Role};
use minster_vault::{disk::Disk, purposes::today};
use minster_vault_api::{Client, StatusReport, VaultError, VaultState};

use crate::{Failure, arguments::Caller, client::address, ending::Due, print};

/// Figures for monitors.
#[derive(Args)]
pub(crate) struct Metrics {
    #[command(flatten)]
    caller: Caller,
    /// A file that is written anew in one step, for all to read. Without it, the figures go to standard output.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub(crate) fn metrics(of: &Metrics) -> Result<(), Failure> {
    let role = of.caller.role.unwrap_or(Role::Auditor);
    let state = Client::state_of(&address(&of.caller), role, "minster-vault");
    // Yesterday's figures must not stand where nobody answers today.
    let figures = figures(state.as_ref(), Timestamp::now());
    let text = figures.text().map_err(std::io::Error::other).map_err(Failure::Output)?;
    match &of.out {
        Some(path) => Disk::new().replace_for_all(path, text.as_bytes())?,
        None => print(&text)?,
    }
    Ok(state.map(drop)?)
}

const UP: Family = (
    "minster_vault_up",
    "1 where the vault told its figures; else no other figure of it stands here.",
);
const REFUSED: Family = (
    "minster_vault_refused",
    "1 where somebody answered and told nothing: this user has no role, or the vault is not the one that was named.",
);
const AT: Family = ("minster_vault_figures_timestamp_seconds", "When the vault was asked.");
const LOCKED: Family = ("minster_vault_locked", "1 where the vault waits for its custodians.");
const WRONG: Family =
    ("minster_vault_wrong_shares", "Wrong shares since the locked vault started.");
const USED: Family = (
    "minster_vault_budget_used_ratio",
    "The used part of the day's budget of numbers, rounded up to a hundredth.",
);
const REPAIRS: Family = (
    "minster_vault_repairs_used_ratio",
    "The used part of the day's budget of repairs, rounded up to a hundredth.",
);
const ALARM: Family = ("minster_vault_alarm", "1 where an alarm stopped the purpose.");
const DAYS: Family = (
    "minster_vault_purpose_days_left",
    "Days until the purpose's last day; below 0 where it is over.",
);
const ENDING: Family =
    ("minster_vault_purposes_ending", "Purposes that are not over and end within 60 days.");
const TO_DESTROY: Family = (
    "minster_vault_purposes_to_destroy",
    "Purposes that are over, or whose end has begun, and whose data are not destroyed.",
);
const AGE: Family = (
    "minster_vault_checkpoint_age_seconds",
    "Seconds since the last checkpoint of the log was signed.",
);
const UNCOVERED: Family =
    ("minster_vault_log_entries_uncovered", "Entries of the log that no checkpoint covers.");
const PROPOSALS: Family = ("minster_vault_open_proposals", "Proposals that are open.");
const RESTORED: Family = (
    "minster_vault_restorations",
    "How often custodians accepted what kept the vault from starting.",
);
const ROLES: Family =
    ("minster_vault_dangerous_roles", "Pairs of roles that one uid holds and must not.");

const CASES: Family = ("minster_vault_open_cases", "Cases of children's rights that are open.");
const OVERDUE: Family =
    ("minster_vault_overdue_cases", "Open cases whose last day for the answer is over.");
const CASE_DAYS: Family = (
    "minster_vault_case_days_left",
    "Days until the first last day of an open case; below 0 where it is over.",
);

fn figures(state: Result<&VaultState, &VaultError>, at: Timestamp) -> Figures {
    let mut figures = Figures::default();
    let down =
        |error| matches!(error, &VaultError::Unreachable { .. } | &VaultError::Connection(_));
    figures.add(UP, &[], u8::from(state.is_ok()));
    figures.add(REFUSED, &[], u8::from(state.is_err_and(|error| !down(error))));
    figures.add(AT, &[], at.as_second());
    match state {
        Err(_) => {}
        Ok(VaultState::Locked(locked)) => {
            figures.add(LOCKED, &[], 1_u8);
            figures.add(WRONG, &[], locked.wrong);
        }
        Ok(VaultState::Open(status)) => {
            figures.add(LOCKED, &[], 0_u8);
            open(&mut figures, status);
        }
    }
    figures
}

fn open(figures: &mut Figures, status: &StatusReport) {
    let (mut ending, mut to_destroy) = (0, 0);
    for one in &status.purposes {
        let purpose = [("purpose", Purpose::as_str(&one.purpose))];
        figures.add(USED, &purpose, used(one.today, one.budget.1));
        figures.add(REPAIRS, &purpose, used(one.repairs_today, one.repair_budget.1));
        figures.add(ALARM, &purpose, u8::from(one.stopped));
        let due = Due::of(one, today());
        if let Some(days) = due.days_left() {
            figures.add(DAYS, &purpose, days);
        }
        ending += usize::from(matches!(due, Due::Soon(_)));
        to_destroy += usize::from(due.is_overdue());
    }
    figures.add(ENDING, &[], ending);
    figures.add(TO_DESTROY, &[], to_destroy);
    if let Some(age) = status.checkpoint_age {
        figures.add(AGE, &[], age);
    }
    figures.add(UNCOVERED, &[], status.log_entries.saturating_sub(status.checkpointed));
    figures.add(PROPOSALS, &[], status.open_proposals);
    figures.add(CASES, &[], status.cases.open);
    figures.add(OVERDUE, &[], status.cases.overdue);
    if let Some(days) = status.cases.least_days_left {
        figures.add(CASE_DAYS, &[], days);
    }
    figures.add(RESTORED, &[], status.restorations);
    figures.add(ROLES, &[], status.dangerous_roles.len());
}

/// A part of a budget in hundredths, rounded up: something that is used is never told as nothing, and all never as less.
fn used(count: u64, budget: u64) -> f64 {
    match budget {
        0 => 0.0,
        some => (u128::from(count) * 100).div_ceil(u128::from(some)) as f64 / 100.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A purpose that an alarm stopped and that ends in ten days, one that is over, and one whose end began; each figure of the rules
    /// is another number, so that none can stand for another.
    #[test]
    fn each_figure_tells_its_own_state() {
        let today = today();
        let last = |days: i64| today.saturating_add(jiff::Span::new().days(days)).to_string();
        let purpose = |name: &str, last: Option<String>, more: serde_json::Value| {
            let mut purpose = serde_json::json!({
                "purpose": name, "key_version": 1, "key_check": "0", "versions": [], "expires": last,
                "expired": false, "stopped": false, "identifiers": 9, "today": 1, "budget": [10, 100],
                "repairs_today": 3, "repair_budget": [5, 10],
            });
            let map = purpose.as_object_mut().unwrap();
            map.extend(more.as_object().unwrap().clone());
            purpose
        };
        let status = serde_json::json!({
            "store_id": "s", "custody": "key file", "custody_generation": 1, "recipient": "", "verifier": "",
            "custodians": [], "log_entries": 50, "log_head": "", "checkpointed": 43, "open_proposals": 2,
            "cases": { "open": 4, "overdue": 3, "least_days_left": -6, "restrictions": 0, "corrections": 0 },
            "hardening": "", "restorations": 5, "roles": [], "roles_file_ignored": false,
            "single_user": false, "custodian_accounts_missing": 0, "checkpoint_age": 77,
            "dangerous_roles": [{ "uid": 8, "one": "ingest", "other": "linker" }],
            "purposes": [
                purpose("ending", Some(last(10)), serde_json::json!({ "stopped": true })),
                purpose("over", Some(last(-4)), serde_json::json!({ "expired": true })),
                purpose("standing", Some(last(900)), serde_json::json!({})),
            ],
        });
        let status: StatusReport = serde_json::from_value(status).unwrap();
        let at = Timestamp::from_second(1_800_000_000).unwrap();
        let text = figures(Ok(&VaultState::Open(Box::new(status))), at).text().unwrap();
        for line in [
            "minster_vault_up 1",
            "minster_vault_refused 0",
            "minster_vault_figures_timestamp_seconds 1800000000",
            "minster_vault_locked 0",
            "minster_vault_budget_used_ratio{purpose=\"over\"} 0.01",
            "minster_vault_repairs_used_ratio{purpose=\"over\"} 0.3",
            "minster_vault_alarm{purpose=\"ending\"} 1",
            "minster_vault_alarm{purpose=\"over\"} 0",
            "minster_vault_purpose_days_left{purpose=\"ending\"} 10",
            "minster_vault_purpose_days_left{purpose=\"over\"} -4",
            "minster_vault_purposes_ending 1",
            "minster_vault_purposes_to_destroy 1",
            "minster_vault_checkpoint_age_seconds 77",
            "minster_vault_log_entries_uncovered 7",
            "minster_vault_open_proposals 2",
            "minster_vault_open_cases 4",
            "minster_vault_overdue_cases 3",
            "minster_vault_case_days_left -6",
            "minster_vault_restorations 5",
            "minster_vault_dangerous_roles 1",
        ] {
            assert!(text.lines().any(|one| one == line), "{line}: {text}");
        }
    }

    #[test]
    fn a_part_of_a_budget_is_rounded_up() {
        assert_eq!([used(0, 50_000), used(1, 50_000), used(501, 50_000)], [0.0, 0.01, 0.02]);
        assert_eq!([used(49_999, 50_000), used(60_000, 50_000)], [1.0, 1.2]);
        assert_eq!([used(7, 0), used(7, u64::MAX)], [0.0, 0.01]);
    }
}
