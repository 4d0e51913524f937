//! Independent evidence about links: birth dates, names and sexes of rows that a number led to a pupil, and pupils whom a
//! match key would have found for them.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    linked_rows::{PersonRows, Registered, Way},
    shares::Share,
};
use crate::small_set::NONE;

/// Rows of other sources that one way led to a pupil, beside what the register says of the pupil.
#[derive(Debug, Clone, Serialize)]
pub struct Agreement {
    /// The source.
    pub source: String,
    /// Its table of persons.
    pub table: String,
    /// The way.
    pub way: String,
    /// Rows that it led to a pupil.
    pub rows: u64,
    /// Rows with a birth date of the pupil's.
    pub birth_date: Compared,
    /// Rows with a name of the pupil's.
    pub name: Compared,
    /// Rows with a sex of the pupil's.
    pub sex: Compared,
    /// Rows with a name and a birth date, neither of which is the pupil's.
    pub neither: u64,
    /// The share of these links that are wrong, at most, had no sex been mistyped: a wrong link meets a pupil of the other sex
    /// as often as two pupils at random are of two sexes. Where the sex took part in the way, it says nothing.
    pub wrong_by_sex: Option<Wrong>,
}

/// Rows that have a value, and of them those whose value the pupil has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Compared {
    /// Rows of which both sides have one.
    pub compared: u64,
    /// Rows among them that agree.
    pub agree: u64,
}

/// An estimate of a share of wrong links.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Wrong {
    /// The estimate.
    pub share: f64,
    /// The upper end of its interval of 95 %.
    pub high: f64,
}

/// The links that match keys would have made of rows that a number led to a pupil.
#[derive(Debug, Clone, Serialize)]
pub struct KeyTest {
    /// The source.
    pub source: String,
    /// Its table of persons.
    pub table: String,
    /// Rows with a number that led to a pupil, and a match key.
    pub rows: u64,
    /// The match key leads to the same pupil.
    pub same: u64,
    /// To another.
    pub other: u64,
    /// To several, so that it would have been passed over.
    pub several: u64,
    /// To nobody.
    pub nobody: u64,
    /// The share led to the right pupil, among the rows that the key alone would have led to a pupil.
    pub precision: Option<Share>,
    /// The share that the key alone would have led to the right pupil, among all rows.
    pub recall: Option<Share>,
}

impl Compared {
    fn add(&mut self, value: u32, known: &[u32]) -> Option<bool> {
        if value == NONE || known.is_empty() {
            return None;
        }
        let agrees = known.contains(&value);
        self.compared += 1;
        self.agree += u64::from(agrees);
        Some(agrees)
    }
}

/// One entry a table of persons and way; the register itself is what they are compared with.
pub(crate) fn agreements<'a>(
    rows: &PersonRows<'a>,
    tables: &[&'a crate::person_tables::DeliveredPersons],
) -> Vec<Agreement> {
    let unlike = two_sexes(rows);
    let mut found: BTreeMap<(String, String, Way), Agreement> = BTreeMap::new();
    for table in tables {
        let of = table.persons(rows.people);
        if of.register {
            continue;
        }
        for row in rows.of_table(table).filter(|row| rows.is_linked(*row)) {
            let Some(pupil) = rows.register.get(&rows.child[row as usize]) else { continue };
            let way = rows.way(row);
            let (source, table) = (of.source.to_string(), of.table.to_string());
            let code = way.code();
            let entry = found.entry((source.clone(), table.clone(), way)).or_insert_with(|| {
                let nothing = Compared::default();
                Agreement {
                    source,
                    table,
                    way: code,
                    rows: 0,
                    birth_date: nothing,
                    name: nothing,
                    sex: nothing,
                    neither: 0,
                    wrong_by_sex: None,
                }
            });
            entry.rows += 1;
            let persons = &rows.people.persons;
            let birth = entry.birth_date.add(persons.birth(row), &pupil.births);
            let name = entry.name.add(persons.name(row), &pupil.names);
            entry.neither += u64::from((birth, name) == (Some(false), Some(false)));
            entry.sex.add(persons.sex(row), &pupil.sexes);
        }
    }
    let mut found: Vec<Agreement> = found.into_values().collect();
    for entry in &mut found {
        let Compared { compared, agree } = entry.sex;
        let differ = Share::of(compared - agree, compared);
        entry.wrong_by_sex = differ.filter(|_| unlike > 0.0).map(|differ| Wrong {
            share: (differ.share / unlike).min(1.0),
            high: (differ.high / unlike).min(1.0),
        });
    }
    found
}

/// How often two pupils at random are of two sexes.
fn two_sexes(rows: &PersonRows<'_>) -> f64 {
    let mut counts: BTreeMap<u32, u64> = BTreeMap::new();
    let one = |pupil: &Registered| match pupil.sexes.as_slice() {
        [one] => Some(*one),
        _ => None,
    };
    for sex in rows.register.values().filter_map(one) {
        *counts.entry(sex).or_default() += 1;
    }
    let all: u64 = counts.values().sum();
    let same: f64 = counts.values().map(|count| (*count as f64 / all as f64).powi(2)).sum();
    if all == 0 { 0.0 } else { 1.0 - same }
}

/// One entry a table of persons with match keys.
pub(crate) fn key_tests<'a>(
    rows: &PersonRows<'a>,
    tables: &[&'a crate::person_tables::DeliveredPersons],
) -> Vec<KeyTest> {
    let pupils = rows.pupils_by_key();
    let mut found: BTreeMap<(String, String), [u64; 4]> = BTreeMap::new();
    for table in tables {
        let of = table.persons(rows.people);
        if of.register {
            continue;
        }
        for row in rows.of_table(table) {
            if !rows.is_linked(row) || !rows.way(row).is_by_number() {
                continue;
            }
            let mut keys = rows.people.persons.keys(row).peekable();
            if keys.peek().is_none() {
                continue;
            }
            // As the register is asked: keys in order, and one of two pupils is passed over.
            let (mut outcome, child) = (3, rows.child[row as usize]);
            for pupils in keys.filter_map(|key| pupils.get(&key)) {
                outcome = match (pupils.len(), pupils.contains(&child)) {
                    (1, true) => 0,
                    (1, false) => 1,
                    _ => 2,
                };
                if outcome < 2 {
                    break;
                }
            }
            let place = (of.source.to_string(), of.table.to_string());
            found.entry(place).or_default()[outcome] += 1;
        }
    }
    let test = |((source, table), [same, other, several, nobody]): ((String, String), [u64; 4])| {
        let rows = same + other + several + nobody;
        let (precision, recall) = (Share::of(same, same + other), Share::of(same, rows));
        KeyTest { source, table, rows, same, other, several, nobody, precision, recall }
    };
    found.into_iter().map(test).collect()
}
