//! The records that are held on one child, by what kind of record they are.

use std::collections::BTreeMap;

use minster_model::{DatasetClass, csv_line};
use minster_store::RowsSetAside;

use super::Sink;
use crate::failure::Failure;

/// A kind of record: the rows of one table, from all deliveries.
pub(super) struct RecordKind {
    pub(super) class: DatasetClass,
    /// The name of its CSV.
    pub(super) file: String,
    pub(super) title: String,
    /// Its meaning, in sentences; empty where nothing says so.
    pub(super) meaning: String,
    pub(super) columns: Vec<Column>,
    pub(super) records: Vec<Record>,
}

/// A column.
pub(super) struct Column {
    pub(super) name: String,
    pub(super) title: String,
    pub(super) meaning: String,
}

/// A row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) source: String,
    pub(super) delivery: String,
    /// The day on which it was taken in, or written anew.
    pub(super) taken_in: String,
    /// Whether it stands in an earlier copy alone.
    pub(super) is_earlier: bool,
    /// Cells in words, by the columns' names; none for a blank.
    pub(super) cells: BTreeMap<String, String>,
}

/// Rows and cells that the bundle does not show, and why.
#[derive(Debug, Default)]
pub(super) struct LeftOut {
    /// Cells with another person's number.
    pub(super) cells_of_others: u64,
    pub(super) rows_of_others: u64,
    pub(super) rows_in_doubt: u64,
    pub(super) rows_of_shared_cases: u64,
    /// Rows that hold nothing but keyed numbers.
    pub(super) rows_of_codes: u64,
    /// Rows of earlier copies that stand in the newest too.
    pub(super) same_in_earlier: u64,
    /// Rows of earlier copies that are left out as those of the newest are.
    pub(super) rows_of_earlier: u64,
    /// Datasets of keyed parts of names.
    pub(super) keyed_datasets: u64,
    /// Restricted reports about whole releases.
    pub(super) reports: u64,
    /// Datasets of purposes that are over: nobody has their keys.
    pub(super) ended: u64,
    /// Datasets of purposes that are not open to the linker.
    pub(super) closed: u64,
    /// Earlier copies that cannot be opened any more.
    pub(super) unreadable_copies: u64,
    /// Earlier copies that were changed, or of which nothing says whether their rows are about others too.
    pub(super) unclear_copies: u64,
    /// Codes of linked children that are of another child's numbers too.
    pub(super) shared_ids: u64,
}

impl LeftOut {
    /// Rows that may be about the child and are not shown. The bundle has no such count: it could tell of an identity that must stay
    /// apart.
    pub(super) fn rows(&self) -> u64 {
        self.rows_of_others + self.rows_in_doubt + self.rows_of_shared_cases + self.rows_of_earlier
    }
}

/// All of it.
#[derive(Default)]
pub(super) struct Content {
    pub(super) kinds: Vec<RecordKind>,
    pub(super) left_out: LeftOut,
    /// Datasets that were read.
    pub(super) datasets: u64,
    /// Rows that were set aside and not searched, by source and delivery.
    pub(super) set_aside: BTreeMap<(String, String), RowsSetAside>,
}

impl Content {
    pub(super) fn rows(&self) -> u64 {
        self.kinds.iter().map(|kind| kind.records.len() as u64).sum()
    }

    pub(super) fn set_aside_rows(&self) -> u64 {
        self.set_aside.values().map(|of| of.rows).sum()
    }

    /// Rows that were set aside, as a CSV.
    pub(super) fn set_aside_csv(&self) -> String {
        let mut text = csv_line(&["source", "delivery", "rows", "file"]);
        for ((source, delivery), of) in &self.set_aside {
            let file = if of.is_there { "locked" } else { "gone" };
            text += &csv_line(&[source, delivery, &of.rows.to_string(), file]);
        }
        text
    }
}

/// The columns before a kind's own.
const FIRST: [&str; 4] = ["source", "delivery", "taken in on", "copy"];

impl RecordKind {
    /// Its rows as a CSV.
    pub(super) fn csv(&self, to: &mut impl Sink) -> Result<(), Failure> {
        let titles = self.columns.iter().map(|column| column.name.as_str());
        to.text(&csv_line(&FIRST.into_iter().chain(titles).collect::<Vec<_>>()))?;
        for record in &self.records {
            let copy = if record.is_earlier { "earlier copy" } else { "newest" };
            let first = [record.source.as_str(), &record.delivery, &record.taken_in, copy];
            let cells = self.columns.iter().map(|column| record.cell(&column.name));
            to.text(&csv_line(&first.into_iter().chain(cells).collect::<Vec<_>>()))?;
        }
        Ok(())
    }
}

impl Record {
    pub(super) fn cell(&self, column: &str) -> &str {
        self.cells.get(column).map_or("", String::as_str)
    }
}
