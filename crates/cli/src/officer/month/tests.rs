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
    let today = "2027-03-01".parse().unwrap();
    let report = Report::of(&month.parse().unwrap(), &entries, &[], today);
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
    let lines =
        [denied("2026-10-31"), denied("2026-11-01"), denied("2026-11-30"), denied("2026-12-01")];
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
    let lifted = |day: &str, name: &str| {
        at(day, "lifted-hold", &format!(r#","proposal":"l","hold":"{name}""#))
    };
    let mut lines: Vec<String> = (0..6).map(|n| held("2026-10-02", &format!("h{n}"), "")).collect();
    lines.push(held("2026-10-03", "m", r#","category":"adoption","ordered_by":"the Inquiry""#));
    lines.push(lifted("2026-11-04", "h1"));
    lines.push(lifted("2026-11-05", "m"));
    let november = &report(&lines, "2026-11")["holds"];
    assert_eq!(november["standing"], 5, "{november}");
    assert_eq!(november["lifted"], Value::Null, "one is few");
    assert_eq!(november["moratoria_lifted"], json!(["adoption"]));
    assert_eq!(november["moratoria_standing"], json!([]));
    let october = &report(&lines, "2026-10")["holds"];
    assert_eq!((&october["made"], &october["standing"]), (&json!(5), &json!(5)));
    assert_eq!(october["moratoria_standing"], json!(["adoption"]));
}

#[test]
fn a_hold_that_was_lifted_before_the_month_stands_no_more() {
    let lines = [
        at("2026-09-01", "held", r#","proposal":"m","category":"adoption""#),
        at("2026-10-01", "lifted-hold", r#","proposal":"l","hold":"m""#),
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
        at("2026-11-12", "withdrew", r#","purpose":"p","release":"children","period":"2024-25""#),
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
        at(
            "2026-11-15",
            "proposed",
            r#","proposal":"f","action":"find-subject","reference":"SAR/2026/3""#,
        ),
        at("2026-11-16", "opened-case", r#","kind":"access""#),
    ];
    let told = report(&lines, "2026-11");
    let disposals = &told["disposals"];
    assert_eq!(disposals[0]["persons"], json!({ "adoption": null, "other-records": 10 }));
    assert_eq!((&disposals[0]["applied"], &disposals[1]["applied"]), (&json!(true), &json!(false)));
    assert_eq!(told["purposes"]["p"]["alarms"], 1);
    assert_eq!(told["purposes"]["p"]["stopped"], true);
    assert_eq!(told["releases"][0]["audience"], "partners");
    assert_eq!(told["releases"][1]["what"], "withdrawn");
    assert_eq!(told["quarantines"], json!({ "opened": 1, "rows": null }));
    assert_eq!((&told["denied"], &told["refused"]), (&json!(3), &json!(7)));
    assert_eq!(told["requests"], json!({ "find-subject": null }));
    // An event that no part tells of is counted by its name, and as persons are.
    let entries = told["entries"].as_object().unwrap();
    assert_eq!(entries.get("opened-case"), Some(&Value::Null));
}

#[test]
fn a_purpose_that_ends_within_sixty_days_is_named() {
    for (month, ends) in
        [("2026-10", false), ("2026-11", true), ("2026-12", true), ("2027-01", false)]
    {
        assert_eq!(!report(&[], month)["ending"]["p"].is_null(), ends, "{month}");
    }
}

/// A month in which so many children had a hold, a search, an erasure and a case; beside it stands what the report counts exactly.
fn of_children(children: usize) -> Vec<String> {
    let mut lines = vec![
        at("2026-11-01", "proposed", r#","proposal":"m","action":"moratorium""#),
        at("2026-11-01", "approved", r#","proposal":"m""#),
        at("2026-11-01", "held", r#","proposal":"m","category":"adoption""#),
        at("2026-11-01", "proposed", r#","proposal":"lm","action":"lift-hold""#),
        at("2026-11-01", "lifted-hold", r#","proposal":"lm","hold":"m""#),
        at("2026-11-01", "denied", ""),
        at("2026-11-01", "disposed", r#","proposal":"d","purpose":"p","persons":{}"#),
        at("2026-11-01", "applied-disposal", r#","receipt":{"list":"d"}"#),
    ];
    for n in 0..children {
        for action in ["hold", "lift-hold", "find-subject", "reidentify", "grant-case", "new"] {
            let proposal = format!(r#","proposal":"{action}{n}""#);
            let asked = format!(r#"{proposal},"action":"{action}""#);
            lines.push(at("2026-11-02", "proposed", &asked));
            lines.extend([0, 1].map(|_| at("2026-11-02", "approved", &proposal)));
        }
        let lifted = format!(r#","proposal":"lift-hold{n}","hold":"hold{n}""#);
        let erased =
            format!(r#","proposal":"grant-case{n}","purpose":"p","case":"c{n}","persons":{{}}"#);
        let opened =
            format!(r#","step":"opened","case":"c{n}","right":"erasure","due":"2026-11-20""#);
        let closed = format!(r#","step":"closed","case":"c{n}""#);
        lines.extend([
            at("2026-11-03", "held", &format!(r#","proposal":"hold{n}""#)),
            at("2026-11-04", "lifted-hold", &lifted),
            at("2026-11-04", "found-subject", &format!(r#","proposal":"find-subject{n}""#)),
            at("2026-11-04", "reidentified", &format!(r#","proposal":"reidentify{n}""#)),
            at("2026-11-05", "case", &opened),
            at("2026-11-06", "case", &format!(r#","step":"granted","case":"c{n}""#)),
            at("2026-11-06", "disposed", &erased),
            at("2026-11-07", "case", &closed),
        ]);
    }
    lines
}

#[test]
fn no_arithmetic_on_the_report_tells_one_child_from_four() {
    let one = report(&of_children(1), "2026-11");
    assert_eq!(one["requests"]["moratorium"], 1);
    assert_eq!(one["requests"]["lift-moratorium"], 1);
    assert_eq!(one["disposals"].as_array().unwrap().len(), 1, "an erasure is none of a schedule");
    assert_eq!(one["approvals"], 1);
    for children in 2..=4 {
        assert_eq!(report(&of_children(children), "2026-11"), one, "{children} children");
    }
    assert_ne!(report(&of_children(0), "2026-11"), one);
    let eight = report(&of_children(8), "2026-11");
    assert_eq!(eight["requests"]["find-subject"], 10);
    assert_eq!(eight["erasures"], 10);
    assert_eq!(eight["entries"]["reidentified"], 10);
    assert_eq!(eight["holds"]["made"], 10);
}

#[test]
fn cases_are_counted_by_right_until_they_are_closed_and_are_overdue_once_their_day_is_over() {
    let mut lines = Vec::new();
    let mut step = |day: &str, case: usize, rest: &str| {
        lines.push(at(day, "case", &format!(r#","case":"c{case}",{rest}"#)));
    };
    for case in 0..15 {
        step("2026-10-02", case, r#""step":"opened","right":"access","due":"2026-11-30""#);
    }
    for case in 0..5 {
        step("2026-11-03", case, r#""step":"closed","answered":"2026-11-03""#);
        step("2026-11-03", case + 5, r#""step":"extended","due":"2027-01-31""#);
    }
    step("2026-11-04", 20, r#""step":"opened","right":"objection","due":"2026-12-04""#);
    let cases = |month: &str| report(&lines, month)["cases"].clone();
    let counts = |opened: u64, closed: u64, open: u64, overdue: u64| json!({ "opened": opened, "closed": closed, "open": open, "overdue": overdue });
    assert_eq!(cases("2026-09"), json!({}));
    assert_eq!(cases("2026-10"), json!({ "access": counts(15, 0, 15, 0) }));
    let november = cases("2026-11");
    assert_eq!(november["access"], counts(0, 5, 10, 5), "the last day was the month's last");
    let one = json!({ "opened": null, "closed": 0, "open": null, "overdue": 0 });
    assert_eq!(november["objection"], one);
    assert_eq!(cases("2027-01")["access"], counts(0, 0, 10, 10));
    // A month that is not over: its last day has not come.
    let entries = entries(&lines.iter().map(String::as_str).collect::<Vec<_>>());
    let month = "2026-11".parse().unwrap();
    let told = Report::of(&month, &entries, &[], "2026-11-30".parse().unwrap());
    assert_eq!(told.cases["access"].overdue, Some(0));
}
