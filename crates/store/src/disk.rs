//! Every change that the store makes to the disk goes through [`Disk`], so that a test can make the
//! n-th of them fail as a full disk would.

use std::{
    fs::{self, File},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use crate::StoreError;

/// The disk, or one that fails.
#[derive(Debug, Clone, Default)]
pub struct Disk {
    left: Option<Arc<AtomicI64>>,
}

impl Disk {
    /// A disk whose operations fail with "no space left" after the first `operations`.
    pub fn failing_after(operations: i64) -> Self {
        Self { left: Some(Arc::new(AtomicI64::new(operations))) }
    }

    fn step(&self) -> io::Result<()> {
        match &self.left {
            Some(left) if left.fetch_sub(1, Ordering::SeqCst) <= 0 => {
                Err(io::ErrorKind::StorageFull.into())
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn create_folders(&self, path: &Path) -> Result<(), StoreError> {
        self.step()
            .and_then(|()| fs::DirBuilder::new().recursive(true).mode(0o700).create(path))
            .map_err(StoreError::io("create the folder", path))
    }

    pub(crate) fn create_file(&self, path: &Path) -> Result<DiskFile, StoreError> {
        let file = self
            .step()
            .and_then(|()| {
                fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
            })
            .map_err(StoreError::io("create", path))?;
        Ok(DiskFile { file, disk: self.clone(), path: path.to_owned() })
    }

    pub(crate) fn write_file(&self, path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
        let mut file = self.create_file(path)?;
        file.write_all(bytes).map_err(StoreError::io("write", path))?;
        file.sync()
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
        match fs::remove_file(&aside) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(StoreError::io("remove", &aside)(error));
            }
            _ => {}
        }
        self.step()
            .and_then(|()| std::os::unix::fs::symlink(target, &aside))
            .map_err(StoreError::io("create the link", &aside))?;
        self.rename(&aside, link)
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

/// A file being written, 0600.
pub(crate) struct DiskFile {
    file: File,
    disk: Disk,
    path: PathBuf,
}

impl DiskFile {
    pub(crate) fn sync(self) -> Result<(), StoreError> {
        self.disk
            .step()
            .and_then(|()| self.file.sync_all())
            .map_err(StoreError::io("sync", &self.path))
    }
}

impl Write for DiskFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.disk.step()?;
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
