//! The file of an encrypted bundle: whole in its place, or not there at all.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Seek, SeekFrom, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use rustix::fs::{CWD, RenameFlags, renameat_with};

use crate::failure::Failure;

/// Room for a bundle's last bytes: they come once the grant is used up, and a full disk must not cost them.
const RESERVE: usize = 512 << 10;

/// The file while it is written. Dropped unfinished, it leaves nothing, unless the grant is used up.
pub(crate) struct BundleFile {
    path: PathBuf,
    aside: PathBuf,
    file: Option<File>,
    /// Whether the grant is used up: nobody can make the bundle again.
    is_last: bool,
}

impl BundleFile {
    pub(crate) fn new(path: &Path) -> Result<Self, Failure> {
        if path.symlink_metadata().is_ok() {
            return Err(Failure::BundleExists { path: path.to_owned() });
        }
        let unwritable = |source| Failure::Page { path: path.to_owned(), source };
        let name = path
            .file_name()
            .ok_or_else(|| unwritable(io::ErrorKind::InvalidFilename.into()))?
            .to_string_lossy();
        let new = path.with_file_name(format!(".{name}.{}.new", std::process::id()));
        let aside = path.with_file_name(format!(".{name}.{}.part", std::process::id()));
        let mut options = OpenOptions::new();
        let file = options.write(true).create_new(true).mode(0o600).open(&new);
        let file = file.map_err(unwritable)?;
        // A file system that cannot rename so is found out now, not when the grant is used up.
        if let Err(error) = renameat_with(CWD, &new, CWD, &aside, RenameFlags::NOREPLACE) {
            let _ = fs::remove_file(&new);
            return Err(unwritable(error.into()));
        }
        Ok(Self { path: path.to_owned(), aside, file: Some(file), is_last: false })
    }

    fn failed(&self) -> impl FnOnce(io::Error) -> Failure + use<> {
        let path = self.path.clone();
        move |source| Failure::Page { path, source }
    }

    pub(crate) fn add(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let failed = self.failed();
        self.file.as_mut().map_or(Ok(()), |file| file.write_all(bytes)).map_err(failed)
    }

    /// Makes all so far durable, and takes room for the rest.
    pub(super) fn reserve(&mut self) -> Result<(), Failure> {
        let failed = self.failed();
        let reserve = |file: &mut File| {
            let end = file.stream_position()?;
            file.write_all(&vec![0; RESERVE])?;
            file.sync_all()?;
            file.seek(SeekFrom::Start(end)).map(drop)
        };
        self.file.as_mut().map_or(Ok(()), reserve).map_err(failed)
    }

    /// Writes the last bytes, and puts the file in its place unless another took it meanwhile. The grant is used up: where this
    /// fails, the file stays beside its place.
    pub(crate) fn finish(mut self, last: &[u8]) -> Result<(), Failure> {
        self.is_last = true;
        self.put(last).map_err(|source| Failure::BundleAside {
            path: self.path.clone(),
            aside: self.aside.clone(),
            source,
        })?;
        self.file = None;
        let folder = match self.path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(self.failed())
    }

    fn put(&mut self, last: &[u8]) -> io::Result<()> {
        if let Some(file) = &mut self.file {
            file.write_all(last)?;
            let end = file.stream_position()?;
            file.set_len(end)?;
            file.sync_all()?;
        }
        renameat_with(CWD, &self.aside, CWD, &self.path, RenameFlags::NOREPLACE)?;
        Ok(())
    }
}

impl Drop for BundleFile {
    fn drop(&mut self) {
        if self.file.is_some() && !self.is_last {
            let _ = fs::remove_file(&self.aside);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_whose_place_is_taken_at_the_end_is_kept_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bundle.age");
        let mut file = BundleFile::new(&path).unwrap();
        file.add(b"first").unwrap();
        file.reserve().unwrap();
        fs::write(&path, "another's").unwrap();
        let Failure::BundleAside { aside, .. } = file.finish(b" last").unwrap_err() else {
            panic!("another failure");
        };
        assert_eq!(fs::read(aside).unwrap(), b"first last");
        assert_eq!(fs::read(&path).unwrap(), b"another's");
    }

    #[test]
    fn a_bundle_that_was_not_ended_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = BundleFile::new(&folder.path().join("bundle.age")).unwrap();
        file.add(b"first").unwrap();
        drop(file);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
