//! The summary of a run, for people and for programs.

use std::{collections::BTreeMap, fmt::Write as _, path::PathBuf};

use minster_aggregator::ReleaseReport;
use minster_matcher::{Integrated, LinkageReport, report::COARSE};
use minster_model::exit;
use minster_store::{SourceRecord, deliveries};
use serde::Serialize;
use serde_json::Value;

use crate::{definitions::Faulty, failure::Failure, report};

/// The report of minster-ingest.
pub(crate) struct Ingested {
    /// Word for word.
    pub(crate) report: Value,
    /// Its deliveries.
    pub(crate) sources: Vec<SourceRecord>,
}

/// A definition that disclosure control refused.
#[derive(Serialize)]
pub(crate) struct Refused {
    pub(crate) release: String,
    /// The stable name of the reason.
    pub(crate) code: &'static str,
    /// The reason in words, and what would help.
    pub(crate) why: String,
}

impl Refused {
    fn text(&self) -> String {
        format!("{}: {}", self.release, self.why)
    }
}

/// The results of the stages that ran.
#[derive(Default)]
pub(crate) struct Summary {
    pub(crate) ingest: Option<Ingested>,
    /// One a period.
    pub(crate) linkage: Vec<Integrated>,
    pub(crate) releases: Vec<ReleaseReport>,
    pub(crate) refused: Vec<Refused>,
    /// Definitions that are none, or do not fit the data.
    pub(crate) faulty: Vec<Faulty>,
    /// The pipeline, for what is said to be done next.
    pub(crate) config: PathBuf,
}

impl Summary {
    /// The gravest of what happened.
    pub(crate) fn exit_code(&self) -> u8 {
        match (self.faulty.is_empty(), self.refused.is_empty()) {
            (false, _) => exit::USAGE,
            (true, false) => exit::REFUSED,
            (true, true) => deliveries::exit_code(self.sources()),
        }
    }

    pub(crate) fn json(&self) -> Result<String, Failure> {
        let object = serde_json::json!({
            "format": 1,
            "exit": self.exit_code(),
            "ingest": self.ingest.as_ref().map(|ingest| &ingest.report),
            "linkage": self.linkage.last().map(|linked| linked.report.coarse()),
            "linkage_by_period": self.by_period(),
            "releases": self.releases,
            "refused": self.refused.iter().map(Refused::text).collect::<Vec<_>>(),
            "refusals": self.refused,
            "faulty": self.faulty,
        });
        report::json(&object)
    }

    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        if let Some(ingest) = &self.ingest {
            text += &deliveries::text(&ingest.sources);
            text.push('\n');
        }
        for linked in &self.linkage {
            if self.linkage.len() > 1 {
                let _ = writeln!(text, "{}", linked.period);
            }
            text += &linked.report.coarse().text();
            let _ = writeln!(text, "({COARSE}; `minster report links` has them exactly)\n");
        }
        self.releases.iter().for_each(|release| text += &release.text());
        for refused in &self.refused {
            let _ = writeln!(text, "refused {}", refused.text());
        }
        self.faulty.iter().for_each(|of| text += &(of.text() + "\n"));
        let drafts = self.releases.iter().filter(|release| release.has_draft());
        let several = self.linkage.len() > 1
            || self.releases.iter().any(|of| of.period != self.releases[0].period);
        let draft = |of: &ReleaseReport| match several {
            true => format!("{} --period {}", of.name, of.period),
            false => of.name.to_string(),
        };
        let mut drafts = drafts.map(draft).peekable();
        if drafts.peek().is_some() {
            text += "\nA draft is public once a person lets it out:\n";
        }
        for draft in drafts {
            let _ = writeln!(text, "  minster release {draft} --config {}", self.config.display());
        }
        let quarantined = deliveries::totals(self.sources()).quarantined;
        if quarantined > 0 {
            let _ = writeln!(
                text,
                "\n{} in quarantine: `minster ingest quarantine list --config {}` says where and why",
                match quarantined {
                    1 => "1 row is".to_owned(),
                    rows => format!("{rows} rows are"),
                },
                self.config.display()
            );
        }
        let left_out = deliveries::left_out(self.sources());
        if left_out > 0 {
            let _ = writeln!(
                text,
                "\n{left_out} sources were left out; their earlier data were linked"
            );
        }
        if self.ingest.is_some() {
            let _ = writeln!(
                text,
                "\n`minster report quality --config {}` says what the services can mend",
                self.config.display()
            );
        }
        text
    }

    /// The linkage reports of all periods, by their names, with coarse counts: output goes into journals and mails.
    fn by_period(&self) -> BTreeMap<&str, LinkageReport> {
        self.linkage.iter().map(|of| (of.period.as_str(), of.report.coarse())).collect()
    }

    fn sources(&self) -> &[SourceRecord] {
        self.ingest.as_ref().map_or(&[], |ingest| &ingest.sources)
    }
}
