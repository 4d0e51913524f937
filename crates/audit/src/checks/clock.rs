//! Times: the log's, the checkpoints' and the machine's own.

use jiff::Timestamp;
use serde_json::Value;

use super::{events, events::Events};
use crate::{
    check::{Check, Gathered},
    site::Site,
};

/// Seconds that two clocks may differ by, and that a checkpoint may take.
const SLACK: i64 = 300;
/// Seconds for which what happened may wait for a checkpoint: a vault that keeps a folder of them signs one a minute after.
const OVERDUE: i64 = 2 * 24 * 3600;

pub(super) fn checks(site: &Site) -> Vec<Check> {
    let title =
        "No clock went back: the log's times never fall, and none is ahead of this machine's";
    let by_hand = "minster-vault log show --lines | jq -r .time | sort -c; date -u";
    let mut check = Check::begin("log.clock", title, by_hand);
    match events::read(site) {
        Err(why) => check.missing(why),
        Ok(events) => compare(&events, Timestamp::now(), &mut check),
    }
    vec![check.end()]
}

fn compare(events: &Events, now: Timestamp, check: &mut Gathered) {
    let Some(last) = events.last else { return check.missing("the log has no entry") };
    for (entry, seconds, accepted) in &events.backwards {
        match accepted {
            true => check.note(format!(
                "entry {entry} is {seconds} s earlier than the one before; two custodians accepted the clock with it"
            )),
            false => check.wrong(format!(
                "entry {entry} is {seconds} s earlier than the one before: the vault's clock went back, and what ends by a date went on"
            )),
        }
    }
    let ahead = last.duration_since(now).as_secs();
    match ahead > SLACK {
        true => check.wrong(format!(
            "the last entry is of {last}, {ahead} s after this machine's time: one of the two clocks is wrong, or this one went back"
        )),
        false => check.fine(format!(
            "{} entries, the last of {last}; it is {} here",
            events.entries,
            now.strftime("%Y-%m-%dT%H:%M:%SZ")
        )),
    }
}

/// How far the checkpoints of the auditor reach, beside what the log says of them.
pub(super) fn reach(site: &Site, verified: &Value, check: &mut Gathered) {
    let covered = verified["log"]["covered"].as_u64().unwrap_or_default();
    match events::read(site) {
        Err(why) => check.missing(why),
        Ok(events) => behind(&events, covered, Timestamp::now(), check),
    }
}

fn behind(events: &Events, covered: u64, now: Timestamp, check: &mut Gathered) {
    let time_of = |entry: u64| {
        let at = usize::try_from(entry.saturating_sub(1)).unwrap_or(usize::MAX);
        events.times.get(at).copied()
    };
    let is_old =
        |entry: u64, age: i64| time_of(entry).is_some_and(|then| now.as_second() - then > age);
    let signed = events.signed_for_folder;
    if covered < events.exported || covered < signed && is_old(signed, SLACK) {
        check.wrong(format!(
            "the log says that the folder has a checkpoint of entry {}, and the last one in it covers {covered}: checkpoints were \
             removed, or an older copy of the folder put back",
            signed.max(events.exported)
        ));
    } else if covered < events.entries && is_old(covered + 1, OVERDUE) {
        let days = time_of(covered + 1).map_or(0, |then| (now.as_second() - then) / (24 * 3600));
        check.wrong(format!(
            "the last checkpoint is {days} days older than the entry after it: nothing was covered since. Is the vault started with \
             --checkpoints, and is the folder the same?"
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Verdict;

    fn now() -> Timestamp {
        Timestamp::from_second(1_800_000_000).unwrap()
    }

    fn events(seconds: &[i64]) -> Events {
        let times: Vec<i64> = seconds.iter().map(|before| now().as_second() - before).collect();
        let last = times.last().map(|last| Timestamp::from_second(*last).unwrap());
        Events { entries: times.len() as u64, times, last, ..Events::default() }
    }

    #[test]
    fn a_clock_that_went_back_fails_unless_custodians_accepted_it() {
        let verdict = |events: &Events| {
            let mut check = Check::begin("", "", "");
            compare(events, now(), &mut check);
            check.end().verdict
        };
        assert_eq!(verdict(&events(&[60, 30])), Verdict::Pass);
        assert_eq!(verdict(&events(&[60, -3600])), Verdict::Fail);
        let back = |accepted| Events { backwards: vec![(2, 30, accepted)], ..events(&[60, 30]) };
        assert_eq!((verdict(&back(false)), verdict(&back(true))), (Verdict::Fail, Verdict::Pass));
        assert_eq!(verdict(&events(&[])), Verdict::NotChecked);
    }

    #[test]
    fn checkpoints_that_are_older_than_the_log_says_fail() {
        let verdict = |events: &Events, covered| {
            let mut check = Check::begin("", "", "");
            check.fine("");
            behind(events, covered, now(), &mut check);
            check.end().verdict
        };
        let day = 24 * 3600;
        let some =
            Events { exported: 1, signed_for_folder: 3, ..events(&[4 * day, 3 * day, 600, 10]) };
        assert_eq!(verdict(&some, 3), Verdict::Pass);
        assert_eq!(verdict(&some, 2), Verdict::Fail, "the last note was removed");
        assert_eq!(verdict(&some, 0), Verdict::Fail);
        // This moment one is being written.
        let young = Events { exported: 1, signed_for_folder: 4, ..events(&[600, 500, 400, 10]) };
        assert_eq!(verdict(&young, 3), Verdict::Pass);
        // Nobody signs any more.
        assert_eq!(verdict(&events(&[4 * day, 3 * day, 600]), 1), Verdict::Fail);
        assert_eq!(verdict(&events(&[4 * day, day, 600]), 1), Verdict::Pass);
    }
}
