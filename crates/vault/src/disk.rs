//! Every write to the vault's folder goes through here: [`minster_disk`], whose errors are told with the path that they are about.
//!
//! The folder of checkpoints may be shared with another user, who can put links and pipes into it.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::Path,
};

pub use minster_disk::Folder;
pub(crate) use minster_disk::{is_aside, open as open_regular, read as read_regular};

use crate::VaultFault;

/// A file that its group may read.
const FOR_GROUP: u32 = 0o640;
/// A file that all may read.
const FOR_ALL: u32 = 0o644;

/// The disk.
#[derive(Debug, Clone, Default)]
pub struct Disk(minster_disk::Disk);

impl Disk {
    /// A disk that does as it is told.
    pub fn new() -> Self {
        Self::default()
    }

    /// A disk that tears step `n` (from 0) and then does nothing any more: for crash tests.
    pub fn ending_at(n: usize) -> Self {
        Self(minster_disk::Disk::ending_at(n))
    }

    /// How many steps were begun on a disk that ends.
    pub fn steps(&self) -> usize {
        self.0.steps()
    }

    /// Makes a folder for the vault's user alone, with those above it.
    pub fn make_folder(&self, path: &Path) -> Result<(), VaultFault> {
        self.0
            .step()
            .and_then(|()| fs::DirBuilder::new().recursive(true).mode(0o700).create(path))
            .map_err(VaultFault::io("create the folder", path))
    }

    /// The same for a folder that its group may read.
    pub(crate) fn make_folder_for_a_group(&self, path: &Path) -> Result<(), VaultFault> {
        self.make_folder(path)?;
        // The vault makes files for itself alone, whatever mode it asks for. A group that the folder above hands down stays.
        (|| {
            let mode = fs::metadata(path)?.permissions().mode() | 0o050;
            fs::set_permissions(path, fs::Permissions::from_mode(mode))
        })()
        .map_err(VaultFault::io("let its group read", path))
    }

    /// Puts a file in place in one step: written aside, synced, renamed, its folder synced.
    pub fn replace(&self, path: &Path, bytes: &[u8]) -> Result<(), VaultFault> {
        self.put(path, bytes, minster_disk::PRIVATE)
    }

    /// The same for a file that all may read.
    pub fn replace_for_all(&self, path: &Path, bytes: &[u8]) -> Result<(), VaultFault> {
        self.put(path, bytes, FOR_ALL)
    }

    /// The same in a folder that is held open, for its group to read.
    pub fn replace_in(&self, folder: &Folder, name: &str, bytes: &[u8]) -> Result<(), VaultFault> {
        self.0
            .put(folder, name.as_ref(), bytes, FOR_GROUP)
            .map_err(VaultFault::io("write", &folder.path().join(name)))
    }

    fn put(&self, path: &Path, bytes: &[u8], mode: u32) -> Result<(), VaultFault> {
        Folder::of(path)
            .and_then(|(folder, name)| self.0.put(&folder, name, bytes, mode))
            .map_err(VaultFault::io("write", path))
    }

    /// Removes what a killed process left of files that it wrote aside.
    pub(crate) fn sweep(&self, folder: &Path) -> Result<(), VaultFault> {
        Folder::at(folder)
            .and_then(|held| self.0.sweep(&held))
            .map_err(VaultFault::io("sweep", folder))
    }

    /// Opens a regular file for appending, made for the vault's user alone where it is missing.
    pub fn open_append(&self, path: &Path) -> Result<File, VaultFault> {
        Folder::of(path)
            .and_then(|(folder, name)| self.0.open_append(&folder, name))
            .map_err(VaultFault::io("open", path))
    }

    /// Appends and makes it durable.
    pub(crate) fn append(&self, file: &mut File, bytes: &[u8]) -> io::Result<()> {
        self.0.append(file, bytes)
    }

    /// Cuts a file back.
    pub(crate) fn truncate(&self, file: &File, length: u64) -> io::Result<()> {
        self.0.truncate(file, length)
    }

    /// Puts a file in the place of another in one step.
    pub(crate) fn rename(&self, from: &Path, to: &Path) -> Result<(), VaultFault> {
        Folder::of(from)
            .and_then(|(from, name)| {
                let (to, new) = Folder::of(to)?;
                self.0.rename((&from, name), (&to, new))
            })
            .map_err(VaultFault::io("put in its place", to))
    }

    /// Removes a file for good.
    pub fn remove(&self, path: &Path) -> Result<(), VaultFault> {
        Folder::of(path)
            .and_then(|(folder, name)| self.0.remove(&folder, name))
            .map_err(VaultFault::io("remove", path))
    }
}

/// Writes a new file outside of the vault's folder, such as a key; never over one that is there.
pub(crate) fn write_new(path: &Path, mode: u32, bytes: &[u8]) -> Result<(), VaultFault> {
    let disk = minster_disk::Disk::new();
    Folder::of(path)
        .and_then(|(folder, name)| {
            let mut file = disk.create(&folder, name, mode)?;
            io::Write::write_all(&mut file, bytes)?;
            file.sync()
        })
        .map_err(VaultFault::io("create", path))
}
