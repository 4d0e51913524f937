//! The council's sources, and how each is read: definitions (`config/sources/*.toml`),
//! default deny, readers of CSV, XML, workbooks and Parquet in plain files, gzip and zip, the parsing of
//! cells, reason codes. Raw side only; it may depend on `minster-identifiers` and `minster-model`.
//!
//! ```
//! use minster_sources::Definition;
//!
//! let definition = Definition::parse(r#"
//!     name = "early_help"
//!     format = "csv"
//!     dates = ["dd/mm/yyyy"]
//!     years = ["2024-25"]
//!
//!     [[table]]
//!     name = "plans"
//!     file = "early_help.csv"
//!     [table.columns]
//!     person_id = { treatment = "bridge", kind = "early-help-person", required = true }
//!     upn = { treatment = "pseudonymise", kind = "upn" }
//!     start_date = { treatment = "generalise", type = "date", to = "month" }
//!     notes = { treatment = "drop" }
//! "#)?;
//! assert_eq!(definition.tables[0].columns.len(), 4);
//! # Ok::<(), minster_sources::DefinitionError>(())
//! ```
#![forbid(unsafe_code)]

mod batch;
mod catalogue;
mod cell;
mod codes;
mod column;
mod contain_panics;
mod container;
mod csv_dialect;
mod csv_reader;
mod csv_records;
mod definition;
mod header;
mod layouts;
mod lookup;
mod match_key;
mod numbers;
mod outline;
mod outline_xml;
mod parquet_pages;
mod parquet_reader;
mod pattern;
mod plan;
mod planned_file;
mod read_file;
mod reason;
mod self_description;
mod text;
mod workbook;
mod xlsx_reader;
mod xml_layout;
mod xml_reader;

pub use batch::{RawBatch, Rejected};
pub use catalogue::{Catalogue, CatalogueEntry, CatalogueError};
pub use cell::{DateForm, is_serial, parse_date, parse_decimal, parse_flag, parse_integer};
pub use codes::{CodeList, CodeLists, Codes, Found, Level, UnknownCode};
pub use column::{Cohort, Column, Fault, Generalisation, TokenRule, Treatment, ValueType};
pub use definition::{
    Definition, DefinitionError, Delimiter, Duplicates, Encoding, ExtraSheets, Format, Table,
};
pub use layouts::{layouts, schema};
pub use lookup::{Lookup, LookupError};
pub use match_key::{MatchKey, Part};
pub use numbers::Numbers;
pub use outline::{Outline, OutlineError, OutlinedTable};
pub use pattern::Pattern;
pub use plan::Plan;
pub use planned_file::{HeaderText, PlanError, PlannedFile, Proposed, quoted};
pub use read_file::read;
pub use reason::Reason;
pub use self_description::{Header, HeaderPath};

/// Is shown every byte that is read, for the file's hash.
pub(crate) type ByteObserver = Box<dyn FnMut(&[u8]) + Send>;

/// Why a file cannot be read on. No variant holds a row's value.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The system refused.
    #[error("cannot read {}: {source}", minster_identifiers::shown_path(path))]
    Io {
        /// The file.
        path: std::path::PathBuf,
        /// The system's own error.
        source: std::io::Error,
    },
    /// The file is not well formed from this place on.
    #[error(
        "{}: {what} at byte {at}; ask the service for a whole file",
        minster_identifiers::shown_path(path)
    )]
    Malformed {
        /// The file.
        path: std::path::PathBuf,
        /// The fault.
        what: &'static str,
        /// Where.
        at: u64,
    },
    /// The file is not read at all.
    #[error("{}: {what}", minster_identifiers::shown_path(path))]
    Refused {
        /// The file.
        path: std::path::PathBuf,
        /// Why, and what to do.
        what: &'static str,
    },
    /// The file is not what the plan saw.
    #[error(
        "{} changed while it was read; deliver it again and do not write to it meanwhile",
        minster_identifiers::shown_path(path)
    )]
    Changed {
        /// The file.
        path: std::path::PathBuf,
    },
}
