//! The vault's folder.
//!
//! | file | what | who changes it |
//! |---|---|---|
//! | `store.json` | the sealed root, custody | `init`, `rekey` |
//! | `store.copy` | the same, for when `store.json` is lost | the vault |
//! | `vault.toml` | which uids hold which role at first; the log takes them over | the machine's administrator |
//! | `log.jsonl` | what happened; the state is its sum | the vault |
//! | `registry/<purpose>` | what was answered, sealed | the vault |
//! | `births/<purpose>` | which birth dates stood beside it, as keyed hashes, sealed | the vault |
//! | `proposals/<id>`, `crosswalks/…` | sealed texts and pairs | the vault |

mod closed;
mod store_file;

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

pub use closed::{Closed, Unsealed};
use minster_model::{Purpose, Role};
use serde::Deserialize;
use store_file::{FORMAT, Found, Secrets, StoreFile};
use zeroize::Zeroizing;

use crate::{
    VaultFault,
    approvals::{CustodianKey, NEEDED},
    custody::{Custody, SealingKey, Secret, Wanted, refuse_exposed},
    disk::{self, Disk},
    keys::{self, Keys, RootKey, Signer, hex, random},
    log::{self, Clock, Event, Log},
    purposes::{self, PurposeDefinition},
    state::State,
};

/// The files that an `init` may have left when it was cut short, besides those written aside.
const UNFINISHED: &[&str] = &[SETTINGS, "log.jsonl"];
const SETTINGS: &str = "vault.toml";
/// A longer sealed file was not written by this program.
const LONGEST_SEALED: u64 = 1 << 30;
/// A longer `vault.toml` is none.
const LONGEST: u64 = 1 << 20;

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

/// Which uids hold which role. The log takes them over as the vault first serves: see [`crate::roles`].
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
    /// Shares that open the vault; 1 where it is opened without.
    pub(crate) shares: usize,
    _lock: File,
}

impl OpenFolder {
    /// The files of one of its folders, by name; none where it is not there.
    pub(crate) fn files_in(&self, of: &str) -> Result<Vec<(String, PathBuf)>, VaultFault> {
        let within = self.path.join(of);
        if !within.exists() {
            return Ok(Vec::new());
        }
        let entries = fs::read_dir(&within).map_err(VaultFault::io("read", &within))?;
        let named = |entry: io::Result<fs::DirEntry>| {
            let path = entry.map_err(VaultFault::io("read", &within))?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            Ok((name, path))
        };
        entries.map(named).collect()
    }

    /// Removes files of one of its folders that nobody wants any more: a process was stopped before it did.
    pub(crate) fn sweep(
        &self,
        of: &str,
        is_wanted: impl Fn(&str) -> bool,
    ) -> Result<(), VaultFault> {
        let files = self.files_in(of)?.into_iter();
        let mut left = files.filter(|(name, _)| !is_wanted(name));
        left.try_for_each(|(_, path)| self.disk.remove(&path))
    }

    /// The text that the vault sealed in a file, bound to its name; nothing where it is not there or was changed.
    pub(crate) fn read_sealed(
        &self,
        folder: &str,
        name: &str,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, VaultFault> {
        let key = self.keys.cipher(&["sealed file", folder])?;
        let path = self.path.join(folder).join(name);
        let Ok(sealed) = disk::read_regular(&path, LONGEST_SEALED) else {
            return Ok(None);
        };
        Ok(keys::open(&key, name.as_bytes(), &sealed))
    }

    /// A fault of the roles in `vault.toml`.
    pub(crate) fn refused_roles(&self, why: String) -> VaultFault {
        VaultFault::File { path: self.path.join(SETTINGS), why }
    }
}

/// The choices for a new vault.
pub struct Plan<'a> {
    /// How the root is sealed.
    pub custody: &'a Wanted,
    /// The purposes that have a key from the start.
    pub purposes: Vec<PurposeDefinition>,
    /// The custodians whose approvals count.
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
    let secrets = Secrets::make()?;
    let keys = Keys::new(RootKey::from_bytes(*secrets.root), &store_id);
    disk.replace(&folder.join(SETTINGS), settings_text().as_bytes())?;
    let mut log = Log::open(
        &folder.join(log::FILE),
        keys.log_key(),
        disk.clone(),
        None,
        Clock::Follow,
        |_| {},
    )?;
    let event = Event::Made {
        store_id: store_id.clone(),
        verifier: keys.signer()?.verifier().to_string(),
        custodians: plan.custodians.clone(),
        purposes: plan.purposes.clone(),
    };
    log.append(None, event)?;
    secrets.seal(&store_id, custody, 0, log.position(), &sealing)?.write(folder, disk)?;
    Ok(store_id)
}

/// Opens a vault's folder: one process at a time.
///
/// # Errors
/// Where the folder or a file in it is another's or open to others; where the secret is wrong; where
/// `store.json`, the log or a registry were changed, cut or put back from an older copy, as far as the
/// folder itself can show it.
pub fn open_folder(folder: &Path, secret: &Secret, disk: Disk) -> Result<Opened, VaultFault> {
    open_whole(folder, secret, disk, Clock::Follow).map(|(opened, _, _)| opened)
}

/// Opens it for the ceremony that accepts a loss: the clock may be behind the log.
pub(crate) fn open_to_restore(
    folder: &Path,
    secret: &Secret,
    disk: Disk,
) -> Result<Opened, VaultFault> {
    open_whole(folder, secret, disk, Clock::Accept).map(|(opened, _, _)| opened)
}

fn open_whole(
    folder: &Path,
    secret: &Secret,
    disk: Disk,
    clock: Clock,
) -> Result<(Opened, StoreFile, Secrets), VaultFault> {
    let closed = Closed::at(folder)?;
    let unsealed = closed.unseal(secret)?;
    open_closed(closed, unsealed, disk, clock)
}

fn open_closed(
    closed: Closed,
    unsealed: Unsealed,
    disk: Disk,
    clock: Clock,
) -> Result<(Opened, StoreFile, Secrets), VaultFault> {
    let Closed { folder, lock, settings, found: Found { mut store, path, lost } } = closed;
    let Unsealed { sealing, secrets } = unsealed;
    let folder = folder.as_path();
    let [store_path, _] = StoreFile::paths(folder);
    let log_path = folder.join(log::FILE);
    let keys = Keys::new(RootKey::from_bytes(*secrets.root), &store.header.store_id);
    let signer = keys.signer()?;
    if store.header.log.is_some() && fs::symlink_metadata(&log_path).is_err() {
        let why = "it is missing, and the vault was made with it";
        return Err(VaultFault::LogBroken { path: log_path, entry: 1, why });
    }
    disk.sweep(folder)?;
    let mut state = State::default();
    let bound = store.header.log.as_ref();
    let each = |entry: &log::Entry| state.apply(entry);
    let mut log = Log::open(&log_path, keys.log_key(), disk.clone(), bound, clock, each)?;
    refuse_older(&store, &state, &path)?;
    if store.earlier() == Some(1) && !state.made {
        let verifier = signer.verifier().to_string();
        let made = taken_over(&store.header.store_id, verifier, &settings);
        state.apply(&log.append(None, made)?);
    }
    if !state.made {
        let why = "it does not begin with the vault's making: it was cut or exchanged";
        return Err(VaultFault::LogBroken { path: log_path, entry: 1, why });
    }
    if store.earlier().is_some() {
        store = resealed(&store, store.header.custody.clone(), &secrets, &sealing, &log)?;
        store.write(folder, &disk)?;
    }
    if store.header.generation > state.generation {
        // A seal anew, by now or by a `rekey` that was cut short after its last write but one.
        state.apply(&log.append(None, rekeyed(&store))?);
    }
    let mut repaired = |what: &str| {
        let event = Event::Repaired { what: Some(what.into()), bytes: 0 };
        log.append(None, event).map(|entry| state.apply(&entry))
    };
    if let Some(why) = lost {
        let _ = writeln!(
            io::stderr(),
            "{}: {why}; its copy {} was taken, and put in its place. Find out what happened to it",
            store_path.display(),
            path.display()
        );
        repaired("store.json, from store.copy")?;
        store.write(folder, &disk)?;
    } else if store.renew_copy(folder, &disk)? {
        repaired("store.copy, from store.json")?;
    }
    let folder = OpenFolder {
        path: folder.to_owned(),
        disk,
        custody: store.header.custody.name(),
        recipient: secrets.recipient(&path)?,
        identity: secrets.identity(&path)?,
        keys,
        signer,
        settings,
        shares: store.header.custody.shares_needed(),
        _lock: lock,
    };
    Ok((Opened { folder, log, state }, store, secrets))
}

/// Refuses a `store.json` that is not the last one that the log knows of.
fn refuse_older(store: &StoreFile, state: &State, path: &Path) -> Result<(), VaultFault> {
    let refused = |why: &str| VaultFault::File { path: path.to_owned(), why: why.into() };
    if store.header.generation < state.generation
        || store.earlier().is_some() && state.store_format >= FORMAT
    {
        return Err(refused("has an older custody than the log says: an older copy was put back"));
    }
    if store.header.generation > state.generation + 1 {
        return Err(refused(
            "has a later custody than the log says: it was changed, or the log was cut or put back from an \
             older copy; keep both as they are and call the auditor",
        ));
    }
    Ok(())
}

/// The same secrets, sealed again under the next generation.
fn resealed(
    store: &StoreFile,
    custody: Custody,
    secrets: &Secrets,
    sealing: &SealingKey,
    log: &Log,
) -> Result<StoreFile, VaultFault> {
    let generation = store.header.generation + 1;
    secrets.seal(&store.header.store_id, custody, generation, log.position(), sealing)
}

fn rekeyed(store: &StoreFile) -> Event {
    Event::Rekeyed {
        custody: store.header.custody.name(),
        generation: store.header.generation,
        format: Some(FORMAT),
    }
}

/// Seals the root under another custody. Every pseudonym stays what it is.
pub fn rekey(
    folder: &Path,
    secret: &Secret,
    wanted: &Wanted,
    disk: Disk,
) -> Result<String, VaultFault> {
    let (mut opened, store, secrets) = open_whole(folder, secret, disk.clone(), Clock::Follow)?;
    let (custody, sealing) = Custody::establish(wanted, folder)?;
    let store = resealed(&store, custody, &secrets, &sealing, &opened.log)?;
    store.write(folder, &disk)?;
    opened.log.append(None, rekeyed(&store))?;
    Ok(store.header.custody.name())
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

fn clear_unfinished(folder: &Path) -> Result<(), VaultFault> {
    let Ok(entries) = fs::read_dir(folder) else { return Ok(()) };
    let names: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    let known = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        UNFINISHED.contains(&name) || disk::is_aside(path)
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

/// The first entry of this release in a vault that the first release made.
fn taken_over(store_id: &str, verifier: String, settings: &Settings) -> Event {
    let run = settings.budget.unwrap_or(u64::MAX);
    let old = settings.purposes.iter().cloned();
    Event::Made {
        store_id: store_id.to_owned(),
        verifier,
        custodians: Vec::new(),
        purposes: old
            .map(|old| purposes::of_format_1(old.name, old.text, old.expires, run))
            .collect(),
    }
}

fn settings_text() -> String {
    let uid = rustix::process::getuid().as_raw();
    let mut text = String::from(
        "# Which uids may ask in which role. In service each program has a uid of its own; `init` gave\n\
         # every role to the uid that ran it, which keeps nobody apart. Change it before the vault first\n\
         # serves: its log takes the table over then. With two custodians, what is changed here later counts\n\
         # for nothing, and they approve `minster-vault request … grant` and `revoke`.\n[roles]\n",
    );
    for role in Role::ALL {
        text += &format!("{role} = [{uid}]\n");
    }
    text
}
