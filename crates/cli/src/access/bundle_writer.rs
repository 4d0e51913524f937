//! The texts of an encrypted file on their way through the vault, which encrypts them: in messages that it takes.

use minster_vault_api::{BUNDLE_PIECE, BundlePart, Client};

use crate::failure::Failure;

/// Bytes and parts of one message.
const PIECE: usize = BUNDLE_PIECE / 4;
const PARTS: usize = 1_000;

/// Takes the texts of an encrypted file.
pub(crate) trait Sink {
    /// Begins a file in a bundle.
    fn begin(&mut self, name: &str) -> Result<(), Failure>;
    /// Goes on.
    fn text(&mut self, text: &str) -> Result<(), Failure>;
}

/// Sends the texts to the vault, and hands on what comes back.
pub(crate) struct BundleWriter<'a, Out> {
    vault: &'a mut Client,
    out: Out,
    parts: Vec<BundlePart>,
    bytes: usize,
}

impl<Out: FnMut(&[u8]) -> Result<(), Failure>> Sink for BundleWriter<'_, Out> {
    fn begin(&mut self, name: &str) -> Result<(), Failure> {
        self.part(BundlePart::File(name.to_owned()))
    }

    fn text(&mut self, text: &str) -> Result<(), Failure> {
        for piece in text.as_bytes().chunks(PIECE) {
            // The vault refuses a message of more.
            if self.bytes + piece.len() > PIECE {
                self.flush()?;
            }
            self.bytes += piece.len();
            match self.parts.last_mut() {
                Some(BundlePart::Text(last)) => last.extend_from_slice(piece),
                _ => self.part(BundlePart::Text(piece.to_vec()))?,
            }
        }
        Ok(())
    }
}

impl<'a, Out: FnMut(&[u8]) -> Result<(), Failure>> BundleWriter<'a, Out> {
    pub(crate) fn new(vault: &'a mut Client, out: Out) -> Self {
        Self { vault, out, parts: Vec::new(), bytes: 0 }
    }

    fn part(&mut self, part: BundlePart) -> Result<(), Failure> {
        self.parts.push(part);
        match self.parts.len() >= PARTS {
            true => self.flush(),
            false => Ok(()),
        }
    }

    /// Sends what was not sent yet.
    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        self.bytes = 0;
        let bytes = self.vault.write_bundle(std::mem::take(&mut self.parts))?;
        (self.out)(&bytes)
    }
}

/// The name of a CSV file in a bundle, from one that may be too long or have other letters than the vault takes.
pub(crate) fn csv_name(name: &str) -> String {
    let name = name.to_lowercase();
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-_".contains(c);
    match name.len() <= 64 && name.chars().all(allowed) {
        true => name,
        false => {
            // No two have the same beginning and hash.
            let hash = minster_store::sha256_hex(name.as_bytes());
            let begin: String = name.chars().filter(|c| allowed(*c)).take(40).collect();
            format!("{begin}-{}.csv", &hash[..12])
        }
    }
}
