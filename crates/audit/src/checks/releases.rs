//! Releases that readers see, against the vault's log: somebody let each out, and nobody withdrew it since.

use std::{
    fs,
    path::{Path, PathBuf},
};

use minster_store::Release;
use serde_json::Value;

use super::{events, leakage::safe_path};
use crate::{
    check::{Check, Gathered, quoted},
    site::Site,
};

pub(super) fn begin(log: &str) -> Gathered {
    let title =
        "Every release that readers see was let out in the vault's log, and not withdrawn since";
    let by_hand = format!(
        "minster-vault log verify --json --log {log}; compare with the names of the folders that `current` names"
    );
    Check::begin("log.releases", title, by_hand)
}

/// Compares the releases of a store with what the log says was let out and withdrawn.
pub(super) fn compare(store: &Path, verified: &Value, check: &mut Gathered) {
    let publications = verified["log"]["publications"].as_array().cloned().unwrap_or_default();
    let Some(releases) = current(store, check) else { return };
    for Current { name, period, folder } in &releases {
        let called = format!("{name} of {period}");
        let Some(sha256) = sha256_of(folder) else {
            check.wrong(format!("{called}: a file of it is gone, or one stands there that its manifest does not name"));
            continue;
        };
        let is_it = |of: &&Value| {
            of["release"] == name.as_str()
                && of["period"] == period.as_str()
                && of["sha256"] == sha256.as_str()
        };
        match publications.iter().rfind(is_it).map(|of| of["what"] == "let-out") {
            Some(true) => {}
            Some(false) => check.wrong(format!("{called}: it was withdrawn, and is current")),
            None => check.wrong(format!("{called}: the log does not say that it was let out")),
        }
    }
    let let_out = publications.iter().filter(|of| of["what"] == "let-out").count();
    check.fine(format!("{} current releases; {let_out} were let out, by the log", releases.len()));
}

/// A release that readers see.
pub(super) struct Current {
    pub(super) name: String,
    pub(super) period: String,
    pub(super) folder: PathBuf,
}

/// The releases of a store that readers see; none where a folder is closed to this user, which is not an empty one: the check is told.
pub(super) fn current(store: &Path, check: &mut Gathered) -> Option<Vec<Current>> {
    let releases = store.join("releases");
    for folder in [store, &releases] {
        match fs::read_dir(folder) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && folder != store => {}
            Err(error) => {
                check.unread(folder.display(), &error);
                return None;
            }
            Ok(_) => {}
        }
    }
    let mut all = Vec::new();
    for release in folders(&releases) {
        for of in folders(&release) {
            let (name, period, folder) = (last(&release), last(&of), of.join("current"));
            if fs::symlink_metadata(&folder).is_ok() {
                all.push(Current { name, period, folder });
            }
        }
    }
    Some(all)
}

/// How the name of a withdrawal ends, beside the entry that it withdraws.
const WITHDRAWN: &str = ".withdrawn.json";

/// The ledger of releases against the log: no entry that the log does not know, and none missing that it announced.
pub(super) fn ledger(site: &Site) -> Check {
    let folder = site.pipeline.store.join("ledger");
    let title =
        "The ledger of releases has the entries that the vault's log announced, and no other";
    let by_hand = format!(
        "sha256sum {}/*/*.json; grep '\"event\":\"let-out\"' log.jsonl: each hash is the `entry` of a line, and each `entry` has its file",
        quoted(&folder)
    );
    let mut check = Check::begin("log.ledger", title, by_hand);
    let events = match events::read(site) {
        Ok(events) => events,
        Err(why) => {
            check.missing(why);
            return check.end();
        }
    };
    if let Err(error) = fs::read_dir(&site.pipeline.store) {
        check.unread(site.pipeline.store.display(), &error);
        return check.end();
    }
    let mut standing = std::collections::BTreeSet::new();
    let (mut entries, mut withdrawals, mut old) = (0, 0, 0);
    for period in folders(&folder) {
        for path in files(&period) {
            let Some(bytes) = Site::read(&path, &mut check) else { continue };
            let name = last(&path);
            if name.ends_with(WITHDRAWN) {
                withdrawals += 1;
                let told: Value = serde_json::from_slice(&bytes).unwrap_or_default();
                if !told["sha256"].as_str().is_some_and(|sha256| events.withdrawn.contains(sha256))
                {
                    check.wrong(format!("{}: the log knows no such withdrawal", safe_path(&path)));
                }
                continue;
            }
            entries += 1;
            let sha256 = minster_store::sha256_hex(&bytes);
            match events.announced.contains(&sha256) {
                true => drop(standing.insert(sha256)),
                // A program of an earlier release announced the release, and said nothing of its entry.
                false if events.without_entry > old => old += 1,
                false => check.wrong(format!(
                    "{}: it was changed, or the log never had such an entry",
                    safe_path(&path)
                )),
            }
        }
    }
    let gone = events.let_out.difference(&standing).count();
    if gone > 0 {
        check.wrong(format!("{gone} entries that the log announced are gone from the ledger"));
    }
    if old > 0 {
        check.note(format!("{old} entries are of releases that an earlier release of the programs let out: the log has no hash of them"));
    }
    check.fine(format!("{entries} entries of releases, {withdrawals} withdrawals"));
    check.end()
}

/// SHA-256 of a release's files as they are; none where one is missing.
fn sha256_of(folder: &Path) -> Option<String> {
    let files = Release::files_in(folder)?;
    // A file that the manifest does not name goes to readers as well: nobody let it out.
    let entries = fs::read_dir(folder).ok()?.count();
    (entries == files.len()).then(|| Release::sha256_of(&files))
}

/// Files in a folder, in order; links are none.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let is_file = |entry: &fs::DirEntry| entry.file_type().is_ok_and(|kind| kind.is_file());
    let mut files: Vec<PathBuf> = entries.filter(is_file).map(|entry| entry.path()).collect();
    files.sort();
    files
}

/// Folders in a folder, in order; links are none.
fn folders(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let is_folder = |entry: &fs::DirEntry| entry.file_type().is_ok_and(|kind| kind.is_dir());
    let mut folders: Vec<PathBuf> = entries.filter(is_folder).map(|entry| entry.path()).collect();
    folders.sort();
    folders
}

fn last(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
