//! Rows that ingestion set aside, opened for a custodian.

use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::bounds;

/// Bytes of a sealed file in one message, at most.
pub const PIECE: usize = 1 << 20;

/// Why a quarantine is opened, and which of its rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuarantineCase {
    /// The case it belongs to: a reference, never a name. Logged.
    #[serde(deserialize_with = "bounds::text::<_, { bounds::WORD }>")]
    pub reference: String,
    /// Why, in one line. Logged.
    #[serde(deserialize_with = "bounds::text::<_, { bounds::LINE }>")]
    pub reason: String,
    /// One bit a row, the lowest bit of the first byte the file's first row; all rows where absent.
    #[serde(deserialize_with = "bounds::some_list::<_, _, { bounds::BATCH }>")]
    pub chosen: Option<Vec<u8>>,
}

/// The content of a quarantine, once it is logged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenedQuarantine {
    /// SHA-256 of the sealed file, hexadecimal.
    #[serde(deserialize_with = "bounds::text::<_, { bounds::SHORT }>")]
    pub sha256: String,
    /// Its rows.
    pub rows: u64,
    /// Those that were chosen.
    pub chosen: u64,
}

/// Rows in clear, as JSON lines; a line may go on in the next piece's. Cleared when dropped; no `Debug`.
#[derive(Default, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
pub struct QuarantineRows(#[serde(with = "serde_bytes")] pub Vec<u8>);
