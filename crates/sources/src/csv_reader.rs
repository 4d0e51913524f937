use std::sync::Arc;

use crate::{
    Definition, PlanError, PlannedFile, RawBatch, ReadError, Reason, batch::LONGEST_FIELD,
    csv_records::Records, definition::Encoding, header, reason,
};

/// A batch is full at this many rows or bytes.
const BATCH_ROWS: usize = 32 << 10;
const BATCH_BYTES: usize = 4 << 20;

/// Reads one CSV file in batches of raw rows.
pub(crate) struct CsvReader {
    records: Records,
    encoding: Encoding,
    width: usize,
    places: Arc<[Option<usize>]>,
    delimiter: u8,
    row: u64,
    /// Rows of the last block: the next one has about as many.
    expected: usize,
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
            delimiter: definition.delimiter.byte(),
            row: 0,
            expected: 0,
            records,
        })
    }

    /// The next batch; a column that the file lacks is always empty.
    pub(crate) fn next_batch(&mut self) -> Result<Option<RawBatch>, ReadError> {
        while let Some(block) = self.records.block()? {
            let batch = match memchr::memchr(b'\r', &block) {
                None => self.split(memchr::memchr2_iter(self.delimiter, b'\n', &block), &block),
                Some(_) => {
                    self.split(memchr::memchr3_iter(self.delimiter, b'\n', b'\r', &block), &block)
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
        let mut batch = RawBatch::with_places(self.width, Arc::clone(&self.places));
        batch.reserve(self.expected + self.expected / 16);
        let mut start = 0;
        // The last line of a file may have no end.
        for at in separators.chain(std::iter::once(block.len())) {
            let ends_row = block.get(at) != Some(&self.delimiter);
            // Where nothing stands at all, csv_core sees no row either.
            if !(ends_row && at == start) {
                batch.end_field(at);
            }
            let ends = batch.open_row();
            if ends.len() > header::MOST_COLUMNS {
                return Err(self.records.too_wide());
            }
            if !ends_row {
                continue;
            }
            if !ends.is_empty() {
                self.row += 1;
                let starts = std::iter::once(start).chain(ends.iter().map(|end| *end as usize + 1));
                let fields = starts.zip(ends).map(|(start, end)| &block[start..*end as usize]);
                match self.judge(at - start, ends.len(), fields.clone()) {
                    None => batch.end_row(self.row, start),
                    Some(reason) => {
                        let raw = fields.collect::<Vec<_>>().concat();
                        batch.drop_row();
                        batch.reject(self.row, reason, &raw);
                    }
                }
            }
            start = at + 1;
        }
        self.expected = batch.len();
        Ok(batch)
    }

    /// A batch of rows of any kind.
    fn parse(&mut self) -> Result<RawBatch, ReadError> {
        let mut batch = RawBatch::with_places(self.width, Arc::clone(&self.places));
        while batch.len() < BATCH_ROWS && batch.byte_len() < BATCH_BYTES && self.records.read()? {
            self.row += 1;
            let raw = self.records.bytes();
            match self.judge(raw.len(), self.records.fields(), self.records.cells()) {
                None => batch.push_whole(self.row, raw, self.records.ends()),
                Some(reason) => batch.reject(self.row, reason, raw),
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
        if fields.clone().all(|field| field.trim_ascii().is_empty()) {
            return Some(Reason::BlankRow);
        }
        if fields.clone().next().is_some_and(reason::is_totals) {
            return Some(Reason::TotalsRow);
        }
        if count != self.width {
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
