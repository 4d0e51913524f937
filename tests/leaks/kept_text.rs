//! Texts that are kept as they stand: no identifier and no name passes with them.

use minster_tests::deliveries::{
    Child, Council, by_name, learner_number, leavers, nhs_number, pupils, upn,
};

use crate::{CENSUS, LEFT, ROLL, assert_nowhere, assert_without, values::table};

/// One of each, as people write them.
fn identifiers() -> Vec<String> {
    let spaced = |number: String| format!("{} {} {}", &number[..3], &number[3..6], &number[6..]);
    vec![
        upn(9_001),
        upn(9_002).to_lowercase(),
        nhs_number(11),
        spaced(nhs_number(12)),
        spaced(nhs_number(13)).replace(' ', "-"),
        learner_number(14),
        // Ofcom keeps these for dramas.
        "01632960417".to_owned(),
        "07700 900822".to_owned(),
        "+447700900823".to_owned(),
        "cerys.k@family.example".to_owned(),
        "LS28 7QX".to_owned(),
        "ls287qz".to_owned(),
    ]
}

#[test]
fn an_identifier_in_the_place_of_a_school_sets_its_row_aside_and_stands_nowhere() {
    let identifiers = identifiers();
    let council = Council::new(&[CENSUS]);
    let pupil = |place: u32| {
        let child = Child::at(place);
        // Two pupils with each, and eight with none between them.
        let school = match place % 8 {
            0 => identifiers.get((place / 16) as usize).cloned(),
            _ => None,
        };
        Child { school: school.unwrap_or_else(|| child.school.clone()), ..child }
    };
    council.deliver(CENSUS, ROLL, pupils((8..=199).map(pupil)));
    // So many rows would stop the source.
    let ran = council.program("minster", &["run", "--json", "--accept", CENSUS]);
    assert_eq!(ran.exit, 3, "{}", ran.text);
    let aside = 2 * identifiers.len() as u64 - 1;
    assert_eq!(ran.rows(CENSUS), [192, 192 - aside, aside, 0]);
    assert_eq!(ran.reasons(CENSUS), by_name(&[("looks-like-identifier", aside)]));
    assert_eq!(ran.cells(CENSUS), [""; 0]);
    assert_eq!(ran.children().0, 192 - aside);
    let schools = table(&council.site, CENSUS, "pupils");
    assert!(schools.column("school").iter().all(|school| school.starts_with("S10")));
    assert_without("the summary", ran.text.as_bytes(), &identifiers);
    assert_nowhere(&council, &identifiers);
}

/// The pattern of the column would let them through.
#[test]
fn an_identifier_that_fits_the_pattern_of_its_column_sets_its_row_aside() {
    let identifiers = [nhs_number(21), learner_number(22), "01632960418".into(), "LS287QY".into()];
    let council = Council::new(&["attendance"]);
    let row = |place: u32| {
        let school = match place {
            3..=6 => identifiers[place as usize - 3].as_str(),
            _ => "935/4001",
        };
        format!("{},2024-11-{:02},AM,I,{school}\n", upn(place), 1 + place % 28)
    };
    let rows: String = (1..=90).map(row).collect();
    council.deliver(
        "attendance",
        "attendance.csv",
        format!("UPN,date,session,code,school\n{rows}"),
    );
    let ran = council.ingest();
    assert_eq!(ran.exit, 3, "{}", ran.text);
    assert_eq!(ran.rows("attendance"), [90, 86, 4, 0]);
    assert_eq!(ran.reasons("attendance"), by_name(&[("looks-like-identifier", 4)]));
    assert_nowhere(&council, &identifiers);
}

#[test]
fn an_identifier_in_the_place_of_a_number_sets_its_row_aside() {
    let numbers = [nhs_number(31), nhs_number(32), learner_number(33)];
    let council = Council::new(&[CENSUS]);
    let pupil = |place: u32| match place {
        5..=7 => Child { sessions: numbers[place as usize - 5].clone(), ..Child::at(place) },
        _ => Child::at(place),
    };
    council.deliver(CENSUS, ROLL, pupils((1..=70).map(pupil)));
    let ran = council.run();
    assert_eq!(ran.exit, 3, "{}", ran.text);
    assert_eq!(ran.rows(CENSUS), [70, 67, 3, 0]);
    assert_eq!(ran.reasons(CENSUS), by_name(&[("looks-like-identifier", 3)]));
    assert_nowhere(&council, &numbers.map(|number| number.to_string()));
}

/// Leavers are read first: a name of theirs is known only when the pupils were read.
#[test]
fn a_kept_text_that_is_a_name_of_the_delivery_sets_its_row_aside() {
    let council = Council::new(&[CENSUS]);
    let leaver = |place: u32| {
        let school = match place {
            304 => "thornebridge",
            307 => "SKYELARK",
            311 => "Oriel-Mae",
            _ => "S101",
        };
        Child { school: school.to_owned(), ..Child::at(place) }
    };
    council.deliver(CENSUS, LEFT, leavers((301..=330).map(leaver)));
    let pupil = |place: u32| {
        let child = Child::at(place);
        match place {
            2 => Child { school: "Thornebridge".to_owned(), ..child },
            17 => Child { surname: "THORNE-BRIDGE".to_owned(), ..child },
            23 => Child { forename: "Skyelark".to_owned(), ..child },
            _ => child,
        }
    };
    // A name that is dropped unseen is a name all the same.
    let preferred = |(line, row): (&str, u32)| {
        let more = match row {
            0 => "preferredsurname",
            9 => "ORIELMAE",
            _ => "",
        };
        format!("{line},{more}\r\n")
    };
    let roll = pupils((1..=60).map(pupil));
    let roll: String = roll.lines().zip(0..).map(preferred).collect();
    council.deliver(CENSUS, ROLL, roll);
    let ran = council.run();
    assert_eq!(ran.exit, 3, "{}", ran.text);
    assert_eq!(ran.rows(CENSUS), [90, 86, 4, 0]);
    assert_eq!(ran.reasons(CENSUS), by_name(&[("equals-name", 4)]));
    assert_eq!(table(&council.site, CENSUS, "leavers").column("school"), ["S101"; 27]);
    let names = ["Thorne-Bridge", "Skyelark", "Oriel-Mae", "Oriel-mae"].map(str::to_owned);
    assert_without("the summary", ran.text.as_bytes(), &names);
    assert_nowhere(&council, &names);
}
