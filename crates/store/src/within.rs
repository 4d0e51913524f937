//! Opens and removes files of the store, so that no symbolic link below its folder is followed: [`minster_disk::below`], with errors
//! that name the path.

use std::{
    fs::File,
    path::{Path, PathBuf},
};

use minster_disk::below;

use crate::StoreError;

/// For `OpenOptions::custom_flags`: a file of this path alone, and none that a link leads to.
pub(crate) const NO_LINK: i32 = rustix::fs::OFlags::NOFOLLOW.bits().cast_signed();

/// Opens a regular file below `root` for reading.
pub(crate) fn file(root: &Path, path: &Path) -> Result<File, StoreError> {
    below::open(root, path).map_err(StoreError::disk("open", path))
}

/// The bytes of a regular file below `root`.
pub(crate) fn read(root: &Path, path: &Path) -> Result<Vec<u8>, StoreError> {
    below::read(root, path).map_err(StoreError::disk("read", path))
}

/// The bytes of a file; none where it is not there.
pub(crate) fn read_if_there(root: &Path, path: &Path) -> Result<Option<Vec<u8>>, StoreError> {
    match read(root, path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(StoreError::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// The name beside the link that it leads to; nothing where there is no link.
///
/// # Errors
/// [`StoreError::Linked`] where it leads to another folder.
pub(crate) fn link(root: &Path, path: &Path) -> Result<Option<PathBuf>, StoreError> {
    below::link(root, path).map_err(StoreError::disk("read the link", path))
}

/// Refuses a path of which a part below `root` is a link. A path that is not there yet is no link.
pub(crate) fn check(root: &Path, path: &Path) -> Result<(), StoreError> {
    below::check(root, path).map_err(StoreError::disk("open", path))
}

/// The content of a folder below `root`, in order; nothing where the folder is not there.
pub(crate) fn entries(root: &Path, folder: &Path) -> Result<Vec<PathBuf>, StoreError> {
    below::entries(root, folder).map_err(StoreError::disk("read the folder", folder))
}

/// Removes a folder below `root` with all that is in it, or a file or link.
pub(crate) fn remove_all(root: &Path, path: &Path) -> Result<(), StoreError> {
    below::remove_all(root, path).map_err(StoreError::disk("remove", path))
}
