//! Entries of the log about the end of a purpose. Counts, names and hashes alone.

use minster_model::Purpose;
use minster_vault_api::StoreRemoval;
use serde::{Deserialize, Serialize};

/// A step of the end of a purpose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "kebab-case")]
pub enum EndEvent {
    /// Nothing is answered for the purpose from now on, as two custodians approved. A second such entry says that the store is lost.
    Begun {
        /// The proposal that two custodians approved.
        proposal: String,
        /// The purpose.
        purpose: Purpose,
        /// Whether its last day was not over.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        early: bool,
        /// Whether the store is lost, so that the vault waits for no word of it.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        store_lost: bool,
    },
    /// The store's side removed what it had of the purpose.
    Removed {
        /// The purpose.
        purpose: Purpose,
        /// The things that it removed.
        removal: StoreRemoval,
    },
    /// The vault destroys what it has of the purpose: the files are removed once this entry is durable.
    Destroyed {
        /// The purpose.
        purpose: Purpose,
        /// The files.
        pieces: Vec<DestroyedFiles>,
    },
}

impl EndEvent {
    /// The purpose.
    pub fn purpose(&self) -> &Purpose {
        match self {
            Self::Begun { purpose, .. }
            | Self::Removed { purpose, .. }
            | Self::Destroyed { purpose, .. } => purpose,
        }
    }

    /// The proposal that it carries out.
    pub(super) fn carries_out(&self) -> Option<&str> {
        match self {
            Self::Begun { proposal, .. } => Some(proposal),
            Self::Removed { .. } | Self::Destroyed { .. } => None,
        }
    }
}

/// Files of one kind that the vault destroyed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DestroyedFiles {
    /// Their kind, in words.
    pub what: String,
    /// How many.
    pub files: u64,
    /// Records in them, where the log counts these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub records: Option<u64>,
    /// SHA-256 of the lines `hash, two spaces, name` of all of them, by name, as `sha256sum` writes them.
    pub sha256: String,
}
