//! The linkage report: how many rows of each source came to a child of the spine, how, and why not.

mod agreement;
mod appraisal;
mod coarse;
mod flow;
mod groups;
pub mod hiding;
mod impossible;
mod linked_rows;
pub mod settings;
mod shares;

use std::{collections::BTreeMap, fmt::Write as _};

use minster_model::{DatasetRef, Period};
use minster_store::{DatasetKeys, Store, StoreError};
use serde::{Deserialize, Serialize};

pub use self::{
    agreement::{Agreement, Compared, KeyTest, Wrong},
    appraisal::{Appraisal, Reviewed, appraise},
    coarse::COARSE,
    flow::{Kind, Rates, SourceFlow, TableFlow, Ways},
    groups::{ColumnOf, Grouped, Hidden, NotCompared, Valued},
    impossible::{Impossible, ImpossibleFacts},
    shares::Share,
};
use crate::{
    children::Linkage, clerical::ClericalReport, exact_only::ExactOnlyCounts, review::ReviewEntry,
    scored_linking::ScoredSource,
};

/// The format that this release writes. Where another stands, the children are linked again.
pub(crate) const FORMAT: u32 = 9;

/// The name of the report beside the integrated dataset, where it is encrypted as the dataset is.
pub(crate) const REPORT: &str = minster_model::LINKAGE_REPORT;

/// The whole report: counts, and places of rows. It counts few children exactly, and opens for whoever may open the integrated
/// dataset; what is printed of it is [`LinkageReport::coarse`].
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct LinkageReport {
    /// The report's format.
    pub format: u32,
    /// Children of the integrated dataset.
    pub children: u64,
    /// Pupils of the council's schools among them.
    pub on_spine: u64,
    /// Ids of children of all periods since the first linking: `made`, `merged`, `split`.
    #[serde(default)]
    pub ids: BTreeMap<String, u64>,
    /// One entry a table of persons, then one a table of events.
    pub tables: Vec<TableLinkage>,
    /// Matters for a person to look at: codes, counts, and places of rows.
    #[serde(default)]
    pub review: Vec<ReviewEntry>,
    /// The outcome of scored matching, source by source, in all periods together.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scored: Vec<ScoredSource>,
    /// Clerical review, of all periods together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clerical: Option<ClericalReport>,
    /// Identities that are linked by their number alone, where there are any: counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exact_only: Option<ExactOnlyCounts>,
    /// Notes about the definition and the deliveries.
    #[serde(default)]
    pub notes: Vec<String>,
}

/// How one table's rows were linked.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TableLinkage {
    /// The source.
    pub source: String,
    /// The table.
    pub table: String,
    /// Whether its rows are about a person each. An earlier release did not say so.
    #[serde(default)]
    pub of_persons: bool,
    /// Its rows in all deliveries.
    #[serde(flatten)]
    pub counts: Linked,
    /// The same of each delivery, by its period.
    pub deliveries: BTreeMap<Period, Linked>,
}

/// Rows, by what became of them.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Linked {
    /// Rows.
    pub rows: u64,
    /// Rows linked to the spine, by how.
    pub linked: BTreeMap<String, u64>,
    /// Rows not linked, by reason.
    pub unlinked: BTreeMap<String, u64>,
    /// Rows about an event that another row is about too: a later delivery's stands.
    pub superseded: u64,
}

/// Rows by the way they were linked.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct LinkageCounts([u64; Linkage::ALL.len()]);

impl LinkageCounts {
    pub(crate) fn add_rows(&mut self, linkage: Linkage, rows: usize) {
        self.0[linkage as usize] += rows as u64;
    }
}

impl Linked {
    fn count(&mut self, linkage: Linkage, rows: u64) {
        let ways = if linkage.is_linked() { &mut self.linked } else { &mut self.unlinked };
        *ways.entry(linkage.code().to_owned()).or_default() += rows;
        self.rows += rows;
    }

    pub(crate) fn count_all(&mut self, rows: impl Iterator<Item = Linkage>) {
        let mut counts = LinkageCounts::default();
        rows.for_each(|linkage| counts.add_rows(linkage, 1));
        self.add_counts(&counts);
    }

    pub(crate) fn add_counts(&mut self, LinkageCounts(counts): &LinkageCounts) {
        for linkage in Linkage::ALL {
            match counts[linkage as usize] {
                0 => {}
                rows => self.count(linkage, rows),
            }
        }
    }

    pub(crate) fn add(&mut self, other: &Self) {
        let both = [(&mut self.linked, &other.linked), (&mut self.unlinked, &other.unlinked)];
        for (ways, more) in both {
            for (code, rows) in more {
                *ways.entry(code.clone()).or_default() += rows;
            }
        }
        self.rows += other.rows;
        self.superseded += other.superseded;
    }
}

impl TableLinkage {
    pub(crate) fn of_persons(source: &str, table: &str) -> Self {
        Self { of_persons: true, ..Self::of_events(source, table) }
    }

    pub(crate) fn of_events(source: &str, table: &str) -> Self {
        Self {
            source: source.to_owned(),
            table: table.to_owned(),
            of_persons: false,
            counts: Linked::default(),
            deliveries: BTreeMap::new(),
        }
    }

    /// Adds the rows of one delivery.
    pub(crate) fn add(&mut self, period: &Period, counts: Linked) {
        self.counts.add(&counts);
        self.deliveries.entry(period.clone()).or_default().add(&counts);
    }

    /// Linked rows in a hundred; none without rows.
    pub fn rate(&self) -> Option<f64> {
        let Linked { linked, unlinked, .. } = &self.counts;
        let linked: u64 = linked.values().sum();
        // Coarse counts need not add up to the rows.
        let rows = linked + unlinked.values().sum::<u64>();
        (rows > 0).then(|| 100.0 * linked as f64 / rows as f64)
    }
}

impl LinkageReport {
    /// The report of an integrated dataset that stands; none where an earlier release wrote it.
    ///
    /// # Errors
    /// Where the vault does not open the dataset, or the report is gone or was changed.
    pub fn read(
        store: &Store,
        dataset: &DatasetRef,
        keys: &mut dyn DatasetKeys,
    ) -> Result<Option<Self>, StoreError> {
        let dataset = store.dataset(dataset, keys)?;
        if !dataset.has_locked(REPORT) {
            return Ok(None);
        }
        Ok(serde_json::from_slice(&dataset.read_locked(REPORT)?).ok())
    }

    /// For people.
    pub fn text(&self) -> String {
        let mut text = format!(
            "{} children, {} of them pupils of the council's schools\n{:<28} {:>9} {:>8}  how, and why not\n",
            self.children, self.on_spine, "table", "rows", "linked"
        );
        for table in &self.tables {
            let rate = table.rate().map_or("-".to_owned(), |rate| format!("{rate:.1} %"));
            let Linked { rows, linked, unlinked, superseded } = &table.counts;
            let ways = linked.iter().chain(unlinked);
            let mut ways: Vec<String> = ways.map(|(code, rows)| format!("{code} {rows}")).collect();
            if *superseded > 0 {
                ways.push(format!("superseded {superseded}"));
            }
            let name = format!("{}/{}", table.source, table.table);
            let _ = writeln!(text, "{name:<28} {rows:>9} {rate:>8}  {}", ways.join(", "));
        }
        if !self.ids.is_empty() {
            let ids: Vec<String> =
                self.ids.iter().map(|(what, ids)| format!("{ids} {what}")).collect();
            let _ = writeln!(text, "ids of children since the first linking: {}", ids.join(", "));
        }
        for scored in &self.scored {
            let ScoredSource { source, left, linked, threshold, .. } = scored;
            let in_doubt = scored.in_doubt + scored.pupils_in_doubt + scored.contradicted;
            let precision =
                scored.estimated_precision.map_or("-".to_owned(), |of| format!("{of:.5}"));
            let (same, other) = (scored.same_as_before, scored.other_than_before);
            let _ = writeln!(
                text,
                "scored: {source}: {linked} of {left} persons whom no number and no match key led to a pupil, at {threshold} or \
                 more; estimated precision {precision}; {in_doubt} in doubt were left; of those led before, {same} would come to \
                 the same pupil and {other} to another"
            );
        }
        if let Some(clerical) = &self.clerical {
            text += &clerical.text();
        }
        for found in &self.review {
            let sources: Vec<&str> = found.sources.keys().map(String::as_str).collect();
            let (count, finding) = (found.count, found.code);
            let _ = writeln!(
                text,
                "for review: {count} {} ({}; {})",
                finding.meaning(),
                finding.code(),
                sources.join(", ")
            );
        }
        for note in &self.notes {
            let _ = writeln!(text, "note: {note}");
        }
        text
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]
mod tests {
    use minster_model::{LinkedRows, SourceRows};

    use super::*;

    #[test]
    fn the_rows_of_a_source_s_largest_delivery_of_persons_are_read_for_releases() {
        let linked = |linked: u64, unlinked: u64| Linked {
            rows: linked + unlinked,
            linked: [("identifier".to_owned(), linked)].into(),
            unlinked: [("orphan".to_owned(), unlinked)].into(),
            superseded: 1,
        };
        let table = |source: &str, table: &str, of_persons, terms: [Linked; 2]| TableLinkage {
            source: source.into(),
            table: table.into(),
            of_persons,
            counts: Linked::default(),
            deliveries: ["autumn", "spring"]
                .map(|term| term.parse().unwrap())
                .into_iter()
                .zip(terms)
                .collect(),
        };
        let report = LinkageReport {
            format: FORMAT,
            tables: vec![
                table("cin", "children", true, [linked(80, 19), linked(90, 10)]),
                table("cin", "plans", false, [linked(400, 2), linked(4, 2)]),
                table("cin", "carers", true, [linked(7, 3), linked(8, 2)]),
                table("police", "reports", false, [linked(7, 3), linked(7, 3)]),
            ],
            ..LinkageReport::default()
        };
        let read: LinkedRows =
            serde_json::from_slice(&serde_json::to_vec(&report).unwrap()).unwrap();
        let of = |linked: u64, rows: u64| SourceRows { linked, rows };
        assert_eq!(read.by_source(), [("cin", of(90, 100)), ("police", of(0, 0))].into());
    }
}
