//! Files of what leaves with a disposal and is kept: the sealed archive of records that are made inaccessible, and bundles for the City
//! Archives.

use minster_model::Purpose;
use serde::{Deserialize, Serialize};

use crate::{ShownCount, bounds};

/// The use of a part of a disposal list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PartUse {
    /// Its records are made inaccessible: they go into the sealed archive.
    Archive,
    /// Its records are handed to the City Archives before their end.
    CityArchives,
}

/// A part of a disposal list: pseudonyms whose records are written to a sealed file before they leave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListPart {
    /// The use of its file.
    pub of: PartUse,
    /// Pseudonyms of the list that are of it.
    pub pseudonyms: u64,
}

/// The sealed file of a part, as the vault encrypted and logged it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MadePart {
    /// SHA-256 of the file.
    #[serde(deserialize_with = "bounds::text::<_, { bounds::SHORT }>")]
    pub sha256: String,
    /// Its bytes.
    pub bytes: u64,
    /// Rows in it.
    pub rows: u64,
    /// Datasets that they are of.
    pub datasets: u64,
}

/// How far an open list's parts came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DisposalParts {
    /// Each part's file, where it was made, in the order of the list.
    #[serde(deserialize_with = "bounds::list::<_, _, { bounds::FEW }>")]
    pub made: Vec<Option<MadePart>>,
    /// Whether rows left a dataset already, so that no file can be made again.
    pub has_begun: bool,
}

/// A sealed archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArchiveStatus {
    /// Its name: the disposal list's.
    #[serde(deserialize_with = "bounds::text::<_, { bounds::SHORT }>")]
    pub archive: String,
    /// The purpose.
    pub purpose: Purpose,
    /// Since when (RFC 3339, UTC).
    #[serde(deserialize_with = "bounds::text::<_, { bounds::SHORT }>")]
    pub since: String,
    /// Persons by category, where they are not few.
    #[serde(deserialize_with = "bounds::list::<_, _, { bounds::FEW }>")]
    pub persons: Vec<ArchivedCount>,
    /// SHA-256 of its file; none where it is not made yet.
    #[serde(deserialize_with = "bounds::some_text::<_, { bounds::SHORT }>")]
    pub sha256: Option<String>,
    /// How often it was opened.
    pub opened: u64,
}

/// Persons of a category in an archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArchivedCount {
    /// The category.
    #[serde(deserialize_with = "bounds::text::<_, { bounds::WORD }>")]
    pub category: String,
    /// Persons.
    pub persons: ShownCount,
}

/// The last bytes of an opened archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenedArchive {
    /// They end the encrypted file.
    #[serde(with = "serde_bytes")]
    pub bytes: Vec<u8>,
    /// SHA-256 of the whole of it.
    #[serde(deserialize_with = "bounds::text::<_, { bounds::SHORT }>")]
    pub sha256: String,
    /// Rows in it.
    pub rows: u64,
    /// Numbers of persons in it.
    pub numbers: u64,
}
