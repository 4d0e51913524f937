//! The audited installation: places, versions, hashes, and the vault's statement about itself.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs::{self, File},
    os::unix::fs::MetadataExt,
    process::Command,
};

use serde::{Deserialize, Serialize};

use crate::{
    checks::packages::{PROGRAMS, sha256},
    site::Site,
};

/// The installation, as the auditor found it.
#[derive(Debug, Serialize, Deserialize, PartialEq, Eq)]
pub(crate) struct Installation {
    /// The pipeline's configuration.
    pub(crate) config: String,
    /// SHA-256 of it.
    pub(crate) config_sha256: Option<String>,
    pub(crate) store: String,
    pub(crate) purpose: String,
    /// The user who audited.
    pub(crate) auditor_uid: u32,
    /// The vault, where it answers.
    pub(crate) vault: Option<Vault>,
    pub(crate) programs: BTreeMap<String, Program>,
}

/// The vault's statement about itself.
#[derive(Debug, Serialize, Deserialize, PartialEq, Eq)]
pub(crate) struct Vault {
    pub(crate) store_id: String,
    /// The key that verifies its signatures.
    pub(crate) verifier: String,
    pub(crate) custody: String,
    pub(crate) custodians: Vec<String>,
    /// Its purposes, each with the version of its keys and its last day.
    pub(crate) purposes: BTreeMap<String, String>,
}

/// A program.
#[derive(Debug, Serialize, Deserialize, PartialEq, Eq)]
pub(crate) struct Program {
    pub(crate) path: String,
    /// As it says itself.
    pub(crate) version: Option<String>,
    pub(crate) sha256: Option<String>,
    /// Mode, uid and gid.
    pub(crate) standing: Option<String>,
}

impl Installation {
    pub(super) fn of(site: &Site) -> Self {
        let config = &site.arguments.config;
        let status = site.vault().and_then(|mut vault| vault.status()).ok();
        let vault = status.map(|status| Vault {
            store_id: status.store_id,
            verifier: status.verifier,
            custody: status.custody,
            custodians: status.custodians,
            purposes: status
                .purposes
                .into_iter()
                .map(|of| {
                    let last = of.expires.unwrap_or_else(|| "without an end".to_owned());
                    (
                        of.purpose.to_string(),
                        format!("keys of version {}, until {last}", of.key_version),
                    )
                })
                .collect(),
        });
        let whole = config.canonicalize().unwrap_or_else(|_| config.clone());
        Self {
            config: whole.display().to_string(),
            config_sha256: File::open(config).and_then(sha256).ok(),
            store: site.pipeline.store.display().to_string(),
            purpose: site.pipeline.purpose.to_string(),
            auditor_uid: rustix::process::geteuid().as_raw(),
            vault,
            programs: PROGRAMS
                .iter()
                .map(|name| ((*name).to_owned(), Program::of(site, name)))
                .collect(),
        }
    }

    /// For people.
    pub(super) fn text(&self, time: &str) -> String {
        let mut text = format!("Audit of {time}, by uid {}\n", self.auditor_uid);
        let Self { config, store, purpose, .. } = self;
        let _ = writeln!(text, "  {config}: purpose {purpose}, store {store}");
        match &self.vault {
            Some(vault) => {
                let _ = writeln!(text, "  vault {}, opened by {}", vault.verifier, vault.custody);
            }
            None => {
                let _ = writeln!(text, "  the vault does not answer this user");
            }
        }
        for (name, Program { version, sha256, .. }) in &self.programs {
            let version = version.as_deref().unwrap_or(name);
            let sha256 = sha256.as_deref().unwrap_or("not read");
            let _ = writeln!(text, "  {version}: SHA-256 {sha256}");
        }
        text
    }

    /// The differences from before.
    pub(super) fn changes(&self, before: &Self) -> Vec<String> {
        let mut changes = Vec::new();
        let mut compare = |what: &str, was: Option<&str>, is: Option<&str>| {
            if was != is {
                let shown = |of: Option<&str>| of.unwrap_or("not known").to_owned();
                changes.push(format!("{what}: {} then, {} now", shown(was), shown(is)));
            }
        };
        compare("the configuration", Some(&before.config), Some(&self.config));
        compare(
            "the configuration's SHA-256",
            before.config_sha256.as_deref(),
            self.config_sha256.as_deref(),
        );
        compare("the store", Some(&before.store), Some(&self.store));
        compare("the purpose", Some(&before.purpose), Some(&self.purpose));
        let uids = [before, self].map(|of| of.auditor_uid.to_string());
        compare("the auditor's uid", Some(&uids[0]), Some(&uids[1]));
        for (what, of) in VAULT {
            let [was, is] = [before, self].map(|one| one.vault.as_ref().map(of));
            compare(what, was.as_deref(), is.as_deref());
        }
        let none = BTreeMap::new();
        let purposes =
            [before, self].map(|one| one.vault.as_ref().map_or(&none, |vault| &vault.purposes));
        let names: std::collections::BTreeSet<&String> =
            purposes.iter().flat_map(|of| of.keys()).collect();
        for name in names {
            let [was, is] = purposes.map(|of| of.get(name).map(String::as_str));
            compare(&format!("the purpose {name}"), was, is);
        }
        for (name, program) in &self.programs {
            let was = before.programs.get(name);
            compare(
                &format!("{name}'s version"),
                was.and_then(|of| of.version.as_deref()),
                program.version.as_deref(),
            );
            compare(
                &format!("{name}'s SHA-256"),
                was.and_then(|of| of.sha256.as_deref()),
                program.sha256.as_deref(),
            );
            compare(
                &format!("{name}'s mode and owner"),
                was.and_then(|of| of.standing.as_deref()),
                program.standing.as_deref(),
            );
        }
        changes
    }
}

/// A fact about the vault, as text.
type OfVault = fn(&Vault) -> String;

/// The compared parts of the vault.
const VAULT: [(&str, OfVault); 4] = [
    ("the vault's name", |vault| vault.store_id.clone()),
    ("the vault's key", |vault| vault.verifier.clone()),
    ("the vault's custody", |vault| vault.custody.clone()),
    ("the custodians", |vault| vault.custodians.join(", ")),
];

impl Program {
    fn of(site: &Site, name: &str) -> Self {
        let path = site.program(name);
        let standing = fs::metadata(&path).ok();
        let standing = standing
            .map(|of| format!("mode {:o}, uid {}, gid {}", of.mode() & 0o7777, of.uid(), of.gid()));
        let told = Command::new(&path).arg("--version").output().ok();
        let told = told.filter(|output| output.status.success());
        let version = told.and_then(|output| {
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            text.lines().next().map(str::to_owned)
        });
        let sha256 = File::open(&path).and_then(sha256).ok();
        Self { path: path.display().to_string(), version, sha256, standing }
    }
}
