//! Raw rows as they pass, many at once, in one buffer.

use crate::Reason;

/// Rows of one table, field after field in one buffer. `Debug` is left out on purpose.
#[derive(Default)]
pub struct RawBatch {
    bytes: Vec<u8>,
    ends: Vec<usize>,
    width: usize,
    numbers: Vec<u64>,
    rejected: Vec<Rejected>,
    rejected_bytes: usize,
}

/// Of a row that is no row, no more bytes are held than these.
const LONGEST_REJECTED: usize = 64 << 10;

/// A row that could not even be split into its fields.
pub struct Rejected {
    /// Its number in the file, from 1.
    pub number: u64,
    /// Why.
    pub reason: Reason,
    /// What stood there, or its start: for the sealed quarantine alone.
    pub raw: Vec<u8>,
}

impl RawBatch {
    /// An empty batch of rows with `width` fields.
    pub fn new(width: usize) -> Self {
        Self { width, ..Self::default() }
    }

    /// Adds a row: its number in the file and its fields.
    pub fn push<'a>(&mut self, number: u64, fields: impl Iterator<Item = &'a [u8]>) {
        let before = self.ends.len();
        for field in fields {
            self.bytes.extend_from_slice(field);
            self.ends.push(self.bytes.len());
        }
        debug_assert_eq!(self.ends.len() - before, self.width);
        self.numbers.push(number);
    }

    /// Adds a row that is no row.
    pub fn reject(&mut self, number: u64, reason: Reason, raw: &[u8]) {
        let raw = raw[..raw.len().min(LONGEST_REJECTED)].to_vec();
        self.rejected_bytes += raw.len() + size_of::<Rejected>();
        self.rejected.push(Rejected { number, reason, raw });
    }

    /// Rows that have fields.
    pub fn len(&self) -> usize {
        self.numbers.len()
    }

    /// Whether there is nothing in it, not even a rejected row.
    pub fn is_empty(&self) -> bool {
        self.numbers.is_empty() && self.rejected.is_empty()
    }

    /// Bytes held, those of rejected rows included.
    pub fn byte_len(&self) -> usize {
        self.bytes.len() + self.rejected_bytes
    }

    /// All rows.
    pub fn rows(&self) -> impl Iterator<Item = RawRow<'_>> {
        (0..self.len()).map(|row| RawRow { batch: self, row })
    }

    /// The rows that could not be split.
    pub fn rejected(&self) -> &[Rejected] {
        &self.rejected
    }
}

/// One row of a batch.
#[derive(Clone, Copy)]
pub struct RawRow<'a> {
    batch: &'a RawBatch,
    row: usize,
}

impl<'a> RawRow<'a> {
    /// The row's number in its file, from 1 (the header is not counted).
    pub fn number(self) -> u64 {
        self.batch.numbers[self.row]
    }

    /// A field's bytes.
    pub fn field(self, column: usize) -> &'a [u8] {
        let at = self.row * self.batch.width + column;
        &self.batch.bytes[self.start(at)..self.batch.ends[at]]
    }

    /// All of the row's bytes, and where its fields end: equal for equal rows alone.
    pub fn content(self) -> (&'a [u8], impl Iterator<Item = usize>) {
        let first = self.row * self.batch.width;
        let start = self.start(first);
        let ends = &self.batch.ends[first..first + self.batch.width];
        let end = ends.last().copied().unwrap_or(start);
        (&self.batch.bytes[start..end], ends.iter().map(move |end| end - start))
    }

    fn start(self, at: usize) -> usize {
        if at == 0 { 0 } else { self.batch.ends[at - 1] }
    }
}
