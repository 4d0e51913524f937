//! One thing that is wrong with a delivery, or worth knowing of it.

use minster_matcher::{
    LinkageReport, Linked,
    review::{Finding as Review, RowPlace},
};
use minster_model::DatasetRef;
use minster_store::{CellCounts, FailedRows, FileCounts};
use serde::Serialize;

use super::advice;

/// Places that are told of a finding.
const FEW: usize = 5;

/// The kinds of finding. The gravest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Kind {
    /// Rows that are in quarantine.
    Quarantined,
    /// Rows under a number that stands for two children.
    NumberOnTwoChildren,
    /// Rows of a child that is counted under two numbers.
    ChildOnTwoNumbers,
    /// Rows of which it is in doubt who they are about.
    Doubtful,
    /// Events about nobody.
    Orphan,
    /// Rows without a number that leads to one child.
    Unlinked,
    /// Codes that became unknown.
    Recoded,
    /// Cells that became blank.
    Blanked,
    /// Wrong numbers that stand for the right ones all the same.
    Repaired,
    /// Cells that passed though something is wrong with them.
    Passed,
    /// Rows that stand in the delivery already.
    Duplicate,
    /// Events that a later delivery, or another row, tells of as well.
    Superseded,
}

impl Kind {
    /// For people, after a count.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Quarantined => "rows set aside",
            Self::NumberOnTwoChildren => "rows of a number on two children",
            Self::ChildOnTwoNumbers => "rows of a child on two numbers",
            Self::Doubtful => "rows in doubt",
            Self::Orphan => "rows about nobody",
            Self::Unlinked => "rows without a child",
            Self::Recoded => "cells recoded to unknown",
            Self::Blanked => "cells blanked",
            Self::Repaired => "numbers repaired",
            Self::Passed => "cells passed with a doubt",
            Self::Duplicate => "duplicate rows",
            Self::Superseded => "superseded rows",
        }
    }

    /// Whether there is nothing to mend.
    pub(super) fn is_harmless(self) -> bool {
        matches!(self, Self::Duplicate | Self::Superseded)
    }
}

/// Something that was found, with its count and where it is.
#[derive(Debug, Serialize)]
pub(super) struct Finding {
    pub(super) kind: Kind,
    /// The stable code of the reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) file: Option<String>,
    pub(super) table: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) column: Option<String>,
    /// Rows, or cells.
    pub(super) count: u64,
    /// The rows, or the cells that were not blank, among which they were counted.
    pub(super) of: u64,
    /// The count in a hundred of these; none where there are none.
    pub(super) share: Option<f64>,
    /// The first places.
    pub(super) places: Vec<String>,
    /// The next step to take, in one line.
    pub(super) next: &'static str,
}

impl Finding {
    fn new(kind: Kind, reason: Option<&str>, table: &str, (count, of): (u64, u64)) -> Self {
        Self {
            kind,
            reason: reason.map(str::to_owned),
            file: None,
            table: table.to_owned(),
            column: None,
            count,
            of,
            share: (of > 0).then(|| (10_000.0 * count as f64 / of as f64).round() / 100.0),
            places: Vec::new(),
            next: advice::next(kind, reason.unwrap_or_default()),
        }
    }

    /// The finding in words, for people: `bad-check-letter in upn of visits`.
    pub(super) fn what(&self) -> String {
        let column = self.column.as_ref().map(|column| format!("{column} of "));
        let place = column.unwrap_or_default() + &self.table;
        match &self.reason {
            Some(reason) => format!("{reason} in {place}"),
            None => format!("in {place}"),
        }
    }

    /// Where it is, for people: `visits.csv cell B2, B5, ...`. Blank where no more than the table is known.
    pub(super) fn whereabouts(&self) -> String {
        let mut text = String::new();
        let mut before = None;
        for place in &self.places {
            let (file, at) = place.rsplit_once(' ').unwrap_or(("", place));
            text += if text.is_empty() { "" } else { ", " };
            text += if before == Some(file) { at } else { place };
            before = Some(file);
        }
        let has_more = self.places.len() >= FEW && self.count > self.places.len() as u64;
        match (&self.file, has_more) {
            (Some(file), _) if text.is_empty() => file.clone(),
            (_, true) if !text.is_empty() => text + ", ...",
            _ => text,
        }
    }

    pub(super) fn set_aside(rows: FailedRows, files: &[FileCounts]) -> Self {
        let (what, places) = rows.places();
        let file = plain(&rows.file);
        let of_file =
            files.iter().find(|of| of.file == rows.file && of.table.as_str() == rows.table);
        let of = of_file.map_or(0, |of| of.counts.read);
        let finding =
            Self::new(Kind::Quarantined, Some(&rows.reason), &rows.table, (rows.rows, of));
        let place = |place| format!("{file} {what} {place}");
        let places = places.into_iter().map(place).collect();
        Self { places, file: Some(file), column: rows.column, ..finding }
    }

    pub(super) fn cells(cells: CellCounts) -> Self {
        let kind = match cells.became.as_str() {
            "unknown" => Kind::Recoded,
            "repaired" => Kind::Repaired,
            "passed" => Kind::Passed,
            _ => Kind::Blanked,
        };
        let counts = (cells.cells, cells.of);
        let finding = Self::new(kind, Some(&cells.reason), cells.table.as_str(), counts);
        Self { column: Some(cells.column), places: cells.first, ..finding }
    }

    pub(super) fn duplicates(of: &FileCounts) -> Option<Self> {
        let counts = (of.counts.duplicate, of.counts.read);
        let finding = Self::new(Kind::Duplicate, None, of.table.as_str(), counts);
        (counts.0 > 0).then(|| Self { file: Some(plain(&of.file)), ..finding })
    }
}

/// All that linking found of one delivery. Linking knows a row by its place among the table's accepted ones: the file is
/// named where the table has one alone.
pub(super) fn of_linkage(
    report: &LinkageReport,
    dataset: &DatasetRef,
    files: &[FileCounts],
) -> Vec<Finding> {
    let (source, period) = (dataset.name.as_str(), dataset.period.as_str());
    let only_file = |table: &str| {
        let mut of_table = files.iter().filter(|of| of.table.as_str() == table);
        let only = of_table.next().filter(|_| of_table.next().is_none());
        only.map(|of| plain(&of.file))
    };
    let of_table = |table: &str| {
        let tables = report.tables.iter().find(|of| of.source == source && of.table == table);
        tables?.deliveries.iter().find(|of| of.0.as_str() == period).map(|of| of.1)
    };
    let mut found = Vec::new();
    for entry in &report.review {
        let kind = match entry.code {
            Review::OneNumberTwoChildren | Review::ServiceNumberTwoChildren => {
                Kind::NumberOnTwoChildren
            }
            Review::TwoNumbersOneChild => Kind::ChildOnTwoNumbers,
            _ => Kind::Doubtful,
        };
        for rows in entry.rows.iter().filter(|of| of.source == source && of.period == period) {
            let of = of_table(&rows.table).map_or(0, |linked| linked.rows);
            let finding = Finding::new(kind, Some(entry.code.code()), &rows.table, (rows.rows, of));
            let first = entry.first.iter().filter(|place| {
                (&place.source, &place.period, &place.table)
                    == (&rows.source, &rows.period, &rows.table)
            });
            let file = only_file(&rows.table);
            let place = |place: &RowPlace| {
                let file = file.as_ref().map(|file| format!("{file} "));
                format!("{}accepted row {}", file.unwrap_or_default(), place.row)
            };
            let places = first.take(FEW).map(place).collect();
            found.push(Finding { places, file, ..finding });
        }
    }
    for table in report.tables.iter().filter(|table| table.source == source) {
        let Some(Linked { rows, unlinked, superseded, .. }) = of_table(&table.table) else {
            continue;
        };
        let mut add = |kind, reason, count| {
            if count > 0 {
                let finding = Finding::new(kind, reason, &table.table, (count, *rows));
                found.push(Finding { file: only_file(&table.table), ..finding });
            }
        };
        let count = |code: &str| unlinked.get(code).copied().unwrap_or(0);
        add(Kind::Orphan, Some("orphan"), count("orphan"));
        for code in ["no-identifier", "shared-number"] {
            add(Kind::Unlinked, Some(code), count(code));
        }
        add(Kind::Superseded, None, *superseded);
    }
    found
}

/// A file's name as a terminal may show it.
pub(super) fn plain(name: &str) -> String {
    let is_plain = |c: char| {
        !c.is_control()
            && !matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    name.chars().map(|c| if is_plain(c) { c } else { '?' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(places: &[&str], count: u64) -> String {
        let finding = Finding::new(Kind::Orphan, None, "visits", (count, 40));
        let places = places.iter().map(|place| (*place).to_owned()).collect();
        Finding { places, file: Some("visits.csv".to_owned()), ..finding }.whereabouts()
    }

    #[test]
    fn places_in_one_file_name_it_once() {
        assert_eq!(at(&["a.csv cell B2", "a.csv cell B5"], 2), "a.csv cell B2, B5");
        assert_eq!(at(&["a.csv cell B2", "b.csv cell B2"], 2), "a.csv cell B2, b.csv cell B2");
        let five = ["a.csv row 2", "a.csv row 3", "a.csv row 4", "a.csv row 5", "a.csv row 6"];
        assert_eq!(at(&five, 9), "a.csv row 2, 3, 4, 5, 6, ...");
        // Two records that begin on one line.
        assert_eq!(at(&["a.xml line 7"], 2), "a.xml line 7");
        assert_eq!(at(&[], 3), "visits.csv");
    }

    #[test]
    fn a_file_s_name_cannot_move_a_terminal() {
        assert_eq!(plain("visits \u{1b}[2J\u{202e}é.csv"), "visits ?[2J?é.csv");
    }
}
