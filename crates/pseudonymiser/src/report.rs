//! The report of a run, for people and for programs.

use std::fmt::Write as _;

use minster_model::RunId;
use minster_store::{SourceRecord, deliveries};
use serde::Serialize;

/// The report of a run. Holds counts and names; never a row's value.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The report's format.
    pub format: u32,
    /// The run.
    pub run: RunId,
    /// One entry a delivery.
    pub sources: Vec<SourceRecord>,
    /// Identifiers that the vault was asked for, each once a delivery.
    pub distinct_identifiers: u64,
}

impl Report {
    /// 0, 3 where rows are in quarantine, or 10 where a source was left out.
    pub fn exit_code(&self) -> u8 {
        deliveries::exit_code(&self.sources)
    }

    /// For people.
    pub fn text(&self) -> String {
        let mut text = deliveries::text(&self.sources);
        let asked = self.distinct_identifiers;
        let _ = writeln!(text, "{asked} identifiers asked of the vault, each once a delivery");
        text
    }
}
