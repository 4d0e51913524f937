//! Sealed archives of records that were made inaccessible: one file a disposal list, which nobody without the vault can open.

use std::{
    io::{self, Write},
    path::PathBuf,
};

use minster_model::Purpose;

use crate::{Store, StoreError, disk::DiskFile, files::HashingReader, within};

/// The folder of archives, by purpose.
const FOLDER: &str = "archive";
/// The end of an archive's name.
const END: &str = ".age";

/// An archive while it is written. It comes to its place when it is whole; what a killed program left is swept with the next run lock.
pub struct ArchiveFile {
    store: Store,
    file: DiskFile,
    aside: PathBuf,
    place: PathBuf,
}

impl Store {
    /// The place of the archive of a disposal list.
    pub fn archive_path(&self, purpose: &Purpose, list: &str) -> PathBuf {
        self.archives_of(purpose).join(format!("{list}{END}"))
    }

    /// Begins the archive of a disposal list. The caller holds the run lock.
    ///
    /// # Errors
    /// The system's.
    pub fn new_archive(&self, purpose: &Purpose, list: &str) -> Result<ArchiveFile, StoreError> {
        let staging = self.staging();
        self.disk().create_folders(&staging)?;
        let aside = staging.join(format!("archive.{list}"));
        if aside.exists() {
            within::remove_all(self.root(), &aside)?;
        }
        let file = self.disk().create_file(&aside)?;
        Ok(ArchiveFile {
            store: self.clone(),
            file,
            aside,
            place: self.archive_path(purpose, list),
        })
    }

    /// SHA-256 of the archive of a disposal list; none where it is not there.
    ///
    /// # Errors
    /// The system's.
    pub fn archive_sha256(
        &self,
        purpose: &Purpose,
        list: &str,
    ) -> Result<Option<String>, StoreError> {
        let path = self.archive_path(purpose, list);
        if path.symlink_metadata().is_err() {
            return Ok(None);
        }
        let mut file = HashingReader::new(within::file(self.root(), &path)?);
        io::copy(&mut file, &mut io::sink()).map_err(StoreError::io("read", &path))?;
        Ok(Some(file.sha256()))
    }

    fn archives_of(&self, purpose: &Purpose) -> PathBuf {
        self.root().join(FOLDER).join(purpose.as_str())
    }

    /// The files of a purpose's archives, by their names in the store.
    pub(crate) fn archive_files(&self, purpose: &Purpose) -> Result<Vec<String>, StoreError> {
        let paths = within::entries(self.root(), &self.archives_of(purpose))?;
        let name = |path: PathBuf| {
            path.strip_prefix(self.root()).unwrap_or(&path).to_string_lossy().into_owned()
        };
        Ok(paths.into_iter().map(name).collect())
    }
}

impl ArchiveFile {
    /// Puts the whole archive in its place. It is durable when this returns.
    ///
    /// # Errors
    /// The system's.
    pub fn finish(self) -> Result<(), StoreError> {
        let Self { store, file, aside, place } = self;
        file.sync()?;
        if let Some(folder) = place.parent() {
            store.disk().create_folders(folder)?;
        }
        store.disk().rename(&aside, &place)
    }
}

impl Write for ArchiveFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
