//! The needs of a schedule: a delivery that was read is not read again, a source that fails fails alone, files that are
//! late, corrected or not whole yet, the run ledger, monitors, and how long the past is kept.
#![allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]

mod ledger;
mod monitors;
mod schedulers;
mod shared_store;
mod sources;

use std::{fs, path::PathBuf, process::Output};

use minster_tests::{Site, copy, pipeline, root, text};
use serde_json::Value;

const MONITORING: &str = "[monitoring]\ntextfile = \"minster.prom\"\nlineage = \"lineage.jsonl\"\n";

const HELP: &str = "person_id,upn,forename,surname,dob,postcode,start_date,end_date,reason\n";

/// A site whose pipeline reads small files that a test writes.
struct Night {
    site: Site,
}

impl Night {
    fn new() -> Self {
        let site = Site::new();
        copy(&root().join("config"), &site.folder().join("config"));
        let definition = site.folder().join("config/sources/early_help.toml");
        let whole = fs::read_to_string(&definition).unwrap();
        let many = whole.replace("file = \"early_help.csv\"", "file = \"early_help*.csv\"");
        assert_ne!(many, whole);
        fs::write(&definition, many).unwrap();
        for folder in ["help", "missing"] {
            fs::create_dir(site.folder().join(folder)).unwrap();
        }
        let night = Self { site };
        night.configure(|whole| whole);
        night.deliver_help("early_help.csv", 0..20, "HEALTH");
        night.deliver_missing(5);
        night
    }

    /// Writes the pipeline, changed.
    fn configure(&self, change: impl Fn(String) -> String) {
        let whole = pipeline(&[("early_help", "help"), ("missing", "missing")], MONITORING);
        fs::write(self.at("pipeline.toml"), change(whole)).unwrap();
    }

    fn at(&self, name: &str) -> PathBuf {
        self.site.folder().join(name)
    }

    fn deliver_help(&self, file: &str, children: std::ops::Range<u32>, reason: &str) {
        let rows = children
            .map(|n| format!("EH{n},,Ann,Other{n},01/02/2012,AB1 2CD,03/04/2025,,{reason}\n"));
        fs::write(self.at("help").join(file), HELP.to_owned() + &rows.collect::<String>()).unwrap();
    }

    fn deliver_missing(&self, children: u32) {
        let header = "police_ref,nhs_number,forename,surname,dob,postcode,reported,found,risk\n";
        let rows = (0..children)
            .map(|n| format!("P{n},,Bo,Other{n},2011-05-06,AB1 2CD,2025-02-03,2025-02-04,low\n"));
        let text = header.to_owned() + &rows.collect::<String>();
        fs::write(self.at("missing/missing_episodes.csv"), text).unwrap();
    }

    fn ingest(&self, more: &[&str]) -> Output {
        let config = self.site.path("pipeline.toml");
        let arguments = [&["run", "--json", "--config", &config], more].concat();
        self.site.run("minster-ingest", &arguments)
    }

    /// Ingests; the exit code must be as said.
    fn report(&self, exit: i32) -> Value {
        let ran = self.ingest(&[]);
        assert_eq!(ran.status.code(), Some(exit), "{}", text(&ran));
        serde_json::from_slice(&ran.stdout).unwrap()
    }

    fn runs(&self) -> Vec<Value> {
        let config = self.site.path("pipeline.toml");
        let ran = self.site.run("minster", &["runs", "list", "--json", "--config", &config]);
        assert!(ran.status.success(), "{}", text(&ran));
        let list: Value = serde_json::from_slice(&ran.stdout).unwrap();
        list["runs"].as_array().unwrap().clone()
    }

    fn dataset(&self, source: &str) -> Vec<(PathBuf, Vec<u8>)> {
        minster_tests::files(&self.at("store/datasets/source").join(source))
    }
}

fn progress(report: &Value) -> Vec<&str> {
    let sources = report["sources"].as_array().unwrap();
    sources.iter().map(|source| source["progress"].as_str().unwrap()).collect()
}
