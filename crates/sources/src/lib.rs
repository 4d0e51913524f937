//! What each council source looks like, and how it is read: definitions (`config/sources/*.toml`),
//! default deny, CSV and XML readers, the parsing of cells, reason codes. Raw side only; it may
//! depend on `minster-identifiers` and `minster-model`.
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
mod cell;
mod csv_reader;
mod definition;
mod lookup;
mod plan;
mod reason;
mod xml_reader;

pub use batch::{RawBatch, RawRow, Rejected};
pub use cell::{DateForm, parse_date, parse_decimal, parse_flag, parse_integer};
pub use csv_reader::CsvReader;
pub use definition::{
    Column, Definition, DefinitionError, Duplicates, Format, Generalisation, MatchKey, Part, Table,
    Treatment, UnknownCode, ValueType,
};
pub use lookup::{Lookup, LookupError};
pub use plan::{Plan, PlanError, PlannedFile};
pub use reason::Reason;
pub use xml_reader::XmlReader;

/// Is shown every byte that is read, for the file's hash.
pub(crate) type Seen = Box<dyn FnMut(&[u8]) + Send>;

/// Why a file cannot be read on. No variant holds a row's value.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The system refused.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// The file.
        path: std::path::PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is not well formed from this place on.
    #[error("{}: {what} at byte {at}; ask the service for a whole file", path.display())]
    Malformed {
        /// The file.
        path: std::path::PathBuf,
        /// What is wrong.
        what: &'static str,
        /// Where.
        at: u64,
    },
    /// The file is not what the plan saw.
    #[error("{} changed while it was read; deliver it again and do not write to it meanwhile", path.display())]
    Changed {
        /// The file.
        path: std::path::PathBuf,
    },
}
