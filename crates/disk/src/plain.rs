use std::{
    fmt,
    fs::{self, File},
    io::{self, Read},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use rustix::{fs::OFlags, io::Errno};

/// Never follow a link at the path's end, and never wait for whoever might write into a pipe.
pub(crate) const PLAIN: OFlags = OFlags::NOFOLLOW.union(OFlags::NONBLOCK).union(OFlags::CLOEXEC);

/// The thing in the place of a regular file or folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotPlain {
    /// A symbolic link, which is not followed here; or no folder, where one is asked for.
    Link,
    /// A pipe, a device, a socket or a folder.
    NoFile,
}

impl fmt::Display for NotPlain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Link => "it is a symbolic link, which is not followed here, or no folder",
            Self::NoFile => "it is no regular file",
        })
    }
}

impl std::error::Error for NotPlain {}

/// Whether something else stands in the place of a regular file or folder: whoever may write there put it there.
pub fn is_not_plain(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<NotPlain>())
}

/// Opens a regular file for reading; never through a link at the path's end, nor a pipe.
///
/// # Errors
/// The system's; [`NotPlain`].
pub fn open(path: &Path) -> io::Result<File> {
    let mut options = fs::OpenOptions::new();
    regular(options.read(true).custom_flags(PLAIN.bits().cast_signed()).open(path))
}

/// Reads a regular file of at most so many bytes.
///
/// # Errors
/// As [`open`]; where it is longer.
pub fn read(path: &Path, longest: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path)?.take(longest.saturating_add(1)).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > longest {
        true => Err(io::Error::other("it is longer than such a file can be")),
        false => Ok(bytes),
    }
}

pub(crate) fn regular(opened: io::Result<File>) -> io::Result<File> {
    let file = opened.map_err(told)?;
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::other(NotPlain::NoFile)),
    }
}

/// The system says of a link that there are too many, or that it is no folder.
pub(crate) fn told(error: impl Into<io::Error>) -> io::Error {
    let error = error.into();
    match error.raw_os_error().map(Errno::from_raw_os_error) {
        Some(Errno::LOOP | Errno::NOTDIR) => io::Error::other(NotPlain::Link),
        _ => error,
    }
}
