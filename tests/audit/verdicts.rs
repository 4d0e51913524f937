//! The verdicts of an audit, as its JSON has them.

use std::{collections::BTreeMap, process::Output};

use minster_tests::{Site, text};
use serde_json::Value;

/// The result of an audit: its exit code, verdicts and evidence.
pub(crate) struct Audit {
    pub(crate) code: i32,
    pub(crate) verdicts: BTreeMap<String, (String, String)>,
    root_runs: Vec<String>,
    whole: String,
}

impl Audit {
    /// With everything that an auditor can give, `more` overruling.
    pub(crate) fn of(site: &Site, more: &[&str]) -> Self {
        let (vault, auditor) = (site.path("vault"), site.path("auditor"));
        let usual = [["--vault-dir", &vault], ["--checkpoints", &auditor]];
        let usual = usual.iter().filter(|[option, _]| !more.contains(option)).flatten().copied();
        Self::with(site, &usual.chain(more.iter().copied()).collect::<Vec<_>>())
    }

    pub(crate) fn with(site: &Site, more: &[&str]) -> Self {
        let config = site.path("config/pipeline.toml");
        let arguments = [&["audit", "--json", "--config", &config], more].concat();
        Self::read(&site.run("minster", &arguments))
    }

    pub(crate) fn read(output: &Output) -> Self {
        let told: Value =
            serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", text(output)));
        let code = output.status.code().unwrap();
        assert_eq!(told["exit"], code);
        let word = |check: &Value, key: &str| check[key].as_str().unwrap().to_owned();
        let checks = told["checks"].as_array().unwrap();
        let verdicts = checks.iter().map(|check| {
            assert!(!word(check, "by_hand").is_empty() && !word(check, "title").is_empty());
            assert!(!check["evidence"].as_array().unwrap().is_empty(), "{check}");
            (word(check, "id"), (word(check, "verdict"), check["evidence"].to_string()))
        });
        let with_root = checks.iter().filter(|check| check["as_root"].is_string());
        let root_runs = with_root.map(|check| word(check, "id")).collect();
        Self { code, verdicts: verdicts.collect(), root_runs, whole: text(output) }
    }

    /// Whether a command stands beside a check by which root makes it.
    pub(crate) fn root_runs(&self, id: &str) -> bool {
        self.root_runs.iter().any(|one| one == id)
    }

    pub(crate) fn verdict(&self, id: &str) -> &str {
        &self.verdicts[id].0
    }

    pub(crate) fn evidence(&self, id: &str) -> &str {
        &self.verdicts[id].1
    }

    /// The check fails, and says so by its exit code; nothing of `hidden` is told.
    pub(crate) fn fails(&self, id: &str, hidden: &[&str]) -> &Self {
        assert_eq!((self.verdict(id), self.code), ("FAIL", 9), "{id}: {}", self.evidence(id));
        for value in hidden {
            assert!(!self.whole.contains(value), "{id} tells {value}");
        }
        self
    }

    pub(crate) fn passes(&self, id: &str) -> &Self {
        assert_eq!(self.verdict(id), "PASS", "{id}: {}", self.evidence(id));
        self
    }

    pub(crate) fn is_left(&self, id: &str, asks_for: &str) -> &Self {
        assert_eq!(self.verdict(id), "NOT CHECKED", "{id}: {}", self.evidence(id));
        assert!(self.evidence(id).contains(asks_for), "{id}: {}", self.evidence(id));
        self
    }
}
