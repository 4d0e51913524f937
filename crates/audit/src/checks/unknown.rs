//! Files in the store that nothing accounts for: each is named by a manifest, or is one of the store's own, at its place.

use std::{
    collections::BTreeMap,
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use minster_store::{StoreError, StoredDataset};
use serde_json::Value;

use crate::{
    check::{Check, Gathered, quoted},
    site::Site,
};

use super::{events, leakage::safe_path, packages};

/// Named at most; the rest is counted.
const TOLD: usize = 20;

pub(super) fn check(site: &Site, standing: &Result<Vec<StoredDataset>, StoreError>) -> Check {
    let store = &site.pipeline.store;
    let by_hand = format!(
        "find {} -type f -o -type l: each is a manifest.json, is named by the manifest.json beside it, is refusals.json, is a file of drafts, ledger or runs, or is an archive that `minster-vault archive list` names",
        quoted(store)
    );
    let title = "Every file of the store is named by a manifest, or is one of the store's own";
    let mut check = Check::begin("store.unknown", title, by_hand);
    match standing {
        Err(error) => check.unread_store(error),
        Ok(standing) => {
            let archives = match events::read(site) {
                Ok(events) => Some(events.archives),
                Err(why) => {
                    if store.join("archive").exists() {
                        check.missing(format!("whether each sealed archive is the log's: {why}"));
                    }
                    None
                }
            };
            let mut known = Known {
                root: store,
                standing,
                archives,
                unknown: Vec::new(),
                changed: Vec::new(),
                seen: 0,
                unfinished: Vec::new(),
            };
            known.look(store, &mut check);
            known.tell(&mut check);
        }
    }
    check.end()
}

struct Known<'a> {
    root: &'a Path,
    standing: &'a [StoredDataset],
    /// The sealed archives of the log that were not found yet, by purpose and list; none where there is no log to read.
    archives: Option<BTreeMap<(String, String), String>>,
    /// Archives that are not what the log says.
    changed: Vec<PathBuf>,
    unknown: Vec<PathBuf>,
    seen: u64,
    unfinished: Vec<PathBuf>,
}

impl Known<'_> {
    fn look(&mut self, folder: &Path, check: &mut Gathered) {
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return,
            Err(error) => return check.unread(folder.display(), &error),
        };
        let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        paths.sort();
        for path in paths {
            let Ok(metadata) = fs::symlink_metadata(&path) else { continue };
            if metadata.is_dir() {
                self.look(&path, check);
            } else {
                self.seen += 1;
                if !self.is_known(&path, metadata.is_symlink()) {
                    self.unknown.push(path);
                }
            }
        }
    }

    fn is_known(&mut self, path: &Path, is_link: bool) -> bool {
        let Ok(within) = path.strip_prefix(self.root) else { return false };
        let parts: Vec<&str> =
            within.iter().map(|part| part.to_str().unwrap_or_default()).collect();
        match parts.as_slice() {
            ["lock" | "refusals.json"] => !is_link,
            // A run writes here, and nobody else; the next one sweeps what it left.
            ["staging", ..] => {
                self.unfinished.push(path.to_owned());
                true
            }
            ["datasets", _, _, _, "current" | "current.next"] => is_link,
            ["datasets", _, _, _, "next", _] => {
                self.unfinished.push(path.to_owned());
                !is_link
            }
            ["datasets", _, _, _, _, file] => !is_link && self.of_dataset(path, file),
            ["releases", _, _, "current" | "current.next"] => is_link,
            ["releases", _, _, "WITHDRAWN.txt"] => !is_link,
            ["releases", _, _, version, file] => {
                !is_link && version.starts_with("r-") && of_release(path, file)
            }
            ["drafts", _, file] => {
                !is_link && (ends(file, ".json") || ends(file, ".entry")) && object(path).is_some()
            }
            ["ledger", _, file] => !is_link && ends(file, ".json"),
            ["archive", purpose, file] => !is_link && self.of_log(path, purpose, file),
            ["runs", file] => !is_link && is_record(path, file),
            _ => false,
        }
    }

    /// Named by the manifest of the dataset in whose folder it is; a manifest of the first format names none.
    fn of_dataset(&self, path: &Path, file: &str) -> bool {
        let folder = path.parent();
        let stored = self.standing.iter().find(|one| Some(one.folder.as_path()) == folder);
        match stored.map(|one| &one.manifest) {
            Some(Ok(_)) if file == "manifest.json" => true,
            Some(Ok(manifest)) if manifest.files.is_empty() => {
                let table = file.strip_suffix(".parquet");
                manifest.tables.iter().any(|of| Some(of.name.as_str()) == table)
                    || file.starts_with("quarantine")
            }
            Some(Ok(manifest)) => manifest.files.iter().any(|of| of.name == file),
            _ => false,
        }
    }

    /// Named by the vault's log, as it is.
    fn of_log(&mut self, path: &Path, purpose: &str, file: &str) -> bool {
        let list = file.strip_suffix(".age").unwrap_or_default();
        let Some(archives) = &mut self.archives else { return true };
        let told = archives.remove(&(purpose.to_owned(), list.to_owned()));
        let Some(sha256) = told else { return false };
        if fs::File::open(path).and_then(packages::sha256).ok() != Some(sha256) {
            self.changed.push(path.to_owned());
        }
        true
    }

    fn tell(&self, check: &mut Gathered) {
        for path in &self.changed {
            check.wrong(format!(
                "{}: it is not the sealed archive that the vault's log names; put that one back from a copy",
                safe_path(path)
            ));
        }
        for (purpose, list) in self.archives.iter().flat_map(BTreeMap::keys) {
            check.wrong(format!(
                "the sealed archive {list} of {purpose} is not in the store, and the vault's log names it; put it back from a copy"
            ));
        }
        for path in self.unknown.iter().take(TOLD) {
            check.wrong(format!(
                "{}: no manifest names it, and it is none of the store's own files",
                safe_path(path)
            ));
        }
        if self.unknown.len() > TOLD {
            check.wrong(format!("and {} more such files", self.unknown.len() - TOLD));
        }
        check.fine(format!("{} files of the store, {} of them not", self.seen, self.unknown.len()));
        // The lock is looked at first: a run that ends meanwhile has taken its files away.
        let locked = is_locked(&self.root.join("lock"));
        let standing = self.unfinished.iter().filter(|path| path.exists());
        let standing: Vec<&PathBuf> = standing.collect();
        let unfinished = standing.len();
        match (unfinished, locked) {
            (0, _) => {}
            (_, Ok(true)) => check.note(format!("{unfinished} files are a run's that goes on")),
            (_, Ok(false)) => {
                for path in standing.into_iter().take(TOLD) {
                    check.wrong(format!(
                        "{}: it is unfinished, and no run is under way: a killed run left it, or somebody put it there; the next run removes it",
                        safe_path(path)
                    ));
                }
                if unfinished > TOLD {
                    check.wrong(format!("and {} more such files", unfinished - TOLD));
                }
            }
            (_, Err(error)) => check.missing(format!(
                "{unfinished} files are unfinished, and whether a run is under way cannot be seen: /proc/locks: {error}"
            )),
        }
    }
}

/// Whether a run holds the store's lock, as the system tells it: the lock itself is left alone, so that no run meets the audit there.
/// A line has the lock's file in its sixth place, `major:minor:inode` (`proc_locks(5)`).
fn is_locked(path: &Path) -> io::Result<bool> {
    let inode = match fs::metadata(path) {
        Ok(metadata) => metadata.ino(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    let locks = fs::read_to_string("/proc/locks")?;
    let of = |line: &str| line.split_whitespace().nth(5)?.rsplit(':').next()?.parse::<u64>().ok();
    Ok(locks.lines().filter_map(of).any(|locked| locked == inode))
}

/// The record of a run, under its own name.
fn is_record(path: &Path, file: &str) -> bool {
    let word = |record: &Value, key: &str| record.get(key)?.as_str().map(str::to_owned);
    object(path).is_some_and(|record| {
        let named = word(&record, "run").zip(word(&record, "program"));
        named.is_some_and(|(run, program)| file == format!("{run}.{program}.json"))
    })
}

fn object(path: &Path) -> Option<Value> {
    let value: Value = serde_json::from_slice(&fs::read(path).ok()?).ok()?;
    value.is_object().then_some(value)
}

fn ends(file: &str, end: &str) -> bool {
    file.len() > end.len() && file.ends_with(end)
}

/// Named by the manifest beside it.
fn of_release(path: &Path, file: &str) -> bool {
    if file == "manifest.json" {
        return true;
    }
    let manifest = fs::read(path.with_file_name("manifest.json"));
    let manifest: Option<Value> =
        manifest.ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
    manifest.is_some_and(|manifest| names(&manifest, file))
}

/// Whether a manifest names a file, wherever in it; a table's files are named after it.
fn names(manifest: &Value, file: &str) -> bool {
    let is_it = |name: &str| {
        name == file || [".csv", ".parquet"].iter().any(|end| file.strip_suffix(end) == Some(name))
    };
    match manifest {
        Value::String(name) => is_it(name),
        Value::Array(values) => values.iter().any(|value| names(value, file)),
        Value::Object(values) => values.values().any(|value| names(value, file)),
        _ => false,
    }
}
