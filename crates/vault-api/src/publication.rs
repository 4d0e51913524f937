//! Releases that are published and withdrawn, for the vault's log.

use minster_model::{Period, Purpose, TableName, policy::Zeros};
use serde::{Deserialize, Serialize};

use crate::bounds;

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
    #[serde(deserialize_with = "bounds::text::<_, { bounds::SHORT }>")]
    pub sha256: String,
    /// The step.
    pub what: Publishing,
    /// The rules that it was protected by; none where it is withdrawn, or a program of an earlier release said nothing.
    // Always written: a message says each field by its place.
    #[serde(default)]
    pub rules: Option<ReleaseRules>,
    /// SHA-256 of the entry that the ledger of releases is given of it, hexadecimal; none where it is withdrawn. A vault lets
    /// nothing out without it; entries of earlier releases may have none.
    #[serde(default, deserialize_with = "bounds::some_text::<_, { bounds::SHORT }>")]
    pub entry: Option<String>,
}

/// A release that the vault's log knows: the public has it, and has it still after it was withdrawn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownRelease {
    /// Its name.
    pub release: TableName,
    /// Its period.
    pub period: Period,
    /// SHA-256 of its files, hexadecimal.
    #[serde(deserialize_with = "bounds::text::<_, { bounds::SHORT }>")]
    pub sha256: String,
    /// SHA-256 of its newest entry in the ledger of releases; none where a program of an earlier release let it out.
    #[serde(deserialize_with = "bounds::some_text::<_, { bounds::SHORT }>")]
    pub entry: Option<String>,
    /// Whether it was withdrawn since it was last let out.
    pub withdrawn: bool,
}

/// The rules that a release was protected by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReleaseRules {
    /// Counts from 1 to one less are withheld.
    pub threshold: u64,
    /// The rule for zeros.
    pub zeros: Zeros,
    /// How many children of one cell an attacker may know.
    pub insider: u64,
    /// The p % rule for sums, if there is one.
    pub p_percent: Option<u32>,
    /// How small counts are kept from being known: `suppress`, `cell-key` and so on.
    #[serde(deserialize_with = "bounds::text::<_, { bounds::WORD }>")]
    pub method: String,
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
