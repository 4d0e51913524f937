//! The messages on the vault's Unix socket, and the [`Client`] that sends them: bytes and kinds, no
//! identifier types and no key code, so that every program may link it. It may depend on
//! `minster-model`, `base64`, `postcard`, `ring` (to verify signatures), `serde`, `serde_json`, `thiserror` and
//! `zeroize`.
//!
//! A conversation is a sequence of frames: a little-endian `u32` length (at most
//! [`frame::MAX_FRAME`] bytes) and a postcard message. It opens with [`Request::Hello`].
//!
//! ```
//! use minster_vault_api::IdentifierBatch;
//!
//! let mut batch = IdentifierBatch::default();
//! batch.push(b"first");
//! batch.push(b"second");
//! assert_eq!(batch.iter().map(|identifier| identifier.len()).collect::<Vec<_>>(), [5, 6]);
//! ```
#![forbid(unsafe_code)]

mod client;
pub mod frame;
mod message;
pub mod note;

pub use client::{Client, VaultError};
pub use message::{
    Approval, DataKey, Denial, IdentifierBatch, InputFile, OpenedRun, Proposed, ProposedAction,
    PurposeStatus, Reidentified, Request, Response, RunManifest, Statement, StatusReport,
    SubjectPseudonym, VersionStatus, WrappedKey,
};

/// The protocol's version. A vault answers a client of its own version alone.
pub const PROTOCOL: u16 = 2;
