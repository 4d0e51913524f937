//! Default deny for columns: a header's cells against a table's columns.

use std::{
    collections::{HashMap, HashSet},
    path::Path,
};

use minster_model::ColumnName;

use crate::{Definition, PlanError, Table};

/// No file has more columns: Excel's own limit, and no layout comes near.
pub(crate) const MOST_COLUMNS: usize = 16_384;

/// What a header has that the table has not, and the other way round.
pub(crate) struct Comparison {
    /// For each of the table's columns in order, its place in the file.
    pub(crate) places: Vec<Option<usize>>,
    /// Columns without a treatment, by place from 1.
    pub(crate) unlisted: Vec<(usize, String)>,
    /// Columns that the table counts on.
    pub(crate) missing: Vec<String>,
    /// The first name that stands twice.
    twice: Option<String>,
    known: usize,
    cells: usize,
}

/// A name as it is compared: its words with one blank between them.
pub(crate) fn tidy(cell: &str) -> String {
    cell.split_whitespace().collect::<Vec<_>>().join(" ")
}

pub(crate) fn compare(table: &Table, names: &[String]) -> Comparison {
    let at: HashMap<&str, usize> = names.iter().map(String::as_str).zip(0..).collect();
    let unlisted: Vec<_> = (1..)
        .zip(names)
        .filter(|(_, name)| !table.columns.contains_key(*name))
        .map(|(place, name)| (place, name.clone()))
        .collect();
    let missing = table
        .columns
        .iter()
        .filter(|(name, column)| !column.optional && !at.contains_key(name.as_str()));
    Comparison {
        places: table.columns.keys().map(|name| at.get(name.as_str()).copied()).collect(),
        missing: missing.map(|(name, _)| name.clone()).collect(),
        known: names.len() - unlisted.len(),
        unlisted,
        twice: repeated(names).cloned(),
        cells: names.len(),
    }
}

/// The first name that stands twice.
pub(crate) fn repeated(names: &[String]) -> Option<&String> {
    let mut known = HashSet::new();
    names.iter().find(|name| !known.insert(*name))
}

impl Table {
    /// Whether a header has the columns that the table counts on, and none that it does not list.
    pub fn has_header(&self, names: &[String]) -> bool {
        let found = compare(self, names);
        found.unlisted.is_empty() && found.missing.is_empty()
    }
}

impl Comparison {
    /// Whether all columns that the table counts on are there: then the row is a header beyond doubt.
    pub(crate) fn certain(&self) -> bool {
        self.missing.is_empty() && self.known > 0
    }

    /// The places of the table's columns, or the first thing that is wrong.
    pub(crate) fn places(
        self,
        definition: &Definition,
        path: &Path,
    ) -> Result<Vec<Option<usize>>, PlanError> {
        let path = path.to_owned();
        // A cell that is no name may be a row's value: it is not repeated, unless the header is one for certain.
        let strange = self.unlisted.iter().find(|(_, name)| !self.may_be_named(name));
        if let Some((place, _)) = strange {
            return Err(PlanError::NotAHeader { path, place: *place });
        }
        // Where most names are unknown the header row may be missing, and a name be a row's value.
        if 2 * self.known < self.cells {
            return Err(PlanError::NotAHeader { path, place: 1 });
        }
        if let Some(name) = self.twice {
            return Err(PlanError::TwoColumns { path, name });
        }
        let mut unlisted = self.unlisted.into_iter().map(|(_, name)| name);
        if let Some(name) = unlisted.next() {
            return Err(PlanError::Unlisted {
                path,
                what: "column",
                name,
                also: unlisted.collect(),
                source_name: definition.name.to_string(),
            });
        }
        let mut missing = self.missing.into_iter();
        match missing.next() {
            Some(name) => Err(PlanError::MissingColumn { path, name, also: missing.collect() }),
            None => Ok(self.places),
        }
    }

    fn may_be_named(&self, name: &str) -> bool {
        let plain = name.parse::<ColumnName>().is_ok();
        plain || (self.certain() && is_a_heading(name))
    }
}

/// Whether a text has the shape of a column's name in a workbook: short, and text.
pub(crate) fn is_a_heading(name: &str) -> bool {
    (1..=256).contains(&name.len())
        && name.contains(char::is_alphabetic)
        && !name.contains(char::is_control)
}
