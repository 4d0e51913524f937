//! Opens, reads and removes what stands below a folder of one's own, and follows no symbolic link below it. A user who may write there could otherwise lead a program of another user, which sweeps and reads there, to files of that user elsewhere.

use std::{
    fs::File,
    io::{self, Read},
    os::{fd::OwnedFd, unix::ffi::OsStringExt},
    path::{Component, Path, PathBuf},
};

use rustix::{
    fs::{AtFlags, Dir, Mode, OFlags, openat, readlinkat, unlinkat},
    io::Errno,
    path::Arg,
};

use crate::{
    Disk, Folder, NotPlain,
    folder::parts,
    plain::{PLAIN, regular, told},
};

/// Opens a regular file below `root` for reading; without waiting, where someone put a pipe.
///
/// # Errors
/// The system's; [`NotPlain`].
pub fn open(root: &Path, path: &Path) -> io::Result<File> {
    let (folder, name) = Folder::of_below(root, path)?;
    let opened = openat(&folder.handle, name, OFlags::RDONLY | PLAIN, Mode::empty());
    regular(opened.map(File::from).map_err(told))
}

/// The bytes of a regular file below `root`.
///
/// # Errors
/// As [`open`].
pub fn read(root: &Path, path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(root, path)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The name beside the link that it leads to; nothing where there is no link.
///
/// # Errors
/// The system's; [`NotPlain`] where it leads to another folder.
pub fn link(root: &Path, path: &Path) -> io::Result<Option<PathBuf>> {
    let (folder, name) = match Folder::of_below(root, path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other?,
    };
    let target = match readlinkat(&folder.handle, name, Vec::new()) {
        Err(Errno::NOENT) => return Ok(None),
        other => other?,
    };
    let target = PathBuf::from(std::ffi::OsString::from_vec(target.into_bytes()));
    let mut parts = target.components();
    match (parts.next(), parts.next()) {
        (Some(Component::Normal(_)), None) => Ok(Some(target)),
        _ => Err(io::Error::other(NotPlain::Link)),
    }
}

/// Refuses a path of which a part below `root` is a link. A path that is not there yet is no link.
///
/// # Errors
/// The system's; [`NotPlain`].
pub fn check(root: &Path, path: &Path) -> io::Result<()> {
    match Folder::below(root, path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other.map(drop),
    }
}

/// The content of a folder below `root`, in order; nothing where the folder is not there.
///
/// # Errors
/// The system's; [`NotPlain`].
pub fn entries(root: &Path, path: &Path) -> io::Result<Vec<PathBuf>> {
    let folder = match Folder::below(root, path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other?,
    };
    let mut paths = Vec::new();
    for entry in Dir::read_from(&folder.handle)? {
        let name = entry?.file_name().to_owned().into_bytes();
        if !matches!(name.as_slice(), b"." | b"..") {
            paths.push(path.join(std::ffi::OsString::from_vec(name)));
        }
    }
    paths.sort();
    Ok(paths)
}

/// Makes the folders that are missing on the way from `root`, each with this mode.
///
/// # Errors
/// The system's; [`NotPlain`].
pub fn make_folders(disk: &Disk, root: &Path, path: &Path, mode: u32) -> io::Result<()> {
    let mut so_far = root.to_owned();
    for part in parts(root, path)? {
        disk.make_folder(&Folder::below(root, &so_far)?, part, mode)?;
        so_far.push(part);
    }
    // A folder that stood there already will do, too.
    Folder::below(root, path).map(drop)
}

/// Removes a folder below `root` with all that is in it, or a file or link.
///
/// # Errors
/// The system's; [`NotPlain`].
pub fn remove_all(root: &Path, path: &Path) -> io::Result<()> {
    let (folder, name) = match Folder::of_below(root, path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other?,
    };
    remove_in(&folder.handle, name).map_err(told)
}

fn remove_in(parent: &OwnedFd, name: impl Arg + Copy) -> Result<(), Errno> {
    match unlinkat(parent, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => return Ok(()),
        Err(Errno::ISDIR) => {}
        Err(error) => return Err(error),
    }
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | PLAIN;
    let folder = openat(parent, name, flags, Mode::empty())?;
    for entry in Dir::read_from(&folder)? {
        let entry = entry?;
        if !matches!(entry.file_name().to_bytes(), b"." | b"..") {
            remove_in(&folder, entry.file_name())?;
        }
    }
    unlinkat(parent, name, AtFlags::REMOVEDIR)
}
