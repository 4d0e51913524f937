//! Names of files, sheets and columns, as systems and people write them.

use jiff::civil::date;
use minster_tests::deliveries::{
    Cell, Child, Council, Epoch, LIST_2, episodes_903, header_903, header_903_row, workbook, zipped,
};

use crate::values::table;

const CHILDREN: u32 = 23;

fn number(place: u32) -> String {
    format!("N{place:03}")
}

fn header() -> String {
    let rows = (1..=CHILDREN).map(|place| header_903_row(&number(place), &Child::at(place)));
    header_903(&rows.collect::<Vec<_>>())
}

fn episodes() -> String {
    episodes_903(&(1..=CHILDREN).map(number).collect::<Vec<_>>())
}

/// The children and their episodes are read from these files.
fn return_of(files: &[(&str, &[u8])]) {
    let council = Council::new(&["ssda903"]);
    files.iter().for_each(|(name, content)| council.deliver("ssda903", name, content));
    let ran = council.ingest();
    assert_eq!(ran.exit, 0, "{}", ran.text);
    assert_eq!(ran.rows("ssda903"), [46, 46, 0, 0]);
    assert_eq!(ran.cells("ssda903"), [""; 0]);
    let sexes = (1..=CHILDREN).map(|place| Child::at(place).sex).collect::<Vec<_>>();
    assert_eq!(table(&council.site, "ssda903", "header").column("sex"), sexes);
}

#[test]
fn a_prefix_before_the_name_of_a_file_does_not_matter() {
    return_of(&[
        ("LA935 SSDA903 2025 header.csv", header().as_bytes()),
        ("LA935 SSDA903 2025 episodes.csv", episodes().as_bytes()),
    ]);
}

#[test]
fn the_case_of_the_name_of_a_file_does_not_matter() {
    return_of(&[("HEADER.CSV", header().as_bytes()), ("Episodes.Csv", episodes().as_bytes())]);
}

#[test]
fn the_order_of_columns_does_not_matter() {
    let swapped: String = header()
        .lines()
        .map(|line| {
            let cells: Vec<&str> = line.split(',').collect();
            let order = [4, 0, 6, 5, 2, 1, 3];
            order.map(|place| cells[place]).join(",") + "\r\n"
        })
        .collect();
    return_of(&[("header.csv", swapped.as_bytes()), ("episodes.csv", episodes().as_bytes())]);
}

#[test]
fn the_lock_of_an_open_file_and_files_of_windows_are_no_delivery() {
    return_of(&[
        ("header.csv", header().as_bytes()),
        ("episodes.csv", episodes().as_bytes()),
        ("~$header.csv", b"\x05Clerk"),
        ("Thumbs.db", b"\xd0\xcf\x11\xe0"),
        ("desktop.ini", b"[.ShellClassInfo]"),
    ]);
}

#[test]
fn a_zip_made_on_a_mac_is_read() {
    let (header, episodes) = (header(), episodes());
    let zip = zipped(&[
        ("Return 2025/header.csv", header.as_bytes()),
        ("__MACOSX/Return 2025/._header.csv", b"\0\x05\x16\x07"),
        ("Return 2025/episodes.csv", episodes.as_bytes()),
        ("__MACOSX/Return 2025/._episodes.csv", b"\0\x05\x16\x07"),
    ]);
    return_of(&[("Return 2025.zip", &zip)]);
}

/// Early help assessments below headings.
fn list_2(headings: &[&[&str]]) -> Vec<Vec<Cell>> {
    let mut rows: Vec<Vec<Cell>> =
        headings.iter().map(|row| row.iter().map(|cell| Cell::from(*cell)).collect()).collect();
    for place in 1..=17 {
        rows.push(vec![
            number(place).into(),
            "b) Female".into(),
            "c) MWBC".into(),
            date(2013, 1 + place as i8 % 12, 9).into(),
            Cell::Number(11),
            date(2024, 9, 10).into(),
            date(2024, 10, 22).into(),
            "Hub North".into(),
        ]);
    }
    rows
}

fn annex_of(sheets: &[(&str, Vec<Vec<Cell>>)], notes: &[&str]) {
    let council = Council::new(&["annex_a"]);
    council.deliver("annex_a", "Annex A.xlsx", workbook(Epoch::Of1900, sheets));
    let ran = council.ingest();
    assert_eq!(ran.exit, 0, "{}", ran.text);
    assert_eq!(ran.rows("annex_a"), [17, 17, 0, 0]);
    assert_eq!(ran.cells("annex_a"), [""; 0]);
    assert_eq!(ran.notes("annex_a"), notes);
    let values = table(&council.site, "annex_a", "early_help");
    assert_eq!(values.column("sex"), ["F"; 17]);
    assert_eq!(values.column("start"), ["2024-09-10"; 17]);
    assert_eq!(values.column("end"), ["2024-10-22"; 17]);
}

#[test]
fn a_sheet_of_guidance_is_passed_over_and_told() {
    let guidance = vec![vec!["One row a child".into()], vec!["Dates as dates".into()]];
    annex_of(
        &[("Read me first", guidance), ("List 2", list_2(&[&LIST_2]))],
        &["Annex A.xlsx: the sheet `Read me first` is no table and is passed over"],
    );
}

#[test]
fn a_sheet_may_have_more_in_its_name() {
    annex_of(&[("List 2 - early help (Oct)", list_2(&[&LIST_2]))], &[]);
}

#[test]
fn headings_of_a_sheet_may_have_another_case() {
    let mut headings = LIST_2;
    headings[0] = "CHILD UNIQUE ID";
    headings[3] = "Date Of birth";
    annex_of(&[("List 2", list_2(&[&headings]))], &[]);
}

#[test]
fn headings_over_groups_of_columns_are_passed_over() {
    let groups = ["The child", "", "", "", "", "The assessment", "", ""];
    annex_of(&[("List 2", list_2(&[&groups, &LIST_2]))], &[]);
}
