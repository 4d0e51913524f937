//! Releases that readers see, against the vault's log: somebody let each out, and nobody withdrew it since.

use std::{
    fs,
    path::{Path, PathBuf},
};

use minster_store::Release;
use serde_json::Value;

use super::{Check, check::Gathered};

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
    let mut seen = 0;
    for name in folders(&store.join("releases")) {
        for period in folders(&name) {
            let current = period.join("current");
            if fs::symlink_metadata(&current).is_err() {
                continue;
            }
            seen += 1;
            let called = format!("{} of {}", last(&name), last(&period));
            let Some(sha256) = sha256_of(&current) else {
                check.wrong(format!("{called}: it is not whole"));
                continue;
            };
            let is_it = |of: &&Value| {
                of["release"] == last(&name).as_str()
                    && of["period"] == last(&period).as_str()
                    && of["sha256"] == sha256.as_str()
            };
            match publications.iter().rfind(is_it).map(|of| of["what"] == "let-out") {
                Some(true) => {}
                Some(false) => check.wrong(format!("{called}: it was withdrawn, and is current")),
                None => check.wrong(format!("{called}: the log does not say that it was let out")),
            }
        }
    }
    let let_out = publications.iter().filter(|of| of["what"] == "let-out").count();
    check.fine(format!("{seen} current releases; {let_out} were let out, by the log"));
}

/// SHA-256 of a release's files as they are; none where one is missing.
fn sha256_of(folder: &Path) -> Option<String> {
    Some(Release::sha256_of(&Release::files_in(folder)?))
}

/// Folders in a folder, in order; links are none.
pub(super) fn folders(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let is_folder = |entry: &fs::DirEntry| entry.file_type().is_ok_and(|kind| kind.is_dir());
    let mut folders: Vec<PathBuf> = entries.filter(is_folder).map(|entry| entry.path()).collect();
    folders.sort();
    folders
}

pub(super) fn last(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
