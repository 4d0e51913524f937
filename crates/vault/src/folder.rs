//! The vault's folder.
//!
//! | file | what | who changes it |
//! |---|---|---|
//! | `store.json` | the sealed root, custody | `init`, `rekey` |
//! | `vault.toml` | which uids hold which role | the machine's administrator |
//! | `log.jsonl` | what happened; the state is its sum | the vault |
//! | `registry/<purpose>` | what was answered, sealed | the vault |
//! | `births/<purpose>` | which birth dates stood beside it, as keyed hashes, sealed | the vault |
//! | `proposals/<id>`, `crosswalks/…` | sealed texts and pairs | the vault |

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    time::Duration,
};

use age::secrecy::ExposeSecret;
use minster_model::{Purpose, Role};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{
    VaultFault,
    approvals::{CustodianKey, NEEDED},
    custody::{Custody, SealingKey, Secret, Wanted, refuse_exposed},
    disk::Disk,
    keys::{Keys, RootKey, Signer, aead, hex, open, random, seal, unhex},
    log::{self, Event, Log},
    purposes::PurposeDefinition,
    state::State,
};

const FORMAT: u32 = 2;
/// The files that an `init` may have left when it was cut short.
const UNFINISHED: &[&str] = &["vault.toml", "vault.next", "log.jsonl", "store.next"];

/// The content of `store.json`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoreFile {
    format: u32,
    store_id: String,
    custody: Custody,
    #[serde(default)]
    generation: u32,
    sealed_root: String,
    recipient: String,
    sealed_identity: String,
}

/// The content of `vault.toml`. A vault of the first format also named its purposes and budget there; they
/// are taken over once, when this release first opens it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Which uids hold which role.
    pub roles: Roles,
    #[serde(default)]
    budget: Option<u64>,
    #[serde(default, rename = "purpose")]
    purposes: Vec<OldPurpose>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct OldPurpose {
    name: Purpose,
    text: String,
    expires: Option<jiff::civil::Date>,
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

/// A vault's folder, opened: the keys are in this process.
pub struct Opened {
    /// The part that stays as it is while the folder is open.
    pub folder: OpenFolder,
    /// The log.
    pub log: Log,
    /// The state that the log adds up to.
    pub state: State,
}

/// The part of an opened folder that stays as it is.
pub struct OpenFolder {
    /// Where it is.
    pub path: PathBuf,
    /// The disk under it.
    pub disk: Disk,
    /// The custody, for people.
    pub custody: String,
    /// The age recipient of quarantined rows.
    pub recipient: String,
    /// The identity that opens them.
    pub(crate) identity: age::x25519::Identity,
    /// The key schedule.
    pub keys: Keys,
    /// Signs statements and checkpoints.
    pub signer: Signer,
    /// `vault.toml`.
    pub settings: Settings,
    _lock: File,
}

/// The choices for a new vault.
pub struct Plan<'a> {
    /// How the root is sealed.
    pub custody: &'a Wanted,
    /// The purposes that have a key from the start.
    pub purposes: Vec<PurposeDefinition>,
    /// Whose approvals count.
    pub custodians: Vec<CustodianKey>,
}

/// Makes a vault in an empty folder. All roles are given to the caller's own uid. The last thing
/// written is `store.json`: without it there is no vault, and `init` may be called again.
pub fn init(folder: &Path, plan: &Plan<'_>, disk: &Disk) -> Result<String, VaultFault> {
    clear_unfinished(folder)?;
    disk.make_folder(folder)?;
    refuse_exposed(folder)?;
    if !CustodianKey::all_differ(&plan.custodians) {
        return Err(VaultFault::Usage("two custodians have one name or one key".into()));
    }
    let (custody, sealing) = Custody::establish(plan.custody, folder)?;
    let store_id = hex(&random::<16>()?);
    let identity = age::x25519::Identity::generate();
    let secrets = Secrets {
        root: Zeroizing::new(random()?),
        identity: Zeroizing::new(identity.to_string().expose_secret().as_bytes().to_vec()),
    };
    let recipient = identity.to_public().to_string();
    let store = secrets.seal(&store_id, custody, 0, recipient, &sealing)?;
    let keys = Keys::new(RootKey::from_bytes(*secrets.root), &store_id);
    disk.replace(&folder.join("vault.toml"), settings_text().as_bytes())?;
    let mut log = Log::open(&folder.join(log::FILE), keys.log_key(), disk.clone(), |_| {})?;
    let event = Event::Made {
        store_id: store_id.clone(),
        verifier: keys.signer()?.verifier().to_string(),
        custodians: plan.custodians.clone(),
        purposes: plan.purposes.clone(),
    };
    log.append(None, event)?;
    store.write(folder, disk)?;
    Ok(store_id)
}

/// Opens a vault's folder: one process at a time.
///
/// # Errors
/// Where the folder or a file in it is another's or open to others; where the secret is wrong; where
/// `store.json`, the log or a registry were changed, cut or put back from an older copy, as far as the
/// folder itself can show it.
pub fn open_folder(folder: &Path, secret: &Secret, disk: Disk) -> Result<Opened, VaultFault> {
    open_whole(folder, secret, disk).map(|(opened, _, _)| opened)
}

fn open_whole(
    folder: &Path,
    secret: &Secret,
    disk: Disk,
) -> Result<(Opened, StoreFile, Secrets), VaultFault> {
    let (store_path, settings_path) = (folder.join("store.json"), folder.join("vault.toml"));
    let log_path = folder.join(log::FILE);
    for path in [folder, &store_path, &settings_path, &log_path] {
        if path.exists() || path == folder {
            refuse_exposed(path)?;
        }
    }
    let lock = lock(&store_path, folder)?;
    let mut store = StoreFile::read(&store_path)?;
    let settings: Settings = toml::from_str(&read(&settings_path)?)
        .map_err(|error| VaultFault::File { path: settings_path, why: error.to_string() })?;
    let sealing = store.custody.sealing_key(secret, &store_path)?;
    let secrets = Secrets::open(&store, &sealing, &store_path)?;
    let keys = Keys::new(RootKey::from_bytes(*secrets.root), &store.store_id);
    let mut state = State::default();
    let mut log = Log::open(&log_path, keys.log_key(), disk.clone(), |entry| state.apply(entry))?;
    let signer = keys.signer()?;
    if store.format < FORMAT {
        if !state.made {
            let made = taken_over(&store.store_id, signer.verifier().to_string(), &settings);
            state.apply(&log.append(None, made)?);
        }
        let StoreFile { store_id, custody, generation, recipient, .. } = store;
        store = secrets.seal(&store_id, custody, generation, recipient, &sealing)?;
        store.write(folder, &disk)?;
    } else if !state.made {
        let why = "it does not begin with the vault's making: it was cut or exchanged";
        return Err(VaultFault::LogBroken { path: log_path, entry: 1, why });
    }
    if store.generation < state.generation {
        let why = "has an older custody than the log says: an older copy was put back".into();
        return Err(VaultFault::File { path: store_path, why });
    }
    if store.generation > state.generation {
        // `rekey` was cut short after its last write but one.
        let event = Event::Rekeyed { custody: store.custody.name(), generation: store.generation };
        state.apply(&log.append(None, event)?);
    }
    let folder = OpenFolder {
        path: folder.to_owned(),
        disk,
        custody: store.custody.name(),
        recipient: store.recipient.clone(),
        identity: secrets.identity(&store_path)?,
        keys,
        signer,
        settings,
        _lock: lock,
    };
    Ok((Opened { folder, log, state }, store, secrets))
}

/// Seals the root under another custody. Every pseudonym stays what it is.
pub fn rekey(
    folder: &Path,
    secret: &Secret,
    wanted: &Wanted,
    disk: Disk,
) -> Result<String, VaultFault> {
    let (mut opened, store, secrets) = open_whole(folder, secret, disk.clone())?;
    let (custody, sealing) = Custody::establish(wanted, folder)?;
    let name = custody.name();
    let generation = store.generation + 1;
    let store = secrets.seal(&store.store_id, custody, generation, store.recipient, &sealing)?;
    store.write(folder, &disk)?;
    opened.log.append(None, Event::Rekeyed { custody: name.clone(), generation })?;
    Ok(name)
}

/// Appoints the first custodians of a vault that has fewer than two, such as one of the first format. Afterwards
/// custodians are changed by two custodians' approval alone.
pub fn appoint(
    folder: &Path,
    secret: &Secret,
    custodians: Vec<CustodianKey>,
    disk: Disk,
) -> Result<(), VaultFault> {
    if custodians.len() < NEEDED || !CustodianKey::all_differ(&custodians) {
        let why = "two or more custodians are appointed, each with a key of their own";
        return Err(VaultFault::Usage(why.into()));
    }
    let mut opened = open_folder(folder, secret, disk)?;
    if opened.state.custodians.len() >= NEEDED {
        let why = "the vault has custodians: two of them approve `request … custodians`";
        return Err(VaultFault::Usage(why.into()));
    }
    opened.log.append(None, Event::Appointed { custodians })?;
    Ok(())
}

/// The secrets that `store.json` seals.
struct Secrets {
    root: Zeroizing<[u8; 32]>,
    identity: Zeroizing<Vec<u8>>,
}

impl Secrets {
    fn open(store: &StoreFile, sealing: &SealingKey, path: &Path) -> Result<Self, VaultFault> {
        let cipher = aead(sealing)?;
        let wrong = || VaultFault::WrongSecret { path: path.to_owned() };
        let part = |sealed: &str, what| {
            open(&cipher, &bound(store.format, &store.store_id, what), &unhex(sealed)?)
        };
        let root = part(&store.sealed_root, "root").ok_or_else(wrong)?;
        let root = <[u8; 32]>::try_from(root.as_slice()).map_err(|_| wrong())?;
        let identity = part(&store.sealed_identity, "identity").ok_or_else(wrong)?;
        Ok(Self { root: Zeroizing::new(root), identity })
    }

    fn identity(&self, path: &Path) -> Result<age::x25519::Identity, VaultFault> {
        let text = std::str::from_utf8(&self.identity).unwrap_or_default();
        let why = || "seals what is no age identity".into();
        text.parse().map_err(|_| VaultFault::File { path: path.to_owned(), why: why() })
    }

    fn seal(
        &self,
        store_id: &str,
        custody: Custody,
        generation: u32,
        recipient: String,
        sealing: &SealingKey,
    ) -> Result<StoreFile, VaultFault> {
        let cipher = aead(sealing)?;
        let part = |what, plain: &[u8]| {
            seal(&cipher, &bound(FORMAT, store_id, what), plain).map(|sealed| hex(&sealed))
        };
        Ok(StoreFile {
            format: FORMAT,
            store_id: store_id.to_owned(),
            sealed_root: part("root", &*self.root)?,
            sealed_identity: part("identity", &self.identity)?,
            generation,
            recipient,
            custody,
        })
    }
}

impl StoreFile {
    fn read(path: &Path) -> Result<Self, VaultFault> {
        let wrong = |why| VaultFault::File { path: path.to_owned(), why };
        let store: Self =
            serde_json::from_str(&read(path)?).map_err(|error| wrong(error.to_string()))?;
        if store.format == 0 || store.format > FORMAT {
            let why = format!("has format {}; this release reads 1 to {FORMAT}", store.format);
            return Err(wrong(why));
        }
        Ok(store)
    }

    fn write(&self, folder: &Path, disk: &Disk) -> Result<(), VaultFault> {
        let path = folder.join("store.json");
        let text = serde_json::to_vec_pretty(self)
            .map_err(|error| VaultFault::File { path: path.clone(), why: error.to_string() })?;
        disk.replace(&path, &text)
    }
}

fn clear_unfinished(folder: &Path) -> Result<(), VaultFault> {
    let Ok(entries) = fs::read_dir(folder) else { return Ok(()) };
    let names: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    let known = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        UNFINISHED.contains(&name)
    };
    // A log that tells of more than the making is a vault's that lost its `store.json`.
    let lived = fs::read(folder.join(log::FILE))
        .is_ok_and(|log| log.iter().filter(|byte| **byte == b'\n').count() > 1);
    if lived || !names.iter().all(known) {
        return Err(VaultFault::NotEmpty { path: folder.to_owned() });
    }
    for path in names {
        fs::remove_file(&path).map_err(VaultFault::io("remove the unfinished", &path))?;
    }
    Ok(())
}

fn lock(store_path: &Path, folder: &Path) -> Result<File, VaultFault> {
    // The folder is locked, not `store.json`: that is replaced while it is held.
    fs::metadata(store_path).map_err(VaultFault::io("open", store_path))?;
    let lock = File::open(folder).map_err(VaultFault::io("open", folder))?;
    // One that is being stopped may need a moment.
    for attempt in 0.. {
        match lock.try_lock() {
            Ok(()) => break,
            Err(fs::TryLockError::WouldBlock) if attempt < 100 => {
                std::thread::sleep(Duration::from_millis(10));
            }
            Err(fs::TryLockError::WouldBlock) => {
                return Err(VaultFault::Served { path: folder.to_owned() });
            }
            Err(fs::TryLockError::Error(error)) => {
                return Err(VaultFault::io("lock", folder)(error));
            }
        }
    }
    Ok(lock)
}

/// The first entry of this release in a vault that the first release made.
fn taken_over(store_id: &str, verifier: String, settings: &Settings) -> Event {
    let run = settings.budget.unwrap_or(u64::MAX);
    let old = settings.purposes.iter().cloned();
    Event::Made {
        store_id: store_id.to_owned(),
        verifier,
        custodians: Vec::new(),
        purposes: old
            .map(|old| PurposeDefinition::of_format_1(old.name, old.text, old.expires, run))
            .collect(),
    }
}

fn bound(format: u32, store_id: &str, what: &str) -> Vec<u8> {
    format!("minster vault {format}\n{store_id}\n{what}").into_bytes()
}

fn read(path: &Path) -> Result<String, VaultFault> {
    fs::read_to_string(path).map_err(VaultFault::io("read", path))
}

fn settings_text() -> String {
    let uid = rustix::process::getuid().as_raw();
    let mut text = String::from(
        "# Which uids may ask in which role. In service each program has a uid of its own; `init` gave\n\
         # every role to the uid that ran it, which keeps nobody apart.\n[roles]\n",
    );
    for role in Role::ALL {
        text += &format!("{role} = [{uid}]\n");
    }
    text
}
