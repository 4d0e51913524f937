//! The whole job over published files in the real layouts, in the folder that `MINSTER_SAMPLES` names, with the shipped
//! definitions as they are.
#![allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]

use std::{collections::BTreeMap, fs, path::Path};

use minster_tests::{Site, copy, root, samples, text};

/// Rows by source, period and table: read, set aside, duplicate. The first were counted with Python's csv,
/// xml.etree and openpyxl modules:
///
/// ```python
/// import csv, sys, xml.etree.ElementTree as ET, openpyxl
/// rows = lambda p: sum(1 for _ in csv.DictReader(open(p, encoding="utf-8-sig")))
/// elements = lambda p, path: len(ET.parse(p).getroot().findall(path))      # ./Children/Child/CINdetails …
/// sheet = lambda p, s: sum(1 for r in openpyxl.load_workbook(p)[s].values if any(r)) - 1
/// ```
///
/// Set aside: a row without CHILD. Duplicate: rows that `set(map(tuple, csv.reader(…)))` has once, and records that one child holds
/// twice. Two files of CIN have the same two children: the rows of two units are not equal, and the linkage counts them once.
type Expected = (&'static str, &'static str, &'static str, u64, u64, u64);

/// A run's deliveries: source, period, folder of the samples, and the end that its files have.
type Delivered = (&'static str, &'static str, &'static str, &'static str);

const FIRST: [Delivered; 7] = [
    ("school_census", "2024-autumn", "school_census_2024_autumn_whole", "csv"),
    ("ssda903", "2024-25", "ssda903", "csv"),
    ("ssda903_xml", "2024-25", "ssda903", "xml"),
    ("cin", "2024", "cin", "xml"),
    ("cin", "2022", "cin_2022", "xml"),
    ("sen2", "2024", "sen2", "xml"),
    ("annex_a", "2024", "annex_a", "xlsx"),
];

const FIRST_ROWS: [Expected; 68] = [
    ("school_census", "2024-autumn", "pupils", 9088, 0, 0),
    ("school_census", "2024-autumn", "leavers", 308, 0, 0),
    ("school_census", "2024-autumn", "sessions", 39_953, 0, 0),
    ("school_census", "2024-autumn", "leaver_sessions", 1328, 0, 0),
    ("school_census", "2024-autumn", "summer_sessions", 39_575, 0, 0),
    ("school_census", "2024-autumn", "leaver_summer_sessions", 1343, 0, 0),
    ("school_census", "2024-autumn", "exclusions", 10_373, 0, 0),
    ("school_census", "2024-autumn", "leaver_exclusions", 318, 0, 0),
    ("school_census", "2024-autumn", "fsm", 25_358, 0, 0),
    ("school_census", "2024-autumn", "addresses", 1, 0, 0),
    ("school_census", "2024-autumn", "leaver_addresses", 1698, 0, 0),
    ("ssda903", "2024-25", "header", 2675, 0, 0),
    ("ssda903", "2024-25", "episodes", 5050, 0, 0),
    ("ssda903", "2024-25", "reviews", 12_582, 0, 2),
    ("ssda903", "2024-25", "uasc", 132, 0, 0),
    ("ssda903", "2024-25", "oc2", 2675, 0, 0),
    ("ssda903", "2024-25", "oc3", 53, 0, 0),
    ("ssda903", "2024-25", "adoption", 29, 0, 0),
    ("ssda903", "2024-25", "placed_for_adoption", 29, 0, 0),
    ("ssda903", "2024-25", "previous_permanence", 2675, 0, 0),
    ("ssda903", "2024-25", "missing", 43, 0, 0),
    ("ssda903", "2024-25", "social_workers", 1, 0, 0),
    ("ssda903", "2024-25", "deprivation_of_liberty", 1, 0, 0),
    ("ssda903_xml", "2024-25", "header", 253, 0, 0),
    ("ssda903_xml", "2024-25", "episodes", 459, 0, 0),
    ("ssda903_xml", "2024-25", "reviews", 1206, 0, 0),
    ("ssda903_xml", "2024-25", "missing", 6, 0, 0),
    ("ssda903_xml", "2024-25", "previous_permanence", 253, 0, 0),
    ("ssda903_xml", "2024-25", "placed_for_adoption", 3, 0, 0),
    ("ssda903_xml", "2024-25", "oc2", 253, 0, 0),
    ("cin", "2024", "children", 336, 0, 0),
    ("cin", "2024", "disabilities", 123, 0, 5),
    ("cin", "2024", "needs", 406, 0, 0),
    ("cin", "2024", "assessments", 4, 0, 0),
    ("cin", "2024", "assessment_factors", 6, 0, 0),
    ("cin", "2024", "plans", 2, 0, 0),
    ("cin", "2024", "section_47", 2, 0, 0),
    ("cin", "2024", "protection_plans", 2, 0, 0),
    ("cin", "2024", "protection_reviews", 2, 0, 0),
    ("cin", "2024", "pre_proceedings", 1, 0, 0),
    ("cin", "2022", "children", 1, 0, 0),
    ("cin", "2022", "disabilities", 2, 0, 0),
    ("cin", "2022", "needs", 1, 0, 0),
    ("cin", "2022", "assessments", 1, 0, 0),
    ("cin", "2022", "assessment_factors", 2, 0, 0),
    ("cin", "2022", "plans", 1, 0, 0),
    ("cin", "2022", "section_47", 1, 0, 0),
    ("cin", "2022", "protection_plans", 1, 0, 0),
    ("cin", "2022", "protection_reviews", 1, 0, 0),
    ("cin", "2022", "pre_proceedings", 0, 0, 0),
    ("sen2", "2024", "persons", 2, 0, 0),
    ("sen2", "2024", "requests", 3, 0, 0),
    ("sen2", "2024", "assessments", 3, 0, 1),
    ("sen2", "2024", "plan_details", 2, 0, 0),
    ("sen2", "2024", "active_plans", 1, 0, 0),
    ("sen2", "2024", "placements", 2, 0, 0),
    ("sen2", "2024", "sen_needs", 2, 0, 0),
    ("annex_a", "2024", "contacts", 5, 0, 0),
    ("annex_a", "2024", "early_help", 5, 0, 0),
    ("annex_a", "2024", "referrals", 6, 0, 0),
    ("annex_a", "2024", "assessments", 5, 0, 0),
    ("annex_a", "2024", "section_47", 5, 0, 0),
    ("annex_a", "2024", "children_in_need", 5, 0, 0),
    ("annex_a", "2024", "protection_plans", 7, 0, 0),
    ("annex_a", "2024", "looked_after", 5, 0, 0),
    ("annex_a", "2024", "care_leavers", 6, 0, 0),
    ("annex_a", "2024", "adoption", 5, 0, 0),
    ("annex_a", "2024", "adopters", 5, 0, 0),
];

const SECOND: [Delivered; 4] = [
    ("school_census", "2024-autumn", "school_census_2024_autumn", "csv"),
    ("school_census", "2025-spring", "school_census_2025_spring", "csv"),
    ("ssda903", "2024-25", "ssda903_2025", "csv"),
    ("annex_a", "2024", "annex_a_second", "xlsx"),
];

const SECOND_ROWS: [Expected; 34] = [
    ("school_census", "2024-autumn", "pupils", 9088, 0, 0),
    ("school_census", "2024-autumn", "leavers", 308, 0, 0),
    ("school_census", "2024-autumn", "sessions", 39_953, 0, 0),
    ("school_census", "2024-autumn", "exclusions", 10_373, 0, 0),
    ("school_census", "2024-autumn", "fsm", 25_358, 0, 0),
    ("school_census", "2025-spring", "pupils", 9498, 0, 0),
    ("school_census", "2025-spring", "leavers", 375, 0, 0),
    ("school_census", "2025-spring", "sessions", 41_251, 0, 0),
    ("school_census", "2025-spring", "leaver_sessions", 1684, 0, 0),
    ("school_census", "2025-spring", "exclusions", 10_064, 0, 0),
    ("school_census", "2025-spring", "leaver_exclusions", 516, 0, 0),
    ("school_census", "2025-spring", "fsm", 25_889, 0, 0),
    ("school_census", "2025-spring", "sen_needs", 16_954, 0, 0),
    ("ssda903", "2024-25", "header", 24, 0, 0),
    ("ssda903", "2024-25", "episodes", 23, 1, 0),
    ("ssda903", "2024-25", "reviews", 24, 0, 0),
    ("ssda903", "2024-25", "uasc", 24, 0, 0),
    ("ssda903", "2024-25", "oc2", 24, 0, 0),
    ("ssda903", "2024-25", "oc3", 24, 0, 0),
    ("ssda903", "2024-25", "adoption", 24, 0, 0),
    ("ssda903", "2024-25", "placed_for_adoption", 24, 0, 0),
    ("ssda903", "2024-25", "previous_permanence", 24, 0, 0),
    ("ssda903", "2024-25", "missing", 24, 0, 0),
    ("annex_a", "2024", "contacts", 5, 0, 0),
    ("annex_a", "2024", "early_help", 5, 0, 0),
    ("annex_a", "2024", "referrals", 6, 0, 0),
    ("annex_a", "2024", "assessments", 5, 0, 0),
    ("annex_a", "2024", "section_47", 5, 0, 0),
    ("annex_a", "2024", "children_in_need", 5, 0, 0),
    ("annex_a", "2024", "protection_plans", 7, 0, 0),
    ("annex_a", "2024", "looked_after", 5, 0, 0),
    ("annex_a", "2024", "care_leavers", 6, 0, 0),
    ("annex_a", "2024", "adoption", 5, 0, 0),
    ("annex_a", "2024", "adopters", 5, 0, 0),
];

/// A site with the shipped definitions and some of the samples' folders, and its pipeline's name.
fn site(samples: &Path, delivered: &[Delivered], identifier: &str) -> Site {
    let site = Site::new();
    copy(&root().join("config"), &site.folder().join("config"));
    let mut pipeline = include_str!("pipeline.toml").to_owned();
    for (place, (source, period, folder, end)) in delivered.iter().enumerate() {
        let drop = site.folder().join(format!("drop_{place}"));
        fs::create_dir(&drop).unwrap();
        for entry in fs::read_dir(samples.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == *end) {
                fs::copy(&path, drop.join(path.file_name().unwrap())).unwrap();
            }
        }
        pipeline += &format!(
            "\n[[source]]\nname = \"{source}\"\nperiod = \"{period}\"\nfolder = \"../drop_{place}\"\nidentifier = \"{identifier}\"\n"
        );
    }
    let config = site.folder().join("config");
    fs::write(config.join("samples.toml"), pipeline).unwrap();
    fs::remove_dir_all(config.join("tables")).unwrap();
    fs::create_dir(config.join("tables")).unwrap();
    fs::write(config.join("tables/pupils.toml"), include_str!("tables.toml")).unwrap();
    fs::write(site.folder().join("wards.csv"), "postcode,ward\nAB1 2CD,Ward\n").unwrap();
    site
}

/// Where the rows went, as the manifests of the datasets that stand say.
fn rows(site: &Site, delivered: &[Delivered]) -> BTreeMap<(String, String, String), [u64; 4]> {
    let mut rows: BTreeMap<_, [u64; 4]> = BTreeMap::new();
    for (path, content) in minster_tests::files(&site.folder().join("store")) {
        if path.file_name().unwrap() != "manifest.json" {
            continue;
        }
        let manifest: serde_json::Value = serde_json::from_slice(&content).unwrap();
        let dataset = &manifest["dataset"];
        // A release has a manifest of another kind.
        let (Some(name), Some(period)) = (dataset["name"].as_str(), dataset["period"].as_str())
        else {
            continue;
        };
        if !delivered.iter().any(|one| (one.0, one.1) == (name, period)) {
            continue;
        }
        // A column that is linked from a source stands under its name too.
        let Some(files) = manifest["origin"]["rows"].as_array() else { continue };
        for row in files {
            let key =
                (name.to_owned(), period.to_owned(), row["table"].as_str().unwrap().to_owned());
            let counts = rows.entry(key).or_default();
            let names = ["read", "quarantined", "duplicate", "accepted"];
            for (count, name) in counts.iter_mut().zip(names) {
                *count += row["counts"][name].as_u64().unwrap();
            }
        }
    }
    rows
}

fn assert_rows(site: &Site, delivered: &[Delivered], expected: &[Expected]) {
    let rows = rows(site, delivered);
    for (source, period, table, read, quarantined, duplicate) in expected {
        let key = ((*source).to_owned(), (*period).to_owned(), (*table).to_owned());
        let accepted = read - quarantined - duplicate;
        assert_eq!(
            rows.get(&key),
            Some(&[*read, *quarantined, *duplicate, accepted]),
            "{source} {period} {table}"
        );
    }
    let total: u64 = expected.iter().map(|row| row.3).sum();
    assert_eq!(rows.values().map(|counts| counts[0]).sum::<u64>(), total, "all tables are counted");
}

#[test]
fn with_identifiers_taken_as_they_are_the_samples_are_read_whole_and_link() {
    let Some(samples) = samples() else { return };
    let site = site(&samples, &FIRST, "opaque");
    let config = site.path("config/samples.toml");
    // Some files of CIN name another year in their headers.
    let ran = site.run("minster", &["run", "--json", "--accept", "cin", "--config", &config]);
    assert_eq!(ran.status.code(), Some(0), "{}", text(&ran));
    assert_rows(&site, &FIRST, &FIRST_ROWS);
    let summary: serde_json::Value = serde_json::from_slice(&ran.stdout).unwrap();
    // A child of CIN has text between two elements: it is dropped, and told.
    let cin = &summary["ingest"]["sources"][3];
    assert!(cin["notes"].to_string().contains("text between elements dropped"), "{cin}");
    // `len({r["upn"] for r in csv.DictReader(open(".../2024_autumn_pupilonroll.csv"))})` is 9088.
    let links = site.run("minster", &["report", "links", "--json", "--config", &config]);
    let links: serde_json::Value = serde_json::from_slice(&links.stdout).unwrap();
    assert_eq!(links["on_spine"], 9088);
    assert_eq!(summary["linkage"]["on_spine"], 9090, "what a run prints is to the nearest 5");
    let let_out = site.run("minster", &["release", "samples", "--config", &config]);
    assert_eq!(let_out.status.code(), Some(0), "{}", text(&let_out));
    let released = site.folder().join("store/releases/samples/2024-25/current");
    let table = fs::read_to_string(released.join("sen_by_sex.csv")).unwrap();
    // `Counter(r["sex"] for r in …)`: F 4412, M 4676; the margin stands, the pupils are all there.
    assert!(table.contains("All,All,9088,"), "{table}");
    assert!(table.contains("F,All,4412,") && table.contains("M,All,4676,"), "{table}");
}

#[test]
fn the_other_samples_are_read_whole_under_the_field_s_file_names_and_headings() {
    let Some(samples) = samples() else { return };
    let site = site(&samples, &SECOND, "opaque");
    let config = site.path("config/samples.toml");
    let ran = site.run("minster-ingest", &["run", "--config", &config]);
    // One episode has no CHILD.
    assert_eq!(ran.status.code(), Some(3), "{}", text(&ran));
    assert_rows(&site, &SECOND, &SECOND_ROWS);
    // The types of need are fragments of UUIDs: each is counted, none is lost in silence.
    // `sum(1 for r in csv.DictReader(open(".../2025_spring_senneeds.csv")))` is 16954.
    let said = text(&ran);
    assert!(said.contains("16954 cells became unknown: unknown-code in sentype"), "{said}");
}

#[test]
fn with_the_strict_rule_nearly_all_identifiers_are_refused() {
    let Some(samples) = samples() else { return };
    let site = site(&samples, &FIRST[..1], "strict");
    let config = site.path("config/samples.toml");
    let arguments = ["run", "--json", "--config", &config];
    let stopped = site.run("minster-ingest", &arguments);
    assert_eq!(stopped.status.code(), Some(2), "{}", text(&stopped));
    assert!(text(&stopped).contains("9088 of 9088 numbers are wrong"), "{}", text(&stopped));
    let accept = [&arguments[..], &["--accept", "school_census"]].concat();
    let ran = site.run("minster-ingest", &accept);
    assert_eq!(ran.status.code(), Some(0), "{}", text(&ran));
    let rows = rows(&site, &FIRST[..1]);
    // Fragments of UUIDs are no pupil numbers: all pupils and leavers stay, by their names, and none has a number.
    for (table, read) in [("pupils", 9088), ("leavers", 308)] {
        let key = ("school_census".to_owned(), "2024-autumn".to_owned(), table.to_owned());
        assert_eq!(rows[&key], [read, 0, 0, read], "{table}");
    }
}
