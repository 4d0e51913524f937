use std::sync::Arc;

use crate::{
    Definition, PlanError, PlannedFile, RawBatch, ReadError, Reason,
    batch::LONGEST_FIELD,
    csv_dialect::{self, DialectAndHeader},
    csv_records::Records,
    definition::Encoding,
    planned_file::{Dialect, MOST_COLUMNS},
    reason,
};

/// A batch is full at this many rows or bytes.
const BATCH_ROWS: usize = 32 << 10;
const BATCH_BYTES: usize = 4 << 20;

/// Reads one CSV file in batches of raw rows. Their numbers are those that a spreadsheet shows.
pub(crate) struct CsvReader {
    records: Records,
    dialect: Dialect,
    places: Arc<[Option<usize>]>,
    /// Rows of the last block: the next one has about as many.
    expected: usize,
}

impl CsvReader {
    /// Opens a planned file. `seen` is given every byte read, for the file's hash.
    pub(crate) fn open(
        file: &PlannedFile,
        seen: impl FnMut(&[u8]) + Send + 'static,
    ) -> Result<Self, ReadError> {
        let dialect = file.dialect;
        let mut records = Records::open(file, &dialect, Box::new(seen))?;
        for _ in 0..dialect.header {
            records.read()?;
        }
        Ok(Self { places: file.columns.as_slice().into(), dialect, expected: 0, records })
    }

    /// The next batch; a column that the file lacks is always empty.
    pub(crate) fn next_batch(&mut self) -> Result<Option<RawBatch>, ReadError> {
        let delimiter = self.dialect.delimiter.byte();
        while let Some(block) = self.records.block()? {
            let batch = match memchr::memchr(b'\r', &block) {
                None => self.split(memchr::memchr2_iter(delimiter, b'\n', &block), &block),
                Some(_) => {
                    self.split(memchr::memchr3_iter(delimiter, b'\n', b'\r', &block), &block)
                }
            };
            let mut batch = batch?;
            batch.hold(block);
            if !batch.is_empty() {
                return Ok(Some(self.decode(batch)));
            }
        }
        let batch = self.parse()?;
        Ok((!batch.is_empty()).then(|| self.decode(batch)))
    }

    /// The rows of a block, where they stand: without a quotation mark, delimiters and line ends are all there is.
    fn split(
        &mut self,
        separators: impl Iterator<Item = usize>,
        block: &[u8],
    ) -> Result<RawBatch, ReadError> {
        let mut batch = RawBatch::with_places(self.dialect.width, Arc::clone(&self.places));
        batch.reserve(self.expected + self.expected / 16);
        let delimiter = self.dialect.delimiter.byte();
        let mut start = 0;
        let (mut lines, mut row) = (self.records.passed(), self.records.row());
        // The last line of a file may have no end.
        for at in separators.chain(std::iter::once(block.len())) {
            let end = block.get(at).copied();
            let ends_row = end != Some(delimiter);
            // Where nothing stands at all, csv_core sees no row either.
            if !(ends_row && at == start) {
                batch.end_field(at);
            }
            let ends = batch.open_row();
            if ends.len() > MOST_COLUMNS {
                return Err(self.records.too_wide());
            }
            if !ends_row {
                continue;
            }
            if !ends.is_empty() {
                row = (lines + 1).max(row + 1);
                let starts = std::iter::once(start).chain(ends.iter().map(|end| *end as usize + 1));
                let fields = starts.zip(ends).map(|(start, end)| &block[start..*end as usize]);
                match self.judge(at - start, ends.len(), fields.clone()) {
                    None => batch.end_row(row, start),
                    Some(reason) => {
                        let raw = fields.collect::<Vec<_>>().concat();
                        batch.drop_row();
                        batch.reject(row, reason, &raw);
                    }
                }
            }
            lines += u64::from(end == Some(b'\n'));
            start = at + 1;
        }
        self.records.pass(lines, row);
        self.expected = batch.len();
        Ok(batch)
    }

    /// A batch of rows of any kind.
    fn parse(&mut self) -> Result<RawBatch, ReadError> {
        let width = self.dialect.width;
        let mut batch = RawBatch::with_places(width, Arc::clone(&self.places));
        while batch.len() < BATCH_ROWS && batch.byte_len() < BATCH_BYTES && self.records.read()? {
            let (row, raw) = (self.records.row(), self.records.bytes());
            match self.judge(raw.len(), self.records.fields(), self.records.cells()) {
                None => batch.push_whole(row, raw, &self.records.ends()[..width]),
                Some(reason) => batch.reject(row, reason, raw),
            }
        }
        Ok(batch)
    }

    /// Why a row is none, if it is none.
    fn judge<'a>(
        &self,
        length: usize,
        count: usize,
        mut fields: impl Iterator<Item = &'a [u8]> + Clone,
    ) -> Option<Reason> {
        let (width, blank_ends) = (self.dialect.width, self.dialect.blank_ends);
        // Nearly every row has its columns, and its first two cells tell that it is none of the kinds below.
        let mut first = fields.clone();
        if count == width
            && length <= LONGEST_FIELD
            && first.next().is_some_and(reason::begins_a_row)
            && first.next().and_then(<[u8]>::first).is_some_and(u8::is_ascii_graphic)
        {
            return None;
        }
        let blank = |field: &[u8]| field.trim_ascii().is_empty();
        let mut filled = fields.clone().filter(|field| !blank(field));
        match (filled.next(), filled.next()) {
            (None, _) => return Some(Reason::BlankRow),
            (Some(only), None) if blank_ends && reason::is_note(width, only) => {
                return Some(Reason::NoteRow);
            }
            _ => {}
        }
        if fields.clone().next().is_some_and(reason::is_totals) {
            return Some(Reason::TotalsRow);
        }
        let only_blank_more =
            || blank_ends && count > width && fields.clone().skip(width).all(blank);
        if count != width && !only_blank_more() {
            return Some(Reason::FieldCount);
        }
        let long = length > LONGEST_FIELD && fields.any(|field| field.len() > LONGEST_FIELD);
        long.then_some(Reason::FieldTooLong)
    }

    /// The batch with each of its rows in UTF-8, or rejected.
    fn decode(&self, batch: RawBatch) -> RawBatch {
        if batch.is_utf8() {
            return batch;
        }
        let mut decoded = RawBatch::with_places(self.dialect.width, Arc::clone(&self.places));
        for row in batch.rejected() {
            decoded.reject(row.number, row.reason, &row.raw);
        }
        for row in 0..batch.len() {
            let number = batch.number(row);
            let fields = || batch.fields(row);
            if fields().all(|field| std::str::from_utf8(field).is_ok()) {
                decoded.push(number, fields());
            } else if self.dialect.encoding == Encoding::Windows1252 {
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

/// Finds the header and compares it with the table's columns.
pub(crate) fn plan_columns(
    definition: &Definition,
    file: &mut PlannedFile,
) -> Result<(), PlanError> {
    let table = &definition.tables[file.tables[0]];
    let DialectAndHeader { dialect, columns, notes } = csv_dialect::find(definition, table, file)?;
    (file.dialect, file.columns, file.notes) = (dialect, columns, notes);
    Ok(())
}
