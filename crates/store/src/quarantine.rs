//! The clear part of rows that were set aside: their places and reasons. The rows themselves are sealed.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    io::{BufRead, BufReader, Error},
};

use minster_model::DatasetRef;
use serde::{Deserialize, Serialize};

use crate::{
    Store, StoreError,
    files::{self, HashingReader},
};

/// Places that are told of a group.
const FEW: usize = 5;

/// Where the reasons stand in the dataset's folder.
pub const REASONS: &str = "quarantine.jsonl";

/// A line of [`REASONS`]: one row.
#[derive(Debug, Serialize, Deserialize)]
pub struct SetAside<'a> {
    /// The file in the drop folder.
    #[serde(borrow)]
    pub file: Cow<'a, str>,
    /// The table.
    #[serde(borrow)]
    pub table: Cow<'a, str>,
    /// In a table the row as a spreadsheet shows it, in XML the line.
    pub row: u64,
    /// The column, where it is one column's fault.
    #[serde(borrow)]
    pub column: Option<Cow<'a, str>>,
    /// The column's letter in a spreadsheet.
    #[serde(default, borrow, skip_serializing_if = "Option::is_none")]
    pub letter: Option<Cow<'a, str>>,
    /// The reason's code.
    #[serde(borrow)]
    pub reason: Cow<'a, str>,
    /// The row's other faults.
    #[serde(default, borrow, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<AlsoFailed<'a>>,
}

/// Another fault of a row.
#[derive(Debug, Serialize, Deserialize)]
pub struct AlsoFailed<'a> {
    /// The column.
    #[serde(borrow)]
    pub column: Cow<'a, str>,
    /// Its letter in a spreadsheet.
    #[serde(default, borrow, skip_serializing_if = "Option::is_none")]
    pub letter: Option<Cow<'a, str>>,
    /// The reason's code.
    #[serde(borrow)]
    pub reason: Cow<'a, str>,
}

/// Rows of one table of one file that failed for the same reason in the same column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FailedRows {
    /// The file in the drop folder.
    pub file: String,
    /// The table.
    pub table: String,
    /// The column, where it is one column's fault.
    pub column: Option<String>,
    /// The reason's code.
    pub reason: String,
    /// The column's letter in a spreadsheet, where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub letter: Option<String>,
    /// How many rows have this fault; a row with several stands in several groups.
    pub rows: u64,
    /// The first rows' numbers: of a table the row as a spreadsheet shows it, of XML the line.
    pub first: Vec<u64>,
}

impl FailedRows {
    /// Where the first of them are, and what such a place is called: `cell`, `B2` and `B5`.
    pub fn places(&self) -> (&'static str, Vec<String>) {
        // In a spreadsheet a cell is found by its letter and row, in XML a record by its line.
        let (what, letter) = match (self.file.to_lowercase().ends_with(".xml"), &self.letter) {
            (true, _) => ("line", ""),
            (false, Some(letter)) => ("cell", letter.as_str()),
            (false, None) => ("row", ""),
        };
        (what, self.first.iter().map(|row| format!("{letter}{row}")).collect())
    }

    /// Whether there are more than are told.
    pub fn has_more(&self) -> bool {
        self.first.len() == FEW && self.rows > FEW as u64
    }
}

/// File, table, column, its letter, reason.
type Key = (String, String, Option<String>, Option<String>, String);

impl Store {
    /// The rows that were set aside of the dataset that stands, and how many they are. Needs no key. Memory is bounded
    /// by the number of groups.
    ///
    /// # Errors
    /// [`StoreError::NoDataset`] where none stands; [`StoreError::Io`] where the reasons cannot be read.
    pub fn set_aside(&self, dataset: &DatasetRef) -> Result<(Vec<FailedRows>, u64), StoreError> {
        let path = self.beside(dataset, REASONS)?;
        let (manifest, _) = self.manifest(dataset)?;
        let folder = path.parent().unwrap_or(self.root());
        let mut reasons =
            HashingReader::new(files::open((self.root(), folder), &manifest, REASONS)?);
        let unreadable = |error| StoreError::io("read", &path)(error);
        let (mut found, mut rows) = (BTreeMap::<Key, (u64, Vec<u64>)>::new(), 0);
        for text in BufReader::new(&mut reasons).lines() {
            let text = text.map_err(unreadable)?;
            let line: SetAside<'_> =
                serde_json::from_str(&text).map_err(|error| unreadable(Error::from(error)))?;
            rows += 1;
            let first = (line.column, line.letter, line.reason);
            let also = line.also.into_iter();
            let also = also.map(|also| (Some(also.column), also.letter, also.reason));
            for (column, letter, reason) in std::iter::once(first).chain(also) {
                let owned = |text: Option<Cow<'_, str>>| text.map(Cow::into_owned);
                let (file, table) = (line.file.to_string(), line.table.to_string());
                let key = (file, table, owned(column), owned(letter), reason.into_owned());
                let (count, first) = found.entry(key).or_default();
                *count += 1;
                // Several records of XML may begin on one line.
                if first.len() < FEW && first.last() != Some(&line.row) {
                    first.push(line.row);
                }
            }
        }
        files::compare(&manifest, REASONS, &reasons.sha256())?;
        let group = |((file, table, column, letter, reason), (rows, first))| FailedRows {
            file,
            table,
            column,
            reason,
            letter,
            rows,
            first,
        };
        Ok((found.into_iter().map(group).collect(), rows))
    }
}
