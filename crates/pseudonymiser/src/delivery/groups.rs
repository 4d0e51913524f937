//! The rows of one file in groups: sent to those who treat them, and handed out in the file's order.

use std::sync::mpsc;

use minster_identifiers::shown;
use minster_sources::{Definition, PlannedFile, ReadError};

use super::RowSink;
use crate::{
    IngestError,
    quarantine::Headings,
    workers::{Group, OpenTable, Written, WrittenBatch},
};

/// Bytes of a group with the places of its fields, about: few enough that several fit in a processor's cache, and many
/// enough that the vault is asked seldom.
const GROUP: usize = 4 << 20;

/// Sends groups of about [`GROUP`] bytes; stops when nobody listens any more.
pub(super) fn read(
    definition: &Definition,
    file: &PlannedFile,
    seen: impl FnMut(&[u8]) + Send + 'static,
    sender: &mpsc::SyncSender<Result<Group, ReadError>>,
) {
    let mut group: Option<Group> = None;
    let mut bytes = 0;
    let outcome = minster_sources::read(definition, file, seen, |table, batch| match &mut group {
        Some(group) if group.table == table && bytes < GROUP => {
            bytes += batch.byte_len();
            group.batches.push(batch);
            true
        }
        _ => {
            bytes = batch.byte_len();
            let full = group.replace(Group { table, batches: vec![batch] });
            full.is_none_or(|full| sender.send(Ok(full)).is_ok())
        }
    });
    // If nobody listens, the other side failed first and says why.
    let _ = match (outcome, group) {
        (Err(error), _) => sender.send(Err(error)),
        (Ok(()), Some(last)) => sender.send(Ok(last)),
        (Ok(()), None) => Ok(()),
    };
}

/// A cell, or a whole row, as people find it: by its letter and row in a spreadsheet, by its line in XML.
pub(crate) fn place_name(
    file: &PlannedFile,
    table: usize,
    column: Option<usize>,
    row: u64,
) -> String {
    let name = shown(&file.name);
    match column.and_then(|column| file.letter(table, column)) {
        Some(letter) => format!("{name} cell {letter}{row}"),
        None if file.counts_lines() => format!("{name} line {row}"),
        None => format!("{name} row {row}"),
    }
}

/// Gives an outlet what becomes of a file's rows.
pub(super) fn hand_out(
    file: &PlannedFile,
    tables: &[OpenTable],
    groups: mpsc::Receiver<Written>,
    sink: &mut dyn RowSink,
) -> Result<(), IngestError> {
    let mut headings = Vec::with_capacity(tables.len());
    for (place, OpenTable { name, plan, .. }) in tables.iter().enumerate() {
        let columns = plan.columns.iter().enumerate();
        let named =
            columns.map(|(column, planned)| (planned.name.as_str(), file.letter(place, column)));
        headings.push(Headings { place, table: name.as_str(), columns: named.collect() });
    }
    for Written { table, batches } in groups {
        for WrittenBatch { rows, parts, failed } in batches {
            sink.rows(table, &rows)?;
            if let Some(parts) = &parts {
                sink.parts(table, parts)?;
            }
            for failed in &failed {
                sink.failed(file, &headings[table], failed)?;
            }
        }
    }
    Ok(())
}
