//! Every change that the store makes to the disk goes through [`Disk`], so that a test can make the
//! n-th of them fail as a full disk would.

use std::{
    fs::{self, File},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use crate::{StoreError, within::NO_LINK};

/// The disk, or one that fails.
#[derive(Debug, Clone, Default)]
pub struct Disk {
    fault: Option<Arc<DiskFault>>,
    shared: bool,
}

#[derive(Debug)]
struct DiskFault {
    operations: AtomicI64,
    dies: bool,
}

impl Disk {
    /// A disk whose operations fail with "no space left" after the first `operations`.
    pub fn failing_after(operations: i64) -> Self {
        Self::with_fault(operations, false)
    }

    /// A disk at whose operation number `operations`, from 0, the process dies at once, as by SIGKILL; a
    /// write is torn in half.
    pub fn dying_after(operations: i64) -> Self {
        Self::with_fault(operations, true)
    }

    fn with_fault(operations: i64, dies: bool) -> Self {
        let operations = AtomicI64::new(operations);
        Self { fault: Some(Arc::new(DiskFault { operations, dies })), shared: false }
    }

    /// How many operations are left until it fails; for a disk that fails.
    pub fn operations_left(&self) -> Option<i64> {
        self.fault.as_ref().map(|fault| fault.operations.load(Ordering::SeqCst))
    }

    /// The group of a folder may read what is created in it, and may change its folders.
    pub(crate) fn shared(self) -> Self {
        Self { shared: true, ..self }
    }

    fn step(&self) -> io::Result<()> {
        self.step_after(|| {})
    }

    /// Does `last` before it dies.
    fn step_after(&self, last: impl FnOnce()) -> io::Result<()> {
        match &self.fault {
            Some(fault) if fault.operations.fetch_sub(1, Ordering::SeqCst) <= 0 => {
                if fault.dies {
                    last();
                    std::process::abort();
                }
                Err(io::ErrorKind::StorageFull.into())
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn create_folders(&self, path: &Path) -> Result<(), StoreError> {
        self.step()
            .and_then(|()| self.make(path))
            .map_err(StoreError::io("create the folder", path))
    }

    fn make(&self, path: &Path) -> io::Result<()> {
        if path.is_dir() {
            return Ok(());
        }
        if let Some(parent) = path.parent() {
            self.make(parent)?;
        }
        let mode = if self.shared { 0o2770 } else { 0o700 };
        match fs::DirBuilder::new().mode(mode).create(path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        self.open_to_group(path, mode)
    }

    /// Against a umask that keeps the group out.
    fn open_to_group(&self, path: &Path, mode: u32) -> io::Result<()> {
        match self.shared {
            true => fs::set_permissions(path, fs::Permissions::from_mode(mode)),
            false => Ok(()),
        }
    }

    pub(crate) fn create_file(&self, path: &Path) -> Result<DiskFile, StoreError> {
        self.create_with(path, self.file_mode())
    }

    fn file_mode(&self) -> u32 {
        if self.shared { 0o640 } else { 0o600 }
    }

    fn create_with(&self, path: &Path, mode: u32) -> Result<DiskFile, StoreError> {
        let file = self
            .step()
            .and_then(|()| {
                let mut options = fs::OpenOptions::new();
                let file = options.write(true).create_new(true).mode(mode).open(path)?;
                // Against a umask that keeps others out.
                file.set_permissions(fs::Permissions::from_mode(mode))?;
                Ok(file)
            })
            .map_err(StoreError::io("create", path))?;
        Ok(DiskFile { file, disk: self.clone(), path: path.to_owned() })
    }

    /// Puts other bytes in a file's place, in one step.
    pub(crate) fn replace_file(
        &self,
        aside: &Path,
        path: &Path,
        bytes: &[u8],
    ) -> Result<(), StoreError> {
        self.replace_with(aside, path, bytes, self.file_mode())
    }

    /// [`Disk::replace_file`] for a file outside the store that all may read.
    pub(crate) fn replace_public_file(
        &self,
        aside: &Path,
        path: &Path,
        bytes: &[u8],
    ) -> Result<(), StoreError> {
        self.replace_with(aside, path, bytes, 0o644)
    }

    fn replace_with(
        &self,
        aside: &Path,
        path: &Path,
        bytes: &[u8],
        mode: u32,
    ) -> Result<(), StoreError> {
        remove_if_there(aside)?;
        self.create_with(aside, mode)?.finish(bytes)?;
        self.rename(aside, path)
    }

    /// Opens the lock's file. A user who did not make it may open it all the same.
    pub(crate) fn open_lock(&self, path: &Path) -> Result<File, StoreError> {
        let mode = if self.shared { 0o660 } else { 0o600 };
        let made = fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(path);
        match made {
            Ok(file) => self.open_to_group(path, mode).map(|()| file),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                fs::OpenOptions::new().write(true).custom_flags(NO_LINK).open(path)
            }
            Err(error) => Err(error),
        }
        .map_err(StoreError::io("open", path))
    }

    pub(crate) fn write_file(&self, path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
        self.create_file(path)?.finish(bytes)
    }

    /// Puts a folder in its place. The parent is synced: the rename is durable when this returns.
    pub(crate) fn rename(&self, from: &Path, to: &Path) -> Result<(), StoreError> {
        self.step()
            .and_then(|()| fs::rename(from, to))
            .map_err(StoreError::io("put in its place", to))?;
        self.sync_parent(to)
    }

    /// Lets a symbolic link name another target, in one step.
    pub(crate) fn switch_link(&self, link: &Path, target: &str) -> Result<(), StoreError> {
        let aside = link.with_extension("next");
        remove_if_there(&aside)?;
        self.step()
            .and_then(|()| std::os::unix::fs::symlink(target, &aside))
            .map_err(StoreError::io("create the link", &aside))?;
        self.rename(&aside, link)
    }

    /// Removes a file or link, if it is there; durable when this returns.
    pub(crate) fn remove(&self, path: &Path) -> Result<(), StoreError> {
        self.step().map_err(StoreError::io("remove", path))?;
        remove_if_there(path)?;
        self.sync_parent(path)
    }

    pub(crate) fn sync_folder(&self, folder: &Path) -> Result<(), StoreError> {
        self.step()
            .and_then(|()| File::open(folder)?.sync_all())
            .map_err(StoreError::io("sync the folder", folder))
    }

    fn sync_parent(&self, path: &Path) -> Result<(), StoreError> {
        path.parent().map_or(Ok(()), |parent| self.sync_folder(parent))
    }
}

fn remove_if_there(path: &Path) -> Result<(), StoreError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(StoreError::io("remove", path)(error))
        }
        _ => Ok(()),
    }
}

/// A file being written, its owner's alone, or its group's to read.
pub(crate) struct DiskFile {
    file: File,
    disk: Disk,
    path: PathBuf,
}

impl DiskFile {
    /// Writes all that it is to hold, and makes it durable.
    fn finish(mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.write_all(bytes).map_err(StoreError::io("write", &self.path))?;
        self.sync()
    }

    pub(crate) fn sync(self) -> Result<(), StoreError> {
        self.disk
            .step()
            .and_then(|()| self.file.sync_all())
            .map_err(StoreError::io("sync", &self.path))
    }
}

impl Write for DiskFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let file = &mut self.file;
        self.disk.step_after(|| drop(file.write_all(&bytes[..bytes.len() / 2])))?;
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
