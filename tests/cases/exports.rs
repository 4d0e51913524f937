//! A CSV file as spreadsheets and databases export it. Every third plan has no pupil number and is linked by name and birth
//! date, so that a letter that is read wrongly shows.

use minster_tests::deliveries::{Child, Council, EARLY_HELP, by_name, early_help_row, pupils};

use crate::{CENSUS, values::table};

const PLANS: u32 = 31;

fn pupil(place: u32) -> Child {
    let child = Child::at(place);
    match place.is_multiple_of(3) {
        true => Child { forename: "Zoë".to_owned(), ..child },
        false => child,
    }
}

/// The file as it should be.
fn plain() -> String {
    let row = |place: u32| {
        let child = pupil(place);
        let upn = if place.is_multiple_of(3) { String::new() } else { child.upn.clone() };
        early_help_row(&format!("{}", 7000 + place), &Child { upn, ..child }, "14/10/2024")
    };
    let rows: Vec<String> =
        std::iter::once(EARLY_HELP.to_owned()).chain((1..=PLANS).map(row)).collect();
    rows.join("\r\n") + "\r\n"
}

/// All plans are read and linked, and what was done for it is told.
fn read_whole(content: impl AsRef<[u8]>, note: Option<&str>) {
    let council = Council::new(&[CENSUS, "early_help"]);
    council.deliver(CENSUS, "2025_autumn_pupilonroll.csv", pupils((1..=55).map(pupil)));
    council.deliver("early_help", "early_help.csv", content);
    let ran = council.run();
    assert_eq!(ran.exit, 0, "{}", ran.text);
    assert_eq!(ran.rows("early_help"), [31, 31, 0, 0]);
    assert_eq!(ran.cells("early_help"), [""; 0]);
    let linked = by_name(&[("identifier", 21), ("match-key", 10)]);
    assert_eq!(ran.linked("early_help/plans"), linked);
    assert_eq!(ran.children().0, 55);
    assert_eq!(ran.notes("early_help"), note.as_slice());
    let values = table(&council.site, "early_help", "plans");
    assert_eq!(values.column("start_date"), ["2024-10-14"; 31]);

    let file = council.site.path("drop/early_help/early_help.csv");
    let definitions = council.site.path("config/sources");
    let arguments = ["sources", "check", "--definitions", &definitions, &file];
    let checked = council.site.run("minster-ingest", &arguments);
    assert_eq!(checked.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&checked.stdout).contains("fits early_help"));
}

#[test]
fn a_byte_order_mark_is_no_part_of_the_first_heading() {
    read_whole(format!("\u{feff}{}", plain()), None);
}

#[test]
fn a_byte_order_mark_before_a_quoted_heading_is_no_part_of_it() {
    let quoted = |line: &str| format!("\"{}\"\r\n", line.replace(',', "\",\""));
    let quoted: String = plain().lines().map(quoted).collect();
    read_whole(format!("\u{feff}{quoted}"), None);
}

#[test]
fn headings_in_another_case_and_with_other_blanks_are_the_same_headings() {
    let headings = "Person ID,Upn,FORENAME,Surname,D.O.B.,Post Code,Start-Date,END_DATE,Reason";
    read_whole(plain().replacen(EARLY_HELP, headings, 1), None);
}

#[test]
fn a_file_in_windows_1252_is_read_as_that() {
    let bytes: Vec<u8> = plain().chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    read_whole(bytes, Some("early_help.csv: read as Windows-1252"));
}

#[test]
fn a_file_with_semicolons_between_its_fields_is_read() {
    let note = "early_help.csv: read with semicolons between fields";
    read_whole(plain().replace(',', ";"), Some(note));
}

#[test]
fn a_line_that_tells_a_spreadsheet_the_separator_is_passed_over() {
    read_whole(format!("sep=,\r\n{}", plain()), None);
}

#[test]
fn titles_above_the_headings_are_passed_over() {
    let titles = "Family hubs: open plans,,,,,,,,\r\nAll localities,,,,,,,,\r\nprinted 03/03/2025,,,,,,,,\r\n";
    let note = "early_help.csv: 3 rows above the header passed over";
    read_whole(titles.to_owned() + &plain(), Some(note));
}

#[test]
fn blank_columns_at_the_end_are_no_columns() {
    read_whole(plain().replace("\r\n", ",,,\r\n"), None);
}

#[test]
fn a_file_in_utf_16_is_read_as_that() {
    let units = "\u{feff}".encode_utf16().chain(plain().encode_utf16().collect::<Vec<_>>());
    let bytes: Vec<u8> = units.flat_map(u16::to_le_bytes).collect();
    read_whole(bytes, Some("early_help.csv: read as UTF-16"));
}
