//! A vault that serves: its keys, its log and what the log adds up to, its registries.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard},
};

use minster_model::Purpose;
use minster_vault_api::{Denial, PurposeStatus, Statement, StatusReport, VersionStatus};

use crate::{
    VaultFault,
    books::Books,
    disk::Disk,
    folder::{Opened, Settings},
    keys::{Keys, Signer, open, seal},
    log::{
        self, Asker, Entry, Event, Log,
        checkpoint::{Checkpoint, Exporter},
    },
    registry::Registry,
    state::{PurposeState, State},
};

/// A vault that serves.
pub struct Vault {
    folder: PathBuf,
    disk: Disk,
    custody: String,
    recipient: String,
    keys: Keys,
    signer: Signer,
    settings: Settings,
    core: Mutex<Core>,
    books: Mutex<BTreeMap<Purpose, Arc<Mutex<Books>>>>,
    _lock: fs::File,
}

struct Core {
    log: Log,
    state: State,
    exporter: Option<Exporter>,
}

impl Vault {
    /// Takes an opened folder, and opens the registries of its purposes. With `checkpoints`, the folder
    /// in which the auditor finds them, it first makes sure that the log agrees with all that are
    /// there.
    ///
    /// # Errors
    /// A registry that was changed, cut or put back; a log that ends before a checkpoint or has another
    /// entry there.
    pub fn new(opened: Opened, checkpoints: Option<&Path>) -> Result<Self, VaultFault> {
        let Opened {
            folder,
            disk,
            custody,
            recipient,
            keys,
            signer,
            settings,
            log,
            state,
            lock,
            ..
        } = opened;
        let exporter = match checkpoints {
            Some(to) => {
                let exporter = Exporter::new(to, signer.verifier(), disk.clone())?;
                log::verify(&folder.join(log::FILE), Some(to))?;
                Some(exporter)
            }
            None => None,
        };
        let names: Vec<Purpose> = state.purposes.keys().cloned().collect();
        let vault = Self {
            folder,
            disk,
            custody,
            recipient,
            keys,
            signer,
            settings,
            core: Mutex::new(Core { log, state, exporter }),
            books: Mutex::default(),
            _lock: lock,
        };
        for name in &names {
            vault.books(name).map_err(|denial| match denial {
                Refused::Fault(fault) => fault,
                Refused::Denial(denial) => VaultFault::Usage(denial.to_string()),
            })?;
        }
        Ok(vault)
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn disk(&self) -> &Disk {
        &self.disk
    }

    pub(crate) fn keys(&self) -> &Keys {
        &self.keys
    }

    pub(crate) fn recipient(&self) -> &str {
        &self.recipient
    }

    /// The settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Adds an entry to the log, and to the state. If it cannot be written, the answer must not leave.
    pub fn record(&self, asker: Option<&Asker>, event: Event) -> Result<(), Denial> {
        self.core()?.record(asker, event).map(drop)
    }

    /// What the log adds up to now.
    pub(crate) fn state(&self) -> Result<State, Denial> {
        Ok(self.core()?.state.clone())
    }

    /// Does what must see the state and change it in one step.
    pub(crate) fn transact<T>(
        &self,
        work: impl FnOnce(
            &State,
            &mut dyn FnMut(Option<&Asker>, Event) -> Result<(), Denial>,
        ) -> Result<T, Denial>,
    ) -> Result<T, Denial> {
        let mut core = self.core()?;
        let state = core.state.clone();
        work(&state, &mut |asker, event| core.record(asker, event).map(drop))
    }

    /// A purpose that is named and not over.
    pub(crate) fn live_purpose(&self, purpose: &Purpose) -> Result<PurposeState, Denial> {
        let core = self.core()?;
        let found = core.state.purposes.get(purpose);
        found
            .filter(|state| !state.definition.expired())
            .cloned()
            .ok_or_else(|| Denial::NoSuchPurpose { purpose: purpose.clone() })
    }

    /// A purpose's registry and day; opened when it is first needed.
    pub(crate) fn books(&self, purpose: &Purpose) -> Result<Arc<Mutex<Books>>, Refused> {
        let mut all = self.books.lock().map_err(|_| Denial::LogUnwritable)?;
        if let Some(books) = all.get(purpose) {
            return Ok(Arc::clone(books));
        }
        let (version, head, today) = {
            let core = self.core()?;
            let state = core.state.purposes.get(purpose);
            let state = state.ok_or_else(|| Denial::NoSuchPurpose { purpose: purpose.clone() })?;
            (state.version, state.registry.clone(), state.today())
        };
        let folder = self.folder.join("registry");
        if !folder.exists() {
            self.disk.make_folder(&folder)?;
        }
        let path = folder.join(purpose.as_str());
        let disk = self.disk.clone();
        let (registry, cut) =
            Registry::open(&path, &self.keys, purpose, version, head.as_ref(), disk)?;
        if cut > 0 {
            let what = Some(format!("registry of {purpose}"));
            self.record(None, Event::Repaired { what, bytes: cut })?;
        }
        let books = Arc::new(Mutex::new(Books::new(registry, today)));
        all.insert(purpose.clone(), Arc::clone(&books));
        Ok(books)
    }

    /// A sealed file of the vault, bound to its name.
    pub(crate) fn write_sealed(
        &self,
        folder: &str,
        name: &str,
        plain: &[u8],
    ) -> Result<(), VaultFault> {
        let to = self.folder.join(folder);
        if !to.exists() {
            self.disk.make_folder(&to)?;
        }
        let key = self.keys.cipher(&["sealed file", folder])?;
        self.disk.replace(&to.join(name), &seal(&key, name.as_bytes(), plain)?)
    }

    /// What [`Vault::write_sealed`] wrote; nothing where it is not there or was changed.
    pub(crate) fn read_sealed(
        &self,
        folder: &str,
        name: &str,
    ) -> Result<Option<zeroize::Zeroizing<Vec<u8>>>, VaultFault> {
        let key = self.keys.cipher(&["sealed file", folder])?;
        let Ok(sealed) = fs::read(self.folder.join(folder).join(name)) else { return Ok(None) };
        Ok(open(&key, name.as_bytes(), &sealed))
    }

    /// Purposes, key versions and check values as a signed note.
    pub(crate) fn statement(&self, asker: &Asker) -> Result<String, Denial> {
        let mut core = self.core()?;
        let statement = Statement {
            store_id: self.keys.store_id().to_owned(),
            time: jiff::Timestamp::now().to_string(),
            purposes: self.purposes(&core.state),
        };
        let note = statement.text().ok().and_then(|text| self.signer.sign(&text).ok());
        let note = note.ok_or_else(|| Denial::Fault { what: "signing failed".into() })?;
        core.record(Some(asker), Event::Stated)?;
        Ok(note)
    }

    /// A checkpoint that covers its own entry, as a signed note, and how many entries it covers.
    pub(crate) fn checkpoint(&self, asker: Option<&Asker>) -> Result<(String, u64), Denial> {
        let mut core = self.core()?;
        self.checkpoint_of(&mut core, asker)
    }

    fn checkpoint_of(
        &self,
        core: &mut Core,
        asker: Option<&Asker>,
    ) -> Result<(String, u64), Denial> {
        let counter = core.state.checkpoints + 1;
        let entry = core.record(asker, Event::Checkpointed { counter })?;
        let (entries, head) = core.log.head();
        let checkpoint = Checkpoint {
            store_id: self.keys.store_id().to_owned(),
            entries,
            head: head.to_owned(),
            counter,
            time: entry.time,
        };
        let note = self.signer.sign(&checkpoint.text());
        note.map(|note| (note, entries))
            .map_err(|_| Denial::Fault { what: "signing failed".into() })
    }

    /// Exports a checkpoint where one is due, or where entries wait and `now` is set.
    pub fn export_checkpoint(&self, now: bool) -> Result<(), VaultFault> {
        let unwritable = |_| VaultFault::Usage("the log is not at hand".into());
        let mut core = self.core.lock().map_err(|_| unwritable(()))?;
        let (entries, _) = core.log.head();
        let due = core
            .exporter
            .as_mut()
            .is_some_and(|exporter| exporter.due(entries) || now && entries > exporter.covered());
        if due {
            let (note, entries) = self
                .checkpoint_of(&mut core, None)
                .map_err(|denial| VaultFault::Usage(denial.to_string()))?;
            if let Some(exporter) = core.exporter.as_mut() {
                exporter.export(&note, entries)?;
            }
        }
        Ok(())
    }

    /// What may be told without a secret.
    pub fn status(&self) -> Result<StatusReport, Denial> {
        let core = self.core()?;
        let (log_entries, log_head) = core.log.head();
        let state = &core.state;
        Ok(StatusReport {
            store_id: self.keys.store_id().to_owned(),
            custody: self.custody.clone(),
            custody_generation: state.generation,
            recipient: self.recipient.clone(),
            verifier: self.signer.verifier().to_string(),
            custodians: state.custodians.iter().map(|one| one.name.clone()).collect(),
            purposes: self.purposes(state),
            log_entries,
            log_head: log_head.to_owned(),
            checkpointed: core.exporter.as_ref().map_or(0, Exporter::covered),
            open_proposals: state.proposals.len() as u32,
            hardening: state.hardening.clone(),
        })
    }

    fn purposes(&self, state: &State) -> Vec<PurposeStatus> {
        let status = |(name, purpose): (&Purpose, &PurposeState)| PurposeStatus {
            purpose: name.clone(),
            key_version: purpose.version,
            key_check: self.keys.check_value(name, purpose.version),
            versions: (1..=purpose.version.0)
                .map(minster_model::KeyVersion)
                .map(|version| VersionStatus {
                    version,
                    key_check: self.keys.check_value(name, version),
                    retired: purpose.retired.contains(&version),
                })
                .collect(),
            expires: purpose.definition.expires.map(|date| date.to_string()),
            expired: purpose.definition.expired(),
            stopped: purpose.stopped,
            identifiers: purpose.registry.as_ref().map_or(0, |head| head.records),
            today: purpose.today(),
            budget: (purpose.definition.budget.run, purpose.definition.budget.day),
        };
        state.purposes.iter().map(status).collect()
    }

    fn core(&self) -> Result<MutexGuard<'_, Core>, Denial> {
        self.core.lock().map_err(|_| Denial::LogUnwritable)
    }
}

impl Core {
    fn record(&mut self, asker: Option<&Asker>, event: Event) -> Result<Entry, Denial> {
        let entry = self.log.append(asker, event).map_err(|_| Denial::LogUnwritable)?;
        self.state.apply(&entry);
        Ok(entry)
    }
}

/// A denial to the caller, or a fault that the vault must not start with.
#[derive(Debug)]
pub(crate) enum Refused {
    Denial(Denial),
    Fault(VaultFault),
}

impl From<Denial> for Refused {
    fn from(denial: Denial) -> Self {
        Self::Denial(denial)
    }
}

impl From<VaultFault> for Refused {
    fn from(fault: VaultFault) -> Self {
        Self::Fault(fault)
    }
}

impl From<Refused> for Denial {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Denial(denial) => denial,
            Refused::Fault(fault) => Self::Fault { what: fault.to_string() },
        }
    }
}
