//! How the root key is sealed: under a passphrase (Argon2id, RFC 9106) or under a key file.

use std::{
    fs,
    io::Write,
    os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use argon2::{Algorithm, Argon2, Params, Version};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{
    VaultFault,
    keys::{hex, random, unhex},
};

/// Where the secret that opens the vault comes from. Never from a flag or the environment.
#[derive(Debug, Clone)]
pub enum Secret {
    /// A file with 64 hexadecimal digits, 0600.
    KeyFile(PathBuf),
    /// A file whose first line is the passphrase, 0600.
    PassphraseFile(PathBuf),
    /// Asked for on the terminal.
    Prompt,
}

/// What `store.json` says about custody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Custody {
    /// Sealed under a key file.
    KeyFile,
    /// Sealed under a passphrase.
    Passphrase {
        /// Argon2id salt, hexadecimal.
        salt: String,
        /// Memory in KiB.
        memory: u32,
        /// Passes.
        passes: u32,
        /// Lanes.
        lanes: u32,
    },
}

type SealingKey = Zeroizing<[u8; 32]>;

impl Custody {
    /// Chooses the custody of a new vault. A key file that is not there is made.
    pub fn establish(secret: &Secret, folder: &Path) -> Result<(Self, SealingKey), VaultFault> {
        if let Secret::KeyFile(path) = secret {
            let beside = path.parent().and_then(|parent| parent.canonicalize().ok());
            if beside
                .is_some_and(|parent| folder.canonicalize().is_ok_and(|f| parent.starts_with(f)))
            {
                let why = "the key file would lie in the vault's own folder";
                return Err(VaultFault::Exposed { path: path.clone(), why });
            }
            if !path.exists() {
                write_key_file(path)?;
            }
            return Ok((Self::KeyFile, read_key_file(path)?));
        }
        let custody =
            Self::Passphrase { salt: hex(&random::<16>()?), memory: 64 << 10, passes: 3, lanes: 1 };
        let key = custody.derive(&passphrase(secret, true)?)?;
        Ok((custody, key))
    }

    /// The key that opens an existing vault.
    pub fn sealing_key(&self, secret: &Secret, store: &Path) -> Result<SealingKey, VaultFault> {
        let mismatch = |why: &str| VaultFault::File { path: store.to_owned(), why: why.into() };
        match (self, secret) {
            (Self::KeyFile, Secret::KeyFile(path)) => read_key_file(path),
            (Self::KeyFile, _) => {
                Err(mismatch("is sealed under a key file; name it with --key-file"))
            }
            (Self::Passphrase { .. }, Secret::KeyFile(_)) => {
                Err(mismatch("is sealed under a passphrase; leave --key-file out"))
            }
            (Self::Passphrase { .. }, _) => self.derive(&passphrase(secret, false)?),
        }
    }

    /// Its name for people.
    pub fn name(&self) -> &'static str {
        match self {
            Self::KeyFile => "key file",
            Self::Passphrase { .. } => "passphrase",
        }
    }

    fn derive(&self, passphrase: &str) -> Result<SealingKey, VaultFault> {
        let Self::Passphrase { salt, memory, passes, lanes } = self else {
            return Err(VaultFault::Crypto("no passphrase belongs to this vault"));
        };
        let wrong = |_| VaultFault::Crypto("Argon2id refused its parameters");
        let params = Params::new(*memory, *passes, *lanes, Some(32)).map_err(wrong)?;
        let salt = unhex(salt).ok_or(VaultFault::Crypto("the salt is not hexadecimal"))?;
        let mut key = Zeroizing::new([0; 32]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(passphrase.as_bytes(), &salt, &mut *key)
            .map_err(wrong)?;
        Ok(key)
    }
}

fn passphrase(secret: &Secret, new: bool) -> Result<Zeroizing<String>, VaultFault> {
    const SHORTEST: usize = 12;
    let terminal = Path::new("the terminal");
    let (text, path) = match secret {
        Secret::PassphraseFile(path) => {
            refuse_exposed(path)?;
            let text = fs::read_to_string(path).map_err(VaultFault::io("read", path))?;
            (Zeroizing::new(text.lines().next().unwrap_or_default().to_owned()), path.as_path())
        }
        _ => {
            let ask = |prompt: &str| {
                rpassword::prompt_password(prompt)
                    .map(Zeroizing::new)
                    .map_err(VaultFault::io("ask for the passphrase on", terminal))
            };
            let first = ask("Passphrase of the vault: ")?;
            if new && *first != *ask("The same again: ")? {
                let why = "the two passphrases differ".into();
                return Err(VaultFault::File { path: terminal.to_owned(), why });
            }
            (first, terminal)
        }
    };
    if new && text.chars().count() < SHORTEST {
        let why = format!("a passphrase has at least {SHORTEST} characters");
        return Err(VaultFault::File { path: path.to_owned(), why });
    }
    Ok(text)
}

fn write_key_file(path: &Path) -> Result<(), VaultFault> {
    let digits = Zeroizing::new(hex(&random::<32>()?) + "\n");
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(VaultFault::io("create", path))?;
    file.write_all(digits.as_bytes())
        .and_then(|()| file.sync_all())
        .map_err(VaultFault::io("write", path))
}

fn read_key_file(path: &Path) -> Result<SealingKey, VaultFault> {
    refuse_exposed(path)?;
    let text = Zeroizing::new(fs::read_to_string(path).map_err(VaultFault::io("read", path))?);
    let bytes = unhex(text.trim()).map(Zeroizing::new);
    let key = bytes.and_then(|bytes| <[u8; 32]>::try_from(bytes.as_slice()).ok());
    let why = || "a key file holds 64 hexadecimal digits".to_owned();
    key.map(Zeroizing::new).ok_or_else(|| VaultFault::File { path: path.to_owned(), why: why() })
}

/// Refuses a file or folder that is another's, or that others may read or change.
pub(crate) fn refuse_exposed(path: &Path) -> Result<(), VaultFault> {
    let metadata = fs::metadata(path).map_err(VaultFault::io("open", path))?;
    let exposed = |why| Err(VaultFault::Exposed { path: path.to_owned(), why });
    if metadata.uid() != rustix::process::getuid().as_raw() {
        return exposed("it belongs to another user");
    }
    if metadata.permissions().mode() & 0o077 != 0 {
        return exposed("others may read it (chmod go= on it)");
    }
    Ok(())
}
