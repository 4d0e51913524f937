//! Every change that the store makes to the disk goes through [`Disk`]: [`minster_disk`], below the store's folder, so that no
//! symbolic link is followed there, and so that a test can make the n-th change fail as a full disk would.

use std::{
    fs::{self, File},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use minster_disk::{Folder, NewFile, PRIVATE, below};

use crate::{StoreError, within::NO_LINK};

/// The disk, or one that fails.
#[derive(Debug, Clone, Default)]
pub struct Disk {
    disk: minster_disk::Disk,
    /// Operations after which it fails.
    last: i64,
    shared: bool,
    /// The store's folder. Nothing is changed outside of it but files for monitors and sites for readers.
    root: PathBuf,
}

impl Disk {
    /// A disk whose operations fail with "no space left" after the first `operations`.
    pub fn failing_after(operations: i64) -> Self {
        let disk = minster_disk::Disk::failing_after(count(operations));
        Self { disk, last: operations, ..Self::default() }
    }

    /// A disk at whose operation number `operations`, from 0, the process dies at once, as by SIGKILL; a
    /// write is torn in half.
    pub fn dying_after(operations: i64) -> Self {
        let disk = minster_disk::Disk::dying_after(count(operations));
        Self { disk, last: operations, ..Self::default() }
    }

    /// How many operations are left until it fails; for a disk that fails.
    pub fn operations_left(&self) -> Option<i64> {
        let begun = i64::try_from(self.disk.steps()).unwrap_or(i64::MAX);
        self.disk.is_to_fail().then_some(self.last - begun)
    }

    /// The disk of a store in this folder.
    pub(crate) fn of(self, root: &Path) -> Self {
        Self { root: root.to_owned(), ..self }
    }

    /// The group of a folder may read what is created in it, and may change its folders.
    pub(crate) fn shared(self) -> Self {
        Self { shared: true, ..self }
    }

    /// The same disk, for what is written elsewhere.
    pub(crate) fn plain(&self) -> &minster_disk::Disk {
        &self.disk
    }

    /// Makes the store's folder itself, with those above it.
    pub(crate) fn create_root(&self) -> Result<(), StoreError> {
        self.disk
            .step()
            .and_then(|()| {
                fs::DirBuilder::new().recursive(true).mode(self.folder_mode()).create(&self.root)
            })
            .map_err(StoreError::io("create the folder", &self.root))
    }

    pub(crate) fn create_folders(&self, path: &Path) -> Result<(), StoreError> {
        self.disk
            .step()
            .and_then(|()| below::make_folders(&self.disk, &self.root, path, self.folder_mode()))
            .map_err(StoreError::disk("create the folder", path))
    }

    fn folder_mode(&self) -> u32 {
        if self.shared { 0o2770 } else { 0o700 }
    }

    fn file_mode(&self) -> u32 {
        if self.shared { 0o640 } else { PRIVATE }
    }

    pub(crate) fn create_file(&self, path: &Path) -> Result<DiskFile, StoreError> {
        let file = self
            .below(path)
            .and_then(|(folder, name)| self.disk.create(&folder, name, self.file_mode()))
            .map_err(StoreError::disk("create", path))?;
        Ok(DiskFile { file, path: path.to_owned() })
    }

    pub(crate) fn write_file(&self, path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
        let mut file = self.create_file(path)?;
        file.write_all(bytes).map_err(StoreError::io("write", path))?;
        file.sync()
    }

    /// Puts other bytes in a file's place, in one step. They are written aside in `by`, a folder that is swept.
    pub(crate) fn replace_file(
        &self,
        by: &Path,
        path: &Path,
        bytes: &[u8],
    ) -> Result<(), StoreError> {
        self.below(path)
            .and_then(|(folder, name)| {
                let by = Folder::below(&self.root, by)?;
                self.disk.put_by(&by, &folder, name, bytes, self.file_mode())
            })
            .map_err(StoreError::disk("write", path))
    }

    /// The same for a file outside the store that all may read.
    pub(crate) fn replace_public_file(&self, path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
        Folder::of(path)
            .and_then(|(folder, name)| self.disk.put(&folder, name, bytes, 0o644))
            .map_err(StoreError::disk("write", path))
    }

    /// Opens the lock's file. A user who did not make it may open it all the same.
    pub(crate) fn open_lock(&self, path: &Path) -> Result<File, StoreError> {
        let mode = if self.shared { 0o660 } else { PRIVATE };
        let mut options = fs::OpenOptions::new();
        options.write(true).custom_flags(NO_LINK);
        match options.clone().create_new(true).mode(mode).open(path) {
            Ok(file) if self.shared => {
                // Against a umask that keeps the group out.
                file.set_permissions(fs::Permissions::from_mode(mode)).map(|()| file)
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => options.open(path),
            made => made,
        }
        .map_err(StoreError::io("open", path))
    }

    /// Puts a folder in its place. It is durable when this returns.
    pub(crate) fn rename(&self, from: &Path, to: &Path) -> Result<(), StoreError> {
        self.below(from)
            .and_then(|(from, name)| {
                let (to, new) = self.below(to)?;
                self.disk.rename((&from, name), (&to, new))
            })
            .map_err(StoreError::disk("put in its place", to))
    }

    /// Lets a symbolic link name another target, in one step.
    pub(crate) fn switch_link(&self, link: &Path, target: &str) -> Result<(), StoreError> {
        self.below(link)
            .and_then(|(folder, name)| self.disk.point(&folder, name, target))
            .map_err(StoreError::disk("create the link", link))
    }

    /// Removes a file or link, if it is there; durable when this returns.
    pub(crate) fn remove(&self, path: &Path) -> Result<(), StoreError> {
        let removed =
            self.below(path).and_then(|(folder, name)| match self.disk.remove(&folder, name) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => self.disk.sync(&folder),
                other => other,
            });
        removed.map_err(StoreError::disk("remove", path))
    }

    pub(crate) fn sync_folder(&self, folder: &Path) -> Result<(), StoreError> {
        Folder::below(&self.root, folder)
            .and_then(|held| self.disk.sync(&held))
            .map_err(StoreError::disk("sync the folder", folder))
    }

    /// The folder of a file in the store, and the file's name.
    fn below<'a>(&self, path: &'a Path) -> io::Result<(Folder, &'a std::ffi::OsStr)> {
        Folder::of_below(&self.root, path)
    }
}

fn count(operations: i64) -> usize {
    usize::try_from(operations).unwrap_or_default()
}

/// A file being written, its owner's alone, or its group's to read.
pub(crate) struct DiskFile {
    file: NewFile,
    path: PathBuf,
}

impl DiskFile {
    pub(crate) fn sync(self) -> Result<(), StoreError> {
        self.file.sync().map_err(StoreError::io("sync", &self.path))
    }
}

impl Write for DiskFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// The store looks at a path before it writes; whoever may write there puts a link into it just then.
    #[test]
    fn a_link_that_comes_between_the_look_and_the_change_leads_nothing_elsewhere() {
        let (own, theirs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (root, staging) = (own.path(), own.path().join("staging"));
        fs::write(theirs.path().join("f"), "theirs").unwrap();
        let disk = Disk::default().of(root);
        disk.create_folders(&staging).unwrap();
        disk.write_file(&staging.join("f"), b"mine").unwrap();
        symlink(theirs.path(), root.join("d")).unwrap();
        let (there, new) = (root.join("d/f"), root.join("d/new"));
        let outcomes = [
            disk.create_folders(&root.join("d/e")),
            disk.write_file(&new, b"x"),
            disk.create_file(&new).map(drop),
            disk.replace_file(&staging, &there, b"x"),
            disk.replace_file(&root.join("d"), &staging.join("g"), b"x"),
            disk.rename(&staging.join("f"), &new),
            disk.rename(&there, &staging.join("g")),
            disk.switch_link(&root.join("d/current"), "v-1"),
            disk.remove(&there),
            disk.sync_folder(&root.join("d")),
        ];
        for (place, outcome) in outcomes.into_iter().enumerate() {
            assert!(matches!(outcome, Err(StoreError::Linked { .. })), "{place}: {outcome:?}");
        }
        assert_eq!(fs::read(theirs.path().join("f")).unwrap(), b"theirs");
        assert_eq!(fs::read_dir(theirs.path()).unwrap().count(), 1);
        assert_eq!(fs::read(staging.join("f")).unwrap(), b"mine");
    }
}
