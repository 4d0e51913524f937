//! How the root key is sealed. Every custody ends in the same thing, 32 bytes under which `store.json`
//! seals the root, so that changing the custody changes no pseudonym.
//!
//! | custody | opened by | module |
//! |---|---|---|
//! | key file | a file on another disk | [`file`] |
//! | systemd credential | what systemd hands to the service | [`file`] |
//! | passphrase | Argon2id (RFC 9106), parameters stored | [`passphrase`] |
//! | age recipients | any one identity | [`recipients`] |
//! | custodians | m of n identities: one nested age file a combination | [`recipients`] |
//! | PKCS#11 token | a key that never leaves the token, and its PIN | [`pkcs11`], whose program code root alone may change: [`module`] |

mod file;
mod module;
pub(crate) mod passphrase;
mod pkcs11;
mod recipients;
mod share;

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

use minster_vault_api::{Share, ShareKind};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

pub use share::{new_identity, read_share, typed_share};

use crate::VaultFault;

/// Where the secret that opens the vault comes from. Never from a flag or the environment.
#[derive(Debug, Clone, Default)]
pub struct Secret {
    /// A file with 64 hexadecimal digits, 0600.
    pub key_file: Option<PathBuf>,
    /// A file whose first line is the passphrase, of the vault or of sealed identities, or the token's PIN, 0600. Absent:
    /// asked for on the terminal.
    pub passphrase_file: Option<PathBuf>,
    /// Files with age identities, 0600.
    pub identities: Vec<PathBuf>,
    /// Shares that custodians gave over the socket, in the place of files.
    pub given: Vec<Share>,
}

impl Secret {
    /// A key file.
    pub fn key_file(path: impl Into<PathBuf>) -> Self {
        Self { key_file: Some(path.into()), ..Self::default() }
    }

    /// A passphrase or PIN: given over the socket, in a file, or asked for.
    fn typed(&self, asked: &str) -> Result<Zeroizing<String>, VaultFault> {
        match self.given.first() {
            Some(share) => Ok(Zeroizing::new(share.expose().to_owned())),
            None => passphrase::ask(self.passphrase_file.as_deref(), asked),
        }
    }

    /// A passphrase or PIN in a file.
    pub fn passphrase_file(path: impl Into<PathBuf>) -> Self {
        Self { passphrase_file: Some(path.into()), ..Self::default() }
    }
}

/// The custody that is wanted for a new vault, or instead of the one that stands.
#[derive(Debug, Clone)]
pub enum Wanted {
    /// A key file; made where it is missing.
    KeyFile(PathBuf),
    /// A credential that systemd hands to the service, by its name.
    Credential(String),
    /// A passphrase: from a file, or asked for.
    Passphrase(Option<PathBuf>),
    /// age recipients, of whom so many must open it together.
    Recipients(Vec<String>, usize),
    /// A PKCS#11 token.
    Token(TokenKey, Option<PathBuf>),
}

/// A key on a PKCS#11 token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenKey {
    /// The token's PKCS#11 module.
    pub module: PathBuf,
    /// The token's label.
    pub token: String,
    /// The key's label; made on the token where it is missing.
    pub key: String,
}

/// The custody as `store.json` records it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Custody {
    /// Sealed under a key file.
    KeyFile,
    /// Sealed under a systemd credential.
    Credential {
        /// Its name.
        name: String,
    },
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
    /// Sealed to age recipients.
    Recipients {
        /// How many must open it together.
        threshold: usize,
        /// The recipients.
        recipients: Vec<String>,
        /// One nested age file a combination.
        wraps: Vec<recipients::Wrap>,
    },
    /// Sealed by a key on a PKCS#11 token.
    Token {
        /// Which.
        #[serde(flatten)]
        key: TokenKey,
        /// AES-256-GCM nonce, hexadecimal.
        nonce: String,
        /// The sealed key, hexadecimal.
        sealed: String,
    },
}

pub(crate) type SealingKey = Zeroizing<[u8; 32]>;

impl Custody {
    /// Establishes a custody; gives the key to seal the root under.
    pub fn establish(wanted: &Wanted, folder: &Path) -> Result<(Self, SealingKey), VaultFault> {
        match wanted {
            Wanted::KeyFile(path) => Ok((Self::KeyFile, file::establish(path, folder)?)),
            Wanted::Credential(name) => {
                Ok((Self::Credential { name: name.clone() }, file::credential(name)?))
            }
            Wanted::Passphrase(path) => passphrase::establish(path.as_deref()),
            Wanted::Recipients(recipients, threshold) => {
                recipients::establish(recipients, *threshold)
            }
            Wanted::Token(key, pin) => pkcs11::establish(key, pin.as_deref()),
        }
    }

    /// The key that opens an existing vault.
    pub fn sealing_key(&self, secret: &Secret, store: &Path) -> Result<SealingKey, VaultFault> {
        let asks = |what: &str| VaultFault::File { path: store.to_owned(), why: what.into() };
        match self {
            Self::KeyFile => {
                let asked = || asks("is sealed under a key file; name it with --key-file");
                file::read(secret.key_file.as_deref().ok_or_else(asked)?)
            }
            Self::Credential { name } => file::credential(name),
            _ if secret.key_file.is_some() => {
                Err(asks("is not sealed under a key file; leave --key-file out"))
            }
            Self::Passphrase { salt, memory, passes, lanes } => {
                let phrase = secret.typed(passphrase::OF_THE_VAULT)?;
                passphrase::derive(&phrase, salt, *memory, *passes, *lanes, store)
            }
            Self::Recipients { threshold, wraps, .. } => {
                if secret.identities.len().max(secret.given.len()) < *threshold {
                    return Err(asks(&format!(
                        "is sealed to age recipients of whom {threshold} must open it together; name \
                         their identity files with --identity"
                    )));
                }
                let wrong = || VaultFault::WrongSecret { path: store.to_owned() };
                let identities = recipients::identities(
                    &secret.identities,
                    secret.passphrase_file.as_deref(),
                    &secret.given,
                )?;
                recipients::open(wraps, &identities).ok_or_else(wrong)
            }
            Self::Token { key, nonce, sealed } => {
                pkcs11::open(key, nonce, sealed, || secret.typed(pkcs11::PIN), store)
            }
        }
    }

    /// The shares that open it over the socket: their kind, and how many. Nothing where it is opened by a file.
    pub(crate) fn shares(&self) -> Option<(ShareKind, usize)> {
        match self {
            Self::KeyFile | Self::Credential { .. } => None,
            Self::Passphrase { .. } => Some((ShareKind::Passphrase, 1)),
            Self::Recipients { threshold, .. } => Some((ShareKind::Identity, *threshold)),
            Self::Token { .. } => Some((ShareKind::Pin, 1)),
        }
    }

    /// Shares that open it, each from an account of its own; 1 where it is opened by a file.
    pub(crate) fn shares_needed(&self) -> usize {
        self.shares().map_or(1, |(_, needed)| needed)
    }

    /// The place of an age identity among the recipients.
    pub(crate) fn place_of(&self, share: &Share) -> Option<usize> {
        let Self::Recipients { recipients, .. } = self else { return None };
        let identity: age::x25519::Identity = share.expose().parse().ok()?;
        let recipient = identity.to_public().to_string();
        recipients.iter().position(|one| *one == recipient)
    }

    /// Its name for people.
    pub fn name(&self) -> String {
        match self {
            Self::KeyFile => "key file".into(),
            Self::Credential { .. } => "systemd credential".into(),
            Self::Passphrase { memory, passes, lanes, .. } => {
                format!("passphrase (Argon2id, {memory} KiB, {passes} passes, {lanes} lanes)")
            }
            Self::Recipients { threshold: 1, recipients, .. } => {
                format!("age recipients (any one of {})", recipients.len())
            }
            Self::Recipients { threshold, recipients, .. } => {
                format!("custodians ({threshold} of {})", recipients.len())
            }
            Self::Token { .. } => "PKCS#11 token".into(),
        }
    }
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
