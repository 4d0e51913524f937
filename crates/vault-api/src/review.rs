//! Clerical review: what a reviewer's signature covers.

use minster_model::Purpose;
use serde::{Deserialize, Serialize};

use crate::bounds;

/// A file of a reviewer's decisions, signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedDecisions {
    /// The purpose.
    pub purpose: Purpose,
    /// The reviewer's name in the vault.
    #[serde(deserialize_with = "bounds::text::<_, { bounds::WORD }>")]
    pub reviewer: String,
    /// SHA-256 of the file, hexadecimal.
    #[serde(deserialize_with = "bounds::text::<_, { bounds::SHORT }>")]
    pub sha256: String,
    /// Ed25519 over [`SignedDecisions::signing_text`].
    #[serde(
        serialize_with = "serde_bytes::serialize",
        deserialize_with = "bounds::list::<_, _, { bounds::FEW }>"
    )]
    pub signature: Vec<u8>,
    /// Decisions in the file.
    pub decisions: u64,
}

impl SignedDecisions {
    /// The text that a reviewer signs. The ids of pairs in the file are a store's own, so that it is of no use in another.
    pub fn signing_text(purpose: &Purpose, reviewer: &str, sha256: &str) -> String {
        format!("minster-vault/review\n{purpose}\n{reviewer}\n{sha256}\n")
    }
}
