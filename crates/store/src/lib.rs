//! Where data rests: datasets as encrypted Parquet, quarantine beside them, releases, manifests, and
//! the one way of publishing: write aside, fsync, have a dataset's manifest recorded by the vault, rename, fsync the folder. It may depend on
//! `minster-model` and `minster-vault-api`.
//!
//! ```text
//! STORE/lock
//! STORE/staging/…                                   what a run is writing; swept by the next run
//! STORE/datasets/<class>/<name>/<period>/current    -> v-<run>
//! STORE/datasets/<class>/<name>/<period>/v-<run>/   manifest.json, <table>.parquet, quarantine…
//! STORE/datasets/<class>/<name>/<period>/next/      a snapshot until the vault's log has its manifest
//! STORE/runs/<run>.<program>.json                   what each run did
//! STORE/releases/<name>/<period>/current            -> r-<hash of its content>
//! STORE/releases/<name>/<period>/WITHDRAWN.txt      which of them were withdrawn, when and why
//! STORE/drafts/<period>/<name>.json                 what a person may let out; nobody else reads it
//! STORE/drafts/<period>/<name>.<hash>.entry         the ledger's next entry, until it is in the ledger
//! STORE/ledger/<period>/<name>.<hash>.json          what was released, for ever
//! STORE/archive/<purpose>/<list>.age                 records that were made inaccessible; the vault alone opens it
//! STORE/ending.json                                 what was found of a purpose that ends, until the vault was told
//! STORE/refusals.json                               what disclosure control refused of late
//! ```
//!
//! ```
//! use minster_store::Store;
//!
//! let folder = std::env::temp_dir().join(format!("minster-doc-{}", std::process::id()));
//! let store = Store::open(&folder)?;
//! let lock = store.lock()?;
//! assert!(store.lock().is_err(), "one run at a time");
//! # drop(lock); std::fs::remove_dir_all(&folder).ok();
//! # Ok::<(), minster_store::StoreError>(())
//! ```
#![forbid(unsafe_code)]

mod archive;
mod dataset;
mod disk;
mod disposal;
mod drafts;
mod ending;
mod error;
mod files;
mod hanging;
mod inspect;
mod keys;
mod ledger;
mod locked;
mod manifest;
mod one_person;
mod quarantine;
mod records;
mod refusals;
mod rekey;
mod release;
mod retention;
mod row_group_writer;
mod runs;
mod site;
mod store;
mod table;
mod tokens;
mod within;

pub use archive::ArchiveFile;
pub use dataset::{Dataset, DatasetWriter, SealedFile};
pub use disk::Disk;
pub use disposal::{DisposedFrom, Gone, Kept, KeptRows, SEALED_ROWS};
pub use error::StoreError;
pub use files::FileEntry;
pub use hanging::HangingNumbers;
pub use inspect::StoredDataset;
pub use keys::{DatasetKeys, ReleaseLog};
pub use manifest::{
    CellCounts, ColumnEntry, DisposalNote, FileCounts, Manifest, Origin, TableEntry,
};
pub use minster_model::UNIT;
pub use one_person::{OnePerson, PersonsRows, RowsSetAside, TableRows};
pub use quarantine::{AlsoFailed, FailedRows, REASONS, SetAside};
pub use records::Settled;
pub use rekey::{CarriedOver, Successors};
pub use release::Release;
pub use row_group_writer::RowGroupWriter;
pub use runs::{
    Journal, LineageJob, Progress, RunRecord, SourceRecord, StageRecord, deliveries, name_by_clock,
    record_attempt, record_beginning,
};
pub use site::{SITE_LIST, SiteWriter};
pub use store::{RunLock, Store};
pub use table::{RowGroups, TableReader, TableWriter};
pub use tokens::is_same_dictionary;
// The vault's log of releases, for crates that need not know the vault.
pub use minster_vault_api::{
    Floors, InputFile, KnownRelease, ManifestFault, NewestManifests, Previews, Publication,
    Publishing, RecordedManifest, ReleaseRules, StoreRemoval,
};

/// SHA-256 in hexadecimal, for manifests.
pub fn sha256_hex(bytes: &[u8]) -> String {
    base16ct::lower::encode_string(&sha256(bytes))
}

/// SHA-256.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut digest = [0; 32];
    digest.copy_from_slice(ring::digest::digest(&ring::digest::SHA256, bytes).as_ref());
    digest
}
