//! A custodian's share of the vault, on the custodian's own side.

use std::path::Path;

use age::secrecy::ExposeSecret;
use minster_vault_api::Share;

use super::passphrase;
use crate::{
    VaultFault,
    signing_key::{self, KeyForm},
};

/// Makes an age identity in a new file; gives its recipient.
pub fn new_identity(path: &Path, form: &KeyForm) -> Result<String, VaultFault> {
    let identity = age::x25519::Identity::generate();
    let text = identity.to_string();
    signing_key::write(path, text.expose_secret(), form)?;
    Ok(identity.to_public().to_string())
}

/// Reads a file with one age identity, as `age-keygen` or [`new_identity`] makes it, sealed as `age -p` seals it.
pub fn read_share(path: &Path, form: &KeyForm) -> Result<Share, VaultFault> {
    let text = signing_key::read(path, form)?;
    let mut lines =
        text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let identity = lines.next().filter(|line| line.parse::<age::x25519::Identity>().is_ok());
    match (identity, lines.next()) {
        (Some(identity), None) => Ok(Share::new(identity)),
        _ => Err(VaultFault::File {
            path: path.to_owned(),
            why:
                "is not a file with one age identity (`minster-vault custodian identity` makes one)"
                    .into(),
        }),
    }
}

/// A passphrase or PIN: the first line of a file, or what is typed.
pub fn typed_share(path: Option<&Path>, asked: &str) -> Result<Share, VaultFault> {
    Ok(Share::new(&passphrase::ask(path, asked)?))
}
