//! The linkage report: how many rows of each source came to a child of the spine, how, and why not.

use std::{collections::BTreeMap, fmt::Write as _};

use serde::{Deserialize, Serialize};

use crate::children::Linkage;

/// The whole report. Counts alone; it stays inside the council.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct LinkageReport {
    /// The report's format.
    pub format: u32,
    /// Children of the integrated dataset.
    pub children: u64,
    /// Of them, pupils of the council's schools.
    pub on_spine: u64,
    /// Identifiers that two children of the spine seem to share: set aside.
    pub conflicting_identifiers: u64,
    /// Merges refused because birth dates differ.
    pub refused_merges: u64,
    /// One entry a source and table of persons.
    pub tables: Vec<TableLinkage>,
}

/// How one table's persons were linked.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TableLinkage {
    /// The source.
    pub source: String,
    /// The table.
    pub table: String,
    /// Rows.
    pub rows: u64,
    /// Rows linked to the spine, by how.
    pub linked: BTreeMap<String, u64>,
    /// Rows not linked, by reason.
    pub unlinked: BTreeMap<String, u64>,
}

impl TableLinkage {
    pub(crate) fn new(source: &str, table: &str) -> Self {
        Self {
            source: source.to_owned(),
            table: table.to_owned(),
            rows: 0,
            linked: BTreeMap::new(),
            unlinked: BTreeMap::new(),
        }
    }

    pub(crate) fn count(&mut self, linkage: Linkage, rows: u64) {
        let ways = if linkage.is_linked() { &mut self.linked } else { &mut self.unlinked };
        *ways.entry(linkage.code().to_owned()).or_default() += rows;
        self.rows += rows;
    }

    /// Linked rows in a hundred; none without rows.
    pub fn rate(&self) -> Option<f64> {
        let linked: u64 = self.linked.values().sum();
        (self.rows > 0).then(|| 100.0 * linked as f64 / self.rows as f64)
    }
}

impl LinkageReport {
    /// For people.
    pub fn text(&self) -> String {
        let mut text = format!(
            "{} children, {} of them pupils of the council's schools\n{:<28} {:>9} {:>8}  how, and why not\n",
            self.children, self.on_spine, "table", "rows", "linked"
        );
        for table in &self.tables {
            let rate = table.rate().map_or("-".to_owned(), |rate| format!("{rate:.1} %"));
            let ways = table.linked.iter().chain(&table.unlinked);
            let ways: Vec<String> = ways.map(|(code, rows)| format!("{code} {rows}")).collect();
            let name = format!("{}/{}", table.source, table.table);
            let _ = writeln!(text, "{name:<28} {:>9} {rate:>8}  {}", table.rows, ways.join(", "));
        }
        if self.conflicting_identifiers + self.refused_merges > 0 {
            let _ = writeln!(
                text,
                "for review: {} identifiers with two birth dates, {} merges refused",
                self.conflicting_identifiers, self.refused_merges
            );
        }
        text
    }
}
