//! What is in quarantine: counts by file, column and reason, from the reasons that stand in clear. The rows
//! themselves are sealed.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    fmt::Write as _,
    fs::File,
    io::{BufRead, BufReader},
};

use minster_identifiers::shown;
use minster_model::{Period, SourceName, pipeline::Pipeline};
use minster_store::{CellCounts, Origin, Store, StoreError, deliveries};
use serde::Serialize;

use crate::{IngestError, REASONS, quarantine::Line};

/// Row numbers that are told of a group.
const FEW: usize = 5;

/// The quarantine of the datasets that stand.
#[derive(Debug, Serialize)]
pub struct Quarantined {
    /// The list's format.
    pub format: u32,
    /// The rows with a reason in common, in the pipeline's order.
    pub groups: Vec<Group>,
    /// How many rows there are in all.
    pub rows: u64,
    /// Cells of the other rows that did not pass as they were, by delivery.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cells: Vec<(SourceName, Period, CellCounts)>,
}

/// Rows of one table of one file that failed for the same reason in the same column.
#[derive(Debug, Serialize)]
pub struct Group {
    /// The source.
    pub name: SourceName,
    /// Its period.
    pub period: Period,
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

/// File, table, column, its letter, reason.
type Key = (String, String, Option<String>, Option<String>, String);

impl Quarantined {
    /// Reads the reasons of every delivery that stands. Memory is bounded by the number of groups.
    pub(crate) fn of(store: &Store, pipeline: &Pipeline) -> Result<Self, IngestError> {
        let mut groups = Vec::new();
        let (mut rows, mut cells) = (0, Vec::new());
        for delivery in &pipeline.sources {
            let path = match store.beside(&delivery.dataset(&pipeline.purpose), REASONS) {
                Err(StoreError::NoDataset { .. }) => continue,
                path => path?,
            };
            let manifest = store.whole(&delivery.dataset(&pipeline.purpose))?;
            if let Origin::Delivery { cells: of_delivery, .. } = manifest.origin {
                let told = |cell| (delivery.name.clone(), delivery.period.clone(), cell);
                cells.extend(of_delivery.into_iter().map(told));
            }
            let unreadable = |source| IngestError::Config { path: path.clone(), source };
            let mut found: BTreeMap<Key, (u64, Vec<u64>)> = BTreeMap::new();
            for text in BufReader::new(File::open(&path).map_err(unreadable)?).lines() {
                let text = text.map_err(unreadable)?;
                let line: Line<'_> = serde_json::from_str(&text)
                    .map_err(|error| unreadable(std::io::Error::from(error)))?;
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
                    if first.len() < FEW {
                        first.push(line.row);
                    }
                }
            }
            groups.extend(found.into_iter().map(
                |((file, table, column, letter, reason), (rows, first))| {
                    let (name, period) = (delivery.name.clone(), delivery.period.clone());
                    Group { name, period, file, table, column, reason, letter, rows, first }
                },
            ));
        }
        Ok(Self { format: 1, groups, rows, cells })
    }

    /// For people.
    pub fn text(&self) -> String {
        let mut text = String::new();
        let mut before = None;
        for Group { name, period, file, table, column, reason, letter, rows, first } in &self.groups
        {
            if before != Some((name, period)) {
                let _ = writeln!(text, "{name} {period}");
                before = Some((name, period));
            }
            let column = column.as_deref().unwrap_or("(the whole row)");
            // In a spreadsheet a cell is found by its letter and row, in XML a record by its line.
            let what = match (file.to_lowercase().ends_with(".xml"), letter) {
                (true, _) => "lines",
                (false, Some(_)) => "cells",
                (false, None) => "rows",
            };
            let letter = letter.as_deref().unwrap_or_default();
            let places: Vec<String> = first.iter().map(|row| format!("{letter}{row}")).collect();
            let (places, more) =
                (places.join(", "), if *rows > first.len() as u64 { ", ..." } else { "" });
            let file = shown(file);
            let _ = writeln!(
                text,
                "{rows:>10} {reason} in {column}: {file}, table {table}, {what} {places}{more}"
            );
        }
        let mut before = None;
        for (name, period, cell) in &self.cells {
            if before != Some((name, period)) {
                let _ = writeln!(text, "{name} {period}, cells of rows that are not in quarantine");
                before = Some((name, period));
            }
            text += &deliveries::cells_text(std::slice::from_ref(cell));
        }
        let rows = self.rows;
        let _ = match rows {
            0 => writeln!(text, "nothing is in quarantine"),
            _ => writeln!(
                text,
                "{rows} rows, counted as a spreadsheet shows them, the header included. Mend them at the source and have it delivered again: what is delivered again \
                 supersedes this. What stood in a row only a custodian can open: minster-vault quarantine open"
            ),
        };
        text
    }
}
