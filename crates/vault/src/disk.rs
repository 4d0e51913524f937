//! Every write to the vault's folder goes through here, so that a test can stop at each of them as a
//! killed process would: the write is torn, and nothing after it happens.

use std::{
    fs::{self, File},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use crate::VaultFault;

/// The disk.
#[derive(Debug, Clone, Default)]
pub struct Disk(Option<Arc<Countdown>>);

#[derive(Debug)]
struct Countdown {
    done: AtomicUsize,
    ends_at: usize,
}

impl Disk {
    /// A disk that does as it is told.
    pub fn new() -> Self {
        Self(None)
    }

    /// A disk that tears step `n` (from 0) and then does nothing any more: for crash tests.
    pub fn ending_at(n: usize) -> Self {
        Self(Some(Arc::new(Countdown { done: AtomicUsize::new(0), ends_at: n })))
    }

    /// How many steps were begun on a disk that ends.
    pub fn steps(&self) -> usize {
        self.0.as_ref().map_or(0, |countdown| countdown.done.load(Ordering::SeqCst))
    }

    /// Makes a folder for the vault's user alone, with those above it.
    pub fn make_folder(&self, path: &Path) -> Result<(), VaultFault> {
        self.step()
            .and_then(|()| fs::DirBuilder::new().recursive(true).mode(0o700).create(path))
            .map_err(VaultFault::io("create the folder", path))
    }

    /// Puts a file in place in one step: written aside, synced, renamed, its folder synced.
    pub fn replace(&self, path: &Path, bytes: &[u8]) -> Result<(), VaultFault> {
        let aside = path.with_extension("next");
        let written = (|| {
            self.step()?;
            let mut file = fs::OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(true)
                .mode(0o600)
                .open(&aside)?;
            self.write(&mut file, bytes)?;
            self.step()?;
            file.sync_all()?;
            self.step()?;
            fs::rename(&aside, path)?;
            self.sync_parent(path)
        })();
        written.map_err(VaultFault::io("write", path))
    }

    /// Opens a file for appending, made for the vault's user alone where it is missing.
    pub fn open_append(&self, path: &Path) -> Result<File, VaultFault> {
        let opened = (|| {
            let new = !path.exists();
            if new {
                self.step()?;
            }
            let mut options = fs::OpenOptions::new();
            let file = options.read(true).append(true).create(true).mode(0o600).open(path)?;
            if new {
                self.sync_parent(path)?;
            }
            Ok(file)
        })();
        opened.map_err(VaultFault::io("open", path))
    }

    /// Appends and makes it durable.
    pub(crate) fn append(&self, file: &mut File, bytes: &[u8]) -> io::Result<()> {
        self.write(file, bytes)?;
        self.step()?;
        file.sync_data()
    }

    /// Cuts a file back.
    pub(crate) fn truncate(&self, file: &File, length: u64) -> io::Result<()> {
        self.step()?;
        file.set_len(length)?;
        file.sync_data()
    }

    /// Removes a file for good.
    pub fn remove(&self, path: &Path) -> Result<(), VaultFault> {
        self.step()
            .and_then(|()| fs::remove_file(path))
            .and_then(|()| self.sync_parent(path))
            .map_err(VaultFault::io("remove", path))
    }

    fn write(&self, file: &mut File, bytes: &[u8]) -> io::Result<()> {
        if let Err(end) = self.step() {
            let torn =
                self.0.as_ref().is_some_and(|at| at.done.load(Ordering::SeqCst) == at.ends_at + 1);
            if torn {
                file.write_all(&bytes[..bytes.len() / 2])?;
            }
            return Err(end);
        }
        file.write_all(bytes)
    }

    fn sync_parent(&self, path: &Path) -> io::Result<()> {
        self.step()?;
        match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => File::open(parent)?.sync_all(),
            _ => Ok(()),
        }
    }

    fn step(&self) -> io::Result<()> {
        match &self.0 {
            Some(at) if at.done.fetch_add(1, Ordering::SeqCst) >= at.ends_at => {
                Err(io::Error::other("the process was killed here"))
            }
            _ => Ok(()),
        }
    }
}

/// Writes a new file outside of the vault's folder, such as a key; never over one that is there.
pub(crate) fn write_new(path: &Path, mode: u32, text: &str) -> Result<(), VaultFault> {
    fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()))
        .map_err(VaultFault::io("create", path))
}
