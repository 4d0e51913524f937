//! Any sequence of requests, in any role: an answer or a denial to each, and the log stays whole.
#![no_main]

use std::{path::PathBuf, sync::OnceLock};

use libfuzzer_sys::fuzz_target;
use minster_vault::{
    custody::{Secret, Wanted},
    disk::Disk,
    folder::{self, Plan},
    purposes::PurposeDefinition,
    session::Session,
    vault::Vault,
};
use minster_vault_api::{Request, frame};

const PURPOSE: &str = "[[purpose]]\nname = \"p\"\ntext = \"t\"\nlegal_basis = \"b\"\nsources = [\"s\"]\n\
    roles = [\"ingest\", \"linker\", \"analyst\", \"custodian\", \"auditor\"]\n\
    budget = { run = 1000, day = 1000 }\nexpires = \"2099-01-01\"\n";

fn vault() -> &'static (Vault, PathBuf) {
    static VAULT: OnceLock<(Vault, PathBuf)> = OnceLock::new();
    VAULT.get_or_init(|| {
        let root = tempfile::tempdir().unwrap().keep();
        let custody = Wanted::KeyFile(root.join("key"));
        let purposes = PurposeDefinition::parse_all(PURPOSE, "p".as_ref()).unwrap();
        let plan = Plan { custody: &custody, purposes, custodians: vec![] };
        folder::init(&root.join("vault"), &plan, &Disk::new()).unwrap();
        let secret = Secret::key_file(root.join("key"));
        let opened = folder::open_folder(&root.join("vault"), &secret, Disk::new()).unwrap();
        (Vault::new(opened, None).unwrap(), root.join("vault/log.jsonl"))
    })
}

fuzz_target!(|bytes: &[u8]| {
    let (vault, _) = vault();
    let uid = own_uid();
    let mut session = Session::new(vault, uid);
    let mut rest = bytes;
    while let Ok(request) = frame::read::<Request>(&mut rest) {
        let _ = session.answer(request);
    }
});

/// The uid that `init` gave all roles to: the owner of the log.
fn own_uid() -> u32 {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(&vault().1).map_or(0, |log| log.uid())
}
