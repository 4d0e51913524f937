//! Queries: what comes out is what a definition's preview shows, counted as a look; and what is saved is a definition.

use std::fs;

use minster_tests::deliveries::{Council, Ran};
use serde_json::Value;

use crate::preview::linked;

fn query(council: &Council, sql: &str, more: &[&str]) -> Ran {
    council.program("minster", &[&["query", sql], more].concat())
}

fn rows(ran: &Ran) -> Value {
    ran.summary["preview"]["tables"][0]["numbers"]["rows"].clone()
}

const SQL: &str = "SELECT ethnicity, sex, COUNT(*)\nFROM children\nGROUP BY CUBE (ethnicity, sex)";

#[test]
fn a_query_shows_what_its_definition_shows_and_no_small_count() {
    let council = linked();
    let asked = query(&council, SQL, &["--json"]);
    assert_eq!(asked.exit, 0, "{}", asked.text);
    assert!(asked.text.contains("note: 1 look at a preview of 2024-25"), "{}", asked.text);
    let definition = asked.summary["definition"].as_str().unwrap();
    let file = council.path("again.toml");
    fs::write(&file, definition).unwrap();
    let previewed = council.program("minster", &["preview", file.to_str().unwrap(), "--json"]);
    assert!(previewed.text.contains("note: 2 looks at a preview"), "{}", previewed.text);
    assert_eq!(asked.summary["preview"], previewed.summary["preview"]);
    // The definition of the same table that a person wrote.
    let written = council.program(
        "minster",
        &["preview", council.path("config/tables/looked_at.toml").to_str().unwrap(), "--json"],
    );
    let count = |rows: &Value, ethnicity: &str| {
        let found = rows.as_array().unwrap().iter();
        let mut found = found.filter(|row| row[0] == ethnicity && row[1] == "All");
        found.next().unwrap_or_else(|| panic!("{ethnicity}: {rows}"))[2].clone()
    };
    for ethnicity in ["All", "WBRI"] {
        assert_eq!(
            count(&rows(&asked), ethnicity),
            count(&rows(&written), ethnicity),
            "{ethnicity}"
        );
    }
    let shown = rows(&asked).to_string();
    assert!(shown.contains("[c]"), "three of one ethnicity are few: {shown}");
    for row in rows(&asked).as_array().unwrap() {
        let is_small = row[2].as_u64().is_some_and(|count| (1..5).contains(&count));
        assert!(!is_small, "{row}");
    }
}

#[test]
fn a_saved_query_is_a_definition_that_can_be_drafted_and_is_never_overwritten() {
    let council = linked();
    let path = council.path("config/tables/by_ethnicity.toml");
    let saved = query(&council, SQL, &["--save", "by_ethnicity"]);
    assert_eq!(saved.exit, 0, "{}", saved.text);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.starts_with("# SELECT ethnicity, sex, COUNT(*)\n# FROM children\n"), "{text}");
    let again = query(&council, SQL, &["--save", "by_ethnicity"]);
    assert_eq!(again.exit, 2, "{}", again.text);
    assert!(
        again.text.contains("is there already") && !again.text.contains("look"),
        "{}",
        again.text
    );
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
    // No definition is saved of a query that is none.
    let refused = query(&council, "SELECT * FROM children", &["--save", "rows"]);
    assert_eq!(refused.exit, 2, "{}", refused.text);
    assert!(!council.path("config/tables/rows.toml").exists());
    fs::remove_file(council.path("config/tables/looked_at.toml")).unwrap();
    let drafted = council.program("minster", &["aggregate", "by_ethnicity"]);
    assert_eq!(drafted.exit, 0, "{}", drafted.text);
    let let_out = council.program("minster", &["release", "by_ethnicity"]);
    assert_eq!(let_out.exit, 0, "{}", let_out.text);
    assert!(council.path("store/releases/by_ethnicity/2024-25/current/by_ethnicity.csv").exists());
}

#[test]
fn a_query_that_is_refused_points_into_its_text_and_uses_no_look() {
    let council = linked();
    let cases = [
        (
            "SELECT child, COUNT(*) FROM children GROUP BY child",
            "line 1, column 8: each child would be a row",
        ),
        (
            "SELECT sex, COUNT(*) FROM crosswalk GROUP BY sex",
            "line 1, column 27: there is no table crosswalk",
        ),
        (
            "SELECT gender, COUNT(*) FROM children GROUP BY gender",
            "line 1, column 8: there is no column gender",
        ),
    ];
    for (sql, told) in cases {
        let ran = query(&council, sql, &[]);
        assert_eq!(ran.exit, 2, "{}", ran.text);
        assert!(ran.text.contains(told) && !ran.text.contains("look at a"), "{}", ran.text);
    }
    let ran = query(
        &council,
        "SELECT sex, COUNT(*) FROM children WHERE ethnicity = 'AIND' GROUP BY sex",
        &[],
    );
    assert_eq!(ran.exit, 4, "three children are too few for a table: {}", ran.text);
    assert!(ran.text.contains("the query: refused"), "{}", ran.text);
}
