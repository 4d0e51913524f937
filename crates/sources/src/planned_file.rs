//! One file as planning found it: the readers begin from it, and so it knows none of them.

use std::{
    fs::{self, Metadata},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

mod error;

pub use error::{PlanError, Proposed, quoted};

use crate::definition::{Delimiter, Encoding};

/// No file has more columns: Excel's own limit, and no layout comes near.
pub(crate) const MOST_COLUMNS: usize = 16_384;
/// The header is one of a file's or sheet's first rows with content.
pub(crate) const HEADER_ROWS: usize = 20;

/// One file of a delivery: a file of the drop folder, or a member of a zip there.
#[derive(Debug, Clone)]
pub struct PlannedFile {
    /// Its name: in a zip, the zip's name, `/` and the member's.
    pub name: String,
    /// The name of the delivered file in the drop folder: of a zip, the zip's.
    pub delivered: String,
    /// The delivered file's path.
    pub path: PathBuf,
    /// The delivered file's length when it was planned, in bytes. So many bytes are shown to whoever hashes.
    pub bytes: u64,
    /// The tables drawn from it: places in the definition.
    pub tables: Vec<usize>,
    /// CSV, Parquet: for each of the table's columns in order, its place in the file, or none.
    pub columns: Vec<Option<usize>>,
    /// The steps that made it readable, in words: another delimiter, titles passed over, sheets ignored.
    pub notes: Vec<String>,
    /// XML: how many units it has, and how many stand in the files before it.
    pub units: u32,
    pub(crate) first_unit: u32,
    /// XML: what its header says that it is.
    pub header: Vec<HeaderText>,
    /// CSV: how it is written.
    pub(crate) dialect: Dialect,
    /// XLSX: where each of the tables stands.
    pub(crate) sheets: Vec<PlannedSheet>,
    pub(crate) wrapping: Wrapping,
    pub(crate) stamp: FileStamp,
}

/// A word of a file's header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderText {
    /// `collection`, `year` or `authority`.
    pub what: &'static str,
    /// The header's text.
    pub text: String,
}

/// The properties that a file system changes where anything writes to a file, or puts another in its place. Its number is left
/// out: on a share it may change by itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct FileStamp {
    pub(crate) bytes: u64,
    /// Seconds and nanoseconds.
    modified: (i64, i64),
    /// The last change of its entry too: no program sets it back.
    changed: (i64, i64),
}

impl FileStamp {
    pub(crate) fn of(file: &Metadata) -> Self {
        Self {
            bytes: file.len(),
            modified: (file.mtime(), file.mtime_nsec()),
            changed: (file.ctime(), file.ctime_nsec()),
        }
    }
}

/// How a file's bytes are come by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wrapping {
    /// As they are.
    Plain,
    /// Through gzip.
    Gzip,
    /// A zip's member, by its whole name.
    Member(String),
}

/// How a CSV file is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Dialect {
    pub(crate) encoding: Encoding,
    pub(crate) delimiter: Delimiter,
    /// Records up to the header, the header included.
    pub(crate) header: usize,
    /// Columns that have a name.
    pub(crate) width: usize,
    /// Whether more blank fields than names are passed over.
    pub(crate) blank_ends: bool,
}

/// Where a table stands in a workbook.
#[derive(Debug, Clone)]
pub(crate) struct PlannedSheet {
    pub(crate) table: usize,
    pub(crate) sheet: String,
    pub(crate) header: SheetHeader,
}

impl PlannedSheet {
    /// Where a column of the table stands.
    pub(crate) fn place(&self, column: usize) -> Option<usize> {
        self.header.columns.get(column).copied().flatten()
    }
}

#[derive(Debug, Clone)]
pub(crate) struct SheetHeader {
    /// Its row in the sheet, from 0.
    pub(crate) row: u32,
    /// Its columns: where the first stands, and how many there are.
    pub(crate) width: usize,
    /// For each of the table's columns, its place in the sheet.
    pub(crate) columns: Vec<Option<usize>>,
}

impl PlannedFile {
    /// A file that is looked at before any definition is known.
    pub(crate) fn unplanned(path: &Path, delivered: &str, wrapping: Wrapping) -> Self {
        Self {
            name: delivered.to_owned(),
            delivered: delivered.to_owned(),
            path: path.to_owned(),
            bytes: 0,
            tables: Vec::new(),
            columns: Vec::new(),
            notes: Vec::new(),
            units: 0,
            first_unit: 0,
            header: Vec::new(),
            dialect: Dialect::default(),
            sheets: Vec::new(),
            wrapping,
            stamp: FileStamp::default(),
        }
    }

    /// The letter of a table's column in a spreadsheet: the file's own, if it has rows and columns. Tables and columns are
    /// places in the definition.
    pub fn letter(&self, table: usize, column: usize) -> Option<String> {
        Some(letters(self.place(table, column)?))
    }

    /// Whether the file lacks a table's column.
    pub fn lacks(&self, table: usize, column: usize) -> bool {
        let tabular = !self.columns.is_empty() || !self.sheets.is_empty();
        tabular && self.place(table, column).is_none()
    }

    /// Whether a record's number is a line, as of XML, and not a row.
    pub fn counts_lines(&self) -> bool {
        self.columns.is_empty() && self.sheets.is_empty()
    }

    fn place(&self, table: usize, column: usize) -> Option<usize> {
        match self.sheets.iter().find(|sheet| sheet.table == table) {
            Some(sheet) => sheet.place(column),
            None if self.tables == [table] => self.columns.get(column).copied().flatten(),
            None => None,
        }
    }

    /// Whether the delivered file is still the one that was planned, and was not written to since.
    pub fn is_as_planned(&self) -> bool {
        fs::symlink_metadata(&self.path).is_ok_and(|now| FileStamp::of(&now) == self.stamp)
    }

    /// The path with the member's name, for messages.
    pub(crate) fn shown_path(&self) -> PathBuf {
        match &self.wrapping {
            Wrapping::Member(member) => self.path.join(member),
            Wrapping::Plain | Wrapping::Gzip => self.path.clone(),
        }
    }
}

/// A spreadsheet's name of a column: A to Z, then AA.
fn letters(place: usize) -> String {
    let mut letters = Vec::new();
    let mut rest = place + 1;
    while rest > 0 {
        letters.push(b'A' + ((rest - 1) % 26) as u8);
        rest = (rest - 1) / 26;
    }
    letters.iter().rev().map(|letter| char::from(*letter)).collect()
}

/// How exactly the best of the patterns that fit describes a name: its characters besides `*`.
pub(crate) fn exactness(patterns: &[String], name: &str) -> Option<usize> {
    let fit = patterns.iter().filter(|pattern| matches(pattern, name));
    fit.map(|pattern| pattern.chars().filter(|c| *c != '*').count()).max()
}

pub(crate) fn listed(patterns: &[String], name: &str) -> bool {
    patterns.iter().any(|pattern| matches(pattern, name))
}

/// Whether a name fits a pattern: a `*` stands for any characters, and case does not matter.
pub(crate) fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.to_lowercase(), name.to_lowercase());
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        // The earliest place leaves the most for what follows.
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_any_characters_and_case_does_not_matter() {
        for (pattern, name) in [
            ("*_pupilonroll.csv", "2024_autumn_pupilonroll.csv"),
            ("*_pupilonroll.csv", "2024_AUTUMN_PupilOnRoll.CSV"),
            ("a.csv", "A.csv"),
            ("*", ""),
            ("a*b*c", "abc"),
            ("a*b*c", "a1b2b3c"),
            ("*ab*ab*", "xabyab"),
        ] {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [
            ("*_pupilonroll.csv", "2024_autumn_pupilnolongeronroll.csv"),
            ("ab*ba", "aba"),
            ("a.csv", "a.csv2"),
            ("a*b*c", "acb"),
            ("*ab*ab*", "xaby"),
            ("", "a"),
        ] {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
    }

    #[test]
    fn columns_have_letters() {
        for (place, name) in [(0, "A"), (25, "Z"), (26, "AA"), (701, "ZZ"), (702, "AAA")] {
            assert_eq!(letters(place), name);
        }
    }

    #[test]
    fn the_most_exact_pattern_counts() {
        let episodes = ["*episodes.csv".to_owned()];
        let workers = ["*sw_episodes.csv".to_owned(), "*workers*".to_owned()];
        assert!(
            exactness(&workers, "903_SW_episodes.csv")
                > exactness(&episodes, "903_SW_episodes.csv")
        );
        assert_eq!(exactness(&workers, "903_episodes.csv"), None);
    }
}
