//! Access to all that is held on one child: the grant, the child's pseudonyms for the store's side, and the bundle, which the vault
//! puts together and encrypts, so that no other program holds the child's numbers beside the child's rows.

use minster_model::{Kind, Pseudonym, Purpose};
use serde::{Deserialize, Serialize};

use crate::bounds;

/// The most bytes of a bundle's parts in one message.
pub const BUNDLE_PIECE: usize = 1 << 20;

/// A grant that was begun: the child, as the store's side may know it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BegunAccess {
    /// The child's pseudonyms, by purpose; of all versions of keys that are not retired. None of a child that no registry knows.
    #[serde(deserialize_with = "bounds::list::<_, _, { bounds::FEW }>")]
    pub purposes: Vec<AccessPurpose>,
    /// Purposes that are not over, and not open to the linker: of their datasets nothing can be told.
    #[serde(deserialize_with = "bounds::list::<_, _, { bounds::FEW }>")]
    pub closed: Vec<Purpose>,
    /// Kinds of numbers that are a child's own.
    #[serde(deserialize_with = "bounds::list::<_, _, { bounds::FEW }>")]
    pub child_kinds: Vec<Kind>,
    /// Kinds of numbers that are some person's own: an adopter's too.
    #[serde(deserialize_with = "bounds::list::<_, _, { bounds::FEW }>")]
    pub own_kinds: Vec<Kind>,
}

/// A child's pseudonyms under a purpose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessPurpose {
    /// The purpose.
    pub purpose: Purpose,
    /// The pseudonyms, in an order that says nothing.
    #[serde(deserialize_with = "bounds::list::<_, _, { bounds::SOME }>")]
    pub pseudonyms: Vec<Pseudonym>,
}

/// A part of a bundle. The vault adds its own files at the end, and never between these: lengths would tell what they hold. Holds a child's rows: no `Debug`.
#[derive(Serialize, Deserialize)]
pub enum BundlePart {
    /// Begins a file of this name.
    File(#[serde(deserialize_with = "bounds::text::<_, { bounds::SHORT }>")] String),
    /// Goes on in the file.
    Text(#[serde(with = "serde_bytes")] Vec<u8>),
}

/// The work of the store's side for a bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessCounts {
    /// Datasets that it read.
    pub datasets: u64,
    /// Rows of the child that it found.
    pub rows: u64,
}

/// The end of a bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndedAccess {
    /// The last bytes.
    #[serde(with = "serde_bytes")]
    pub bytes: Vec<u8>,
    /// SHA-256 of the whole encrypted bundle, hexadecimal.
    #[serde(deserialize_with = "bounds::text::<_, { bounds::SHORT }>")]
    pub sha256: String,
}
