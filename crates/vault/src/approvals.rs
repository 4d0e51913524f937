//! Proposals that two custodians must approve, and their signatures.
//!
//! A proposal is a text: what is to be done, why, by whom, until when. Custodians read it and sign its
//! SHA-256 (Ed25519, RFC 8032) with keys that the vault never holds. The running vault enforces the
//! rule; it is not threshold cryptography. The text is kept sealed; the log has its hash.

mod action;
mod decide_case;
mod end_purpose;

use std::fs;

use jiff::civil::Date;
use minster_vault_api::{Denial, SignedDecisions};
use ring::signature::{ED25519, UnparsedPublicKey};
use serde::{Deserialize, Serialize};

pub use action::{Action, StoppedRun, TaggedNumber};
pub(crate) use action::{FIND_SUBJECT, HOLD, OPEN_FOR_ONE};
pub use decide_case::DecideCase;
pub(crate) use decide_case::{RECTIFY, is_about_one_child};
pub(crate) use end_purpose::END_PURPOSE;
pub use end_purpose::EndPurpose;

pub use crate::signing_key::{KeyForm, SigningKey};
use crate::{VaultFault, keys::unhex, purposes::today};

/// How many custodians must approve.
pub const NEEDED: usize = 2;
/// A proposal's last day is at most so many days ahead: what was right when it was signed may not be so for long.
pub const LONGEST_DAYS: i32 = 92;
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
