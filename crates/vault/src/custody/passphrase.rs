//! A passphrase, stretched by Argon2id (RFC 9106).

use std::{fs, path::Path};

use argon2::{Algorithm, Argon2, Params, Version};
use zeroize::Zeroizing;

use super::{Custody, SealingKey, refuse_exposed};
use crate::{
    VaultFault,
    keys::{hex, random, unhex},
};

/// A new passphrase has at least so many characters.
const SHORTEST: usize = 12;
const TERMINAL: &str = "the terminal";
/// RFC 9106, second recommended option: KiB, passes, lanes.
const USUAL: (u32, u32, u32) = (64 << 10, 3, 4);
/// The parameters stand in a file that is not yet known to be the vault's own: none may cost more than a gibibyte, nor
/// minutes.
const MOST: (u32, u32, u32) = (1 << 20, 16, 16);

pub(super) const OF_THE_VAULT: &str = "Passphrase of the vault: ";

pub(super) fn establish(path: Option<&Path>) -> Result<(Custody, SealingKey), VaultFault> {
    let phrase = new(path, OF_THE_VAULT)?;
    let (memory, passes, lanes) = USUAL;
    let salt = hex(&random::<16>()?);
    let key = derive(&phrase, &salt, memory, passes, lanes, Path::new(TERMINAL))?;
    Ok((Custody::Passphrase { salt, memory, passes, lanes }, key))
}

/// A new passphrase: the first line of a file, or typed twice.
pub(crate) fn new(path: Option<&Path>, asked: &str) -> Result<Zeroizing<String>, VaultFault> {
    let from = path.unwrap_or(Path::new(TERMINAL));
    let wrong = |why: String| VaultFault::File { path: from.to_owned(), why };
    let phrase = ask(path, asked)?;
    if path.is_none() && *phrase != *prompt("The same again: ")? {
        return Err(wrong("the two passphrases differ".into()));
    }
    if phrase.chars().count() < SHORTEST {
        return Err(wrong(format!("a passphrase has at least {SHORTEST} characters")));
    }
    Ok(phrase)
}

/// The first line of a file, or what is typed.
pub(crate) fn ask(path: Option<&Path>, asked: &str) -> Result<Zeroizing<String>, VaultFault> {
    let Some(path) = path else { return prompt(asked) };
    refuse_exposed(path)?;
    let text = Zeroizing::new(fs::read_to_string(path).map_err(VaultFault::io("read", path))?);
    Ok(Zeroizing::new(text.lines().next().unwrap_or_default().to_owned()))
}

fn prompt(text: &str) -> Result<Zeroizing<String>, VaultFault> {
    rpassword::prompt_password(text)
        .map(Zeroizing::new)
        .map_err(VaultFault::io("ask for a secret on", Path::new(TERMINAL)))
}

/// The key that a passphrase gives with the parameters that stand in `store`.
pub(super) fn derive(
    phrase: &str,
    salt: &str,
    memory: u32,
    passes: u32,
    lanes: u32,
    store: &Path,
) -> Result<SealingKey, VaultFault> {
    let bounded = memory <= MOST.0 && passes <= MOST.1 && lanes <= MOST.2;
    if !bounded {
        let why = format!(
            "its passphrase is stretched with {memory} KiB, {passes} passes and {lanes} lanes; no vault of this program \
             has more than {} KiB, {} passes and {} lanes: it was changed. Put the right file back",
            MOST.0, MOST.1, MOST.2
        );
        return Err(VaultFault::File { path: store.to_owned(), why });
    }
    let wrong = |_| VaultFault::Crypto("Argon2id refused its parameters");
    let params = Params::new(memory, passes, lanes, Some(32)).map_err(wrong)?;
    let salt = unhex(salt).ok_or(VaultFault::Crypto("the salt is not hexadecimal"))?;
    let mut key = Zeroizing::new([0; 32]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(phrase.as_bytes(), &salt, &mut *key)
        .map_err(wrong)?;
    Ok(key)
}
