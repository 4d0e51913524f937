//! Facts of persons, row by row.
#![allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]

use std::collections::HashMap;

use jiff::civil::{Date, date};
use minster_model::pipeline::IdentifierRule;
use minster_retention::{Event, Schedule};
use minster_sources::{Definition, RawBatch};

use super::*;
use crate::{
    batch::ParsedBatch,
    facts::SourceSchedule,
    treatment::{Circumstances, PlannedColumn, TablePlan},
};

const DEFINITION: &str = "
name = 's'
format = 'csv'
dates = ['iso']
years = ['2024']
[[table]]
name = 't'
file = 't.csv'
[table.columns]
upn = { treatment = 'pseudonymise', kind = 'upn' }
case = { treatment = 'bridge', kind = 's-case' }
dob = { treatment = 'generalise', type = 'date', to = 'year', part = 'birth-date' }
closed = { treatment = 'drop' }
status = { treatment = 'drop' }
[[table.match_key]]
name = 'birth-date'
parts = ['birth-date']
";

const SCHEDULE: &str = r#"
[[person]]
name = "child"
kinds = ["upn"]

[[category]]
name = "plan"
notice = "plan"
person = "child"
rule = { latest = [{ event = "birth", years = 25 }, { event = "case-closed" }], years = 1 }
end = "destroyed"
evidence = [{ sources = ["s"], table = "t", column = "status", in = ["A"], dates = { case-closed = "closed" } }]
"#;

/// Own numbers, what stands beside them, dates; each number by its text.
type Told = (Vec<String>, Vec<String>, Vec<(Event, ToldDate)>);

/// A token that shows its text in the test.
fn token(text: &[u8]) -> Token {
    let mut bytes = [b' '; Token::LEN];
    bytes.iter_mut().zip(text).for_each(|(to, from)| *to = *from);
    Token::from_bytes(bytes)
}

fn text(token: &Token) -> String {
    String::from_utf8(token.as_bytes().to_vec()).unwrap().trim().to_owned()
}

/// The order of the cells below; a definition has its own.
const COLUMNS: [&str; 5] = ["upn", "case", "dob", "closed", "status"];

/// The facts that rows tell, after `change` changed what was treated.
fn told(rows: &[[&str; 5]], change: impl Fn(&mut ParsedBatch<'_>)) -> (Vec<Told>, Untold) {
    let definition = Definition::parse(DEFINITION).unwrap();
    let (schedule, source): (Schedule, _) = (SCHEDULE.parse().unwrap(), "s".parse().unwrap());
    let circumstances = Circumstances {
        rule: IdentifierRule::Opaque,
        period: &"2024-25".parse().unwrap(),
        lookups: &HashMap::new(),
        whole: None,
        schedule: Some(SourceSchedule { schedule: &schedule, source: &source }),
    };
    let plan = TablePlan::new(&definition, (0, &definition.tables[0]), &circumstances).unwrap();
    let mut raw = RawBatch::new(5);
    for (number, row) in (1..).zip(rows) {
        let cell = |column: &PlannedColumn| {
            COLUMNS.iter().position(|name| *name == column.name).map(|at| row[at].as_bytes())
        };
        raw.push(number, plan.columns.iter().map(|column| cell(column).unwrap()));
    }
    let (mut parsed, _) = ParsedBatch::new(&plan, &raw, None, &ahash::RandomState::new());
    change(&mut parsed);
    let mut batch = parsed.triage(None);
    assert_eq!(batch.accepted(), rows.len());
    let mut tokens = TokenTable::default();
    for (kind, identifier) in batch.identifiers() {
        tokens.know(kind, identifier, token(identifier));
    }
    batch.resolve(&tokens).unwrap();
    let mut all = Vec::new();
    let untold = batch.facts(&plan.facts[0], |row| {
        assert_eq!(row.category.map(ToString::to_string).as_deref(), Some("plan"));
        let texts = |tokens: &[Token]| tokens.iter().map(text).collect::<Vec<_>>();
        all.push((texts(&row.own), texts(&row.beside), row.dates.clone()));
        Ok(())
    });
    (all, untold.unwrap())
}

const BORN: &str = "2008-03-15";

fn expected(own: &str, beside: &[&str], dates: &[(Event, ToldDate)]) -> Told {
    let beside = beside.iter().map(|&text| text.to_owned()).collect();
    (vec![own.to_owned()], beside, dates.to_vec())
}

fn on(event: Event, day: Date) -> (Event, ToldDate) {
    (event, ToldDate::On(day))
}

#[test]
fn each_row_tells_its_own_dates_though_a_text_is_read_once() {
    let rows = [
        ["A", "1", BORN, "2020-01-31", "a"],
        ["B", "2", BORN, "", "A"],
        ["C", "3", "2009-01-01", "2020-01-31", "B"],
        ["A", "4", "2009-01-01", "31/01/2020", "A"],
        ["B", "5", "", "2020-01-31", "A"],
    ];
    let (told, untold) = told(&rows, |_| {});
    let born = on(Event::Birth, date(2008, 3, 15));
    let closed = on(Event::CaseClosed, date(2020, 1, 31));
    let open = (Event::CaseClosed, ToldDate::Open);
    let later = on(Event::Birth, date(2009, 1, 1));
    assert_eq!(
        told,
        [
            expected("A", &["1", BORN], &[closed, born]),
            expected("B", &["2", BORN], &[open, born]),
            expected("A", &["4", "2009-01-01"], &[open, later]),
            expected("B", &["5"], &[closed]),
        ]
    );
    assert_eq!((untold.dates, untold.evidence), (1, 0), "a date of another form");
}

#[test]
fn a_row_without_a_number_that_was_asked_for_is_counted_and_tells_nothing() {
    let rows = [["", "1", BORN, "", "A"], ["B", "2", BORN, "", "A"], ["C", "3", BORN, "", "B"]];
    let (told, untold) = told(&rows, |batch| {
        let of_upn = batch.plan.columns.iter().position(|column| column.name == "upn").unwrap();
        let numbers = batch.columns[of_upn].as_mut().unwrap();
        numbers.codes[1] = numbers.cells.len() as u32;
        numbers.cells.push(Ok(TreatedCell::repaired(token(b"B"), Reason::BadCheckLetter)));
    });
    assert_eq!(told, []);
    assert_eq!((untold.dates, untold.evidence), (0, 2), "a blank number, and a repaired one");
}
