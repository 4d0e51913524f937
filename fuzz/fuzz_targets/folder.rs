//! The files of a vault's folder, one of them exchanged: `store.json`, `vault.toml` or the log. Opening
//! ends in an error or in a vault, and the log's verification in a verdict.
#![no_main]

use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf, sync::OnceLock};

use libfuzzer_sys::fuzz_target;
use minster_vault::{
    custody::{Secret, Wanted},
    disk::Disk,
    folder::{self, Plan},
    log,
};

fn site() -> &'static PathBuf {
    static SITE: OnceLock<PathBuf> = OnceLock::new();
    SITE.get_or_init(|| {
        let root = tempfile::tempdir().unwrap().keep();
        let custody = Wanted::KeyFile(root.join("key"));
        let plan = Plan { custody: &custody, purposes: vec![], custodians: vec![] };
        folder::init(&root.join("vault"), &plan, &Disk::new()).unwrap();
        root
    })
}

fuzz_target!(|bytes: &[u8]| {
    let Some((&which, text)) = bytes.split_first() else { return };
    let name = ["store.json", "vault.toml", "log.jsonl"][usize::from(which) % 3];
    let vault = site().join("vault");
    let saved: Vec<(PathBuf, Vec<u8>)> = ["store.json", "vault.toml", "log.jsonl"]
        .map(|name| vault.join(name))
        .into_iter()
        .map(|path| (path.clone(), fs::read(&path).unwrap()))
        .collect();
    fs::write(vault.join(name), text).unwrap();
    let _ = log::verify(&vault.join("log.jsonl"), None);
    let secret = Secret::key_file(site().join("key"));
    drop(folder::open_folder(&vault, &secret, Disk::new()));
    for (path, bytes) in saved {
        fs::write(&path, bytes).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }
});
