use std::{
    fs::{self, File},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use minster_model::{DatasetRef, RunId, pipeline::Retention};
use minster_vault_api::{DataKey, WrappedKey};

use crate::{
    Dataset, DatasetKeys, DatasetWriter, Disk, Manifest, Release, StoreError,
    files::{self, MANIFEST},
    records::Records,
    within,
};

/// Superseded snapshots go at once.
const NONE: Retention = Retention { snapshots: 0, snapshot_days: 0, run_days: 0 };

/// A store's folder.
#[derive(Debug, Clone)]
pub struct Store {
    root: PathBuf,
    disk: Disk,
    pub(crate) retention: Retention,
    /// The vault's log of manifests, where it was asked.
    pub(crate) records: Option<Records>,
}

/// Held while a run changes the store; released when dropped, or when the program ends in any way.
#[derive(Debug)]
pub struct RunLock {
    file: File,
}

impl Drop for RunLock {
    fn drop(&mut self) {
        // To close the file is not enough: a program that is being started elsewhere holds it for a moment too.
        let _ = self.file.unlock();
    }
}

impl Store {
    /// Opens the folder, creating it (0700) where it is missing; refuses one that others may read. One that
    /// is its group's too (2770: what is made in it has the group as well) is shared by the programs of that
    /// group: what each writes, the other reads.
    pub fn open(root: &Path) -> Result<Self, StoreError> {
        Self::open_on(root, Disk::default())
    }

    /// [`Store::open`] on a disk of the caller's choosing.
    pub fn open_on(root: &Path, disk: Disk) -> Result<Self, StoreError> {
        let disk = disk.of(root);
        if !root.exists() {
            disk.create_root()?;
        }
        let mode = fs::metadata(root).map_err(StoreError::io("open", root))?.permissions().mode();
        let disk = match (mode & 0o7, mode & 0o70, mode & 0o2000) {
            (0, 0, _) => disk,
            (0, _, 0o2000) => disk.shared(),
            _ => return Err(StoreError::Exposed { path: root.to_owned() }),
        };
        Ok(Self { root: root.to_owned(), disk, retention: NONE, records: None })
    }

    /// The same store, whose superseded snapshots are kept so long; without this, none is.
    pub fn keeping(self, retention: Retention) -> Self {
        Self { retention, ..self }
    }

    pub(crate) fn on(root: &Path) -> Self {
        let disk = Disk::default().of(root);
        Self { root: root.to_owned(), disk, retention: NONE, records: None }
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Takes the run lock and sweeps away what a killed run left in staging.
    pub fn lock(&self) -> Result<RunLock, StoreError> {
        let path = self.root.join("lock");
        let file = self.disk.open_lock(&path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => return Err(StoreError::Locked { path }),
            Err(fs::TryLockError::Error(source)) => {
                return Err(StoreError::io("lock", &path)(source));
            }
        }
        let staging = self.staging();
        if staging.exists() {
            within::remove_all(&self.root, &staging)?;
        }
        Ok(RunLock { file })
    }

    /// Starts writing a dataset aside. The caller holds the run lock.
    pub fn stage(
        &self,
        dataset: &DatasetRef,
        run: &RunId,
        key: DataKey,
        wrapped: WrappedKey,
    ) -> Result<DatasetWriter, StoreError> {
        let folder = self.staging().join(format!(
            "{}.{}.{}",
            dataset.class.as_str(),
            dataset.name,
            dataset.period
        ));
        if folder.exists() {
            within::remove_all(&self.root, &folder)?;
        }
        within::check(&self.root, &folder)?;
        self.disk.create_folders(&folder)?;
        Ok(DatasetWriter::new(self.clone(), dataset.clone(), run.clone(), folder, key, wrapped))
    }

    /// The manifest of the dataset that stands, and its SHA-256; no key is needed. It is compared with the vault's log where that
    /// was asked ([`Store::settled`]).
    ///
    /// # Errors
    /// [`StoreError::NotRecorded`] where it is not the newest.
    pub fn manifest(&self, dataset: &DatasetRef) -> Result<(Manifest, String), StoreError> {
        let read = self.unverified(dataset);
        if let Some(records) = &self.records {
            match &read {
                Ok((_, sha256)) => records.check(dataset, Some(sha256))?,
                // The log has one that could be read.
                Err(StoreError::Manifest { .. }) => records.check(dataset, Some(""))?,
                Err(_) => {}
            }
        }
        read
    }

    fn unverified(&self, dataset: &DatasetRef) -> Result<(Manifest, String), StoreError> {
        let folder = self.current(dataset)?;
        let (manifest, sha256) = Manifest::read(&self.root, &folder.join(MANIFEST))?;
        if manifest.dataset.purpose != dataset.purpose {
            return Err(StoreError::OtherPurpose {
                dataset: dataset.clone(),
                found: manifest.dataset.purpose,
            });
        }
        if manifest.dataset != *dataset {
            return Err(StoreError::Manifest {
                path: folder.join(MANIFEST),
                why: "is another dataset's".into(),
            });
        }
        Ok((manifest, sha256))
    }

    /// The manifest of the dataset that stands, all its files being there in their lengths; no key is needed.
    ///
    /// # Errors
    /// [`StoreError::NoDataset`] where none stands; [`StoreError::File`] where it lacks a file.
    pub fn whole(&self, dataset: &DatasetRef) -> Result<Manifest, StoreError> {
        let folder = self.current(dataset)?;
        let (manifest, _) = self.manifest(dataset)?;
        let tables = manifest.tables.iter().map(|table| format!("{}.parquet", table.name));
        let named = manifest.files.iter().map(|file| file.name.clone());
        for name in named.chain(tables) {
            files::open((&self.root, &folder), &manifest, &name)?;
        }
        Ok(manifest)
    }

    /// A file beside the tables of the dataset that stands.
    pub fn beside(&self, dataset: &DatasetRef, name: &str) -> Result<PathBuf, StoreError> {
        let folder = self.current(dataset)?;
        within::check(&self.root, &folder)?;
        let path = folder.join(name);
        match path.is_symlink() {
            false => Ok(path),
            true => Err(StoreError::Linked { path }),
        }
    }

    /// Opens the dataset that stands, for reading.
    ///
    /// # Errors
    /// [`StoreError::NotRecorded`] where its manifest is not the newest in the vault's log, so that no key was given;
    /// [`StoreError::NotConserved`] where it does not conserve rows.
    pub fn dataset(
        &self,
        dataset: &DatasetRef,
        keys: &mut dyn DatasetKeys,
    ) -> Result<Dataset, StoreError> {
        let folder = self.current(dataset)?;
        // The vault compares the manifest itself, and knows the older ones.
        let (manifest, sha256) = self.unverified(dataset)?;
        let opened = Dataset::open_with((&self.root, folder), manifest, sha256, keys)?;
        opened.manifest().check()?;
        Ok(opened)
    }

    /// Publishes a release: `files` are `(name, bytes)`. Its folder is named after its content, so
    /// that the same release published again is the same folder.
    pub fn publish_release(
        &self,
        name: &str,
        period: &str,
        files: &[(String, Vec<u8>)],
    ) -> Result<Release, StoreError> {
        Release::publish(self, &self.releases_of(name, period), files)
    }

    /// A release by its hash, if its folder is there.
    pub fn published_release(&self, name: &str, period: &str, sha256: &str) -> Option<Release> {
        let version = format!("r-{}", sha256.get(..32)?);
        let folder = self.releases_of(name, period).join(version);
        folder.is_dir().then(|| Release { folder, sha256: sha256.to_owned() })
    }

    /// The hash, or its first half, of the release that readers see; none where none is current.
    pub fn current_release(&self, name: &str, period: &str) -> Option<String> {
        let link = self.releases_of(name, period).join("current");
        let version = within::link(&self.root, &link).ok()??;
        Some(version.to_str()?.strip_prefix("r-")?.to_owned())
    }

    /// Tells readers that what they saw is withdrawn: `notice` stands beside the releases of the period, and none
    /// is current any more. Done twice, it is the same.
    pub fn withdraw_release(
        &self,
        name: &str,
        period: &str,
        notice: &[u8],
    ) -> Result<(), StoreError> {
        let place = self.releases_of(name, period);
        self.say_withdrawn(name, period, notice)?;
        within::check(&self.root, &place)?;
        self.disk.remove(&place.join("current"))
    }

    /// Writes what `WITHDRAWN.txt` says beside the releases of a period.
    pub fn say_withdrawn(&self, name: &str, period: &str, notice: &[u8]) -> Result<(), StoreError> {
        let place = self.releases_of(name, period);
        within::check(&self.root, &place)?;
        within::check(&self.root, &self.staging())?;
        self.disk.create_folders(&place)?;
        self.disk.create_folders(&self.staging())?;
        self.disk.replace_file(&self.staging(), &place.join("WITHDRAWN.txt"), notice)
    }

    /// Removes `WITHDRAWN.txt`, where no release of the period is withdrawn any more.
    pub fn forget_withdrawn(&self, name: &str, period: &str) -> Result<(), StoreError> {
        let place = self.releases_of(name, period);
        within::check(&self.root, &place)?;
        self.disk.remove(&place.join("WITHDRAWN.txt"))
    }

    /// Removes a dataset and all that it superseded; gives whether there was one. Its key was wrapped in its manifest alone, and
    /// goes with it. Killed in between, the next run sweeps what is left. The caller holds the run lock.
    ///
    /// # Errors
    /// [`StoreError::Io`] where it cannot be removed.
    pub fn shred(&self, dataset: &DatasetRef) -> Result<bool, StoreError> {
        let place = self.place(dataset);
        if !place.exists() {
            return Ok(false);
        }
        self.remove_aside(&place, &format!("shredded.{}.{}", dataset.name, dataset.period))?;
        Ok(true)
    }

    /// Removes a folder. It is put aside under a name in one step, so that no half of it ever stands in its place.
    pub(crate) fn remove_aside(&self, place: &Path, name: &str) -> Result<(), StoreError> {
        within::check(&self.root, place)?;
        within::check(&self.root, &self.staging())?;
        self.disk.create_folders(&self.staging())?;
        let aside = self.staging().join(name);
        if aside.exists() {
            within::remove_all(&self.root, &aside)?;
        }
        self.disk.rename(place, &aside)?;
        self.sync_ancestors(place)?;
        within::remove_all(&self.root, &aside)
    }

    /// Puts a file in the place of another in one step, by way of the staging folder.
    pub(crate) fn replace(&self, path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
        within::check(&self.root, &self.staging())?;
        self.disk.create_folders(&self.staging())?;
        self.disk.replace_file(&self.staging(), path, bytes)
    }

    fn releases_of(&self, name: &str, period: &str) -> PathBuf {
        self.root.join("releases").join(name).join(period)
    }

    pub(crate) fn disk(&self) -> &Disk {
        &self.disk
    }

    pub(crate) fn staging(&self) -> PathBuf {
        self.root.join("staging")
    }

    pub(crate) fn place(&self, dataset: &DatasetRef) -> PathBuf {
        self.root
            .join("datasets")
            .join(dataset.class.as_str())
            .join(dataset.name.as_str())
            .join(dataset.period.as_str())
    }

    fn current(&self, dataset: &DatasetRef) -> Result<PathBuf, StoreError> {
        let link = self.place(dataset).join("current");
        match within::link(&self.root, &link)? {
            Some(version) => Ok(self.place(dataset).join(version)),
            None => {
                if let Some(records) = &self.records {
                    records.check(dataset, None)?;
                }
                Err(StoreError::NoDataset { dataset: dataset.clone() })
            }
        }
    }

    /// Moves a finished folder to `place/version` and lets `place/current` name it; what it
    /// supersedes is removed afterwards.
    pub(crate) fn switch(
        &self,
        staged: &Path,
        place: &Path,
        version: &str,
    ) -> Result<PathBuf, StoreError> {
        within::check(&self.root, staged)?;
        within::check(&self.root, place)?;
        self.disk.sync_folder(staged)?;
        self.disk.create_folders(place)?;
        let target = place.join(version);
        if target.exists() {
            // Not what it is named for: it was tampered with.
            let aside = self.staging().join("superseded");
            if aside.exists() {
                within::remove_all(&self.root, &aside)?;
            }
            self.disk.rename(&target, &aside)?;
        }
        self.disk.rename(staged, &target)?;
        self.disk.switch_link(&place.join("current"), version)?;
        self.sync_ancestors(place)?;
        // The folder before it under the same name is of no use any more; the next run sweeps what is left.
        let _ = within::remove_all(&self.root, &self.staging().join("superseded"));
        Ok(target)
    }

    pub(crate) fn sync_ancestors(&self, place: &Path) -> Result<(), StoreError> {
        for folder in place.ancestors().skip(1) {
            self.disk.sync_folder(folder)?;
            if folder == self.root {
                break;
            }
        }
        Ok(())
    }
}
