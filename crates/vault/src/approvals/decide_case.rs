//! The decision of a case of a child's rights, and the actions that nobody approves without the child's number.

use jiff::civil::Date;
use minster_model::{Kind, Purpose};
use minster_vault_api::{CaseDecision, Right};
use serde::{Deserialize, Serialize};

use super::{Action, FIND_SUBJECT, HOLD, OPEN_FOR_ONE, TaggedNumber};

/// Names of actions that are about one child, and that nobody approves without the child's number.
const OF_ONE_CHILD: &[&str] = &[
    FIND_SUBJECT,
    crate::access::GIVE_ACCESS,
    HOLD,
    OPEN_FOR_ONE,
    "grant-case",
    "refuse-case",
    "lift-restriction",
    RECTIFY,
    "lift-correction",
];

/// The name of the action that corrects a child's records.
pub(crate) const RECTIFY: &str = "rectify-case";

/// The decision of a case. The child's number stands here as a keyed tag.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecideCase {
    /// The case.
    pub case: String,
    /// Its reference.
    pub case_reference: String,
    /// The right.
    pub right: Right,
    /// The purpose whose data it is about.
    pub purpose: Purpose,
    /// The day on which it was received.
    pub received: Date,
    /// The decision.
    pub decision: CaseDecision,
    /// The last day for the answer, where it has two more months.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Date>,
    /// SHA-256 of the schedule's text, where records are disposed of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule_sha256: Option<String>,
    /// The vault's keyed hash of the correction, hexadecimal, where records are corrected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correction: Option<String>,
    /// The kind of the number.
    pub kind: Kind,
    /// The vault's keyed hash of it, hexadecimal.
    pub tag: String,
}

impl DecideCase {
    /// In a word.
    pub(super) fn name(&self) -> &'static str {
        match self.decision {
            CaseDecision::Extend => "extend-case",
            CaseDecision::Grant | CaseDecision::GrantSeveral => "grant-case",
            CaseDecision::Refuse(_) => "refuse-case",
            CaseDecision::Rectify => RECTIFY,
            CaseDecision::Lift if self.right == Right::Rectification => "lift-correction",
            CaseDecision::Lift => "lift-restriction",
        }
    }
}

/// Whether an action of this name is about one child, whose number each who approves it types.
pub(crate) fn is_about_one_child(name: &str) -> bool {
    OF_ONE_CHILD.contains(&name)
}

impl Action {
    /// The kind and the tag of the number of the child that it is about, where whoever approves it types the number.
    pub fn child(&self) -> Option<(&Kind, &str)> {
        match self {
            Self::FindSubject { kind, tag }
            | Self::GiveAccess { kind, tag, .. }
            | Self::Hold { kind, tag }
            | Self::OpenArchive { person: Some(TaggedNumber { kind, tag }), .. }
            | Self::DecideCase(DecideCase { kind, tag, .. })
                if is_about_one_child(self.name()) =>
            {
                Some((kind, tag))
            }
            _ => None,
        }
    }

    /// The tag of the correction that it makes, where it corrects a child's records.
    pub fn correction(&self) -> Option<&str> {
        match self {
            Self::DecideCase(of) => of.correction.as_deref(),
            _ => None,
        }
    }

    /// The case that it decides.
    pub(crate) fn case(&self) -> Option<&str> {
        match self {
            Self::DecideCase(of) => Some(&of.case),
            Self::WithdrawCase { case, .. } => Some(case),
            _ => None,
        }
    }
}
