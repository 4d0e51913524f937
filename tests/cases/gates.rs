//! A delivery that is empty, cut, mostly set aside or another one than it is said to be: its source stops, and what stood
//! stands.

use minster_tests::deliveries::{
    Child, Council, Ran, cin, cin_child, cin_identifiers, episodes_903, header_903, header_903_row,
    pupils,
};

use crate::{CENSUS, council};

const RETURN: &str = "ssda903";

/// A return with so many children and episodes.
fn deliver(council: &Council, children: u32, episodes: u32) {
    let number = |place: u32| format!("N{place:03}");
    let row = |place| header_903_row(&number(place), &Child::at(place));
    let rows: Vec<String> = (1..=children).map(row).collect();
    council.deliver(RETURN, "header.csv", header_903(&rows));
    let numbers: Vec<String> = (1..=episodes).map(number).collect();
    council.deliver(RETURN, "episodes.csv", episodes_903(&numbers));
}

/// The source stops with this message; what stood of it, so many rows, stands.
fn stops(council: &Council, told: &str, stood: Option<u64>) {
    let ran = council.ingest();
    assert_eq!(ran.exit, 2, "{}", ran.text);
    assert!(ran.text.contains(told), "{told}: {}", ran.text);
    let manifest = council.path("store/datasets/source/ssda903/2024-25/current/manifest.json");
    match stood {
        None => assert!(!manifest.exists()),
        Some(rows) => {
            let tables = council.manifest(RETURN)["tables"].as_array().unwrap().clone();
            let all = tables.iter().map(|table| table["rows"].as_u64().unwrap()).sum::<u64>();
            assert_eq!(all, rows);
        }
    }
}

fn accept(council: &Council, source: &str) -> Ran {
    council.program("minster-ingest", &["run", "--json", "--accept", source])
}

fn set(council: &Council, head: &str, limits: &str) {
    let pipeline = std::fs::read_to_string(council.path("pipeline.toml")).unwrap();
    let pipeline = pipeline.replacen("on_failure = \"stop\"\n", head, 1);
    let pipeline = pipeline.replacen("[arrival]\n", &format!("{limits}[arrival]\n"), 1);
    std::fs::write(council.path("pipeline.toml"), pipeline).unwrap();
}

#[test]
fn a_required_table_without_a_row_stops_its_source_on_the_first_night_and_later() {
    let council = Council::new(&[RETURN]);
    deliver(&council, 0, 0);
    stops(
        &council,
        "ssda903 2024-25: table header: it has 0 rows, and is required (0 stand)",
        None,
    );
    deliver(&council, 60, 60);
    assert_eq!(council.ingest().rows(RETURN), [120, 120, 0, 0]);
    deliver(&council, 60, 0);
    stops(
        &council,
        "ssda903 2024-25: table episodes: it has 0 rows, and is required (60 stand)",
        Some(120),
    );
    deliver(&council, 0, 0);
    stops(&council, "it has 0 rows", Some(120));
    // An XML file without a child.
    let council = Council::new(&["cin"]);
    council.deliver("cin", "cin.xml", cin(&[]));
    let ran = council.ingest();
    assert_eq!(ran.exit, 2, "{}", ran.text);
    assert!(ran.text.contains("table children: it has 0 rows"), "{}", ran.text);
}

#[test]
fn a_table_that_fell_stops_its_source_until_someone_accepts_it() {
    let council = Council::new(&[RETURN]);
    deliver(&council, 60, 60);
    council.ingest();
    deliver(&council, 60, 24);
    let told = "table episodes: it has 24 rows, and 60 stand, which is a fall of more than 20 in a hundred";
    stops(&council, told, Some(120));
    assert!(accept(&council, "cin").text.contains("the pipeline has no such source"));
    let ran = accept(&council, RETURN);
    assert_eq!(ran.exit, 0, "{}", ran.text);
    assert_eq!(ran.rows(RETURN), [84, 84, 0, 0]);
    let warned = ran.warnings(RETURN);
    assert!(
        warned.len() == 1 && warned[0].starts_with(&format!("accepted all the same: {told}")),
        "{warned:?}"
    );
    assert_eq!(council.manifest(RETURN)["origin"]["warnings"][0], warned[0].as_str());
    // It stands, and is not asked about again.
    assert_eq!(council.ingest().warnings(RETURN), warned);
    // A whole file rises as it likes.
    deliver(&council, 60, 60);
    assert_eq!(council.ingest().rows(RETURN), [120, 120, 0, 0]);
}

#[test]
fn a_small_table_may_fall_and_a_share_may_be_declared() {
    let council = Council::new(&[RETURN]);
    deliver(&council, 20, 20);
    council.ingest();
    deliver(&council, 20, 11);
    assert_eq!(council.ingest().rows(RETURN), [31, 31, 0, 0]);
    deliver(&council, 60, 60);
    council.ingest();
    set(&council, "on_failure = \"stop\"\n", "[limits]\nfall_percent = 70\n");
    deliver(&council, 60, 24);
    assert_eq!(council.ingest().rows(RETURN), [84, 84, 0, 0]);
}

#[test]
fn a_table_whose_rows_are_mostly_set_aside_stops_its_source() {
    let undated = |wrong: u32, all: u32| {
        let council = Council::new(&[CENSUS]);
        let child = |place: u32| Child {
            born: if place <= wrong { "umpteen".into() } else { Child::at(place).born },
            ..Child::at(place)
        };
        council.deliver(CENSUS, "2025_autumn_pupilonroll.csv", pupils((1..=all).map(child)));
        council.ingest()
    };
    let ran = undated(12, 60);
    assert_eq!(ran.exit, 2, "{}", ran.text);
    let told = "table pupils: 12 of 60 rows would be set aside, more than 5 in a hundred";
    assert!(ran.text.contains(told), "{}", ran.text);
    assert_eq!(undated(1, 10).exit, 3);
    assert_eq!(undated(10, 300).exit, 3);
}

#[test]
fn a_required_table_whose_numbers_are_mostly_wrong_stops_its_source_though_its_rows_would_stay() {
    let mistyped = |wrong: u32, all: u32| {
        let council = Council::new(&[CENSUS]);
        let child = |place: u32| Child {
            upn: if place <= wrong { "A330400024001".into() } else { Child::at(place).upn },
            ..Child::at(place)
        };
        council.deliver(CENSUS, "2025_autumn_pupilonroll.csv", pupils((1..=all).map(child)));
        (council.ingest(), council)
    };
    for (wrong, all) in [(12, 60), (60, 60)] {
        let (ran, council) = mistyped(wrong, all);
        assert_eq!(ran.exit, 2, "{}", ran.text);
        let told = format!(
            "table pupils, column upn: {wrong} of {all} numbers are wrong, more than 5 in a hundred"
        );
        assert!(ran.text.contains(&told), "{}", ran.text);
        let ran = accept(&council, CENSUS);
        assert_eq!(ran.exit, 0, "{}", ran.text);
        assert!(ran.warnings(CENSUS)[0].contains(&told), "{}", ran.text);
        assert_eq!(ran.rows(CENSUS), [all.into(), all.into(), 0, 0]);
    }
    for (wrong, all) in [(1, 10), (9, 60), (10, 300)] {
        let (ran, _) = mistyped(wrong, all);
        assert_eq!(ran.exit, 0, "{}", ran.text);
        assert_eq!(ran.rows(CENSUS), [all.into(), all.into(), 0, 0]);
    }
}

#[test]
fn a_file_that_names_another_collection_year_or_authority_stops_its_source() {
    let council = Council::new(&["cin"]);
    let children: Vec<String> = (1..=20)
        .map(|place| cin_child(&cin_identifiers(&place.to_string(), &Child::at(place)), "WBRI", ""))
        .collect();
    let whole = cin(&children);
    let source = "</CollectionDetails><Source><LEA>935</LEA></Source>";
    let whole = whole.replacen("</CollectionDetails>", source, 1);
    set(&council, "on_failure = \"stop\"\nauthority = \"935\"\n", "");
    for (from, to, told) in [
        (">CIN<", ">SEN2<", "names SEN2 as its collection, and CIN is expected"),
        (">2025<", ">2023<", "names 2023 as its year, and 2024 or 2025 is expected"),
        (">935<", ">936<", "names 936 as its authority, and 935 is expected"),
        (">CIN<", ">Ann Other<", "names something else as its collection"),
    ] {
        council.deliver("cin", "cin.xml", whole.replacen(from, to, 1));
        let ran = council.ingest();
        assert_eq!(ran.exit, 2, "{}", ran.text);
        assert!(ran.text.contains(told), "{told}: {}", ran.text);
    }
    let ran = accept(&council, "cin");
    assert_eq!(ran.exit, 0, "{}", ran.text);
    assert!(ran.warnings("cin")[0].starts_with("accepted all the same: cin.xml: its header"));
    council.deliver("cin", "cin.xml", whole);
    assert_eq!(council.ingest().warnings("cin"), [""; 0]);
}

#[test]
fn where_the_others_go_on_one_source_is_left_out_and_all_of_them_are_a_failure() {
    let council = council(40, &[RETURN]);
    set(&council, "on_failure = \"go-on\"\n", "");
    deliver(&council, 30, 30);
    assert_eq!(council.run().exit, 0);
    deliver(&council, 30, 0);
    let ran = council.run();
    assert_eq!(ran.exit, 10, "{}", ran.text);
    assert!(
        ran.text.contains("left out: ssda903 2024-25: table episodes: it has 0 rows"),
        "{}",
        ran.text
    );
    council.deliver(CENSUS, "2025_autumn_pupilonroll.csv", pupils([]));
    let ran = council.ingest();
    assert_eq!(ran.exit, 2, "{}", ran.text);
    assert!(ran.text.contains("all 2 sources were left out"), "{}", ran.text);
    let again = council.program("minster", &["run", "--json", "--accept", RETURN]);
    assert_eq!(again.exit, 10, "{}", again.text);
    assert_eq!(again.rows(RETURN), [30, 30, 0, 0]);
}
