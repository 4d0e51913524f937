use std::{
    ffi::OsStr,
    io,
    os::fd::OwnedFd,
    path::{Component, Path, PathBuf},
};

use rustix::fs::{CWD, Mode, OFlags, openat};

use crate::plain::{NotPlain, told};

const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// A folder that is held open: what is written goes into it, whatever its path leads to by then.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    pub(crate) handle: OwnedFd,
}

impl Folder {
    /// Opens a folder that must not be a symbolic link itself.
    ///
    /// # Errors
    /// The system's; [`NotPlain`].
    pub fn open(path: &Path) -> io::Result<Self> {
        Self::with(path, OFlags::NOFOLLOW)
    }

    /// Opens a folder, by a link too: where nobody else may change the path.
    ///
    /// # Errors
    /// The system's.
    pub fn at(path: &Path) -> io::Result<Self> {
        Self::with(path, OFlags::empty())
    }

    /// The folder of a file, and the file's name in it.
    ///
    /// # Errors
    /// As [`Folder::at`]; where the path has no name at its end.
    pub fn of(path: &Path) -> io::Result<(Self, &OsStr)> {
        let (parent, name) = split(path)?;
        Ok((Self::at(parent)?, name))
    }

    /// Opens a folder below `root`, or `root` itself, and follows no symbolic link on the way from there.
    ///
    /// # Errors
    /// The system's; [`NotPlain`], also where the path leads out of `root`.
    pub fn below(root: &Path, path: &Path) -> io::Result<Self> {
        let mut handle = Self::at(root)?.handle;
        for part in parts(root, path)? {
            handle =
                openat(&handle, part, FOLDER | OFlags::NOFOLLOW, Mode::empty()).map_err(told)?;
        }
        Ok(Self { path: path.to_owned(), handle })
    }

    /// The folder of a file below `root`, and the file's name in it.
    ///
    /// # Errors
    /// As [`Folder::below`]; where the path has no name at its end.
    pub fn of_below<'a>(root: &Path, path: &'a Path) -> io::Result<(Self, &'a OsStr)> {
        let (parent, name) = split(path)?;
        Ok((Self::below(root, parent)?, name))
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn with(path: &Path, more: OFlags) -> io::Result<Self> {
        let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        let handle = openat(CWD, path, FOLDER | more, Mode::empty()).map_err(told)?;
        Ok(Self { path: path.to_owned(), handle })
    }
}

fn split(path: &Path) -> io::Result<(&Path, &OsStr)> {
    let name = path.file_name().ok_or_else(|| io::Error::other("it has no name"))?;
    Ok((path.parent().unwrap_or(Path::new(".")), name))
}

/// The names on the way from `root` to a path below it.
pub(crate) fn parts<'a>(root: &Path, path: &'a Path) -> io::Result<Vec<&'a OsStr>> {
    let astray = || io::Error::other(NotPlain::Link);
    let below = path.strip_prefix(root).map_err(|_| astray())?;
    let name = |part| match part {
        Component::Normal(name) => Ok(name),
        _ => Err(astray()),
    };
    below.components().map(name).collect()
}
