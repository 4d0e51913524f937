//! Matters for a person to look at: codes, counts and the places of rows; never a value.

use std::collections::BTreeMap;

use ahash::{HashMap, HashMapExt};
use serde::{Deserialize, Serialize};

use crate::person_rows::Persons;

/// Places that are listed of one finding in one table of a delivery, at most.
const PLACES: u64 = 100;

/// Something about who is who that a person should look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Finding {
    /// One number of the register stands for two names in one term, or for two names and birth dates over several.
    OneNumberTwoChildren,
    /// Rows under one number of the register disagree on the birth date alone.
    BirthDateInDoubt,
    /// Rows under one number of the register disagree on the sex alone.
    SexInDoubt,
    /// Two current numbers of the register have one name and birth date.
    TwoNumbersOneChild,
    /// A former number that would tie two children with different birth dates, or that two children claim.
    FormerNumberRefused,
    /// Another source's row has a pupil's number and another birth date and name, or the name and birth date of another pupil.
    NumberOfAnotherChild,
    /// A service's number stands on rows of two children: it is no bridge.
    ServiceNumberTwoChildren,
    /// More than one child of the register has the row's match key.
    AmbiguousMatchKey,
}

impl Finding {
    /// The stable name in reports.
    pub fn code(self) -> &'static str {
        match self {
            Self::OneNumberTwoChildren => "one-number-two-children",
            Self::BirthDateInDoubt => "birth-date-in-doubt",
            Self::SexInDoubt => "sex-in-doubt",
            Self::TwoNumbersOneChild => "two-numbers-one-child",
            Self::FormerNumberRefused => "former-number-refused",
            Self::NumberOfAnotherChild => "number-of-another-child",
            Self::ServiceNumberTwoChildren => "service-number-two-children",
            Self::AmbiguousMatchKey => "ambiguous-match-key",
        }
    }

    /// For people, after a count.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::OneNumberTwoChildren => {
                "pupil numbers stand for two children each; rows that only the number names are set aside"
            }
            Self::BirthDateInDoubt => {
                "pupil numbers have rows with two birth dates; each is one child"
            }
            Self::SexInDoubt => "pupil numbers have rows with two sexes; each is one child",
            Self::TwoNumbersOneChild => {
                "pupils look like others of another number; they are counted twice"
            }
            Self::FormerNumberRefused => {
                "former numbers were not followed: two children would be one"
            }
            Self::NumberOfAnotherChild => {
                "rows of other sources have the number of a pupil with another birth date or name; the number alone was not believed"
            }
            Self::ServiceNumberTwoChildren => {
                "numbers of services stand for two children each; they join nothing"
            }
            Self::AmbiguousMatchKey => {
                "rows fit more than one pupil by name and birth date; they were joined to none"
            }
        }
    }
}

/// One finding in a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReviewEntry {
    /// The finding.
    pub code: Finding,
    /// How many numbers, pupils or rows it is about.
    pub count: u64,
    /// Rows of each source.
    pub sources: BTreeMap<String, u64>,
    /// Rows of each table of each delivery.
    pub rows: Vec<ReviewRows>,
    /// The first rows of each table of each delivery.
    pub first: Vec<RowPlace>,
}

/// How many rows of a table a finding is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReviewRows {
    /// The source.
    pub source: String,
    /// The delivery's period.
    pub period: String,
    /// The table.
    pub table: String,
    /// Rows.
    pub rows: u64,
}

/// Where a row stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RowPlace {
    /// The source.
    pub source: String,
    /// The delivery's period.
    pub period: String,
    /// The table.
    pub table: String,
    /// The row, from 1, among the dataset's accepted rows.
    pub row: u32,
}

/// Findings while children are decided, each with the rows that it is about.
#[derive(Debug, Default)]
pub(crate) struct Review {
    found: BTreeMap<Finding, Vec<Vec<u32>>>,
}

impl Review {
    /// Notes one number, pupil or row, with the rows that it is about.
    pub(crate) fn note(&mut self, finding: Finding, rows: impl IntoIterator<Item = u32>) {
        self.found.entry(finding).or_default().push(rows.into_iter().collect());
    }

    /// Forgets a finding: it is looked for again.
    pub(crate) fn forget(&mut self, finding: Finding) {
        self.found.remove(&finding);
    }

    /// For each row the first finding about it.
    pub(crate) fn by_row(&self) -> HashMap<u32, Finding> {
        let mut by_row = HashMap::new();
        for (finding, found) in &self.found {
            for row in found.iter().flatten() {
                by_row.entry(*row).or_insert(*finding);
            }
        }
        by_row
    }

    /// All rows that a finding is about but those of numbers that join nothing: what stands beside such a number speaks for itself.
    pub(crate) fn rows_in_conflict(&self) -> impl Iterator<Item = u32> {
        let found = self.found.iter();
        let found = found.filter(|(finding, _)| **finding != Finding::ServiceNumberTwoChildren);
        found.flat_map(|(_, rows)| rows.iter().flatten()).copied()
    }

    /// All rows that a finding is about.
    pub(crate) fn rows(&self) -> impl Iterator<Item = u32> {
        self.found.values().flatten().flatten().copied()
    }

    /// Those with a row in one of the wanted tables, and their rows there.
    pub(crate) fn entries(
        &self,
        persons: &Persons,
        wanted: impl Fn(usize) -> bool,
    ) -> Vec<ReviewEntry> {
        let place = |row: u32| {
            let table = persons.table_of(row);
            RowPlace {
                source: table.source.to_string(),
                period: table.period.to_string(),
                table: table.table.to_string(),
                row: persons.place_of(row) + 1,
            }
        };
        let is_wanted = |row: &u32| wanted(persons.table_place(*row));
        let entry = |(finding, found): (&Finding, &Vec<Vec<u32>>)| {
            let of_wanted = |rows: &&Vec<u32>| rows.iter().any(is_wanted);
            let found: Vec<&Vec<u32>> = found.iter().filter(of_wanted).collect();
            let count = found.len() as u64;
            let rows = found.into_iter().flatten().copied().filter(is_wanted);
            let mut rows: Vec<u32> = rows.collect();
            rows.sort_unstable();
            rows.dedup();
            let mut sources = BTreeMap::new();
            let mut counted: Vec<ReviewRows> = Vec::new();
            let mut first = Vec::new();
            // The rows of a table follow each other.
            for place in rows.into_iter().map(place) {
                *sources.entry(place.source.clone()).or_default() += 1;
                let RowPlace { source, period, table, .. } = &place;
                let is_same = |last: &ReviewRows| {
                    (&last.source, &last.period, &last.table) == (source, period, table)
                };
                if !counted.last().is_some_and(is_same) {
                    let (source, period) = (source.clone(), period.clone());
                    counted.push(ReviewRows { source, period, table: table.clone(), rows: 0 });
                }
                let Some(of_table) = counted.last_mut() else { continue };
                of_table.rows += 1;
                if of_table.rows <= PLACES {
                    first.push(place);
                }
            }
            ReviewEntry { code: *finding, count, sources, rows: counted, first }
        };
        self.found.iter().map(entry).filter(|entry| entry.count > 0).collect()
    }
}
