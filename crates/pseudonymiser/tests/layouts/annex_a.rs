//! Annex A: its lists' headings, and the spellings of codes that were seen in councils' own workbooks.

use minster_sources::{Column, Table, Treatment};

use crate::{definition, delivered::unread, spec, yaml::Yaml};

/// The definition of one year; Annex A's schema is that of no year.
const PERIOD: &str = "2024";

/// Each list's number, its table and its columns in the schema.
fn lists(schema: &Yaml) -> Vec<(&str, &'static Table, &Yaml)> {
    let definition = definition("annex_a", PERIOD);
    let lists = schema.get("column_map").unwrap().entries().iter().map(|(list, columns)| {
        let sheet = format!("*{}", list.replace("list_", "List "));
        let table = definition.tables.iter().find(|table| table.sheets.contains(&sheet));
        (list.as_str(), table.unwrap_or_else(|| panic!("{list} is no table")), columns)
    });
    lists.collect()
}

/// The column of a heading.
fn column<'a>(table: &'a Table, heading: &str) -> Option<&'a Column> {
    let also = |column: &&Column| column.also.iter().any(|also| also == heading);
    table.columns.get(heading).or_else(|| table.columns.values().find(also))
}

fn schema() -> Option<Yaml> {
    spec().map(|spec| Yaml::read(&spec.join("annex_a/Annex_A_schema.yml")))
}

#[test]
fn every_list_of_annex_a_is_known_by_its_headings() {
    let Some(schema) = schema() else { return };
    let lists = lists(&schema);
    assert!(!lists.is_empty());
    let mut wrong = Vec::new();
    for (list, table, columns) in lists {
        let headings: Vec<String> =
            columns.entries().iter().map(|(name, _)| name.clone()).collect();
        if !definition("annex_a", PERIOD).has_header(table, &headings) {
            let lines = |heading: &&String| column(table, heading).is_none();
            let without: Vec<&String> = headings.iter().filter(lines).collect();
            wrong.push(format!("{list} is not {}; without a line: {without:?}", table.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_spellings_of_annex_a_s_codes_are_found() {
    let Some(schema) = schema() else { return };
    let year = PERIOD.parse().unwrap();
    let (mut all, mut missed) = (0, Vec::new());
    for (list, table, columns) in lists(&schema) {
        for (heading, what) in columns.entries() {
            let Some(column) = column(table, heading) else { continue };
            if column.treatment == Treatment::Drop {
                continue;
            }
            let categories = what.get("category").map_or(&[][..], Yaml::list).iter();
            if categories.len() > 0 {
                let any = unread(&column.treatment, "zzqq", year).is_none();
                assert!(!any, "{list}, {heading}: whatever is written is found");
            }
            // The name of a category that is a regular expression is no spelling.
            for category in categories.filter(|category| category.get("cell_regex").is_none()) {
                let names = category.get("name").map_or(&[][..], Yaml::list).iter().map(Yaml::text);
                for name in names.filter(|name| !name.trim().is_empty()) {
                    all += 1;
                    if unread(&column.treatment, name, year).is_some() {
                        missed.push(format!("{list}, {heading}: {name}"));
                    }
                }
            }
        }
    }
    let found = all - missed.len();
    eprintln!("{found} of {all} spellings are found; not: {}", missed.join(" | "));
    assert!(all > 0 && found * 100 >= all * 98, "{found} of {all}");
}
