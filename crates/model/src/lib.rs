//! The words that every room of minster shares: names, pseudonyms, roles, row counts, tables.
//!
//! No I/O, no cryptography, and no type that could hold a raw identifier: this crate is linked by
//! all three programs. It may depend on `base16ct` (the digits of a pseudonym), `jiff`, `serde`
//! and `thiserror` alone.
//!
//! ```
//! use minster_model::{Pseudonym, Purpose, RowCounts};
//!
//! let purpose: Purpose = "education-outcomes".parse()?;
//! assert_eq!(purpose.as_str(), "education-outcomes");
//!
//! let counts = RowCounts { read: 10, accepted: 8, quarantined: 1, duplicate: 1, blocked: 0 };
//! assert!(counts.conserved());
//!
//! let child = Pseudonym::from_bytes([0xab; 16]);
//! assert_eq!(child.to_string().len(), 32);
//! # Ok::<(), minster_model::NameError>(())
//! ```
#![forbid(unsafe_code)]

mod audience;
mod coarse;
mod counted;
mod day;
pub mod exit;
mod foreign;
mod hierarchy;
mod id_vec;
mod ids;
mod linkage;
mod linked_rows;
mod named_day;
mod names;
pub mod periods;
pub mod pipeline;
pub mod policy;
mod pseudonym;
pub mod refinement;
pub mod rounding;
mod row_counts;
mod spreadsheet;
pub mod table;
mod table_error;

pub use audience::Audience;
pub use coarse::coarse;
pub use counted::counted;
pub use day::Day;
pub use foreign::{Escaped, escaped, is_hidden};
pub use id_vec::IdVec;
pub use ids::{CellId, LeafId, NodeId, RespondentId, TableId};
pub use linkage::{LINKAGE_VALUES, LinkageForm, LinkagePart};
pub use linked_rows::{LINKAGE_REPORT, LinkedRows, SMALLEST_SHOWN, SourceRows};
pub use named_day::NamedDay;
pub use names::{
    ColumnName, DatasetClass, DatasetRef, Kind, NameError, Period, Purpose, Role, RunId,
    SourceName, TableName,
};
pub use pseudonym::{KeyVersion, Pseudonym, PseudonymError};
pub use row_counts::RowCounts;
pub use spreadsheet::csv_line;

/// The column of XML tables that counts the delivery's units, from 0: rows of one number are about one person, whether
/// or not that person has an identifier.
pub const UNIT: &str = "unit";
