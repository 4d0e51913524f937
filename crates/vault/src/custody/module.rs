//! Whether a PKCS#11 module may be loaded. Its code runs in the vault, and its path stands in `store.json`, which nothing
//! has verified by then: so it must be root's, in folders that are root's.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

use crate::VaultFault;

/// The file itself, past all links, where root alone can change it and the folders above it.
pub(super) fn trusted(path: &Path) -> Result<PathBuf, VaultFault> {
    let refused = |path: &Path, why| Err(VaultFault::Exposed { path: path.to_owned(), why });
    if !path.is_absolute() {
        return refused(path, "a PKCS#11 module is named by its whole path, from / on");
    }
    let module = fs::canonicalize(path).map_err(VaultFault::io("find the module", path))?;
    for (depth, part) in module.ancestors().enumerate() {
        let metadata = fs::symlink_metadata(part).map_err(VaultFault::io("look at", part))?;
        if depth == 0 && !metadata.is_file() {
            return refused(part, "a PKCS#11 module is a regular file");
        }
        if metadata.uid() != 0 {
            let why = "its code would run inside the vault, so a PKCS#11 module and the folders above it \
                       belong to root (chown root), and this does not";
            return refused(part, why);
        }
        if metadata.permissions().mode() & 0o022 != 0 {
            let why = "its code would run inside the vault, so only root may change a PKCS#11 module and the \
                       folders above it (chmod go-w), and others may change this";
            return refused(part, why);
        }
    }
    Ok(module)
}
