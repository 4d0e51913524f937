//! The whole job over published files in the real layouts, in the folder that `MINSTER_SAMPLES` names.
#![allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]

use std::collections::BTreeMap;

use minster_tests::{Site, copy, root, samples, text};

const PIPELINE: &str = include_str!("pipeline.toml");

/// Rows read, by source and period. Derived with Python's csv and xml.etree modules:
///
/// ```python
/// import csv, glob, sys, xml.etree.ElementTree as ET
/// rows = lambda p: sum(1 for _ in csv.DictReader(open(p, encoding="utf-8-sig")))
/// sum(map(rows, glob.glob("school_census_2024_autumn/*.csv")))   # school_census
/// sum(map(rows, glob.glob("ssda903/*.csv")))                     # ssda903
/// c = ET.parse("ssda903/fake_903.xml").getroot()
/// sum(len(c.findall(p)) for p in ("CHILD", "CHILD/EPISODE", "CHILD/HEADER/AREVIEW",
///     "CHILD/HEADER/AMISSING", "CHILD/HEADER/PERMANENCE", "CHILD/HEADER/AD_PLACED",
///     "CHILD/HEADER/OC2"))                                       # ssda903_xml
/// ```
const READ: [(&str, u64); 4] =
    [("school_census", 85_080), ("ssda903", 25_945), ("ssda903_xml", 2_433), ("cin", 876)];

fn run(identifier: &str) -> Option<(Site, serde_json::Value)> {
    let samples = samples()?;
    let site = Site::new();
    copy(&root().join("config"), &site.folder().join("config"));
    for (from, to) in [("school_census_2024_autumn", "census"), ("cin", "cin")] {
        copy(&samples.join(from), &site.folder().join(to));
    }
    for folder in ["903_csv", "903_xml"] {
        std::fs::create_dir(site.folder().join(folder)).unwrap();
    }
    for entry in std::fs::read_dir(samples.join("ssda903")).unwrap() {
        let path = entry.unwrap().path();
        let folder = if path.extension().unwrap() == "xml" { "903_xml" } else { "903_csv" };
        std::fs::copy(&path, site.folder().join(folder).join(path.file_name().unwrap())).unwrap();
    }
    let config = site.folder().join("config");
    std::fs::write(config.join("samples.toml"), PIPELINE.replace("@RULE@", identifier)).unwrap();
    std::fs::remove_dir_all(config.join("tables")).unwrap();
    std::fs::create_dir(config.join("tables")).unwrap();
    std::fs::write(config.join("tables/pupils.toml"), include_str!("tables.toml")).unwrap();
    std::fs::write(site.folder().join("wards.csv"), "postcode,ward\nAB1 2CD,Ward\n").unwrap();
    let ran =
        site.run("minster", &["run", "--json", "--config", &site.path("config/samples.toml")]);
    assert_eq!(ran.status.code(), Some(3), "{}", text(&ran));
    let summary = serde_json::from_slice(&ran.stdout).unwrap();
    Some((site, summary))
}

fn counts(summary: &serde_json::Value, key: &str) -> BTreeMap<String, u64> {
    let sources = summary["ingest"]["sources"].as_array().unwrap();
    sources
        .iter()
        .map(|source| {
            (source["name"].as_str().unwrap().to_owned(), source["counts"][key].as_u64().unwrap())
        })
        .collect()
}

#[test]
fn with_identifiers_taken_as_they_are_the_samples_link() {
    let Some((site, summary)) = run("opaque") else { return };
    for (source, rows) in READ {
        assert_eq!(counts(&summary, "read")[source], rows, "{source}");
    }
    // `len({r["upn"] for r in csv.DictReader(open(".../2024_autumn_pupilonroll.csv"))})` is 9088.
    assert_eq!(summary["linkage"]["on_spine"], 9088);
    let released = site.folder().join("store/releases/samples/2024-25/current");
    let table = std::fs::read_to_string(released.join("sen_by_sex.csv")).unwrap();
    // `Counter(r["sex"] for r in …)`: F 4412, M 4676; the margin stands, the pupils are all there.
    assert!(table.contains("All,All,9088,"), "{table}");
    assert!(table.contains("F,All,4412,") && table.contains("M,All,4676,"), "{table}");
}

#[test]
fn with_the_strict_rule_nearly_all_identifiers_are_refused() {
    let Some((_site, summary)) = run("strict") else { return };
    let (read, accepted) = (counts(&summary, "read"), counts(&summary, "accepted"));
    for (source, rows) in READ {
        assert_eq!(read[source], rows, "{source}");
        assert!(accepted[source] < rows, "{source}");
    }
    let reasons: u64 = summary["ingest"]["sources"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|source| source["reasons"].as_object().unwrap())
        .filter(|(reason, _)| ["bad-check-letter", "malformed"].contains(&reason.as_str()))
        .map(|(_, rows)| rows.as_u64().unwrap())
        .sum();
    // All 9,088 pupils and every leaver of the census: fragments of UUIDs are no pupil numbers.
    assert!(reasons > 9088, "{reasons}");
}
