//! Manifests of datasets, for the vault's log: which is the newest of each dataset.

use std::fmt;

use minster_model::{DatasetClass, DatasetRef, Role};
use serde::{Deserialize, Serialize};

use crate::bounds;

/// The manifest of a dataset, by its hash.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RecordedManifest {
    /// The dataset.
    pub dataset: DatasetRef,
    /// SHA-256 of the manifest's bytes, hexadecimal.
    #[serde(deserialize_with = "bounds::text::<_, { bounds::SHORT }>")]
    pub sha256: String,
}

/// The newest manifests of a purpose's datasets, one page of them, and what the caller is to take over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewestManifests {
    /// By dataset.
    #[serde(deserialize_with = "bounds::list::<_, _, { bounds::SOME }>")]
    pub newest: Vec<RecordedManifest>,
    /// Datasets that an earlier release made in the caller's role, and that were not taken over yet; with the first page.
    #[serde(deserialize_with = "bounds::list::<_, _, { bounds::DATASETS }>")]
    pub due: Vec<DatasetRef>,
}

/// The fault in the manifest of a dataset that someone wants to open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ManifestFault {
    /// The log has another, and never had this one.
    Unknown,
    /// The log has a newer one.
    Older,
    /// The log has none, and never had one.
    Unrecorded,
    /// The log has none: the dataset was made by an earlier release.
    NotTakenOver,
    /// The log has one, and the dataset is not there.
    Gone,
    /// The log has another: a program that does not know the older ones says so.
    Other,
}

impl fmt::Display for ManifestFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "its manifest was changed, or is another dataset's",
            Self::Older => "an older snapshot stands in the place of the newest",
            Self::Unrecorded => "the vault's log has no manifest of it",
            Self::Other => {
                "another manifest stands there than the newest in the vault's log: it was changed, or an older snapshot was put back"
            }
            Self::NotTakenOver => {
                "an earlier release made it, and the vault's log does not have it yet"
            }
            Self::Gone => "it is gone from the store, and the vault's log knows it",
        })
    }
}

/// The role that writes the datasets of a class. It alone may record their manifests; the linker besides, where it carries
/// a dataset over to new keys.
pub fn writer(class: DatasetClass) -> Role {
    match class {
        DatasetClass::Source | DatasetClass::Linkage => Role::Ingest,
        DatasetClass::Integrated => Role::Linker,
        DatasetClass::Report => Role::Analyst,
    }
}
