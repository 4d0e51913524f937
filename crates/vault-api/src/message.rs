use std::fmt;

use minster_model::{DatasetRef, KeyVersion, Kind, Purpose, Role, RunId, SourceName};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// What a caller asks.
#[derive(Serialize, Deserialize)]
pub enum Request {
    /// Opens the conversation.
    Hello {
        /// The caller's [`crate::PROTOCOL`].
        protocol: u16,
        /// The role in which it asks; its uid must hold it.
        role: Role,
        /// The program's name, for the log.
        program: String,
    },
    /// Opens a run: which purpose and source, how many identifiers at most.
    OpenRun(RunManifest),
    /// Pseudonyms of these identifiers, in their order, under the open run's purpose.
    Pseudonymise {
        /// What they identify.
        kind: Kind,
        /// The identifiers, canonical.
        identifiers: IdentifierBatch,
    },
    /// Closes the open run.
    CloseRun,
    /// A new dataset key, and the same wrapped.
    CreateKey(DatasetRef),
    /// The dataset key that this wrapping holds.
    UnwrapKey(DatasetRef, WrappedKey),
    /// What the vault may tell without a secret.
    Status,
}

/// What the vault answers.
#[derive(Serialize, Deserialize)]
pub enum Response {
    /// The conversation is open.
    Welcome {
        /// The vault's [`crate::PROTOCOL`].
        protocol: u16,
    },
    /// The run is open.
    RunOpened(OpenedRun),
    /// Pseudonyms, sixteen bytes each, in the order asked.
    Pseudonyms(Vec<u8>),
    /// The run is closed.
    RunClosed,
    /// A new dataset key.
    KeyCreated(DataKey, WrappedKey),
    /// An unwrapped dataset key.
    KeyUnwrapped(DataKey),
    /// The status.
    Status(StatusReport),
    /// Nothing was done.
    Denied(Denial),
}

/// Why the vault did nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum Denial {
    /// Another protocol version.
    #[error("the vault speaks protocol {vault}; use programs of one release")]
    Protocol {
        /// The vault's version.
        vault: u16,
    },
    /// The caller's uid does not hold the role.
    #[error("uid {uid} does not hold the role {role}; a custodian names it in vault.toml")]
    NotInRole {
        /// The caller's user id.
        uid: u32,
        /// The role asked for.
        role: Role,
    },
    /// The role may not ask this.
    #[error("the role {role} may not ask for {what}")]
    RoleForbids {
        /// The caller's role.
        role: Role,
        /// What was asked.
        what: String,
    },
    /// No such purpose, or one whose time is over.
    #[error("the purpose {purpose} is not named in vault.toml, or has expired: it has no key")]
    NoSuchPurpose {
        /// The purpose.
        purpose: Purpose,
    },
    /// More identifiers than the run may ask.
    #[error("the run would ask for more than its {ceiling} identifiers; nothing was answered")]
    OverBudget {
        /// The run's ceiling.
        ceiling: u64,
    },
    /// A message out of order, such as a batch without a run.
    #[error("the message does not fit here: {what}")]
    OutOfOrder {
        /// What is missing.
        what: String,
    },
    /// The wrapping was made by another vault, for another dataset, or was changed.
    #[error(
        "the dataset key of {dataset} does not open: another vault's, another dataset's, or changed"
    )]
    WrongWrapping {
        /// The dataset.
        dataset: DatasetRef,
    },
    /// The log could not be written, so nothing was answered.
    #[error("the vault cannot write its log, so it does not answer")]
    LogUnwritable,
    /// A fault inside the vault.
    #[error("the vault failed: {what}")]
    Fault {
        /// What failed; never an identifier.
        what: String,
    },
}

/// What a run declares before it may ask for pseudonyms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunManifest {
    /// The run.
    pub run: RunId,
    /// The purpose.
    pub purpose: Purpose,
    /// The source it ingests.
    pub source: SourceName,
    /// The files it reads.
    pub inputs: Vec<InputFile>,
    /// How many distinct identifiers it will ask for at most.
    pub ceiling: u64,
}

/// One file of a run's manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputFile {
    /// The file's name inside its drop folder.
    pub name: String,
    /// Its SHA-256, in hexadecimal.
    pub sha256: String,
    /// Its length in bytes.
    pub bytes: u64,
}

/// What the vault grants a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenedRun {
    /// The version of the purpose's keys.
    pub key_version: KeyVersion,
    /// A value that shows which key made the pseudonyms and reveals nothing of it.
    pub key_check: String,
    /// How many identifiers the run may ask for.
    pub ceiling: u64,
    /// The age recipient to which quarantined rows are sealed.
    pub recipient: String,
}

/// Many identifiers of one kind, end to end.
#[derive(Default, Serialize, Deserialize)]
pub struct IdentifierBatch {
    bytes: Vec<u8>,
    ends: Vec<u32>,
}

impl IdentifierBatch {
    /// Adds one identifier.
    pub fn push(&mut self, identifier: &[u8]) {
        self.bytes.extend_from_slice(identifier);
        // A frame is bounded far below u32::MAX; `frame::write` refuses what is longer.
        self.ends.push(u32::try_from(self.bytes.len()).unwrap_or(u32::MAX));
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Bytes of all identifiers together.
    pub fn byte_len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether the ends are ascending and cover the bytes: to be asked of a batch that came over
    /// the socket before it is iterated.
    pub fn is_well_formed(&self) -> bool {
        let mut before = 0;
        self.ends.iter().all(|&end| std::mem::replace(&mut before, end) <= end)
            && before as usize == self.bytes.len()
    }

    /// The identifiers in order. One whose ends do not fit reads as empty.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let mut start = 0;
        self.ends.iter().map(move |&end| {
            let end = end as usize;
            self.bytes.get(std::mem::replace(&mut start, end)..end).unwrap_or_default()
        })
    }
}

impl Drop for IdentifierBatch {
    fn drop(&mut self) {
        self.bytes.zeroize();
    }
}

impl fmt::Debug for IdentifierBatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IdentifierBatch({} identifiers)", self.len())
    }
}

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
pub struct WrappedKey(pub String);

/// What the vault tells without a secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusReport {
    /// The store's random name.
    pub store_id: String,
    /// How the root key is sealed: `passphrase` or `key file`.
    pub custody: String,
    /// The age recipient of quarantined rows.
    pub recipient: String,
    /// The purposes.
    pub purposes: Vec<PurposeStatus>,
    /// Entries in the log.
    pub log_entries: u64,
    /// The hash of the log's last entry, in hexadecimal.
    pub log_head: String,
}

/// One purpose's state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PurposeStatus {
    /// The purpose.
    pub purpose: Purpose,
    /// The version of its keys.
    pub key_version: KeyVersion,
    /// The check value that manifests carry.
    pub key_check: String,
    /// The last day on which it has a key (ISO), where it ends.
    pub expires: Option<String>,
    /// Whether it is over.
    pub expired: bool,
}
