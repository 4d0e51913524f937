//! The columns that an analyst can use, with their meanings from the dictionary and their blanks from the data.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{preview::linked, values::of_period};

#[test]
fn each_column_has_its_meaning_and_its_blanks_and_no_small_count_shows() {
    let council = linked();
    let listed = council.program("minster", &["columns", "--json"]);
    assert_eq!(listed.exit, 0, "{}", listed.text);
    let package = council.program("minster", &["dictionary"]).summary;
    let tables = listed.summary["tables"].as_array().unwrap();
    let resources = package["resources"].as_array().unwrap();
    assert_eq!(tables.len(), resources.len());
    let mut seen = BTreeSet::new();
    for (table, resource) in tables.iter().zip(resources) {
        assert_eq!(table["name"], resource["name"]);
        let name = table["name"].as_str().unwrap();
        let data = of_period(&council.site, "2024-25", name);
        let columns = table["columns"].as_array().unwrap();
        let fields = resource["schema"]["fields"].as_array().unwrap();
        assert_eq!(columns.len(), fields.len());
        for (column, field) in columns.iter().zip(fields) {
            assert_eq!(column["name"], field["name"]);
            assert_eq!(column["meaning"], field["description"]);
            assert_eq!(column["period"], field["period"]);
            let codes = field["categories"].as_array().map_or(0, Vec::len);
            assert_eq!(column["codes"].as_array().unwrap().len(), codes);
            let cells = data.column(column["name"].as_str().unwrap());
            let blank = cells.iter().filter(|cell| cell.is_empty()).count();
            let is_small = |count: usize| (1..5).contains(&count);
            let hidden = is_small(blank) || is_small(cells.len() - blank);
            let expected = if hidden { Value::Null } else { blank.into() };
            assert_eq!(column["blanks"], expected, "{name} {column}");
            seen.insert((hidden, blank > 0));
        }
    }
    // Two children have no ethnicity; others have no value at all of many columns.
    for kind in [(true, true), (false, true), (false, false)] {
        assert!(seen.contains(&kind), "{kind:?}");
    }
    let text = council.program("minster", &["columns"]).text;
    assert!(text.contains("      K: SEN support\n"), "{text}");
    let ethnicity = text.lines().find(|line| line.starts_with("  ethnicity ")).unwrap();
    assert!(ethnicity.ends_with("blanks hidden"), "{ethnicity}");
}
