//! One release in the ledger: what the public was given of it, who let it out, and that it was withdrawn.

use std::collections::BTreeMap;

use minster_model::{
    ColumnName, Period, SourceName, TableName,
    table::{CountTable, Hierarchy, Pattern},
};
use minster_store::{Manifest, Origin, Store};
use serde::{Deserialize, Serialize};

use crate::{
    definition::release_definition::Definition,
    earlier_releases::differencing,
    error::AggregateError,
    protect::{flags, sums},
    publish::{linkage_rates::PublishedLinkage, meanings::ColumnMeanings},
    refusal::NamedRelease,
    tabulate::{
        children::Children,
        tables::{Tabulated, TabulatedTable},
    },
};

/// The format that this release writes. Before it, entries had the number of children counted and the sum of their record
/// keys.
pub(crate) const FORMAT: u32 = 3;
/// The oldest that it reads.
pub(crate) const OLDEST: u32 = 2;

/// How the name of a withdrawal's entry ends.
pub(crate) const WITHDRAWN: &str = ".withdrawn";

/// One release, as the public has it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) format: u32,
    pub(crate) period: Period,
    pub(crate) definition: Definition,
    /// SHA-256 of the release's files.
    pub(crate) sha256: String,
    /// The children who were counted.
    pub(crate) children: Children,
    /// The deliveries that the data were linked from.
    pub(crate) deliveries: Vec<(SourceName, Period)>,
    pub(crate) tables: Vec<Published>,
    /// The person who let it out; none where that was before a person had to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) let_out: Option<LetOut>,
    /// The rates of linkage that its files tell; none where it was let out before releases told of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) linkage: Option<PublishedLinkage>,
    /// The meanings of the dataset's columns that its files tell; none where it was let out before releases told of them.
    #[serde(default, skip_serializing_if = "ColumnMeanings::is_empty")]
    pub(crate) meanings: ColumnMeanings,
    /// The entry's name in the ledger.
    #[serde(skip)]
    pub(crate) file: String,
    /// SHA-256 of the entry as it stands in the ledger; nothing in one that does not stand there yet.
    #[serde(skip)]
    pub(crate) recorded_sha256: String,
    #[serde(skip)]
    pub(crate) withdrawn: Option<Withdrawal>,
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
pub(crate) struct PublishedTables {
    pub(crate) counts: Vec<CountTable>,
    /// By the column that is summed.
    pub(crate) sums: BTreeMap<ColumnName, Vec<CountTable>>,
    /// The counts that sums of a column of 0 and 1 are.
    pub(crate) flags: Vec<(ColumnName, CountTable)>,
}

impl PublishedTables {
    /// The tables with their categories in the order in which `known` has those of the same columns, and else in their own,
    /// which is known from then on.
    pub(crate) fn in_order_of(self, known: &mut Vec<Hierarchy>) -> Result<Self, AggregateError> {
        let mut ordered = |table: CountTable| {
            let table = table.in_order_of(known)?;
            learn(known, table.dimensions());
            Ok::<_, AggregateError>(table)
        };
        let counts = self.counts.into_iter().map(&mut ordered).collect::<Result<_, _>>()?;
        let flags = self.flags.into_iter().map(|(column, of)| Ok((column, ordered(of)?)));
        let flags = flags.collect::<Result<_, AggregateError>>()?;
        let mut sums = BTreeMap::new();
        for (column, tables) in self.sums {
            let tables = tables.into_iter().map(&mut ordered).collect::<Result<_, _>>()?;
            sums.insert(column, tables);
        }
        Ok(Self { counts, sums, flags })
    }

    pub(crate) fn extend(&mut self, other: Self) {
        self.counts.extend(other.counts);
        self.flags.extend(other.flags);
        for (column, tables) in other.sums {
            self.sums.entry(column).or_default().extend(tables);
        }
    }
}

/// A person who lets a release out or withdraws one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// The user's number.
    pub uid: u32,
    /// The user's name, where the system knows one.
    pub user: Option<String>,
    /// When (RFC 3339, UTC).
    pub at: String,
}

/// The person who let a release out, and the policy under which they did.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct LetOut {
    #[serde(flatten)]
    pub(crate) by: Person,
    pub(crate) policy_sha256: String,
}

/// A withdrawal: an entry of its own beside the release's, which never changes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Withdrawal {
    format: u32,
    /// The entry of what is withdrawn.
    pub(crate) entry: String,
    pub(crate) sha256: String,
    #[serde(flatten)]
    pub(crate) by: Person,
    pub(crate) reason: String,
}

impl Entry {
    /// Its name and period, for a message.
    pub(crate) fn named(&self) -> NamedRelease {
        NamedRelease { name: self.definition.name.clone(), period: self.period.clone() }
    }

    /// As it is written down.
    pub(crate) fn bytes(&self) -> Result<Vec<u8>, AggregateError> {
        serde_json::to_vec(self)
            .map_err(|_| AggregateError::Write("the ledger's entry failed".into()))
    }

    /// The tables as they were published, if the data still say what was published then.
    pub(crate) fn published_tables(
        &self,
        now: &Tabulated,
    ) -> Result<Option<PublishedTables>, AggregateError> {
        let mut published_tables = PublishedTables::default();
        for (place, published) in self.tables.iter().enumerate() {
            let Some(table_now) = now.tables.get(place) else { return Ok(None) };
            let count_table = &table_now.counts;
            if count_table.dimensions() != published.dimensions {
                return Ok(None);
            }
            let Some(table) = as_published(count_table.clone(), &published.counts)? else {
                return Ok(None);
            };
            published_tables.counts.push(table);
            for (column, sums) in &published.sums {
                let Some(now) = table_now.measured.sums.get(column) else { return Ok(None) };
                let shown = sums::Shown::of(&published.counts);
                let table = sums::table(&self.definition, place, column, count_table, shown, now)?;
                let Some(table) = as_published(table, sums)? else { return Ok(None) };
                let zeros = self.definition.policy().zeros;
                if let Some(flags) = flags::table(count_table, column, now, zeros)? {
                    let of = flags::published_before(flags, &published.counts, sums)?;
                    published_tables.flags.push((column.clone(), of));
                }
                published_tables.sums.entry(column.clone()).or_default().push(table);
            }
        }
        Ok((published_tables.counts.len() == now.tables.len()).then_some(published_tables))
    }

    /// The tables as the data have them now, with the cells withheld that were withheld then: whoever supposes that little
    /// has changed takes the one for the other. A cell that was not there then counts as shown.
    pub(crate) fn as_if_unchanged(
        &self,
        now: &Tabulated,
    ) -> Result<PublishedTables, AggregateError> {
        let mut published_tables = PublishedTables::default();
        for (published, (place, table_now)) in self.tables.iter().zip(now.tables.iter().enumerate())
        {
            let count_table = &table_now.counts;
            let then = |numbers: &[Option<u64>]| {
                differencing::withheld_of(count_table, &published.dimensions, numbers)
            };
            let counts = then(&published.counts);
            let shown = shown(&count_table.cell_counts(), &counts);
            for (column, sums) in &published.sums {
                let Some(now) = table_now.measured.sums.get(column) else { continue };
                let of_shown = sums::Shown::of(&shown);
                let table =
                    sums::table(&self.definition, place, column, count_table, of_shown, now)?;
                let withheld = then(sums);
                let numbers = self::shown(&table.cell_counts(), &withheld);
                let zeros = self.definition.policy().zeros;
                if let Some(flags) = flags::table(count_table, column, now, zeros)? {
                    let of = flags::published_before(flags, &shown, &numbers)?;
                    published_tables.flags.push((column.clone(), of));
                }
                let table = table.published_before(Pattern { withheld })?;
                published_tables.sums.entry(column.clone()).or_default().push(table);
            }
            let table = count_table.clone().published_before(Pattern { withheld: counts })?;
            published_tables.counts.push(table);
        }
        Ok(published_tables)
    }

    /// For each table, how many of its published counts and sums the data no longer say; all, where it has other cells
    /// now.
    pub(crate) fn changed(&self, now: &Tabulated) -> Result<Vec<usize>, AggregateError> {
        let differing = |now: &[u64], then: &[Option<u64>]| {
            let both = now.iter().zip(then);
            both.filter(|(now, then)| then.is_some_and(|then| then != **now)).count()
        };
        let mut changed = Vec::new();
        for (place, published) in self.tables.iter().enumerate() {
            let Some(TabulatedTable { counts: table, measured, .. }) = now.tables.get(place) else {
                continue;
            };
            if table.dimensions() != published.dimensions {
                changed.push(published.counts.len());
                continue;
            }
            let mut numbers = differing(&table.cell_counts(), &published.counts);
            for (column, sums) in &published.sums {
                let Some(of) = measured.sums.get(column) else { continue };
                let (dimensions, inner) = (table.dimensions().to_vec(), of.inner.clone());
                let of = CountTable::new(table.name(), dimensions, inner, vec![])?;
                numbers += differing(&of.cell_counts(), sums);
            }
            changed.push(numbers);
        }
        Ok(changed)
    }

    /// Cells of each table: their number, and how many are withheld.
    pub(crate) fn sizes(&self) -> impl Iterator<Item = (&TableName, usize, usize)> {
        self.definition.tables.iter().zip(&self.tables).map(|(table, published)| {
            let withheld = published.counts.iter().filter(|count| count.is_none()).count();
            (&table.name, published.counts.len(), withheld)
        })
    }
}

/// The deliveries that an integrated dataset was linked from.
pub(crate) fn deliveries(integrated: &Manifest) -> Vec<(SourceName, Period)> {
    match &integrated.origin {
        Origin::Datasets { datasets, .. } => {
            datasets.iter().map(|(of, _)| (of.name.clone(), of.period.clone())).collect()
        }
        Origin::Delivery { .. } => Vec::new(),
    }
}

/// Adds dimensions to those that are known, unless one with the same categories is.
pub(crate) fn learn(known: &mut Vec<Hierarchy>, dimensions: &[Hierarchy]) {
    for dimension in dimensions {
        if !known.iter().any(|of| of.has_leaves_of(dimension)) {
            known.push(dimension.clone());
        }
    }
}

/// The numbers of cells, and none for a withheld one.
fn shown(numbers: &[u64], withheld: &[bool]) -> Vec<Option<u64>> {
    { numbers.iter().zip(withheld) }
        .map(|(number, withheld)| (!withheld).then_some(*number))
        .collect()
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

impl Withdrawal {
    pub(crate) fn new(of: &Entry, by: Person, reason: &str) -> Self {
        let (entry, sha256) = (of.file.clone(), of.sha256.clone());
        Self { format: FORMAT, entry, sha256, by, reason: reason.to_owned() }
    }

    /// Writes it down, before readers are told.
    pub(crate) fn enter(&self, store: &Store, period: &Period) -> Result<(), AggregateError> {
        let bytes = serde_json::to_vec(self)
            .map_err(|_| AggregateError::Write("the ledger's entry failed".into()))?;
        Ok(store.enter(period, &format!("{}{WITHDRAWN}", self.entry), &bytes)?)
    }

    /// As `WITHDRAWN.txt` has it.
    pub(crate) fn text(&self) -> String {
        let Self { sha256, by: Person { at, .. }, reason, .. } = self;
        format!("The release {} was withdrawn on {at}.\nReason: {reason}\n", &sha256[..32])
    }
}
