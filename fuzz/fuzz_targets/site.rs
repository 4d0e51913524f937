//! A vault to talk to, of one purpose.

use std::{os::unix::fs::MetadataExt, sync::OnceLock};

use minster_vault::{
    custody::{Secret, Wanted},
    disk::Disk,
    folder::{self, Plan},
    purposes,
    vault::Vault,
};

const PURPOSE: &str = "[[purpose]]\nname = \"p\"\ntext = \"t\"\nlegal_basis = \"b\"\n\
        notice = { version = 1, day = \"2026-09-01\", sentence = \"We count children.\" }\naudiences = [\"council-teams\", \"partners\", \"public\"]\nsources = [\"s\"]\nkinds = [\"upn\"]\n\
    roles = [\"ingest\", \"linker\", \"analyst\", \"custodian\", \"auditor\"]\n\
    budget = { run = 1000, day = 1000 }\nexpires = \"2099-01-01\"\n";

/// The vault, and the uid that `init` gave all roles to: its log's owner.
pub fn site() -> &'static (Vault, u32) {
    static SITE: OnceLock<(Vault, u32)> = OnceLock::new();
    SITE.get_or_init(|| {
        let root = tempfile::tempdir().unwrap().keep();
        let custody = Wanted::KeyFile(root.join("key"));
        let purposes = purposes::parse_all(PURPOSE, "p".as_ref()).unwrap();
        let plan = Plan { custody: &custody, purposes, custodians: vec![] };
        folder::init(&root.join("vault"), &plan, &Disk::new()).unwrap();
        let secret = Secret::key_file(root.join("key"));
        let opened = folder::open_folder(&root.join("vault"), &secret, Disk::new()).unwrap();
        let uid = std::fs::metadata(root.join("vault/log.jsonl")).unwrap().uid();
        (Vault::new(opened, None, true).unwrap(), uid)
    })
}
