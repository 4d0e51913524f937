//! Every write to the vault's folder goes through here, so that a test can stop at each of them as a
//! killed process would: the write is torn, and nothing after it happens.
//!
//! The folder of checkpoints may be shared with another user, who can put links and pipes into it. So a file is written
//! aside under a random name that nobody can foresee, new and never through a link, by a handle of the folder; and
//! only regular files are read.

use std::{
    ffi::OsStr,
    fs::{self, File},
    io::{self, Read, Write},
    os::{
        fd::OwnedFd,
        unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    },
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use rustix::fs::{AtFlags, Mode, OFlags};

use crate::{
    VaultFault,
    keys::{hex, random},
};

/// The end of the names of files that are being written.
const ASIDE: &str = ".next";
/// Never follow a link at the path's end, and never wait for whoever might write into a pipe.
const PLAIN: OFlags = OFlags::NOFOLLOW.union(OFlags::NONBLOCK).union(OFlags::CLOEXEC);

/// A folder that is held open: what is written goes into it, whatever its path leads to by then.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    handle: OwnedFd,
}

impl Folder {
    /// Opens a folder that must not be a symbolic link.
    pub fn open(path: &Path) -> Result<Self, VaultFault> {
        Self::with(path, OFlags::NOFOLLOW)
            .map_err(told)
            .map_err(VaultFault::io("open the folder", path))
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn with(path: &Path, more: OFlags) -> io::Result<Self> {
        let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | more;
        Ok(Self { path: path.to_owned(), handle: rustix::fs::open(path, flags, Mode::empty())? })
    }

    /// The folder of a file, and the file's name in it.
    fn of(path: &Path) -> io::Result<(Self, &OsStr)> {
        let nameless = || io::Error::other("it has no name");
        let name = path.file_name().ok_or_else(nameless)?;
        let parent = path.parent().unwrap_or(Path::new("."));
        Ok((Self::with(parent, OFlags::empty())?, name))
    }
}

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
        Folder::of(path)
            .and_then(|(folder, name)| self.put(&folder, name, bytes, Mode::empty()))
            .map_err(VaultFault::io("write", path))
    }

    /// The same for a file that all may read.
    pub fn replace_for_all(&self, path: &Path, bytes: &[u8]) -> Result<(), VaultFault> {
        Folder::of(path)
            .and_then(|(folder, name)| self.put(&folder, name, bytes, Mode::RGRP | Mode::ROTH))
            .map_err(VaultFault::io("write", path))
    }

    /// The same in a folder that is held open, for its group to read.
    pub fn replace_in(&self, folder: &Folder, name: &str, bytes: &[u8]) -> Result<(), VaultFault> {
        self.put(folder, OsStr::new(name), bytes, Mode::RGRP)
            .map_err(VaultFault::io("write", &folder.path.join(name)))
    }

    /// `others` is what more than its owner may do with it.
    fn put(&self, folder: &Folder, name: &OsStr, bytes: &[u8], others: Mode) -> io::Result<()> {
        self.step()?;
        let nonce = random::<8>().map_err(|_| io::Error::other("there are no random numbers"))?;
        let aside = format!(".{}.{}{ASIDE}", name.display(), hex(&nonce));
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | PLAIN;
        let mode = Mode::RUSR | Mode::WUSR;
        let mut file = File::from(rustix::fs::openat(&folder.handle, &aside, flags, mode)?);
        let placed = (|| {
            self.write(&mut file, bytes)?;
            if !others.is_empty() {
                rustix::fs::fchmod(&file, mode | others)?;
            }
            self.step()?;
            file.sync_all()?;
            self.step()?;
            rustix::fs::renameat(&folder.handle, &aside, &folder.handle, name)?;
            self.step()?;
            Ok(rustix::fs::fsync(&folder.handle)?)
        })();
        // A killed process clears nothing away, and neither does a disk that ended.
        if placed.is_err() && !self.has_ended() {
            let _ = rustix::fs::unlinkat(&folder.handle, &aside, AtFlags::empty());
        }
        placed
    }

    /// Removes what a killed process left of files that it wrote aside.
    pub(crate) fn sweep(&self, folder: &Path) -> Result<(), VaultFault> {
        for entry in fs::read_dir(folder).map_err(VaultFault::io("read", folder))? {
            let path = entry.map_err(VaultFault::io("read", folder))?.path();
            if is_aside(&path) {
                self.remove(&path)?;
            }
        }
        Ok(())
    }

    /// Opens a regular file for appending, made for the vault's user alone where it is missing.
    pub fn open_append(&self, path: &Path) -> Result<File, VaultFault> {
        let opened = (|| {
            let new = fs::symlink_metadata(path).is_err();
            if new {
                self.step()?;
            }
            let mut options = fs::OpenOptions::new();
            options.read(true).append(true).create(true).mode(0o600);
            let file = regular(options.custom_flags(PLAIN.bits().cast_signed()).open(path))?;
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

    /// Puts a file in the place of another in one step.
    pub(crate) fn rename(&self, from: &Path, to: &Path) -> Result<(), VaultFault> {
        self.step()
            .and_then(|()| fs::rename(from, to))
            .and_then(|()| self.sync_parent(to))
            .map_err(VaultFault::io("put in its place", to))
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
        Ok(rustix::fs::fsync(Folder::of(path)?.0.handle)?)
    }

    fn has_ended(&self) -> bool {
        self.0.as_ref().is_some_and(|at| at.done.load(Ordering::SeqCst) > at.ends_at)
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

/// Whether a file is one that was being written when its process ended.
pub(crate) fn is_aside(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().ends_with(ASIDE.as_bytes()))
}

/// Opens a regular file for reading; never through a link, nor a pipe.
pub(crate) fn open_regular(path: &Path) -> io::Result<File> {
    let mut options = fs::OpenOptions::new();
    regular(options.read(true).custom_flags(PLAIN.bits().cast_signed()).open(path))
}

/// Reads a regular file of at most so many bytes.
pub(crate) fn read_regular(path: &Path, longest: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open_regular(path)?.take(longest + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > longest {
        true => Err(io::Error::other("it is longer than such a file can be")),
        false => Ok(bytes),
    }
}

fn regular(opened: io::Result<File>) -> io::Result<File> {
    let file = opened.map_err(told)?;
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::other("it is no regular file")),
    }
}

/// The system says of a link that there are too many.
fn told(error: io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(code) if code == rustix::io::Errno::LOOP.raw_os_error() => {
            io::Error::other("it is a symbolic link, which the vault does not follow here")
        }
        _ => error,
    }
}

/// Writes a new file outside of the vault's folder, such as a key; never over one that is there.
pub(crate) fn write_new(path: &Path, mode: u32, bytes: &[u8]) -> Result<(), VaultFault> {
    fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .map_err(VaultFault::io("create", path))
}
