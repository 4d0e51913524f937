//! Where a fault is, as a spreadsheet or an editor shows it: the header counts, and so do the lines above it.

use jiff::civil::date;
use minster_tests::deliveries::{
    Cell, Child, Council, EARLY_HELP, Epoch, LIST_2, cin, cin_child, cin_identifiers, cin_referral,
    early_help_row, workbook,
};

fn told(council: &Council, exit: i32, places: &[&str]) {
    let ran = council.program("minster-ingest", &["run"]);
    assert_eq!(ran.exit, exit, "{}", ran.text);
    let listed = council.program("minster-ingest", &["quarantine", "list"]);
    assert_eq!(listed.exit, exit, "{}", listed.text);
    for place in places {
        let whole = |text: &str| {
            let mut words = text.split(|c: char| !c.is_alphanumeric() && c != '.');
            words.any(|word| word == *place)
        };
        // Blank cells are told in the summary as well; rows that were set aside are listed.
        assert!(whole(&listed.text), "{place}: {}", listed.text);
        assert!(exit == 3 || whole(&ran.text), "{place}: {}", ran.text);
    }
}

fn plans(change: impl Fn(u32, String) -> String) -> String {
    let row = |place: u32| {
        let row = early_help_row(&format!("{}", 7000 + place), &Child::at(place), "14/10/2024");
        change(place, row)
    };
    std::iter::once(EARLY_HELP.to_owned())
        .chain((1..=14).map(row))
        .map(|line| line + "\r\n")
        .collect()
}

#[test]
fn a_blanked_cell_of_a_csv_file_is_told_by_its_letter_and_row() {
    let council = Council::new(&["early_help"]);
    let content = plans(|place, row| match place {
        6 | 9 => row.replace("14/10/2024", "31/11/2024"),
        _ => row,
    });
    council.deliver("early_help", "early_help.csv", content);
    told(&council, 0, &["G7", "G10"]);
    assert_eq!(council.ingest().rows("early_help"), [14, 14, 0, 0]);
}

#[test]
fn a_cell_that_sets_its_row_aside_is_told_by_its_letter_and_row() {
    let council = Council::new(&["early_help"]);
    let content = plans(|place, row| match place {
        11 => row.replace("/20", "/00/20"),
        _ => row,
    });
    // A title above the headings counts as a row.
    council.deliver("early_help", "early_help.csv", format!("Open plans,,,,,,,,\r\n{content}"));
    told(&council, 3, &["E13"]);
    assert_eq!(council.ingest().rows("early_help"), [14, 13, 1, 0]);
}

#[test]
fn a_cell_of_a_workbook_is_told_by_its_letter_and_row() {
    let council = Council::new(&["annex_a"]);
    let mut rows = vec![
        vec!["List 2: early help assessments".into()],
        vec![],
        vec!["As at 3 March".into()],
        vec![],
        LIST_2.map(Cell::from).to_vec(),
    ];
    for place in 1..=12 {
        let start = match place {
            8 => Cell::from("middle of May"),
            _ => date(2024, 5, 14).into(),
        };
        rows.push(vec![
            format!("E{place:03}").into(),
            "a) Male".into(),
            "WBRI - White British".into(),
            date(2011, 4, 1 + place).into(),
            Cell::Number(13),
            start,
        ]);
    }
    council.deliver("annex_a", "annex_a.xlsx", workbook(Epoch::Of1900, &[("List 2", rows)]));
    told(&council, 0, &["F13"]);
    assert_eq!(council.ingest().rows("annex_a"), [12, 12, 0, 0]);
}

#[test]
fn a_child_of_an_xml_file_is_told_by_the_line_on_which_it_begins() {
    let council = Council::new(&["cin"]);
    let child = |place: u32| {
        let born = Child::at(place);
        let born = match place {
            11 => Child { born: "12/05/2012".to_owned(), ..born },
            _ => born,
        };
        let identifiers = cin_identifiers(&format!("LC{place:04}"), &born);
        // Two lines a child.
        cin_child(&identifiers, "WIRI", &format!("\n{}", cin_referral("")))
    };
    council.deliver("cin", "cin.xml", cin(&(1..=13).map(child).collect::<Vec<_>>()));
    let ran = council.ingest();
    assert_eq!(ran.rows("cin"), [26, 25, 1, 0]);
    told(&council, 3, &["23"]);
    let listed = council.program("minster-ingest", &["quarantine", "list"]);
    let told = "1 date-form in ChildIdentifiers/PersonBirthDate: cin.xml, table children, lines 23";
    assert!(listed.text.contains(told), "{}", listed.text);
}
