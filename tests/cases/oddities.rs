//! Small oddities of the school census.

use minster_tests::deliveries::{
    Child, Council, Dimension, EARLY_HELP, Ran, by_name, early_help_row, pupils,
};

use crate::{CENSUS, values::table};

/// A census in which the first pupils are changed, its run, and the referrals of its pupils as they are released: not
/// known, for nobody delivered them.
fn census(children: u32, changed: u32, change: impl Fn(Child) -> Child) -> (Council, Ran) {
    let pupil = |place: u32| match place <= changed {
        true => change(Child::at(place)),
        false => Child::at(place),
    };
    let council = Council::new(&[CENSUS]);
    council.deliver(CENSUS, "2025_autumn_pupilonroll.csv", pupils((1..=children).map(pupil)));
    council.release(&[Dimension::counting("referred", "referrals")]);
    let ran = council.run();
    (council, ran)
}

fn blank_and_counted(sessions: &str) {
    let sessions = sessions.to_owned();
    let (council, ran) = census(63, 22, |child| Child { sessions: sessions.clone(), ..child });
    assert_eq!(ran.exit, 0, "{}", ran.text);
    assert_eq!(ran.rows(CENSUS), [63, 63, 0, 0]);
    let cells = ["22 of 63 in termlysessionspossible of pupils: blank, not-integer"];
    assert_eq!(ran.cells(CENSUS), cells);
    assert_eq!(council.released(), ["All,63,", "none,0,", "one,0,", "more,0,", "Unknown,63,"]);
    let values = table(&council.site, CENSUS, "pupils");
    let sessions = values.column("termlysessionspossible");
    assert_eq!(sessions.iter().filter(|cell| cell.is_empty()).count(), 22);
    assert_eq!(sessions.iter().filter(|cell| **cell == "118").count(), 41);
}

#[test]
fn a_number_with_a_comma_becomes_blank_and_its_row_stays() {
    blank_and_counted("\"1,118\"");
}

#[test]
fn a_number_that_was_suppressed_becomes_blank_and_its_row_stays() {
    blank_and_counted("<5");
}

#[test]
fn a_birth_after_the_delivery_sets_its_row_aside() {
    let (council, ran) = census(41, 9, |child| Child { born: "2026-02-03".to_owned(), ..child });
    assert_eq!(ran.exit, 3, "{}", ran.text);
    assert_eq!(ran.rows(CENSUS), [41, 32, 9, 0]);
    assert_eq!(ran.reasons(CENSUS), by_name(&[("birth-after-delivery", 9)]));
    assert_eq!(council.released(), ["All,32,", "none,0,", "one,0,", "more,0,", "Unknown,32,"]);
    let listed = council.program("minster-ingest", &["quarantine", "list"]);
    assert!(listed.text.contains("cells C2, C3, C4, C5, C6, ..."), "{}", listed.text);
}

#[test]
fn a_line_break_in_a_quoted_name_is_read_as_a_blank() {
    let council = Council::new(&[CENSUS, "early_help"]);
    let broken = |place: u32| match place <= 12 {
        true => Child { surname: "\"Van\r\nDyk\"".to_owned(), ..Child::at(place) },
        false => Child::at(place),
    };
    council.deliver(CENSUS, "2025_autumn_pupilonroll.csv", pupils((1..=44).map(broken)));
    // They are linked by the name alone, as another service has it.
    let plans = (1..=12).map(|place| {
        let child = Child { surname: "Van Dyk".to_owned(), upn: String::new(), ..Child::at(place) };
        early_help_row(&format!("{}", 7000 + place), &child, "14/10/2024") + "\r\n"
    });
    let plans = format!("{EARLY_HELP}\r\n{}", plans.collect::<String>());
    council.deliver("early_help", "early_help.csv", plans);
    let ran = council.run();
    assert_eq!(ran.exit, 0, "{}", ran.text);
    assert_eq!(ran.rows(CENSUS), [44, 44, 0, 0]);
    assert_eq!(ran.linked("early_help/plans"), by_name(&[("match-key", 12)]));
    assert_eq!(ran.children().0, 44);
}

/// Programs of the time of DOS mark a file's end, and append to it.
#[test]
fn a_mark_of_the_end_of_a_file_is_one_row_that_is_set_aside_and_told() {
    let council = Council::new(&[CENSUS]);
    let content = pupils((1..=33).map(Child::at)) + "\u{1a}";
    council.deliver(CENSUS, "2025_autumn_pupilonroll.csv", content);
    council.release(&[Dimension::counting("referred", "referrals")]);
    let ran = council.run();
    assert_eq!(ran.exit, 3, "{}", ran.text);
    assert_eq!(ran.rows(CENSUS), [34, 33, 1, 0]);
    assert_eq!(ran.reasons(CENSUS), by_name(&[("field-count", 1)]));
    assert_eq!(council.released(), ["All,33,", "none,0,", "one,0,", "more,0,", "Unknown,33,"]);
    let listed = council.program("minster-ingest", &["quarantine", "list"]);
    let told = "field-count in (the whole row): 2025_autumn_pupilonroll.csv, table pupils, rows 35";
    assert!(listed.text.contains(told), "{}", listed.text);
}
