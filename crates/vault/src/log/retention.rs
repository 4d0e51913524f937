//! Entries of the log about holds and disposals.

use std::collections::BTreeMap;

use minster_model::{KeyVersion, Purpose};
use minster_retention::CategoryName;
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
}
