//! The records of a CSV file: one at a time, or many lines at once where no quotation mark stands.

use std::{
    io::{self, Read},
    path::PathBuf,
};

use csv_core::ReadRecordResult;

use crate::{
    ByteObserver, PlannedFile, ReadError,
    planned_file::{Dialect, MOST_COLUMNS},
    text::{RecordMark, Text},
};

/// A row longer than this is no row: a quotation mark that is never closed takes in all that follows.
const LONGEST_ROW: usize = 1 << 20;
/// Bytes that are read at once, and a block at most: what is made of a block stays in a core's own cache.
const BLOCK: usize = 256 << 10;

/// The records of a CSV file, one at a time, none longer than a row can be.
pub(crate) struct Records {
    path: PathBuf,
    input: Input,
    mark: RecordMark,
    parser: csv_core::Reader,
    /// The record's fields, one after another, without quotation marks.
    bytes: Vec<u8>,
    length: usize,
    ends: Vec<usize>,
    fields: usize,
    /// Bytes that were read.
    at: u64,
    /// Line ends that were read, but for those inside of fields: as many rows as a spreadsheet shows.
    lines: u64,
    /// The row of the record in a spreadsheet, from 1.
    row: u64,
    /// Columns of a row, once they are known.
    columns: usize,
    delimiter: u8,
}

impl Records {
    pub(crate) fn open(
        file: &PlannedFile,
        dialect: &Dialect,
        seen: ByteObserver,
    ) -> Result<Self, ReadError> {
        let text = Text::open(file, dialect.encoding, seen)?;
        let mut parser = csv_core::ReaderBuilder::new();
        Ok(Self {
            path: file.path.clone(),
            mark: text.mark(),
            input: Input { text, bytes: Vec::new(), at: 0 },
            parser: parser.delimiter(dialect.delimiter.byte()).build(),
            bytes: vec![0; 4 << 10],
            length: 0,
            ends: vec![0; 64],
            fields: 0,
            at: 0,
            lines: 0,
            row: 0,
            columns: dialect.width,
            delimiter: dialect.delimiter.byte(),
        })
    }

    /// Reads the next record; none is left where it gives `false`.
    pub(crate) fn read(&mut self) -> Result<bool, ReadError> {
        (self.length, self.fields) = (0, 0);
        loop {
            let io = |source| ReadError::Io { path: self.path.clone(), source };
            let input = self.input.some().map_err(io)?;
            let (result, read, written, ended) = self.parser.read_record(
                input,
                &mut self.bytes[self.length..],
                &mut self.ends[self.fields..],
            );
            let (taken, last) = (&input[..read], input[..read].last().copied());
            self.lines += memchr::memchr_iter(b'\n', taken).count() as u64;
            self.input.at += read;
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
                ReadRecordResult::OutputEndsFull if self.ends.len() <= MOST_COLUMNS => {
                    self.ends.resize(2 * self.ends.len(), 0);
                }
                ReadRecordResult::OutputEndsFull => return Err(self.too_wide()),
                ReadRecordResult::Record => {
                    self.mark.set(self.at);
                    if self.takes_rows_in() {
                        return Err(self.malformed(
                            "a quotation mark takes in whole rows below its own (it is opened and not closed, or closed rows below); mend the file, or ask the service for one",
                        ));
                    }
                    let inside = memchr::memchr_iter(b'\n', self.bytes()).count() as u64;
                    self.lines = self.lines.saturating_sub(inside);
                    // The end of a line belongs to the row; that of `\r\n` is read with the next one.
                    let before = self.lines - u64::from(last == Some(b'\n'));
                    // Where lines end in `\r` alone, none is counted.
                    self.row = (before + 1).max(self.row + 1);
                    return Ok(true);
                }
                ReadRecordResult::End => return Ok(false),
            }
        }
    }

    /// Whether a field holds lines that look like rows of the table: then a quotation mark was not closed where it
    /// should have been, and nobody would miss the rows. A line break inside an address is none.
    fn takes_rows_in(&self) -> bool {
        let columns = self.columns;
        let like_rows = |field: &[u8]| {
            let lines = field.split(|byte| *byte == b'\n').skip(1);
            let delimiters =
                |line: &[u8]| line.iter().filter(|byte| **byte == self.delimiter).count();
            lines.filter(|line| delimiters(line) + 1 >= columns).take(2).count() == 2
        };
        columns > 1 && memchr::memchr(b'\n', self.bytes()).is_some() && self.cells().any(like_rows)
    }

    /// Whole lines as they stand, if there is no quotation mark in them: then nothing in them needs a parser.
    /// To be asked for between two records.
    pub(crate) fn block(&mut self) -> Result<Option<Vec<u8>>, ReadError> {
        let io = |source| ReadError::Io { path: self.path.clone(), source };
        let block = self.input.block().map_err(io)?;
        if let Some(block) = &block {
            self.at += block.len() as u64;
            self.mark.set(self.at);
        }
        Ok(block)
    }

    /// The row of the record that was read last, as a spreadsheet shows it.
    pub(crate) fn row(&self) -> u64 {
        self.row
    }

    /// Rows that were passed, as a spreadsheet counts them.
    pub(crate) fn passed(&self) -> u64 {
        self.lines
    }

    /// Says how far a block's rows reached.
    pub(crate) fn pass(&mut self, lines: u64, row: u64) {
        (self.lines, self.row) = (lines, row);
    }

    /// A row with more fields than any layout has.
    pub(crate) fn too_wide(&self) -> ReadError {
        self.malformed("a row has more fields than the 16384 of any layout")
    }

    fn malformed(&self, what: &'static str) -> ReadError {
        ReadError::Malformed { path: self.path.clone(), what, at: self.at }
    }

    pub(crate) fn fields(&self) -> usize {
        self.fields
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    pub(crate) fn ends(&self) -> &[usize] {
        &self.ends[..self.fields]
    }

    pub(crate) fn cells(&self) -> impl Iterator<Item = &[u8]> + Clone {
        let starts = std::iter::once(0).chain(self.ends().iter().copied());
        starts.zip(self.ends()).map(|(start, &end)| &self.bytes[start..end])
    }
}

/// The text that is read and not yet parsed.
struct Input {
    text: Text,
    bytes: Vec<u8>,
    at: usize,
}

impl Input {
    /// The bytes that are there; more is read where there are none. Nothing at the end.
    fn some(&mut self) -> io::Result<&[u8]> {
        if self.at == self.bytes.len() {
            self.fill()?;
        }
        Ok(&self.bytes[self.at..])
    }

    /// Reads on until a block is there, or the end; says whether it is the end.
    fn fill(&mut self) -> io::Result<bool> {
        self.bytes.drain(..self.at);
        self.at = 0;
        let mut filled = self.bytes.len();
        self.bytes.resize(BLOCK.max(filled), 0);
        while filled < self.bytes.len() {
            match self.text.read(&mut self.bytes[filled..]) {
                Ok(0) => {
                    self.bytes.truncate(filled);
                    return Ok(true);
                }
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.bytes.truncate(filled);
                    return Err(error);
                }
            }
        }
        Ok(false)
    }

    /// Takes the whole lines before the first quotation mark of a block; none if there are none.
    fn block(&mut self) -> io::Result<Option<Vec<u8>>> {
        let ended = self.fill()?;
        let quote = memchr::memchr(b'"', &self.bytes);
        let plain = &self.bytes[..quote.unwrap_or(self.bytes.len())];
        let end = match ended && quote.is_none() {
            true => plain.len(),
            false => memchr::memrchr(b'\n', plain).map_or(0, |end| end + 1),
        };
        if end == 0 {
            return Ok(None);
        }
        let rest = self.bytes[end..].to_vec();
        let mut block = std::mem::replace(&mut self.bytes, rest);
        block.truncate(end);
        Ok(Some(block))
    }
}
