use std::path::Path;

use crate::{
    Definition, PlanError, PlannedFile, RawBatch, ReadError, Reason,
    definition::Encoding,
    header, reason,
    text::{Mark, Text},
};

/// No real cell is longer; a longer one sends its row to quarantine.
const LONGEST_FIELD: usize = 8 << 10;
/// A batch is full at this many rows or bytes.
const BATCH_ROWS: usize = 32 << 10;
const BATCH_BYTES: usize = 4 << 20;

/// Reads one CSV file in batches of raw rows.
pub struct CsvReader {
    reader: csv::Reader<Text>,
    mark: Mark,
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
        let text = Text::open(file, definition.encoding, Box::new(seen))?;
        let mark = text.mark();
        let mut reader = builder(definition).from_reader(text);
        let width = reader.byte_headers().map_err(|error| wrong(&file.path, error))?.len();
        Ok(Self {
            reader,
            mark,
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
            self.mark.set(self.reader.position().byte());
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
        if self.record.get(0).is_some_and(reason::is_totals) {
            return batch.reject(self.row, Reason::TotalsRow, raw);
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
    file: &PlannedFile,
) -> Result<Vec<Option<usize>>, PlanError> {
    let names = names(definition, file)?;
    header::compare(&definition.tables[file.tables[0]], &names).places(definition, &file.path)
}

/// The header's cells.
pub(crate) fn names(definition: &Definition, file: &PlannedFile) -> Result<Vec<String>, PlanError> {
    let path = &file.path;
    let text = Text::open(file, definition.encoding, Box::new(|_| {}))?;
    let mut reader = builder(definition).from_reader(text);
    let header = reader.byte_headers().map_err(|error| wrong(path, error))?;
    if header.is_empty() {
        return Err(PlanError::Empty { path: path.clone() });
    }
    if header.len() > header::MOST_COLUMNS {
        return Err(PlanError::TooManyColumns { path: path.clone() });
    }
    Ok((1..)
        .zip(header)
        .map(|(place, cell)| {
            let mark = if place == 1 { cell.strip_prefix(b"\xef\xbb\xbf") } else { None };
            let cell = mark.unwrap_or(cell);
            match std::str::from_utf8(cell) {
                Ok(name) => header::tidy(name),
                Err(_) if definition.encoding == Encoding::Windows1252 => {
                    header::tidy(&encoding_rs::WINDOWS_1252.decode(cell).0)
                }
                Err(_) => String::new(),
            }
        })
        .collect())
}

fn builder(definition: &Definition) -> csv::ReaderBuilder {
    let mut builder = csv::ReaderBuilder::new();
    builder.flexible(true).buffer_capacity(1 << 20).delimiter(definition.delimiter.byte());
    builder
}

fn wrong(path: &Path, error: csv::Error) -> ReadError {
    let at = error.position().map_or(0, csv::Position::byte);
    match error.into_kind() {
        csv::ErrorKind::Io(source) => ReadError::Io { path: path.to_owned(), source },
        _ => ReadError::Malformed { path: path.to_owned(), what: "the CSV is malformed", at },
    }
}
