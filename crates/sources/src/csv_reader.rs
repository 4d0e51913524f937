use std::{fs::File, path::Path};

use crate::{
    Definition, PlanError, PlannedFile, RawBatch, ReadError, Reason, definition::Encoding,
};

/// No real cell is longer; a longer one sends its row to quarantine.
const LONGEST_FIELD: usize = 8 << 10;
/// A batch is full at this many rows or bytes.
const BATCH_ROWS: usize = 32 << 10;
const BATCH_BYTES: usize = 4 << 20;

/// Reads one CSV file in batches of raw rows.
pub struct CsvReader {
    reader: csv::Reader<Counted>,
    record: csv::ByteRecord,
    file: PlannedFile,
    encoding: Encoding,
    width: usize,
    row: u64,
    ended: bool,
}

impl CsvReader {
    /// Opens a planned file. `seen` is given every byte read, for the file's hash.
    pub fn open(
        definition: &Definition,
        file: &PlannedFile,
        seen: impl FnMut(&[u8]) + Send + 'static,
    ) -> Result<Self, ReadError> {
        let io = |source| ReadError::Io { path: file.path.clone(), source };
        let inner = File::open(&file.path).map_err(io)?;
        let mut reader = builder().from_reader(Counted { inner, seen: Box::new(seen) });
        let width = reader.byte_headers().map_err(|error| wrong(&file.path, error))?.len();
        Ok(Self {
            reader,
            record: csv::ByteRecord::new(),
            file: file.clone(),
            encoding: definition.encoding,
            width,
            row: 0,
            ended: false,
        })
    }

    /// The next batch: for each row the table's columns in the definition's order, an absent
    /// column's field being empty.
    pub fn next_batch(&mut self) -> Result<Option<RawBatch>, ReadError> {
        let mut batch = RawBatch::new(self.file.columns.len());
        while !self.ended && batch.len() < BATCH_ROWS && batch.byte_len() < BATCH_BYTES {
            let more = self.reader.read_byte_record(&mut self.record);
            if !more.map_err(|error| wrong(&self.file.path, error))? {
                self.ended = true;
                break;
            }
            self.row += 1;
            self.take(&mut batch);
        }
        Ok((!batch.is_empty()).then_some(batch))
    }

    fn take(&self, batch: &mut RawBatch) {
        let raw = self.record.as_slice();
        if self.record.iter().all(<[u8]>::is_empty) || raw.trim_ascii().is_empty() {
            return batch.reject(self.row, Reason::BlankRow, raw);
        }
        if self.record.len() != self.width {
            return batch.reject(self.row, Reason::FieldCount, raw);
        }
        if self.record.iter().any(|field| field.len() > LONGEST_FIELD) {
            return batch.reject(self.row, Reason::FieldTooLong, &raw[..LONGEST_FIELD]);
        }
        let fields = |record: &csv::ByteRecord, batch: &mut RawBatch| {
            batch.push(
                self.row,
                self.file
                    .columns
                    .iter()
                    .map(|place| place.and_then(|place| record.get(place)).unwrap_or_default()),
            );
        };
        if std::str::from_utf8(raw).is_ok() {
            fields(&self.record, batch);
        } else if self.encoding == Encoding::Windows1252 {
            let decoded: csv::ByteRecord = self
                .record
                .iter()
                .map(|field| encoding_rs::WINDOWS_1252.decode(field).0.into_owned().into_bytes())
                .collect();
            fields(&decoded, batch);
        } else {
            batch.reject(self.row, Reason::Encoding, raw);
        }
    }
}

/// Compares the header with the table's columns; gives each column's place in the file.
pub(crate) fn plan_columns(
    definition: &Definition,
    table: usize,
    path: &Path,
) -> Result<Vec<Option<usize>>, PlanError> {
    let table = &definition.tables[table];
    let inner =
        File::open(path).map_err(|source| ReadError::Io { path: path.to_owned(), source })?;
    let mut reader = builder().from_reader(inner);
    let header = reader.byte_headers().map_err(|error| wrong(path, error))?;
    if header.is_empty() {
        return Err(PlanError::Empty { path: path.to_owned() });
    }
    let mut names: Vec<String> = Vec::with_capacity(header.len());
    for (cell, place) in header.iter().zip(1..) {
        let cell =
            if place == 1 { cell.strip_prefix(b"\xef\xbb\xbf").unwrap_or(cell) } else { cell };
        let name = std::str::from_utf8(cell).unwrap_or_default().trim();
        // A cell that is no name may be a row's value: it is not repeated.
        if name.parse::<minster_model::ColumnName>().is_err() {
            return Err(PlanError::NotAHeader { path: path.to_owned(), place });
        }
        names.push(name.to_owned());
    }
    // Where most names are unknown the header row may be missing, and a name be a row's value.
    let known = names.iter().filter(|name| table.columns.contains_key(*name)).count();
    if 2 * known < names.len() {
        return Err(PlanError::NotAHeader { path: path.to_owned(), place: 1 });
    }
    let twice = names.iter().enumerate().find(|(place, name)| names[..*place].contains(name));
    if let Some((_, name)) = twice {
        return Err(PlanError::TwoColumns { path: path.to_owned(), name: name.clone() });
    }
    let missing =
        table.columns.iter().find(|(name, column)| !column.optional && !names.contains(name));
    if let Some(name) = names.iter().find(|name| !table.columns.contains_key(*name)) {
        return Err(PlanError::Unlisted {
            path: path.to_owned(),
            what: "column",
            name: name.clone(),
            source_name: definition.name.to_string(),
        });
    }
    if let Some((name, _)) = missing {
        return Err(PlanError::MissingColumn { path: path.to_owned(), name: name.clone() });
    }
    Ok(table.columns.keys().map(|name| names.iter().position(|n| n == name)).collect())
}

fn builder() -> csv::ReaderBuilder {
    let mut builder = csv::ReaderBuilder::new();
    builder.flexible(true).buffer_capacity(1 << 20);
    builder
}

fn wrong(path: &Path, error: csv::Error) -> ReadError {
    let at = error.position().map_or(0, csv::Position::byte);
    match error.into_kind() {
        csv::ErrorKind::Io(source) => ReadError::Io { path: path.to_owned(), source },
        _ => ReadError::Malformed { path: path.to_owned(), what: "the CSV is malformed", at },
    }
}

struct Counted {
    inner: File,
    seen: crate::Seen,
}

impl std::io::Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.inner.read(buffer)?;
        (self.seen)(&buffer[..count]);
        Ok(count)
    }
}
