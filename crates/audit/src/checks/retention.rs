//! Disposal that is overdue: by the schedule, and by lists that custodians signed and nobody applied.

use std::fs;

use jiff::{Timestamp, tz::Offset};
use minster_model::Purpose;
use minster_vault_api::ShownCount;

use super::events::{self, Events};
use crate::{
    check::{Check, Gathered, quoted},
    site::Site,
};

/// Days that a due record may wait for its disposal: custodians meet once a quarter.
const GRACE: i64 = 92;
/// Days that a signed list may wait until the store applied it.
const APPLY: i64 = 7;

pub(super) fn check(site: &Site) -> Check {
    let schedule = site.pipeline.schedule.as_deref();
    let until = jiff::Span::new().days(-GRACE);
    let today = Offset::UTC.to_datetime(Timestamp::now()).date();
    let until = today.saturating_add(until).to_string();
    let by_hand = format!(
        "minster-vault retention plan --schedule {} --until {until} --socket {}, as a custodian",
        schedule.map_or("config/retention.toml".to_owned(), quoted),
        quoted(site.socket())
    );
    let title = "No record's disposal is overdue";
    let mut check = Check::begin("retention.due", title, by_hand);
    planned(site, &until, &mut check);
    applied(site, &mut check);
    check.end()
}

fn planned(site: &Site, until: &str, check: &mut Gathered) {
    let Some(path) = &site.pipeline.schedule else {
        return check.missing("pipeline.toml names no retention schedule (`schedule`): nothing says when a record is due");
    };
    let schedule = match fs::read_to_string(path) {
        Ok(schedule) => schedule,
        Err(error) => return check.unread(path.display(), &error),
    };
    let purpose = &site.pipeline.purpose;
    match site.vault().and_then(|mut vault| vault.plan_retention(purpose, &schedule, until)) {
        Err(error) => check.missing(error.to_string()),
        Ok(plan) => {
            judge(purpose, until, plan.due, plan.held.len(), check);
        }
    }
}

/// A count that is hidden is small, and is one all the same.
fn judge(purpose: &Purpose, until: &str, due: ShownCount, held: usize, check: &mut Gathered) {
    let persons = match due {
        Some(0) => {
            return check.fine(format!(
                "{purpose}: no record was due by {until}; {held} holds or moratoria hold others back"
            ));
        }
        Some(due) => due.to_string(),
        None => "1 to 4".to_owned(),
    };
    check.wrong(format!(
        "{purpose}: {persons} persons' records were due by {until}, {GRACE} days ago, and are still held"
    ));
}

fn applied(site: &Site, check: &mut Gathered) {
    match events::read(site) {
        Ok(events) => unapplied(&events, Timestamp::now(), check),
        Err(why) => check.missing(why),
    }
}

/// Lists that custodians signed, and that the store did not apply.
fn unapplied(events: &Events, now: Timestamp, check: &mut Gathered) {
    for (list, (purpose, time)) in &events.unapplied {
        let days = now.duration_since(*time).as_hours() / 24;
        let of = purpose.as_ref().map_or_else(String::new, |purpose| format!(" of {purpose}"));
        let told = format!(
            "the disposal list {list}{of} was signed {days} days ago, and the store did not apply it (`minster dispose`)"
        );
        match days > APPLY {
            true => check.wrong(told),
            false => check.note(told),
        }
    }
    if events.unapplied.is_empty() {
        check.fine("every disposal list that was signed is applied");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Verdict;

    #[test]
    fn records_that_are_due_fail_however_few_they_are() {
        for (due, verdict) in
            [(Some(0), Verdict::Pass), (Some(7), Verdict::Fail), (None, Verdict::Fail)]
        {
            let mut check = Check::begin("", "", "");
            judge(&"one".parse().unwrap(), "2026-01-01", due, 0, &mut check);
            assert_eq!(check.end().verdict, verdict, "{due:?}");
        }
    }

    #[test]
    fn a_list_that_nobody_applied_fails_after_a_week() {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        for (days, verdict) in [(3, Verdict::Pass), (30, Verdict::Fail)] {
            let mut events = Events::default();
            let signed = Timestamp::from_second(1_800_000_000 - days * 24 * 3600).unwrap();
            events.unapplied.insert("list".to_owned(), (None, signed));
            let mut check = Check::begin("", "", "");
            check.fine("");
            unapplied(&events, now, &mut check);
            assert_eq!(check.end().verdict, verdict, "{days}");
        }
    }
}
