//! The rates of linkage that a release tells: those of the report beside its data, rounded, and kept while its numbers stand.

use std::{
    collections::BTreeMap,
    fs,
    sync::atomic::{AtomicU32, Ordering},
};

use arrow::array::RecordBatch;
use minster_aggregator::{Outcome, Reproduced, reproduce};
use minster_model::{KeyVersion, TableName};
use minster_store::{DatasetKeys, Origin};
use serde_json::{Value, json};

use crate::{HEAD, OneKey, Site, children};

impl Site {
    /// Puts other data in the place of those that stand, with tables of events beside the children.
    pub(crate) fn link_with(&self, batch: RecordBatch, events: &[(&str, RecordBatch)]) {
        self.link_reporting(batch, events, None);
    }

    /// The same, with a linkage report.
    fn link_reporting(
        &self,
        batch: RecordBatch,
        events: &[(&str, RecordBatch)],
        report: Option<&str>,
    ) {
        static RUNS: AtomicU32 = AtomicU32::new(0);
        let (key, wrapped) = OneKey.create(&self.dataset).unwrap();
        let run = format!("run-{}", RUNS.fetch_add(1, Ordering::Relaxed)).parse().unwrap();
        let writer = self.store.stage(&self.dataset, &run, key, wrapped).unwrap();
        let write = |name: &TableName, batch: &RecordBatch| {
            let mut table = writer.table(name, batch.schema()).unwrap();
            table.write(batch).unwrap();
            table.finish().unwrap()
        };
        let mut tables = vec![write(&self.children, &batch)];
        tables.extend(events.iter().map(|(name, batch)| write(&name.parse().unwrap(), batch)));
        if let Some(report) = report {
            writer.locked("linkage.json", report.as_bytes()).unwrap();
        }
        let origin = Origin::datasets(String::new(), vec![]);
        writer.publish(KeyVersion(1), String::new(), origin, tables, &mut OneKey).unwrap();
    }
}

fn definition() -> String {
    format!("{HEAD}\n[[table]]\nname = \"t\"\ndimensions = [\"sex\"]\n")
}

/// A linkage report: linked rows and others of each table.
fn report(tables: &[(&str, &str, u64, u64)]) -> String {
    let table = |(source, table, linked, unlinked): &(&str, &str, u64, u64)| {
        let ways = json!({
            "rows": linked + unlinked, "superseded": 0,
            "linked": { "identifier": linked }, "unlinked": { "orphan": unlinked },
        });
        json!({
            "source": source, "table": table, "of_persons": *table != "sessions", "rows": 0, "superseded": 0,
            "linked": {}, "unlinked": {}, "deliveries": { "2024-25": ways },
        })
    };
    let tables: Vec<Value> = tables.iter().map(table).collect();
    json!({ "format": 9, "children": 200, "on_spine": 200, "tables": tables }).to_string()
}

fn files(site: &Site) -> BTreeMap<String, Vec<u8>> {
    let folder = site.release(&definition()).unwrap().folder.unwrap();
    let file = |entry: fs::DirEntry| {
        (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())
    };
    fs::read_dir(folder).unwrap().map(|entry| file(entry.unwrap())).collect()
}

fn package(files: &BTreeMap<String, Vec<u8>>) -> Value {
    serde_json::from_slice(&files["datapackage.json"]).unwrap()
}

fn reproduced(site: &Site) -> minster_aggregator::Reproduction {
    site.job(|job| reproduce(job, &"r".parse().unwrap(), &mut OneKey)).unwrap()
}

#[test]
fn a_release_tells_how_well_each_source_was_linked() {
    let site = Site::new();
    let rows = [
        ("school_census", "pupils", 30_000, 3),
        ("cin", "children", 9_000, 200),
        // Events are of few children each.
        ("attendance", "sessions", 22_000, 800),
        ("police", "reports", 989, 10),
    ];
    site.link_reporting(children(), &[], Some(&report(&rows)));
    let files = files(&site);
    let linkage = &package(&files)["linkage"];
    assert_eq!(
        linkage["sources"],
        json!([
            { "source": "attendance" },
            { "source": "cin", "percent": 98 },
            { "source": "police" },
            { "source": "school_census", "percent_over": 99 },
        ])
    );
    let words = linkage["description"].as_str().unwrap();
    assert!(words.contains("Linkage, Cin: of 100 rows, 98 were linked to a pupil."), "{words}");
    assert!(words.contains("School census: of 100 rows, over 99 were linked"), "{words}");
    assert!(words.contains("Police: not said, because the source has too few rows."), "{words}");
    assert!(words.contains("fewer than 1000 rows"), "{words}");
    let page = String::from_utf8(files["r.html"].clone()).unwrap();
    assert!(page.contains("<th scope=\"row\">Cin</th><td class=\"number\">98</td>"), "{page}");
    // No count of rows is anywhere.
    for (name, bytes) in &files {
        let text = String::from_utf8_lossy(bytes);
        for count in ["30000", "30,000", "30003", "30,003", "10300", "10,300", "999 "] {
            assert!(!text.contains(count), "{name}: {count}");
        }
    }
}

#[test]
fn the_rates_stay_while_the_numbers_stand() {
    let site = Site::new();
    site.link_reporting(children(), &[], Some(&report(&[("cin", "children", 9_700, 300)])));
    let before = files(&site);
    assert_eq!(package(&before)["linkage"]["sources"][0]["percent"], 97);
    assert!(matches!(reproduced(&site).outcome, Reproduced::Same { .. }));
    // The same children, and more rows that are not linked.
    site.link_reporting(children(), &[], Some(&report(&[("cin", "children", 9_700, 900)])));
    let again = site.draft(&definition()).unwrap();
    assert_eq!(again.outcome, Outcome::Same);
    assert_eq!(files(&site), before);
    let reproduced = reproduced(&site);
    assert!(matches!(reproduced.outcome, Reproduced::Same { .. }), "{reproduced:?}");
    let since = reproduced.changed.join(" ");
    assert!(since.contains("its rates of linkage are taken as it tells them"), "{since}");
    // Withdrawn by mistake, it is let out as it was.
    site.withdraw("r", "by mistake").unwrap();
    assert_eq!(files(&site), before);
    // Another definition tells the rates of the day.
    let other = definition().replacen("name = \"r\"", "name = \"s\"", 1);
    let folder = site.release(&other).unwrap().folder.unwrap();
    let package: Value =
        serde_json::from_slice(&fs::read(folder.join("datapackage.json")).unwrap()).unwrap();
    assert_eq!(package["linkage"]["sources"][0]["percent"], 92);
}

#[test]
fn a_release_says_in_words_that_rates_are_not_known() {
    // An earlier version wrote no report, or another one.
    for report in [None, Some("{\"format\": 3}")] {
        let site = Site::new();
        site.link_reporting(children(), &[], report);
        let files = files(&site);
        let linkage = &package(&files)["linkage"];
        assert_eq!(linkage["sources"], json!([]));
        assert!(linkage["description"].as_str().unwrap().starts_with("It is not known"));
        let page = String::from_utf8(files["r.html"].clone()).unwrap();
        assert!(page.contains("It is not known how many records of 2024-25 were linked"));
        assert!(matches!(reproduced(&site).outcome, Reproduced::Same { .. }));
    }
}

#[test]
fn a_report_that_was_changed_stops_the_draft() {
    let site = Site::new();
    site.link_reporting(children(), &[], Some(&report(&[("cin", "children", 9_700, 300)])));
    let mut changed = 0;
    let mut folders = vec![site.store.root().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_symlink() {
                continue;
            }
            if entry.is_dir() {
                folders.push(entry);
            } else if entry.ends_with("linkage.json.locked") {
                let mut bytes = fs::read(&entry).unwrap();
                // The beginning is read whatever else is: an index behind it is not.
                bytes.iter_mut().skip(4).take(64).for_each(|byte| *byte ^= 1);
                fs::write(&entry, bytes).unwrap();
                changed += 1;
            }
        }
    }
    assert!(changed > 0);
    let refused = site.draft(&definition()).unwrap_err().to_string();
    assert!(refused.contains("linkage.json.locked"), "{refused}");
}
