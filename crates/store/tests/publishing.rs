//! The promises of publishing: whole or not at all, encrypted, conserved, one purpose.
#![allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]

use std::{fs, path::Path, sync::Arc};

use arrow::{
    array::{Array, ArrayRef, FixedSizeBinaryArray, RecordBatch, StringArray},
    datatypes::{DataType, Field, Schema},
};
use minster_model::{
    DatasetClass, DatasetRef, KeyVersion, Pseudonym, Purpose, RowCounts, RunId, pipeline::Retention,
};
use minster_store::{
    DatasetKeys, Disk, FileCounts, Manifest, Origin, Store, StoreError, Successors,
};
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

/// Pseudonyms of children, one of them missing.
fn children(bytes: [Option<[u8; 16]>; 3]) -> RecordBatch {
    let fields = vec![
        Field::new("child", DataType::FixedSizeBinary(16), true),
        Field::new("shape", DataType::FixedSizeBinary(3), false),
    ];
    let child: ArrayRef = Arc::new(
        FixedSizeBinaryArray::try_from_sparse_iter_with_size(bytes.into_iter(), 16).unwrap(),
    );
    let shape: ArrayRef =
        Arc::new(FixedSizeBinaryArray::try_from_iter([[1; 3]; 3].into_iter()).unwrap());
    RecordBatch::try_new(Arc::new(Schema::new(fields)), vec![child, shape]).unwrap()
}

fn tokens(pseudonyms: [Option<[u8; 16]>; 3]) -> RecordBatch {
    children(pseudonyms.map(|one| {
        one.map(|mut bytes| {
            run_key().cipher().to_tokens(&mut bytes);
            bytes
        })
    }))
}

/// A source's dataset, as ingestion publishes it: it holds tokens, and the sealed key of its run.
fn publish_children(store: &Store, rows: &RecordBatch, run_key: Option<&str>) {
    let _lock = store.lock().unwrap();
    let (key, wrapped) = OneKey.create(&dataset("p")).unwrap();
    let mut writer = store.stage(&dataset("p"), &"r1".parse().unwrap(), key, wrapped).unwrap();
    if let Some(run_key) = run_key {
        writer = writer.of_run(SealedRunKey(run_key.into()));
    }
    let mut table = writer.table(&"pupils".parse().unwrap(), rows.schema()).unwrap();
    table.write(rows).unwrap();
    let table = table.finish().unwrap();
    writer
        .publish(KeyVersion(1), "check".into(), origin(counts(3)), vec![table], &mut OneKey)
        .unwrap();
}

fn standing(store: &Store) -> (Vec<RecordBatch>, Vec<RecordBatch>) {
    let dataset = store.dataset(&dataset("p"), &mut OneKey).unwrap();
    let name = "pupils".parse().unwrap();
    let all = |table: minster_store::TableReader| table.map(Result::unwrap).collect::<Vec<_>>();
    let read = all(dataset.table(&name, None).unwrap());
    let at_rest = all(dataset.table_at_rest(&name).unwrap());
    assert!(at_rest.iter().map(|batch| dataset.with_pseudonyms(batch)).eq(read.iter().cloned()));
    (read, at_rest)
}

#[test]
fn tokens_rest_and_pseudonyms_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("store")).unwrap();
    let pseudonyms = [Some([1; 16]), None, Some([2; 16])];
    publish_children(&store, &tokens(pseudonyms), Some("sealed"));
    assert_eq!(standing(&store), (vec![children(pseudonyms)], vec![tokens(pseudonyms)]));

    // After new keys too: the successors' tokens are of the same run.
    let pairs = [([1; 16], [3; 16]), ([2; 16], [4; 16])];
    let pairs = pairs.map(|pair| (Pseudonym::from_bytes(pair.0), Pseudonym::from_bytes(pair.1)));
    let successors =
        Successors { version: KeyVersion(2), key_check: "new".into(), pairs: pairs.into() };
    let run = "r2".parse().unwrap();
    let carried = store.rekey(&dataset("p"), &run, &successors, &mut OneKey).unwrap();
    assert_eq!(carried.stayed, 0);
    assert_eq!(carried.manifest.run_key, Some(SealedRunKey("sealed".into())));
    let pseudonyms = [Some([3; 16]), None, Some([4; 16])];
    assert_eq!(standing(&store), (vec![children(pseudonyms)], vec![tokens(pseudonyms)]));
}

/// A delivery's pseudonyms all have successors, or it is not carried over. A linked child without a number has an id that no
/// key made: it stays, and is counted.
#[test]
fn a_pseudonym_without_a_successor_stops_a_delivery_and_is_counted_among_linked_children() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("store")).unwrap();
    let linked = DatasetRef { class: DatasetClass::Integrated, ..dataset("p") };
    let rows = children([Some([1; 16]), Some([2; 16]), Some([2; 16])]);
    publish_children(&store, &rows, None);
    {
        let _lock = store.lock().unwrap();
        let (key, wrapped) = OneKey.create(&linked).unwrap();
        let writer = store.stage(&linked, &"r1".parse().unwrap(), key, wrapped).unwrap();
        let mut table = writer.table(&"pupils".parse().unwrap(), rows.schema()).unwrap();
        table.write(&rows).unwrap();
        let table = table.finish().unwrap();
        writer
            .publish(KeyVersion(1), "check".into(), origin(counts(3)), vec![table], &mut OneKey)
            .unwrap();
    }
    let pairs = [(Pseudonym::from_bytes([1; 16]), Pseudonym::from_bytes([3; 16]))];
    let successors =
        Successors { version: KeyVersion(2), key_check: "new".into(), pairs: pairs.into() };
    let run = "r2".parse().unwrap();
    let refused = store.rekey(&dataset("p"), &run, &successors, &mut OneKey).unwrap_err();
    assert!(matches!(refused, StoreError::NoSuccessor { .. }), "{refused}");
    assert_eq!(standing(&store).0, [rows], "it stands as it was");
    let carried = store.rekey(&linked, &run, &successors, &mut OneKey).unwrap();
    assert_eq!((carried.stayed, carried.manifest.key_version), (1, KeyVersion(2)));
}

#[test]
fn a_manifest_that_lost_its_run_s_key_or_has_another_s_opens_no_table() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("store")).unwrap();
    publish_children(&store, &tokens([Some([1; 16]), None, None]), Some("sealed"));
    let manifest = folder.path().join("store/datasets/source/census/2024-25/current/manifest.json");
    let text = std::fs::read_to_string(&manifest).unwrap();
    for forged in [text.replace("\"run_key\": \"sealed\",", ""), text.replace("sealed", "other")] {
        assert_ne!(forged, text);
        std::fs::write(&manifest, forged).unwrap();
        let dataset = store.dataset(&dataset("p"), &mut OneKey).unwrap();
        let error = dataset.table(&"pupils".parse().unwrap(), None).err().unwrap();
        assert!(matches!(error, StoreError::Table { .. }), "{error}");
    }
}

/// `tests/stores/before-tokens` was written by the release before run-bound tokens: pseudonyms rest in it.
#[test]
fn a_dataset_of_an_earlier_release_reads_as_before() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("store")).unwrap();
    let place = folder.path().join("store/datasets/source/census/2024-25");
    std::fs::create_dir_all(place.join("v-r1")).unwrap();
    std::os::unix::fs::symlink("v-r1", place.join("current")).unwrap();
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stores/before-tokens");
    for name in ["manifest.json", "pupils.parquet"] {
        std::fs::copy(kept.join(name), place.join("v-r1").join(name)).unwrap();
    }
    let pseudonyms = children([Some([1; 16]), None, Some([2; 16])]);
    assert_eq!(standing(&store), (vec![pseudonyms.clone()], vec![pseudonyms]));
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

/// A table that someone wrote in clear takes an encrypted one's place. The reader of Parquet would read it, key or no key.
#[test]
fn a_table_in_clear_is_not_taken_for_an_encrypted_one() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("store")).unwrap();
    publish(&store, "r1", &["north"], counts(1)).unwrap();
    let path = folder.path().join("store/datasets/source/census/2024-25/v-r1/pupils.parquet");
    let rows = batch(&["forged"]);
    let file = fs::File::create(&path).unwrap();
    let mut clear = parquet::arrow::ArrowWriter::try_new(file, rows.schema(), None).unwrap();
    clear.write(&rows).unwrap();
    clear.close().unwrap();
    let opened = store.dataset(&dataset("p"), &mut OneKey).unwrap();
    let table = opened.table(&"pupils".parse().unwrap(), None);
    assert!(matches!(table.err(), Some(StoreError::Clear { .. })));
    let coded = opened.row_groups_coded(&"pupils".parse().unwrap(), None);
    assert!(matches!(coded.err(), Some(StoreError::Clear { .. })));
}

/// Whoever may write into the store puts a link in a folder's place, so that a program of another user removes or reads what
/// that user has elsewhere.
#[test]
fn a_link_in_the_store_leads_no_program_elsewhere() {
    type Way = (&'static str, fn(&Store));
    let ways: [Way; 5] = [
        ("sweep", |store| drop(store.sweep_snapshots())),
        ("publish", |store| drop(publish(store, "r3", &["b"], counts(1)))),
        ("shred", |store| drop(store.shred(&dataset("p")))),
        ("earlier keys", |store| {
            drop(store.remove_of_earlier_keys(&dataset("p"), KeyVersion(9)));
        }),
        ("forget runs", |store| drop(store.forget_runs("2999-01-01T00:00:00Z".parse().unwrap()))),
    ];
    // The link stands in the place of each folder of the path, the highest first.
    for place in [
        "datasets",
        "datasets/source",
        "datasets/source/census",
        "datasets/source/census/2024-25",
        "runs",
        "staging",
    ] {
        for (way, work) in &ways {
            let folder = tempfile::tempdir().unwrap();
            let store = Store::open(&folder.path().join("store")).unwrap();
            publish(&store, "r1", &["a"], counts(1)).unwrap();
            let place = folder.path().join("store").join(place);
            let elsewhere = folder.path().join("elsewhere");
            // What is elsewhere looks like the store's own, superseded folders and all.
            if place.exists() {
                fs::rename(&place, &elsewhere).unwrap();
            } else {
                fs::create_dir_all(&elsewhere).unwrap();
            }
            let version = if elsewhere.join("source").exists() {
                "source/census/2024-25/v-r0"
            } else if elsewhere.join("census").exists() {
                "census/2024-25/v-r0"
            } else if elsewhere.join("2024-25").exists() {
                "2024-25/v-r0"
            } else {
                "v-r0"
            };
            let victim = elsewhere.join(version);
            fs::create_dir_all(&victim).unwrap();
            fs::write(victim.join("file"), "kept").unwrap();
            let before = all_below(&elsewhere);
            std::os::unix::fs::symlink(&elsewhere, &place).unwrap();
            work(&store);
            assert_eq!(all_below(&elsewhere), before, "{way}, {}", place.display());
        }
    }
}

fn all_below(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.is_symlink() {
            found.extend(all_below(&path));
        }
        found.push(path);
    }
    found.sort();
    found
}

/// A link in a file's place, and a `current` that leads out of its folder, are not read.
#[test]
fn a_link_in_a_file_s_place_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("store")).unwrap();
    publish(&store, "r1", &["a"], counts(1)).unwrap();
    let place = folder.path().join("store/datasets/source/census/2024-25");
    for name in ["pupils.parquet", "manifest.json"] {
        let (path, moved) = (place.join("v-r1").join(name), folder.path().join(name));
        fs::rename(&path, &moved).unwrap();
        std::os::unix::fs::symlink(&moved, &path).unwrap();
        let read = store
            .dataset(&dataset("p"), &mut OneKey)
            .and_then(|dataset| dataset.table(&"pupils".parse().unwrap(), None));
        assert!(matches!(read.err(), Some(StoreError::Linked { .. })), "{name}");
        fs::remove_file(&path).unwrap();
        fs::rename(&moved, &path).unwrap();
    }
    assert_eq!(read(&store), ["a"]);
    let elsewhere = folder.path().join("v-r1");
    fs::rename(place.join("v-r1"), &elsewhere).unwrap();
    fs::remove_file(place.join("current")).unwrap();
    std::os::unix::fs::symlink(&elsewhere, place.join("current")).unwrap();
    let opened = store.dataset(&dataset("p"), &mut OneKey);
    assert!(matches!(opened.err(), Some(StoreError::Linked { .. })));
}
