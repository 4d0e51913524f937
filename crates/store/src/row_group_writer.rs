//! A table whose row groups are encoded on several cores, and appended in order: encoding is most of what writing costs.

use std::{
    collections::BTreeMap,
    io::BufWriter,
    path::PathBuf,
    sync::{Mutex, PoisonError},
};

use arrow::{array::RecordBatch, datatypes::SchemaRef};
use minster_model::TableName;
use parquet::{
    arrow::arrow_writer::{ArrowColumnChunk, ArrowRowGroupWriterFactory, compute_leaves},
    errors::ParquetError,
    file::writer::SerializedFileWriter,
};

use crate::{
    StoreError, TableEntry,
    files::HashedFile,
    table::{Written, failed},
};

/// Writes one table, row group by row group.
///
/// Row groups may be given by several threads, in any order: each is written once all before it are. Waiting ones are held, so that they should come nearly in order.
pub struct RowGroupWriter {
    encoder: ArrowRowGroupWriterFactory,
    path: PathBuf,
    name: TableName,
    schema: SchemaRef,
    state: Mutex<State>,
}

struct State {
    writer: SerializedFileWriter<BufWriter<HashedFile>>,
    next: usize,
    waiting: BTreeMap<usize, Encoded>,
    rows: u64,
    has_failed: bool,
}

/// A row group as it will stand in the file.
struct Encoded {
    columns: Vec<ArrowColumnChunk>,
    rows: u64,
}

impl RowGroupWriter {
    pub(crate) fn new(
        (writer, encoder): (
            SerializedFileWriter<BufWriter<HashedFile>>,
            ArrowRowGroupWriterFactory,
        ),
        (path, name, schema): (PathBuf, TableName, SchemaRef),
    ) -> Self {
        let state = State { writer, next: 0, waiting: BTreeMap::new(), rows: 0, has_failed: false };
        Self { encoder, path, name, schema, state: Mutex::new(state) }
    }

    /// Writes one row group, given its place among them from 0 and its rows.
    ///
    /// # Errors
    /// Those of the rows; [`StoreError`] where they do not fit the table, or the file cannot be written.
    pub fn write<E: From<StoreError>>(
        &self,
        place: usize,
        batches: impl Iterator<Item = Result<RecordBatch, E>>,
    ) -> Result<(), E> {
        let failed = failed("written", &self.path);
        let mut columns = self.encoder.create_column_writers(place).map_err(&failed)?;
        let mut rows = 0;
        for batch in batches {
            let batch = batch?;
            rows += batch.num_rows() as u64;
            let all = self.schema.fields().iter().zip(batch.columns()).zip(&mut columns);
            for ((field, values), column) in all {
                // Tables have no nested columns: each field has one leaf.
                for leaf in compute_leaves(field, values).map_err(&failed)? {
                    column.write(&leaf).map_err(&failed)?;
                }
            }
        }
        let columns: Result<_, ParquetError> = columns.into_iter().map(|one| one.close()).collect();
        let encoded = Encoded { columns: columns.map_err(&failed)?, rows };
        // A thread that panicked while it appended leaves a file that is never published.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.waiting.insert(place, encoded);
        state.append().map_err(&failed)?;
        Ok(())
    }

    /// Makes the table durable and describes it for the manifest.
    ///
    /// # Errors
    /// [`StoreError`] where the file cannot be written, or has other rows than these: a row group was never given.
    pub fn finish(self, rows: u64) -> Result<TableEntry, StoreError> {
        let Self { path, name, schema, state, .. } = self;
        let state = state.into_inner().unwrap_or_else(PoisonError::into_inner);
        if state.rows != rows {
            let gap = ParquetError::General("a row group is missing".into());
            return Err(failed("written", &path)(gap));
        }
        let buffer = state.writer.into_inner().map_err(failed("written", &path))?;
        Written { buffer, path, name, schema, rows: state.rows }.entry()
    }
}

impl State {
    /// Appends those that may be: all before them are in the file. After a failure none is held.
    fn append(&mut self) -> Result<(), ParquetError> {
        let appended = self.append_next();
        self.has_failed |= appended.is_err();
        if self.has_failed {
            self.waiting.clear();
        }
        appended
    }

    fn append_next(&mut self) -> Result<(), ParquetError> {
        if self.has_failed {
            return Err(ParquetError::General("a row group before it could not be written".into()));
        }
        while let Some(Encoded { columns, rows }) = self.waiting.remove(&self.next) {
            let mut group = self.writer.next_row_group()?;
            for column in columns {
                column.append_to_row_group(&mut group)?;
            }
            group.close()?;
            self.next += 1;
            self.rows += rows;
        }
        Ok(())
    }
}
