//! Everything that leaves: the files of a release, its restricted report, and an auditor's checks of both.

mod columns;
pub(crate) mod counted_sample;
mod csv;
pub(crate) mod files;
pub(crate) mod protected_table;
pub(crate) mod reasons;
pub(crate) mod restricted_report;
pub(crate) mod shown;
pub(crate) mod verify;

pub use columns::{CONFIDENTIAL, LOW, NOT_APPLICABLE};
