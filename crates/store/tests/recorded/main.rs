//! A dataset beside a log of manifests: what the log does not have as the newest is not read, wherever a program was stopped.
#![allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]

mod log;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use arrow::{
    array::{Array, ArrayRef, RecordBatch, StringArray},
    datatypes::{DataType, Field, Schema},
};
use minster_model::{DatasetClass, DatasetRef, KeyVersion, Purpose, exit, pipeline::Retention};
use minster_store::{DatasetKeys, Disk, Manifest, ManifestFault, Origin, Store, StoreError};
use minster_vault_api::VaultError;
use tempfile::TempDir;

use log::Log;

const REPORT: &str = "report.json";
/// The file in which it is locked up.
const LOCKED: &str = "report.json.locked";

/// A store that keeps three snapshots, and its log.
struct Site {
    folder: TempDir,
    log: Log,
}

fn dataset(class: DatasetClass) -> DatasetRef {
    DatasetRef {
        class,
        name: "census".parse().unwrap(),
        period: "2024-25".parse().unwrap(),
        purpose: purpose(),
    }
}

fn purpose() -> Purpose {
    "p".parse().unwrap()
}

fn children() -> DatasetRef {
    dataset(DatasetClass::Integrated)
}

impl Site {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), log: Log::default() }
    }

    fn store(&self) -> Store {
        self.store_on(Disk::default())
    }

    fn store_on(&self, disk: Disk) -> Store {
        let retention = Retention { snapshots: 3, ..Retention::default() };
        Store::open_on(&self.folder.path().join("store"), disk).unwrap().keeping(retention)
    }

    fn place(&self) -> PathBuf {
        self.folder.path().join("store/datasets/integrated/census/2024-25")
    }

    /// The snapshot that stands.
    fn current(&self) -> PathBuf {
        self.place().join(fs::read_link(self.place().join("current")).unwrap())
    }

    fn publish(&mut self, run: &str) -> Result<Manifest, StoreError> {
        self.publish_on(Disk::default(), &children(), run)
    }

    fn publish_on(
        &mut self,
        disk: Disk,
        dataset: &DatasetRef,
        run: &str,
    ) -> Result<Manifest, StoreError> {
        let store = self.store_on(disk);
        let _lock = store.lock()?;
        let (store, _) = store.settled(&purpose(), &mut self.log)?;
        let (key, wrapped) = self.log.create(dataset).unwrap();
        let writer = store.stage(dataset, &run.parse().unwrap(), key, wrapped)?;
        let schema = Arc::new(Schema::new(vec![Field::new("ward", DataType::Utf8, false)]));
        let column: ArrayRef = Arc::new(StringArray::from(vec![run]));
        let mut table = writer.table(&"rows".parse().unwrap(), Arc::clone(&schema))?;
        table.write(&RecordBatch::try_new(schema, vec![column]).unwrap())?;
        let table = table.finish()?;
        writer.locked(REPORT, format!("{{\"run\":\"{run}\"}}").as_bytes())?;
        let origin = Origin::datasets(String::new(), vec![]);
        writer.publish(KeyVersion(1), "check".into(), origin, vec![table], &mut self.log)
    }

    /// The run whose rows are read, as a program reads them that was just started.
    fn read(&mut self) -> Result<String, StoreError> {
        let opened = self.store().dataset(&children(), &mut self.log)?;
        let mut table = opened.table(&"rows".parse().unwrap(), None)?;
        let batch = table.next().unwrap()?;
        let column = batch.column(0).as_any().downcast_ref::<StringArray>().unwrap();
        Ok(column.value(0).to_owned())
    }

    /// Has the store and the log say the same; gives the store and what was said.
    fn settle(&mut self) -> (Store, Vec<String>) {
        let store = self.store();
        let _lock = store.lock().unwrap();
        let (store, settled) = store.settled(&purpose(), &mut self.log).unwrap();
        (store, settled.notes())
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
    }
}

fn fault(outcome: Result<String, StoreError>) -> ManifestFault {
    match outcome {
        Err(StoreError::NotRecorded { fault, .. }) => fault,
        Err(other) => panic!("{other}"),
        Ok(run) => panic!("the rows of {run} are read"),
    }
}

#[test]
fn an_older_snapshot_in_the_place_of_the_newest_is_not_read() {
    let mut site = Site::new();
    site.publish("r1").unwrap();
    let older = site.folder.path().join("older");
    copy(&site.current(), &older);
    site.publish("r2").unwrap();
    assert_eq!(site.read().unwrap(), "r2");
    let current = site.current();
    fs::remove_dir_all(&current).unwrap();
    copy(&older, &current);
    let error = site.read().unwrap_err();
    assert_eq!(error.exit_code(), exit::PUBLISH);
    let said = error.to_string();
    for word in ["integrated/census/2024-25 for p", "an older snapshot", "put the newest", "docs/"]
    {
        assert!(said.contains(word), "{word}: {said}");
    }
    assert_eq!(fault(site.read()), ManifestFault::Older);
    let (store, notes) = site.settle();
    assert!(notes[0].contains("is not what the vault's log says"), "{notes:?}");
    let error = store.manifest(&children()).unwrap_err();
    assert!(matches!(error, StoreError::NotRecorded { fault: ManifestFault::Other, .. }));
    // Made anew, it is read again, and nothing is said any more.
    site.publish("r3").unwrap();
    assert_eq!((site.read().unwrap(), site.settle().1), ("r3".to_owned(), vec![]));
}

#[test]
fn a_link_to_an_older_snapshot_is_not_followed_and_is_mended_aloud() {
    let mut site = Site::new();
    site.publish("r1").unwrap();
    site.publish("r2").unwrap();
    let link = site.place().join("current");
    fs::remove_file(&link).unwrap();
    std::os::unix::fs::symlink("v-r1", &link).unwrap();
    assert_eq!(fault(site.read()), ManifestFault::Older);
    let (_, notes) = site.settle();
    assert!(notes[0].contains("was recorded and not in its place"), "{notes:?}");
    assert_eq!((site.read().unwrap(), site.settle().1), ("r2".to_owned(), vec![]));
}

#[test]
fn a_changed_manifest_is_not_read() {
    let mut site = Site::new();
    site.publish("r1").unwrap();
    let path = site.current().join("manifest.json");
    let text = fs::read_to_string(&path).unwrap();
    // A space more says the same, and is another manifest.
    for changed in [text.replacen("\"rows\": 1", "\"rows\": 2", 1), format!("{text} ")] {
        assert_ne!(changed, text);
        fs::write(&path, &changed).unwrap();
        assert_eq!(fault(site.read()), ManifestFault::Unknown);
        let error = site.settle().0.whole(&children()).unwrap_err();
        assert!(matches!(error, StoreError::NotRecorded { .. }), "{error}");
    }
    fs::write(&path, "no manifest").unwrap();
    assert!(matches!(site.read(), Err(StoreError::Manifest { .. })));
    let error = site.settle().0.whole(&children()).unwrap_err();
    assert!(matches!(error, StoreError::NotRecorded { .. }), "{error}");
    fs::write(&path, text).unwrap();
    assert_eq!(site.read().unwrap(), "r1");
}

#[test]
fn a_file_of_another_snapshot_a_changed_one_and_a_removed_one_are_not_read() {
    let mut site = Site::new();
    site.publish("r1").unwrap();
    let older = site.folder.path().join("older");
    copy(&site.current(), &older);
    site.publish("r2").unwrap();
    let current = site.current();
    let good = site.folder.path().join("good");
    copy(&current, &good);
    let whole = |site: &mut Site| {
        let (store, _) = site.settle();
        store.dataset(&children(), &mut site.log).unwrap().verify_files()
    };
    whole(&mut site).unwrap();
    for name in ["rows.parquet", LOCKED] {
        let path = current.join(name);
        let changed = |change: &dyn Fn(&mut Vec<u8>)| {
            let mut bytes = fs::read(good.join(name)).unwrap();
            change(&mut bytes);
            bytes
        };
        // It has the same length, and is another for its bytes alone.
        let of_older = fs::read(older.join(name)).unwrap();
        assert_eq!(of_older.len(), fs::read(&path).unwrap().len(), "{name}");
        let bad = [
            ("of another snapshot", Some(of_older)),
            ("a byte", Some(changed(&|bytes| bytes[5] ^= 1))),
            ("cut", Some(changed(&|bytes| bytes.truncate(bytes.len() - 1)))),
            ("longer", Some(changed(&|bytes| bytes.push(0)))),
            ("gone", None),
        ];
        for (what, bytes) in bad {
            match &bytes {
                Some(bytes) => fs::write(&path, bytes).unwrap(),
                None => fs::remove_file(&path).unwrap(),
            }
            let (store, notes) = site.settle();
            assert!(notes.is_empty(), "the manifest is the newest: {notes:?}");
            let error = match name {
                LOCKED => {
                    let opened = store.dataset(&children(), &mut site.log).unwrap();
                    opened.read_locked(REPORT).map(drop).unwrap_err()
                }
                _ => site.read().map(drop).unwrap_err(),
            };
            assert_eq!(error.exit_code(), exit::PUBLISH, "{name}, {what}: {error}");
            let told = error.to_string();
            assert!(told.contains(name), "{name}, {what}: {told}");
            let by_parquet = matches!(error, StoreError::Table { .. });
            let same_length = matches!(what, "a byte" | "of another snapshot");
            assert_eq!(by_parquet, same_length, "{name}, {what}: {told}");
            assert!(matches!(whole(&mut site), Err(StoreError::File { .. })), "{name}, {what}");
            fs::copy(good.join(name), &path).unwrap();
        }
        let counted = store_whole_fails_without(&site, &path);
        assert!(counted.contains(name), "{counted}");
        fs::copy(good.join(name), &path).unwrap();
    }
    // A file that the manifest does not name.
    fs::write(current.join("more.json"), "{}").unwrap();
    let error = whole(&mut site).unwrap_err();
    assert!(error.to_string().contains("more.json"), "{error}");
}

#[test]
fn a_report_beside_the_tables_opens_with_their_key_alone_and_under_its_own_name() {
    let mut site = Site::new();
    site.publish("r1").unwrap();
    let bytes = fs::read(site.current().join(LOCKED)).unwrap();
    let holds = |text: &[u8]| bytes.windows(text.len()).any(|part| part == text);
    assert!(!holds(b"\"run\"") && bytes.ends_with(b"PARE"), "it is encrypted, and says so");
    let store = site.store();
    let opened = store.dataset(&children(), &mut site.log).unwrap();
    assert!(opened.has_locked(REPORT) && !opened.has_locked("rows"));
    assert_eq!(opened.read_locked(REPORT).unwrap(), b"{\"run\":\"r1\"}");
    // A table in the place of the report, as long as it, is not taken for it.
    let rows = fs::read(site.current().join("rows.parquet")).unwrap();
    let file = |name: &str| opened.manifest().files.iter().find(|file| file.name == name).unwrap();
    assert!(file(LOCKED).sha256 != file("rows.parquet").sha256);
    fs::write(site.current().join(LOCKED), &rows).unwrap();
    assert!(opened.read_locked(REPORT).is_err());
}

/// The message of a program without the key about a dataset that lacks a file.
fn store_whole_fails_without(site: &Site, path: &Path) -> String {
    fs::remove_file(path).unwrap();
    match site.store().whole(&children()) {
        Err(error @ StoreError::File { .. }) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_dataset_that_is_gone_is_not_taken_for_one_that_never_was() {
    let mut site = Site::new();
    let linkage = dataset(DatasetClass::Linkage);
    site.publish("r1").unwrap();
    site.publish_on(Disk::default(), &linkage, "r1").unwrap();
    let (store, _) = site.settle();
    let never = dataset(DatasetClass::Report);
    assert!(matches!(store.manifest(&never), Err(StoreError::NoDataset { .. })));
    fs::remove_dir_all(site.place()).unwrap();
    store.shred(&linkage).unwrap();
    let (store, notes) = site.settle();
    assert_eq!(notes.len(), 1, "{notes:?}");
    let gone = |outcome: Result<(), StoreError>| {
        matches!(outcome, Err(StoreError::NotRecorded { fault: ManifestFault::Gone, .. }))
    };
    assert!(gone(store.manifest(&children()).map(drop)));
    assert!(gone(store.dataset(&children(), &mut site.log).map(drop)));
    // The match shreds it.
    assert!(matches!(store.manifest(&linkage), Err(StoreError::NoDataset { .. })));
}

/// A full disk at each step of publishing.
#[test]
fn wherever_publishing_stops_one_of_two_snapshots_is_read_and_the_next_run_goes_on() {
    let (mut kept, mut finished, mut step) = (0, 0, 0);
    loop {
        let mut site = Site::new();
        site.publish("r1").unwrap();
        let disk = Disk::failing_after(step);
        let outcome = site.publish_on(disk.clone(), &children(), "r2");
        if disk.operations_left().unwrap() >= 0 && outcome.is_ok() {
            break;
        }
        let newest = site.log.newest[&children()].clone();
        let (_, notes) = site.settle();
        let read = site.read().unwrap();
        match read.as_str() {
            "r1" => kept += 1,
            "r2" => finished += usize::from(!notes.is_empty()),
            other => panic!("{other}"),
        }
        assert_eq!(site.log.newest[&children()], newest, "step {step}");
        assert_eq!(read == "r2", site.log.older.len() == 1, "step {step}: the log says which");
        assert!(!site.place().join("next").exists(), "step {step}: nothing is left aside");
        site.publish("r3").unwrap();
        assert_eq!(site.read().unwrap(), "r3", "step {step}");
        step += 1;
    }
    assert!(kept > 5 && finished > 1, "{kept} {finished}");
}

#[test]
fn a_snapshot_that_was_recorded_when_the_program_stopped_is_put_in_its_place() {
    let mut site = Site::new();
    site.publish("r1").unwrap();
    site.log.stops = true;
    assert!(matches!(site.publish("r2"), Err(StoreError::Vault(VaultError::Protocol))));
    site.log.stops = false;
    assert_eq!(fault(site.read()), ManifestFault::Older, "until the next run");
    let (_, notes) = site.settle();
    assert!(notes[0].contains("was recorded and not in its place"), "{notes:?}");
    assert_eq!((site.read().unwrap(), site.settle().1), ("r2".to_owned(), vec![]));
}

#[test]
fn a_snapshot_that_the_vault_does_not_record_never_stands() {
    let mut site = Site::new();
    site.publish("r1").unwrap();
    site.log.refuses = true;
    let error = site.publish("r2").unwrap_err();
    assert_eq!(error.exit_code(), exit::VAULT, "{error}");
    assert_eq!(site.read().unwrap(), "r1");
    assert!(site.place().join("next").exists());
    let (store, notes) = site.settle();
    assert!(notes.is_empty() && !site.place().join("next").exists(), "{notes:?}");
    assert_eq!(store.manifest(&children()).unwrap().0.run.as_str(), "r1");
}

#[test]
fn superseded_snapshots_go_as_retention_says() {
    let mut site = Site::new();
    for run in ["r1", "r2", "r3", "r4", "r5", "r6"] {
        site.publish(run).unwrap();
    }
    let names = fs::read_dir(site.place()).unwrap().map(|entry| entry.unwrap().file_name());
    let snapshots = names.filter(|name| name != "current").count();
    assert_eq!(snapshots, 4, "the one that stands, and three before it");
    assert_eq!(site.read().unwrap(), "r6");
}

/// As 0.2.0 wrote a store: its manifests name no files, and no log knows them.
#[test]
fn a_store_of_an_earlier_release_is_taken_over_once_and_aloud() {
    let mut site = Site::new();
    let mut manifests = Vec::new();
    for run in ["r1", "r2"] {
        site.publish(run).unwrap();
        let path = site.current().join("manifest.json");
        let text = fs::read_to_string(&path).unwrap();
        let mut manifest: serde_json::Value = serde_json::from_str(&text).unwrap();
        manifest["format"] = 1.into();
        manifest.as_object_mut().unwrap().remove("files").unwrap();
        fs::write(&path, serde_json::to_vec_pretty(&manifest).unwrap()).unwrap();
        manifests.push(minster_store::sha256_hex(&fs::read(&path).unwrap()));
        // Else the settling before the second one says that it is another.
        site.log.newest.insert(children(), manifests[manifests.len() - 1].clone());
    }
    let gone = dataset(DatasetClass::Report);
    site.log = Log { keys: 9, due: vec![children(), gone.clone()], ..Log::default() };
    let error = site.read().unwrap_err();
    assert!(error.to_string().contains("`minster link`, once"), "{error}");
    let (_, notes) = site.settle();
    assert!(notes[0].contains("an earlier release made integrated/census/2024-25"), "{notes:?}");
    assert!(!notes[0].contains("report/"), "{notes:?}");
    let taken: Vec<String> = site.log.taken_over.iter().map(|of| of.sha256.clone()).collect();
    assert_eq!(taken, manifests, "the one that stands comes last");
    assert_eq!((site.read().unwrap(), site.settle().1), ("r2".to_owned(), vec![]));
    // From now on it is like any other.
    let path = site.current().join("manifest.json");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text + " ").unwrap();
    assert_eq!(fault(site.read()), ManifestFault::Unknown);
}

#[test]
fn a_store_whose_disk_is_not_there_uses_no_takeover_up() {
    let mut site = Site::new();
    site.log = Log { keys: 9, due: vec![children()], ..Log::default() };
    let (_, notes) = site.settle();
    assert!(notes[0].contains("none of them stands in this store"), "{notes:?}");
    assert_eq!((site.log.due.len(), site.log.taken_over.len()), (1, 0), "it is still due");
    // One that cannot be read is not taken for one that is not there either.
    site.log.due.clear();
    site.publish("r1").unwrap();
    site.log = Log { keys: 9, due: vec![children()], ..Log::default() };
    fs::write(site.current().join("manifest.json"), "{").unwrap();
    let store = site.store();
    assert!(store.settled(&purpose(), &mut site.log).is_err());
    assert_eq!(site.log.due.len(), 1);
}

#[test]
fn a_snapshot_that_was_recorded_and_not_put_in_its_place_is_not_swept() {
    let mut site = Site::new();
    site.publish("r1").unwrap();
    let first = fs::read_link(site.place().join("current")).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(1_100));
    site.publish("r2").unwrap();
    let second = fs::read_link(site.place().join("current")).unwrap();
    // Stopped before the link was switched.
    fs::remove_file(site.place().join("current")).unwrap();
    std::os::unix::fs::symlink(&first, site.place().join("current")).unwrap();
    // A store that keeps none that is superseded.
    Store::open(&site.folder.path().join("store")).unwrap().sweep_snapshots().unwrap();
    assert!(site.place().join(&second).is_dir());
    assert!(site.settle().1[0].contains("was recorded and not in its place"));
    assert_eq!(site.read().unwrap(), "r2");
}
