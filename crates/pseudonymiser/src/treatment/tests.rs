//! The treatment of cells, one by one.
#![allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]

use super::*;
use std::collections::BTreeSet;

fn plan(column: &str) -> TablePlan {
    let definition = Definition::parse(&format!(
        "name='s'\nformat='csv'\ndates=['iso']\nblanks=['null']\nyears=['2024']\n[[table]]\nname='t'\nfile='t.csv'\n[table.columns]\n'c{}' = {column}",
        if column.contains("json") { "#/a/0/b" } else { "" },
    ))
    .unwrap();
    let circumstances = Circumstances {
        rule: IdentifierRule::Strict,
        period: &"2024-25".parse().unwrap(),
        lookups: &HashMap::new(),
        whole: None,
        schedule: None,
    };
    TablePlan::new(&definition, (0, &definition.tables[0]), &circumstances).unwrap()
}

/// A treated cell as text, with its note.
fn treated(column: &str, text: &str) -> Result<(String, Option<Note>), Reason> {
    let plan = plan(column);
    let treated = plan.treat(&plan.columns[0], text.as_bytes())?;
    let text = match treated.cell {
        Cell::Text(text) => text.into_owned(),
        Cell::Integer(number) => number.to_string(),
        Cell::Null => String::new(),
        _ => "something".to_owned(),
    };
    Ok((text, treated.note))
}

const TOKEN: &str = "{ treatment='keep', type='token' }";

#[test]
fn a_failed_formula_or_a_control_character_is_no_token() {
    let blank = |reason| Ok((String::new(), Some(Note::Blank(reason))));
    assert_eq!(treated(TOKEN, "#N/A"), blank(Reason::SpreadsheetError));
    assert_eq!(treated(TOKEN, "a\0b"), blank(Reason::NotToken));
    assert_eq!(treated(TOKEN, "L1"), Ok(("L1".to_owned(), None)));
    assert_eq!(treated(TOKEN, "NULL"), Ok((String::new(), None)));
}

#[test]
fn text_like_an_identifier_sets_its_row_aside_whatever_the_column_says() {
    let pattern = "{ treatment='keep', type='token', pattern='.*', fault='blank' }";
    for text in ["Q330400024001", "9434765919", "07700900123", "a@b.org", "AB12 3CD"] {
        assert_eq!(treated(pattern, text), Err(Reason::LooksLikeIdentifier), "{text}");
    }
    let integer = "{ treatment='keep', type='integer' }";
    assert_eq!(treated(integer, "9434765919"), Err(Reason::LooksLikeIdentifier));
    assert_eq!(treated(integer, "120"), Ok(("120".to_owned(), None)));
    let decimal = "{ treatment='keep', type='decimal' }";
    assert_eq!(treated(decimal, "9434765919.0"), Err(Reason::LooksLikeIdentifier));
}

#[test]
fn a_cell_that_fails_becomes_blank_and_its_row_stays_where_it_may() {
    let column = "{ treatment='keep', type='integer' }";
    let blank = Ok((String::new(), Some(Note::Blank(Reason::NotInteger))));
    assert_eq!(treated(column, "1,120"), blank);
    let strict = "{ treatment='keep', type='integer', fault='quarantine' }";
    assert_eq!(treated(strict, "1,120"), Err(Reason::NotInteger));
    let required = "{ treatment='keep', type='integer', required=true }";
    assert_eq!(treated(required, "1,120"), Err(Reason::NotInteger));
    assert_eq!(treated(required, ""), Err(Reason::Required));
}

#[test]
fn an_unknown_code_becomes_what_its_list_says_and_is_noted() {
    for (unknown, expected) in [
        ("", Ok((String::new(), Some(Note::Unknown)))),
        (", unknown='U'", Ok(("U".to_owned(), Some(Note::Unknown)))),
        (", unknown='quarantine'", Err(Reason::UnknownCode)),
        (", fault='quarantine'", Err(Reason::UnknownCode)),
    ] {
        let column = format!("{{ treatment='code', codes=['A', 'U']{unknown} }}");
        assert_eq!(treated(&column, "B"), expected, "{unknown}");
        assert_eq!(treated(&column, "a"), Ok(("A".to_owned(), None)));
    }
}

#[test]
fn nobody_is_born_after_the_delivery() {
    let column = "{ treatment='generalise', to='year', part='birth-date' }";
    assert_eq!(treated(column, "2025-08-31"), Ok(("2025".to_owned(), None)));
    assert_eq!(treated(column, "2025-09-01"), Err(Reason::BirthAfterDelivery));
}

#[test]
fn a_value_is_drawn_out_of_json_and_the_rest_is_dropped() {
    let column = "{ treatment='keep', type='token', as='json' }";
    for (json, expected) in [
        (r#"{"a": [{"b": "X1", "c": "CANARY"}]}"#, Ok(("X1".to_owned(), None))),
        (r#"{"a": [{"b": 12}]}"#, Ok(("12".to_owned(), None))),
        (r#"{"a": [{"b": true}]}"#, Ok(("true".to_owned(), None))),
        (r#"{"a": [{"b": null}]}"#, Ok((String::new(), None))),
        (r#"{"a": []}"#, Ok((String::new(), None))),
        ("", Ok((String::new(), None))),
        ("NULL", Ok((String::new(), None))),
        (r#"{"a": [{"b": ["CANARY"]}]}"#, Ok((String::new(), Some(Note::Blank(Reason::NotJson))))),
        ("CANARY", Ok((String::new(), Some(Note::Blank(Reason::NotJson))))),
        (r#"{"a": [{"b": "Q330400024001"}]}"#, Err(Reason::LooksLikeIdentifier)),
    ] {
        assert_eq!(treated(column, json), expected, "{json}");
    }
}

/// All that the shipped schedule names stands in the shipped definitions, in each of their versions: a name that is none would tell nothing.
#[test]
fn the_shipped_schedule_finds_its_tables_columns_and_persons_in_the_shipped_definitions() {
    let config = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config");
    let text = std::fs::read_to_string(config.join("retention.toml")).unwrap();
    let schedule: minster_retention::Schedule = text.parse().unwrap();
    let catalogue = minster_sources::Catalogue::load(&config.join("sources")).unwrap();
    let names = ["postcode_ward", "ward_locality", "ward_constituency"];
    let lookups = names.map(|name| (name.to_owned(), Arc::new(Lookup::default()))).into();
    let mut found = BTreeSet::new();
    for entry in catalogue.entries() {
        let definition = &entry.definition;
        let source: minster_model::SourceName = definition.name.to_string().parse().unwrap();
        let period = definition.years[0].parse().unwrap();
        let circumstances = Circumstances {
            rule: IdentifierRule::Strict,
            period: &period,
            lookups: &lookups,
            whole: None,
            schedule: Some(SourceSchedule { schedule: &schedule, source: &source }),
        };
        for record in schedule.records(&source) {
            let has_table = definition.tables.iter().any(|table| table.name == record.table);
            assert!(has_table, "{source} {} in {:?}", record.table, definition.years);
        }
        for (place, table) in definition.tables.iter().enumerate() {
            let plan = TablePlan::new(definition, (place, table), &circumstances).unwrap();
            for facts in &plan.facts {
                assert!(!facts.own.is_empty());
                let dates = facts.dates.iter().all(|(_, column)| *column < plan.columns.len());
                assert!(
                    dates
                        && (facts.category.is_some()
                            || !facts.dates.is_empty()
                            || facts.own.len() > 1)
                );
                found.insert((source.clone(), table.name.clone()));
            }
        }
    }
    for record in schedule.all_records() {
        for source in &record.sources {
            assert!(
                found.contains(&(source.clone(), record.table.clone())),
                "{source} {}",
                record.table
            );
        }
    }
    let deaths = |source: &str| {
        let source = source.parse().unwrap();
        schedule
            .records(&source)
            .any(|of| of.dates.iter().any(|(event, _)| event.as_str() == "death"))
    };
    assert!(deaths("cin") && deaths("ssd") && !deaths("missing"));
}

/// A treated cell of a date, and its part of match keys.
fn shown(treated: &TreatedCell<'_>) -> (String, Option<String>) {
    let text = match &treated.cell {
        Cell::Text(text) => text.to_string(),
        Cell::Integer(number) => number.to_string(),
        Cell::Date(days) => format!("day {days}"),
        _ => String::new(),
    };
    (text, treated.part.clone())
}

#[test]
fn each_shipped_definition_of_a_sheet_or_a_text_file_reads_a_spreadsheet_s_days() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/sources");
    let catalogue = minster_sources::Catalogue::load(&folder).unwrap();
    let names = ["postcode_ward", "ward_locality", "ward_constituency"];
    let lookups = names.map(|name| (name.to_owned(), Arc::new(Lookup::default()))).into();
    let (mut columns, mut sources) = (0, std::collections::BTreeSet::new());
    for entry in catalogue.entries() {
        let definition = &entry.definition;
        let period = definition.years[0].parse().unwrap();
        let circumstances = Circumstances {
            rule: IdentifierRule::Strict,
            period: &period,
            lookups: &lookups,
            whole: None,
            schedule: None,
        };
        for (place, table) in definition.tables.iter().enumerate() {
            let plan = TablePlan::new(definition, (place, table), &circumstances).unwrap();
            for planned in plan.columns.iter().filter(|planned| planned.is_date()) {
                // 1 January 2008, as Excel counts it and as the return writes it.
                let number = match planned.pointer {
                    Some(_) => continue,
                    None => plan.treat(planned, b"39448"),
                };
                let at = format!("{} {} {}", definition.name, table.name, planned.name);
                if definition.format == Format::Xml {
                    let note = number.map(|cell| cell.note).map_err(|reason| reason.code());
                    let blank = Ok(Some(Note::Blank(Reason::ExcelSerial)));
                    assert!(note == blank || note == Err("excel-serial"), "{at}: {note:?}");
                    continue;
                }
                let number = number.unwrap();
                assert_eq!(number.note, Some(Note::Serial), "{at}");
                let written = ["2008-01-01", "01/01/2008", "2008-Jan-01 00:00:00"];
                let written = written.iter().find_map(|text| {
                    plan.treat(planned, text.as_bytes()).ok().filter(|cell| cell.note.is_none())
                });
                assert_eq!(shown(&number), shown(&written.unwrap()), "{at}");
                // A year is no day, nor are digits alone.
                for text in ["2008", "010108", "01012008"] {
                    let wrong = plan.treat(planned, text.as_bytes());
                    let reason = wrong.map_or_else(Some, |cell| cell.failed());
                    assert_eq!(reason, Some(Reason::DateNumber), "{at}: {text}");
                }
                columns += 1;
                sources.insert(definition.name.clone());
            }
        }
    }
    assert!(columns > 100 && sources.len() >= 11, "{columns} of {sources:?}");
}

#[test]
fn a_birth_date_gives_a_cohort_beside_its_year() {
    let column = "{ treatment='generalise', to='year', as='birth_year', cohort={ at='08-31', as='cohort' } }";
    let plan = plan(column);
    let names: Vec<&str> = plan.outputs.iter().map(|output| output.name.as_str()).collect();
    assert_eq!(names, ["birth_year", "cohort"]);
    let cohort = |born: &str| {
        let treated = plan.treat(&plan.columns[0], born.as_bytes()).unwrap();
        treated.cohort.map(|days| minster_model::Day(days).to_string())
    };
    for (born, first) in [
        ("2010-08-31", Some("2010-08-31")),
        ("2010-09-01", Some("2011-08-31")),
        ("2012-02-29", Some("2012-08-31")),
        ("", None),
        ("31 August", None),
    ] {
        assert_eq!(cohort(born).as_deref(), first, "{born}");
    }
}

#[test]
fn a_cohort_gives_the_age_that_a_count_of_birthdays_gives() {
    // Every day of five years with a leap year among them, on the days before and after the last of February too.
    for (month, day) in [(8, 31), (2, 28), (3, 1), (12, 31), (1, 1)] {
        let output = "cohort".parse().unwrap();
        let cohort = minster_sources::Cohort { month, day, output };
        let mut born = jiff::civil::date(2010, 1, 1);
        while born.year() < 2015 {
            let on = jiff::civil::date(2025, month, day);
            // Birthdays from the first to the day: who was born on 29 February has it on 1 March in other years.
            let birthday = |year: i16| match (born.month(), born.day()) {
                (2, 29) => Date::new(year, 2, 29).unwrap_or(jiff::civil::date(year, 3, 1)),
                (month, day) => jiff::civil::date(year, month, day),
            };
            let years = (born.year() + 1..=2025).filter(|year| birthday(*year) <= on).count();
            let first = cohort.of(born).unwrap();
            assert_eq!((first.month(), first.day()), (month, day));
            assert_eq!(i64::from(on.year() - first.year()), years as i64, "born {born}, on {on}");
            born = born.tomorrow().unwrap();
        }
    }
}

#[test]
fn a_dropped_birth_date_may_give_its_cohort_alone() {
    let plan = plan("{ treatment='drop', cohort={ at='08-31', as='cohort' } }");
    assert_eq!(plan.outputs.len(), 1);
    let treated = plan.treat(&plan.columns[0], b"2010-09-01").unwrap();
    assert!(matches!(treated.cell, Cell::Null) && treated.cohort.is_some());
}
