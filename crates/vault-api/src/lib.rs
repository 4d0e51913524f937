//! The messages on the vault's Unix socket, and the [`Client`] that sends them: bytes and kinds, no
//! identifier types and no code of pseudonym keys, so that every program may link it. It may depend on
//! `minster-model`, `aes` (for the tokens of runs), `base16ct`, `base64`, `jiff` (the last day of a purpose), `postcard`, `ring` (to verify signatures), `rustix`
//! (whose a socket is), `serde`, `serde_bytes`, `serde_json`, `thiserror` and `zeroize`.
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

mod access;
mod archive;
mod bounds;
mod cases;
mod client;
mod comparison;
mod custodians;
mod denial;
mod ending;
mod exact_only;
pub mod frame;
mod keys;
mod manifest;
pub mod note;
mod person_facts;
mod proof;
mod proposal;
mod publication;
mod purpose;
mod quarantine;
mod rectification;
mod request;
mod response;
mod retention;
mod review;
mod run;
mod scope;
mod status;
mod tokens;
mod unlock;

pub use access::{AccessCounts, AccessPurpose, BUNDLE_PIECE, BegunAccess, BundlePart, EndedAccess};
pub use archive::{
    ArchiveStatus, ArchivedCount, DisposalParts, ListPart, MadePart, OpenedArchive, PartUse,
};
pub use cases::{
    CaseCounts, CaseDecision, CaseOutcome, CaseStatus, Ground, NewCase, RestrictedList, Right, Turn,
};
pub use client::{Client, VaultError};
pub use comparison::{ComparedText, Recognisable, Recognised, TextToken};
pub use custodians::{LogPage, OpenProposal};
pub use denial::Denial;
pub use ending::{EndOrder, EndStatus, RemovedDataset, RemovedFiles, StoreRemoval};
pub use exact_only::{ExactOnlyList, ListChange, ListChanged, ListedKind, ListedPseudonyms};
pub use keys::{DataKey, Unwrapped, WrappedKey};
pub use manifest::{ManifestFault, NewestManifests, RecordedManifest, writer};
pub use person_facts::{FactsRow, PersonFacts, ToldDate};
pub use proof::Proof;
pub use proposal::{
    Approval, CarriedOut, Proposed, ProposedAction, Reidentified, SubjectPseudonym,
};
pub use publication::{Floors, KnownRelease, Previews, Publication, Publishing, ReleaseRules};
pub use purpose::{Budget, MOST_KINDS, PurposeDefinition, ReleaseFloors, today};
pub use quarantine::{OpenedQuarantine, PIECE, QuarantineCase, QuarantineRows};
pub use rectification::{
    CorrectedCell, CorrectedNumbers, CorrectedValue, Correction, Corrections, LastMet, MetCounts,
    WrongNumber, WrongValue,
};
pub use request::Request;
pub use response::Response;
pub use retention::{
    DeliveryCount, DisposalCounts, DisposalHead, DisposalReceipt, DisposedDataset, DueCount,
    HeldCount, RetentionPlan, SMALLEST_SHOWN, ShownCount, StandingHold, UndeterminedCount,
};
pub use review::SignedDecisions;
pub use run::{FilesFault, IdentifierBatch, InputFile, NamedFile, OpenedRun, RunManifest};
pub use scope::{
    All, BrokenPromise, ColumnScope, Notice, ReadColumns, SourceColumns, TableColumns, first_of,
};
pub use status::{
    DangerousRoles, PurposeStatus, RoleGrant, Statement, StatusReport, VersionStatus,
};
pub use tokens::{RunCipher, RunKey, SealedRunKey, Token};
pub use unlock::{LockedReport, Share, ShareKind, Unlocking, VaultState};

/// The protocol's version. A vault answers a client of its own version alone.
pub const PROTOCOL: u16 = 15;
