//! What a run did, for people and for programs.

use std::fmt::Write as _;

use minster_model::{RowCounts, RunId, exit};
use minster_store::{Progress, SourceRecord};
use serde::Serialize;

/// What a run did. Holds counts and names; never a row's value.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The report's format.
    pub format: u32,
    /// The run.
    pub run: RunId,
    /// One entry a delivery.
    pub sources: Vec<SourceRecord>,
    /// Distinct identifiers that the vault was asked for.
    pub distinct_identifiers: u64,
}

impl Report {
    /// Where all rows went; of a delivery that is unchanged, as when it was read.
    pub fn totals(&self) -> RowCounts {
        let mut totals = RowCounts::default();
        self.sources.iter().for_each(|source| totals += source.counts);
        totals
    }

    /// 0, or 3 where rows are in quarantine or a source was left out.
    pub fn exit_code(&self) -> u8 {
        let left_out = self.sources.iter().any(|source| source.progress == Progress::LeftOut);
        if left_out || self.totals().quarantined > 0 { exit::QUARANTINED } else { exit::DONE }
    }

    /// For people.
    pub fn text(&self) -> String {
        let mut text = format!(
            "{:<16} {:<14} {:>11} {:>11} {:>11} {:>10}\n",
            "source", "period", "read", "accepted", "quarantined", "duplicate"
        );
        for source in &self.sources {
            let SourceRecord { name, period, counts, reasons, progress, why, .. } = source;
            let _ = write!(text, "{:<16} {:<14} ", name.as_str(), period.as_str());
            if let Some(why) = why {
                let _ = writeln!(text, "{}: {why}", progress.as_str());
                continue;
            }
            let RowCounts { read, accepted, quarantined, duplicate, .. } = counts;
            let _ = write!(text, "{read:>11} {accepted:>11} {quarantined:>11} {duplicate:>10}");
            text += if *progress == Progress::Unchanged { "  unchanged\n" } else { "\n" };
            for (reason, rows) in reasons {
                let _ = writeln!(text, "  {rows:>8} {reason}");
            }
        }
        let _ =
            writeln!(text, "{} distinct identifiers asked of the vault", self.distinct_identifiers);
        text
    }
}
