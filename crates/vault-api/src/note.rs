//! Signed notes: a text, an empty line, and a signature that needs no secret to verify.
//!
//! The format is C2SP's *signed-note* with Ed25519 (RFC 8032); the verifier's key is written as there:
//! `name+hash+base64`. The vault signs its statements and the checkpoints of its log so.

use std::{fmt, str::FromStr};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use ring::{
    digest::{SHA256, digest},
    signature::{ED25519, UnparsedPublicKey},
};

/// C2SP's number of Ed25519.
const ALGORITHM: u8 = 1;

/// Why a note is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// Not a text, an empty line and signatures.
    #[error("it is not a signed note")]
    Malformed,
    /// A verifier's key that is none.
    #[error("a verifier's key reads name+hash+base64")]
    Key,
    /// No signature by the verifier's key.
    #[error("it is not signed by the expected key")]
    OtherKey,
    /// The signature is wrong: the text was changed.
    #[error("its signature is wrong: the text was changed")]
    BadSignature,
    /// The signature is right, under another text.
    #[error("it is signed, but says something else")]
    OtherText,
}

/// The name and public key of whoever signs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verifier {
    name: String,
    key: [u8; 32],
}

impl Verifier {
    /// A verifier for a name without spaces or plus signs, and an Ed25519 public key.
    pub fn new(name: &str, key: [u8; 32]) -> Result<Self, NoteError> {
        let fits = !name.is_empty() && !name.contains(['+', '\n']) && !name.contains(' ');
        if fits { Ok(Self { name: name.to_owned(), key }) } else { Err(NoteError::Key) }
    }

    /// The signer's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The text as a note, `signature` being the signer's over [`signed_text`].
    pub fn note(&self, text: &str, signature: &[u8; 64]) -> String {
        let blob = [self.hash().as_slice(), signature].concat();
        format!("{}\n\u{2014} {} {}\n", signed_text(text), self.name, BASE64_STANDARD.encode(blob))
    }

    /// The text of a note that this key signed.
    pub fn open<'a>(&self, note: &'a str) -> Result<&'a str, NoteError> {
        let (text, signatures) = note.rsplit_once("\n\n").ok_or(NoteError::Malformed)?;
        let signed = &note[..=text.len()];
        for line in signatures.lines() {
            let line = line.strip_prefix("\u{2014} ").ok_or(NoteError::Malformed)?;
            let (name, blob) = line.split_once(' ').ok_or(NoteError::Malformed)?;
            let blob = BASE64_STANDARD.decode(blob).map_err(|_| NoteError::Malformed)?;
            let Some(signature) = blob.strip_prefix(self.hash().as_slice()) else { continue };
            if name == self.name {
                let key = UnparsedPublicKey::new(&ED25519, &self.key);
                key.verify(signed.as_bytes(), signature).map_err(|_| NoteError::BadSignature)?;
                return Ok(signed);
            }
        }
        Err(NoteError::OtherKey)
    }

    fn hash(&self) -> [u8; 4] {
        let bytes = [self.name.as_bytes(), b"\n", &[ALGORITHM], &self.key].concat();
        let mut hash = [0; 4];
        hash.copy_from_slice(&digest(&SHA256, &bytes).as_ref()[..4]);
        hash
    }
}

/// The bytes that are signed for a text: it, ending in one line break.
pub fn signed_text(text: &str) -> String {
    format!("{}\n", text.trim_end_matches('\n'))
}

impl fmt::Display for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hash = u32::from_be_bytes(self.hash());
        let key = BASE64_STANDARD.encode([&[ALGORITHM], self.key.as_slice()].concat());
        write!(f, "{}+{hash:08x}+{key}", self.name)
    }
}

impl FromStr for Verifier {
    type Err = NoteError;

    fn from_str(text: &str) -> Result<Self, NoteError> {
        let mut parts = text.trim().splitn(3, '+');
        let (Some(name), Some(_), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(NoteError::Key);
        };
        let key = BASE64_STANDARD.decode(key).map_err(|_| NoteError::Key)?;
        let key = key.strip_prefix(&[ALGORITHM]).and_then(|key| key.try_into().ok());
        let verifier = Self::new(name, key.ok_or(NoteError::Key)?)?;
        if verifier.to_string() == text.trim() { Ok(verifier) } else { Err(NoteError::Key) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use ring::signature::{Ed25519KeyPair, KeyPair};

    fn signer(seed: u8) -> (Ed25519KeyPair, Verifier) {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap();
        let verifier =
            Verifier::new("vault/1", pair.public_key().as_ref().try_into().unwrap()).unwrap();
        (pair, verifier)
    }

    fn sign(pair: &Ed25519KeyPair, verifier: &Verifier, text: &str) -> String {
        let signature = pair.sign(signed_text(text).as_bytes());
        verifier.note(text, signature.as_ref().try_into().unwrap())
    }

    /// The example of C2SP's signed-note.
    #[test]
    fn the_specification_s_note_opens() {
        let verifier: Verifier =
            "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW".parse().unwrap();
        let note = "If you think cryptography is the answer to your problem,\n\
            then you don't know what your problem is.\n\n\
            \u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
        assert_eq!(verifier.open(note).unwrap().lines().count(), 2);
        assert_eq!(
            verifier.open(&note.replace("answer", "question")),
            Err(NoteError::BadSignature)
        );
    }

    proptest! {
        #[test]
        fn a_note_opens_for_its_key_alone(text in "[a-z\n ]{0,60}", at in 0usize..200) {
            let (pair, verifier) = signer(1);
            let note = sign(&pair, &verifier, &text);
            prop_assert_eq!(verifier.open(&note).unwrap(), signed_text(&text));
            prop_assert_eq!(verifier.to_string().parse::<Verifier>().unwrap(), verifier.clone());
            prop_assert!(signer(2).1.open(&note).is_err());
            let mut changed = note.clone().into_bytes();
            let at = at % changed.len();
            changed[at] ^= 1;
            if let Ok(changed) = String::from_utf8(changed) {
                prop_assert!(verifier.open(&changed).is_err(), "{}", changed);
            }
        }
    }
}
