//! Parquet: one file a table, read batch by batch.
//!
//! A value becomes text as a workbook's cell does: a date as ISO, with `T` and the time where it has one that is not
//! midnight; a whole number without `.0`; true and false as `true` and `false`; null as nothing. An instant (a timestamp in
//! UTC) becomes the time that clocks in London showed: pandas writes midnight of a summer's day in London as 23:00 of the
//! day before in UTC. Columns of lists, structures or bytes are no table's and are refused.
//!
//! The sizes that a forged file announces are compared with its content, the batches are bounded by its size, and a panic of
//! the library becomes an error.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
    sync::Arc,
};

use arrow::{
    array::{Array, AsArray, RecordBatch},
    datatypes::{
        DataType, Field, Schema, TimeUnit, TimestampMicrosecondType, TimestampMillisecondType,
        TimestampNanosecondType, TimestampSecondType,
    },
    util::display::{ArrayFormatter, FormatOptions},
};
use jiff::Timestamp;
use parquet::{
    arrow::{
        ProjectionMask,
        arrow_reader::{
            ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
        },
    },
    errors::ParquetError,
    file::reader::{ChunkReader, Length},
};

use crate::{
    Definition, PlanError, PlannedFile, RawBatch, ReadError, Reason,
    batch::LONGEST_FIELD,
    contain_panics::contain,
    container::{Jumping, LARGEST_RATIO, refuse},
    header,
    parquet_pages::{self, LARGEST_PAGE},
    planned_file::MOST_COLUMNS,
};

/// No file's own description is longer, in bytes.
const LONGEST_FOOTER: u64 = 64 << 20;
/// A batch is full at this many rows or bytes.
const BATCH_ROWS: usize = 4 << 10;
const BATCH_BYTES: usize = 4 << 20;
/// Cells that a byte of a file may hold: a row of a real table has a number of its own, of several bytes.
const CELLS_A_BYTE: u64 = 100;
/// Bytes of text that a byte of a file may hold, as of a zip.
const TEXT_A_BYTE: u64 = LARGEST_RATIO;
/// Neither is looked at before so much was read.
const FREE_CELLS: u64 = 10_000_000;
const FREE_TEXT: u64 = 64 << 20;

const UNREADABLE: &str = "it is no Parquet file that can be read; ask the service for a whole file";
const PAGE: &str =
    "a page of it is longer than 64 MiB; have it written with pages of a MiB, as is usual";
const REPEATED: &str = "it holds far more cells or text than its size can, as where one value is repeated without end; ask the service what it is";
const FORGED: &str =
    "it does not hold the rows that it announces; ask the service for a whole file";

/// Compares the file's columns with the table's; gives each column's place in the file.
pub(crate) fn plan_columns(
    definition: &Definition,
    file: &PlannedFile,
) -> Result<Vec<Option<usize>>, PlanError> {
    let names = names(file)?;
    let table = &definition.tables[file.tables[0]];
    header::compare(definition, table, &names).places(definition, table, &file.path)
}

/// The columns' names.
pub(crate) fn names(file: &PlannedFile) -> Result<Vec<String>, PlanError> {
    let bytes = Jumping::open(file)?;
    let builder = open(file, &bytes)?;
    let names: Vec<String> =
        builder.schema().fields().iter().map(|field| header::tidy(field.name())).collect();
    match names.len() {
        0 => Err(PlanError::Empty { path: file.path.clone() }),
        1..=MOST_COLUMNS => Ok(names),
        _ => Err(PlanError::TooManyColumns { path: file.path.clone() }),
    }
}

/// Reads a file's rows in batches; `take` says whether to go on. `seen` is given every byte of the
/// file in the end, for its hash.
pub(crate) fn read_parquet(
    file: &PlannedFile,
    seen: impl FnMut(&[u8]) + Send + 'static,
    mut take: impl FnMut(RawBatch) -> bool,
) -> Result<(), ReadError> {
    let bytes = Jumping::open(file)?;
    let no = |what| refuse(&file.path, what);
    let pieces =
        Bytes::of(&bytes).map_err(|source| ReadError::Io { path: file.path.clone(), source })?;
    let builder = open(file, &bytes)?;
    let announced = builder.metadata().file_metadata().num_rows();
    let groups: Option<i64> = builder
        .metadata()
        .row_groups()
        .iter()
        .map(|group| Some(group.num_rows()).filter(|rows| *rows >= 0))
        .try_fold(0i64, |sum, rows| sum.checked_add(rows?));
    if groups != Some(announced) {
        return Err(no(FORGED));
    }
    let largest = readable(file, || {
        let open = |at| pieces.get_read(at);
        parquet_pages::largest(builder.metadata(), open)
    })?;
    match largest {
        Some(size) if size <= LARGEST_PAGE => {}
        Some(_) => return Err(no(PAGE)),
        None => return Err(no(UNREADABLE)),
    }
    let mut reader = readable(file, || reader(builder))?;
    let mut row = 0;
    let size = pieces.length;
    let (mut cells, mut text) = (0, 0);
    let columns = file.columns.len();
    loop {
        let Some(rows) = readable(file, || reader.next().transpose())? else { break };
        if row + rows.num_rows() as u64 > announced.unsigned_abs() {
            return Err(no(FORGED));
        }
        cells += (rows.num_rows() * rows.num_columns().max(1)) as u64;
        if cells > FREE_CELLS.saturating_add(size.saturating_mul(CELLS_A_BYTE)) {
            return Err(no(REPEATED));
        }
        let mut from = 0;
        while from < rows.num_rows() {
            let mut batch = RawBatch::new(columns);
            from = readable(file, || fill(&rows, from, &file.columns, row, &mut batch))?;
            text += batch.byte_len() as u64;
            if text > FREE_TEXT.saturating_add(size.saturating_mul(TEXT_A_BYTE)) {
                return Err(no(REPEATED));
            }
            if !batch.is_empty() && !take(batch) {
                return Ok(());
            }
        }
        row += rows.num_rows() as u64;
    }
    if row != announced.unsigned_abs() {
        return Err(no(FORGED));
    }
    bytes.show(file, seen)
}

type Builder = ParquetRecordBatchReaderBuilder<Bytes>;

/// Reads the file's own description. The schema of Arrow that a writer may add is not looked at: it is a
/// second description that need not agree.
fn open(file: &PlannedFile, bytes: &Jumping) -> Result<Builder, ReadError> {
    let io = |source| ReadError::Io { path: file.path.clone(), source };
    let no = |what| refuse(&file.path, what);
    let bytes = Bytes::of(bytes).map_err(io)?;
    if bytes.footer_length().map_err(io)?.is_none_or(|length| length > LONGEST_FOOTER) {
        return Err(no(UNREADABLE));
    }
    let options = || ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let open = |options| readable(file, || Builder::try_new_with_options(bytes.clone(), options));
    let builder = open(options())?;
    let mut fields = Vec::new();
    for field in builder.schema().fields() {
        let data_type = match field.data_type() {
            // As views, no text is copied however often a page's dictionary repeats it.
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => DataType::Utf8View,
            plain if is_plain(plain) => plain.clone(),
            _ => {
                return Err(no(
                    "a column holds lists, structures or bytes; deliver a table of plain values",
                ));
            }
        };
        fields.push(Field::new(field.name(), data_type, field.is_nullable()));
    }
    open(options().with_schema(Arc::new(Schema::new(fields))))
}

/// Runs the library on the file; its errors, which could hold what was read, and its panics say one thing.
fn readable<T, E>(file: &PlannedFile, work: impl FnOnce() -> Result<T, E>) -> Result<T, ReadError> {
    contain(work).and_then(Result::ok).ok_or_else(|| refuse(&file.path, UNREADABLE))
}

fn is_plain(data_type: &DataType) -> bool {
    data_type.is_numeric()
        || data_type.is_temporal()
        || *data_type == DataType::Boolean
        || data_type.is_null()
}

fn reader(builder: Builder) -> Result<ParquetRecordBatchReader, ParquetError> {
    builder.with_projection(ProjectionMask::all()).with_batch_size(BATCH_ROWS).build()
}

/// Adds rows from a place on until the batch is full; gives the place of the next.
fn fill(
    rows: &RecordBatch,
    from: usize,
    columns: &[Option<usize>],
    before: u64,
    batch: &mut RawBatch,
) -> Result<usize, arrow::error::ArrowError> {
    let options = FormatOptions::new().with_null("").with_display_error(false);
    let formatters: Result<Vec<_>, _> = columns
        .iter()
        .map(|place| {
            let plain = place.filter(|place| !is_instant(rows.column(*place).data_type()));
            plain.map(|place| ArrayFormatter::try_new(rows.column(place), &options)).transpose()
        })
        .collect();
    let formatters = formatters?;
    let mut texts = vec![String::new(); columns.len()];
    for row in from..rows.num_rows() {
        if batch.byte_len() >= BATCH_BYTES {
            return Ok(row);
        }
        let number = before + row as u64 + 1;
        // A value is looked at before it is copied: a small file may repeat a long one in every row.
        let too_long = |place: &usize| length(rows.column(*place), row) > LONGEST_FIELD;
        if columns.iter().flatten().any(too_long) {
            batch.reject(number, Reason::FieldTooLong, b"");
            continue;
        }
        for ((text, formatter), place) in texts.iter_mut().zip(&formatters).zip(columns) {
            text.clear();
            let column = place.map(|place| rows.column(place));
            if let Some(instant) = column.and_then(|column| instant(column, row)) {
                text.push_str(&instant.unwrap_or_default());
            } else if let Some(formatter) = formatter {
                formatter.value(row).write(text)?;
            }
        }
        for (text, place) in texts.iter_mut().zip(columns) {
            let data_type = place.map(|place| rows.column(place).data_type());
            tidy(text, data_type);
        }
        let raw = || texts.join(",").into_bytes();
        if texts.iter().all(|text| text.trim().is_empty()) {
            batch.reject(number, Reason::BlankRow, b"");
        } else if texts.iter().any(|text| text.len() > LONGEST_FIELD) {
            batch.reject(number, Reason::FieldTooLong, &raw());
        } else {
            batch.push(number, texts.iter().map(String::as_bytes));
        }
    }
    Ok(rows.num_rows())
}

/// The length of a text, in bytes.
fn length(column: &dyn Array, row: usize) -> usize {
    match column.as_string_view_opt() {
        Some(texts) if texts.is_valid(row) => texts.value(row).len(),
        _ => 0,
    }
}

fn is_instant(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Timestamp(_, Some(_)))
}

/// The local time of an instant, in a column of these; nothing where the cell is blank.
fn instant(column: &dyn Array, row: usize) -> Option<Option<String>> {
    let DataType::Timestamp(unit, Some(_)) = column.data_type() else { return None };
    if column.is_null(row) {
        return Some(None);
    }
    let instant = match unit {
        TimeUnit::Second => {
            Timestamp::from_second(column.as_primitive::<TimestampSecondType>().value(row))
        }
        TimeUnit::Millisecond => Timestamp::from_millisecond(
            column.as_primitive::<TimestampMillisecondType>().value(row),
        ),
        TimeUnit::Microsecond => Timestamp::from_microsecond(
            column.as_primitive::<TimestampMicrosecondType>().value(row),
        ),
        TimeUnit::Nanosecond => Timestamp::from_nanosecond(
            column.as_primitive::<TimestampNanosecondType>().value(row).into(),
        ),
    };
    let local = instant.ok().and_then(|instant| instant.in_tz("Europe/London").ok());
    // One that no calendar has is told as what it is: no date.
    Some(Some(local.map_or_else(
        || "out of range".to_owned(),
        |local| local.strftime("%Y-%m-%dT%H:%M:%S").to_string(),
    )))
}

fn tidy(text: &mut String, data_type: Option<&DataType>) {
    let end = match data_type {
        Some(data_type) if data_type.is_floating() => ".0",
        Some(DataType::Timestamp(..)) => "T00:00:00",
        _ => return,
    };
    if text.ends_with(end) {
        text.truncate(text.len() - end.len());
    }
}

/// The file's bytes for the library, which asks for pieces of them.
#[derive(Clone)]
struct Bytes {
    held: Option<Arc<[u8]>>,
    file: Arc<File>,
    length: u64,
}

impl Bytes {
    fn of(bytes: &Jumping) -> std::io::Result<Self> {
        let (held, file) = bytes.parts();
        let file = file.try_clone()?;
        let length = match &held {
            Some(held) => held.len() as u64,
            None => file.metadata()?.len(),
        };
        Ok(Self { held, file: Arc::new(file), length })
    }

    /// The last eight bytes are the description's length and a mark (Parquet format, "File format").
    fn footer_length(&self) -> std::io::Result<Option<u64>> {
        let Some(start) = self.length.checked_sub(8) else { return Ok(None) };
        let mut end = [0; 8];
        self.reader(start)?.read_exact(&mut end)?;
        let length = u64::from(u32::from_le_bytes([end[0], end[1], end[2], end[3]]));
        Ok((&end[4..] == b"PAR1" && length <= start).then_some(length))
    }

    fn reader(&self, start: u64) -> std::io::Result<Box<dyn Read>> {
        match &self.held {
            Some(held) => {
                let mut cursor = std::io::Cursor::new(Arc::clone(held));
                cursor.set_position(start);
                Ok(Box::new(cursor))
            }
            None => {
                let mut file = self.file.try_clone()?;
                file.seek(SeekFrom::Start(start))?;
                Ok(Box::new(std::io::BufReader::new(file)))
            }
        }
    }
}

impl Length for Bytes {
    fn len(&self) -> u64 {
        self.length
    }
}

impl ChunkReader for Bytes {
    type T = Box<dyn Read>;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        Ok(self.reader(start)?)
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<bytes::Bytes, ParquetError> {
        let end = start.checked_add(length as u64);
        if end.is_none_or(|end| end > self.length) {
            return Err(ParquetError::EOF("a piece lies outside of the file".into()));
        }
        let mut piece = vec![0; length];
        self.reader(start)?.read_exact(&mut piece)?;
        Ok(piece.into())
    }
}
