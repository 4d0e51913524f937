//! Measures of months, terms and years that stand in rows of CSV and Parquet.

use super::*;

/// A table by ward of the visits in parts of the calendar, and of all visits in words.
fn visits_in_rows(each: &str, parts: &[&str], rows: &str) -> String {
    let column = format!(
        "[[column]]\nname = \"all\"\nis = {{ count = {{ events = \"visits\" }} }}\neach = {{ {each} = {parts:?} }}\n"
    );
    let table = format!(
        "[[table]]\nname = \"t\"\ndimensions = [\"ward\"]\n[[table.measure]]\nname = \"made\"\nevents = \"all\"\neach = {parts:?}\nrows = \"{rows}\"\n"
    );
    definition("r", &[column, table].concat())
}

#[test]
fn months_terms_and_years_of_events_are_rows_of_the_file() {
    let all: Vec<(usize, &str, &str)> =
        (0..60).map(|child| (child, "2024-09-10", "home")).collect();
    for (each, parts) in [
        ("month", ["2024-09", "2025-01"]),
        ("term", ["2024-25 1 autumn", "2024-25 2 spring"]),
        ("year", ["2024", "2025"]),
        ("academic-year", ["2024-25", "2025-26"]),
    ] {
        // The second academic year begins in September.
        let second = if each == "academic-year" { "2025-09-01" } else { "2025-01-31" };
        let more = (0..60).step_by(3).map(|child| (child, second, "school"));
        let all: Vec<_> = all.iter().copied().chain(more).collect();
        let site = with_events(vec![], &all);
        let text = visits_in_rows(each, &parts, "time");
        let (rows, _) = released(&site, &text, 0);
        let of = |part: &str| {
            let row = cell(&rows, &[("ward", "w1"), ("time", part)]);
            ["level", "children", "status", "made", "made_status"].map(|column| row[column].clone())
        };
        assert_eq!(of("All"), ["ward", "60", "", "", "z"], "{each}");
        assert_eq!(of(parts[0]), ["ward by time", "", "z", "60", ""], "{each}");
        assert_eq!(of(parts[1]), ["ward by time", "", "z", "20", ""], "{each}");
        let total = cell(&rows, &[("ward", "all"), ("time", parts[1])]);
        assert_eq!([&total["level"], &total["made"]], ["time", "20"], "{each}");
        // Each cell has a row for each part and one of all, and no column tells of one part alone.
        assert_eq!(rows.len() % 3, 0);
        assert!(rows[0].keys().all(|column| !column.starts_with("made_2")), "{:?}", rows[0]);
        let (release, purpose) = ("r".parse().unwrap(), "test".parse().unwrap());
        let which = Which {
            store: &site.store,
            release: &release,
            period: &site.period,
            purpose: &purpose,
        };
        let checks = verify_release(&which, &mut OneKey).unwrap();
        assert!(checks.iter().all(|check| check.passed), "{checks:?}");
    }
}

#[test]
fn a_part_that_the_calendar_lacks_and_a_column_that_is_taken_are_errors_with_the_way_out() {
    let site = with_events(vec![], &[(0, "2024-09-10", "home")]);
    for (each, part, example) in [
        ("month", "2024-13", "2024-09"),
        ("month", "2024-9", "2024-09"),
        ("term", "2024-25 2 autumn", "2024-25 1 autumn"),
        ("term", "2024-26 1 autumn", "2024-25 1 autumn"),
        ("year", "24", "2024"),
        ("academic-year", "2024-26", "2024-25"),
    ] {
        let why = wrong(&site, &visits_in_rows(each, &[part], "time"));
        let expected = format!("`{part}` is no {each}; write it as {example}");
        assert!(why.contains(&expected), "{why}");
    }
    for taken in ["ward", "children", "level", "made"] {
        let why = wrong(&site, &visits_in_rows("month", &["2024-09"], taken));
        assert!(why.contains(&format!("two columns {taken}")), "{why}");
    }
    let text = visits_in_rows("month", &["2024-09"], "time");
    let alone = text.replace("each = [\"2024-09\"]\n", "");
    assert!(wrong(&site, &alone).contains("`rows` stands beside `each`"));
    let by_hand = text.replace(
        "rows = \"time\"",
        "row = { column = \"time\", text = \"2024-09\", measure = \"made\" }",
    );
    assert!(wrong(&site, &by_hand).contains("write `rows`"));
    let two = text.replace("each = { month", "each = { year = [\"2024\"], month");
    assert!(wrong(&site, &two).contains("`each` has one of"), "{}", wrong(&site, &two));
}
