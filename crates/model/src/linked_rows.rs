//! The part of the linkage report that a release may tell a rounded rate of. The matcher writes the whole report; who makes
//! releases reads this of it, and does not link the matcher.

use std::collections::BTreeMap;

use serde::Deserialize;

/// The name of the linkage report beside the integrated dataset, where it is encrypted as the dataset is.
pub const LINKAGE_REPORT: &str = "linkage.json";

/// The smallest count of rows or children that a linkage report shows beside 0, where nobody asks for a greater one.
pub const SMALLEST_SHOWN: u64 = 5;

/// The rows of each table of an integrated dataset, by what became of them.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct LinkedRows {
    tables: Vec<LinkedTable>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct LinkedTable {
    source: String,
    #[serde(default)]
    of_persons: bool,
    deliveries: BTreeMap<String, Ways>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Ways {
    linked: BTreeMap<String, u64>,
    unlinked: BTreeMap<String, u64>,
}

/// Rows of one source, about a person each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SourceRows {
    /// Rows that were linked to a pupil.
    pub linked: u64,
    /// Those, and the rows that were not.
    pub rows: u64,
}

impl LinkedRows {
    /// The rows of the largest delivery of persons of each source. A child has a row in each delivery and hundreds of events: of all
    /// rows together a rate would go with few children. None of a source without a table of persons.
    pub fn by_source(&self) -> BTreeMap<&str, SourceRows> {
        let sum = |ways: &BTreeMap<String, u64>| {
            ways.values().fold(0u64, |sum, rows| sum.saturating_add(*rows))
        };
        let mut sources: BTreeMap<&str, SourceRows> = BTreeMap::new();
        for table in &self.tables {
            let largest = sources.entry(&table.source).or_default();
            for Ways { linked, unlinked } in table.deliveries.values().filter(|_| table.of_persons)
            {
                let linked = sum(linked);
                let rows = linked.saturating_add(sum(unlinked));
                if rows > largest.rows {
                    *largest = SourceRows { linked, rows };
                }
            }
        }
        sources
    }
}
