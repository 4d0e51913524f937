//! The end of a purpose in the store: all of it goes, and nothing of another, wherever a program is stopped.

use std::fs;

use minster_model::{DatasetClass, DatasetRef};
use minster_store::{Disk, RunRecord, StoreError, StoreRemoval};

use crate::site::{Site, TABLES, dataset};

const ORDER: &str = "0123456789abcdef";

fn named(name: &str, purpose: &str) -> DatasetRef {
    let (name, purpose) = (name.parse().unwrap(), purpose.parse().unwrap());
    DatasetRef { name, purpose, ..dataset() }
}

/// A store with two purposes: `p` has a dataset with a superseded snapshot, a draft made from it, and a run; `q` has the same.
fn shared() -> Site {
    let mut site = Site::new(&TABLES, 2);
    site.publish_of(&named("other", "q"), &TABLES, "r5", 2, true);
    let store = site.store(Disk::default());
    let _lock = store.lock().unwrap();
    for (place, (purpose, of)) in
        [("p", dataset()), ("q", named("other", "q"))].into_iter().enumerate()
    {
        let made_from = store.manifest(&of).unwrap().1;
        let draft = format!("{{\"dataset_sha256\": \"{made_from}\"}}");
        let name = format!("draft_{purpose}").parse().unwrap();
        store.keep_draft(&name, &"2024-25".parse().unwrap(), draft.as_bytes()).unwrap();
        let run = format!("run{place}").parse().unwrap();
        let now = jiff::Timestamp::now();
        store
            .begin_record(RunRecord::begin(run, "minster", purpose.parse().unwrap(), now))
            .unwrap();
    }
    store
        .keep_draft(
            &"stale".parse().unwrap(),
            &"2024-25".parse().unwrap(),
            b"{\"dataset_sha256\": \"old\"}",
        )
        .unwrap();
    store.enter(&"2024-25".parse().unwrap(), "children.abc", b"{}").unwrap();
    drop(_lock);
    site
}

fn ended(site: &Site, disk: Disk) -> Result<StoreRemoval, StoreError> {
    let store = site.store(disk);
    let _lock = store.lock()?;
    store.end_purpose(&"p".parse().unwrap(), ORDER)
}

/// Every file of the store, by its path in it.
fn all(site: &Site) -> Vec<String> {
    let root = site.folder.path().join("store");
    let (mut found, mut folders) = (Vec::new(), vec![root.clone()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() && !path.is_symlink() {
                true => folders.push(path),
                false => found.push(path.strip_prefix(&root).unwrap().display().to_string()),
            }
        }
    }
    found.sort();
    found
}

#[test]
fn all_of_a_purpose_goes_and_nothing_of_another() {
    let site = shared();
    let before = all(&site);
    let stood = site.store(Disk::default()).manifest(&dataset()).unwrap().1;
    let removal = ended(&site, Disk::default()).unwrap();
    let told = &removal.datasets[0];
    assert_eq!((removal.datasets.len(), &told.dataset, &told.manifest), (1, &dataset(), &stood));
    assert_eq!((told.snapshots, told.rows), (2, 17));
    let files: Vec<_> = removal.files.iter().map(|of| (of.what.as_str(), of.files)).collect();
    assert_eq!(files, [("drafts", 1), ("records of runs", 1)]);
    // Nobody can tell whose a draft is whose data is gone.
    assert_eq!((removal.unread, removal.drafts), (0, 2));
    site.store(Disk::default()).forget_ending().unwrap();
    let is_its = |name: &String| {
        name.starts_with("datasets/source/census/")
            || name.contains("draft_p")
            || name.contains("run0")
    };
    let left: Vec<String> = before.into_iter().filter(|name| !is_its(name)).collect();
    assert_eq!(all(&site), left);
    assert!(left.iter().any(|name| name.starts_with("ledger/")));
    let mut log = site.log.clone();
    let other = site.store(Disk::default()).dataset(&named("other", "q"), &mut log).unwrap();
    other.verify_files().unwrap();
    assert_eq!(other.manifest().dataset.class, DatasetClass::Source);
}

/// Two purposes took turns under one name: each snapshot is its own purpose's.
#[test]
fn snapshots_of_two_purposes_in_one_place_are_told_apart() {
    let mut site = Site::new(&TABLES, 0);
    site.publish_of(&named("census", "q"), &TABLES, "r5", 0, true);
    assert_eq!(site.snapshots().len(), 3);
    let removal = ended(&site, Disk::default()).unwrap();
    assert_eq!((removal.datasets.len(), removal.datasets[0].snapshots), (1, 2));
    assert_eq!(removal.datasets[0].manifest, "", "none of it stood");
    assert_eq!(site.snapshots().len(), 1);
    assert!(site.store(Disk::default()).manifest(&named("census", "q")).is_ok());
    // And the other way round: the link goes with what it names.
    let mut site = Site::new(&TABLES, 0);
    site.publish_of(&named("census", "q"), &TABLES, "r5", 0, true);
    site.publish(&TABLES, "r6", 0, true);
    let removal = ended(&site, Disk::default()).unwrap();
    assert_eq!(removal.datasets[0].snapshots, 3);
    assert_eq!(removal.datasets[0].manifest.len(), 64);
    assert_eq!(site.snapshots().len(), 1);
    assert!(!site.snapshots()[0].parent().unwrap().join("current").exists());
}

#[test]
fn what_nobody_can_read_is_counted_and_stands_where_it_may_be_another_s() {
    let mut site = Site::new(&TABLES, 0);
    site.publish_of(&named("other", "q"), &TABLES, "r5", 0, true);
    let place = site.folder.path().join("store/datasets/source");
    // Beside the purpose's own snapshots and alone: it may be another purpose's, so it stands and is told.
    fs::create_dir(place.join("census/2024-25/v-broken")).unwrap();
    fs::write(place.join("census/2024-25/v-broken/manifest.json"), "{").unwrap();
    fs::create_dir(place.join("other/2024-25/v-broken")).unwrap();
    // A dataset that was recorded and not put in its place yet is told under its own hash.
    let older = place.join("census/2024-25/v-r1");
    let waits = minster_store::sha256_hex(&fs::read(older.join("manifest.json")).unwrap());
    fs::rename(&older, place.join("census/2024-25/next")).unwrap();
    let removal = ended(&site, Disk::default()).unwrap();
    assert_eq!((removal.unread, &removal.datasets[0].waiting), (2, &waits));
    assert_ne!(removal.datasets[0].manifest, waits);
    for source in ["census", "other"] {
        assert!(place.join(source).join("2024-25/v-broken").exists(), "{source}");
    }
    let left: Vec<_> = fs::read_dir(place.join("census/2024-25")).unwrap().collect();
    assert_eq!(left.len(), 1, "the purpose's own are gone: {left:?}");
}

#[test]
fn the_end_of_a_purpose_killed_at_any_write_goes_on_and_has_lost_no_count() {
    let whole = shared();
    let wanted = ended(&whole, Disk::default()).unwrap();
    whole.store(Disk::default()).forget_ending().unwrap();
    let left = all(&whole);
    let mut steps = 0;
    for step in 0.. {
        let site = shared();
        let killed = ended(&site, Disk::failing_after(step));
        let done = ended(&site, Disk::default()).unwrap();
        // Manifests have other names' hashes in each store, so counts are compared.
        let counts = |of: &StoreRemoval| {
            let datasets = of.datasets.iter().map(|of| (of.dataset.clone(), of.rows, of.snapshots));
            let files = of.files.iter().map(|of| (of.what.clone(), of.files));
            (datasets.collect::<Vec<_>>(), files.collect::<Vec<_>>(), of.unread, of.drafts)
        };
        assert_eq!(counts(&done), counts(&wanted), "after {step}");
        // Told to the vault and run again, it says the same until it is forgotten.
        assert_eq!(ended(&site, Disk::default()).unwrap(), done, "after {step}");
        site.store(Disk::default()).forget_ending().unwrap();
        assert_eq!(all(&site), left, "after {step}");
        if killed.is_ok() {
            break;
        }
        steps = step;
    }
    assert!(steps > 10, "{steps}");
}

#[test]
fn the_list_of_another_end_is_not_taken_for_this_one() {
    let site = shared();
    let store = site.store(Disk::default());
    {
        let _lock = store.lock().unwrap();
        store.end_purpose(&"q".parse().unwrap(), "fedcba9876543210").unwrap();
    }
    let refused = ended(&site, Disk::default()).unwrap_err().to_string();
    assert!(refused.contains("of another end of a purpose, fedcba9876543210"), "{refused}");
    store.forget_ending().unwrap();
    assert_eq!(ended(&site, Disk::default()).unwrap().datasets.len(), 1);
}
