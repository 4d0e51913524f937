//! The deliveries of a run as every program tells of them.

use std::fmt::Write as _;

use minster_model::{RowCounts, exit};

use super::{Progress, SourceRecord};
use crate::CellCounts;

/// Where all rows went; of a delivery that is unchanged, as when it was read.
pub fn totals<'a>(sources: impl IntoIterator<Item = &'a SourceRecord>) -> RowCounts {
    let mut totals = RowCounts::default();
    sources.into_iter().for_each(|source| totals += source.counts);
    totals
}

/// How many were left out.
pub fn left_out(sources: &[SourceRecord]) -> usize {
    sources.iter().filter(|source| source.progress == Progress::LeftOut).count()
}

/// 0, 3 where rows are in quarantine, or 10 where a source was left out.
pub fn exit_code(sources: &[SourceRecord]) -> u8 {
    if left_out(sources) > 0 {
        exit::LEFT_OUT
    } else if totals(sources).quarantined > 0 {
        exit::QUARANTINED
    } else {
        exit::DONE
    }
}

/// A table for people.
pub fn text(sources: &[SourceRecord]) -> String {
    let mut text = format!(
        "{:<16} {:<14} {:>11} {:>11} {:>11} {:>10}\n",
        "source", "period", "read", "accepted", "quarantined", "duplicate"
    );
    for source in sources {
        let SourceRecord {
            name,
            period,
            counts,
            reasons,
            cells,
            notes,
            warnings,
            progress,
            why,
            ..
        } = source;
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
        text += &cells_text(cells);
        for warning in warnings {
            let _ = writeln!(text, "  WARNING: {warning}");
        }
        for note in notes {
            let _ = writeln!(text, "  {note}");
        }
    }
    text
}

/// Cells that did not pass as they were, a column a line.
pub fn cells_text(cells: &[CellCounts]) -> String {
    let mut text = String::new();
    for CellCounts { table, column, became, reason, cells, of, first } in cells {
        let percent = (*cells * 100).checked_div(*of).unwrap_or(0);
        let noun = if *cells == 1 { "cell" } else { "cells" };
        let what = match became.as_str() {
            "unknown" => "became unknown",
            "passed" => "passed",
            "repaired" => "repaired",
            _ => "became blank",
        };
        let more = if *cells > first.len() as u64 { ", ..." } else { "" };
        let _ = writeln!(
            text,
            "  {cells:>8} {noun} {what}: {reason} in {column} of {table} ({percent} % of {of}): {}{more}",
            first.join(", ")
        );
    }
    text
}
