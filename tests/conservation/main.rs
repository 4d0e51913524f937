//! Every row goes one of four ways, whatever the file holds.
#![allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]

use minster_tests::{Site, pipeline, text};
use proptest::prelude::*;

/// One row: well formed, repeated, short, blank in every cell, or wrong in one.
fn row() -> impl Strategy<Value = (String, bool)> {
    let good =
        (0u32..40).prop_map(|n| format!("EH{n},,Ann,Other,01/02/2012,AB1 2CD,03/04/2025,,HEALTH"));
    prop_oneof![
        4 => good.prop_map(|row| (row, true)),
        1 => Just((",,,,,,,,".to_owned(), false)),
        1 => "[a-z0-9]{1,9}(,[a-z0-9/]{0,9}){0,7}".prop_map(|row| (row, false)),
        2 => "[A-Z]{1,4},[A-Z0-9]{0,13},[a-z]{0,5},[a-z]{0,5},[0-9/]{0,10},[A-Z0-9 ]{0,8},[0-9/]{0,10},[0-9/]{0,10},[a-zA-Z ]{0,20}"
            .prop_map(|row| (row, false)),
    ]
}

#[test]
fn rows_are_conserved() {
    let site = Site::new();
    minster_tests::copy(&minster_tests::root().join("config"), &site.folder().join("config"));
    std::fs::write(site.folder().join("pipeline.toml"), pipeline(&[("early_help", "drop")], ""))
        .unwrap();
    std::fs::create_dir(site.folder().join("drop")).unwrap();
    let config =
        ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(rows in prop::collection::vec(row(), 0..200))| {
        let header = "person_id,upn,forename,surname,dob,postcode,start_date,end_date,reason\n";
        let body: String = rows.iter().map(|(row, _)| format!("{row}\n")).collect();
        std::fs::write(site.folder().join("drop/early_help.csv"), format!("{header}{body}")).unwrap();
        let ran = site.run("minster-ingest", &["run", "--json", "--accept", "early_help", "--config", &site.path("pipeline.toml")]);
        prop_assert!([Some(0), Some(3)].contains(&ran.status.code()), "{}", text(&ran));
        let report: serde_json::Value = serde_json::from_slice(&ran.stdout).unwrap();
        let count = |key: &str| report["sources"][0]["counts"][key].as_u64().unwrap();
        prop_assert_eq!(count("read"), rows.len() as u64);
        prop_assert_eq!(count("read"), count("accepted") + count("quarantined") + count("duplicate") + count("blocked"));
        let good: std::collections::BTreeSet<&String> = rows.iter().filter(|(_, good)| *good).map(|(row, _)| row).collect();
        prop_assert!(count("accepted") >= good.len() as u64);
        let reasons: u64 = report["sources"][0]["reasons"].as_object().unwrap().values().map(|rows| rows.as_u64().unwrap()).sum();
        prop_assert_eq!(reasons, count("quarantined"));
        let listed = std::fs::read_to_string(site.folder().join("store/datasets/source/early_help/2024-25/current/quarantine.jsonl")).unwrap();
        prop_assert_eq!(listed.lines().count() as u64, count("quarantined"));
    });
}
