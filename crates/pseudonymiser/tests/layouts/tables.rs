//! The returns that are tables: the school census, looked-after children, the safeguarding dataset.

use std::{collections::BTreeMap, fs};

use crate::{Gaps, definition, delivered, schemas, spec, yaml::Yaml};

#[test]
fn every_table_column_and_code_of_the_school_census_is_understood_in_every_term() {
    let Some(spec) = spec() else { return };
    let mut gaps = Gaps::default();
    let mut terms = Yaml::Map(Vec::new());
    for (year, schema) in schemas(&spec, "school_census") {
        let schema = Yaml::read(&schema);
        // The first year's is whole, and each later one's is what differs from the year before.
        match terms.entries() {
            [] => terms = schema,
            _ => {
                for (term, differences) in schema.entries() {
                    terms.below(term).apply(differences);
                }
            }
        }
        for (term, schema) in terms.entries() {
            let (period, before) = (format!("{year}-{term}"), format!("{year}_{term}_"));
            check("school_census", &period, schema, &before, &mut gaps);
        }
    }
    gaps.assert_none();
}

#[test]
fn every_table_column_and_code_of_the_looked_after_return_is_understood_in_every_year() {
    let Some(spec) = spec() else { return };
    let mut gaps = Gaps::default();
    let schemas: BTreeMap<_, _> = schemas(&spec, "ssda903").into_iter().collect();
    let (first, last) = (*schemas.keys().next().unwrap(), *schemas.keys().next_back().unwrap());
    let mut schema = Yaml::Map(Vec::new());
    for year in first..=last {
        match schemas.get(&year) {
            Some(path) if year == first => schema = Yaml::read(path),
            Some(path) => schema.apply(&Yaml::read(path)),
            // Nothing changed.
            None => {}
        }
        // The definition begins with the return for 2018.
        if year < 2018 {
            continue;
        }
        // The return for 2025 is that of the year that ends in March 2025.
        let period = format!("{}-{:02}", year - 1, year % 100);
        check("ssda903", &period, &schema, &format!("SSDA903_{year}_"), &mut gaps);
    }
    gaps.assert_none();
}

/// Codes that the schema keeps, and that the ministry withdrew on 19 August 2024 (Working together to improve school
/// attendance). They pass, and are counted as codes outside of their years.
fn is_withdrawn(heading: &str, code: &str, period: &str) -> bool {
    heading == "attendancereason" && ["H", "J"].contains(&code) && period >= "2025"
}

/// Holds the definition of a source against a period's schema.
fn check(source: &str, period: &str, schema: &Yaml, before: &str, gaps: &mut Gaps) {
    let definition = definition(source, period);
    let tables = schema.get("column_map").map_or(&[][..], Yaml::entries);
    for (table, columns) in tables {
        let headings: Vec<&str> = columns.entries().iter().map(|(name, _)| name.as_str()).collect();
        for (at, column) in delivered::columns(definition, before, table, &headings, period, gaps) {
            let heading = at.rsplit('.').next().unwrap();
            let codes = columns.get(heading).unwrap().codes();
            let codes = codes.filter(|code| !is_withdrawn(heading, code, period));
            delivered::codes(&at, column, codes, period, gaps);
        }
    }
}

#[test]
fn every_table_and_column_of_the_safeguarding_dataset_has_a_line() {
    let Some(spec) = spec() else { return };
    let Ok(text) = fs::read_to_string(spec.join("../facts/ssd_columns.csv")) else {
        minster_tests::left_out("beside the folder of schemas there is no facts/ssd_columns.csv");
        return;
    };
    // Only the last fields are quoted, and these are not needed.
    let mut tables: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for line in text.lines().skip(1) {
        let mut fields = line.split(',');
        let (table, column) = (fields.next().unwrap(), fields.next().unwrap());
        tables.entry(table).or_default().push(column);
    }
    assert!(!tables.is_empty());
    let mut gaps = Gaps::default();
    for period in ["2023-24", "2024-25", "2025-26"] {
        let definition = definition("ssd", period);
        for (table, columns) in &tables {
            delivered::columns(definition, "", table, columns, period, &mut gaps);
        }
    }
    gaps.assert_none();
}
