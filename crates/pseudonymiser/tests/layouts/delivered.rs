//! A file as a service would deliver it, with a header and no row: what the definition makes of it.

use std::fs;

use minster_sources::{
    Column, Definition, Plan, PlanError, TokenRule, Treatment, ValueType, parse_flag, parse_integer,
};

use crate::Gaps;

/// Notes what a definition of CSV files does not understand of a table's header, and gives the column that each heading is.
/// A table that is ignored has none. The file's name is the table's behind `before`.
pub(crate) fn columns<'a>(
    definition: &'a Definition,
    before: &str,
    table: &str,
    headings: &[&str],
    period: &str,
    gaps: &mut Gaps,
) -> Vec<(String, &'a Column)> {
    assert!(headings.iter().all(|heading| !heading.contains([',', '"'])), "{headings:?}");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(format!("{before}{table}.csv"));
    fs::write(&path, headings.join(",") + "\n").unwrap();
    let plan = match Plan::of_file(definition, &path) {
        Ok(plan) => plan,
        Err(PlanError::OtherColumns { table, missing, unlisted, .. }) => {
            for heading in unlisted {
                gaps.add(format!("{table}: the column {heading} has no line"), period);
            }
            for column in missing {
                gaps.add(format!("{table}: the column {column} is counted on"), period);
            }
            return Vec::new();
        }
        Err(PlanError::UnlistedFile { .. }) => {
            gaps.add(format!("{table} has no place"), period);
            return Vec::new();
        }
        Err(error) => {
            gaps.add(format!("{table}: {error}"), period);
            return Vec::new();
        }
    };
    let Some(planned) = plan.files.first() else { return Vec::new() };
    let table = &definition.tables[planned.tables[0]];
    let placed = table.columns.values().zip(&planned.columns);
    let found = placed.filter_map(|(column, place)| {
        let heading = headings[(*place)?];
        Some((format!("{}.{heading}", table.name), column))
    });
    found.collect()
}

/// Notes the codes of a schema that a column does not read.
pub(crate) fn codes<'a>(
    at: &str,
    column: &Column,
    codes: impl Iterator<Item = &'a str>,
    period: &str,
    gaps: &mut Gaps,
) {
    let year = period[..4].parse().unwrap();
    for code in codes {
        if let Some(why) = unread(&column.treatment, code, year) {
            gaps.add(format!("{at}: the code {code} {why}"), period);
        }
    }
}

/// Why a code does not pass a column, where it does not.
pub(crate) fn unread(treatment: &Treatment, code: &str, year: i16) -> Option<&'static str> {
    let found = match treatment {
        Treatment::Code(codes) => match codes.find(code, Some(year)) {
            Some(found) if found.outside_its_years => return Some("is outside of its years"),
            found => found.is_some(),
        },
        Treatment::Keep(ValueType::Flag) => parse_flag(code).is_ok(),
        Treatment::Keep(ValueType::Integer) => parse_integer(code).is_ok(),
        Treatment::Token(TokenRule::Pattern(pattern)) => pattern.fits(code),
        _ => true,
    };
    (!found).then_some("is not found")
}
