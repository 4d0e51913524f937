//! Opens and removes what stands in the store, and follows no symbolic link below the store's folder. A user who may write into
//! the store could otherwise lead a program of another user, which sweeps and reads there, to files of that user elsewhere.

use std::{
    fs::File,
    io::{self, Read},
    os::fd::OwnedFd,
    path::{Component, Path, PathBuf},
};

use rustix::{
    fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, fstat, openat, readlinkat, unlinkat},
    io::Errno,
    path::Arg,
};

use crate::StoreError;

/// For `OpenOptions::custom_flags`: a file of this path alone, and none that a link leads to.
pub(crate) const NO_LINK: i32 = OFlags::NOFOLLOW.bits().cast_signed();

const FOLDER: OFlags = OFlags::DIRECTORY.union(OFlags::RDONLY).union(OFlags::CLOEXEC);

/// Opens a folder below `root`, or `root` itself.
fn folder(root: &Path, path: &Path) -> Result<OwnedFd, StoreError> {
    let failed = |what, path: &Path, error: Errno| fault(what, path, error);
    let mut at =
        openat(CWD, root, FOLDER, Mode::empty()).map_err(|error| failed("open", root, error))?;
    let mut so_far = root.to_owned();
    for part in parts(root, path)? {
        so_far.push(part);
        at = openat(&at, part, FOLDER | OFlags::NOFOLLOW, Mode::empty())
            .map_err(|error| failed("open", &so_far, error))?;
    }
    Ok(at)
}

/// Opens a regular file below `root` for reading.
pub(crate) fn file(root: &Path, path: &Path) -> Result<File, StoreError> {
    let (parent, name) = parent(root, path)?;
    // Without waiting, where someone put a pipe.
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let opened = openat(&parent, name, flags, Mode::empty());
    let opened = opened.map_err(|error| fault("open", path, error))?;
    let status = fstat(&opened).map_err(|error| fault("read", path, error))?;
    match FileType::from_raw_mode(status.st_mode) {
        FileType::RegularFile => Ok(File::from(opened)),
        _ => Err(StoreError::Linked { path: path.to_owned() }),
    }
}

/// The bytes of a regular file below `root`.
pub(crate) fn read(root: &Path, path: &Path) -> Result<Vec<u8>, StoreError> {
    let mut bytes = Vec::new();
    file(root, path)?.read_to_end(&mut bytes).map_err(StoreError::io("read", path))?;
    Ok(bytes)
}

/// The name beside the link that it leads to; nothing where there is no link.
///
/// # Errors
/// [`StoreError::Linked`] where it leads to another folder.
pub(crate) fn link(root: &Path, path: &Path) -> Result<Option<PathBuf>, StoreError> {
    let (parent, name) = match parent(root, path) {
        Err(StoreError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            return Ok(None);
        }
        other => other?,
    };
    let target = match readlinkat(&parent, name, Vec::new()) {
        Err(Errno::NOENT) => return Ok(None),
        other => other.map_err(|error| fault("read the link", path, error))?,
    };
    let target = PathBuf::from(target.to_string_lossy().into_owned());
    let mut parts = target.components();
    match (parts.next(), parts.next()) {
        (Some(Component::Normal(_)), None) => Ok(Some(target)),
        _ => Err(StoreError::Linked { path: path.to_owned() }),
    }
}

/// Refuses a path of which a part below `root` is a link. A path that is not there yet is no link.
pub(crate) fn check(root: &Path, path: &Path) -> Result<(), StoreError> {
    match folder(root, path) {
        Err(StoreError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other.map(drop),
    }
}

/// The content of a folder below `root`, in order; nothing where the folder is not there.
pub(crate) fn entries(root: &Path, folder: &Path) -> Result<Vec<PathBuf>, StoreError> {
    check(root, folder)?;
    let failed = || StoreError::io("read the folder", folder);
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.map_err(failed())?,
    };
    let paths = entries.map(|entry| Ok(entry.map_err(failed())?.path()));
    let mut paths = paths.collect::<Result<Vec<_>, StoreError>>()?;
    paths.sort();
    Ok(paths)
}

/// Removes a folder below `root` with all that is in it, or a file or link.
pub(crate) fn remove_all(root: &Path, path: &Path) -> Result<(), StoreError> {
    let (parent, name) = match parent(root, path) {
        Err(StoreError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            return Ok(());
        }
        other => other?,
    };
    remove_in(&parent, name).map_err(|error| fault("remove", path, error))
}

fn remove_in(parent: &OwnedFd, name: impl Arg + Copy) -> Result<(), Errno> {
    match unlinkat(parent, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => return Ok(()),
        Err(Errno::ISDIR) => {}
        Err(error) => return Err(error),
    }
    let folder = openat(parent, name, FOLDER | OFlags::NOFOLLOW, Mode::empty())?;
    for entry in Dir::read_from(&folder)? {
        let entry = entry?;
        if !matches!(entry.file_name().to_bytes(), b"." | b"..") {
            remove_in(&folder, entry.file_name())?;
        }
    }
    unlinkat(parent, name, AtFlags::REMOVEDIR)
}

fn parent<'a>(root: &Path, path: &'a Path) -> Result<(OwnedFd, &'a std::ffi::OsStr), StoreError> {
    let linked = || StoreError::Linked { path: path.to_owned() };
    let (above, name) = path.parent().zip(path.file_name()).ok_or_else(linked)?;
    Ok((folder(root, above)?, name))
}

fn parts<'a>(root: &Path, path: &'a Path) -> Result<Vec<&'a std::ffi::OsStr>, StoreError> {
    let linked = || StoreError::Linked { path: path.to_owned() };
    let below = path.strip_prefix(root).map_err(|_| linked())?;
    below
        .components()
        .map(|part| match part {
            Component::Normal(part) => Ok(part),
            _ => Err(linked()),
        })
        .collect()
}

fn fault(what: &'static str, path: &Path, error: Errno) -> StoreError {
    match error {
        // A link is no folder, and a link in a file's place would be followed.
        Errno::NOTDIR | Errno::LOOP => StoreError::Linked { path: path.to_owned() },
        other => StoreError::io(what, path)(other.into()),
    }
}
