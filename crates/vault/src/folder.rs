//! The vault's folder: `store.json` (the sealed root), `vault.toml` (roles, purposes, budget), the log.

use std::{
    fs::{self, File},
    io::Write,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use age::secrecy::ExposeSecret;
use minster_model::{KeyVersion, Purpose, Role};
use serde::{Deserialize, Serialize};

use crate::{
    VaultFault,
    custody::{Custody, Secret, refuse_exposed},
    keys::{Keys, RootKey, aead, hex, open, random, seal, unhex},
};

const FORMAT: u32 = 1;

/// What `store.json` holds.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoreFile {
    format: u32,
    store_id: String,
    custody: Custody,
    sealed_root: String,
    recipient: String,
    sealed_identity: String,
}

/// What `vault.toml` holds.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// How many distinct identifiers a run may ask for at most.
    pub budget: u64,
    /// Which uids hold which role.
    pub roles: Roles,
    /// The purposes that have a key.
    #[serde(default, rename = "purpose")]
    pub purposes: Vec<NamedPurpose>,
}

/// Which uids hold which role.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Roles {
    ingest: Vec<u32>,
    linker: Vec<u32>,
    analyst: Vec<u32>,
    custodian: Vec<u32>,
    auditor: Vec<u32>,
}

impl Roles {
    /// The uids of a role.
    pub fn holders(&self, role: Role) -> &[u32] {
        match role {
            Role::Ingest => &self.ingest,
            Role::Linker => &self.linker,
            Role::Analyst => &self.analyst,
            Role::Custodian => &self.custodian,
            Role::Auditor => &self.auditor,
        }
    }
}

/// A purpose that has a key.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamedPurpose {
    /// Its name: an input of the key derivation.
    pub name: Purpose,
    /// What it is, for people.
    pub text: String,
    /// Its last day (ISO).
    pub expires: Option<jiff::civil::Date>,
}

impl NamedPurpose {
    /// The version of its keys.
    pub fn version(&self) -> KeyVersion {
        KeyVersion(1)
    }

    /// Whether its last day is over (UTC).
    pub fn expired(&self) -> bool {
        let today = jiff::tz::Offset::UTC.to_datetime(jiff::Timestamp::now()).date();
        self.expires.is_some_and(|last| last < today)
    }
}

/// A vault's folder, opened: the keys are in this process.
pub struct Opened {
    /// The folder.
    pub folder: PathBuf,
    /// The store's random name.
    pub store_id: String,
    /// The name of the custody.
    pub custody: &'static str,
    /// The age recipient of quarantined rows.
    pub recipient: String,
    /// The key schedule.
    pub keys: Keys,
    /// `vault.toml`.
    pub settings: Settings,
    _lock: File,
}

/// Makes a vault in an empty folder. All roles are given to the caller's own uid.
pub fn init(folder: &Path, secret: &Secret, purposes: &[Purpose]) -> Result<String, VaultFault> {
    if fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(VaultFault::NotEmpty { path: folder.to_owned() });
    }
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(VaultFault::io("create the folder", folder))?;
    refuse_exposed(folder)?;
    let (custody, sealing) = Custody::establish(secret, folder)?;
    let store_id = hex(&random::<16>()?);
    let identity = age::x25519::Identity::generate();
    let cipher = aead(&sealing)?;
    let root = RootKey::generate()?;
    let store = StoreFile {
        format: FORMAT,
        sealed_root: hex(&seal(&cipher, &bound(&store_id, "root"), root.expose())?),
        sealed_identity: hex(&seal(
            &cipher,
            &bound(&store_id, "identity"),
            identity.to_string().expose_secret().as_bytes(),
        )?),
        recipient: identity.to_public().to_string(),
        store_id: store_id.clone(),
        custody,
    };
    let store_path = folder.join("store.json");
    let text = serde_json::to_vec_pretty(&store)
        .map_err(|error| VaultFault::File { path: store_path.clone(), why: error.to_string() })?;
    write_durably(&folder.join("vault.toml"), settings_text(purposes).as_bytes())?;
    write_durably(&store_path, &text)?;
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(VaultFault::io("sync the folder", folder))?;
    Ok(store_id)
}

/// Opens a vault's folder for serving: one process at a time.
pub fn open_folder(folder: &Path, secret: &Secret) -> Result<Opened, VaultFault> {
    let (store_path, settings_path) = (folder.join("store.json"), folder.join("vault.toml"));
    for path in [folder, &store_path, &settings_path] {
        refuse_exposed(path)?;
    }
    let lock = File::open(&store_path).map_err(VaultFault::io("open", &store_path))?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(fs::TryLockError::WouldBlock) => {
            return Err(VaultFault::Served { path: folder.to_owned() });
        }
        Err(fs::TryLockError::Error(error)) => {
            return Err(VaultFault::io("lock", &store_path)(error));
        }
    }
    let store: StoreFile = serde_json::from_str(&read(&store_path)?)
        .map_err(|error| VaultFault::File { path: store_path.clone(), why: error.to_string() })?;
    if store.format != FORMAT {
        let why = format!("has format {}; this release reads {FORMAT}", store.format);
        return Err(VaultFault::File { path: store_path, why });
    }
    let settings: Settings = toml::from_str(&read(&settings_path)?)
        .map_err(|error| VaultFault::File { path: settings_path, why: error.to_string() })?;
    let sealing = store.custody.sealing_key(secret, &store_path)?;
    let root = unhex(&store.sealed_root)
        .and_then(|sealed| open(&aead(&sealing).ok()?, &bound(&store.store_id, "root"), &sealed))
        .and_then(|root| <[u8; 32]>::try_from(root.as_slice()).ok())
        .ok_or(VaultFault::WrongSecret { path: store_path })?;
    Ok(Opened {
        folder: folder.to_owned(),
        keys: Keys::new(RootKey::from_bytes(root), &store.store_id),
        custody: store.custody.name(),
        store_id: store.store_id,
        recipient: store.recipient,
        settings,
        _lock: lock,
    })
}

fn bound(store_id: &str, what: &str) -> Vec<u8> {
    format!("minster vault {FORMAT}\n{store_id}\n{what}").into_bytes()
}

fn read(path: &Path) -> Result<String, VaultFault> {
    fs::read_to_string(path).map_err(VaultFault::io("read", path))
}

fn write_durably(path: &Path, bytes: &[u8]) -> Result<(), VaultFault> {
    let aside = path.with_extension("next");
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&aside)
        .map_err(VaultFault::io("create", &aside))?;
    file.write_all(bytes)
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::rename(&aside, path))
        .map_err(VaultFault::io("write", path))
}

fn settings_text(purposes: &[Purpose]) -> String {
    let uid = rustix::process::getuid().as_raw();
    let mut text = String::from(
        "# How many distinct identifiers a run may ask for at most.\nbudget = 10_000_000\n\n\
         # Which uids may ask in which role. In service each program has a uid of its own; `init` gave\n\
         # every role to the uid that ran it, which keeps nobody apart.\n[roles]\n",
    );
    for role in Role::ALL {
        text += &format!("{role} = [{uid}]\n");
    }
    for purpose in purposes {
        text += &format!(
            "\n# The name is an input of the key derivation: another name, other pseudonyms.\n\
             [[purpose]]\nname = \"{purpose}\"\ntext = \"\"\n# expires = \"2030-12-31\"\n"
        );
    }
    text
}
