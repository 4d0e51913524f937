//! What is in quarantine: counts by file, column and reason, from the reasons that stand in clear. The rows
//! themselves are sealed.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs::File,
    io::{BufRead, BufReader},
};

use minster_model::{Period, SourceName, pipeline::Pipeline};
use minster_store::{Store, StoreError};
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
    /// How many rows.
    pub rows: u64,
    /// The first rows' numbers, as the source's reader counts.
    pub first: Vec<u64>,
}

/// File, table, column, reason.
type Key = (String, String, Option<String>, String);

impl Quarantined {
    /// Reads the reasons of every delivery that stands. Memory is bounded by the number of groups.
    pub(crate) fn of(store: &Store, pipeline: &Pipeline) -> Result<Self, IngestError> {
        let mut groups = Vec::new();
        for delivery in &pipeline.sources {
            let path = match store.beside(&delivery.dataset(&pipeline.purpose), REASONS) {
                Err(StoreError::NoDataset { .. }) => continue,
                path => path?,
            };
            let unreadable = |source| IngestError::Config { path: path.clone(), source };
            let mut found: BTreeMap<Key, (u64, Vec<u64>)> = BTreeMap::new();
            for line in BufReader::new(File::open(&path).map_err(unreadable)?).lines() {
                let line = line.map_err(unreadable)?;
                let Line { file, table, row, column, reason } = serde_json::from_str(&line)
                    .map_err(|error| unreadable(std::io::Error::from(error)))?;
                let column = column.map(|column| column.into_owned());
                let key = (file.into_owned(), table.into_owned(), column, reason.into_owned());
                let (rows, first) = found.entry(key).or_default();
                *rows += 1;
                if first.len() < FEW {
                    first.push(row);
                }
            }
            groups.extend(found.into_iter().map(
                |((file, table, column, reason), (rows, first))| {
                    let (name, period) = (delivery.name.clone(), delivery.period.clone());
                    Group { name, period, file, table, column, reason, rows, first }
                },
            ));
        }
        Ok(Self { format: 1, groups })
    }

    /// For people.
    pub fn text(&self) -> String {
        let mut text = String::new();
        let mut before = None;
        for Group { name, period, file, table, column, reason, rows, first } in &self.groups {
            if before != Some((name, period)) {
                let _ = writeln!(text, "{name} {period}");
                before = Some((name, period));
            }
            let column = column.as_deref().unwrap_or("(the whole row)");
            let shown = first.iter().map(u64::to_string).collect::<Vec<_>>().join(", ");
            let more = if *rows > first.len() as u64 { ", ..." } else { "" };
            let _ = writeln!(
                text,
                "{rows:>10} {reason} in {column}: {file}, table {table}, rows {shown}{more}"
            );
        }
        let rows: u64 = self.groups.iter().map(|group| group.rows).sum();
        let _ = match rows {
            0 => writeln!(text, "nothing is in quarantine"),
            _ => writeln!(
                text,
                "{rows} rows. Mend them at the source and have it delivered again: what is delivered again \
                 supersedes this. What stood in a row only a custodian can open: minster-vault quarantine open"
            ),
        };
        text
    }
}
