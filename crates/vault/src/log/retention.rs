//! Entries of the log about holds and disposals.

use std::collections::BTreeMap;

use minster_model::{KeyVersion, Purpose};
use minster_retention::CategoryName;
use minster_vault_api::{MadePart, PartUse};
use serde::{Deserialize, Serialize};

use super::RegistryHead;

/// A hold. The person that it is on stands in the sealed proposal alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// The proposal that two custodians approved.
    pub proposal: String,
    /// SHA-256 of its text.
    pub sha256: String,
    /// The case.
    pub reference: String,
    /// The category, where it is a moratorium; else it is on a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<CategoryName>,
    /// The authority that ordered a moratorium.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ordered_by: Option<String>,
}

/// A disposal in the vault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disposed {
    /// The proposal that two custodians approved: the list's name.
    pub proposal: String,
    /// The purpose.
    pub purpose: Purpose,
    /// The version of its keys.
    pub version: KeyVersion,
    /// The case of a child's rights that it grants: it is of one person then, whose day has not come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case: Option<String>,
    /// SHA-256 of the schedule's text.
    pub schedule: String,
    /// The last day that counted (ISO).
    pub until: String,
    /// Persons, by the category whose date came.
    pub persons: BTreeMap<CategoryName, u64>,
    /// Their own numbers.
    pub numbers: u64,
    /// Match keys and other numbers beside them whose text left the registry too. Their keyed links stay, for new keys.
    pub beside: u64,
    /// SHA-256 of the signed list.
    pub sha256: String,
    /// The files of the purpose, each written anew.
    pub registry: RegistryHead,
    /// The birth dates beside its identifiers.
    pub births: RegistryHead,
    /// The facts of persons that were told.
    pub facts: RegistryHead,
    /// The numbers that are blocked.
    pub tombstones: RegistryHead,
    /// Parts whose records are written to a sealed file before they leave.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<DisposedPart>,
}

/// Persons of a disposal whose records are written to a sealed file before they leave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DisposedPart {
    /// The use of the file.
    pub of: PartUse,
    /// The age recipient to whom it is encrypted.
    pub recipient: String,
    /// SHA-256 of what the vault keeps sealed of it: the archive's identity, and the persons' numbers.
    pub sealed: String,
    /// Persons, by category.
    pub persons: BTreeMap<CategoryName, u64>,
    /// Their own numbers.
    pub numbers: u64,
}

/// A step with a sealed file of records that leave. Counts, names and hashes alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "kebab-case")]
pub enum ArchiveEvent {
    /// The file of a part was encrypted: the rows may leave the datasets.
    Made {
        /// The purpose.
        purpose: Purpose,
        /// The disposal list.
        list: String,
        /// The part's place in it.
        part: u32,
        /// The file.
        made: MadePart,
    },
    /// To open an archive was begun.
    Began {
        /// The proposal that two custodians approved.
        proposal: String,
        /// The archive.
        archive: String,
    },
    /// It was opened for a recipient, as two custodians approved.
    Opened {
        /// The proposal.
        proposal: String,
        /// The purpose.
        purpose: Purpose,
        /// The archive.
        archive: String,
        /// Rows that left it, encrypted.
        rows: u64,
        /// Numbers of persons that left it, encrypted.
        numbers: u64,
        /// SHA-256 of the encrypted file that left.
        sha256: String,
    },
}

impl ArchiveEvent {
    /// The proposal that it carries out.
    pub(super) fn carries_out(&self) -> Option<&str> {
        match self {
            Self::Opened { proposal, .. } => Some(proposal),
            Self::Made { .. } | Self::Began { .. } => None,
        }
    }
}
