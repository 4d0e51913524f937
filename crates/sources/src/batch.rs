//! Raw rows as they pass, many at once, in one buffer.

use std::sync::Arc;

use crate::Reason;

/// No real cell is longer, in bytes; a longer one sends its row to quarantine.
pub(crate) const LONGEST_FIELD: usize = 64 << 10;

/// Rows of one table, field after field in one buffer. `Debug` is left out on purpose.
#[derive(Default)]
pub struct RawBatch {
    bytes: Vec<u8>,
    /// Where each row begins in `bytes`.
    starts: Vec<u32>,
    /// Where each field ends in `bytes`, row after row.
    ends: Vec<u32>,
    /// Bytes between two fields of a row: a delimiter, where rows stand as they were read.
    between: u32,
    /// Fields of a row as it was read.
    width: usize,
    /// For each of the table's columns, which field it is; an absent column is always empty.
    places: Arc<[Option<usize>]>,
    numbers: Vec<u64>,
    /// XML: each row's unit.
    units: Vec<u32>,
    rejected: Vec<Rejected>,
    rejected_bytes: usize,
}

/// No more bytes than these are held of a row that is no row.
const LONGEST_REJECTED: usize = 64 << 10;

/// A row that could not even be split into its fields.
pub struct Rejected {
    /// Its number in the file, as [`RawBatch::number`] counts.
    pub number: u64,
    /// Why.
    pub reason: Reason,
    /// The row's bytes, or their start: for the sealed quarantine alone.
    pub raw: Vec<u8>,
}

impl RawBatch {
    /// An empty batch of rows whose fields are the table's columns.
    pub fn new(columns: usize) -> Self {
        Self::with_places(columns, (0..columns).map(Some).collect())
    }

    /// An empty batch of rows with `width` fields each, of which the table's columns are those at
    /// `places`, in the table's order.
    pub fn with_places(width: usize, places: Arc<[Option<usize>]>) -> Self {
        Self { width, places, ..Self::default() }
    }

    /// Makes room for so many more rows.
    pub(crate) fn reserve(&mut self, rows: usize) {
        self.starts.reserve(rows);
        self.ends.reserve(rows * self.width);
        self.numbers.reserve(rows);
    }

    /// Adds a row: its number in the file and its fields, as many as the batch is wide.
    pub fn push<'a>(&mut self, number: u64, fields: impl Iterator<Item = &'a [u8]>) {
        debug_assert_eq!(self.between, 0);
        let before = self.ends.len();
        self.starts.push(self.bytes.len() as u32);
        for field in fields {
            self.bytes.extend_from_slice(field);
            self.ends.push(self.bytes.len() as u32);
        }
        debug_assert_eq!(self.ends.len() - before, self.width);
        self.numbers.push(number);
    }

    /// Says of which unit all rows are that were added since this was last said.
    pub(crate) fn end_unit(&mut self, unit: u32) {
        self.units.resize(self.numbers.len(), unit);
    }

    /// The unit of each row in order, counted through the delivery; nothing where rows stand in no unit.
    pub fn units(&self) -> &[u32] {
        &self.units
    }

    /// Adds a row whose fields stand one after another in `bytes` and end at `ends`.
    pub(crate) fn push_whole(&mut self, number: u64, bytes: &[u8], ends: &[usize]) {
        debug_assert_eq!((ends.len(), self.between), (self.width, 0));
        let start = self.bytes.len();
        self.starts.push(start as u32);
        self.bytes.extend_from_slice(bytes);
        self.ends.extend(ends.iter().map(|end| (start + end) as u32));
        self.numbers.push(number);
    }

    /// Takes text as it was read, whose rows were marked with [`RawBatch::end_field`] and [`RawBatch::end_row`]: a
    /// byte, the delimiter, between two fields.
    pub(crate) fn hold(&mut self, text: Vec<u8>) {
        debug_assert!(self.bytes.is_empty());
        (self.bytes, self.between) = (text, 1);
    }

    /// Says where a field of the next row ends in the text that is to be held.
    pub(crate) fn end_field(&mut self, end: usize) {
        self.ends.push(end as u32);
    }

    /// The ends of the fields of the row that did not end yet.
    pub(crate) fn open_row(&self) -> &[u32] {
        &self.ends[self.starts.len() * self.width..]
    }

    /// Says that the row ends which begins at `start` in the text that is to be held.
    pub(crate) fn end_row(&mut self, number: u64, start: usize) {
        debug_assert!(self.open_row().len() >= self.width);
        // The fields behind the last column that has a name are blank.
        self.ends.truncate((self.starts.len() + 1) * self.width);
        self.starts.push(start as u32);
        self.numbers.push(number);
    }

    /// Forgets the fields of the row that did not end yet.
    pub(crate) fn drop_row(&mut self) {
        self.ends.truncate(self.starts.len() * self.width);
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

    /// Bytes held, those of rejected rows and of the places of fields included.
    pub fn byte_len(&self) -> usize {
        let places = (self.starts.len() + self.ends.len() + self.units.len()) * size_of::<u32>();
        self.bytes.len() + self.rejected_bytes + places + self.numbers.len() * size_of::<u64>()
    }

    /// Whether every field is UTF-8.
    pub(crate) fn is_utf8(&self) -> bool {
        let utf8 = |bytes| std::str::from_utf8(bytes).is_ok();
        let together = match self.between {
            // Two halves of a character are UTF-8 together and not alone.
            0 => self.bytes.is_ascii(),
            // A delimiter is ASCII, and part of no other character.
            _ => utf8(&self.bytes),
        };
        together || (0..self.len()).all(|row| self.fields(row).all(utf8))
    }

    /// How many columns the table has.
    pub fn columns(&self) -> usize {
        self.places.len()
    }

    /// A column's field of every row in order; an absent column has none.
    pub fn column(&self, column: usize) -> Option<impl ExactSizeIterator<Item = &[u8]>> {
        let place = self.places[column]?;
        Some((0..self.len()).map(move |row| self.at(row, place)))
    }

    /// The number of a row in its file: of a table the row as a spreadsheet shows it, of XML the line on which the record
    /// begins.
    pub fn number(&self, row: usize) -> u64 {
        self.numbers[row]
    }

    /// One field.
    #[inline]
    pub fn field(&self, row: usize, column: usize) -> &[u8] {
        self.places[column].map_or(&[], |place| self.at(row, place))
    }

    /// A row's fields as they were read.
    pub(crate) fn fields(&self, row: usize) -> impl Iterator<Item = &[u8]> {
        (0..self.width).map(move |place| self.at(row, place))
    }

    /// The rows that could not be split.
    pub fn rejected(&self) -> &[Rejected] {
        &self.rejected
    }

    #[inline]
    fn at(&self, row: usize, place: usize) -> &[u8] {
        let field = row * self.width + place;
        let start = match place {
            0 => self.starts[row],
            _ => self.ends[field - 1] + self.between,
        };
        &self.bytes[start as usize..self.ends[field] as usize]
    }
}
