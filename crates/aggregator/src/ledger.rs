//! What was released before of the same period: later releases are protected together with it, and
//! what differs from it is not released. An entry holds what the public was given, and nothing else.

use std::collections::{BTreeMap, HashMap};

use minster_attack::ReleasableSet;
use minster_model::{
    Period, TableName,
    cube::{CountTable, Hierarchy, Pattern, Policy},
};
use minster_store::{Release, Store, StoreError, sha256_hex};
use serde::{Deserialize, Serialize};

use crate::{
    AggregateError, Definition,
    release::{self, Sums},
    tabulate::Tabulated,
};

/// The format that this release writes and reads.
const FORMAT: u32 = 1;

/// One release, as the public has it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Entry {
    format: u32,
    period: Period,
    pub(crate) definition: Definition,
    /// SHA-256 of the release's files.
    pub(crate) sha256: String,
    tables: Vec<Published>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Published {
    dimensions: Vec<Hierarchy>,
    /// Every cell; none where it is withheld.
    counts: Vec<Option<u64>>,
    /// SHA-256 of the table as it was released, sums and rates with it.
    csv_sha256: String,
}

/// The entries of one period.
pub(crate) struct Ledger {
    entries: Vec<Entry>,
}

impl Entry {
    pub(crate) fn new(
        definition: &Definition,
        period: &Period,
        releasable: &ReleasableSet,
        sums: &Sums,
        sha256: String,
    ) -> Result<Self, AggregateError> {
        let mut tables = Vec::new();
        for (place, table) in definition.tables.iter().enumerate() {
            let cube = &releasable.tables()[place];
            let counts = releasable.published_cells(place);
            let csv_sha256 = sha256_hex(&release::csv_of(table, cube, &counts, &sums[place])?);
            tables.push(Published { dimensions: cube.dimensions().to_vec(), counts, csv_sha256 });
        }
        let (definition, period) = (definition.clone(), period.clone());
        Ok(Self { format: FORMAT, period, definition, sha256, tables })
    }

    /// Writes it down, before its release can be seen.
    pub(crate) fn enter(&self, store: &Store) -> Result<(), AggregateError> {
        let bytes = serde_json::to_vec(self)
            .map_err(|_| AggregateError::Write("the ledger's entry failed".into()))?;
        let name = format!("{}.{}", self.definition.name, &self.sha256[..32]);
        Ok(store.enter(&self.period, &name, &bytes)?)
    }

    /// The tables as they were published, if the data still say what was published then, sums and
    /// rates included.
    pub(crate) fn standing(
        &self,
        now: &Tabulated,
    ) -> Result<Option<Vec<CountTable>>, AggregateError> {
        let mut standing = Vec::new();
        let tables = self.definition.tables.iter().zip(&self.tables);
        for ((table, published), (cube, sums)) in tables.zip(now.set.tables.iter().zip(&now.sums)) {
            let counts = cube.cell_counts();
            let still = |(count, published): (&u64, &Option<u64>)| {
                published.is_none_or(|published| published == *count)
            };
            let same = cube.dimensions() == published.dimensions
                && counts.len() == published.counts.len()
                && counts.iter().zip(&published.counts).all(still);
            if !same {
                return Ok(None);
            }
            let csv = release::csv_of(table, cube, &published.counts, sums)?;
            if sha256_hex(&csv) != published.csv_sha256 {
                return Ok(None);
            }
            let withheld = published.counts.iter().map(Option::is_none).collect();
            standing.push(cube.clone().published_before(Pattern { withheld })?);
        }
        Ok((standing.len() == self.tables.len()).then_some(standing))
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
    pub(crate) fn read(store: &Store, period: &Period) -> Result<Self, AggregateError> {
        let entry = |bytes: &Vec<u8>| {
            let entry: Option<Entry> = serde_json::from_slice(bytes).ok();
            entry.filter(|entry| entry.format == FORMAT).ok_or_else(|| {
                AggregateError::Store(StoreError::Manifest {
                    path: store.root().join("ledger").join(period.as_str()),
                    why: "holds an entry that this release does not understand".into(),
                })
            })
        };
        let entries = store.ledger(period)?.iter().map(entry).collect::<Result<_, _>>()?;
        Ok(Self { entries })
    }

    /// The entry of exactly this definition.
    pub(crate) fn same(&self, definition: &Definition) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.definition == *definition)
    }

    /// The tables published before of the same children, to be protected together with new ones.
    pub(crate) fn standing(
        &self,
        definition: &Definition,
        mut tabulate: impl FnMut(&Definition) -> Result<Tabulated, AggregateError>,
    ) -> Result<Vec<CountTable>, AggregateError> {
        let mut tables = Vec::new();
        for entry in
            self.entries.iter().filter(|entry| same_children(&entry.definition, definition))
        {
            let name = &entry.definition.name;
            if policy(&entry.definition) != policy(definition) {
                return Err(AggregateError::Refused(format!(
                    "the release {name} of this period and these children stands under another threshold or policy for zeros; use the same"
                )));
            }
            let now = tabulate(&entry.definition)?;
            tables.extend(entry.standing(&now)?.ok_or_else(|| {
                AggregateError::Refused(format!(
                    "the data have changed since the release {name} of this period, so that the two together would show whom the change is about; release another period"
                ))
            })?);
        }
        Ok(tables)
    }

    /// Refuses tables that differ by few children from ones of other populations published before: who
    /// is in one and not in the other would be shown.
    pub(crate) fn difference(
        &self,
        definition: &Definition,
        releasable: &ReleasableSet,
    ) -> Result<(), AggregateError> {
        let others: Vec<&Entry> = self
            .entries
            .iter()
            .filter(|entry| !same_children(&entry.definition, definition))
            .collect();
        for (place, (table, cube)) in definition.tables.iter().zip(releasable.tables()).enumerate()
        {
            let mine = by_categories(cube.dimensions(), &releasable.published_cells(place));
            for entry in &others {
                for (old, published) in entry.definition.tables.iter().zip(&entry.tables) {
                    let theirs = by_categories(&published.dimensions, &published.counts);
                    let close = |(categories, count): (&Categories<'_>, &u64)| {
                        let other = theirs.get(categories);
                        other.is_some_and(|other| {
                            (1..definition.threshold).contains(&count.abs_diff(*other))
                        })
                    };
                    let cells = mine.iter().filter(|&cell| close(cell)).count();
                    if cells > 0 {
                        return Err(AggregateError::Refused(format!(
                            "{cells} cells of the table {} differ by less than the threshold from the table {} of the release {}, which is about other children; use one population",
                            table.name, old.name, entry.definition.name
                        )));
                    }
                }
            }
        }
        Ok(())
    }
}

/// The categories that a cell is about, totals left out, by dimension.
type Categories<'a> = BTreeMap<&'a str, &'a str>;

fn by_categories<'a>(
    dimensions: &'a [Hierarchy],
    counts: &[Option<u64>],
) -> HashMap<Categories<'a>, u64> {
    let shown = counts.iter().enumerate().filter_map(|(cell, count)| Some((cell, (*count)?)));
    shown
        .map(|(mut cell, count)| {
            let mut categories = Categories::new();
            for dimension in dimensions.iter().rev() {
                let node = cell % dimension.node_count();
                cell /= dimension.node_count();
                if !dimension.is_total(node) {
                    categories.insert(dimension.name(), dimension.code(node));
                }
            }
            (categories, count)
        })
        .collect()
}

fn policy(definition: &Definition) -> Policy {
    Policy::new(definition.threshold, definition.zeros)
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
