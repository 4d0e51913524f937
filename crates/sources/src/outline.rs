//! The outline of an unknown file: its format, its tables and its columns' names, and never a value.

use std::path::{Path, PathBuf};

use minster_identifiers::{Shape, shown_path};

use crate::{
    DateForm, Delimiter, Encoding, Format, PlanError, PlannedFile, ReadError,
    container::{self, Entry},
    csv_dialect,
    csv_records::Records,
    header, outline_xml, parquet_reader, parse_date,
    planned_file::{Dialect, HEADER_ROWS},
    xlsx_reader,
};

/// A file as it would be defined.
#[derive(Debug, PartialEq, Eq)]
pub struct Outline {
    /// How it is written.
    pub format: Format,
    /// CSV: its encoding.
    pub encoding: Encoding,
    /// CSV: its delimiter.
    pub delimiter: Delimiter,
    /// XML: the element that holds one child: the outermost one that stands more than once.
    pub unit: Option<String>,
    /// XML: elements outside of the unit; XLSX: sheets without a header.
    pub ignore: Vec<String>,
    /// Its tables.
    pub tables: Vec<OutlinedTable>,
}

/// One table of a file.
#[derive(Debug, PartialEq, Eq)]
pub struct OutlinedTable {
    /// The file's name, without its packing.
    pub file: String,
    /// XLSX: the sheet's name.
    pub sheet: Option<String>,
    /// XML: the record's path below the unit.
    pub record: Option<String>,
    /// The columns' names; XML: their paths below the record.
    pub columns: Vec<String>,
}

/// Why a file has no outline.
#[derive(Debug, thiserror::Error)]
pub enum OutlineError {
    /// A name that ends like no format.
    #[error(
        "{}: its name ends in none of .csv, .txt, .tsv, .xml, .xlsx and .parquet",
        shown_path(path)
    )]
    Format {
        /// The file.
        path: PathBuf,
    },
    /// A zip of several formats.
    #[error("{}: it holds files of several formats; draft a definition of each", shown_path(path))]
    Formats {
        /// The file.
        path: PathBuf,
    },
    /// A first row that may be a child's.
    #[error(
        "{}: cell {place} of the first row looks like a value, not like a column's name; no name is repeated from there: ask for a header row",
        shown_path(path)
    )]
    NoHeader {
        /// The file.
        path: PathBuf,
        /// Which cell, from 1.
        place: usize,
    },
    /// The file cannot be read so far.
    #[error(transparent)]
    Plan(#[from] PlanError),
}

impl From<ReadError> for OutlineError {
    fn from(error: ReadError) -> Self {
        Self::Plan(error.into())
    }
}

impl Outline {
    /// Looks at a file. Only the header of a table is read; of XML, all elements' names.
    pub fn of(path: &Path) -> Result<Self, OutlineError> {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let entries = container::entries(path, &name)?;
        let mut outline: Option<Self> = None;
        for Entry { name: own, wrapping } in entries {
            let format = format(path, &own)?;
            let file = PlannedFile::unplanned(path, &name, wrapping);
            let next = match format {
                Format::Csv => csv(&file, own)?,
                Format::Xml => outline_xml::outline(&file, &own)?,
                Format::Xlsx => workbook(&file, &own)?,
                Format::Parquet => {
                    Self::new(format, own, named(&file, parquet_reader::names(&file)?)?)
                }
            };
            outline = Some(match outline {
                None => next,
                Some(mut outline) if outline.suits(&next) => {
                    outline.tables.extend(next.tables);
                    outline.ignore.extend(next.ignore);
                    outline
                }
                Some(_) => return Err(OutlineError::Formats { path: path.to_owned() }),
            });
        }
        outline.ok_or_else(|| PlanError::Empty { path: path.to_owned() }.into())
    }

    fn suits(&self, other: &Self) -> bool {
        self.format == other.format
            && (self.encoding, self.delimiter) == (other.encoding, other.delimiter)
            && self.unit == other.unit
    }

    fn new(format: Format, file: String, columns: Vec<String>) -> Self {
        Self {
            format,
            encoding: Encoding::Utf8,
            delimiter: Delimiter::Comma,
            unit: None,
            ignore: Vec::new(),
            tables: vec![OutlinedTable { file, sheet: None, record: None, columns }],
        }
    }
}

fn format(path: &Path, name: &str) -> Result<Format, OutlineError> {
    let end = name.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    Ok(match end.as_str() {
        "csv" | "txt" | "tsv" => Format::Csv,
        "xml" => Format::Xml,
        "xlsx" => Format::Xlsx,
        "parquet" => Format::Parquet,
        _ => return Err(OutlineError::Format { path: path.to_owned() }),
    })
}

fn csv(file: &PlannedFile, own: String) -> Result<Outline, OutlineError> {
    let start = csv_dialect::look(file, Encoding::Utf8)?;
    let mut widest: Option<(Delimiter, Vec<String>)> = None;
    for delimiter in Delimiter::ALL {
        let dialect = Dialect { encoding: start.encoding, delimiter, ..Dialect::default() };
        let mut records = Records::open(file, &dialect, Box::new(|_| {}))?;
        let mut rows: Vec<Vec<String>> = Vec::new();
        while rows.len() < HEADER_ROWS && records.read()? {
            rows.push(csv_dialect::names(&records, &dialect));
        }
        if rows.is_empty() {
            return Err(PlanError::Empty { path: file.path.clone() }.into());
        }
        let names = heading(rows);
        if widest.as_ref().is_none_or(|(_, widest)| names.len() > widest.len()) {
            widest = Some((delimiter, names));
        }
    }
    let (delimiter, names) = widest.unwrap_or_default();
    let encoding = start.encoding;
    Ok(Outline { encoding, delimiter, ..Outline::new(Format::Csv, own, named(file, names)?) })
}

/// The first rows' header: the first with two cells or more, for a title has one. A later row is never taken because
/// it is fuller: it would be a child's. Blank cells at the header's end are none where no row has anything there.
fn heading(rows: Vec<Vec<String>>) -> Vec<String> {
    let filled = |row: &Vec<String>| row.iter().filter(|cell| !cell.is_empty()).count();
    let width =
        |row: &Vec<String>| row.iter().rposition(|cell| !cell.is_empty()).map_or(0, |at| at + 1);
    let widest = rows.iter().map(width).max().unwrap_or(0);
    let several = rows.len() > 1;
    let place = rows.iter().position(|row| filled(row) > 1).unwrap_or(0);
    let mut header = rows.into_iter().nth(place).unwrap_or_default();
    if several {
        header.truncate(widest);
    }
    header
}

fn workbook(file: &PlannedFile, own: &str) -> Result<Outline, OutlineError> {
    let mut outline = Outline::new(Format::Xlsx, own.to_owned(), Vec::new());
    outline.tables.clear();
    for (sheet, names) in xlsx_reader::headings(file)? {
        if names.is_empty() {
            outline.ignore.push(sheet);
            continue;
        }
        let columns = named(file, names)?;
        outline.tables.push(OutlinedTable {
            file: own.to_owned(),
            sheet: Some(sheet),
            record: None,
            columns,
        });
    }
    Ok(outline)
}

/// The names, if each of them can only be one.
fn named(file: &PlannedFile, names: Vec<String>) -> Result<Vec<String>, OutlineError> {
    let path = || file.path.clone();
    if let Some(place) = names.iter().position(|name| may_be_a_value(name)) {
        return Err(OutlineError::NoHeader { path: path(), place: place + 1 });
    }
    // A cell that stands twice may be a value, and is told by its place.
    match header::repeated(&names).and_then(|twice| names.iter().rposition(|name| name == twice)) {
        Some(place) => Err(OutlineError::NoHeader { path: path(), place: place + 1 }),
        None => Ok(names),
    }
}

/// Whether a cell of a first row has the shape of a value: a number, a date, an identifier, an address.
fn may_be_a_value(cell: &str) -> bool {
    const FORMS: [DateForm; 4] =
        [DateForm::Iso, DateForm::DayMonthYear, DateForm::MonthDayYear, DateForm::Census];
    let digits = cell.bytes().filter(u8::is_ascii_digit).count();
    !header::is_a_heading(cell)
        || Shape::find(cell).is_some()
        || digits > 4
        || 2 * digits >= cell.chars().count()
        || cell.contains('@')
        || !matches!(parse_date(cell, &FORMS), Err(crate::Reason::DateForm))
}
