//! Whether a PKCS#11 module may be loaded. Its code runs in the vault, and its path stands in `store.json`, which nothing
//! has verified by then. So root must have named it to the system, as each package of a module does, and it must be root's, in folders
//! that are root's. To be root's alone is not enough: a module such as p11-kit's loads others, which any user names for itself.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

use crate::VaultFault;

/// The folders in which root names the system's modules, a file each (p11-kit, `pkcs11.conf(5)`).
const NAMED_IN: [&str; 2] = ["/etc/pkcs11/modules", "/usr/share/p11-kit/modules"];
/// The folder of a module that is named without its path (the same), as Debian has it for each kind of machine.
fn usual() -> PathBuf {
    PathBuf::from(format!("/usr/lib/{}-linux-gnu/pkcs11", std::env::consts::ARCH))
}

/// The file itself, past all links, where root alone can change it and the folders above it, and root named it.
pub(super) fn trusted(path: &Path) -> Result<PathBuf, VaultFault> {
    let module = of_root(path)?;
    match NAMED_IN.iter().any(|folder| names(Path::new(folder), &module)) {
        true => Ok(module),
        false => Err(VaultFault::Exposed {
            path: module,
            why: "its code would run inside the vault, and root did not name it: as root, write a file whose name ends in .module into \
                  /etc/pkcs11/modules, with the line `module:` and this path",
        }),
    }
}

/// Whether a folder of root's has a file of root's that names the module.
fn names(folder: &Path, module: &Path) -> bool {
    let Ok(entries) = fs::read_dir(folder) else { return false };
    let files = entries.flatten().map(|entry| entry.path());
    let files = files.filter(|path| path.extension().is_some_and(|ending| ending == "module"));
    // A file that another may change names nothing.
    let texts = files.filter_map(|path| fs::read_to_string(of_root(&path).ok()?).ok());
    texts.into_iter().any(|text| {
        named_by(&text).filter_map(|path| fs::canonicalize(path).ok()).any(|path| path == module)
    })
}

/// The paths on the lines `module: PATH`.
fn named_by(text: &str) -> impl Iterator<Item = PathBuf> {
    text.lines()
        .filter_map(|line| line.trim().split_once(':'))
        .filter(|(name, _)| name.trim_end() == "module")
        .map(|(_, path)| usual().join(path.trim()))
}

/// The file itself, past all links, where root alone can change it and the folders above it.
fn of_root(path: &Path) -> Result<PathBuf, VaultFault> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_is_named_by_its_line_and_by_no_other() {
        let text = "# module: /a.so\nmodule: /usr/lib/b.so\n module : c.so \nmodules: /d.so\nremote: /e.so\n";
        let named: Vec<PathBuf> = named_by(text).collect();
        assert_eq!(named, [PathBuf::from("/usr/lib/b.so"), usual().join("c.so")]);
    }
}
