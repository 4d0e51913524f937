use std::fmt;

use minster_model::{DatasetRef, KeyVersion, Kind, Pseudonym, Purpose, Role, RunId, SourceName};
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
    /// The same for a search for leaked identifiers, of whatever dataset. Logged as a scan.
    ScanKey(DatasetRef, WrappedKey),
    /// What the vault may tell without a secret.
    Status,
    /// Purposes, key versions and check values, signed.
    Statement,
    /// The log's length and last hash, signed.
    Checkpoint,
    /// Puts a proposal before the custodians.
    Propose(Proposed),
    /// One custodian's signature under a proposal.
    Approve(Approval),
    /// Carries out what two custodians approved: all but the next two.
    Enact {
        /// The proposal.
        proposal: String,
    },
    /// The identifiers behind the pseudonyms of an approved proposal. Once.
    Reidentify {
        /// The proposal.
        proposal: String,
    },
    /// All pseudonyms of the identifier of an approved proposal. Once.
    FindSubject {
        /// The proposal.
        proposal: String,
        /// What the identifier identifies.
        kind: Kind,
        /// The identifier, canonical: the same as was proposed.
        identifiers: IdentifierBatch,
    },
    /// A new version of a purpose's keys.
    Rotate {
        /// The purpose.
        purpose: Purpose,
    },
    /// Old and new pseudonyms of a purpose's identifiers, one page of them.
    Crosswalk {
        /// The purpose.
        purpose: Purpose,
        /// The version of the old ones; the new ones are the next version's.
        from: KeyVersion,
        /// The page, from 0; an empty one ends them.
        page: u32,
    },
    /// Ends a version of a purpose's keys: no answer is given for it again.
    Retire {
        /// The purpose.
        purpose: Purpose,
        /// The version.
        version: KeyVersion,
    },
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
    Pseudonyms(#[serde(with = "serde_bytes")] Vec<u8>),
    /// The run is closed.
    RunClosed,
    /// A new dataset key.
    KeyCreated(DataKey, WrappedKey),
    /// An unwrapped dataset key.
    KeyUnwrapped(DataKey),
    /// The status.
    Status(StatusReport),
    /// A signed note.
    Note(String),
    /// A proposal as custodians sign it: the exact text.
    Proposal(String),
    /// How many custodians approved so far.
    Approved {
        /// Different custodians.
        approvals: u32,
    },
    /// It was carried out.
    Enacted,
    /// Identifiers, in the order of the proposal's pseudonyms.
    Identifiers(Vec<Reidentified>),
    /// Pseudonyms, one a purpose and version.
    Subject(Vec<SubjectPseudonym>),
    /// The new version.
    Rotated {
        /// Its number.
        version: KeyVersion,
    },
    /// Old and new pseudonyms in pairs, 32 bytes each pair.
    Crosswalk(#[serde(with = "serde_bytes")] Vec<u8>),
    /// The version is retired.
    Retired,
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
    #[error("the purpose {purpose} is not named, or has expired: it has no key")]
    NoSuchPurpose {
        /// The purpose.
        purpose: Purpose,
    },
    /// The purpose does not name the source.
    #[error("the purpose {purpose} does not allow the source {source_name}")]
    SourceNotAllowed {
        /// The purpose.
        purpose: Purpose,
        /// The source.
        source_name: SourceName,
    },
    /// The purpose does not name the role.
    #[error("the purpose {purpose} is not open to the role {role}")]
    PurposeForbids {
        /// The purpose.
        purpose: Purpose,
        /// The caller's role.
        role: Role,
    },
    /// More identifiers than the run may ask.
    #[error(
        "the run would ask for more than its {ceiling} distinct identifiers; nothing was answered. A first \
         load that needs more is proposed with `minster-vault request load` and approved by two custodians"
    )]
    OverBudget {
        /// The run's ceiling.
        ceiling: u64,
    },
    /// More identifiers than a day may see.
    #[error(
        "today's {budget} distinct identifiers for {purpose} are used up; nothing was answered"
    )]
    OverDay {
        /// The purpose.
        purpose: Purpose,
        /// The day's budget.
        budget: u64,
    },
    /// What was asked looks like trying out numbers.
    #[error(
        "stopped: {rule}. No run for {purpose} is answered until two custodians approve \
         `minster-vault request resume`"
    )]
    Probing {
        /// The purpose.
        purpose: Purpose,
        /// Which rule was broken; no identifier.
        rule: String,
    },
    /// A retired version of a purpose's keys.
    #[error("version {version} of the keys of {purpose} is retired: no answer is given for it")]
    Retired {
        /// The purpose.
        purpose: Purpose,
        /// The version.
        version: KeyVersion,
    },
    /// A proposal that cannot be made, approved or carried out.
    #[error("the proposal cannot be {what}: {why}")]
    Proposal {
        /// Made, approved, carried out.
        what: String,
        /// What is wrong.
        why: String,
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
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentifierBatch {
    #[serde(with = "serde_bytes")]
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

/// What is put before the custodians.
#[derive(Clone, Serialize, Deserialize)]
pub struct Proposed {
    /// What is to be done.
    pub action: ProposedAction,
    /// The case it belongs to: a reference, never a name.
    pub reference: String,
    /// Why, for the custodians' eyes; sealed in the vault and not logged.
    pub reason: String,
    /// The last day (ISO) on which it may be approved and carried out.
    pub expires: String,
}

/// What is to be done.
#[derive(Clone, Serialize, Deserialize)]
pub enum ProposedAction {
    /// Name a purpose: the text of one `[[purpose]]` table.
    Purpose(String),
    /// Let one run of a source ask for more.
    Load {
        /// The purpose.
        purpose: Purpose,
        /// The source.
        source: SourceName,
        /// Distinct identifiers.
        ceiling: u64,
    },
    /// Answer again after an alarm.
    Resume {
        /// The purpose.
        purpose: Purpose,
    },
    /// Let these custodians approve from now on: names, and Ed25519 keys in hexadecimal.
    Custodians(Vec<(String, String)>),
    /// Say which identifiers stand behind pseudonyms.
    Reidentify {
        /// Their purpose.
        purpose: Purpose,
        /// The pseudonyms.
        pseudonyms: Vec<Pseudonym>,
    },
    /// Say all pseudonyms of one identifier.
    Subject {
        /// What it identifies.
        kind: Kind,
        /// The identifier, canonical: one.
        identifier: IdentifierBatch,
    },
}

/// One custodian's signature under a proposal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// The proposal.
    pub proposal: String,
    /// The custodian's name in the vault.
    pub custodian: String,
    /// Ed25519 over the proposal's signing text.
    pub signature: Vec<u8>,
}

/// One pseudonym undone. Holds an identifier: no `Debug`.
#[derive(Serialize, Deserialize)]
pub struct Reidentified {
    /// The pseudonym.
    pub pseudonym: Pseudonym,
    /// What stands behind it; nothing where the vault never made it.
    pub found: Option<(Kind, IdentifierBatch)>,
}

/// One of a child's pseudonyms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubjectPseudonym {
    /// The purpose.
    pub purpose: Purpose,
    /// The version of its keys.
    pub version: KeyVersion,
    /// The pseudonym.
    pub pseudonym: Pseudonym,
    /// Whether the vault ever answered it.
    pub answered: bool,
}

/// What the vault tells without a secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusReport {
    /// The store's random name.
    pub store_id: String,
    /// How the root key is sealed.
    pub custody: String,
    /// How often the custody was changed.
    pub custody_generation: u32,
    /// The age recipient of quarantined rows.
    pub recipient: String,
    /// The key that verifies statements and checkpoints.
    pub verifier: String,
    /// The custodians' names.
    pub custodians: Vec<String>,
    /// The purposes.
    pub purposes: Vec<PurposeStatus>,
    /// Entries in the log.
    pub log_entries: u64,
    /// The hash of the log's last entry, in hexadecimal.
    pub log_head: String,
    /// Entries that the last exported checkpoint covers.
    pub checkpointed: u64,
    /// Proposals that wait for approval or for being carried out.
    pub open_proposals: u32,
    /// What the system granted of the process's own protection.
    pub hardening: String,
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
    /// All versions.
    pub versions: Vec<VersionStatus>,
    /// The last day on which it has a key (ISO), where it ends.
    pub expires: Option<String>,
    /// Whether it is over.
    pub expired: bool,
    /// Whether an alarm stopped it.
    pub stopped: bool,
    /// Identifiers that were ever answered.
    pub identifiers: u64,
    /// Distinct identifiers asked today (UTC).
    pub today: u64,
    /// What a run and a day may ask for.
    pub budget: (u64, u64),
}

/// One version of a purpose's keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionStatus {
    /// Its number.
    pub version: KeyVersion,
    /// The check value that manifests carry.
    pub key_check: String,
    /// Whether it was retired.
    pub retired: bool,
}

/// What the vault states under its signature; the note's second line, as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// The store's random name.
    pub store_id: String,
    /// When (RFC 3339, UTC).
    pub time: String,
    /// The purposes.
    pub purposes: Vec<PurposeStatus>,
}

impl Statement {
    /// The statement in a note's verified text.
    pub fn read(text: &str) -> Option<Self> {
        let (first, json) = text.split_once('\n')?;
        let statement: Self = serde_json::from_str(json.trim_end()).ok()?;
        (first == Self::origin(&statement.store_id)).then_some(statement)
    }

    /// The text that is signed.
    pub fn text(&self) -> Result<String, serde_json::Error> {
        Ok(format!("{}\n{}\n", Self::origin(&self.store_id), serde_json::to_string(self)?))
    }

    fn origin(store_id: &str) -> String {
        format!("minster-vault/{store_id}/statement")
    }
}
