//! The events of the log. Counts, names, purposes and signatures; never an identifier.

use jiff::civil::Date;
use minster_model::{
    DatasetRef, KeyVersion, Kind, Period, Purpose, Role, RunId, SourceName, TableName,
};
use minster_vault_api::{DisposalReceipt, InputFile, NamedFile, Publication, RecordedManifest};
use serde::{Deserialize, Serialize};

use super::{
    cases::{CaseEvent, MetCase},
    checkpoint::Accepted,
    ending::EndEvent,
    retention::{ArchiveEvent, Disposed, Held},
};
use crate::{approvals::CustodianKey, purposes::PurposeDefinition, roles::RoleTable};

/// One event. The vault's state is the sum of these: which purposes have a key, in which version,
/// what was approved, what today's budget has left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
#[allow(missing_docs, reason = "the fields are named for what they are")]
pub enum Event {
    /// The vault was made, or one of an earlier release was taken over.
    Made {
        store_id: String,
        verifier: String,
        custodians: Vec<CustodianKey>,
        purposes: Vec<PurposeDefinition>,
    },
    /// The vault began to serve; for a single user, who holds roles that undo a protection together.
    Started {
        hardening: String,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        single_user: bool,
    },
    /// The vault stopped serving.
    Stopped,
    /// The torn end that a crash had left was removed: of the log, or of a registry.
    Repaired { what: Option<String>, bytes: u64 },
    /// The custody was changed, or `store.json` of an earlier release was sealed anew. `format` is the format that
    /// it has since; entries of earlier releases do not say.
    Rekeyed {
        custody: String,
        generation: u32,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        format: Option<u32>,
    },
    /// A run was opened, to read these files (earlier entries have their hashes too). `load` is the approved proposal
    /// that raised its ceiling.
    OpenedRun {
        run: RunId,
        purpose: Purpose,
        source: SourceName,
        inputs: Vec<NamedFile>,
        ceiling: u64,
        load: Option<String>,
    },
    /// Pseudonyms were made. `distinct` counts the run's different identifiers so far, `new` those of
    /// this batch that the vault never saw, `today` the purpose's different ones of the day, `newcomers` the watched ones of
    /// the day that the vault never saw, of sources loaded before.
    Pseudonymised {
        run: RunId,
        purpose: Purpose,
        #[serde(default)]
        source: Option<SourceName>,
        kind: Kind,
        count: u64,
        #[serde(alias = "so_far")]
        distinct: u64,
        #[serde(default)]
        new: u64,
        #[serde(default)]
        today: u64,
        #[serde(default)]
        newcomers: u64,
        /// Numbers of persons whose records were disposed of: nothing stands for them.
        #[serde(default, skip_serializing_if = "is_zero")]
        blocked: u64,
        #[serde(default)]
        registry: Option<RegistryHead>,
    },
    /// Parts for scored matching were made: spellings of names, parts of birth dates, postcodes. No registry knows them.
    /// `so_far` counts those of the run, `today` those of the purpose's day.
    MadeParts {
        run: RunId,
        purpose: Purpose,
        source: SourceName,
        kind: Kind,
        count: u64,
        so_far: u64,
        today: u64,
    },
    /// Birth dates beside identifiers were taken in: so many pairs were told, and so many of them no delivery before had told.
    ToldBirths {
        run: RunId,
        purpose: Purpose,
        source: SourceName,
        period: Period,
        told: u64,
        new: u64,
        births: RegistryHead,
    },
    /// Mistyped numbers were to be repaired. `count` are those of this message, `found` of them were; `distinct` counts the
    /// run's different ones so far, `today` the purpose's of the day.
    RepairedNumbers {
        run: RunId,
        purpose: Purpose,
        source: SourceName,
        kind: Kind,
        count: u64,
        found: u64,
        distinct: u64,
        today: u64,
    },
    /// A run was closed that read these files. The answers to a run that is never closed get into no dataset.
    ClosedRun {
        run: RunId,
        #[serde(default)]
        source: Option<SourceName>,
        #[serde(default)]
        purpose: Option<Purpose>,
        asked: u64,
        #[serde(default)]
        inputs: Vec<InputFile>,
    },
    /// A run looked like trying out numbers; the purpose is stopped. Entries of earlier releases have no counts.
    Alarm {
        run: RunId,
        purpose: Purpose,
        source: SourceName,
        rule: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        counts: Option<RunCounts>,
    },
    /// A dataset key was made. `records` says that the dataset's manifest will be recorded; entries of earlier releases do not.
    CreatedKey {
        dataset: DatasetRef,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        records: bool,
    },
    /// A dataset key was unwrapped, and the key of the run whose tokens the dataset holds. `manifest` is the hash of the manifest
    /// that named them; entries of earlier releases do not say.
    UnwrappedKey {
        dataset: DatasetRef,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        run: Option<RunId>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        manifest: Option<String>,
    },
    /// The same for a search for leaked identifiers.
    ScannedKey {
        dataset: DatasetRef,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        run: Option<RunId>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        manifest: Option<String>,
    },
    /// Texts that an auditor's program found were compared with the registries: so many, and so many of them tell of children.
    /// `cost` is what they cost of the day's budget, `today` what the day did by then.
    Compared { texts: u64, recognised: u64, cost: u64, today: u64 },
    /// A proposal was put before the custodians.
    Proposed {
        proposal: String,
        sha256: String,
        action: String,
        purpose: Option<Purpose>,
        count: u64,
        reference: String,
        expires: String,
        /// The role and uid that it grants or revokes, where it does.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        about: Option<AboutRole>,
        /// The case that it decides, where it does.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        case: Option<String>,
    },
    /// A custodian approved a proposal. The signature is hexadecimal.
    Approved { proposal: String, custodian: String, signature: String },
    /// A purpose was named, as two custodians approved.
    NamedPurpose { proposal: String, definition: PurposeDefinition },
    /// One run of a source may ask for more, as two custodians approved.
    AllowedLoad { proposal: String, purpose: Purpose, source: SourceName, ceiling: u64 },
    /// A stopped purpose is answered again, as two custodians approved. `run` was stopped: its source has one more run with its
    /// ceiling. Entries of earlier releases name none.
    Resumed {
        proposal: String,
        purpose: Purpose,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        run: Option<ResumedRun>,
    },
    /// The first custodians of a vault that had fewer than two.
    Appointed { custodians: Vec<CustodianKey> },
    /// Others approve from now on, as two custodians approved.
    ChangedCustodians { proposal: String, custodians: Vec<CustodianKey> },
    /// Identifiers behind pseudonyms were told, as two custodians approved.
    Reidentified { proposal: String, purpose: Purpose, asked: u64, found: u64 },
    /// A child's pseudonyms were told, as two custodians approved.
    FoundSubject { proposal: String, pseudonyms: u64 },
    /// A grant of access to all that is held on one child was begun. `schedule` is the hash of the retention schedule.
    BeganAccess { proposal: String, schedule: String },
    /// It was carried out, as two custodians approved: the store's side was told so many pseudonyms, and so many rows of so many
    /// datasets left in an encrypted bundle of so many bytes with this hash.
    EndedAccess {
        proposal: String,
        datasets: u64,
        rows: u64,
        pseudonyms: u64,
        bytes: u64,
        sha256: String,
    },
    /// Others judge pairs of a purpose from now on, as two custodians approved.
    ChangedReviewers { proposal: String, purpose: Purpose, reviewers: Vec<CustodianKey> },
    /// A reviewer was given pairs to judge.
    GaveReview { purpose: Purpose, reviewer: String, pairs: u64 },
    /// A reviewer's signed decisions were taken in. The signature is hexadecimal.
    TookReview {
        purpose: Purpose,
        reviewer: String,
        sha256: String,
        signature: String,
        decisions: u64,
    },
    /// Numbers were put on, or taken off, the list of identities that are linked by their number alone, as two custodians
    /// approved: so many of those asked for were not on it before, or are no more. `numbers` are those on it now.
    ChangedExactOnly { proposal: String, asked: u64, added: u64, removed: u64, numbers: u64 },
    /// A custodian had numbers compared with those of a proposal to change it.
    ComparedExactOnly { proposal: String, same: bool },
    /// The list was told as pseudonyms of a purpose: so many of its numbers, under each of so many versions of keys.
    ReadExactOnly { purpose: Purpose, numbers: u64, told: u64, versions: u64 },
    /// Rows in quarantine were opened for a custodian: of which sealed file, how many of how many, and why.
    OpenedQuarantine { sha256: String, rows: u64, chosen: u64, reference: String, reason: String },
    /// A purpose's keys have a new version, as two custodians approved. Entries of earlier releases name no proposal: one
    /// custodian was enough.
    Rotated {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        proposal: Option<String>,
        purpose: Purpose,
        version: KeyVersion,
        pairs: u64,
    },
    /// Old and new pseudonyms were told.
    ReadCrosswalk { purpose: Purpose, from: KeyVersion, page: u32, pairs: u64 },
    /// A version of a purpose's keys is answered for no more, as two custodians approved. `given_up` are the datasets that
    /// stood under it. Entries of earlier releases name neither.
    Retired {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        proposal: Option<String>,
        purpose: Purpose,
        version: KeyVersion,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        given_up: Vec<String>,
    },
    /// A person lets a release out, and another must.
    Agreed(Publication),
    /// A release was let out, by as many persons as its purpose asks for.
    LetOut(Publication),
    /// A release was withdrawn.
    Withdrew(Publication),
    /// A checkpoint that covers this entry was signed. `exported` is there where it is for the folder that the vault
    /// keeps: so many entries the last one in it covers.
    Checkpointed {
        counter: u64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        exported: Option<u64>,
    },
    /// A loss that kept the vault from starting was accepted, as two custodians approved: the loss of checkpoints, of the
    /// log's end, or of both; or a clock that shows an earlier time than entries before.
    Restored { proposal: String, loss: Option<Accepted>, clock: bool },
    /// A statement was signed.
    Stated,
    /// Something was refused.
    Denied { what: String },
    /// Further refusals since the last such entry, by uid: connections of uids without a role, connections over a role
    /// holder's places, and denials beyond those that have entries of their own.
    Refused { strangers: Vec<UidCount>, full: Vec<UidCount>, denied: Vec<UidCount> },
    /// The manifest of a dataset was recorded: it is the dataset's newest. `carried_from` is the hash of the one that it was
    /// carried over from to new keys.
    RecordedManifest {
        manifest: RecordedManifest,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        carried_from: Option<String>,
        /// The list of restricted children that the linker was told in the same conversation, where it is a dataset of children.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        restricted: Option<String>,
    },
    /// The datasets that an earlier release made were taken over by the role that writes them: their manifests, each
    /// dataset's newest last.
    TookOver { purpose: Purpose, role: Role, manifests: Vec<RecordedManifest> },
    /// An older snapshot of a dataset is its newest from now on, as two custodians approved: the one with this manifest, or
    /// none, so that the dataset is begun anew.
    AcceptedSnapshot { proposal: String, dataset: DatasetRef, sha256: Option<String> },
    /// A release that a program of an earlier release had logged, and let nobody see, counts as let out no more, as two
    /// custodians approved.
    ForgotRelease {
        proposal: String,
        purpose: Purpose,
        release: TableName,
        period: Period,
        sha256: String,
    },
    /// A custodian had a number compared with that of a proposal about one child.
    ComparedSubject { proposal: String, same: bool },
    /// Custodians opened the vault, which had started locked: the accounts whose shares opened it, and before that wrong shares,
    /// and what was refused for other reasons, such as a share of an account without the role.
    Unlocked { by: Vec<u32>, wrong: Vec<UidCount>, refused: Vec<UidCount> },
    /// Facts of persons were taken in for the retention schedule: so many different facts were told, and so many of them no
    /// delivery before had told.
    ToldFacts {
        run: RunId,
        purpose: Purpose,
        source: SourceName,
        period: Period,
        told: u64,
        new: u64,
        facts: RegistryHead,
    },
    /// A delivery was read with corrections, and had entries of them.
    MetCorrections { run: RunId, purpose: Purpose, source: SourceName, met: Vec<MetCase> },
    /// A custodian was told what is due under a schedule, by its hash, until a day.
    PlannedRetention { purpose: Purpose, schedule: String, until: String },
    /// A person or a category is held back from disposal, as two custodians approved.
    Held(Held),
    /// A hold ended, as two custodians approved.
    LiftedHold { proposal: String, hold: String },
    /// Records were disposed of in the vault, and the list of their pseudonyms was signed, as two custodians approved.
    Disposed(Box<Disposed>),
    /// A step with a sealed file of records that leave.
    Archive(ArchiveEvent),
    /// A disposal list was told.
    ReadDisposal { purpose: Purpose, list: String },
    /// The manifest of a dataset was recorded from which a disposal list's rows were taken: it is the dataset's newest.
    RecordedDisposed { manifest: RecordedManifest, carried_from: String, list: String },
    /// The roles of `vault.toml` were taken over: the table that counts is the log's.
    TookOverRoles { roles: RoleTable },
    /// A uid may ask in a role, as two custodians approved; to the end of a day where one is named.
    GrantedRole {
        proposal: String,
        role: Role,
        uid: u32,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<Date>,
    },
    /// A uid may ask in a role no more, as two custodians approved.
    RevokedRole { proposal: String, role: Role, uid: u32 },
    /// A disposal list was applied to all datasets. No older manifest of the purpose counts any more.
    AppliedDisposal { purpose: Purpose, receipt: DisposalReceipt },
    /// A step of a case of a child's rights.
    Case(CaseEvent),
    /// A step of the end of a purpose.
    PurposeEnd(EndEvent),
    /// The children whose processing is restricted were told as pseudonyms of a purpose, under each of so many versions of keys.
    ReadRestricted { purpose: Purpose, versions: u64 },
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl Event {
    /// Whether the first release wrote such entries. It knew no custodians and no approvals, and its entries had no
    /// seal.
    pub(super) fn is_of_the_first_release(&self) -> bool {
        matches!(
            self,
            Self::Started { .. }
                | Self::Stopped
                | Self::Repaired { .. }
                | Self::OpenedRun { .. }
                | Self::Pseudonymised { .. }
                | Self::ClosedRun { .. }
                | Self::CreatedKey { .. }
                | Self::UnwrappedKey { .. }
                | Self::Denied { .. }
        )
    }

    /// The proposal that it carries out: never a second time.
    pub fn carries_out(&self) -> Option<&str> {
        match self {
            Self::NamedPurpose { proposal, .. }
            | Self::AllowedLoad { proposal, .. }
            | Self::Resumed { proposal, .. }
            | Self::ChangedCustodians { proposal, .. }
            | Self::ChangedExactOnly { proposal, .. }
            | Self::ChangedReviewers { proposal, .. }
            | Self::Restored { proposal, .. }
            | Self::Reidentified { proposal, .. }
            | Self::FoundSubject { proposal, .. }
            | Self::EndedAccess { proposal, .. }
            | Self::AcceptedSnapshot { proposal, .. }
            | Self::LiftedHold { proposal, .. }
            | Self::GrantedRole { proposal, .. }
            | Self::RevokedRole { proposal, .. }
            | Self::ForgotRelease { proposal, .. } => Some(proposal),
            Self::Held(held) => Some(&held.proposal),
            Self::Disposed(disposed) => Some(&disposed.proposal),
            Self::Archive(step) => step.carries_out(),
            Self::Case(step) => step.carries_out(),
            Self::PurposeEnd(step) => step.carries_out(),
            Self::Rotated { proposal, .. } | Self::Retired { proposal, .. } => proposal.as_deref(),
            _ => None,
        }
    }
}

/// The role and uid that a proposal is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AboutRole {
    /// The role.
    pub role: Role,
    /// The uid.
    pub uid: u32,
}

/// How far a run had come when an alarm stopped it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunCounts {
    /// Different numbers that it was answered.
    pub asked: u64,
    /// Pupil and NHS numbers, of a source loaded before, that the vault had never seen; those of the refused batch too.
    pub new: u64,
    /// Different numbers of the purpose's day, all runs together.
    pub today: u64,
    /// How many different numbers it might have asked for.
    pub ceiling: u64,
}

/// A run that was stopped, and that its source may do again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResumedRun {
    /// The run that was stopped.
    pub run: RunId,
    /// Its source.
    pub source: SourceName,
    /// Its ceiling, which the next run of the source has.
    pub ceiling: u64,
}

/// How many refusals of a uid were counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct UidCount {
    /// The uid; 4294967295 stands for all beyond those that are named.
    pub uid: u32,
    /// How many.
    pub count: u64,
}

/// How long a purpose's registry is, and the tag of its last batch: an older copy that is put back has
/// another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegistryHead {
    /// Records in it.
    pub records: u64,
    /// The last batch's tag, hexadecimal.
    pub tag: String,
}

/// The caller of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asker {
    /// The caller's uid, from the socket.
    pub uid: u32,
    /// The role it asked in.
    pub role: Role,
    /// The name that it gives itself.
    pub program: String,
}

/// One line of the log, without its tag.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Entry {
    /// From 1.
    pub number: u64,
    /// When (RFC 3339, UTC).
    pub time: String,
    /// SHA-256 of the line before, hexadecimal.
    pub prev: String,
    /// The caller, where a caller asked.
    pub asker: Option<Asker>,
    /// The event.
    #[serde(flatten)]
    pub event: Event,
    /// HMAC of the line without it: the vault's own seal, which it alone can verify. Entries of an
    /// earlier release have none.
    #[serde(default, skip_serializing)]
    pub mac: Option<String>,
}
