//! A text under a passphrase, as the program `age` seals a file with one (scrypt).

use std::io::{Read, Write};

use age::secrecy::SecretString;
use zeroize::Zeroizing;

use crate::VaultFault;

/// The beginning of every such file.
const MAGIC: &[u8] = b"age-encryption.org/";
/// 2^16 rounds of scrypt take 64 MiB, as Argon2id does for the vault's own passphrase.
const WORK: u8 = 16;
/// A file may come from `age` on a fast machine, and from a stranger who would have all memory taken: 1 GiB.
const MOST_WORK: u8 = 20;

/// Whether a file holds a sealed text.
pub(crate) fn is_sealed(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC)
}

/// Seals a text.
pub(crate) fn seal(text: &str, phrase: &str) -> Result<Vec<u8>, VaultFault> {
    let mut recipient = age::scrypt::Recipient::new(SecretString::from(phrase));
    recipient.set_work_factor(WORK);
    let recipients = std::iter::once(&recipient as &dyn age::Recipient);
    let crypto = || VaultFault::Crypto("age could not seal under a passphrase");
    let encryptor = age::Encryptor::with_recipients(recipients).map_err(|_| crypto())?;
    let mut sealed = Vec::new();
    let mut writer = encryptor.wrap_output(&mut sealed).map_err(|_| crypto())?;
    writer.write_all(text.as_bytes()).map_err(|_| crypto())?;
    writer.finish().map_err(|_| crypto())?;
    Ok(sealed)
}

/// The text, if the passphrase opens it.
pub(crate) fn open(sealed: &[u8], phrase: &str) -> Option<Zeroizing<String>> {
    let mut identity = age::scrypt::Identity::new(SecretString::from(phrase));
    identity.set_max_work_factor(MOST_WORK);
    let decryptor = age::Decryptor::new_buffered(sealed).ok()?;
    let identities = std::iter::once(&identity as &dyn age::Identity);
    let mut text = Zeroizing::new(String::new());
    decryptor.decrypt(identities).ok()?.read_to_string(&mut text).ok()?;
    Some(text)
}
