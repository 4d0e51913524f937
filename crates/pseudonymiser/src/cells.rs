//! Cells that did not pass as they were: counted by column, so that nothing is recoded or blanked in silence.

use std::collections::BTreeMap;

use minster_model::TableName;
use minster_sources::Reason;
use minster_store::CellCounts;

use crate::{IngestError, replacement_gate, treatment::TablePlan};

/// The note about a cell that did not pass as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Note {
    /// A code that is not in its list became what the list says of unknown ones, or blank.
    Unknown,
    /// A code that is not valid in the delivery's year passed all the same.
    OutsideItsYears,
    /// A pattern of the list alone led to the code.
    ByPattern,
    /// A spreadsheet's number passed as a date.
    Serial,
    /// A number that failed for this reason was repaired.
    Repaired(Reason),
    /// It became blank.
    Blank(Reason),
    /// The number of a person whose records were disposed of became blank: the row is about another person too.
    Disposed,
}

/// One or two unknown codes of a small table are no share.
const FEWEST: u64 = 3;
/// Places of a column's cells that are told.
const FEW: usize = 5;

/// The cells of one table; a place is told as `P`.
#[derive(Debug, Clone, Default)]
pub(crate) struct CellNotes<P> {
    /// Accepted rows.
    rows: u64,
    /// By column: cells that were blank already.
    blanks: BTreeMap<usize, u64>,
    /// How many, and the first places.
    noted: BTreeMap<(usize, Note), (u64, Vec<P>)>,
}

/// In one file: a place is a row.
pub(crate) type Tally = CellNotes<u64>;
/// In all files: a place is named.
pub(crate) type Cells = CellNotes<String>;

impl<P> CellNotes<P> {
    /// Cells of a column; `first` are their places, or the first of them.
    pub(crate) fn note(&mut self, column: usize, note: Note, cells: u64, first: Vec<P>) {
        if cells > 0 {
            let (count, places) = self.noted.entry((column, note)).or_default();
            *count += cells;
            places.extend(first);
            places.truncate(FEW);
        }
    }

    pub(crate) fn blank(&mut self, column: usize, cells: u64) {
        if cells > 0 {
            *self.blanks.entry(column).or_default() += cells;
        }
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.rows += other.rows;
        for (column, cells) in other.blanks {
            self.blank(column, cells);
        }
        for ((column, note), (cells, first)) in other.noted {
            self.note(column, note, cells, first);
        }
    }
}

impl Tally {
    pub(crate) fn rows(rows: u64) -> Self {
        Self { rows, ..Self::default() }
    }

    /// As many rows as are told of a column.
    pub(crate) fn few() -> usize {
        FEW
    }

    /// The same with each place named by its column and row.
    pub(crate) fn named(self, place: impl Fn(usize, u64) -> String) -> Cells {
        let named = |((column, note), (cells, rows)): ((usize, Note), (u64, Vec<u64>))| {
            ((column, note), (cells, rows.into_iter().map(|row| place(column, row)).collect()))
        };
        CellNotes {
            rows: self.rows,
            blanks: self.blanks,
            noted: self.noted.into_iter().map(named).collect(),
        }
    }
}

impl Cells {
    /// For the manifest.
    pub(crate) fn counts(&self, table: &TableName, plan: &TablePlan) -> Vec<CellCounts> {
        let count =
            |(&(column, note), (cells, first)): (&(usize, Note), &(u64, Vec<String>))| CellCounts {
                table: table.clone(),
                column: plan.columns[column].name.clone(),
                became: match note {
                    Note::Unknown => "unknown",
                    Note::OutsideItsYears | Note::ByPattern | Note::Serial => "passed",
                    Note::Repaired(_) => "repaired",
                    Note::Blank(_) | Note::Disposed => "blank",
                }
                .to_owned(),
                reason: match note {
                    Note::Unknown => Reason::UnknownCode.code(),
                    Note::OutsideItsYears => "outside-its-years",
                    Note::ByPattern => "by-pattern",
                    Note::Serial => Reason::ExcelSerial.code(),
                    Note::Disposed => "disposed-of",
                    Note::Repaired(reason) | Note::Blank(reason) => reason.code(),
                }
                .to_owned(),
                cells: *cells,
                of: self.not_blank(column),
                first: first.clone(),
            };
        self.noted.iter().map(count).collect()
    }

    fn not_blank(&self, column: usize) -> u64 {
        self.rows - self.blanks.get(&column).copied().unwrap_or(0)
    }

    /// Whether the codes of a required table are understood.
    ///
    /// # Errors
    /// Where more than `percent` in a hundred of a column are not in its list.
    pub(crate) fn check(
        &self,
        table: &TableName,
        plan: &TablePlan,
        percent: u32,
    ) -> Result<(), IngestError> {
        for (&(column, note), &(cells, _)) in &self.noted {
            let of = self.not_blank(column);
            if note == Note::Unknown && cells >= FEWEST && cells * 100 > of * u64::from(percent) {
                return Err(IngestError::UnknownCodes {
                    table: table.clone(),
                    column: plan.columns[column].name.clone(),
                    cells,
                    of,
                    percent,
                });
            }
        }
        Ok(())
    }

    /// Columns of numbers that fail too often in a required table: one that slipped, or another system's. Their rows may
    /// stay, so that no count of rows shows it. A learner number is never all that a row is known by, and often made up.
    pub(crate) fn wrong_numbers(
        &self,
        table: &TableName,
        plan: &TablePlan,
        percent: u32,
    ) -> Vec<IngestError> {
        let mut wrong: BTreeMap<usize, u64> = BTreeMap::new();
        for (&(column, note), &(cells, _)) in &self.noted {
            let fails = matches!(note, Note::Blank(reason) if reason != Reason::Placeholder);
            let kind = plan.columns[column].kind();
            if fails && kind.is_some_and(|kind| kind.as_str() != "uln") {
                *wrong.entry(column).or_default() += cells;
            }
        }
        let of_column = |(column, cells): (usize, u64)| {
            let of = self.not_blank(column);
            let stops = cells >= replacement_gate::FEWEST && cells * 100 > of * u64::from(percent);
            stops.then(|| IngestError::WrongNumbers {
                table: table.clone(),
                column: plan.columns[column].name.clone(),
                cells,
                of,
                percent,
            })
        };
        wrong.into_iter().filter_map(of_column).collect()
    }
}
