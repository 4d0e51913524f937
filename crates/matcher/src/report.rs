//! The linkage report: how many rows of each source came to a child of the spine, how, and why not.

use std::{collections::BTreeMap, fmt::Write as _};

use serde::{Deserialize, Serialize};

use crate::{
    children::Linkage,
    review::{ReviewEntry, meaning},
};

/// The whole report. Counts alone; it stays inside the council.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct LinkageReport {
    /// The report's format.
    pub format: u32,
    /// Children of the integrated dataset.
    pub children: u64,
    /// Of them, pupils of the council's schools.
    pub on_spine: u64,
    /// One entry a table of persons, then one a table of events.
    pub tables: Vec<TableLinkage>,
    /// What a person should look at: codes, counts, and places of rows.
    #[serde(default)]
    pub review: Vec<ReviewEntry>,
    /// What is worth knowing of the definition and the deliveries.
    #[serde(default)]
    pub notes: Vec<String>,
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
    /// Rows about an event that another row is about too: a later delivery's stands.
    #[serde(default)]
    pub superseded: u64,
}

impl TableLinkage {
    pub(crate) fn new(source: &str, table: &str) -> Self {
        Self {
            source: source.to_owned(),
            table: table.to_owned(),
            rows: 0,
            linked: BTreeMap::new(),
            unlinked: BTreeMap::new(),
            superseded: 0,
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
            let mut ways: Vec<String> = ways.map(|(code, rows)| format!("{code} {rows}")).collect();
            if table.superseded > 0 {
                ways.push(format!("superseded {}", table.superseded));
            }
            let name = format!("{}/{}", table.source, table.table);
            let _ = writeln!(text, "{name:<28} {:>9} {rate:>8}  {}", table.rows, ways.join(", "));
        }
        for found in &self.review {
            let sources: Vec<&str> = found.sources.keys().map(String::as_str).collect();
            let (count, meaning) = (found.count, meaning(&found.code));
            let _ = writeln!(
                text,
                "for review: {count} {meaning} ({}; {})",
                found.code,
                sources.join(", ")
            );
        }
        for note in &self.notes {
            let _ = writeln!(text, "note: {note}");
        }
        text
    }
}
