//! `store.json`: what the vault's custody seals, and a header in clear.
//!
//! The sealed parts are the root and the identity that opens quarantined rows. From format 3 on, the header's exact JSON
//! is associated data of both: a changed word of it opens nothing. `store.copy` has the same bytes.

use std::{
    io,
    path::{Path, PathBuf},
};

use age::secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{
    VaultFault,
    custody::{Custody, SealingKey},
    disk::{self, Disk},
    keys::{aead, hex, open, random, seal, unhex},
    log::Position,
};

pub(super) const FORMAT: u32 = 3;
/// The format before headers were sealed with the rest.
const FLAT: u32 = 2;
const FILE: &str = "store.json";
const COPY: &str = "store.copy";
/// Ten recipients of whom five open it make 252 wraps of some 1,500 bytes.
const LONGEST: u64 = 4 << 20;

/// All that stands in clear.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Header {
    format: u32,
    pub(super) store_id: String,
    pub(super) custody: Custody,
    /// How often it was sealed anew.
    pub(super) generation: u32,
    /// The recipient of the sealed identity.
    recipient: String,
    /// Where the log stood when this was sealed. Format 3 and later always have it.
    pub(super) log: Option<Position>,
}

/// The content of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StoreFile {
    pub(super) header: Header,
    sealed_root: String,
    sealed_identity: String,
}

/// The content in formats 1 and 2.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FlatStore {
    format: u32,
    store_id: String,
    custody: Custody,
    #[serde(default)]
    generation: u32,
    sealed_root: String,
    recipient: String,
    sealed_identity: String,
}

/// A store file as it was found.
pub(super) struct Found {
    pub(super) store: StoreFile,
    /// The file that it was read from.
    pub(super) path: PathBuf,
    /// Why `store.json` itself could not be read; its copy was, then.
    pub(super) lost: Option<String>,
}

/// The secrets that the file seals.
pub(super) struct Secrets {
    pub(super) root: Zeroizing<[u8; 32]>,
    identity: Zeroizing<Vec<u8>>,
}

impl StoreFile {
    pub(super) fn paths(folder: &Path) -> [PathBuf; 2] {
        [FILE, COPY].map(|name| folder.join(name))
    }

    /// Reads `store.json`, or its copy where it is missing or damaged: no JSON any more. Where it was changed with care,
    /// nothing takes its place: that is refused, here or when it is opened.
    pub(super) fn find(folder: &Path) -> Result<Found, VaultFault> {
        let [path, copy] = Self::paths(folder);
        let lost = match Self::read(&path) {
            Ok(store) => return Ok(Found { store, path, lost: None }),
            Err(VaultFault::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                "it was missing".to_owned()
            }
            Err(VaultFault::File { why, .. }) if is_damaged(&path) && copy.exists() => why,
            Err(fault) => return Err(fault),
        };
        match Self::read(&copy) {
            Ok(store) => Ok(Found { store, path: copy, lost: Some(lost) }),
            Err(VaultFault::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                Err(VaultFault::io("read", &path)(source))
            }
            Err(fault) => Err(fault),
        }
    }

    fn read(path: &Path) -> Result<Self, VaultFault> {
        let wrong = |why| VaultFault::File { path: path.to_owned(), why };
        let bytes = disk::read_regular(path, LONGEST).map_err(VaultFault::io("read", path))?;
        let told = |error: serde_json::Error| wrong(error.to_string());
        let value: serde_json::Value = serde_json::from_slice(&bytes).map_err(told)?;
        let format = value.get("header").unwrap_or(&value).get("format");
        let format = format.and_then(serde_json::Value::as_u64).unwrap_or_default();
        if format == 0 || format > u64::from(FORMAT) {
            return Err(wrong(format!("has format {format}; this release reads 1 to {FORMAT}")));
        }
        let flat = value.get("header").is_none();
        if flat != (format <= u64::from(FLAT)) {
            return Err(wrong(format!("says format {format} and has the form of another")));
        }
        // Read from the text, so that a name that stands there twice is refused.
        let store: Self = if flat {
            let flat: FlatStore = serde_json::from_slice(&bytes).map_err(told)?;
            let FlatStore { format, store_id, custody, generation, recipient, .. } = flat;
            let header = Header { format, store_id, custody, generation, recipient, log: None };
            let (sealed_root, sealed_identity) = (flat.sealed_root, flat.sealed_identity);
            Self { header, sealed_root, sealed_identity }
        } else {
            serde_json::from_slice(&bytes).map_err(told)?
        };
        if !flat && store.header.log.is_none() {
            return Err(wrong("names no entry of the log".into()));
        }
        Ok(store)
    }

    /// Whether it is of an earlier release, and which.
    pub(super) fn earlier(&self) -> Option<u32> {
        Some(self.header.format).filter(|format| *format < FORMAT)
    }

    /// Writes the file, then its copy.
    pub(super) fn write(&self, folder: &Path, disk: &Disk) -> Result<(), VaultFault> {
        let [path, copy] = Self::paths(folder);
        let text = self.text(&path)?;
        disk.replace(&path, &text)?;
        disk.replace(&copy, &text)
    }

    /// Writes the copy where it is not the same; gives whether there was another.
    pub(super) fn renew_copy(&self, folder: &Path, disk: &Disk) -> Result<bool, VaultFault> {
        let [path, copy] = Self::paths(folder);
        let text = self.text(&path)?;
        let there = disk::read_regular(&copy, LONGEST);
        if there.as_ref().is_ok_and(|there| *there == text) {
            return Ok(false);
        }
        let other = !there.is_err_and(|error| error.kind() == io::ErrorKind::NotFound);
        disk.replace(&copy, &text)?;
        Ok(other)
    }

    fn text(&self, path: &Path) -> Result<Vec<u8>, VaultFault> {
        serde_json::to_vec_pretty(self)
            .map_err(|error| VaultFault::File { path: path.to_owned(), why: error.to_string() })
    }
}

fn is_damaged(path: &Path) -> bool {
    disk::read_regular(path, LONGEST)
        .is_ok_and(|bytes| serde_json::from_slice::<serde::de::IgnoredAny>(&bytes).is_err())
}

impl Header {
    /// The bytes that the sealed part `what` is bound to.
    fn bound(&self, what: &str) -> Result<Vec<u8>, VaultFault> {
        if self.format <= FLAT {
            let text = format!("minster vault {}\n{}\n{what}", self.format, self.store_id);
            return Ok(text.into_bytes());
        }
        let header = serde_json::to_string(self)
            .map_err(|_| VaultFault::Crypto("the header could not be written"))?;
        Ok(format!("minster vault store.json\n{what}\n{header}").into_bytes())
    }
}

impl Secrets {
    /// New ones.
    pub(super) fn make() -> Result<Self, VaultFault> {
        let identity = age::x25519::Identity::generate();
        let identity = identity.to_string().expose_secret().as_bytes().to_vec();
        Ok(Self { root: Zeroizing::new(random()?), identity: Zeroizing::new(identity) })
    }

    /// Opens them; the header is what was sealed, or nothing opens.
    pub(super) fn open(
        store: &StoreFile,
        sealing: &SealingKey,
        path: &Path,
    ) -> Result<Self, VaultFault> {
        let cipher = aead(sealing)?;
        let wrong = || VaultFault::WrongSecret { path: path.to_owned() };
        let part = |sealed: &str, what| {
            let bound = store.header.bound(what)?;
            unhex(sealed).and_then(|sealed| open(&cipher, &bound, &sealed)).ok_or_else(wrong)
        };
        let root = part(&store.sealed_root, "root")?;
        let root = <[u8; 32]>::try_from(root.as_slice()).map_err(|_| wrong())?;
        let identity = part(&store.sealed_identity, "identity")?;
        let secrets = Self { root: Zeroizing::new(root), identity };
        if secrets.recipient(path)? != store.header.recipient {
            let why = "names another recipient for quarantined rows than the sealed identity: it was \
                       changed, and rows would be sealed to a stranger; put the right file back, and call \
                       the auditor";
            return Err(VaultFault::File { path: path.to_owned(), why: why.into() });
        }
        Ok(secrets)
    }

    /// The identity that opens quarantined rows.
    pub(super) fn identity(&self, path: &Path) -> Result<age::x25519::Identity, VaultFault> {
        let text = std::str::from_utf8(&self.identity).unwrap_or_default();
        let why = || "seals what is no age identity".into();
        text.parse().map_err(|_| VaultFault::File { path: path.to_owned(), why: why() })
    }

    /// Its public part.
    pub(super) fn recipient(&self, path: &Path) -> Result<String, VaultFault> {
        Ok(self.identity(path)?.to_public().to_string())
    }

    /// Seals them, and the header with them.
    pub(super) fn seal(
        &self,
        store_id: &str,
        custody: Custody,
        generation: u32,
        log: Position,
        sealing: &SealingKey,
    ) -> Result<StoreFile, VaultFault> {
        let cipher = aead(sealing)?;
        let header = Header {
            format: FORMAT,
            store_id: store_id.to_owned(),
            custody,
            generation,
            recipient: self.recipient(Path::new(FILE))?,
            log: Some(log),
        };
        let part = |what, plain: &[u8]| {
            let bound = header.bound(what)?;
            seal(&cipher, &bound, plain).map(|sealed| hex(&sealed))
        };
        let sealed_root = part("root", &*self.root)?;
        let sealed_identity = part("identity", &self.identity)?;
        Ok(StoreFile { header, sealed_root, sealed_identity })
    }
}
