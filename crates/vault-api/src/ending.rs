//! The end of a purpose: how far it came, the order to the store, and what was removed there.

use minster_model::DatasetRef;
use serde::{Deserialize, Serialize};

use crate::bounds;

/// How far the end of a purpose came, which two custodians approved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndStatus {
    /// The proposal.
    #[serde(deserialize_with = "bounds::text::<_, { bounds::SHORT }>")]
    pub proposal: String,
    /// Since when nothing is answered for the purpose (RFC 3339, UTC).
    #[serde(deserialize_with = "bounds::text::<_, { bounds::SHORT }>")]
    pub since: String,
    /// How often the store's side told what it removed.
    pub removals: u32,
    /// Whether the store is lost, so that the vault waits for no word of it.
    pub store_lost: bool,
    /// When the vault destroyed what it had of the purpose (RFC 3339, UTC); none where it has not yet.
    #[serde(deserialize_with = "bounds::some_text::<_, { bounds::SHORT }>")]
    pub destroyed: Option<String>,
}

/// The store's side may remove what it has of a purpose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndOrder {
    /// How far the end came.
    pub end: EndStatus,
    /// Releases that were let out and not withdrawn. They stand.
    pub releases: u64,
}

/// A dataset that was removed, with all its snapshots. Holds counts, names and hashes alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RemovedDataset {
    /// Which.
    pub dataset: DatasetRef,
    /// SHA-256 of the manifest of the snapshot that stood; empty where none stood. The manifest names the hash of each file.
    #[serde(deserialize_with = "bounds::text::<_, { bounds::SHORT }>")]
    pub manifest: String,
    /// The same of one that was recorded and not in its place yet, because a program was stopped; empty where there was none.
    #[serde(deserialize_with = "bounds::text::<_, { bounds::SHORT }>")]
    pub waiting: String,
    /// Rows of the snapshot that stood.
    pub rows: u64,
    /// Snapshots, the one that stood among them.
    pub snapshots: u64,
    /// SHA-256 of the hashes of all their manifests, ascending, a line each.
    #[serde(deserialize_with = "bounds::text::<_, { bounds::SHORT }>")]
    pub sha256: String,
}

/// Other files of one kind that were removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RemovedFiles {
    /// Their kind, in words.
    #[serde(deserialize_with = "bounds::text::<_, { bounds::SHORT }>")]
    pub what: String,
    /// How many.
    pub files: u64,
    /// SHA-256 of the lines `hash, two spaces, name` of all of them, by name, as `sha256sum` writes them.
    #[serde(deserialize_with = "bounds::text::<_, { bounds::SHORT }>")]
    pub sha256: String,
}

/// All that the store's side removed of a purpose. Holds counts, names and hashes alone.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoreRemoval {
    /// Its datasets: deliveries with their quarantine, linked children and events, restricted reports, linkage datasets.
    #[serde(deserialize_with = "bounds::list::<_, _, { bounds::DATASETS }>")]
    pub datasets: Vec<RemovedDataset>,
    /// Records of runs, and drafts.
    #[serde(deserialize_with = "bounds::list::<_, _, { bounds::FEW }>")]
    pub files: Vec<RemovedFiles>,
    /// Snapshots that stand because nobody can tell whose they are: their manifests cannot be read, and their keys were in these.
    pub unread: u64,
    /// Drafts that stand because nobody can tell whether they are another purpose's. A draft holds no count.
    pub drafts: u64,
}
