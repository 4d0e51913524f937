//! The promises of publishing: whole or not at all, encrypted, conserved, one purpose.
#![allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]

mod forged;
mod row_groups;
mod tokens;

use std::{fs, path::Path, sync::Arc};

use arrow::{
    array::{Array, ArrayRef, RecordBatch, StringArray},
    datatypes::{DataType, Field, Schema},
};
use minster_model::{
    DatasetClass, DatasetRef, KeyVersion, Purpose, RowCounts, RunId, pipeline::Retention,
};
use minster_store::{DatasetKeys, Disk, FileCounts, Manifest, Origin, Store, StoreError};
use minster_vault_api::{
    DataKey, NewestManifests, RecordedManifest, RunKey, SealedRunKey, Unwrapped, VaultError,
    WrappedKey,
};

/// Gives every dataset one key.
struct OneKey;

impl DatasetKeys for OneKey {
    fn create(&mut self, _: &DatasetRef) -> Result<(DataKey, WrappedKey), VaultError> {
        Ok((DataKey::from_bytes([7; 32]), WrappedKey("wrapped".into())))
    }

    fn unwrap(
        &mut self,
        _: &DatasetRef,
        _: &WrappedKey,
        run: Option<&SealedRunKey>,
        _: &str,
    ) -> Result<Unwrapped, VaultError> {
        Ok(Unwrapped { key: DataKey::from_bytes([7; 32]), run: run.map(|_| run_key()) })
    }

    fn record(&mut self, _: &RecordedManifest, _: Option<&str>) -> Result<(), VaultError> {
        Ok(())
    }

    fn newest(&mut self, _: &Purpose) -> Result<NewestManifests, VaultError> {
        Ok(NewestManifests { newest: Vec::new(), due: Vec::new() })
    }

    fn take_over(&mut self, _: &Purpose, _: Vec<RecordedManifest>) -> Result<(), VaultError> {
        Ok(())
    }
}

fn run_key() -> RunKey {
    RunKey::from_bytes([5; 16])
}

fn dataset(purpose: &str) -> DatasetRef {
    DatasetRef {
        class: DatasetClass::Source,
        name: "census".parse().unwrap(),
        period: "2024-25".parse().unwrap(),
        purpose: purpose.parse().unwrap(),
    }
}

fn origin(counts: RowCounts) -> Origin {
    let rows = vec![FileCounts { file: "a.csv".into(), table: "pupils".parse().unwrap(), counts }];
    Origin::Delivery {
        definition_sha256: String::new(),
        recipe_sha256: None,
        inputs: vec![],
        rows,
        reasons: Default::default(),
        cells: Vec::new(),
        warnings: Vec::new(),
    }
}

fn batch(values: &[&str]) -> RecordBatch {
    let schema = Arc::new(Schema::new(vec![Field::new("ward", DataType::Utf8, false)]));
    let column: ArrayRef = Arc::new(StringArray::from(values.to_vec()));
    RecordBatch::try_new(schema, vec![column]).unwrap()
}

fn publish(
    store: &Store,
    run: &str,
    values: &[&str],
    counts: RowCounts,
) -> Result<Manifest, StoreError> {
    publish_under(KeyVersion(1), store, run, values, counts)
}

fn publish_under(
    version: KeyVersion,
    store: &Store,
    run: &str,
    values: &[&str],
    counts: RowCounts,
) -> Result<Manifest, StoreError> {
    let _lock = store.lock()?;
    let run: RunId = run.parse().unwrap();
    let (key, wrapped) = OneKey.create(&dataset("p")).unwrap();
    let writer = store.stage(&dataset("p"), &run, key, wrapped)?;
    let rows = batch(values);
    let mut table = writer.table(&"pupils".parse().unwrap(), rows.schema())?;
    table.write(&rows)?;
    let table = table.finish()?;
    writer.publish(version, "check".into(), origin(counts), vec![table], &mut OneKey)
}

fn read(store: &Store) -> Vec<String> {
    let dataset = store.dataset(&dataset("p"), &mut OneKey).unwrap();
    let table = dataset.table(&"pupils".parse().unwrap(), None).unwrap();
    table
        .flat_map(|batch| {
            let batch = batch.unwrap();
            let column = batch.column(0).as_any().downcast_ref::<StringArray>().unwrap().clone();
            (0..column.len()).map(move |row| column.value(row).to_owned()).collect::<Vec<_>>()
        })
        .collect()
}

fn counts(read: u64) -> RowCounts {
    RowCounts { read, accepted: read, ..RowCounts::default() }
}

fn files(folder: &Path, found: &mut Vec<Vec<u8>>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.is_symlink() {
            files(&path, found);
        } else if path.is_file() {
            found.push(std::fs::read(path).unwrap());
        }
    }
}

#[test]
fn snapshots_under_earlier_keys_go_and_others_stay() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("store");
    let keeping = Retention { snapshots: 9, ..Retention::default() };
    let store = Store::open(&root).unwrap().keeping(keeping);
    for (version, run) in [(1, "r1"), (2, "r2"), (2, "r3")] {
        publish_under(KeyVersion(version), &store, run, &["a"], counts(1)).unwrap();
    }
    let place = root.join("datasets/source/census/2024-25");
    let snapshots = || {
        let names = std::fs::read_dir(&place).unwrap().map(|entry| entry.unwrap().file_name());
        let mut names: Vec<_> = names.filter(|name| name != "current").collect();
        names.sort();
        names
    };
    assert_eq!(snapshots(), ["v-r1", "v-r2", "v-r3"]);
    store.remove_of_earlier_keys(&dataset("other"), KeyVersion(3)).unwrap();
    assert_eq!(snapshots().len(), 3, "of another purpose");
    store.remove_of_earlier_keys(&dataset("p"), KeyVersion(2)).unwrap();
    assert_eq!(snapshots(), ["v-r2", "v-r3"]);
}

#[test]
fn a_run_whose_name_was_used_supersedes_and_does_not_overwrite() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("store");
    let store = Store::open(&root).unwrap();
    publish(&store, "r1", &["a"], counts(1)).unwrap();
    for left in 0..100 {
        let disk = Disk::failing_after(left);
        let failing = Store::open_on(&root, disk.clone());
        let again = failing.and_then(|store| publish(&store, "r1", &["b"], counts(1)));
        let values = read(&store);
        assert!(values == ["a"] || values == ["b"], "{left}");
        if again.is_ok() {
            assert!(left > 5 && values == ["b"]);
            return;
        }
        // The old dataset or the new one is there, whole, whatever failed.
        store.whole(&dataset("p")).unwrap();
    }
    panic!("every try failed");
}

#[test]
fn rows_that_are_written_come_back_and_rest_encrypted() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("store")).unwrap();
    publish(&store, "r1", &["CANARY-WARD", "b"], counts(2)).unwrap();
    assert_eq!(read(&store), ["CANARY-WARD", "b"]);
    let mut all = Vec::new();
    files(folder.path(), &mut all);
    assert!(all.len() >= 2);
    for bytes in all {
        assert!(!bytes.windows(6).any(|window| window == b"CANARY"));
    }
}

#[test]
fn a_later_run_supersedes() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("store")).unwrap();
    publish(&store, "r1", &["a"], counts(1)).unwrap();
    publish(&store, "r2", &["b"], counts(1)).unwrap();
    assert_eq!(read(&store), ["b"]);
    let place = folder.path().join("store/datasets/source/census/2024-25");
    assert_eq!(std::fs::read_dir(place).unwrap().count(), 2, "the link and what it names");
}

#[test]
fn lost_rows_are_not_published() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("store")).unwrap();
    let lost = RowCounts { read: 3, accepted: 2, ..RowCounts::default() };
    let error = publish(&store, "r1", &["a", "b"], lost).unwrap_err();
    assert!(matches!(error, StoreError::NotConserved { .. }));
    assert_eq!(error.exit_code(), 5);
    assert!(store.manifest(&dataset("p")).is_err());
}

#[test]
fn rows_that_the_manifest_does_not_count_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("store")).unwrap();
    let error = publish(&store, "r1", &["a", "b"], counts(3)).unwrap_err();
    assert!(matches!(error, StoreError::OtherRows { .. }));
    publish(&store, "r2", &["a", "b"], counts(2)).unwrap();
    let manifest = folder.path().join("store/datasets/source/census/2024-25/current/manifest.json");
    let text = std::fs::read_to_string(&manifest).unwrap();
    let forged = [("\"rows\": 2", "\"rows\": 1"), ("\"accepted\": 2", "\"accepted\": 1")];
    for (true_count, forged) in forged {
        assert!(text.contains(true_count));
        std::fs::write(&manifest, text.replace(true_count, forged)).unwrap();
        let error = store.dataset(&dataset("p"), &mut OneKey).unwrap_err();
        assert_eq!(error.exit_code(), 5);
    }
    let both = forged.iter().fold(text, |text, (from, to)| text.replace(from, to));
    std::fs::write(&manifest, both.replace("\"read\": 2", "\"read\": 1")).unwrap();
    let dataset = store.dataset(&dataset("p"), &mut OneKey).unwrap();
    let error = dataset.table(&"pupils".parse().unwrap(), None).err().unwrap();
    assert!(matches!(error, StoreError::OtherRows { .. }));
}

#[test]
fn another_purpose_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("store")).unwrap();
    publish(&store, "r1", &["a"], counts(1)).unwrap();
    let error = store.dataset(&dataset("q"), &mut OneKey).unwrap_err();
    assert!(matches!(error, StoreError::OtherPurpose { .. }));
}

#[test]
fn a_changed_byte_is_an_error_without_the_value() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("store")).unwrap();
    publish(&store, "r1", &["CANARY"], counts(1)).unwrap();
    let path = folder.path().join("store/datasets/source/census/2024-25/v-r1/pupils.parquet");
    let good = std::fs::read(&path).unwrap();
    for at in (0..good.len()).step_by(7) {
        let mut bad = good.clone();
        bad[at] ^= 0x10;
        std::fs::write(&path, bad).unwrap();
        let outcome = store
            .dataset(&dataset("p"), &mut OneKey)
            .and_then(|dataset| dataset.table(&"pupils".parse().unwrap(), None))
            .and_then(|table| table.collect::<Result<Vec<_>, _>>());
        if let Err(error) = outcome {
            assert!(!format!("{error} {error:?}").contains("CANARY"));
        } else {
            assert_eq!(read(&store), ["CANARY"]);
        }
    }
}

#[test]
fn a_full_disk_at_any_write_leaves_the_old_dataset_whole() {
    let mut operations = 0;
    loop {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("store");
        let store = Store::open(&root).unwrap();
        publish(&store, "r1", &["old"], counts(1)).unwrap();
        let failing = Store::open_on(&root, Disk::failing_after(operations)).unwrap();
        let outcome = publish(&failing, "r2", &["new"], counts(1));
        let stands = read(&store);
        let done = outcome.is_ok();
        if done {
            assert_eq!(stands, ["new"]);
        } else {
            assert!(stands == ["old"] || stands == ["new"], "after {operations}: {stands:?}");
            publish(&store, "r3", &["next"], counts(1)).unwrap();
            assert_eq!(read(&store), ["next"]);
        }
        if done {
            break;
        }
        operations += 1;
    }
    assert!(operations > 10);
}

#[test]
fn one_run_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("store")).unwrap();
    let lock = store.lock().unwrap();
    assert_eq!(store.lock().unwrap_err().exit_code(), 8);
    drop(lock);
    store.lock().unwrap();
}

#[test]
fn a_store_that_others_may_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o750)).unwrap();
    assert!(matches!(Store::open(folder.path()), Err(StoreError::Exposed { .. })));
}

#[test]
fn a_release_is_named_after_its_content() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("store")).unwrap();
    let files = vec![("t.csv".to_owned(), b"a,b\n".to_vec())];
    let first = store.publish_release("r", "2024-25", &files).unwrap();
    let again = store.publish_release("r", "2024-25", &files).unwrap();
    assert_eq!(first, again);
    assert_eq!(std::fs::read(first.folder.join("t.csv")).unwrap(), b"a,b\n");
    let link = folder.path().join("store/releases/r/2024-25/current/t.csv");
    assert!(link.exists());
}

#[test]
fn a_ledger_entry_is_there_whole_or_not_at_all_whatever_write_fails() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("store");
    let store = Store::open(&root).unwrap();
    let period = "2024-25".parse().unwrap();
    let mut failures = 0;
    for operations in 0.. {
        let name = format!("children.{operations}");
        let failing = Store::open_on(&root, Disk::failing_after(operations)).unwrap();
        let before = store.ledger(&period).unwrap();
        let _lock = store.lock().unwrap();
        let entry = format!("entry {operations}").into_bytes();
        let whole = entry.clone();
        match failing.enter(&period, &name, &entry) {
            Ok(()) => break,
            Err(error) => assert_eq!(error.exit_code(), 7),
        }
        failures += 1;
        let after = store.ledger(&period).unwrap();
        let holds = |of: &[(String, Vec<u8>)]| of.iter().filter(|(_, of)| *of == whole).count();
        assert!(after == before || holds(&after) == 1);
        drop(_lock);
        // The next run sweeps, enters it again, and it stands once.
        let _lock = store.lock().unwrap();
        store.enter(&period, &name, &entry).unwrap();
        store.enter(&period, &name, &entry).unwrap();
        assert_eq!(holds(&store.ledger(&period).unwrap()), 1);
    }
    assert!(failures > 5, "{failures}");
}

#[test]
fn a_linkage_dataset_keeps_no_past_and_is_shredded_whole() {
    let folder = tempfile::tempdir().unwrap();
    let owner_alone = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    fs::set_permissions(folder.path(), owner_alone).unwrap();
    let retention = Retention { snapshots: 3, ..Retention::default() };
    let store = Store::open(folder.path()).unwrap().keeping(retention);
    publish(&store, "one", &["a"], counts(1)).unwrap();
    let linkage = dataset("p").linkage();
    let place = folder.path().join("datasets/linkage/census/2024-25");
    for run in ["one", "two"] {
        let _lock = store.lock().unwrap();
        let (key, wrapped) = OneKey.create(&linkage).unwrap();
        let writer = store.stage(&linkage, &run.parse().unwrap(), key, wrapped).unwrap();
        let rows = batch(&["north"]);
        let mut table = writer.table(&"pupils".parse().unwrap(), rows.schema()).unwrap();
        table.write(&rows).unwrap();
        let table = table.finish().unwrap();
        let origin = Origin::datasets(String::new(), vec![]);
        writer.publish(KeyVersion(1), "check".into(), origin, vec![table], &mut OneKey).unwrap();
        // The link and one version: what is superseded goes at once.
        assert_eq!(fs::read_dir(&place).unwrap().count(), 2);
    }
    store.whole(&linkage).unwrap();
    assert!(store.shred(&linkage).unwrap());
    assert!(!place.exists());
    assert!(matches!(store.whole(&linkage), Err(StoreError::NoDataset { .. })));
    assert!(!store.shred(&linkage).unwrap());
    let left: Vec<_> = fs::read_dir(folder.path().join("staging")).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
    assert_eq!(read(&store), ["a"]);
}
