//! The PKCS#11 module: its path stands in a file that is read before anything is verified.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, chown, symlink},
    path::{Path, PathBuf},
};

use minster_vault::{
    VaultFault,
    custody::{Secret, TokenKey, Wanted},
    disk::Disk,
    folder::{self, Plan},
};
use serde_json::json;

use crate::{
    common::Site,
    header::{read, store, write},
};

/// The fault where a vault is made with this module.
fn made(module: &Path) -> VaultFault {
    let folder = tempfile::tempdir().unwrap();
    let pin = folder.path().join("pin");
    fs::write(&pin, "4321\n").unwrap();
    fs::set_permissions(&pin, fs::Permissions::from_mode(0o600)).unwrap();
    let key = TokenKey { module: module.into(), token: "vault".into(), key: "root".into() };
    let wanted = Wanted::Token(key, Some(pin));
    let plan = Plan { custody: &wanted, purposes: vec![], custodians: vec![] };
    folder::init(&folder.path().join("vault"), &plan, &Disk::new()).unwrap_err()
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_module_that_another_than_root_may_change_is_not_loaded() {
    // Every user may put files into /tmp.
    let shared = tempfile::tempdir_in("/tmp").unwrap();
    let module = shared.path().join("module.so");
    fs::write(&module, "no code").unwrap();
    mode(&module, 0o755);
    assert!(matches!(made(&module), VaultFault::Exposed { .. }));
    assert!(matches!(made(Path::new("module.so")), VaultFault::Exposed { .. }));

    if !rustix::process::geteuid().is_root() {
        eprintln!("LEFT OUT: only root can make files that root owns");
        return;
    }
    let folder = tempfile::tempdir_in("/usr/lib").unwrap();
    mode(folder.path(), 0o755);
    let module = folder.path().join("module.so");
    fs::write(&module, "no code").unwrap();
    mode(&module, 0o644);
    // It is root's, and root did not name it.
    let why = made(&module).to_string();
    assert!(why.contains("root did not name it"), "{why}");
    let names = Path::new("/etc/pkcs11/modules");
    fs::create_dir_all(names).unwrap();
    let named =
        tempfile::Builder::new().prefix("minster-test-").suffix(".module").tempfile_in(names);
    let named = named.unwrap();
    fs::write(named.path(), format!("module: {}\n", module.display())).unwrap();
    mode(named.path(), 0o646);
    let why = made(&module).to_string();
    assert!(why.contains("root did not name it"), "others may change the line: {why}");
    mode(named.path(), 0o644);
    // So far it is tried: it is no code.
    let why = made(&module).to_string();
    assert!(why.contains("cannot be loaded"), "{why}");
    // Root's in a folder of root's, but writable.
    for bad in [0o664, 0o646] {
        mode(&module, bad);
        assert!(matches!(made(&module), VaultFault::Exposed { .. }), "{bad:o}");
    }
    mode(&module, 0o644);
    for bad in [0o775, 0o757, 0o1777] {
        mode(folder.path(), bad);
        assert!(matches!(made(&module), VaultFault::Exposed { .. }), "folder {bad:o}");
    }
    mode(folder.path(), 0o755);
    // Another user's, by itself, by its folder, and behind a link.
    chown(&module, Some(65534), None).unwrap();
    assert!(matches!(made(&module), VaultFault::Exposed { .. }));
    let link = folder.path().join("link.so");
    symlink(&module, &link).unwrap();
    assert!(matches!(made(&link), VaultFault::Exposed { .. }));
    chown(&module, Some(0), None).unwrap();
    chown(folder.path(), Some(65534), None).unwrap();
    assert!(matches!(made(&module), VaultFault::Exposed { .. }));
    chown(folder.path(), Some(0), None).unwrap();
    // A folder is no module, nor is a pipe.
    let why = made(folder.path()).to_string();
    assert!(why.contains("regular file"), "{why}");
}

/// The attack: whoever can write into the vault's folder names a module of their own.
#[test]
fn a_module_that_was_put_into_store_json_is_not_loaded() {
    let site = Site::new();
    let module: PathBuf = site.path("evil.so");
    fs::write(&module, "code of a stranger").unwrap();
    mode(&module, 0o755);
    let mut bad = read(&store(&site));
    bad["header"]["custody"] = json!({
        "kind": "token", "module": module, "token": "t", "key": "k",
        "nonce": "00".repeat(12), "sealed": "00".repeat(48),
    });
    write(&store(&site), &bad);
    let pin = site.path("pin");
    fs::write(&pin, "4321\n").unwrap();
    mode(&pin, 0o600);
    let secret = Secret::passphrase_file(pin);
    let outcome = folder::open_folder(&site.vault(), &secret, Disk::new()).err();
    let Some(VaultFault::Exposed { path, why }) = outcome else { panic!("{outcome:?}") };
    assert!(path.starts_with("/tmp") && why.contains("its code would run inside"), "{why}");
}

/// The attack through a library of root's: p11-kit loads the modules that its user names, and the vault's user has its own folder for
/// a home. Any library of root's stands for it here.
#[test]
fn a_library_of_roots_that_nobody_named_a_module_is_not_loaded() {
    let site = Site::new();
    let usual = ["/usr/lib/x86_64-linux-gnu/libp11-kit.so.0", "/lib/x86_64-linux-gnu/libc.so.6"];
    let libraries = usual.map(PathBuf::from).into_iter().filter(|path| path.exists());
    let libraries: Vec<PathBuf> = libraries.collect();
    if libraries.is_empty() {
        eprintln!("LEFT OUT: no library of root's is where Debian has it");
        return;
    }
    for module in libraries {
        let mut bad = read(&store(&site));
        bad["header"]["custody"] = json!({
            "kind": "token", "module": module, "token": "t", "key": "k",
            "nonce": "00".repeat(12), "sealed": "00".repeat(48),
        });
        write(&store(&site), &bad);
        let pin = site.path("pin");
        fs::write(&pin, "4321\n").unwrap();
        mode(&pin, 0o600);
        let outcome =
            folder::open_folder(&site.vault(), &Secret::passphrase_file(pin), Disk::new());
        let Some(VaultFault::Exposed { why, .. }) = outcome.err() else { panic!("it was loaded") };
        assert!(why.contains("root did not name it"), "{why}");
    }
}
