//! A custodian's, or a reviewer's, own signing key, in a file of theirs: sealed under a passphrase (age, scrypt), or in clear
//! for those who ask for it by name.

use std::path::{Path, PathBuf};

use minster_model::Purpose;
use minster_vault_api::SignedDecisions;
use ring::{
    rand::SystemRandom,
    signature::{Ed25519KeyPair, KeyPair},
};
use zeroize::Zeroizing;

use crate::{
    VaultFault,
    approvals::{Proposal, sha256, signing_text},
    custody::{passphrase, read_share, refuse_exposed},
    disk,
    keys::{hex, secret_line, unhex},
    restoring::{Restoration, SignedRestoration},
    sealed_text,
};

/// How a key stands in its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyForm {
    /// Sealed under the passphrase in the first line of a file, or under one that is asked for.
    Sealed(Option<PathBuf>),
    /// In clear: whoever copies the file signs as its owner.
    Clear,
}

/// A longer file is no key.
const LONGEST: u64 = 64 << 10;
const ASKED: &str = "Passphrase of the key: ";

/// A custodian's own key, in a file of theirs.
pub struct SigningKey(Ed25519KeyPair);

impl SigningKey {
    /// Makes a key: the private one in a new file for the caller alone, the public one in
    /// `<file>.pub`.
    pub fn create(path: &Path, form: &KeyForm) -> Result<PathBuf, VaultFault> {
        let crypto = |_| VaultFault::Crypto("a signing key could not be made");
        let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).map_err(crypto)?;
        let pair = Ed25519KeyPair::from_pkcs8(pkcs8.as_ref())
            .map_err(|_| VaultFault::Crypto("a signing key could not be read back"))?;
        write(path, &secret_line(pkcs8.as_ref()), form)?;
        let public = PathBuf::from(format!("{}.pub", path.display()));
        disk::write_new(&public, 0o644, (hex(pair.public_key().as_ref()) + "\n").as_bytes())?;
        Ok(public)
    }

    /// Reads a key file, which must have the form that is named.
    pub fn read(path: &Path, form: &KeyForm) -> Result<Self, VaultFault> {
        let digits = read(path, form)?;
        let bytes = unhex(digits.trim()).map(Zeroizing::new);
        let pair = bytes.and_then(|bytes| Ed25519KeyPair::from_pkcs8(&bytes).ok());
        let why =
            || "is not a custodian's key file (`minster-vault custodian new` makes one)".into();
        pair.map(Self).ok_or_else(|| VaultFault::File { path: path.to_owned(), why: why() })
    }

    /// Seals a key, or an age identity, that stands in clear into a new file. It is the same key.
    pub fn seal(path: &Path, out: &Path, phrase: Option<&Path>) -> Result<(), VaultFault> {
        if read_share(path, &KeyForm::Clear).is_err() {
            Self::read(path, &KeyForm::Clear)?;
        }
        write(out, &read(path, &KeyForm::Clear)?, &KeyForm::Sealed(phrase.map(Path::to_owned)))
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

/// Writes a key's text into a new file for the caller alone.
pub(crate) fn write(path: &Path, digits: &str, form: &KeyForm) -> Result<(), VaultFault> {
    match form {
        KeyForm::Clear => disk::write_new(path, 0o600, digits.as_bytes()),
        KeyForm::Sealed(phrase) => {
            if path.exists() {
                // Before anyone is asked for a passphrase.
                let there = std::io::ErrorKind::AlreadyExists.into();
                return Err(VaultFault::io("create", path)(there));
            }
            let phrase = passphrase::new(phrase.as_deref(), ASKED)?;
            disk::write_new(path, 0o600, &sealed_text::seal(digits, &phrase)?)
        }
    }
}

/// The text of a key file.
pub(crate) fn read(path: &Path, form: &KeyForm) -> Result<Zeroizing<String>, VaultFault> {
    refuse_exposed(path)?;
    let wrong = |why: &str| VaultFault::File { path: path.to_owned(), why: why.into() };
    let bytes = disk::read_regular(path, LONGEST).map(Zeroizing::new);
    let bytes = bytes.map_err(VaultFault::io("read", path))?;
    match (form, sealed_text::is_sealed(&bytes)) {
        (KeyForm::Sealed(phrase), true) => {
            let phrase = passphrase::ask(phrase.as_deref(), ASKED)?;
            sealed_text::open(&bytes, &phrase)
                .ok_or_else(|| wrong("does not open: another passphrase, or the file was changed"))
        }
        (KeyForm::Clear, false) => {
            let text = std::str::from_utf8(&bytes).map_err(|_| {
                wrong("is not a custodian's key file (`minster-vault custodian new` makes one)")
            })?;
            Ok(Zeroizing::new(text.to_owned()))
        }
        (KeyForm::Clear, true) => Err(wrong("is sealed under a passphrase; leave --clear-key out")),
        (KeyForm::Sealed(_), false) => Err(wrong(
            "holds a key in clear, and whoever copies it signs in your name. `minster-vault custodian seal` puts the same key \
             under a passphrase; --clear-key uses it as it is",
        )),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::approvals::CustodianKey;

    #[test]
    fn only_the_custodian_s_own_signature_of_that_text_counts() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let public = SigningKey::create(&path, &KeyForm::Clear).unwrap();
        let again = SigningKey::create(&path, &KeyForm::Clear);
        assert!(again.is_err(), "a key is never overwritten");
        let key = CustodianKey::parse(&format!("ann={}", public.display())).unwrap();
        let pair = SigningKey::read(&path, &KeyForm::Clear).unwrap();
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

    #[test]
    fn a_sealed_key_opens_by_its_passphrase_alone_and_a_clear_one_when_it_is_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let phrase = |name: &str, text: &str| {
            disk::write_new(&at(name), 0o600, text.as_bytes()).unwrap();
            KeyForm::Sealed(Some(at(name)))
        };
        let (right, wrong) = (
            phrase("right", "correct horse battery\n"),
            phrase("wrong", "correct horse batterz\n"),
        );
        let short = phrase("short", "too short\n");
        assert!(SigningKey::create(&at("none"), &short).is_err() && !at("none").exists());
        SigningKey::create(&at("clear"), &KeyForm::Clear).unwrap();
        let digits = fs::read_to_string(at("clear")).unwrap();
        SigningKey::seal(&at("clear"), &at("sealed"), Some(&at("right"))).unwrap();
        let sealed = fs::read(at("sealed")).unwrap();
        assert!(!String::from_utf8_lossy(&sealed).contains(digits.trim()), "it is not in clear");

        let read = |name: &str, form: &KeyForm| SigningKey::read(&at(name), form);
        let public = read("clear", &KeyForm::Clear).unwrap().public();
        assert_eq!(read("sealed", &right).unwrap().public(), public, "it is the same key");
        let refused = |name: &str, form: &KeyForm| read(name, form).err().unwrap().to_string();
        assert!(refused("sealed", &wrong).contains("another passphrase"));
        assert!(refused("sealed", &KeyForm::Clear).contains("--clear-key"));
        assert!(refused("clear", &right).contains("in clear"));
        assert!(SigningKey::seal(&at("clear"), &at("sealed"), Some(&at("right"))).is_err());

        let public = SigningKey::create(&at("new"), &right).unwrap();
        let named = fs::read_to_string(public).unwrap();
        assert_eq!(read("new", &right).unwrap().public(), named.trim());
    }
}
