//! The files of a release: CSV, Parquet, a workbook, a page, the ministry's CSV, and a data package about them. It depends
//! on no crate of the workspace. A [`Release`] is texts, numbers and statuses; whoever makes one answers for it that
//! each number is published. The aggregator makes one from tables without true counts, which withstood the attack.
//!
//! The same release gives the same bytes.
//!
//! ```
//! use minster_formats::{Formats, Release, files};
//!
//! let release = Release {
//!     name: "sen".into(),
//!     title: "Special educational needs".into(),
//!     period: "2024-25".into(),
//!     publisher: None,
//!     contact: None,
//!     audience: "It is for everybody.".into(),
//!     counted: "pupils of the council's schools".into(),
//!     not_counted: Vec::new(),
//!     protection: Vec::new(),
//!     linkage: None,
//!     rounded: None,
//!     tables: Vec::new(),
//!     dfe: None,
//! };
//! // It has no table, and so no CSV file.
//! let files = files(&release, Formats::default(), &[])?;
//! let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
//! assert_eq!(names, ["datapackage.json", "sen.xlsx", "sen.html"]);
//! # Ok::<(), minster_formats::FormatError>(())
//! ```
#![forbid(unsafe_code)]

mod boundaries;
mod content;
mod csv;
pub mod dfe;
mod linkage;
mod notes;
mod package;
mod page;
mod parquet;
pub mod tidy;
mod workbook;
mod workbook_parts;

use thiserror::Error;

pub use boundaries::{Boundaries, BoundaryError, MOST_BYTES as MOST_BOUNDARY_BYTES};
pub use content::{
    AND, CONFIDENTIAL, Category, Dimension, Kind, LOW, Measure, MeasureRow, NO_CODE,
    NOT_APPLICABLE, Release, Table, Unit, Value, heading,
};
pub use linkage::{Linkage, LinkageRate, LinkedSource};
pub use tidy::Column;

/// Which files a release has beside CSV and Parquet, which it always has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Formats {
    /// The data package.
    pub data_package: bool,
    /// The workbook.
    pub workbook: bool,
    /// The page.
    pub page: bool,
}

impl Default for Formats {
    fn default() -> Self {
        Self { data_package: true, workbook: true, page: true }
    }
}

/// A file could not be written. It names no value.
#[derive(Debug, Error)]
pub enum FormatError {
    /// The library for CSV failed.
    #[error("a CSV file could not be written")]
    Csv,
    /// The library for CSV failed.
    #[error("a CSV file could not be written: {0}")]
    CsvRow(#[from] ::csv::Error),
    /// The library for Parquet failed.
    #[error("a Parquet file could not be written: {0}")]
    Parquet(#[from] ::parquet::errors::ParquetError),
    /// The library for columns failed.
    #[error("a Parquet file could not be written: {0}")]
    Arrow(#[from] arrow::error::ArrowError),
    /// The library for JSON failed.
    #[error("the data package could not be written: {0}")]
    Json(#[from] serde_json::Error),
    /// The library for workbooks failed.
    #[error("the workbook could not be written: {0}")]
    Workbook(#[from] rust_xlsxwriter::XlsxError),
    /// The library for archives failed.
    #[error("the workbook could not be written: {0}")]
    Archive(#[from] zip::result::ZipError),
    /// The workbook's parts could not be read again.
    #[error("the workbook could not be written: {0}")]
    Parts(#[from] std::io::Error),
    /// The library writes another form of workbook than the one that is completed.
    #[error("the workbook could not be written: its styles or properties have another form")]
    WorkbookPart,
    /// A table is longer than a sheet can be.
    #[error(
        "the table {table} has {rows} rows, and a sheet of Excel has room for {most}: list `formats` without \"workbook\", or take a dimension out of the table"
    )]
    TooLong {
        /// The table.
        table: String,
        /// Its rows.
        rows: usize,
        /// The most that it may have.
        most: usize,
    },
    /// A rule of the ministry's table tool is not met.
    #[error("the files for the ministry's table tool: {0}")]
    Dfe(String),
}

/// A table's CSV file, as the data package tells of it.
#[derive(Debug, Clone)]
pub struct CsvFile {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Its SHA-256, hexadecimal.
    pub sha256: String,
}

/// A table as CSV.
///
/// # Errors
/// Where the library fails.
pub fn csv_of(columns: &[Column]) -> Result<Vec<u8>, FormatError> {
    csv::csv(columns)
}

/// A table as Parquet, with words in the file's footer.
///
/// # Errors
/// Where the library fails.
pub fn parquet_of(columns: &[Column], footer: &[(&str, String)]) -> Result<Vec<u8>, FormatError> {
    parquet::parquet(columns, footer)
}

/// Whether the formats have room for all tables of a release, which is sooner known than they are written.
///
/// # Errors
/// [`FormatError::TooLong`] where one has not.
pub fn check_lengths(release: &Release, formats: Formats) -> Result<(), FormatError> {
    let too_long = |table: &&Table| formats.workbook && table.rows() > workbook::MOST_ROWS;
    match release.tables.iter().find(too_long) {
        None => Ok(()),
        Some(table) => Err(FormatError::TooLong {
            table: table.name.clone(),
            rows: table.rows(),
            most: workbook::MOST_ROWS,
        }),
    }
}

/// All files but CSV and Parquet, by name, given the CSV file of each table.
///
/// # Errors
/// [`FormatError::Dfe`] where the ministry's rules are not met; others where a library fails.
pub fn files(
    release: &Release,
    formats: Formats,
    csv: &[CsvFile],
) -> Result<Vec<(String, Vec<u8>)>, FormatError> {
    let mut files = Vec::new();
    if formats.data_package {
        files.push(("datapackage.json".to_owned(), package::package(release, csv)?));
    }
    if formats.workbook {
        files.push((format!("{}.xlsx", release.name), workbook::workbook(release)?));
    }
    if formats.page {
        files.push((format!("{}.html", release.name), page::page(release, formats).into_bytes()));
    }
    files.extend(dfe::files(release)?);
    Ok(files)
}
