//! What becomes of cells, one by one.
#![allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]

use super::*;

fn plan(column: &str) -> Plan {
    let definition = Definition::parse(&format!(
        "name='s'\nformat='csv'\ndates=['iso']\nblanks=['null']\nyears=['2024']\n[[table]]\nname='t'\nfile='t.csv'\n[table.columns]\n'c{}' = {column}",
        if column.contains("json") { "#/a/0/b" } else { "" },
    ))
    .unwrap();
    let circumstances = Circumstances {
        rule: IdentifierRule::Strict,
        period: &"2024-25".parse().unwrap(),
        lookups: &HashMap::new(),
        names: None,
    };
    Plan::new(&definition, &definition.tables[0], &circumstances).unwrap()
}

/// What a cell becomes, as text; with what is noted of it.
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
fn what_looks_like_an_identifier_sets_its_row_aside_whatever_the_column_says() {
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
