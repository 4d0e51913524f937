//! A definition that reads more than its purpose allows is told before a run, and refused by it, with the sentence of the notice; the
//! officer's records tell of an installation, and of no child.

use std::fs;

use minster_tests::{
    Site,
    deliveries::{Child, Council, pupils},
    only_first, root,
};

use crate::CENSUS;

const SENTENCE: &str =
    "It would break version 1 of the privacy notice (2024-09-01): \"We publish statistics";

/// The purposes, of which the first has these columns of the census, and no other source.
fn purposes_with(columns: &str) -> String {
    let purposes = fs::read_to_string(root().join("config/purposes.toml")).unwrap();
    let from = purposes.find("sources = [").unwrap();
    let to = from + purposes[from..].find(']').unwrap() + 1;
    let narrow = format!("sources = [\"{CENSUS}\"]\ncolumns = {{ {CENSUS} = {columns} }}");
    format!("{}{narrow}{}", &purposes[..from], &purposes[to..])
}

/// A council whose purpose has these columns of the census, and no other source.
fn with_columns(columns: &str) -> Council {
    let purposes = purposes_with(columns);
    let council = Council::at(Site::with_purposes(&purposes), &[CENSUS]);
    council.deliver(CENSUS, "2025_autumn_pupilonroll.csv", pupils((1..=30).map(Child::at)));
    council
}

/// Each table whole, but those of addresses.
const TABLES: &str = "pupils = \"all\", leavers = \"all\", sessions = \"all\", leaver_sessions = \"all\", \
    summer_sessions = \"all\", leaver_summer_sessions = \"all\", annual_sessions = \"all\", \
    leaver_annual_sessions = \"all\", exclusions = \"all\", leaver_exclusions = \"all\", fsm = \"all\", \
    sen_needs = \"all\", ap_entries = \"all\", leaver_ap_entries = \"all\", ap_placements = \"all\", \
    leaver_ap_placements = \"all\", addresses = \"all\"";

#[test]
fn a_definition_that_reads_more_than_its_purpose_allows_is_told_and_refused() {
    let wards = "leaver_addresses = [\"leaver_row\"]";
    let council = with_columns(&format!("{{ {TABLES}, {wards} }}"));
    let told = council.program("minster", &["purposes"]);
    assert_eq!(told.exit, 2, "{}", told.text);
    let outside = "the column ward of the table leaver_addresses of school_census";
    for part in [&format!("OUTSIDE: {outside}"), SENTENCE] {
        assert!(told.text.contains(part), "{}", told.text);
    }
    let ran = council.program("minster-ingest", &["run"]);
    assert_eq!(ran.exit, 6, "{}", ran.text);
    for part in ["children-statistics does not allow", outside, SENTENCE] {
        assert!(ran.text.contains(part), "{}", ran.text);
    }
    assert!(!council.path("store/datasets/source").exists(), "nothing was taken in");
    // As the message says: the column is dropped in the source's definition.
    council.change("sources/school_census.toml", |text| {
        let table = text.find("name = \"leaver_addresses\"").unwrap();
        let (before, after) = text.split_at(table);
        let line = after.lines().find(|line| line.starts_with("postcode = ")).unwrap();
        let after = after.replacen(line, "postcode = { treatment = \"drop\" }", 1);
        format!("{before}{}", after.replacen("key = [\"ward\"]\n", "", 1))
    });
    let told = council.program("minster", &["purposes"]);
    assert_eq!(told.exit, 0, "{}", told.text);
    let ran = council.program("minster-ingest", &["run"]);
    assert_eq!(ran.exit, 0, "{}", ran.text);
    let told = council.program("minster", &["purposes"]);
    assert_eq!(told.exit, 0, "what stands is within: {}", told.text);
}

#[test]
fn data_that_stand_are_named_after_custodians_narrowed_their_purpose() {
    let council = with_columns("\"all\"");
    let ran = council.program("minster-ingest", &["run"]);
    assert_eq!(ran.exit, 0, "{}", ran.text);
    let told = council.program("minster", &["purposes"]);
    assert_eq!(told.exit, 0, "{}", told.text);
    let narrow = purposes_with(&format!("{{ {TABLES}, leaver_addresses = [\"leaver_row\"] }}"));
    fs::write(council.site.path("narrow.toml"), only_first(&narrow)).unwrap();
    council.site.appoint();
    council.site.enacted("purpose --definition narrow.toml");
    let told = council.program("minster", &["purposes"]);
    assert_eq!(told.exit, 2, "{}", told.text);
    let stands = told.text.lines().find(|line| line.contains("STANDS OUTSIDE")).unwrap();
    for part in ["source/school_census/", "the column ward of the table leaver_addresses"] {
        assert!(stands.contains(part), "{stands}");
    }
}

#[test]
fn the_officer_s_records_tell_of_the_installation_and_of_no_child() {
    let council = Council::new(&[CENSUS]);
    council.deliver(CENSUS, "2025_autumn_pupilonroll.csv", pupils((1..=30).map(Child::at)));
    let ran = council.run();
    assert_eq!(ran.exit, 0, "{}", ran.text);
    let json = |words: &[&str]| -> serde_json::Value {
        let told = council.program("minster", &[words, &["--json"]].concat());
        assert_eq!(told.exit, 0, "{}", told.text);
        told.summary
    };
    let record = json(&["report", "processing"]);
    assert_eq!(record["controller"], serde_json::Value::Null, "this pipeline names none");
    assert_eq!(record["purposes"].as_array().unwrap().len(), 3);
    assert_eq!(record["data"][0]["source"], CENSUS);
    assert!(record["data"][0]["dropped"].as_u64().unwrap() > 10, "{}", record["data"]);
    let single = &record["measures"][2];
    assert_eq!(single["here"], "does-not-stand", "one user holds all roles here: {single}");

    let facts = json(&["report", "dpia"]);
    assert_eq!(facts["children"][0]["children"], 30);
    let columns = &facts["deliveries"][0];
    let has = |list: &str, part: &str| {
        columns[list].as_array().unwrap().iter().any(|of| of.as_str().unwrap().contains(part))
    };
    assert!(has("treated", "pupils.upn: pseudonymised (upn)"), "{columns}");
    assert!(!has("kept", "pupils.upn"), "{columns}");
    // A name becomes a keyed hash: it is not dropped.
    assert!(has("used", "pupils.surname: match keys"), "{columns}");
    assert!(!has("dropped", "pupils.surname"), "{columns}");

    let today = council.site.today().to_string();
    let month = json(&["report", "month", "--month", &today[..7]]);
    let own = &month["purposes"]["children-statistics"];
    assert_eq!(own["runs_opened"], 1, "{month}");
    assert!(own["numbers"]["busiest_day"].as_u64().unwrap() >= 30, "{month}");
    assert!(month["entries"]["opened-run"].as_u64() == Some(1), "{month}");
    for (name, words) in [
        ("processing", vec!["report", "processing"]),
        ("dpia", vec!["report", "dpia"]),
        ("month", vec!["report", "month", "--month", &today[..7]]),
    ] {
        let file = format!("{name}.html");
        let told = council.program("minster", &[&words[..], &["--html", &file]].concat());
        assert_eq!(told.exit, 0, "{}", told.text);
        let page = fs::read_to_string(council.path(&file)).unwrap();
        assert!(page.contains("default-src 'none'"), "{name} may load something");
        for child in (1..=30).map(Child::at) {
            assert!(!page.contains(&child.upn), "{name} has a number");
        }
    }
}
