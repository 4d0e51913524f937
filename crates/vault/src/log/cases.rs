//! Entries of the log about cases of children's rights. None has a number, nor a tag of one.

use jiff::civil::Date;
use minster_model::Purpose;
use minster_vault_api::{Ground, Right};
use serde::{Deserialize, Serialize};

/// A step of a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "kebab-case")]
#[allow(missing_docs, reason = "the fields are named for what they are")]
pub enum CaseEvent {
    /// A custodian opened it. The number that it is about stands in a sealed file, which has this SHA-256.
    Opened {
        case: String,
        right: Right,
        purpose: Purpose,
        received: Date,
        due: Date,
        reference: String,
        sha256: String,
    },
    /// It has two more months, as two custodians approved. The reason stands in the sealed proposal.
    Extended { case: String, proposal: String, due: Date },
    /// It was granted, as two custodians approved; it is done outside the register.
    Granted { case: String, proposal: String },
    /// It was refused, as two custodians approved.
    Refused { case: String, proposal: String, ground: Ground },
    /// The child's records are restricted from now on, as two custodians approved.
    Restricted { case: String, proposal: String },
    /// Two custodians approved it, and the purpose holds no record under its number.
    NoRecord { case: String, proposal: String },
    /// The child's number or values are corrected from now on, as two custodians approved. The correction stands in two sealed files,
    /// which have these SHA-256.
    Rectified { case: String, proposal: String, links: String, words: String },
    /// The restriction, or the correction, that it made ended, as two custodians approved.
    Lifted { case: String, proposal: String },
    /// It was taken back, as two custodians approved, with the restriction that it made, if one stood.
    Withdrawn { case: String, proposal: String },
    /// The answer was sent.
    Closed { case: String, answered: Date },
}

impl CaseEvent {
    /// The case.
    pub fn case(&self) -> &str {
        match self {
            Self::Opened { case, .. }
            | Self::Extended { case, .. }
            | Self::Granted { case, .. }
            | Self::Refused { case, .. }
            | Self::Restricted { case, .. }
            | Self::NoRecord { case, .. }
            | Self::Rectified { case, .. }
            | Self::Lifted { case, .. }
            | Self::Withdrawn { case, .. }
            | Self::Closed { case, .. } => case,
        }
    }

    /// The proposal that it carries out.
    pub(super) fn carries_out(&self) -> Option<&str> {
        match self {
            Self::Extended { proposal, .. }
            | Self::Granted { proposal, .. }
            | Self::Refused { proposal, .. }
            | Self::Restricted { proposal, .. }
            | Self::NoRecord { proposal, .. }
            | Self::Rectified { proposal, .. }
            | Self::Lifted { proposal, .. }
            | Self::Withdrawn { proposal, .. } => Some(proposal),
            Self::Opened { .. } | Self::Closed { .. } => None,
        }
    }
}

/// A delivery's word on the correction that a case made: entries with the old value, with the right one, and with a third.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the fields are named for what they are")]
pub struct MetCase {
    pub case: String,
    pub old: u64,
    pub right: u64,
    pub third: u64,
}
