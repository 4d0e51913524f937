//! Someone who may write into the store puts an older snapshot back, changes a manifest, swaps files or removes them. Every
//! program says so, and reads nothing of it.
#![allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]

use std::{
    fs,
    path::{Path, PathBuf},
};

use minster_tests::{
    copy_whole,
    deliveries::{Child, Council, Dimension, Ran, pupils},
};

const CENSUS: &str = "school_census";
const PUBLISH: i32 = 7;

fn deliver(council: &Council, children: u32) {
    council.deliver(CENSUS, "pupilonroll.csv", pupils((1..=children).map(Child::at)));
}

fn council() -> Council {
    let council = Council::new(&[CENSUS]);
    deliver(&council, 60);
    council.release(&[Dimension::of("sex", "sex")]);
    good(&council.run());
    council
}

fn good(ran: &Ran) {
    assert_eq!(ran.exit, 0, "{}", ran.text);
}

/// The program refuses, and says which dataset, what is wrong and what to do.
fn refuses(ran: &Ran, dataset: &str, words: &[&str]) {
    assert_eq!(ran.exit, PUBLISH, "{}", ran.text);
    let dataset = format!("{dataset} for children-statistics");
    // No delivery makes the children's ids or a report on a release anew.
    let is_made_once = dataset.starts_with("report/") || dataset.contains("/identities/");
    let remedy = match is_made_once {
        true => ["docs/custodians.md", "The newest snapshot of a dataset is lost"],
        false => ["minster run --again", "When a snapshot is not the newest"],
    };
    for word in [dataset.as_str()].iter().chain(&remedy).chain(words) {
        assert!(ran.text.contains(word), "{word}: {}", ran.text);
    }
}

fn place(council: &Council, dataset: &str) -> PathBuf {
    council.path("store/datasets").join(dataset)
}

/// The snapshot that stands.
fn current(council: &Council, dataset: &str) -> PathBuf {
    fs::canonicalize(place(council, dataset).join("current")).unwrap()
}

fn keep(council: &Council, dataset: &str, name: &str) -> PathBuf {
    let kept = council.path(name);
    copy_whole(&current(council, dataset), &kept);
    kept
}

fn put(council: &Council, dataset: &str, kept: &Path) {
    copy_whole(kept, &current(council, dataset));
}

fn link(council: &Council) -> Ran {
    council.program("minster", &["link"])
}

fn link_again(council: &Council) -> Ran {
    council.program("minster", &["link", "--again"])
}

fn log(council: &Council) -> String {
    fs::read_to_string(council.path("vault/log.jsonl")).unwrap()
}

#[test]
fn an_older_snapshot_that_is_put_back_is_refused_and_made_anew_on_request() {
    let council = council();
    let (source, children) = ("source/school_census/2024-25", "integrated/children/2024-25");
    let identities = "integrated/identities/all";
    let older = [source, children, identities].map(|of| keep(&council, of, &of.replace('/', "-")));
    deliver(&council, 70);
    good(&council.program("minster", &["run"]));
    let newest_ids = keep(&council, identities, "newest-ids");

    put(&council, source, &older[0]);
    // Files, recipe and all: it is as it was after the first run, and the vault's log knows better.
    for ran in [council.program("minster-ingest", &["run"]), link(&council)] {
        refuses(&ran, source, &["older snapshot was put back"]);
    }
    refuses(
        &link_again(&council),
        source,
        &["an older snapshot stands in the place of the newest"],
    );
    let denied = log(&council);
    let denied = denied.lines().rfind(|line| line.contains("\"event\":\"denied\"")).unwrap();
    assert!(denied.contains("an older snapshot stands") && denied.contains("linker"), "{denied}");
    let again = council.program("minster-ingest", &["run", "--again"]);
    good(&again);
    assert!(again.text.contains("is not what the vault's log says"), "{}", again.text);
    good(&link(&council));

    put(&council, children, &older[1]);
    for ran in [council.program("minster", &["aggregate"]), link(&council)] {
        refuses(&ran, children, &[]);
    }
    good(&link_again(&council));
    good(&council.program("minster", &["aggregate"]));

    // Ids are made once: nothing but the newest copy brings them back.
    put(&council, identities, &older[2]);
    for _ in 0..2 {
        refuses(&link_again(&council), identities, &["an older snapshot stands"]);
    }
    fs::rename(place(&council, identities), council.path("gone")).unwrap();
    refuses(&link_again(&council), identities, &["it is gone from the store"]);
    fs::rename(council.path("gone"), place(&council, identities)).unwrap();
    put(&council, identities, &newest_ids);
    good(&link_again(&council));

    // The newest copy is lost: two custodians take an older one for it, or have the dataset begun anew.
    council.site.appoint();
    let newer = || {
        deliver(&council, 80);
        good(&council.program("minster", &["run"]));
    };
    newer();
    put(&council, identities, &newest_ids);
    refuses(&link_again(&council), identities, &["an older snapshot stands"]);
    let request = format!("snapshot --purpose children-statistics --dataset {identities}");
    council.site.enacted(&format!("{request} --manifest newest-ids/manifest.json"));
    good(&link_again(&council));
    fs::remove_dir_all(place(&council, identities)).unwrap();
    refuses(&link_again(&council), identities, &["it is gone from the store"]);
    council.site.enacted(&format!("{request} --gone"));
    good(&link_again(&council));
}

#[test]
fn a_changed_manifest_and_files_that_are_swapped_or_removed_are_refused() {
    let council = council();
    let source = "source/school_census/2024-25";
    let older = keep(&council, source, "older");
    deliver(&council, 70);
    good(&council.program("minster", &["run"]));
    let newest = keep(&council, source, "newest");
    let at = |name: &str| current(&council, source).join(name);

    let manifest = fs::read_to_string(at("manifest.json")).unwrap();
    let edited = manifest.replacen("\"accepted\": 70", "\"accepted\": 71", 1);
    assert_ne!(edited, manifest);
    fs::write(at("manifest.json"), edited).unwrap();
    refuses(&council.program("minster-ingest", &["run"]), source, &["it was changed"]);
    refuses(&link_again(&council), source, &["its manifest was changed"]);
    fs::write(at("manifest.json"), manifest).unwrap();
    good(&link_again(&council));

    let table = "pupils.parquet";
    fs::copy(older.join(table), at(table)).unwrap();
    for ran in [link_again(&council), council.program("minster-ingest", &["run"])] {
        refuses(&ran, source, &[table, "is another snapshot's"]);
    }
    fs::remove_file(at(table)).unwrap();
    for ran in [link_again(&council), council.program("minster-ingest", &["run"])] {
        refuses(&ran, source, &[table, "is gone"]);
    }
    put(&council, source, &newest);
    good(&link_again(&council));
    good(&council.program("minster-ingest", &["run"]));
}

#[test]
fn an_auditor_verifies_no_release_by_a_report_that_was_changed() {
    let council = council();
    let verify = || council.program("minster", &["verify", "small"]);
    good(&verify());
    let reports = fs::read_dir(council.path("store/datasets/report")).unwrap();
    let report = reports.map(|entry| entry.unwrap().file_name()).next().unwrap();
    let report = format!("report/{}/2024-25", report.display());
    let path = current(&council, &report).join("manifest.json");
    let manifest = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("{manifest}\n")).unwrap();
    refuses(&verify(), &report, &["its manifest was changed"]);
    fs::write(&path, manifest).unwrap();
    good(&verify());
}
