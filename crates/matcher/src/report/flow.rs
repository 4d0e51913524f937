//! From rows as they stood in the files to children: each row on one way, and the ways add up.

use std::collections::BTreeMap;

use minster_model::{DatasetRef, RowCounts};
use minster_store::{Manifest, Origin};
use serde::Serialize;

use super::{LinkageReport, Linked, linked_rows::PersonRows, shares::Share};
use crate::MatchError;

/// Where the rows of a source's deliveries of a period went.
#[derive(Debug, Clone, Serialize)]
pub struct SourceFlow {
    /// The source.
    pub source: String,
    /// The periods of its deliveries.
    pub deliveries: Vec<String>,
    /// The rows of all tables together.
    #[serde(flatten)]
    pub rows: Ways,
    /// Rows in quarantine, by reason.
    pub reasons: BTreeMap<String, u64>,
    /// Linked rows, of those that were accepted into tables that the definition reads, and of those and the quarantined ones
    /// of the same tables.
    pub rate: Rates,
    /// Children whom an accepted row is about.
    pub children: u64,
    /// Pupils of the council's schools among them.
    pub on_spine: u64,
    /// The source's tables.
    pub tables: Vec<TableFlow>,
}

impl SourceFlow {
    /// The tables that the definition reads, and the others' names and rows together.
    pub fn read_and_not(&self) -> (Vec<&TableFlow>, Option<(Vec<&str>, Ways)>) {
        let (read, not): (Vec<&TableFlow>, Vec<&TableFlow>) =
            self.tables.iter().partition(|table| table.kind != Kind::NotRead);
        let names: Vec<&str> = not.iter().map(|table| table.table.as_str()).collect();
        let mut together = Ways::default();
        not.iter().for_each(|table| together.add(&table.rows));
        (read, (!names.is_empty()).then_some((names, together)))
    }
}

/// Where the rows of one table went.
#[derive(Debug, Clone, Serialize)]
pub struct TableFlow {
    /// The table.
    pub table: String,
    /// The kind of its rows.
    pub kind: Kind,
    /// The ways.
    #[serde(flatten)]
    pub rows: Ways,
    /// See [`SourceFlow`].
    pub rate: Rates,
}

/// The kind of a table's rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A person each.
    Persons,
    /// An event each, linked by the row of its person or by a number.
    Events,
    /// The definition reads none of them.
    NotRead,
}

/// Rows, by what became of them: delivered = accepted + quarantined + duplicate + blocked, and accepted = linked + not linked +
/// not read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Ways {
    /// Rows as they stood in the files.
    pub delivered: u64,
    /// Rows in quarantine.
    pub quarantined: u64,
    /// Rows that stand in the deliveries already.
    pub duplicate: u64,
    /// Rows of erased or restricted records.
    pub blocked: u64,
    /// Rows that were pseudonymised.
    pub accepted: u64,
    /// Rows that came to a pupil, by how.
    pub linked: BTreeMap<String, u64>,
    /// Rows that came to none, by reason.
    pub not_linked: BTreeMap<String, u64>,
    /// Rows of tables that the definition does not read.
    pub not_read: u64,
    /// Accepted rows about an event that another row tells of as well.
    pub superseded: u64,
}

/// Two rates of linkage.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Rates {
    /// Linked rows by accepted ones.
    pub of_accepted: Option<Share>,
    /// Linked rows by accepted and quarantined ones.
    pub of_delivered: Option<Share>,
}

impl Ways {
    /// Linked rows.
    pub fn all_linked(&self) -> u64 {
        self.linked.values().sum()
    }

    /// Rows that came to no pupil.
    pub fn all_not_linked(&self) -> u64 {
        self.not_linked.values().sum()
    }

    /// Whether both sums hold.
    pub fn add_up(&self) -> bool {
        let set_aside = self.quarantined + self.duplicate + self.blocked;
        self.delivered == self.accepted + set_aside
            && self.accepted == self.all_linked() + self.all_not_linked() + self.not_read
    }

    /// Adds other rows.
    pub(super) fn add(&mut self, other: &Self) {
        self.delivered += other.delivered;
        self.quarantined += other.quarantined;
        self.duplicate += other.duplicate;
        self.blocked += other.blocked;
        self.accepted += other.accepted;
        self.not_read += other.not_read;
        self.superseded += other.superseded;
        let both = [(&mut self.linked, &other.linked), (&mut self.not_linked, &other.not_linked)];
        for (ways, more) in both {
            more.iter().for_each(|(code, rows)| *ways.entry(code.clone()).or_default() += rows);
        }
    }

    pub(super) fn rates(&self) -> Rates {
        let (linked, quarantined) = (self.all_linked(), self.quarantined);
        // Coarse counts need not add up to the accepted rows.
        let accepted = linked + self.all_not_linked() + self.not_read;
        Rates {
            of_accepted: Share::of(linked, accepted),
            of_delivered: Share::of(linked, accepted + quarantined),
        }
    }
}

/// The data from which the flow is made.
pub(crate) struct FlowData<'a> {
    /// The manifests of the period's own deliveries.
    pub(crate) manifests: &'a [Manifest],
    pub(crate) report: &'a LinkageReport,
    pub(crate) rows: &'a PersonRows<'a>,
    /// For each source: children, and of them pupils.
    pub(crate) children: &'a BTreeMap<String, (u64, u64)>,
}

impl FlowData<'_> {
    /// One entry a source, in order.
    ///
    /// # Errors
    /// [`MatchError::NotAddedUp`] where a source's rows do not add up.
    pub(crate) fn flow(&self) -> Result<Vec<SourceFlow>, MatchError> {
        let mut sources: BTreeMap<&str, Vec<&Manifest>> = BTreeMap::new();
        for manifest in self.manifests {
            sources.entry(manifest.dataset.name.as_str()).or_default().push(manifest);
        }
        sources.into_iter().map(|(source, manifests)| self.source(source, &manifests)).collect()
    }

    fn source(&self, source: &str, manifests: &[&Manifest]) -> Result<SourceFlow, MatchError> {
        let mut tables: BTreeMap<&str, RowCounts> = BTreeMap::new();
        let mut reasons: BTreeMap<String, u64> = BTreeMap::new();
        for manifest in manifests {
            let Origin::Delivery { rows, reasons: why, .. } = &manifest.origin else { continue };
            rows.iter().for_each(|of| *tables.entry(of.table.as_str()).or_default() += of.counts);
            why.iter().for_each(|(code, rows)| *reasons.entry(code.clone()).or_default() += rows);
        }
        let own: Vec<&DatasetRef> = manifests.iter().map(|manifest| &manifest.dataset).collect();
        let tables: Vec<TableFlow> =
            tables.into_iter().map(|(table, counts)| self.table(&own, table, counts)).collect();
        let (mut rows, mut read) = (Ways::default(), Ways::default());
        for table in &tables {
            rows.add(&table.rows);
            if table.kind != Kind::NotRead {
                read.add(&table.rows);
            }
        }
        if !rows.add_up() || !tables.iter().all(|table| table.rows.add_up()) {
            return Err(MatchError::NotAddedUp { source_name: source.to_owned() });
        }
        let (children, on_spine) = self.children.get(source).copied().unwrap_or_default();
        let deliveries = own.iter().map(|dataset| dataset.period.to_string()).collect();
        let rate = read.rates();
        let source = source.to_owned();
        Ok(SourceFlow { source, deliveries, rows, reasons, rate, children, on_spine, tables })
    }

    fn table(&self, own: &[&DatasetRef], table: &str, counts: RowCounts) -> TableFlow {
        let RowCounts { read, accepted, quarantined, duplicate, blocked } = counts;
        let mut rows =
            Ways { delivered: read, quarantined, duplicate, blocked, accepted, ..Ways::default() };
        let source = own.first().map_or("", |dataset| dataset.name.as_str());
        let reported =
            self.report.tables.iter().find(|of| of.source == source && of.table == table);
        let of_persons: Vec<_> = (self.rows)
            .tables(|name, period| name == source && own.iter().any(|of| of.period == *period))
            .filter(|of| of.table.as_str() == table)
            .collect();
        let kind = match (of_persons.is_empty(), reported) {
            (false, _) => Kind::Persons,
            (true, Some(_)) => Kind::Events,
            (true, None) => Kind::NotRead,
        };
        match (kind, reported) {
            (Kind::Persons, _) => {
                for row in of_persons.iter().flat_map(|table| self.rows.of_table(table)) {
                    let ways = match self.rows.is_linked(row) {
                        true => &mut rows.linked,
                        false => &mut rows.not_linked,
                    };
                    *ways.entry(self.rows.way(row).code()).or_default() += 1;
                }
                rows.superseded = reported.map_or(0, |of| of.counts.superseded);
            }
            (_, Some(reported)) => {
                let Linked { linked, unlinked, superseded, .. } = reported.counts.clone();
                (rows.linked, rows.not_linked, rows.superseded) = (linked, unlinked, superseded);
            }
            (_, None) => rows.not_read = accepted,
        }
        let rate = if kind == Kind::NotRead { Rates::default() } else { rows.rates() };
        TableFlow { table: table.to_owned(), kind, rows, rate }
    }
}
