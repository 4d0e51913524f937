//! Facts of persons as a run tells them: rows with numbers, which become the run's tokens once it has asked for them.

use std::collections::HashMap;

use jiff::civil::Date;
use minster_model::Kind;
use minster_vault_api::{Client, PersonFacts, Token, ToldDate, VaultError, frame};
use serde::Serialize;

use crate::common::{batch, kind};

/// Facts of one row.
#[derive(Clone, Default)]
pub(crate) struct Row {
    pub(crate) own: Vec<(Kind, String)>,
    pub(crate) beside: Vec<(Kind, String)>,
    pub(crate) category: Option<String>,
    pub(crate) dates: Vec<(String, ToldDate)>,
    /// The first day of the delivery's period.
    pub(crate) first_day: Date,
}

/// Facts of one row: own numbers, what stands beside them, a category or none, dates.
pub(crate) fn facts(
    own: &[(&str, &str)],
    beside: &[(&str, &str)],
    categories: &[&str],
    born: Option<&str>,
) -> Row {
    let numbers = |of: &[(&str, &str)]| {
        of.iter().map(|(of, number)| (kind(of), (*number).to_owned())).collect()
    };
    assert!(categories.len() <= 1, "a row shows one category");
    let dates = born.iter().map(|day| ("birth".to_owned(), ToldDate::On(day.parse().unwrap())));
    Row {
        own: numbers(own),
        beside: numbers(beside),
        category: categories.first().map(|&name| name.to_owned()),
        dates: dates.collect(),
        first_day: Date::constant(2024, 9, 1),
    }
}

/// The rows with tokens in place of their numbers, for the rows' one first day.
pub(crate) fn packed(rows: &[Row], token: impl Fn(&(Kind, String)) -> Token) -> PersonFacts {
    let mut facts = PersonFacts::new(rows.first().map(|row| row.first_day).unwrap_or_default());
    for Row { own, beside, category, dates, first_day } in rows {
        assert_eq!(facts.first_day(), first_day.to_string());
        let tokens = |of: &[(Kind, String)]| of.iter().map(&token).collect::<Vec<_>>();
        let dates = dates.iter().map(|(event, date)| (event.as_str(), *date));
        facts.push(category.as_deref(), &tokens(own), &tokens(beside), dates).unwrap();
    }
    facts
}

/// Asks for all numbers of some rows in the open run, and tells the rows.
pub(crate) fn tell(client: &mut Client, rows: &[Row]) -> Result<(), VaultError> {
    let mut tokens: HashMap<(Kind, String), Token> = HashMap::new();
    for number in rows.iter().flat_map(|row| row.own.iter().chain(&row.beside)) {
        let token = client.pseudonymise(&number.0, batch(&[&number.1]))?;
        tokens.insert(number.clone(), token[0]);
    }
    client.tell_facts(packed(rows, |number| tokens[number]))
}

/// A message that no program of this release sends.
#[derive(Clone, Serialize)]
pub(crate) struct Loose {
    pub(crate) first_day: String,
    pub(crate) categories: Vec<String>,
    pub(crate) events: Vec<String>,
    pub(crate) tokens: Vec<u8>,
    pub(crate) rows: Vec<u8>,
}

impl Loose {
    pub(crate) fn facts(&self) -> PersonFacts {
        let mut wire = Vec::new();
        frame::write(&mut wire, self).unwrap();
        frame::read(&mut &wire[..]).unwrap()
    }
}
