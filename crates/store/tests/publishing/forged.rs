//! A table in clear, and links that someone puts into the store.

use std::{fs, path::Path};

use minster_model::KeyVersion;
use minster_store::{Store, StoreError};

use super::{OneKey, batch, counts, dataset, publish, read};

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

/// A user who may write into the store puts a link in a folder's place, so that a program of another user removes or reads what
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
            // The folder elsewhere looks like the store's own, superseded folders and all.
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
