//! The report on quarantine: counts by file, column and reason, from the reasons that stand in clear. The rows
//! themselves are sealed.

use std::fmt::Write as _;

use minster_identifiers::shown;
use minster_model::{Period, SourceName, pipeline::Pipeline};
use minster_store::{CellCounts, FailedRows, Origin, Store, StoreError, deliveries};
use serde::Serialize;

use crate::IngestError;

/// The quarantine of the datasets that stand.
#[derive(Debug, Serialize)]
pub struct QuarantineReport {
    /// The list's format.
    pub format: u32,
    /// The rows with a reason in common, in the pipeline's order.
    pub groups: Vec<QuarantineGroup>,
    /// How many rows there are in all.
    pub rows: u64,
    /// Cells of the other rows that did not pass as they were, by delivery.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cells: Vec<(SourceName, Period, CellCounts)>,
}

/// Rows of one table of one file that failed for the same reason in the same column.
#[derive(Debug, Serialize)]
pub struct QuarantineGroup {
    /// The source.
    pub name: SourceName,
    /// Its period.
    pub period: Period,
    /// Those rows.
    #[serde(flatten)]
    pub rows: FailedRows,
}

impl QuarantineReport {
    /// Reads the reasons of every delivery that stands. Memory is bounded by the number of groups.
    pub(crate) fn of(store: &Store, pipeline: &Pipeline) -> Result<Self, IngestError> {
        let mut groups = Vec::new();
        let (mut rows, mut cells) = (0, Vec::new());
        for delivery in &pipeline.sources {
            let dataset = delivery.dataset(&pipeline.purpose);
            let (found, of_delivery) = match store.set_aside(&dataset) {
                Err(StoreError::NoDataset { .. }) => continue,
                found => found?,
            };
            rows += of_delivery;
            let (name, period) = (&delivery.name, &delivery.period);
            if let Origin::Delivery { cells: of_delivery, .. } = store.whole(&dataset)?.origin {
                let told = |cell| (name.clone(), period.clone(), cell);
                cells.extend(of_delivery.into_iter().map(told));
            }
            let group = |rows| QuarantineGroup { name: name.clone(), period: period.clone(), rows };
            groups.extend(found.into_iter().map(group));
        }
        Ok(Self { format: 1, groups, rows, cells })
    }

    /// For people.
    pub fn text(&self) -> String {
        let mut text = String::new();
        let mut before = None;
        for QuarantineGroup { name, period, rows } in &self.groups {
            if before != Some((name, period)) {
                let _ = writeln!(text, "{name} {period}");
                before = Some((name, period));
            }
            let FailedRows { file, table, column, reason, rows: count, .. } = rows;
            let column = column.as_deref().unwrap_or("(the whole row)");
            let (file, (what, places)) = (shown(file), rows.places());
            let (places, more) = (places.join(", "), if rows.has_more() { ", ..." } else { "" });
            let _ = writeln!(
                text,
                "{count:>10} {reason} in {column}: {file}, table {table}, {what}s {places}{more}"
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
                "{rows} rows, counted as a spreadsheet shows them, the header included. Mend them at the source and have it delivered again: the new delivery \
                 supersedes this one. Only a custodian can open the rows: minster-vault quarantine open"
            ),
        };
        text
    }
}
