use std::{
    io::{BufRead, BufReader},
    path::PathBuf,
    sync::Arc,
};

use csv_core::ReadRecordResult;

use crate::{
    Definition, PlanError, PlannedFile, RawBatch, ReadError, Reason, Seen,
    batch::LONGEST_FIELD,
    definition::Encoding,
    header, reason,
    text::{Mark, Text},
};

/// A row longer than this is no row: a quotation mark that is never closed takes in all that follows.
const LONGEST_ROW: usize = 1 << 20;
/// A batch is full at this many rows or bytes.
const BATCH_ROWS: usize = 32 << 10;
const BATCH_BYTES: usize = 4 << 20;

/// Reads one CSV file in batches of raw rows.
pub(crate) struct CsvReader {
    records: Records,
    encoding: Encoding,
    width: usize,
    places: Arc<[Option<usize>]>,
    row: u64,
    ended: bool,
}

impl CsvReader {
    /// Opens a planned file. `seen` is given every byte read, for the file's hash.
    pub(crate) fn open(
        definition: &Definition,
        file: &PlannedFile,
        seen: impl FnMut(&[u8]) + Send + 'static,
    ) -> Result<Self, ReadError> {
        let mut records = Records::open(definition, file, Box::new(seen))?;
        records.read()?;
        Ok(Self {
            encoding: definition.encoding,
            width: records.fields(),
            places: file.columns.as_slice().into(),
            row: 0,
            ended: false,
            records,
        })
    }

    /// The next batch; a column that the file lacks is always empty.
    pub(crate) fn next_batch(&mut self) -> Result<Option<RawBatch>, ReadError> {
        let mut batch = RawBatch::with_places(self.width, Arc::clone(&self.places));
        while !self.ended && batch.len() < BATCH_ROWS && batch.byte_len() < BATCH_BYTES {
            if !self.records.read()? {
                self.ended = true;
                break;
            }
            self.row += 1;
            self.take(&mut batch);
        }
        // Rows that are ASCII together are ASCII each: nearly all are looked at once.
        if !batch.bytes().is_ascii() {
            batch = self.decode(&batch);
        }
        Ok((!batch.is_empty()).then_some(batch))
    }

    fn take(&self, batch: &mut RawBatch) {
        let raw = self.records.bytes();
        if raw.trim_ascii().is_empty() {
            return batch.reject(self.row, Reason::BlankRow, raw);
        }
        if self.records.cells().next().is_some_and(reason::is_totals) {
            return batch.reject(self.row, Reason::TotalsRow, raw);
        }
        if self.records.fields() != self.width {
            return batch.reject(self.row, Reason::FieldCount, raw);
        }
        if raw.len() > LONGEST_FIELD && self.records.longest() > LONGEST_FIELD {
            return batch.reject(self.row, Reason::FieldTooLong, raw);
        }
        batch.push_whole(self.row, raw, self.records.ends());
    }

    /// The batch with each of its rows in UTF-8, or rejected.
    fn decode(&self, batch: &RawBatch) -> RawBatch {
        let mut decoded = RawBatch::with_places(self.width, Arc::clone(&self.places));
        for row in batch.rejected() {
            decoded.reject(row.number, row.reason, &row.raw);
        }
        for row in 0..batch.len() {
            let number = batch.number(row);
            let fields = || batch.fields(row);
            if fields().all(|field| std::str::from_utf8(field).is_ok()) {
                decoded.push(number, fields());
            } else if self.encoding == Encoding::Windows1252 {
                let texts: Vec<_> =
                    fields().map(|field| encoding_rs::WINDOWS_1252.decode(field).0).collect();
                decoded.push(number, texts.iter().map(|text| text.as_bytes()));
            } else {
                decoded.reject(number, Reason::Encoding, &fields().collect::<Vec<_>>().join(&b','));
            }
        }
        decoded
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
    let mut header = Records::open(definition, file, Box::new(|_| {}))?;
    if !header.read()? {
        return Err(PlanError::Empty { path: path.clone() });
    }
    if header.fields() > header::MOST_COLUMNS {
        return Err(PlanError::TooManyColumns { path: path.clone() });
    }
    let name = |cell: &[u8]| match std::str::from_utf8(cell) {
        Ok(name) => header::tidy(name),
        Err(_) if definition.encoding == Encoding::Windows1252 => {
            header::tidy(&encoding_rs::WINDOWS_1252.decode(cell).0)
        }
        Err(_) => String::new(),
    };
    Ok(header.cells().map(name).collect())
}

/// The records of a CSV file, one at a time, none longer than a row can be.
struct Records {
    path: PathBuf,
    input: BufReader<Text>,
    mark: Mark,
    parser: csv_core::Reader,
    /// The record's fields, one after another, without quotation marks.
    bytes: Vec<u8>,
    length: usize,
    ends: Vec<usize>,
    fields: usize,
    /// Bytes that were read.
    at: u64,
}

impl Records {
    fn open(definition: &Definition, file: &PlannedFile, seen: Seen) -> Result<Self, ReadError> {
        let text = Text::open(file, definition.encoding, seen)?;
        let mut parser = csv_core::ReaderBuilder::new();
        Ok(Self {
            path: file.path.clone(),
            mark: text.mark(),
            input: BufReader::with_capacity(1 << 20, text),
            parser: parser.delimiter(definition.delimiter.byte()).build(),
            bytes: vec![0; 4 << 10],
            length: 0,
            ends: vec![0; 64],
            fields: 0,
            at: 0,
        })
    }

    /// Reads the next record; none is left where it gives `false`.
    fn read(&mut self) -> Result<bool, ReadError> {
        (self.length, self.fields) = (0, 0);
        loop {
            let io = |source| ReadError::Io { path: self.path.clone(), source };
            let input = self.input.fill_buf().map_err(io)?;
            let (result, read, written, ended) = self.parser.read_record(
                input,
                &mut self.bytes[self.length..],
                &mut self.ends[self.fields..],
            );
            self.input.consume(read);
            self.at += read as u64;
            self.length += written;
            self.fields += ended;
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull if self.bytes.len() < LONGEST_ROW => {
                    self.bytes.resize(2 * self.bytes.len(), 0);
                }
                ReadRecordResult::OutputFull => {
                    return Err(self.malformed(
                        "a row is longer than any row can be (is a quotation mark never closed?)",
                    ));
                }
                ReadRecordResult::OutputEndsFull if self.ends.len() <= header::MOST_COLUMNS => {
                    self.ends.resize(2 * self.ends.len(), 0);
                }
                ReadRecordResult::OutputEndsFull => {
                    return Err(
                        self.malformed("a row has more fields than the 16384 of any layout")
                    );
                }
                ReadRecordResult::Record => {
                    self.mark.set(self.at);
                    return Ok(true);
                }
                ReadRecordResult::End => return Ok(false),
            }
        }
    }

    fn malformed(&self, what: &'static str) -> ReadError {
        ReadError::Malformed { path: self.path.clone(), what, at: self.at }
    }

    fn fields(&self) -> usize {
        self.fields
    }

    fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    fn ends(&self) -> &[usize] {
        &self.ends[..self.fields]
    }

    fn cells(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.ends().iter().copied());
        starts.zip(self.ends()).map(|(start, &end)| &self.bytes[start..end])
    }

    fn longest(&self) -> usize {
        self.cells().map(<[u8]>::len).max().unwrap_or_default()
    }
}
