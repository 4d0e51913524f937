//! Proposals that two custodians must approve, and their signatures.
//!
//! A proposal is a text: what is to be done, why, by whom, until when. Custodians read it and sign its
//! SHA-256 (Ed25519, RFC 8032) with keys that the vault never holds. The running vault enforces the
//! rule; it is not threshold cryptography. The text is kept sealed; the log has its hash.

mod decide_case;
mod end_purpose;

use std::{collections::BTreeMap, fs};

use jiff::civil::Date;
use minster_model::{
    DatasetRef, KeyVersion, Kind, Period, Pseudonym, Purpose, Role, RunId, SourceName, TableName,
};
use minster_retention::CategoryName;
use minster_vault_api::{Denial, ListChange, Right, ShownCount, SignedDecisions};
use ring::signature::{ED25519, UnparsedPublicKey};
use serde::{Deserialize, Serialize};

pub use decide_case::DecideCase;
pub(crate) use decide_case::is_about_one_child;
pub(crate) use end_purpose::END_PURPOSE;
pub use end_purpose::EndPurpose;

pub use crate::signing_key::{KeyForm, SigningKey};
use crate::{
    VaultFault,
    access::GIVE_ACCESS,
    keys::unhex,
    log::{AboutRole, ResumedRun, RunCounts},
    purposes::{PurposeDefinition, today},
};

/// How many custodians must approve.
pub const NEEDED: usize = 2;
/// A proposal's last day is at most so many days ahead: what was right when it was signed may not be so for long.
pub const LONGEST_DAYS: i32 = 92;
/// The name of the action that is about one child.
pub(crate) const FIND_SUBJECT: &str = "find-subject";
/// The name of the action that holds one person back.
pub(crate) const HOLD: &str = "hold";
const FORMAT: u32 = 1;

/// A custodian's name and public key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CustodianKey {
    /// The custodian's name.
    pub name: String,
    /// Ed25519, hexadecimal.
    pub key: String,
}

impl CustodianKey {
    /// From `NAME=HEX`, or `NAME=FILE` of a file with the public key.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (name, key) =
            text.split_once('=').ok_or("a custodian is given as NAME=PUBLIC-KEY-FILE")?;
        let good = !name.is_empty()
            && name.len() <= 40
            && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
        if !good {
            return Err("a custodian's name is 1 to 40 letters, digits, '-', '_' and '.'".into());
        }
        let text = match unhex(key) {
            Some(bytes) if bytes.len() == 32 => key.to_owned(),
            _ => fs::read_to_string(key).map_err(|error| format!("cannot read {key}: {error}"))?,
        };
        let key = text.trim().to_owned();
        match unhex(&key) {
            Some(bytes) if bytes.len() == 32 => Ok(Self { name: name.to_owned(), key }),
            _ => Err("a custodian's public key is 64 hexadecimal digits".into()),
        }
    }

    /// Whether all names and keys differ: one person must not count twice.
    pub fn all_differ(keys: &[Self]) -> bool {
        keys.iter().enumerate().all(|(at, one)| {
            keys[..at].iter().all(|other| other.name != one.name && other.key != one.key)
        })
    }

    /// Whether name and key are well formed, as [`CustodianKey::parse`] makes them.
    pub fn is_well_formed(&self) -> bool {
        let name = !self.name.contains('=');
        name && Self::parse(&format!("{}={}", self.name, self.key)).is_ok_and(|same| same == *self)
    }

    /// Whether this reviewer signed these decisions.
    pub fn verify_review(&self, decisions: &SignedDecisions) -> bool {
        let SignedDecisions { purpose, reviewer, sha256, signature, .. } = decisions;
        let text = SignedDecisions::signing_text(purpose, reviewer, sha256);
        unhex(&self.key).is_some_and(|key| {
            UnparsedPublicKey::new(&ED25519, key).verify(text.as_bytes(), signature).is_ok()
        })
    }

    /// Whether this custodian signed the proposal with this SHA-256.
    pub fn verify(&self, store_id: &str, sha256: &str, signature: &[u8]) -> bool {
        unhex(&self.key).is_some_and(|key| {
            UnparsedPublicKey::new(&ED25519, key)
                .verify(signing_text(store_id, sha256).as_bytes(), signature)
                .is_ok()
        })
    }
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

/// The text that custodians approve.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proposal {
    /// The text's format.
    pub format: u32,
    /// The vault.
    pub store_id: String,
    /// So that no two proposals are the same text, hexadecimal.
    pub nonce: String,
    /// The caller who asked: only this caller may have it carried out.
    pub requester: u32,
    /// When (RFC 3339, UTC).
    pub made: String,
    /// The last day (UTC).
    pub expires: Date,
    /// The case it belongs to.
    pub reference: String,
    /// Why.
    pub reason: String,
    /// The action.
    #[serde(rename = "what")]
    pub action: Action,
}

impl Proposal {
    /// The format of texts that this release makes and reads.
    pub(crate) const FORMAT: u32 = FORMAT;

    /// The exact text that is signed, and shown to custodians.
    pub fn text(&self) -> Result<String, VaultFault> {
        serde_json::to_string_pretty(self)
            .map(|text| text + "\n")
            .map_err(|_| VaultFault::Crypto("a proposal could not be written"))
    }

    /// A proposal from its exact text.
    pub fn read(text: &str) -> Option<Self> {
        let proposal: Self = serde_json::from_str(text).ok()?;
        let same = proposal.text().is_ok_and(|again| again == text);
        (proposal.format == FORMAT && same).then_some(proposal)
    }

    /// Its short name: the first 16 digits of the text's SHA-256.
    pub fn id(text: &str) -> String {
        sha256(text)[..16].to_owned()
    }
}

/// A proposal that cannot be made, approved or carried out.
pub(crate) fn refusal(what: &str, why: &str) -> Denial {
    Denial::Proposal { what: what.into(), why: why.into() }
}

/// The last day of a proposal or a restoration, as it is asked for: today, or at most [`LONGEST_DAYS`] later.
pub(crate) fn last_day(text: &str) -> Result<Date, String> {
    let day: Date = text.parse().map_err(|_| "its last day is no date (YYYY-MM-DD)")?;
    let latest = today().saturating_add(jiff::Span::new().days(LONGEST_DAYS));
    match day {
        day if day < today() => {
            Err("its last day is over; propose it anew with a later `--expires`".into())
        }
        day if day > latest => Err(format!(
            "its last day is more than {LONGEST_DAYS} days ahead; {latest} is the latest one"
        )),
        day => Ok(day),
    }
}

/// SHA-256 of a proposal's text, hexadecimal.
pub fn sha256(text: &str) -> String {
    crate::log::hash(text.as_bytes())
}

/// The text that a custodian signs.
pub(crate) fn signing_text(store_id: &str, sha256: &str) -> String {
    format!("minster-vault/{store_id}/approval\n{sha256}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_is_not_exactly_the_proposal_is_none() {
        let proposal = Proposal {
            format: FORMAT,
            store_id: "s".into(),
            nonce: "0".into(),
            requester: 1,
            made: "2026-01-01T00:00:00Z".into(),
            expires: jiff::civil::date(2026, 2, 1),
            reference: "CASE/1".into(),
            reason: "r".into(),
            action: Action::Resume { purpose: "p".parse().unwrap(), stopped: None },
        };
        let text = proposal.text().unwrap();
        assert_eq!(Proposal::read(&text), Some(proposal));
        assert_eq!(Proposal::read(&text.replace('\n', "")), None, "spaces are part of it");
        assert_eq!(Proposal::read(&text.replace("\"requester\"", "\"x\": 1, \"requester\"")), None);
    }
}
