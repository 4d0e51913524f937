//! `minster-ingest try`: definitions applied to every row, without a vault, without custodians, without a dataset. Counts,
//! reasons and places are told, never a value.

use std::{collections::BTreeMap, fmt::Write as _};

use arrow::array::RecordBatch;
use minster_model::{Period, RowCounts, SourceName, TableName, exit};
use minster_sources::PlannedFile;
use minster_store::{CellCounts, FileCounts, deliveries};
use serde::Serialize;

use crate::{
    IngestError,
    delivery::{Planned, ReadingTools, RowSink, place_name},
    delivery_checks::FoundDelivery,
    quarantine::{Failed, Headings},
};

/// Places that are told of a fault.
const FEW: usize = 5;

/// The deliveries as the definitions would treat them.
#[derive(Debug, Serialize)]
pub struct Tried {
    /// The report's format.
    pub format: u32,
    /// Definitions and code lists that cannot be used, and why.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub broken: Vec<String>,
    /// One entry a delivery.
    pub sources: Vec<TriedSource>,
}

/// One delivery as its definition would treat it.
#[derive(Debug, Serialize)]
pub struct TriedSource {
    /// The source.
    pub name: SourceName,
    /// Its period.
    pub period: Period,
    /// Where each table's rows would go, file by file.
    pub files: Vec<FileCounts>,
    /// Rows that would be set aside, by table, column and reason.
    pub faults: Vec<TriedFault>,
    /// Cells that would not pass as they are.
    pub cells: Vec<CellCounts>,
    /// The steps that made the files readable, in words.
    pub notes: Vec<String>,
    /// Why it would stop.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stops: Option<String>,
}

/// A fault that sets rows aside.
#[derive(Debug, Serialize)]
pub struct TriedFault {
    /// The table.
    pub table: String,
    /// The column, where it is one column's fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// The reason's code.
    pub reason: String,
    /// How many rows have it.
    pub rows: u64,
    /// The first places: cells as a spreadsheet names them, or lines.
    pub first: Vec<String>,
}

impl Tried {
    /// Tries one delivery.
    pub(crate) fn add(&mut self, expected: &FoundDelivery<'_>, hands: &mut ReadingTools<'_>) {
        let mut source = TriedSource {
            name: expected.delivery.name.clone(),
            period: expected.delivery.period.clone(),
            files: Vec::new(),
            faults: Vec::new(),
            cells: Vec::new(),
            notes: Vec::new(),
            stops: None,
        };
        match &expected.found {
            Err(error) => source.stops = Some(error.to_string()),
            Ok(planned) => {
                source.notes = planned.notes();
                if let Err(error) = source.read(planned, hands) {
                    source.stops = Some(error.to_string());
                }
            }
        }
        self.sources.push(source);
    }

    /// 0; 2 where a delivery would stop; 3 where rows would be set aside.
    pub fn exit_code(&self) -> u8 {
        let stops = self.sources.iter().any(|source| source.stops.is_some());
        if stops || !self.broken.is_empty() {
            return exit::USAGE;
        }
        match self.sources.iter().any(|source| !source.faults.is_empty()) {
            true => exit::QUARANTINED,
            false => exit::DONE,
        }
    }

    /// For people.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for broken in &self.broken {
            let _ = writeln!(text, "a definition cannot be used: {broken}");
        }
        for source in &self.sources {
            let _ = writeln!(text, "{} {}", source.name, source.period);
            if let Some(stops) = &source.stops {
                let _ = writeln!(text, "  would stop: {stops}");
            }
            for note in &source.notes {
                let _ = writeln!(text, "  {note}");
            }
            let mut tables: BTreeMap<&TableName, RowCounts> = BTreeMap::new();
            for FileCounts { table, counts, .. } in &source.files {
                *tables.entry(table).or_default() += *counts;
            }
            for (table, counts) in tables {
                let RowCounts { read, accepted, quarantined, duplicate, .. } = counts;
                let percent = (quarantined * 100).checked_div(read).unwrap_or(0);
                let _ = writeln!(
                    text,
                    "  {:<24} {read:>9} read {accepted:>9} accepted {quarantined:>7} set aside ({percent} %) {duplicate:>7} duplicate",
                    table.as_str()
                );
            }
            for TriedFault { table, column, reason, rows, first } in &source.faults {
                let column = column.as_deref().unwrap_or("(the whole row)");
                let more = if *rows > first.len() as u64 { ", ..." } else { "" };
                let _ = writeln!(
                    text,
                    "  {rows:>8} {reason} in {column} of {table}: {}{more}",
                    first.join(", ")
                );
            }
            text += &deliveries::cells_text(&source.cells);
        }
        text +=
            "No dataset was written; the vault was not asked, so that no number was repaired.\n";
        text
    }
}

impl TriedSource {
    fn read(&mut self, planned: &Planned, hands: &mut ReadingTools<'_>) -> Result<(), IngestError> {
        let mut whole = None;
        loop {
            let second = whole.is_some();
            let tables = planned.open_tables(hands.lookups, whole)?;
            let mut faults = Faults::default();
            let read = planned.read(hands, None, &tables, &mut faults);
            if let Ok(read) = &read
                && let (Some(again), false) = (read.again(), second)
            {
                whole = Some(again);
                continue;
            }
            self.faults = faults.list();
            let read = read?;
            (self.files, self.cells) = (read.rows, read.cells);
            let warnings = read.warnings.iter().map(|warning| format!("WARNING: {warning}"));
            self.notes.extend(warnings);
            return Ok(());
        }
    }
}

/// Table, column, reason.
type Key = (String, Option<String>, &'static str);

/// Faults as they are met.
#[derive(Default)]
struct Faults(BTreeMap<Key, (u64, Vec<String>)>);

impl Faults {
    fn list(self) -> Vec<TriedFault> {
        let list = self.0.into_iter().map(|((table, column, reason), (rows, first))| TriedFault {
            table,
            column,
            reason: reason.to_owned(),
            rows,
            first,
        });
        list.collect()
    }
}

impl RowSink for Faults {
    fn rows(&mut self, _table: usize, _rows: &RecordBatch) -> Result<(), IngestError> {
        Ok(())
    }

    fn failed(
        &mut self,
        file: &PlannedFile,
        headings: &Headings<'_>,
        failed: &Failed,
    ) -> Result<(), IngestError> {
        let first = (failed.column, failed.reason);
        let also = failed.also.iter().map(|(column, reason)| (Some(*column), *reason));
        for (column, reason) in std::iter::once(first).chain(also) {
            let heading = column.map(|column| headings.columns[column].0.to_owned());
            let key = (headings.table.to_owned(), heading, reason.code());
            let (rows, places) = self.0.entry(key).or_default();
            *rows += 1;
            if places.len() < FEW {
                places.push(place_name(file, headings.place, column, failed.number));
            }
        }
        Ok(())
    }
}
