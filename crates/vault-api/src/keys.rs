//! Keys of datasets, plain and sealed.

use std::fmt;

use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::{RunKey, bounds};

/// The key of one dataset: AES-256. Held while the dataset is read or written, then cleared.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
pub struct DataKey([u8; 32]);

impl DataKey {
    /// From 32 random bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The key's bytes.
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DataKey(…)")
    }
}

/// A dataset key sealed by the vault; stands in the dataset's manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WrappedKey(
    #[serde(deserialize_with = "bounds::text::<_, { bounds::LINE }>")] pub String,
);

/// The keys that open a dataset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unwrapped {
    /// The dataset's.
    pub key: DataKey,
    /// The key of the run whose tokens it holds, where it holds tokens.
    pub run: Option<RunKey>,
}
