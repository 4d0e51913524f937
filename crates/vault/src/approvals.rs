//! Proposals that two custodians must approve, and their signatures.
//!
//! A proposal is a text: what is to be done, why, by whom, until when. Custodians read it and sign its
//! SHA-256 (Ed25519, RFC 8032) with keys that the vault never holds. The running vault enforces the
//! rule; it is not threshold cryptography. The text is kept sealed; the log has its hash.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use jiff::civil::Date;
use minster_model::{
    DatasetRef, KeyVersion, Kind, Period, Pseudonym, Purpose, SourceName, TableName,
};
use minster_vault_api::{Denial, ListChange, SignedDecisions};
use ring::{
    rand::SystemRandom,
    signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey},
};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{
    VaultFault,
    custody::refuse_exposed,
    disk::write_new,
    keys::{hex, secret_line, unhex},
    purposes::PurposeDefinition,
    restoring::{Restoration, SignedRestoration},
};

/// How many custodians must approve.
pub const NEEDED: usize = 2;
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

/// A custodian's own key, in a file of theirs.
pub struct SigningKey(Ed25519KeyPair);

impl SigningKey {
    /// Makes a key: the private one in a new file for the caller alone, the public one in
    /// `<file>.pub`.
    pub fn create(path: &Path) -> Result<PathBuf, VaultFault> {
        let crypto = |_| VaultFault::Crypto("a signing key could not be made");
        let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).map_err(crypto)?;
        let pair = Ed25519KeyPair::from_pkcs8(pkcs8.as_ref())
            .map_err(|_| VaultFault::Crypto("a signing key could not be read back"))?;
        let digits = secret_line(pkcs8.as_ref());
        let public = PathBuf::from(format!("{}.pub", path.display()));
        write_new(path, 0o600, &digits)?;
        write_new(&public, 0o644, &(hex(pair.public_key().as_ref()) + "\n"))?;
        Ok(public)
    }

    /// Reads a key file.
    pub fn read(path: &Path) -> Result<Self, VaultFault> {
        refuse_exposed(path)?;
        let text = Zeroizing::new(fs::read_to_string(path).map_err(VaultFault::io("read", path))?);
        let bytes = unhex(text.trim()).map(Zeroizing::new);
        let pair = bytes.and_then(|bytes| Ed25519KeyPair::from_pkcs8(&bytes).ok());
        let why =
            || "is not a custodian's key file (`minster-vault custodian new` makes one)".into();
        pair.map(Self).ok_or_else(|| VaultFault::File { path: path.to_owned(), why: why() })
    }

    /// The public key, hexadecimal.
    pub fn public(&self) -> String {
        hex(self.0.public_key().as_ref())
    }

    /// Signs a file of decisions as a reviewer.
    pub fn sign_review(&self, purpose: &Purpose, reviewer: &str, file: &[u8]) -> Vec<u8> {
        let sha256 = crate::log::hash(file);
        let text = SignedDecisions::signing_text(purpose, reviewer, &sha256);
        self.0.sign(text.as_bytes()).as_ref().to_vec()
    }

    /// Signs the text of a restoration.
    pub fn sign_restoration(
        &self,
        name: &str,
        text: &str,
    ) -> Result<SignedRestoration, VaultFault> {
        let restoration = Restoration::read(text)
            .ok_or_else(|| VaultFault::Usage("the text is not a restoration's".into()))?;
        let sha256 = sha256(text);
        let message = signing_text(restoration.store_id(), &sha256);
        let signature = hex(self.0.sign(message.as_bytes()).as_ref());
        Ok(SignedRestoration { sha256, custodian: name.to_owned(), signature })
    }

    /// Signs a proposal's text.
    pub fn sign(&self, text: &str) -> Result<(Proposal, Vec<u8>), VaultFault> {
        let proposal = Proposal::read(text)
            .ok_or(VaultFault::Crypto("the text is not a proposal of this release"))?;
        let message = signing_text(&proposal.store_id, &sha256(text));
        let signature = self.0.sign(message.as_bytes()).as_ref().to_vec();
        Ok((proposal, signature))
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
            Self::FindSubject { .. } => "find-subject",
            Self::ChangeReviewers { .. } => "change-reviewers",
            Self::Rotate { .. } => "rotate",
            Self::Retire { .. } => "retire",
            Self::ChangeExactOnly { change: ListChange::Add, .. } => "add-exact-only",
            Self::ChangeExactOnly { change: ListChange::Remove, .. } => "remove-exact-only",
            Self::AcceptSnapshot { .. } => "accept-snapshot",
            Self::ForgetRelease { .. } => "forget-release",
        }
    }

    /// The purpose it is about.
    pub fn purpose(&self) -> Option<&Purpose> {
        match self {
            Self::NamePurpose { definition } => Some(&definition.name),
            Self::AllowLoad { purpose, .. }
            | Self::Resume { purpose }
            | Self::ChangeReviewers { purpose, .. }
            | Self::Rotate { purpose, .. }
            | Self::Retire { purpose, .. }
            | Self::ForgetRelease { purpose, .. }
            | Self::Reidentify { purpose, .. } => Some(purpose),
            Self::AcceptSnapshot { dataset, .. } => Some(&dataset.purpose),
            Self::ChangeCustodians { .. }
            | Self::FindSubject { .. }
            | Self::ChangeExactOnly { .. } => None,
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
            Self::FindSubject { .. } | Self::AcceptSnapshot { .. } | Self::ForgetRelease { .. } => {
                1
            }
            Self::ChangeReviewers { reviewers, .. } => reviewers.len() as u64,
            Self::ChangeExactOnly { numbers, .. } => numbers.values().sum(),
        }
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

/// SHA-256 of a proposal's text, hexadecimal.
pub fn sha256(text: &str) -> String {
    crate::log::hash(text.as_bytes())
}

/// The text that a custodian signs.
fn signing_text(store_id: &str, sha256: &str) -> String {
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
            action: Action::Resume { purpose: "p".parse().unwrap() },
        };
        let text = proposal.text().unwrap();
        assert_eq!(Proposal::read(&text), Some(proposal));
        assert_eq!(Proposal::read(&text.replace('\n', "")), None, "spaces are part of it");
        assert_eq!(Proposal::read(&text.replace("\"requester\"", "\"x\": 1, \"requester\"")), None);
    }

    #[test]
    fn only_the_custodian_s_own_signature_of_that_text_counts() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let public = SigningKey::create(&path).unwrap();
        assert!(SigningKey::create(&path).is_err(), "a key is never overwritten");
        let key = CustodianKey::parse(&format!("ann={}", public.display())).unwrap();
        let pair = SigningKey::read(&path).unwrap();
        assert_eq!(key.key, pair.public());
        let hash = sha256("text");
        let signature = pair.0.sign(signing_text("s", &hash).as_bytes()).as_ref().to_vec();
        assert!(key.verify("s", &hash, &signature));
        assert!(!key.verify("other store", &hash, &signature));
        assert!(!key.verify("s", &sha256("other text"), &signature));
        let mut flipped = signature.clone();
        flipped[3] ^= 1;
        assert!(!key.verify("s", &hash, &flipped));
        assert!(CustodianKey::parse("no name").is_err());
        assert!(CustodianKey::parse("a b=00").is_err());
    }
}
