//! A vault that serves: its keys, its log and what the log adds up to, its registries.

mod status;

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use minster_model::{Purpose, Role};
use minster_vault_api::{Denial, LogPage, Proof, Statement};

use crate::{
    VaultFault, archive, cases,
    disk::Disk,
    ending,
    folder::{OpenFolder, Opened},
    keys::{Keys, seal},
    locked::Opening,
    log::{
        self, Asker, Entry, Event, Log,
        checkpoint::{Checkpoint, Exporter},
    },
    open_purpose::{Books, OpenPurpose},
    rectification,
    refusals::{Pace, Refusals},
    registry::{Births, FactsBook, Registry, Tombstones},
    retention,
    roles::{Accounts, RoleTable},
    state::{PurposeState, State},
};

/// A vault that serves.
pub struct Vault {
    folder: OpenFolder,
    core: Mutex<Core>,
    books: Mutex<BTreeMap<Purpose, Arc<Mutex<OpenPurpose>>>>,
    /// Held while the list of exact-only identities, which is a file, is read or changed together with the log.
    list: Mutex<()>,
    refusals: Mutex<Refusals>,
    pace: Arc<Mutex<Pace>>,
    roles: Arc<Mutex<Arc<RoleTable>>>,
}

struct Core {
    log: Log,
    state: State,
    exporter: Option<Exporter>,
    pace: Arc<Mutex<Pace>>,
    /// The state's, for whoever must not wait for an entry to be written: strangers are refused by it.
    roles: Arc<Mutex<Arc<RoleTable>>>,
}

impl Vault {
    /// Takes an opened folder, and opens the registries of its purposes. With `checkpoints`, the folder
    /// in which the auditor finds them, it first makes sure that the log agrees with all that are
    /// there.
    ///
    /// With `single_user`, one uid may hold roles that undo a protection together.
    ///
    /// # Errors
    /// A registry that was changed, cut or put back; a log that ends before a checkpoint or has another
    /// entry there; a folder of checkpoints that is not the one that was used before; roles of `vault.toml` that nobody could
    /// change any more; a uid with roles that undo a protection together.
    pub fn new(
        opened: Opened,
        checkpoints: Option<&Path>,
        single_user: bool,
    ) -> Result<Self, VaultFault> {
        let Opened { folder, log, state } = opened;
        let (verifier, disk) = (folder.signer.verifier(), folder.disk.clone());
        let exporter = Exporter::of_vault(checkpoints, verifier, &state, disk)?;
        if checkpoints.is_some() {
            log::verify(&folder.path.join(log::FILE), checkpoints)?;
        }
        let pace = Arc::<Mutex<Pace>>::default();
        let roles = Arc::<Mutex<Arc<RoleTable>>>::default();
        let (pace_of, roles_of) = (Arc::clone(&pace), Arc::clone(&roles));
        let mut core = Core { log, state, exporter, pace: pace_of, roles: roles_of };
        let file = RoleTable::of_file(&folder.settings.roles);
        if core.state.takes_over(&file) {
            let accounts = Accounts { shares: folder.shares, single_user };
            core.state.may_take_over(&file, accounts).map_err(|why| folder.refused_roles(why))?;
            file.refuse_shared_roles(single_user, core.state.day())?;
            core.append(None, Event::TookOverRoles { roles: file })?;
        }
        // The roles of the log that is verified by now: what was looked at before may have been another.
        core.state.roles.refuse_shared_roles(single_user, core.state.day())?;
        core.tell_roles();
        let mut books = BTreeMap::new();
        ending::sweep(&folder, &core.state)?;
        let mut purposes = core.state.purposes.clone();
        purposes.retain(|_, state| !state.is_destroyed());
        for (name, state) in purposes {
            let opened = OpenPurpose::new(core.open_books(&folder, &name, &state)?, &state);
            books.insert(name, Arc::new(Mutex::new(opened)));
        }
        retention::sweep(&folder, &core.state)?;
        archive::sweep(&folder, &core.state)?;
        cases::sweep(&folder, &core.state)?;
        rectification::sweep(&folder, &core.state)?;
        Ok(Self {
            folder,
            core: Mutex::new(core),
            books: Mutex::new(books),
            list: Mutex::new(()),
            refusals: Mutex::default(),
            pace,
            roles,
        })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.folder.path
    }

    pub(crate) fn folder(&self) -> &OpenFolder {
        &self.folder
    }

    /// Removes what is left of purposes that were destroyed.
    pub(crate) fn sweep_ended(&self) -> Result<(), VaultFault> {
        let state = self.look(State::clone).map_err(|_| VaultFault::Usage("no log".into()))?;
        ending::sweep(&self.folder, &state)
    }

    /// Keeps the files of a purpose open no longer: they are destroyed.
    pub(crate) fn forget_books(&self, purpose: &Purpose) -> Result<(), Denial> {
        locked(&self.books)?.remove(purpose);
        Ok(())
    }

    pub(crate) fn disk(&self) -> &Disk {
        &self.folder.disk
    }

    pub(crate) fn keys(&self) -> &Keys {
        &self.folder.keys
    }

    pub(crate) fn identity(&self) -> &age::x25519::Identity {
        &self.folder.identity
    }

    pub(crate) fn recipient(&self) -> &str {
        &self.folder.recipient
    }

    /// Shares that open the vault; 1 where it is opened without.
    pub(crate) fn shares(&self) -> usize {
        self.folder.shares
    }

    /// Refuses a uid that does not hold a role, and everybody while the clock is behind the log: what is not logged is not asked
    /// either.
    ///
    /// # Errors
    /// [`Denial::NotInRole`], [`Denial::LogUnwritable`].
    pub(crate) fn holds(&self, uid: u32, role: Role) -> Result<(), Denial> {
        let core = self.core()?;
        match core.log.ahead() {
            Some(_) => Err(Denial::LogUnwritable),
            None => core.state.holds(uid, role),
        }
    }

    /// The holders of each role, as it is now.
    pub fn roles(&self) -> Result<Arc<RoleTable>, Denial> {
        Ok(Arc::clone(&*locked(&self.roles)?))
    }

    /// Whether `vault.toml` says otherwise than when its roles were taken over.
    pub fn ignores_roles_file(&self) -> Result<bool, Denial> {
        Ok(self.core()?.ignores(&self.folder))
    }

    /// Decides on an entry in the light of the state, and adds it: one lock is held from the first look to the entry, so that
    /// nothing that was looked at has changed when the entry stands. It is the only way to an entry that grants something. If it
    /// cannot be written, the answer must not leave. Gives what was decided besides.
    pub(crate) fn decide<T>(
        &self,
        asker: Option<&Asker>,
        decide: impl FnOnce(&State) -> Result<(Event, T), Denial>,
    ) -> Result<T, Denial> {
        let mut core = self.core()?;
        let (event, decided) = decide(&core.state)?;
        core.record(asker, event)?;
        Ok(decided)
    }

    /// Adds the entry that the vault began to serve, for a single user or not.
    pub fn started(&self, hardening: String, single_user: bool) -> Result<(), Denial> {
        self.core()?.record(None, Event::Started { hardening, single_user }).map(drop)
    }

    /// Adds the entry of how custodians opened the vault, which had started locked; the refusals since then are summed with its
    /// own.
    pub(crate) fn unlocked(&self, opening: Opening, refusals: Refusals) -> Result<(), Denial> {
        *locked(&self.refusals)? = refusals;
        let Opening { by, wrong, refused } = opening;
        self.core()?.record(None, Event::Unlocked { by, wrong, refused }).map(drop)
    }

    /// Adds the entry that the vault stopped serving.
    pub(crate) fn stopped(&self) -> Result<(), Denial> {
        self.core()?.record(None, Event::Stopped).map(drop)
    }

    /// Counts that something was refused to a uid. The first ones have entries of their own; the others are summed.
    pub(crate) fn denied(
        &self,
        uid: u32,
        asker: Option<&Asker>,
        denial: &Denial,
    ) -> Result<(), Denial> {
        if !locked(&self.refusals)?.denied(uid) {
            return Ok(());
        }
        let event = Event::Denied { what: denial.to_string() };
        self.core()?.record(asker, event).map(drop)
    }

    /// The refusals since the last sum.
    pub(crate) fn refusals(&self) -> Result<MutexGuard<'_, Refusals>, Denial> {
        locked(&self.refusals)
    }

    /// Adds the sum of refusals that have no entries, where some were counted that long ago.
    pub(crate) fn sum_refusals(&self, after: Duration) -> Result<(), Denial> {
        // Let go of before the log is taken: a sum waits for nobody.
        let sum = locked(&self.refusals)?.sum(after);
        match sum {
            Some(sum) => self.core()?.record(None, sum).map(drop),
            None => Ok(()),
        }
    }

    /// How long an answer to a uid waits, because it has added much to the log.
    pub(crate) fn wait(&self, uid: u32) -> Duration {
        locked(&self.pace).map_or(Duration::ZERO, |pace| pace.wait(uid, Instant::now()))
    }

    /// Looks at what the log adds up to now.
    pub(crate) fn look<T>(&self, at: impl FnOnce(&State) -> T) -> Result<T, Denial> {
        Ok(at(&self.core()?.state))
    }

    /// A purpose that is named and not over, as it is now. [`Vault::decide`] decides on what is granted.
    pub(crate) fn live_purpose(&self, purpose: &Purpose) -> Result<PurposeState, Denial> {
        self.look(|state| state.live(purpose).cloned())?
    }

    /// A purpose's registry and day; opened when it is first needed.
    pub(crate) fn books(&self, purpose: &Purpose) -> Result<Arc<Mutex<OpenPurpose>>, Denial> {
        let mut all = locked(&self.books)?;
        if let Some(books) = all.get(purpose) {
            return Ok(Arc::clone(books));
        }
        let state = self.look(|state| state.named(purpose).cloned())??;
        if state.is_destroyed() {
            state.stands()?;
        }
        let opened = self
            .core()?
            .open_books(&self.folder, purpose, &state)
            .map_err(|fault| Denial::Fault { what: fault.to_string() })?;
        let books = Arc::new(Mutex::new(OpenPurpose::new(opened, &state)));
        all.insert(purpose.clone(), Arc::clone(&books));
        Ok(books)
    }

    /// Opens the files of a purpose anew, which were written anew beside those that stand, and which the log names now. Where that
    /// fails, nothing is asked of them any more until the vault starts again.
    pub(crate) fn reopen(&self, purpose: &Purpose, books: &mut OpenPurpose) -> Result<(), Denial> {
        books.stale = true;
        let state = self.look(|state| state.named(purpose).cloned())??;
        let opened = self.core()?.open_books(&self.folder, purpose, &state);
        books.turn_to(opened.map_err(|fault| Denial::Fault { what: fault.to_string() })?);
        books.stale = false;
        Ok(())
    }

    /// A text as a note that the vault signs.
    pub(crate) fn sign(&self, text: &str) -> Result<String, Denial> {
        let note = self.folder.signer.sign(text);
        note.map_err(|_| Denial::Fault { what: "signing failed".into() })
    }

    /// The turn to read or change the list of exact-only identities.
    pub(crate) fn list(&self) -> Result<MutexGuard<'_, ()>, Denial> {
        locked(&self.list)
    }

    /// A sealed file of the vault, bound to its name.
    pub(crate) fn write_sealed(
        &self,
        folder: &str,
        name: &str,
        plain: &[u8],
    ) -> Result<(), VaultFault> {
        let to = self.folder.path.join(folder);
        if !to.exists() {
            self.folder.disk.make_folder(&to)?;
        }
        let key = self.folder.keys.cipher(&["sealed file", folder])?;
        self.folder.disk.replace(&to.join(name), &seal(&key, name.as_bytes(), plain)?)
    }

    /// The text that [`Vault::write_sealed`] wrote; nothing where it is not there or was changed.
    pub(crate) fn read_sealed(
        &self,
        folder: &str,
        name: &str,
    ) -> Result<Option<zeroize::Zeroizing<Vec<u8>>>, VaultFault> {
        self.folder.read_sealed(folder, name)
    }

    /// Purposes, key versions and check values as a signed note.
    pub(crate) fn statement(&self, asker: &Asker) -> Result<String, Denial> {
        let mut core = self.core()?;
        let statement = Statement {
            store_id: self.folder.keys.store_id().to_owned(),
            time: jiff::Timestamp::now().to_string(),
            purposes: self.purposes(&core.state),
        };
        let note = statement.text().ok().and_then(|text| self.folder.signer.sign(&text).ok());
        let note = note.ok_or_else(|| Denial::Fault { what: "signing failed".into() })?;
        core.record(Some(asker), Event::Stated)?;
        Ok(note)
    }

    /// The proof for a caller that this vault holds its key. It says nothing about the vault, and is not logged.
    pub(crate) fn prove(&self, proof: &Proof) -> Result<String, Denial> {
        let signer = &self.folder.signer;
        let note = signer.sign(&proof.text(signer.verifier().name()));
        note.map_err(|_| Denial::Fault { what: "signing failed".into() })
    }

    /// A checkpoint that covers its own entry, as a signed note, and how many entries it covers.
    pub(crate) fn checkpoint(&self, asker: Option<&Asker>) -> Result<(String, u64), Denial> {
        let mut core = self.core()?;
        self.checkpoint_of(&mut core, asker, None)
    }

    fn checkpoint_of(
        &self,
        core: &mut Core,
        asker: Option<&Asker>,
        exported: Option<u64>,
    ) -> Result<(String, u64), Denial> {
        let counter = core.state.checkpoints + 1;
        let entry = core.record(asker, Event::Checkpointed { counter, exported })?;
        let (entries, head) = core.log.head();
        let checkpoint = Checkpoint {
            store_id: self.folder.keys.store_id().to_owned(),
            entries,
            head: head.to_owned(),
            counter,
            time: entry.time,
        };
        let note = self.folder.signer.sign(&checkpoint.text());
        note.map(|note| (note, entries))
            .map_err(|_| Denial::Fault { what: "signing failed".into() })
    }

    /// Whole lines of the log from a byte on.
    pub(crate) fn read_log(&self, from: u64) -> Result<LogPage, Denial> {
        let length = self.core()?.log.length();
        // Lines up to there stand, and are never changed: the lock is not held while they are read.
        let page = log::read_lines(&self.folder.path.join(log::FILE), from, length);
        page.map_err(|why| Denial::Fault { what: format!("the log: {why}") })
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
            let exported = core.exporter.as_ref().map(Exporter::covered);
            let (note, entries) = self
                .checkpoint_of(&mut core, None, exported)
                .map_err(|denial| VaultFault::Usage(denial.to_string()))?;
            if let Some(exporter) = core.exporter.as_mut() {
                exporter.export(&note, entries)?;
            }
        }
        Ok(())
    }

    fn core(&self) -> Result<MutexGuard<'_, Core>, Denial> {
        locked(&self.core)
    }
}

impl Core {
    fn record(&mut self, asker: Option<&Asker>, event: Event) -> Result<Entry, Denial> {
        // The role may have ended since the question was taken. The denial of that is written down all the same.
        if let (Some(asker), false) = (asker, matches!(event, Event::Denied { .. })) {
            self.state.holds(asker.uid, asker.role)?;
        }
        self.state.admit(&event)?;
        let before = self.log.length();
        let entry = self.append(asker, event).map_err(|_| Denial::LogUnwritable)?;
        if let Some(asker) = asker {
            let bytes = self.log.length().saturating_sub(before);
            locked(&self.pace)?.add(asker.uid, bytes, Instant::now());
        }
        Ok(entry)
    }

    fn append(&mut self, asker: Option<&Asker>, event: Event) -> Result<Entry, VaultFault> {
        let entry = self.log.append(asker, event)?;
        self.state.apply(&entry);
        if matches!(entry.event, Event::GrantedRole { .. } | Event::RevokedRole { .. }) {
            self.tell_roles();
        }
        Ok(entry)
    }

    fn tell_roles(&self) {
        let mut told = self.roles.lock().unwrap_or_else(PoisonError::into_inner);
        *told = Arc::new(self.state.roles.clone());
    }

    fn ignores(&self, folder: &OpenFolder) -> bool {
        self.state.roles_file.as_ref() != Some(&RoleTable::of_file(&folder.settings.roles))
    }

    fn open_books(
        &mut self,
        folder: &OpenFolder,
        purpose: &Purpose,
        state: &PurposeState,
    ) -> Result<Books, VaultFault> {
        let OpenFolder { disk, keys, .. } = folder;
        let within = |name: &str| {
            let within = folder.path.join(name);
            if !within.exists() {
                disk.make_folder(&within)?;
            }
            Ok::<_, VaultFault>(within.join(purpose.as_str()))
        };
        let (path, head) = (within("registry")?, state.registry.as_ref());
        let (registry, cut) =
            Registry::open(&path, keys, purpose, state.version, head, disk.clone())?;
        self.tell_cut("registry", purpose, cut)?;
        let (path, head) = (within("births")?, state.births.as_ref());
        let (births, cut) = Births::open(&path, keys, purpose, head, disk.clone())?;
        self.tell_cut("birth dates", purpose, cut)?;
        let (path, head) = (within("facts")?, state.facts.as_ref());
        let (facts, cut) = FactsBook::open(&path, keys, purpose, head, disk.clone())?;
        self.tell_cut("facts of persons", purpose, cut)?;
        let (path, head) = (within("tombstones")?, state.tombstones.as_ref());
        let (tombstones, cut) = Tombstones::open(&path, keys, purpose, head, disk.clone())?;
        self.tell_cut("tombstones", purpose, cut)?;
        Ok(Books { registry, births, facts, tombstones })
    }

    /// Logs that the unfinished end of a purpose's file was cut after a crash.
    fn tell_cut(&mut self, what: &str, purpose: &Purpose, bytes: u64) -> Result<(), VaultFault> {
        if bytes > 0 {
            let what = Some(format!("{what} of {purpose}"));
            self.append(None, Event::Repaired { what, bytes })?;
        }
        Ok(())
    }
}

/// The books of a purpose, in use by one question at a time.
pub(crate) fn in_use(books: &Mutex<OpenPurpose>) -> Result<MutexGuard<'_, OpenPurpose>, Denial> {
    let books = locked(books)?;
    match books.stale {
        false => Ok(books),
        true => Err(Denial::Fault {
            what:
                "the purpose's registry could not be opened after a disposal, or is destroyed; start the vault again"
                    .into(),
        }),
    }
}

/// The value behind a lock. Where a thread that held it could not finish, nothing is answered any more.
pub(crate) fn locked<T>(lock: &Mutex<T>) -> Result<MutexGuard<'_, T>, Denial> {
    lock.lock().map_err(|_| Denial::LogUnwritable)
}
