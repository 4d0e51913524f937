//! What a run did, for people and for programs.

use std::fmt::Write as _;

use minster_aggregator::ReleaseReport;
use minster_matcher::LinkageReport;
use minster_model::exit;
use serde_json::Value;

use crate::failure::Failure;

/// What the stages that ran have to say.
#[derive(Default)]
pub(crate) struct Summary {
    pub(crate) ingest: Option<Value>,
    pub(crate) linkage: Option<LinkageReport>,
    pub(crate) releases: Vec<ReleaseReport>,
    pub(crate) refused: Vec<String>,
}

impl Summary {
    /// The gravest of what happened.
    pub(crate) fn exit_code(&self) -> u8 {
        if !self.refused.is_empty() {
            exit::REFUSED
        } else if self.rows("quarantined") > 0 || self.left_out() > 0 {
            exit::QUARANTINED
        } else {
            exit::DONE
        }
    }

    pub(crate) fn json(&self) -> Result<String, Failure> {
        let object = serde_json::json!({
            "format": 1,
            "exit": self.exit_code(),
            "ingest": self.ingest,
            "linkage": self.linkage,
            "releases": self.releases,
            "refused": self.refused,
        });
        serde_json::to_string(&object).map(|text| text + "\n").map_err(Failure::Summary)
    }

    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        self.ingest_text(&mut text);
        if let Some(linkage) = &self.linkage {
            text += &linkage.text();
            text.push('\n');
        }
        self.releases.iter().for_each(|release| text += &release.text());
        for refused in &self.refused {
            let _ = writeln!(text, "refused {refused}");
        }
        if self.rows("quarantined") > 0 {
            let _ = writeln!(
                text,
                "\n{} rows are in quarantine: `minster ingest quarantine list` says where and why",
                self.rows("quarantined")
            );
        }
        if self.left_out() > 0 {
            let _ = writeln!(
                text,
                "\n{} sources were left out; what stood of them was linked",
                self.left_out()
            );
        }
        text
    }

    fn ingest_text(&self, text: &mut String) {
        let Some(sources) = self.ingest.as_ref().and_then(|ingest| ingest["sources"].as_array())
        else {
            return;
        };
        let _ = writeln!(
            text,
            "{:<16} {:<14} {:>11} {:>11} {:>11} {:>10}",
            "source", "period", "read", "accepted", "quarantined", "duplicate"
        );
        for source in sources {
            let name = |key: &str| source[key].as_str().unwrap_or_default();
            let count = |key: &str| source["counts"][key].as_u64().unwrap_or_default();
            let _ = write!(text, "{:<16} {:<14} ", name("name"), name("period"));
            if source["why"].is_string() {
                let _ = writeln!(text, "{}: {}", name("progress"), name("why"));
                continue;
            }
            let _ = writeln!(
                text,
                "{:>11} {:>11} {:>11} {:>10}{}",
                count("read"),
                count("accepted"),
                count("quarantined"),
                count("duplicate"),
                if name("progress") == "unchanged" { "  unchanged" } else { "" },
            );
            for (reason, rows) in source["reasons"].as_object().into_iter().flatten() {
                let _ = writeln!(text, "  {:>8} {reason}", rows.as_u64().unwrap_or_default());
            }
        }
        text.push('\n');
    }

    fn left_out(&self) -> usize {
        let sources = self.ingest.as_ref().and_then(|ingest| ingest["sources"].as_array());
        let sources = sources.into_iter().flatten();
        sources.filter(|source| source["progress"] == "left-out").count()
    }

    fn rows(&self, key: &str) -> u64 {
        let sources = self.ingest.as_ref().and_then(|ingest| ingest["sources"].as_array());
        let counts = sources.into_iter().flatten().map(|source| &source["counts"][key]);
        counts.map(|count| count.as_u64().unwrap_or_default()).sum()
    }
}
