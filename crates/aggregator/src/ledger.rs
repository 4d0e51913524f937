//! What was released before of the same period: later releases are protected together with it, and
//! what differs from it is not released. An entry holds what the public was given, and nothing else.

use std::collections::BTreeMap;

use minster_model::{
    ColumnName, Period, SourceName, TableName,
    cube::{CountTable, Hierarchy, Pattern},
};
use minster_store::{Manifest, Origin, Release, Store, StoreError};
use serde::{Deserialize, Serialize};

use crate::{
    AggregateError, Definition, Method,
    release::Releasable,
    sums,
    tabulate::{Children, Tabulated},
};

/// The format that this release writes and reads.
const FORMAT: u32 = 2;

/// One release, as the public has it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Entry {
    format: u32,
    pub(crate) period: Period,
    pub(crate) definition: Definition,
    /// SHA-256 of the release's files.
    pub(crate) sha256: String,
    /// Who was counted.
    pub(crate) children: Children,
    /// The deliveries that the data were linked from.
    deliveries: Vec<(SourceName, Period)>,
    pub(crate) tables: Vec<Published>,
}

/// One table, as the public has it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Published {
    pub(crate) dimensions: Vec<Hierarchy>,
    /// Every cell; none where it is withheld.
    pub(crate) counts: Vec<Option<u64>>,
    /// The same of every column that is summed.
    pub(crate) sums: BTreeMap<ColumnName, Vec<Option<u64>>>,
}

/// Tables as they were published before: nothing of them can be withheld or shown any more.
#[derive(Debug, Clone, Default)]
pub(crate) struct Standing {
    pub(crate) counts: Vec<CountTable>,
    /// By the column that is summed.
    pub(crate) sums: BTreeMap<ColumnName, Vec<CountTable>>,
}

impl Standing {
    pub(crate) fn extend(&mut self, other: Self) {
        self.counts.extend(other.counts);
        for (column, tables) in other.sums {
            self.sums.entry(column).or_default().extend(tables);
        }
    }
}

/// The entries of one period, and those of others that drew on one of the same deliveries.
pub(crate) struct Ledger {
    entries: Vec<Entry>,
    of_other_periods: Vec<Entry>,
}

impl Entry {
    pub(crate) fn new(
        definition: &Definition,
        period: &Period,
        releasable: &Releasable<'_>,
        children: Children,
        integrated: &Manifest,
        sha256: String,
    ) -> Result<Self, AggregateError> {
        let mut tables = Vec::new();
        for place in 0..definition.tables.len() {
            let columns = releasable.measured[place].sums.keys();
            let sums = columns.filter_map(|column| {
                Some((column.clone(), releasable.sums.published_cells(place, column)?))
            });
            tables.push(Published {
                dimensions: releasable.counts.tables()[place].dimensions().to_vec(),
                counts: releasable.counts.published_cells(place),
                sums: sums.collect(),
            });
        }
        let (definition, period) = (definition.clone(), period.clone());
        let deliveries = deliveries(integrated);
        Ok(Self { format: FORMAT, period, definition, sha256, children, deliveries, tables })
    }

    /// Writes it down, before its release can be seen.
    pub(crate) fn enter(&self, store: &Store) -> Result<(), AggregateError> {
        let bytes = serde_json::to_vec(self)
            .map_err(|_| AggregateError::Write("the ledger's entry failed".into()))?;
        let name = format!("{}.{}", self.definition.name, &self.sha256[..32]);
        Ok(store.enter(&self.period, &name, &bytes)?)
    }

    /// The tables as they were published, if the data still say what was published then.
    pub(crate) fn standing(&self, now: &Tabulated) -> Result<Option<Standing>, AggregateError> {
        let mut standing = Standing::default();
        for (place, published) in self.tables.iter().enumerate() {
            let (Some(cube), Some(measured)) = (now.set.tables.get(place), now.measured.get(place))
            else {
                return Ok(None);
            };
            if cube.dimensions() != published.dimensions {
                return Ok(None);
            }
            let Some(table) = as_published(cube.clone(), &published.counts)? else {
                return Ok(None);
            };
            standing.counts.push(table);
            for (column, sums) in &published.sums {
                let Some(now) = measured.sums.get(column) else { return Ok(None) };
                let table =
                    sums::table(&self.definition, place, column, cube, &published.counts, now)?;
                let Some(table) = as_published(table, sums)? else { return Ok(None) };
                standing.sums.entry(column.clone()).or_default().push(table);
            }
        }
        Ok((standing.counts.len() == now.set.tables.len()).then_some(standing))
    }

    /// Cells of each table: their number, and how many are withheld.
    pub(crate) fn sizes(&self) -> impl Iterator<Item = (&TableName, usize, usize)> {
        self.definition.tables.iter().zip(&self.tables).map(|(table, published)| {
            let withheld = published.counts.iter().filter(|count| count.is_none()).count();
            (&table.name, published.counts.len(), withheld)
        })
    }
}

impl Ledger {
    pub(crate) fn read(
        store: &Store,
        period: &Period,
        integrated: &Manifest,
    ) -> Result<Self, AggregateError> {
        let now = deliveries(integrated);
        let mut of_other_periods = Vec::new();
        for other in store.ledger_periods()?.iter().filter(|other| *other != period) {
            let entries = read(store, other)?.into_iter();
            let shares = |entry: &Entry| entry.deliveries.iter().any(|of| now.contains(of));
            of_other_periods.extend(entries.filter(shares));
        }
        Ok(Self { entries: read(store, period)?, of_other_periods })
    }

    /// The entry of exactly this definition.
    pub(crate) fn same(&self, definition: &Definition) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.definition == *definition)
    }

    /// What was published before of the same children, to be protected together with new tables.
    pub(crate) fn standing<'a>(
        &'a self,
        definition: &'a Definition,
        children: Children,
        mut tabulate: impl FnMut(&Definition) -> Result<Tabulated, AggregateError>,
    ) -> Result<Vec<(&'a Entry, Standing)>, AggregateError> {
        let mut standing = Vec::new();
        for entry in self.of_same(definition, children) {
            let name = &entry.definition.name;
            let refused = |why: &str| {
                Err(AggregateError::Refused(format!(
                    "the release {name} of {} is about the same children, {why}",
                    entry.period
                )))
            };
            if [entry.definition.method, definition.method] != [Method::Suppress; 2] {
                return refused(
                    "and one of the two is rounded: together they would show what each hides; use one release",
                );
            }
            if entry.definition.policy() != definition.policy() {
                return refused(
                    "and stands under another threshold, policy for zeros or insider; use the same",
                );
            }
            let rules = |of: &Definition| (of.dominance, of.p_percent, of.holder.clone());
            if rules(&entry.definition) != rules(definition) {
                return refused("and stands under other rules for sums; use the same");
            }
            match entry.standing(&tabulate(&entry.definition)?)? {
                Some(tables) => standing.push((entry, tables)),
                None => {
                    return refused(
                        "and the data have changed since, so that the two together would show whom the change is about; release other deliveries",
                    );
                }
            }
        }
        Ok(standing)
    }

    /// Refuses a definition whose children are chosen by a column that another release divides, or the
    /// other way round, where one of the two hides anything: together they would show it. `hides` says
    /// whether the new one does. Of `others`, that cannot be attacked together with it.
    pub(crate) fn nested(
        definition: &Definition,
        others: &[&Entry],
        hides: bool,
    ) -> Result<(), AggregateError> {
        for entry in others {
            let other = &entry.definition;
            let chosen = chosen_by_what_is_divided(definition, other)
                .or_else(|| chosen_by_what_is_divided(other, definition));
            let hid = other.method != Method::Suppress
                || entry.tables.iter().any(|table| table.counts.iter().any(Option::is_none));
            if let (Some(column), true) = (chosen, hides || hid) {
                return Err(AggregateError::Refused(format!(
                    "the release {} of {} and this one hide numbers that they would show together: {column} chooses the children of one of the two and divides those of the other; divide by it in both",
                    other.name, entry.period
                )));
            }
        }
        Ok(())
    }

    /// Refuses to publish beside others where one of the two is rounded: what one rounds, the other may
    /// show. Noise that depends on the children is made for that.
    pub(crate) fn one_method(
        &self,
        definition: &Definition,
        children: Children,
    ) -> Result<(), AggregateError> {
        let alone = |entry: &&Entry| {
            let methods = [entry.definition.method, definition.method];
            methods != [Method::Suppress; 2] && methods != [Method::CellKey; 2]
        };
        match self.of_others(definition, children).find(alone) {
            None => Ok(()),
            Some(entry) => Err(AggregateError::Refused(format!(
                "beside the release {} of {}, which is about other children, this one would show more than each alone, because one of the two is rounded; withhold in both, or use noise that depends on the children in both",
                entry.definition.name, entry.period
            ))),
        }
    }

    /// What was published before about the same children, in this period or another that drew on one of
    /// the same deliveries; and what is said to be about the same, though the data may have changed.
    fn of_same<'a>(
        &'a self,
        definition: &'a Definition,
        children: Children,
    ) -> impl Iterator<Item = &'a Entry> {
        let said = move |entry: &&Entry| {
            entry.children == children || same_children(&entry.definition, definition)
        };
        let counted = move |entry: &&Entry| entry.children == children;
        self.entries.iter().filter(said).chain(self.of_other_periods.iter().filter(counted))
    }

    /// What was published before about other children.
    pub(crate) fn of_others<'a>(
        &'a self,
        definition: &'a Definition,
        children: Children,
    ) -> impl Iterator<Item = &'a Entry> {
        let other = move |entry: &&Entry| {
            entry.children != children && !same_children(&entry.definition, definition)
        };
        let counted = move |entry: &&Entry| entry.children != children;
        self.entries.iter().filter(other).chain(self.of_other_periods.iter().filter(counted))
    }
}

fn read(store: &Store, period: &Period) -> Result<Vec<Entry>, AggregateError> {
    let entry = |bytes: &Vec<u8>| {
        let entry: Option<Entry> = serde_json::from_slice(bytes).ok();
        entry.filter(|entry| entry.format == FORMAT).ok_or_else(|| {
            AggregateError::Store(StoreError::Manifest {
                path: store.root().join("ledger").join(period.as_str()),
                why: "holds an entry that this release does not understand".into(),
            })
        })
    };
    store.ledger(period)?.iter().map(entry).collect()
}

/// The deliveries that an integrated dataset was linked from.
fn deliveries(integrated: &Manifest) -> Vec<(SourceName, Period)> {
    match &integrated.origin {
        Origin::Datasets { datasets, .. } => {
            datasets.iter().map(|(of, _)| (of.name.clone(), of.period.clone())).collect()
        }
        Origin::Delivery { .. } => Vec::new(),
    }
}

/// The table as it was published, if its numbers are still those.
fn as_published(
    table: CountTable,
    published: &[Option<u64>],
) -> Result<Option<CountTable>, AggregateError> {
    let counts = table.cell_counts();
    let still = |(count, published): (&u64, &Option<u64>)| {
        published.is_none_or(|published| published == *count)
    };
    if counts.len() != published.len() || !counts.iter().zip(published).all(still) {
        return Ok(None);
    }
    let withheld = published.iter().map(Option::is_none).collect();
    Ok(Some(table.published_before(Pattern { withheld })?))
}

/// A column on which `one` alone has a condition and that a table of `other` divides.
fn chosen_by_what_is_divided<'a>(
    one: &'a Definition,
    other: &Definition,
) -> Option<&'a ColumnName> {
    let own = one.conditions.iter().filter(|condition| !other.conditions.contains(condition));
    let divided = |column: &ColumnName| {
        let names = other.tables.iter().flat_map(|table| &table.dimensions);
        names.filter_map(|name| other.dimension(name)).any(|of| of.column == *column)
    };
    own.map(|condition| &condition.column).find(|column| divided(column))
}

fn same_children(one: &Definition, other: &Definition) -> bool {
    one.population == other.population && one.conditions == other.conditions
}

/// The release that an entry tells of, if its folder is still there.
pub(crate) fn release_of(store: &Store, entry: &Entry) -> Result<Release, AggregateError> {
    let name = entry.definition.name.as_str();
    store.standing_release(name, entry.period.as_str(), &entry.sha256).ok_or_else(|| {
        AggregateError::Refused(format!(
            "the release {name} of this period was published, but its folder is gone and the data have changed; bring it back from a copy"
        ))
    })
}
