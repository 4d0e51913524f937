//! Releases that are published and withdrawn, for the vault's log.

use minster_model::{Period, Purpose, TableName};
use serde::{Deserialize, Serialize};

/// A release that is let out or withdrawn.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Publication {
    /// The purpose of the data that it was made from.
    pub purpose: Purpose,
    /// Its name.
    pub release: TableName,
    /// Its period.
    pub period: Period,
    /// SHA-256 of its files, hexadecimal.
    pub sha256: String,
    /// The step.
    pub what: Publishing,
}

/// A step in the life of a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Publishing {
    /// It is let out.
    LetOut,
    /// It is withdrawn.
    Withdrawn,
}
