//! Definitions that do not fit the data: an error with the nearest name, and never a table of zeros.

use minster_tests::deliveries::{Child, Council, Dimension, EARLY_HELP, early_help_row};

use crate::council;

const SESSIONS: &str = "UPN,date,session,code,school\n";

/// A council of fifty pupils with a table by sex; what is changed of its definition, and what the run says.
fn told(from: &str, to: &str) -> (i32, String, Council) {
    let council = council(50, &[]);
    council.release(&[Dimension::of("sex", "sex")]);
    council.change("tables/small.toml", |definition| definition.replacen(from, to, 1));
    let ran = council.run();
    (ran.exit, ran.text, council)
}

#[test]
fn a_code_that_no_child_has_beside_one_that_is_not_listed_is_an_error() {
    let listed = |codes: &str| format!("total = \"All\"\ncodes = {codes}\n");
    let (exit, text, council) = told("total = \"All\"\n", &listed("[\"f\", \"M\"]"));
    assert_eq!(exit, 2, "{text}");
    assert!(text.contains("no child has the code f of sex"), "{text}");
    assert!(text.contains("children have F, which is not listed"), "{text}");
    assert!(!council.path("store/releases").exists());
    // A code of the list that happens to be nobody's is none.
    let (exit, text, _) = told("total = \"All\"\n", &listed("[\"F\", \"M\", \"U\"]"));
    assert_eq!(exit, 0, "{text}");
}

#[test]
fn a_value_that_many_children_have_and_no_category_takes_is_an_error() {
    let (exit, text, _) = told("total = \"All\"\n", "total = \"All\"\ncodes = [\"M\"]\n");
    assert_eq!(exit, 2, "{text}");
    assert!(
        text.contains("about 30 of 50 children have a value of sex that is not listed"),
        "{text}"
    );
}

#[test]
fn a_condition_on_a_value_that_no_child_has_is_an_error_with_the_nearest() {
    let (exit, text, _) =
        told("population", "where = [{ column = \"sex\", in = [\"f\"] }]\npopulation");
    assert_eq!(exit, 2, "{text}");
    assert!(text.contains("no child has any of these values of sex; children have F"), "{text}");
}

#[test]
fn texts_in_the_place_of_numbers_are_an_error() {
    let bands = "total = \"All\"\nbands = [0, 1]\nlabels = [\"none\", \"some\"]\n";
    let (exit, text, _) = told("total = \"All\"\n", bands);
    assert_eq!(exit, 2, "{text}");
    assert!(
        text.contains("about 50 of 50 children have a value of sex that is no number"),
        "{text}"
    );
    let (exit, text, _) =
        told("population", "where = [{ column = \"sex\", at-least = 1 }]\npopulation");
    assert_eq!(exit, 2, "{text}");
    assert!(text.contains("the values of sex are no numbers"), "{text}");
    // A flag counts as 1 or 0.
    let (exit, text, _) =
        told("population", "where = [{ column = \"in_school_census\", at-least = 1 }]\npopulation");
    assert_eq!(exit, 0, "{text}");
}

#[test]
fn a_name_in_the_linkage_that_no_delivery_has_is_an_error_with_the_nearest() {
    for (from, to, said) in [
        ("of = \"sen\"", "of = \"senn\"", "has no column senn in any delivery; did you mean sen?"),
        (
            "table = \"fsm\"",
            "table = \"fsn\"",
            "has no table fsn in any delivery; did you mean fsm?",
        ),
        (
            "summary = { kind = \"latest\", of = \"sex\", by = \"delivery\" }",
            "summary = { kind = \"latest\", of = \"sex\", by = \"delivery\" }\nwhere = [{ present_in = \"2025-spring\" }]",
            "sex: no delivery of school_census is of the period 2025-spring; the nearest is 2024-25",
        ),
        (
            "summary = { kind = \"latest\", of = \"sex\", by = \"delivery\" }",
            "summary = { kind = \"latest\", of = \"sex\", by = \"delivery\" }\nwhere = [{ column = \"sex\", in = [\"X\"] }]",
            "no row has any of the values of its condition",
        ),
        (
            "summary = { kind = \"latest\", of = \"sex\", by = \"delivery\" }",
            "summary = { kind = \"latest\", of = \"sex\", by = \"delivery\" }\nwhere = [{ column = \"entrydate\", open_on = \"2025-01-16\" }]",
            "`open_on` needs `end`",
        ),
        (
            "table = \"fsm\"\nchild = \"pupil_row\"\n",
            "table = \"fsm\"\n",
            "meal_periods: `child` must name the column that says which child a row is about",
        ),
        ("group = \"missed\"", "group = \"absent\"", "there is no [[group]] `absent`"),
        (
            "of = \"sessions_missed\"\nper",
            "of = \"sessions_mised\"\nper",
            "did you mean sessions_missed?",
        ),
    ] {
        let council = council(20, &["attendance"]);
        let session = format!("{},2024-09-09,AM,/,S101\n", Child::at(1).upn);
        council.deliver("attendance", "attendance.csv", format!("{SESSIONS}{session}"));
        council.change("matching.toml", |matching| matching.replacen(from, to, 1));
        let ran = council.run();
        assert_eq!(ran.exit, 2, "{to}: {}", ran.text);
        assert!(ran.text.contains(said), "{to}: {}", ran.text);
    }
}

#[test]
fn a_day_is_told_by_what_began_and_did_not_end() {
    let council = council(40, &["early_help"]);
    let mut plans = format!("{}\n", EARLY_HELP);
    for (place, (start, end)) in (1..).zip([
        ("01/09/2024", ""),           // open
        ("16/01/2025", ""),           // begins on the day
        ("01/09/2024", "16/01/2025"), // ends on the day
        ("01/09/2024", "17/01/2025"), // ends on the day after
        ("17/01/2025", ""),           // begins on the day after
        ("", ""),                     // no date
    ]) {
        let child = Child::at(place);
        let row = early_help_row(&format!("E{place}"), &child, start);
        plans += &(row.replacen(",,HOUSING", &format!(",{end},HOUSING"), 1) + "\n");
    }
    council.deliver("early_help", "early_help.csv", plans);
    council.change("matching.toml", |matching| {
        format!(
            "{matching}\n[[column]]\nname = \"open_plans\"\nsource = \"early_help\"\ntable = \"plans\"\n\
             summary = {{ kind = \"count\" }}\nwhere = [{{ column = \"start_date\", end = \"end_date\", open_on = \"2025-01-16\" }}]\n"
        )
    });
    council.release(&[Dimension::counting("open", "open_plans")]);
    let ran = council.run();
    assert_eq!(ran.exit, 0, "{}", ran.text);
    assert_eq!(council.released()[0], "All,40,");
    let table = crate::values::integrated(&council.site);
    assert_eq!(table.column("open_plans").iter().filter(|open| **open == "1").count(), 3);
}

#[test]
fn a_session_counts_as_its_code_did_in_that_month() {
    let council = council(20, &["attendance"]);
    let mut rows = SESSIONS.to_owned();
    let child = Child::at(3);
    for (day, code) in [
        ("2024-07-01", "H"), // missed until summer 2024
        ("2024-09-09", "H"), // no code any more
        ("2024-07-02", "J1"),
        ("2024-09-10", "J1"), // missed since
        ("2024-09-11", "#"),  // no possible session
        ("2024-09-12", "X"),
        ("2024-09-13", "/"), // present
        ("2024-09-16", "O"), // unauthorised
    ] {
        rows += &format!("{},{day},AM,{code},S101\n", child.upn);
    }
    council.deliver("attendance", "attendance.csv", rows);
    let ran = council.run();
    assert_eq!(ran.exit, 0, "{}", ran.text);
    let table = crate::values::integrated(&council.site);
    let of =
        |name: &str| table.column(name).iter().filter_map(|n| n.parse::<u64>().ok()).sum::<u64>();
    assert_eq!(
        ["sessions", "sessions_missed", "sessions_unauthorised"].map(of),
        [4, 3, 1],
        "possible, missed, unauthorised"
    );
    assert_eq!([of("persistently_absent"), of("severely_absent")], [1, 1]);
    let unknown =
        table.column("persistently_absent").iter().filter(|share| share.is_empty()).count();
    assert_eq!(unknown, 19);
}
