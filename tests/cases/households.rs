//! Children counted by where they live: keyed addresses, from files to the integrated dataset, where the purpose allows it.

use std::fs;

use minster_tests::{
    Site,
    deliveries::{Child, Council, pupils},
    root,
};

use crate::{CENSUS, council, values::integrated};

const ADDRESSES: &str = "pupilonrolltableid,postcode,uprn,saon,paon\r\n";

/// An example of the project, as it is shipped.
fn example(name: &str) -> String {
    fs::read_to_string(root().join("examples/households").join(name)).unwrap()
}

/// Sixty pupils: three of one house, two flats of another, twelve of a boarding school, and others alone.
fn addresses() -> String {
    let mut csv = ADDRESSES.to_owned();
    for place in 1..=60 {
        let [postcode, uprn, flat, house] = match place {
            // One house: with zeros before its number, without, and without the number but with the address.
            1 => ["LS9 8ZZ", "000100000001234", "", "12, Kirkgate"],
            2 => ["ls98zz", "100000001234", "", "12 KIRKGATE"],
            3 => ["LS9 8ZZ", "", "", " 12 Kirkgate."],
            // Flats, told by their number or name, and by nothing else.
            4 | 5 => ["LS9 8ZZ", "", "Flat 1", "14 Kirkgate"],
            6 => ["LS9 8ZZ", "", "Flat 2", "14 Kirkgate"],
            // A number that is none becomes blank, and the address counts.
            7 | 8 => ["LS9 8ZZ", "not known yet", "", "16 Kirkgate"],
            20..=31 => ["LS9 8ZZ", "200000005678", "", "School House"],
            40 => ["", "", "", ""],
            _ => ["LS9 8ZZ", "", "", ""],
        };
        let house = if house.is_empty() && place != 40 {
            format!("{place} High Lane")
        } else {
            house.to_owned()
        };
        csv += &format!("row-{place},{postcode},{uprn},\"{flat}\",\"{house}\"\r\n");
    }
    csv
}

/// Puts the example's table in the place of the shipped one.
fn keyed(council: &Council) {
    council.change("sources/school_census.toml", |text| {
        let place = text.find("[[table]]\nname = \"addresses\"").unwrap();
        let (before, after) = text.split_at(place);
        let rest = after[9..].find("[[table]]").unwrap() + 9;
        format!("{before}{}\n{}", example("addresses.toml"), &after[rest..])
    });
}

/// Asks for households as the example does.
fn counted(council: &Council) {
    council.change("matching.toml", |text| format!("{text}\n{}", example("matching.toml")));
}

fn allowed() -> Council {
    let purposes = fs::read_to_string(root().join("config/purposes.toml")).unwrap();
    let kinds = "\"upn\", \"nhs-number\",";
    assert!(purposes.contains(kinds) && purposes.contains("\nroles = "));
    let purposes = purposes
        .replacen(kinds, &format!("{kinds} \"match-key:address\", \"match-key:uprn\","), 1)
        .replacen("\nroles = ", "\nhouseholds = true\nroles = ", 1);
    Council::at(Site::with_purposes(&purposes), &[CENSUS])
}

fn deliver(council: &Council) {
    council.deliver(CENSUS, "2025_autumn_pupilonroll.csv", pupils((1..=60).map(Child::at)));
    council.deliver(CENSUS, "2025_autumn_addressesonroll.csv", addresses());
}

#[test]
fn children_at_one_address_are_counted_and_no_address_is_kept() {
    let council = allowed();
    keyed(&council);
    counted(&council);
    deliver(&council);
    let ran = council.run();
    assert_eq!(ran.exit, 0, "{}", ran.text);
    let cells = ran.cells(CENSUS).join("\n");
    assert!(cells.contains("2 of 16 in uniquepropertyreferencenumber of addresses"), "{cells}");
    let children = integrated(&council.site);
    let count = |column: &str, cell: &str| {
        children.column(column).iter().filter(|one| **one == cell).count()
    };
    // Three of one house, twice two of one address; twelve at the school and one without an address have none.
    let counts = |column| ["3", "2", "1", "0", ""].map(|cell| count(column, cell));
    assert_eq!(counts("household_children"), [3, 4, 40, 0, 13]);
    assert_eq!(counts("siblings"), [0, 3, 4, 40, 13]);
    let notes = ran.summary["linkage"]["notes"].to_string();
    for note in [
        "households: about 5 children have no known address",
        "households: about 10 children live at about 5 addresses of more than 10, which are no households",
    ] {
        assert!(notes.contains(note), "{notes}");
    }
    assert!(
        !children.columns.iter().any(|column| column.contains("key_") || column.contains("uprn"))
    );
    // Linking again gives the same, and a mistyped column is named.
    let again = council.program("minster", &["link", "--again", "--json"]);
    assert_eq!(again.exit, 0, "{}", again.text);
    assert_eq!(integrated(&council.site).rows, children.rows);
    council.change("matching.toml", |text| {
        text.replacen("uprn = \"key_uprn\"", "uprn = \"key_urpn\"", 1)
    });
    let wrong = council.program("minster", &["link"]);
    assert_eq!(wrong.exit, 2, "{}", wrong.text);
    let message =
        "school_census/addresses has no column key_urpn in any delivery; did you mean key_uprn?";
    assert!(wrong.text.contains(message), "{}", wrong.text);
}

#[test]
fn a_purpose_without_households_has_neither_keys_of_addresses_nor_counts() {
    // The shipped purpose: the vault makes no key of an address.
    let council = council(60, &[]);
    council.deliver(CENSUS, "2025_autumn_addressesonroll.csv", addresses());
    keyed(&council);
    let ran = council.run();
    assert_eq!(ran.exit, 6, "{}", ran.text);
    assert!(ran.text.contains("does not allow households"), "{}", ran.text);
    // Nor does the linker count by whatever else stands for addresses.
    let council = self::council(60, &[]);
    counted(&council);
    let ran = council.run();
    assert_eq!(ran.exit, 2, "{}", ran.text);
    let message = "asks for [households], and the purpose children-statistics does not allow them";
    assert!(ran.text.contains(message), "{}", ran.text);
}

#[test]
fn a_key_of_an_address_has_a_name_by_which_a_purpose_forbids_it() {
    let council = council(60, &[]);
    council.deliver(CENSUS, "2025_autumn_addressesonroll.csv", addresses());
    keyed(&council);
    council.change("sources/school_census.toml", |text| {
        text.replacen("name = \"uprn\"", "name = \"home\"", 1)
    });
    let ran = council.ingest();
    assert_eq!(ran.exit, 2, "{}", ran.text);
    assert!(ran.text.contains("is named `address` or `uprn`"), "{}", ran.text);
}
