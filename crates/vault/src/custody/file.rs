//! A key in a file: named by a flag, or handed over by systemd.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use zeroize::Zeroizing;

use super::{SealingKey, refuse_exposed};
use crate::{
    VaultFault,
    disk::write_new,
    keys::{random, secret_line, unhex},
};

/// The key file of a new custody; made where it is missing, and never in the vault's own folder.
pub(super) fn establish(path: &Path, folder: &Path) -> Result<SealingKey, VaultFault> {
    let beside = path.parent().and_then(|parent| parent.canonicalize().ok());
    if beside.is_some_and(|parent| folder.canonicalize().is_ok_and(|f| parent.starts_with(f))) {
        let why = "the key file would lie in the vault's own folder";
        return Err(VaultFault::Exposed { path: path.to_owned(), why });
    }
    if !path.exists() {
        let digits = secret_line(&*Zeroizing::new(random::<32>()?));
        write_new(path, 0o600, digits.as_bytes())?;
    }
    read(path)
}

/// Reads a key file.
pub(super) fn read(path: &Path) -> Result<SealingKey, VaultFault> {
    refuse_exposed(path)?;
    parse(path)
}

/// The credential that systemd hands to the service (`LoadCredential=`, `LoadCredentialEncrypted=`):
/// a file with the same 64 digits, in a folder that systemd protects.
pub(super) fn credential(name: &str) -> Result<SealingKey, VaultFault> {
    let folder = env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from);
    let plain = !name.is_empty() && !name.contains('/') && name != "..";
    match folder {
        Some(folder) if plain => parse(&folder.join(name)),
        _ => Err(VaultFault::File {
            path: PathBuf::from(name),
            why: "systemd hands over no such credential: the unit needs LoadCredentialEncrypted= with \
                  this name"
                .into(),
        }),
    }
}

fn parse(path: &Path) -> Result<SealingKey, VaultFault> {
    let text = Zeroizing::new(fs::read_to_string(path).map_err(VaultFault::io("read", path))?);
    let bytes = unhex(text.trim()).map(Zeroizing::new);
    let key = bytes.and_then(|bytes| <[u8; 32]>::try_from(bytes.as_slice()).ok());
    let why = || "a key file holds 64 hexadecimal digits".to_owned();
    key.map(Zeroizing::new).ok_or_else(|| VaultFault::File { path: path.to_owned(), why: why() })
}
