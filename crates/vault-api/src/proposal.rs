//! The actions that custodians approve, and the answers that their approval opens.

use minster_model::{
    DatasetRef, KeyVersion, Kind, Period, Pseudonym, Purpose, Role, SourceName, TableName,
};
use serde::{Deserialize, Serialize};

use crate::{
    CaseDecision, Correction, DisposalCounts, IdentifierBatch, ListChange, ListChanged, bounds,
};

/// A proposal as it is put before the custodians.
#[derive(Clone, Serialize, Deserialize)]
pub struct Proposed {
    /// The action.
    pub action: ProposedAction,
    /// The case it belongs to: a reference, never a name.
    #[serde(deserialize_with = "bounds::text::<_, { bounds::WORD }>")]
    pub reference: String,
    /// Why, for the custodians' eyes; sealed in the vault and not logged.
    #[serde(deserialize_with = "bounds::text::<_, { bounds::LINE }>")]
    pub reason: String,
    /// The last day (ISO) on which it may be approved and carried out.
    #[serde(deserialize_with = "bounds::text::<_, { bounds::SHORT }>")]
    pub expires: String,
}

/// An action that needs two custodians.
#[derive(Clone, Serialize, Deserialize)]
pub enum ProposedAction {
    /// Name a purpose: the text of one `[[purpose]]` table.
    Purpose(#[serde(deserialize_with = "bounds::text::<_, { bounds::PAGE }>")] String),
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
    Custodians(
        #[serde(deserialize_with = "bounds::pairs::<_, { bounds::FEW }, { bounds::WORD }>")]
        Vec<(String, String)>,
    ),
    /// Say which identifiers stand behind pseudonyms.
    Reidentify {
        /// Their purpose.
        purpose: Purpose,
        /// The pseudonyms.
        #[serde(deserialize_with = "bounds::list::<_, _, { bounds::SOME }>")]
        pseudonyms: Vec<Pseudonym>,
    },
    /// Say all pseudonyms of one identifier.
    Subject {
        /// The kind of the identifier.
        kind: Kind,
        /// The identifier, canonical: one.
        identifier: IdentifierBatch,
    },
    /// Give a requester all that is held on one child, encrypted.
    Access {
        /// The kind of the child's identifier.
        kind: Kind,
        /// The identifier, canonical: one.
        identifier: IdentifierBatch,
        /// The requester's age recipient.
        #[serde(deserialize_with = "bounds::text::<_, { bounds::WORD }>")]
        recipient: String,
        /// The retention schedule's text: it says which numbers are a child's own, and how long records are kept.
        #[serde(deserialize_with = "bounds::text::<_, { bounds::PAGE }>")]
        schedule: String,
    },
    /// Let these reviewers, and no others, judge pairs of a purpose from now on: names, and Ed25519 keys in hexadecimal.
    Reviewers {
        /// The purpose.
        purpose: Purpose,
        /// The reviewers; none, where the purpose is to have none.
        #[serde(deserialize_with = "bounds::pairs::<_, { bounds::FEW }, { bounds::WORD }>")]
        reviewers: Vec<(String, String)>,
    },
    /// Make the next version of a purpose's keys.
    Rotate {
        /// The purpose.
        purpose: Purpose,
    },
    /// End a version of a purpose's keys.
    Retire {
        /// The purpose.
        purpose: Purpose,
        /// The version.
        version: KeyVersion,
        /// Datasets that stand under it and may be lost, `source/school_census/2024-25`.
        #[serde(deserialize_with = "bounds::texts::<_, { bounds::DATASETS }, { bounds::WORD }>")]
        give_up: Vec<String>,
    },
    /// Change the list of identities that are linked by their number alone.
    ExactOnly {
        /// How.
        change: ListChange,
        /// The numbers, canonical, by kind.
        #[serde(deserialize_with = "bounds::list::<_, _, { bounds::FEW }>")]
        numbers: Vec<(Kind, IdentifierBatch)>,
    },
    /// Take an older snapshot of a dataset for its newest, because the newest is lost.
    Snapshot {
        /// The dataset.
        dataset: DatasetRef,
        /// SHA-256 of the older one's manifest; none where no copy is left, and the dataset is begun anew.
        #[serde(deserialize_with = "bounds::some_text::<_, { bounds::SHORT }>")]
        sha256: Option<String>,
    },
    /// Forget a release that a program of 0.2.0 or before had logged and let nobody see, because it was stopped.
    ForgetRelease {
        /// The purpose.
        purpose: Purpose,
        /// Its name.
        release: TableName,
        /// Its period.
        period: Period,
        /// SHA-256 of its files, hexadecimal.
        #[serde(deserialize_with = "bounds::text::<_, { bounds::SHORT }>")]
        sha256: String,
    },
    /// Hold a person back from disposal, whatever the schedule says.
    Hold {
        /// The kind of the identifier.
        kind: Kind,
        /// The identifier, canonical: one.
        identifier: IdentifierBatch,
    },
    /// Hold a category of the schedule back.
    Moratorium {
        /// The category.
        #[serde(deserialize_with = "bounds::text::<_, { bounds::WORD }>")]
        category: String,
        /// The authority that ordered it.
        #[serde(deserialize_with = "bounds::text::<_, { bounds::LINE }>")]
        ordered_by: String,
        /// The retention schedule's text: it has the category.
        #[serde(deserialize_with = "bounds::text::<_, { bounds::PAGE }>")]
        schedule: String,
    },
    /// End a hold or a moratorium.
    LiftHold {
        /// The proposal that made it.
        #[serde(deserialize_with = "bounds::text::<_, { bounds::SHORT }>")]
        hold: String,
    },
    /// Let a uid ask in a role.
    Grant {
        /// The role.
        role: Role,
        /// The uid.
        uid: u32,
        /// The last day (ISO) on which it may; without end where none is named.
        #[serde(deserialize_with = "bounds::some_text::<_, { bounds::SHORT }>")]
        until: Option<String>,
    },
    /// Let a uid ask in a role no more.
    Revoke {
        /// The role.
        role: Role,
        /// The uid.
        uid: u32,
    },
    /// Dispose of what is due under a schedule.
    Dispose {
        /// The purpose.
        purpose: Purpose,
        /// The schedule's text.
        #[serde(deserialize_with = "bounds::text::<_, { bounds::PAGE }>")]
        schedule: String,
        /// The last day that counts (ISO).
        #[serde(deserialize_with = "bounds::text::<_, { bounds::SHORT }>")]
        until: String,
    },
    /// Decide a case of a child's rights.
    Case {
        /// The case.
        #[serde(deserialize_with = "bounds::text::<_, { bounds::SHORT }>")]
        case: String,
        /// The decision.
        decision: CaseDecision,
        /// The retention schedule's text, where a grant disposes of records: it names the kinds of numbers that are a person's
        /// own.
        #[serde(deserialize_with = "bounds::some_text::<_, { bounds::PAGE }>")]
        schedule: Option<String>,
    },
    /// Decide a case of rectification: correct the child's number or values from now on.
    Rectify {
        /// The case.
        #[serde(deserialize_with = "bounds::text::<_, { bounds::SHORT }>")]
        case: String,
        /// The correction.
        correction: Correction,
    },
    /// Take back a case that nobody can decide: its number was mistyped, or the file that says whom it is about is lost.
    WithdrawCase {
        /// The case.
        #[serde(deserialize_with = "bounds::text::<_, { bounds::SHORT }>")]
        case: String,
    },
    /// End a purpose: nothing is answered for it any more, and all that is held for it is destroyed.
    EndPurpose {
        /// The purpose.
        purpose: Purpose,
        /// Whether it ends before its last day is over.
        early: bool,
        /// Whether the store is lost, so that the vault waits for no word of it.
        store_lost: bool,
    },
    /// Open a sealed archive of records that were made inaccessible, for a recipient.
    OpenArchive {
        /// The archive: the disposal list's name.
        #[serde(deserialize_with = "bounds::text::<_, { bounds::SHORT }>")]
        archive: String,
        /// The kind and the number, canonical, of the one person whose records are asked for; all records, where there is none.
        person: Option<(Kind, IdentifierBatch)>,
        /// The age recipient who alone can read what is opened.
        #[serde(deserialize_with = "bounds::text::<_, { bounds::WORD }>")]
        recipient: String,
    },
}

/// The outcome of a proposal that was carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum CarriedOut {
    /// No more is to be told.
    Done,
    /// The list of identities that are linked by their number alone is another.
    ListChanged(ListChanged),
    /// A purpose's keys have this version now.
    Rotated(KeyVersion),
    /// This version of a purpose's keys is answered for no more.
    Retired(KeyVersion),
    /// Records were disposed of in the vault, and a list of them is signed.
    Disposed(DisposalCounts),
    /// The purpose holds no record under the number of a case.
    NoRecord,
    /// The end of a purpose has begun: nothing is answered for it any more.
    EndBegun,
}

/// One custodian's signature under a proposal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// The proposal.
    #[serde(deserialize_with = "bounds::text::<_, { bounds::SHORT }>")]
    pub proposal: String,
    /// The custodian's name in the vault.
    #[serde(deserialize_with = "bounds::text::<_, { bounds::WORD }>")]
    pub custodian: String,
    /// Ed25519 over the proposal's signing text.
    #[serde(deserialize_with = "bounds::list::<_, _, { bounds::FEW }>")]
    pub signature: Vec<u8>,
}

/// One pseudonym undone. Holds an identifier: no `Debug`.
#[derive(Serialize, Deserialize)]
pub struct Reidentified {
    /// The pseudonym.
    pub pseudonym: Pseudonym,
    /// The identifier behind it; nothing where the vault never made it.
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
