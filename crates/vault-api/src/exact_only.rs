//! The list of identities that are linked by their number alone: custodians change it, the linker is told pseudonyms.

use minster_model::{KeyVersion, Kind, Pseudonym};
use serde::{Deserialize, Serialize};

use crate::bounds;

/// A change of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ListChange {
    /// Numbers are put on it.
    Add,
    /// Numbers are taken off it.
    Remove,
}

/// The outcome of a change of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListChanged {
    /// Numbers that were not on it before.
    pub added: u64,
    /// Numbers that are on it no more.
    pub removed: u64,
    /// Numbers on it now.
    pub numbers: u64,
}

/// How many numbers of a kind are on the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedKind {
    /// The kind.
    pub kind: Kind,
    /// Numbers.
    pub numbers: u64,
}

/// The list as the linker is told it for one purpose.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExactOnlyList {
    /// Numbers on it, of whatever kind.
    pub numbers: u64,
    /// Says which list it is, and nothing of its numbers: another list has another. Empty where no number is on it.
    #[serde(deserialize_with = "bounds::text::<_, { bounds::SHORT }>")]
    pub digest: String,
    /// Pseudonyms of those whose kind the purpose names, for each version of its keys that is not retired.
    #[serde(deserialize_with = "bounds::list::<_, _, { bounds::SOME }>")]
    pub versions: Vec<ListedPseudonyms>,
}

/// Pseudonyms of the list's numbers under one version of a purpose's keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedPseudonyms {
    /// The version.
    pub version: KeyVersion,
    /// Sixteen bytes each, ascending: their order says nothing.
    #[serde(with = "serde_bytes")]
    pub bytes: Vec<u8>,
}

impl ListedPseudonyms {
    /// The pseudonyms, ascending.
    pub fn iter(&self) -> impl Iterator<Item = Pseudonym> + '_ {
        let (all, _) = self.bytes.as_chunks::<{ Pseudonym::LEN }>();
        all.iter().copied().map(Pseudonym::from_bytes)
    }
}
