//! Pseudonyms rest as tokens of their run, are read with the key of the run, and are carried over to new keys.

use std::{path::Path, sync::Arc};

use arrow::{
    array::{ArrayRef, FixedSizeBinaryArray, RecordBatch},
    datatypes::{DataType, Field, Schema},
};
use minster_model::{DatasetClass, DatasetRef, KeyVersion, Pseudonym};
use minster_store::{DatasetKeys, Store, StoreError, Successors};
use minster_vault_api::SealedRunKey;

use super::{OneKey, counts, dataset, origin, run_key};

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
