//! The end of a purpose in the store: all that it has of the purpose is found, written down, removed, and told.
//!
//! All that is found is written down before the first of it is removed, so that a program that is killed in between has not lost the count:
//! run again, it adds what it finds to what it had found.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use minster_model::{DatasetRef, Purpose};
use minster_vault_api::{RemovedDataset, RemovedFiles, StoreRemoval};
use serde::{Deserialize, Serialize};

use crate::{Manifest, Store, StoreError, files::MANIFEST, records::NEXT, sha256_hex, within};

/// The file in which it is written down.
const FILE: &str = "ending.json";
const FORMAT: u32 = 1;
const RUNS: &str = "records of runs";
const DRAFTS: &str = "drafts";
const ARCHIVES: &str = "sealed archives";

/// The things found so far, by the names under which it is told.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Found {
    format: u32,
    /// The proposal that two custodians approved.
    proposal: String,
    datasets: Vec<FoundDataset>,
    /// SHA-256 of other files, by kind and name.
    files: BTreeMap<String, BTreeMap<String, String>>,
}

/// A dataset, and the hashes of the manifests of all its snapshots.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FoundDataset {
    dataset: DatasetRef,
    /// The hash of the manifest that stood; empty where none did.
    stood: String,
    /// The hash of one that waited to be put in its place; empty where none did.
    #[serde(default)]
    waiting: String,
    rows: u64,
    manifests: BTreeSet<String>,
}

/// The things to be removed now.
#[derive(Debug, Default)]
struct Scan {
    found: Found,
    /// Folders of snapshots and of whole datasets, and files.
    paths: BTreeSet<PathBuf>,
    /// Links to a snapshot that goes, beside others that stand.
    links: BTreeSet<PathBuf>,
    unread: u64,
    drafts: u64,
}

/// The snapshots in one place of the store.
struct Snapshots {
    place: PathBuf,
    current: Option<PathBuf>,
    /// The purpose's own, with the manifest of each and its hash.
    own: Vec<(PathBuf, Manifest, String)>,
    /// Those whose manifest cannot be read.
    unread: Vec<PathBuf>,
    /// Whether there are another purpose's.
    others: bool,
}

/// The draft's words about the data that it was made from.
#[derive(Deserialize)]
struct MadeFrom {
    dataset_sha256: String,
}

impl Store {
    /// Removes all that the store has of a purpose, and gives what was removed since the end began. Releases and their ledger stand: they
    /// hold what the public has. Killed at any moment, it goes on when it is run again. The caller holds the run lock, tells the vault, and
    /// then calls [`Store::forget_ending`].
    ///
    /// # Errors
    /// Where something cannot be read or removed; [`StoreError::Manifest`] where the list of what was found is none.
    pub fn end_purpose(
        &self,
        purpose: &Purpose,
        proposal: &str,
    ) -> Result<StoreRemoval, StoreError> {
        let before = self.found_before(proposal)?;
        // Drafts are told by datasets, which may be gone by now.
        let gone: BTreeSet<String> =
            before.datasets.iter().flat_map(|of| &of.manifests).cloned().collect();
        let Scan { mut found, paths, links, unread, drafts } = self.scan(purpose, &gone)?;
        found.add(before);
        (found.format, found.proposal) = (FORMAT, proposal.to_owned());
        self.write_found(&found)?;
        for link in &links {
            self.disk().remove(link)?;
        }
        for (at, path) in paths.iter().enumerate() {
            self.remove_for_good(path, at)?;
        }
        let left = self.scan(purpose, &gone)?;
        if let Some(path) = left.paths.first() {
            return Err(StoreError::Manifest {
                path: path.clone(),
                why: "came into the store meanwhile, and is of a purpose that ends".into(),
            });
        }
        Ok(found.told(unread, drafts))
    }

    /// Forgets what was found of a purpose that ended, once the vault was told.
    ///
    /// # Errors
    /// The system's.
    pub fn forget_ending(&self) -> Result<(), StoreError> {
        let path = self.root().join(FILE);
        if path.exists() { self.disk().remove(&path) } else { Ok(()) }
    }

    fn found_before(&self, proposal: &str) -> Result<Found, StoreError> {
        let path = self.root().join(FILE);
        if !path.exists() {
            return Ok(Found::default());
        }
        let wrong = |why: String| StoreError::Manifest { path: path.clone(), why };
        let found: Found = serde_json::from_slice(&within::read(self.root(), &path)?)
            .map_err(|error| wrong(format!("is no list of what was found: {error}")))?;
        match found.format == FORMAT && found.proposal == proposal {
            true => Ok(found),
            false => Err(wrong(format!(
                "is of another end of a purpose, {}: finish that one first",
                found.proposal
            ))),
        }
    }

    fn write_found(&self, found: &Found) -> Result<(), StoreError> {
        let path = self.root().join(FILE);
        let text = serde_json::to_vec_pretty(found)
            .map_err(|error| StoreError::Manifest { path: path.clone(), why: error.to_string() })?;
        self.replace(&path, &text)
    }

    fn remove_for_good(&self, path: &Path, at: usize) -> Result<(), StoreError> {
        if path.is_dir() {
            return self.remove_aside(path, &format!("ended.{at}"));
        }
        within::check(self.root(), path.parent().unwrap_or(path))?;
        self.disk().remove(path)
    }

    /// Finds what there is now. `gone` are the manifests of datasets that were removed before.
    fn scan(&self, purpose: &Purpose, gone: &BTreeSet<String>) -> Result<Scan, StoreError> {
        let mut scan = Scan::default();
        let mut made_from = gone.clone();
        let mut others = false;
        for place in self.places()? {
            let snapshots = self.snapshots(place, purpose)?;
            others |= snapshots.others || !snapshots.unread.is_empty();
            scan.add(snapshots, &mut made_from);
        }
        self.scan_runs(purpose, &mut scan)?;
        for name in self.archive_files(purpose)? {
            scan.add_file(self, ARCHIVES, name)?;
        }
        self.scan_drafts((&made_from, others), &mut scan)?;
        Ok(scan)
    }

    fn snapshots(&self, place: PathBuf, purpose: &Purpose) -> Result<Snapshots, StoreError> {
        let current = within::link(self.root(), &place.join("current"))?;
        let (mut own, mut unread, mut others) = (Vec::new(), Vec::new(), false);
        for folder in within::entries(self.root(), &place)? {
            if !fs::symlink_metadata(&folder).is_ok_and(|of| of.is_dir()) {
                continue;
            }
            match Manifest::read(self.root(), &folder.join(MANIFEST)) {
                Ok((manifest, sha256)) if manifest.dataset.purpose == *purpose => {
                    own.push((folder, manifest, sha256));
                }
                Ok(_) => others = true,
                Err(_) => unread.push(folder),
            }
        }
        Ok(Snapshots { current: current.map(|name| place.join(name)), place, own, unread, others })
    }

    /// Records of runs have exact counts of rows, by delivery and reason.
    fn scan_runs(&self, purpose: &Purpose, scan: &mut Scan) -> Result<(), StoreError> {
        for record in self.runs()?.into_iter().filter(|record| record.purpose == *purpose) {
            let name = format!("runs/{}.{}.json", record.run, record.program);
            scan.add_file(self, RUNS, name)?;
        }
        Ok(())
    }

    /// A draft names the dataset that it was made from. Where that is gone, it is the purpose's if no other has a dataset here.
    fn scan_drafts(
        &self,
        (made_from, others): (&BTreeSet<String>, bool),
        scan: &mut Scan,
    ) -> Result<(), StoreError> {
        let drafts = self.drafts_folder();
        for period in within::entries(self.root(), &drafts)? {
            for path in within::entries(self.root(), &period)? {
                let bytes = within::read(self.root(), &path)?;
                let from: Option<MadeFrom> = serde_json::from_slice(&bytes).ok();
                let is_its = from.is_some_and(|of| made_from.contains(&of.dataset_sha256));
                match is_its || !others {
                    true => {
                        let name = path.strip_prefix(self.root()).unwrap_or(&path);
                        scan.add_file(self, DRAFTS, name.to_string_lossy().into_owned())?;
                    }
                    false => scan.drafts += 1,
                }
            }
        }
        Ok(())
    }
}

impl Scan {
    fn add(&mut self, snapshots: Snapshots, made_from: &mut BTreeSet<String>) {
        let Snapshots { place, current, own, unread, others } = snapshots;
        made_from.extend(own.iter().map(|(_, _, sha256)| sha256.clone()));
        // A snapshot that cannot be read may be another purpose's.
        self.unread += unread.len() as u64;
        if own.is_empty() {
            return;
        }
        let others = others || !unread.is_empty();
        for (folder, manifest, sha256) in &own {
            let stands = current.as_ref() == Some(folder);
            let rows = manifest.tables.iter().map(|table| table.rows).sum();
            self.found.add_dataset(FoundDataset {
                dataset: manifest.dataset.clone(),
                stood: if stands { sha256.clone() } else { String::new() },
                waiting: if folder.ends_with(NEXT) { sha256.clone() } else { String::new() },
                rows: if stands { rows } else { 0 },
                manifests: BTreeSet::from([sha256.clone()]),
            });
            if stands && others {
                self.links.insert(place.join("current"));
            }
        }
        match others {
            // All of the place is the purpose's.
            false => drop(self.paths.insert(place)),
            true => self.paths.extend(own.into_iter().map(|(folder, ..)| folder)),
        }
    }

    fn add_file(&mut self, store: &Store, what: &str, name: String) -> Result<(), StoreError> {
        let path = store.root().join(&name);
        let sha256 = sha256_hex(&within::read(store.root(), &path)?);
        self.found.files.entry(what.to_owned()).or_default().insert(name, sha256);
        self.paths.insert(path);
        Ok(())
    }
}

impl Found {
    fn add(&mut self, before: Self) {
        before.datasets.into_iter().for_each(|of| self.add_dataset(of));
        for (what, files) in before.files {
            self.files.entry(what).or_default().extend(files);
        }
    }

    fn add_dataset(&mut self, more: FoundDataset) {
        match self.datasets.iter_mut().find(|of| of.dataset == more.dataset) {
            Some(of) => {
                of.manifests.extend(more.manifests);
                if of.stood.is_empty() {
                    (of.stood, of.rows) = (more.stood, more.rows);
                }
                if of.waiting.is_empty() {
                    of.waiting = more.waiting;
                }
            }
            None => self.datasets.push(more),
        }
    }

    fn told(mut self, unread: u64, drafts: u64) -> StoreRemoval {
        self.datasets.sort_by(|a, b| a.dataset.cmp(&b.dataset));
        let datasets = self.datasets.into_iter().map(|of| {
            let lines: String = of.manifests.iter().map(|sha256| format!("{sha256}\n")).collect();
            RemovedDataset {
                dataset: of.dataset,
                manifest: of.stood,
                waiting: of.waiting,
                rows: of.rows,
                snapshots: of.manifests.len() as u64,
                sha256: sha256_hex(lines.as_bytes()),
            }
        });
        let files = self.files.into_iter().map(|(what, files)| {
            let lines: String =
                files.iter().map(|(name, sha256)| format!("{sha256}  {name}\n")).collect();
            let sha256 = sha256_hex(lines.as_bytes());
            RemovedFiles { what, files: files.len() as u64, sha256 }
        });
        StoreRemoval { datasets: datasets.collect(), files: files.collect(), unread, drafts }
    }
}
