//! The actions that two custodians approve.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use minster_model::{
    DatasetRef, KeyVersion, Kind, Period, Pseudonym, Purpose, Role, RunId, SourceName, TableName,
};
use minster_retention::CategoryName;
use minster_vault_api::{ListChange, Right, ShownCount};
use serde::{Deserialize, Serialize};

use super::{CustodianKey, DecideCase, END_PURPOSE, EndPurpose};
use crate::{
    access::GIVE_ACCESS,
    log::{AboutRole, ResumedRun, RunCounts},
    purposes::PurposeDefinition,
};

/// The name of the action that is about one child.
pub(crate) const FIND_SUBJECT: &str = "find-subject";
/// The name of the action that holds one person back.
pub(crate) const HOLD: &str = "hold";

/// The name of the action that opens an archive for one person's records.
pub(crate) const OPEN_FOR_ONE: &str = "open-archive-of-one";

/// A person's number as a keyed tag.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaggedNumber {
    /// The kind of the number.
    pub kind: Kind,
    /// The vault's keyed hash of it, hexadecimal.
    pub tag: String,
}

/// An action that needs two custodians.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "action")]
pub enum Action {
    /// Name a purpose.
    NamePurpose {
        /// Which.
        definition: PurposeDefinition,
    },
    /// Let one run of a source ask for more distinct identifiers.
    AllowLoad {
        /// The purpose.
        purpose: Purpose,
        /// The source.
        source: SourceName,
        /// Distinct identifiers.
        ceiling: u64,
    },
    /// Answer a purpose again that an alarm stopped.
    Resume {
        /// The purpose.
        purpose: Purpose,
        /// The run that the alarm stopped: its source has one more run with its ceiling. Proposals of earlier releases name
        /// none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stopped: Option<StoppedRun>,
    },
    /// Let these custodians, and no others, approve from now on.
    ChangeCustodians {
        /// The new custodians.
        custodians: Vec<CustodianKey>,
    },
    /// Tell which identifiers stand behind pseudonyms.
    Reidentify {
        /// The purpose.
        purpose: Purpose,
        /// The pseudonyms.
        pseudonyms: Vec<Pseudonym>,
    },
    /// Tell all pseudonyms of one identifier. It stands here as a keyed tag.
    FindSubject {
        /// The kind of the identifier.
        kind: Kind,
        /// The vault's keyed hash of it, hexadecimal.
        tag: String,
    },
    /// Give a requester all that is held on one child. The child's number stands here as a keyed tag.
    GiveAccess {
        /// The kind of the number.
        kind: Kind,
        /// The vault's keyed hash of it, hexadecimal.
        tag: String,
        /// The requester's age recipient: nobody else can open the bundle.
        recipient: String,
        /// SHA-256 of the retention schedule's text.
        schedule_sha256: String,
    },
    /// Let these reviewers, and no others, judge pairs of a purpose from now on.
    ChangeReviewers {
        /// The purpose.
        purpose: Purpose,
        /// The new reviewers.
        reviewers: Vec<CustodianKey>,
    },
    /// Make a version of a purpose's keys.
    Rotate {
        /// The purpose.
        purpose: Purpose,
        /// The new version: the next one when this was proposed.
        to: KeyVersion,
    },
    /// End a version of a purpose's keys: what stands under it is lost.
    Retire {
        /// The purpose.
        purpose: Purpose,
        /// The version.
        version: KeyVersion,
        /// Datasets that stand under it and may be lost.
        give_up: Vec<String>,
    },
    /// Change the list of identities that are linked by their number alone. The numbers stand here as a keyed tag.
    ChangeExactOnly {
        /// How.
        change: ListChange,
        /// How many numbers of each kind.
        numbers: BTreeMap<Kind, u64>,
        /// The vault's keyed hash of all of them, hexadecimal.
        tag: String,
    },
    /// Take an older snapshot of a dataset for its newest, which is lost.
    AcceptSnapshot {
        /// The dataset.
        dataset: DatasetRef,
        /// SHA-256 of the older one's manifest; none where no copy is left, and the dataset is begun anew.
        sha256: Option<String>,
    },
    /// Forget a release that a program of an earlier release had logged and let nobody see.
    ForgetRelease {
        /// The purpose.
        purpose: Purpose,
        /// Its name.
        release: TableName,
        /// Its period.
        period: Period,
        /// SHA-256 of its files, hexadecimal.
        sha256: String,
    },
    /// Hold a person back from disposal. The person's number stands here as a keyed tag.
    Hold {
        /// The kind of the number.
        kind: Kind,
        /// The vault's keyed hash of it, hexadecimal.
        tag: String,
    },
    /// Hold a category of the retention schedule back.
    Moratorium {
        /// The category.
        category: CategoryName,
        /// The authority that ordered it.
        ordered_by: String,
    },
    /// End a hold or a moratorium.
    LiftHold {
        /// The proposal that made it.
        hold: String,
    },
    /// Let a uid ask in a role.
    GrantRole {
        /// The role.
        role: Role,
        /// The uid.
        uid: u32,
        /// The last day (UTC) on which it may; without end where none is named.
        until: Option<Date>,
    },
    /// Let a uid ask in a role no more.
    RevokeRole {
        /// The role.
        role: Role,
        /// The uid.
        uid: u32,
    },
    /// Dispose of records that are due. Their persons' numbers stand here as a keyed tag.
    Dispose {
        /// The purpose.
        purpose: Purpose,
        /// The last day that counts.
        until: Date,
        /// SHA-256 of the schedule's text.
        schedule_sha256: String,
        /// Persons, by the category whose date came, where they are not few.
        persons: BTreeMap<CategoryName, ShownCount>,
        /// Their own numbers, where they are not few.
        numbers: ShownCount,
        /// The vault's keyed hash of all of them, hexadecimal.
        tag: String,
        /// Categories of these whose records are made inaccessible; those of the others are destroyed.
        #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
        inaccessible: BTreeSet<CategoryName>,
        /// Categories whose records the City Archives are given first, each with the age recipient who alone can read them.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        city_archives: BTreeMap<CategoryName, String>,
    },
    /// Open a sealed archive of records that were made inaccessible.
    OpenArchive {
        /// The archive.
        archive: String,
        /// SHA-256 of its file.
        sha256: String,
        /// The purpose.
        purpose: Purpose,
        /// The age recipient who alone can read what is opened.
        recipient: String,
        /// The one person whose records are asked for; all records, where there is none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        person: Option<TaggedNumber>,
    },
    /// Decide a case of a child's rights.
    DecideCase(DecideCase),
    /// Take back a case that nobody can decide. Nobody types a number: a wrong one, or none, is why.
    WithdrawCase {
        /// Whether a restriction that it made stands and ends with it: its file is lost, or two custodians lift it by its number.
        restricts: bool,
        /// The case.
        case: String,
        /// Its reference.
        case_reference: String,
        /// The right.
        right: Right,
        /// The purpose whose data it is about.
        purpose: Purpose,
        /// The day on which it was received.
        received: Date,
    },
    /// End a purpose, and destroy all that is held for it.
    EndPurpose(EndPurpose),
}

impl Action {
    /// In a word.
    pub fn name(&self) -> &'static str {
        match self {
            Self::NamePurpose { .. } => "name-purpose",
            Self::AllowLoad { .. } => "allow-load",
            Self::Resume { .. } => "resume",
            Self::ChangeCustodians { .. } => "change-custodians",
            Self::Reidentify { .. } => "reidentify",
            Self::FindSubject { .. } => FIND_SUBJECT,
            Self::GiveAccess { .. } => GIVE_ACCESS,
            Self::ChangeReviewers { .. } => "change-reviewers",
            Self::Rotate { .. } => "rotate",
            Self::Retire { .. } => "retire",
            Self::ChangeExactOnly { change: ListChange::Add, .. } => "add-exact-only",
            Self::ChangeExactOnly { change: ListChange::Remove, .. } => "remove-exact-only",
            Self::AcceptSnapshot { .. } => "accept-snapshot",
            Self::ForgetRelease { .. } => "forget-release",
            Self::Hold { .. } => HOLD,
            Self::Moratorium { .. } => "moratorium",
            Self::LiftHold { .. } => "lift-hold",
            Self::GrantRole { .. } => "grant-role",
            Self::RevokeRole { .. } => "revoke-role",
            Self::Dispose { .. } => "dispose",
            Self::OpenArchive { person: None, .. } => "open-archive",
            Self::OpenArchive { .. } => OPEN_FOR_ONE,
            Self::DecideCase(of) => of.name(),
            Self::WithdrawCase { .. } => "withdraw-case",
            Self::EndPurpose(_) => END_PURPOSE,
        }
    }

    /// The purpose it is about.
    pub fn purpose(&self) -> Option<&Purpose> {
        match self {
            Self::NamePurpose { definition } => Some(&definition.name),
            Self::AllowLoad { purpose, .. }
            | Self::Resume { purpose, .. }
            | Self::ChangeReviewers { purpose, .. }
            | Self::Rotate { purpose, .. }
            | Self::Retire { purpose, .. }
            | Self::ForgetRelease { purpose, .. }
            | Self::Dispose { purpose, .. }
            | Self::OpenArchive { purpose, .. }
            | Self::WithdrawCase { purpose, .. }
            | Self::Reidentify { purpose, .. } => Some(purpose),
            Self::AcceptSnapshot { dataset, .. } => Some(&dataset.purpose),
            Self::DecideCase(of) => Some(&of.purpose),
            Self::EndPurpose(of) => Some(&of.purpose),
            Self::Hold { .. }
            | Self::Moratorium { .. }
            | Self::LiftHold { .. }
            | Self::GrantRole { .. }
            | Self::RevokeRole { .. }
            | Self::ChangeCustodians { .. }
            | Self::FindSubject { .. }
            | Self::GiveAccess { .. }
            | Self::ChangeExactOnly { .. } => None,
        }
    }

    /// The role and uid that it grants or revokes.
    pub(crate) fn about(&self) -> Option<AboutRole> {
        match self {
            Self::GrantRole { role, uid, .. } | Self::RevokeRole { role, uid } => {
                Some(AboutRole { role: *role, uid: *uid })
            }
            _ => None,
        }
    }

    /// How many pseudonyms, identifiers, custodians or given up datasets it is about.
    pub fn count(&self) -> u64 {
        match self {
            Self::NamePurpose { .. } | Self::Resume { .. } | Self::Rotate { .. } => 0,
            Self::Retire { give_up, .. } => give_up.len() as u64,
            Self::AllowLoad { ceiling, .. } => *ceiling,
            Self::ChangeCustodians { custodians } => custodians.len() as u64,
            Self::Reidentify { pseudonyms, .. } => pseudonyms.len() as u64,
            Self::FindSubject { .. }
            | Self::GiveAccess { .. }
            | Self::AcceptSnapshot { .. }
            | Self::ForgetRelease { .. }
            | Self::Hold { .. }
            | Self::Moratorium { .. }
            | Self::LiftHold { .. }
            | Self::GrantRole { .. }
            | Self::RevokeRole { .. }
            | Self::WithdrawCase { .. }
            | Self::OpenArchive { .. }
            | Self::DecideCase(_) => 1,
            Self::Dispose { persons, .. } => persons.values().flatten().sum(),
            Self::ChangeReviewers { reviewers, .. } => reviewers.len() as u64,
            Self::EndPurpose(of) => of.numbers,
            Self::ChangeExactOnly { numbers, .. } => numbers.values().sum(),
        }
    }
}

/// A run that an alarm stopped, as custodians are shown it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoppedRun {
    /// The run.
    pub run: RunId,
    /// Its source.
    pub source: SourceName,
    /// The rule that it broke.
    pub rule: String,
    /// How far it had come; an alarm of an earlier release does not say.
    pub counts: Option<RunCounts>,
}

impl StoppedRun {
    /// The run that its source may do again, if the alarm says how much.
    pub(crate) fn resumed(&self) -> Option<ResumedRun> {
        let ceiling = self.counts?.ceiling;
        Some(ResumedRun { run: self.run.clone(), source: self.source.clone(), ceiling })
    }
}
