//! How far a column may be from what its definition expects before its source stops.

use minster_tests::deliveries::{Child, Council, cell, leavers, pupils};

use crate::{CENSUS, LEFT, ROLL, assert_nowhere, assert_without};

/// One pupil more than the census's bound for schools, in so many schools.
fn schools(different: u32) -> Council {
    let council = Council::new(&[CENSUS]);
    let pupil = |place: u32| {
        let school = format!("QK{:05}", 10_000 + place.min(different));
        Child { school, ..Child::at(place) }
    };
    council.deliver(CENSUS, ROLL, pupils((1..=2_001).map(pupil)));
    council
}

#[test]
fn a_column_of_texts_may_hold_as_many_different_ones_as_its_bound_says() {
    let council = schools(2_000);
    let ran = council.ingest();
    assert_eq!(ran.exit, 0, "{}", ran.text);
    assert_eq!(ran.rows(CENSUS), [2_001, 2_001, 0, 0]);
}

#[test]
fn a_column_of_more_texts_than_its_bound_stops_its_source_and_is_named_with_the_bound() {
    let council = schools(2_001);
    let ran = council.run();
    assert_eq!(ran.exit, 2, "{}", ran.text);
    let told = "table pupils, column NativeId: it holds more than 2000 different texts";
    assert!(ran.text.contains(told), "{}", ran.text);
    let texts = [10_001, 11_000, 12_000, 12_001].map(|number| format!("QK{number}"));
    assert_without("the message", ran.text.as_bytes(), &texts);
    assert_nowhere(&council, &texts);
    assert!(!council.path("store/datasets/source").exists());
}

/// No code of any list.
const TELLING: &str = "Featherstonehaugh";

fn unknown(pupils_with: u32, leavers_with: u32) -> Council {
    let council = Council::new(&[CENSUS]);
    let with = |place: u32, telling: bool| match telling {
        true => Child { ethnicity: TELLING.to_owned(), ..Child::at(place) },
        false => Child::at(place),
    };
    let roll = (1..=150).map(|place| with(place, place <= pupils_with));
    council.deliver(CENSUS, ROLL, pupils(roll));
    let left = (301..=310).map(|place| with(place, place <= 300 + leavers_with));
    council.deliver(CENSUS, LEFT, leavers(left));
    council
}

#[test]
fn more_than_five_in_a_hundred_unknown_codes_of_a_required_table_stop_its_source() {
    let council = unknown(8, 0);
    let ran = council.run();
    assert_eq!(ran.exit, 2, "{}", ran.text);
    let told = "table pupils, column ethnicity: 8 of 150 cells are codes that its list does not have, more than 5";
    assert!(ran.text.contains(told), "{}", ran.text);
    assert_without("the message", ran.text.as_bytes(), &[TELLING.to_owned()]);
    assert_nowhere(&council, &[TELLING.to_owned()]);
    assert!(!council.path("store/datasets/source").exists());
}

#[test]
fn fewer_unknown_codes_pass_and_are_counted_in_summary_and_manifest() {
    // Four in a hundred; of the leavers, whose table a delivery need not have, half.
    let council = unknown(6, 5);
    let ran = council.run();
    assert_eq!(ran.exit, 0, "{}", ran.text);
    assert_eq!(ran.rows(CENSUS), [160, 160, 0, 0]);
    let mut cells = ran.cells(CENSUS);
    cells.sort();
    let counted = [
        "5 of 10 in ethnicity of leavers: unknown, unknown-code",
        "6 of 150 in ethnicity of pupils: unknown, unknown-code",
    ];
    assert_eq!(cells, counted);
    let manifest = council.manifest(CENSUS);
    let mut told: Vec<String> =
        manifest["origin"]["cells"].as_array().unwrap().iter().map(cell).collect();
    told.sort();
    assert_eq!(told, counted);
    let words = council.program("minster", &["run", "--again"]);
    let line = "6 cells became unknown: unknown-code in ethnicity of pupils (4 % of 150)";
    assert!(words.text.contains(line), "{}", words.text);
    assert_nowhere(&council, &[TELLING.to_owned()]);
}

#[test]
fn five_in_a_hundred_are_not_more_than_five() {
    let council = Council::new(&[CENSUS]);
    // A blank cell is no cell.
    let pupil = |place: u32| {
        let ethnicity = match place {
            1..=5 => TELLING,
            101..=105 => "",
            _ => "WBRI",
        };
        Child { ethnicity: ethnicity.to_owned(), ..Child::at(place) }
    };
    council.deliver(CENSUS, ROLL, pupils((1..=105).map(pupil)));
    let ran = council.run();
    assert_eq!(ran.exit, 0, "{}", ran.text);
    assert_eq!(ran.cells(CENSUS), ["5 of 100 in ethnicity of pupils: unknown, unknown-code"]);
}
