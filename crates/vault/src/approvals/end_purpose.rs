//! The proposal to end a purpose.

use jiff::civil::Date;
use minster_model::Purpose;
use serde::{Deserialize, Serialize};

/// The name of the action.
pub(crate) const END_PURPOSE: &str = "end-purpose";

/// The end of a purpose, in the words that custodians sign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndPurpose {
    /// The purpose.
    pub purpose: Purpose,
    /// Its last day, where it has one.
    pub last_day: Option<Date>,
    /// Whether it ends before its last day is over.
    pub early: bool,
    /// Whether the store is lost, so that the vault waits for no word of it.
    pub store_lost: bool,
    /// Different numbers in its registry.
    pub numbers: u64,
    /// All that is destroyed, in words, and what is not.
    pub destroys: Vec<String>,
}
