//! A service's own numbers as two extracts write them, and what stands in their places where none is known.

use std::collections::BTreeSet;

use minster_tests::deliveries::{
    Child, Council, EARLY_HELP, by_name, cin, cin_child, cin_identifiers, cin_referral,
    early_help_row, episodes_903, header_903, header_903_row,
};

use crate::values::table;

const CHILDREN: u32 = 30;

fn header(number: impl Fn(u32) -> String) -> String {
    let row = |place| header_903_row(&number(place), &Child::at(place));
    header_903(&(1..=CHILDREN).map(row).collect::<Vec<_>>())
}

/// The pseudonyms in a column, each once.
fn pseudonyms(council: &Council, source: &str, name: &str, column: &str) -> BTreeSet<String> {
    let values = table(&council.site, source, name);
    values.column(column).into_iter().map(str::to_owned).collect()
}

#[test]
fn zeros_before_a_number_and_a_fraction_behind_it_do_not_matter() {
    let council = Council::new(&["ssda903", "cin"]);
    let episodes: Vec<String> = (1..=CHILDREN).map(|place| format!("{place}.0")).collect();
    council.deliver("ssda903", "header.csv", header(|place| format!("{place:07}")));
    council.deliver("ssda903", "episodes.csv", episodes_903(&episodes));
    let children = (1..=CHILDREN).map(|place| {
        let identifiers = cin_identifiers(&format!(" {place:03} "), &Child::at(place));
        cin_child(&identifiers, "WBRI", &cin_referral(""))
    });
    council.deliver("cin", "cin.xml", cin(&children.collect::<Vec<_>>()));
    let ran = council.ingest();
    assert_eq!(ran.exit, 0, "{}", ran.text);
    let known = pseudonyms(&council, "ssda903", "header", "la_child");
    assert_eq!(known.len(), CHILDREN as usize);
    assert_eq!(known, pseudonyms(&council, "ssda903", "episodes", "la_child"));
    assert_eq!(known, pseudonyms(&council, "cin", "needs", "la_child"));
    assert_eq!(ran.warnings("ssda903"), [""; 0]);
}

#[test]
fn a_council_s_own_forms_of_numbers_count_and_make_a_delivery_another() {
    let council = Council::new(&["ssda903"]);
    let numbers: Vec<String> = (1..=CHILDREN).map(|place| place.to_string()).collect();
    council.deliver("ssda903", "header.csv", header(|place| format!("{place:07}")));
    council.deliver("ssda903", "episodes.csv", episodes_903(&numbers));
    assert_eq!(council.ingest().warnings("ssda903"), [""; 0]);
    council.change("sources/numbers.toml", |forms| {
        forms.replacen("leading_zeros = \"drop\"", "leading_zeros = \"keep\"", 1)
    });
    let ran = council.ingest();
    assert_eq!(ran.exit, 0, "{}", ran.text);
    let told = "tables episodes and header share no number of the kind la-child-id: 30 different ones and 30, \
        none of them the same; ask the service whether both write it alike, and see numbers.toml";
    assert_eq!(ran.warnings("ssda903"), [told]);
    assert!(ran.text.contains(&format!("warning: ssda903 2024-25: {told}")), "{}", ran.text);
    // Until the delivery is another.
    assert_eq!(council.ingest().warnings("ssda903"), [told]);
    std::fs::remove_file(council.path("config/sources/numbers.toml")).unwrap();
    assert_eq!(council.ingest().warnings("ssda903"), [""; 0]);
    std::fs::write(council.path("config/sources/numbers.toml"), "[upn]\ncase = \"keep\"\n")
        .unwrap();
    let ran = council.ingest();
    assert_eq!(ran.exit, 2);
    assert!(ran.text.contains("numbers.toml: upn: its form is fixed"), "{}", ran.text);
}

#[test]
fn a_word_in_the_place_of_a_number_is_none_and_its_row_stays() {
    for word in ["N/A", "0", "unknown", "-", "Not known", "TBC", "#N/A"] {
        let council = Council::new(&["early_help"]);
        let rows = (1..=CHILDREN)
            .map(|place| early_help_row(word, &Child::at(place), "07/11/2024") + "\n");
        let rows: String = rows.collect();
        council.deliver("early_help", "early_help.csv", format!("{EARLY_HELP}\n{rows}"));
        let ran = council.ingest();
        assert_eq!(ran.exit, 0, "{}", ran.text);
        assert_eq!(ran.rows("early_help"), [30, 30, 0, 0], "{word}");
        assert_eq!(ran.cells("early_help"), ["30 of 30 in person_id of plans: blank, placeholder"]);
        assert_eq!(pseudonyms(&council, "early_help", "plans", "upn").len(), 30);
        assert_eq!(table(&council.site, "early_help", "plans").column("person"), [""; 30]);
    }
}

#[test]
fn a_row_by_which_nobody_can_be_found_is_set_aside() {
    let council = Council::new(&["early_help"]);
    let mut rows = format!("{EARLY_HELP}\n");
    for place in 1..=CHILDREN {
        let known = Child::at(place);
        let (number, child) = match place {
            // A word for the pupil number, too; the name is left.
            1 => ("none", Child { upn: "N/A".into(), ..known }),
            2 => ("none", Child { upn: String::new(), forename: String::new(), ..known }),
            3 => ("E3", Child { upn: String::new(), surname: String::new(), ..known }),
            _ => ("", known),
        };
        rows += &(early_help_row(number, &child, "07/11/2024") + "\n");
    }
    council.deliver("early_help", "early_help.csv", rows);
    let ran = council.ingest();
    assert_eq!(ran.exit, 3, "{}", ran.text);
    assert_eq!(ran.rows("early_help"), [30, 29, 1, 0]);
    assert_eq!(ran.reasons("early_help"), by_name(&[("unidentified", 1)]));
    let listed = council.program("minster-ingest", &["quarantine", "list"]);
    assert!(listed.text.contains("1 unidentified in person_id"), "{}", listed.text);
}

#[test]
fn a_child_in_need_without_the_council_s_number_keeps_its_records() {
    let council = Council::new(&["cin"]);
    let child = |place: u32| {
        let number = if place <= 4 { "UNKNOWN".to_owned() } else { format!("C{place}") };
        cin_child(&cin_identifiers(&number, &Child::at(place)), "WBRI", &cin_referral(""))
    };
    council.deliver("cin", "cin.xml", cin(&(1..=CHILDREN).map(child).collect::<Vec<_>>()));
    let ran = council.ingest();
    assert_eq!(ran.exit, 0, "{}", ran.text);
    assert_eq!(ran.rows("cin"), [60, 60, 0, 0]);
    assert_eq!(pseudonyms(&council, "cin", "children", "upn").len(), 30);
    let units = |name| table(&council.site, "cin", name).column("unit").join(" ");
    assert_eq!(units("needs"), units("children"));
}
