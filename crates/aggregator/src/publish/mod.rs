//! Everything that leaves: the files of a release, its restricted report, and an auditor's checks of both.

pub(crate) mod boundaries;
mod canonical_order;
pub(crate) mod content;
pub(crate) mod counted_sample;
pub(crate) mod explained;
pub(crate) mod files;
pub(crate) mod levels;
pub(crate) mod linkage_rates;
pub(crate) mod meanings;
pub(crate) mod named_cells;
pub(crate) mod protected_table;
pub(crate) mod public_table;
pub(crate) mod reasons;
pub(crate) mod restricted_report;
pub(crate) mod row_order;
pub(crate) mod shown;
pub(crate) mod verify;
mod words;

pub use minster_formats::{CONFIDENTIAL, LOW, NOT_APPLICABLE};
