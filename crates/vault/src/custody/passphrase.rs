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

pub(super) fn establish(path: Option<&Path>) -> Result<(Custody, SealingKey), VaultFault> {
    let terminal = Path::new("the terminal");
    let wrong = |why: String| VaultFault::File { path: path.unwrap_or(terminal).to_owned(), why };
    let phrase = ask(path)?;
    if path.is_none() && *phrase != *prompt("The same again: ")? {
        return Err(wrong("the two passphrases differ".into()));
    }
    if phrase.chars().count() < SHORTEST {
        return Err(wrong(format!("a passphrase has at least {SHORTEST} characters")));
    }
    // RFC 9106, second recommended option.
    let (memory, passes, lanes) = (64 << 10, 3, 4);
    let salt = hex(&random::<16>()?);
    let key = derive(&phrase, &salt, memory, passes, lanes)?;
    Ok((Custody::Passphrase { salt, memory, passes, lanes }, key))
}

/// The first line of a file, or what is typed.
pub(super) fn ask(path: Option<&Path>) -> Result<Zeroizing<String>, VaultFault> {
    let Some(path) = path else { return prompt("Passphrase of the vault: ") };
    refuse_exposed(path)?;
    let text = Zeroizing::new(fs::read_to_string(path).map_err(VaultFault::io("read", path))?);
    Ok(Zeroizing::new(text.lines().next().unwrap_or_default().to_owned()))
}

pub(super) fn prompt(text: &str) -> Result<Zeroizing<String>, VaultFault> {
    rpassword::prompt_password(text)
        .map(Zeroizing::new)
        .map_err(VaultFault::io("ask for the passphrase on", Path::new("the terminal")))
}

pub(super) fn derive(
    phrase: &str,
    salt: &str,
    memory: u32,
    passes: u32,
    lanes: u32,
) -> Result<SealingKey, VaultFault> {
    let wrong = |_| VaultFault::Crypto("Argon2id refused its parameters");
    let params = Params::new(memory, passes, lanes, Some(32)).map_err(wrong)?;
    let salt = unhex(salt).ok_or(VaultFault::Crypto("the salt is not hexadecimal"))?;
    let mut key = Zeroizing::new([0; 32]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(phrase.as_bytes(), &salt, &mut *key)
        .map_err(wrong)?;
    Ok(key)
}
