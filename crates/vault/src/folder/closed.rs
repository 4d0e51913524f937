//! A vault's folder before it is opened: held by this process, with its settings and its custody in clear.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    time::Duration,
};

use super::{
    LONGEST, Opened, SETTINGS, Settings, open_closed,
    store_file::{Found, Secrets, StoreFile},
};
use crate::{
    VaultFault,
    custody::{Custody, SealingKey, Secret, refuse_exposed},
    disk::{self, Disk},
    log::{self, Clock},
    roles::{Accounts, RoleTable},
    state::State,
};

/// A vault's folder that this process holds and has not opened yet.
pub struct Closed {
    pub(super) folder: PathBuf,
    pub(super) lock: File,
    pub(super) settings: Settings,
    pub(super) found: Found,
}

/// The secrets of a folder. They opened: `store.json` is the one that was sealed with them.
pub struct Unsealed {
    pub(super) sealing: SealingKey,
    pub(super) secrets: Secrets,
}

impl Closed {
    /// Takes a vault's folder: one process at a time.
    ///
    /// # Errors
    /// Where the folder or a file in it is another's or open to others, or another process has it.
    pub fn at(folder: &Path) -> Result<Self, VaultFault> {
        let [store_path, copy_path] = StoreFile::paths(folder);
        let (settings_path, log_path) = (folder.join(SETTINGS), folder.join(log::FILE));
        for path in [folder, &store_path, &copy_path, &settings_path, &log_path] {
            if path.exists() || path == folder {
                refuse_exposed(path)?;
            }
        }
        let lock = lock(folder)?;
        let found = StoreFile::find(folder)?;
        let settings = disk::read_regular(&settings_path, LONGEST)
            .map_err(VaultFault::io("read", &settings_path))?;
        let settings: Settings = toml::from_slice(&settings)
            .map_err(|error| VaultFault::File { path: settings_path, why: error.to_string() })?;
        Ok(Self { folder: folder.to_owned(), lock, settings, found })
    }

    /// `vault.toml`.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The holders of each role, as the log says that nobody has verified yet, or `vault.toml` where that counts. A user who can change the one can change the other: [`Vault::new`](crate::vault::Vault::new) refuses again what this does.
    ///
    /// # Errors
    /// A log that is none; a table that nobody could change any more; a uid with roles that undo a protection together, unless one
    /// user runs everything.
    pub fn roles(&self, single_user: bool) -> Result<RoleTable, VaultFault> {
        let (file, mut state) = (RoleTable::of_file(&self.settings.roles), State::default());
        log::follow(&self.folder.join(log::FILE), |entry| state.apply(entry))?;
        let roles = if state.takes_over(&file) {
            let accounts = Accounts { shares: self.custody().shares_needed(), single_user };
            let refused = |why| VaultFault::File { path: self.folder.join(SETTINGS), why };
            state.may_take_over(&file, accounts).map_err(refused)?;
            file
        } else {
            state.roles.clone()
        };
        roles.refuse_shared_roles(single_user, state.day())?;
        Ok(roles)
    }

    /// How the root is sealed.
    pub fn custody(&self) -> &Custody {
        &self.found.store.header.custody
    }

    /// The file that says how the root is sealed.
    pub(crate) fn store_path(&self) -> &Path {
        &self.found.path
    }

    /// Opens the root with a secret. The folder stays as it is.
    pub fn unseal(&self, secret: &Secret) -> Result<Unsealed, VaultFault> {
        let Found { store, path, .. } = &self.found;
        let sealing = store.header.custody.sealing_key(secret, path)?;
        let secrets = Secrets::open(store, &sealing, path)?;
        Ok(Unsealed { sealing, secrets })
    }

    /// Opens the folder.
    ///
    /// # Errors
    /// As [`super::open_folder`], but for the secret.
    pub fn open(self, unsealed: Unsealed, disk: Disk) -> Result<Opened, VaultFault> {
        open_closed(self, unsealed, disk, Clock::Follow).map(|(opened, _, _)| opened)
    }
}

fn lock(folder: &Path) -> Result<File, VaultFault> {
    // The folder is locked, not `store.json`: that is replaced while it is held.
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
