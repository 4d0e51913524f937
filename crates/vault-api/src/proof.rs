//! The proof that whoever listens on the socket holds the vault's signing key.

use crate::note::{NoteError, Verifier, signed_text};

/// The proof that a vault signs for a caller before anything else is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proof {
    /// The bytes that the caller drew.
    pub challenge: [u8; 32],
    /// The caller's uid, as each side knows it: a proof made for a go-between is worth nothing to another user.
    pub caller: u32,
}

impl Proof {
    /// The text that is signed. No other text of a vault begins so.
    pub fn text(&self, vault: &str) -> String {
        let challenge = base16ct::lower::encode_string(&self.challenge);
        format!("{vault}/proof\n{challenge}\nuid {}\n", self.caller)
    }

    /// Whether the note proves this to whom knows the vault's verifier.
    pub fn verify(&self, verifier: &Verifier, note: &str) -> Result<(), NoteError> {
        match verifier.open(note)? == signed_text(&self.text(verifier.name())) {
            true => Ok(()),
            false => Err(NoteError::OtherText),
        }
    }
}
