//! Children grouped by their categories, in one pass over the dataset for all tables of a release: each
//! batch is grouped with Polars at once and only its partial result kept, so that memory is bounded by
//! the tables, not by the rows.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::{Array, BooleanArray, RecordBatch};
use minster_model::{
    ColumnName, NodeId, TableName,
    policy::Dice,
    table::{CountTable, ProtectionLevel, Sensitive, TableSet},
};
use minster_store::sha256;
use polars::prelude::*;

use crate::{
    definition::{
        location::{Location, did_you_mean, location},
        release_definition::{Condition, Definition, Method, Population, Table},
    },
    derived::linked::Linked,
    earlier_releases::sample::Sample,
    error::AggregateError,
    tabulate::{
        categories::{Categories, Found, Lookups},
        children::Children,
        column_values::{self, failed},
        contributions::{Measured, Measuring},
    },
};

/// The tables of a release, and what is measured in each beside the count.
pub(crate) struct Tabulated {
    pub(crate) tables: Vec<TabulatedTable>,
    /// The children who were counted.
    pub(crate) children: Children,
    /// Some of them, where it is told who was counted.
    pub(crate) sample: Sample,
    /// Where it is told who was counted: the release's dice for the choice of cells to withhold.
    pub(crate) dice: Dice,
}

/// A table as it was counted.
#[derive(Clone)]
pub(crate) struct TabulatedTable {
    pub(crate) counts: CountTable,
    /// The measures in it beside the count.
    pub(crate) measured: Measured,
    /// Where noise depends on the children: their record keys, added up over each inner cell.
    pub(crate) keys: Vec<u64>,
}

impl Tabulated {
    /// The tables of counts, under a definition's policy.
    pub(crate) fn set(&self, definition: &Definition) -> TableSet {
        let tables = self.tables.iter().map(|of| of.counts.clone()).collect();
        TableSet { tables, policy: definition.policy() }
    }

    /// The measures that each table shows.
    pub(crate) fn measured(&self, definition: &Definition) -> Vec<Measured> {
        let tables = self.tables.iter().zip(&definition.tables);
        tables.map(|(counted, table)| counted.measured.clone().shown(table)).collect()
    }

    /// The record keys of each table.
    pub(crate) fn record_keys(&self) -> Vec<Vec<u64>> {
        self.tables.iter().map(|table| table.keys.clone()).collect()
    }
}

/// The dice of a release: a hash of its name and of the least of its children's pseudonyms, which are the vault's keyed
/// hashes. Nobody without the dataset knows it; and as long as that child is counted, it stays, so that other data do not
/// call for other cells.
fn dice(definition: &Definition, least: &[u8]) -> Dice {
    let label = format!("minster dice\n{}\n", definition.name);
    Dice::new(sha256(&[label.as_bytes(), least].concat()))
}

/// Whether it is told who was counted: it takes a column more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    Told,
    Untold,
}

/// The number of a row's cell among a table's inner cells.
const CELL: &str = "cell";
/// How many rows are in a group.
const ROWS: &str = "rows";

/// Tabulates a definition's tables.
///
/// # Errors
/// [`AggregateError::Rule`] where the definition names a column, category or look-up that is not there;
/// [`AggregateError::Tabulate`] where a column cannot be read or grouped.
pub(crate) fn tabulate(
    definition: &Definition,
    dataset: &Linked<'_>,
    children: &TableName,
    lookups: &Lookups,
    who: Who,
) -> Result<Tabulated, AggregateError> {
    let mut columns = columns(definition, dataset, who)?;
    let dimensions = dimensions(definition, dataset, children, lookups)?;
    let parts = definition.tables.iter().map(|table| dataset.parts_of(definition, table));
    let parts = parts.collect::<Result<Vec<_>, _>>()?;
    columns.extend(parts.iter().flatten().map(ColumnName::as_str));
    let mut counting = definition
        .tables
        .iter()
        .zip(&parts)
        .map(|(table, parts)| Counting::new(definition, (table, parts), &dimensions))
        .collect::<Result<Vec<_>, _>>()?;
    let (mut count, mut sum, mut sample) = (0u64, 0u64, Sample::default());
    let mut least = None;
    each_batch(definition, dataset, children, &columns, |batch| {
        if who == Who::Told {
            count += batch.num_rows() as u64;
            for key in column_values::record_keys(batch)? {
                sum = sum.wrapping_add(key);
                sample.add(key);
            }
            let of_batch = column_values::least_pseudonym(batch)?.map(<[u8]>::to_vec);
            least = least.take().into_iter().chain(of_batch).min();
        }
        let ordinals = dimensions
            .iter()
            .map(|dimension| dimension.of(batch))
            .collect::<Result<Vec<_>, _>>()?;
        counting.iter_mut().try_for_each(|counting| counting.add(batch, &ordinals))
    })?;
    let tables = counting.into_iter().enumerate();
    let tables = tables.map(|(number, of)| of.finish(definition, number, &dimensions));
    let tables = tables.collect::<Result<Vec<_>, _>>()?;
    let dice = least.map(|least: Vec<u8>| dice(definition, &least)).unwrap_or_default();
    let children = Children::new(count, sum);
    Ok(Tabulated { tables, children, sample, dice })
}

/// Calls back, batch by batch, with the record key of each child of a definition and, table by table, the inner cell that
/// counts the child.
pub(crate) fn each_child(
    definition: &Definition,
    dataset: &Linked<'_>,
    children: &TableName,
    lookups: &Lookups,
    mut each: impl FnMut(&[u64], &[Vec<u32>]),
) -> Result<(), AggregateError> {
    let columns = columns(definition, dataset, Who::Told)?;
    let dimensions = dimensions(definition, dataset, children, lookups)?;
    let counting = definition
        .tables
        .iter()
        .map(|table| Counting::new(definition, (table, &[]), &dimensions))
        .collect::<Result<Vec<_>, _>>()?;
    each_batch(definition, dataset, children, &columns, |batch| {
        let ordinals =
            dimensions.iter().map(|of| of.of(batch)).collect::<Result<Vec<_>, AggregateError>>()?;
        let cells = counting.iter().map(|of| of.inner_cells(batch.num_rows(), &ordinals));
        each(&column_values::record_keys(batch)?, &cells.collect::<Vec<_>>());
        Ok(())
    })
}

/// The columns that a release needs, each of which the dataset has.
pub(crate) fn columns<'a>(
    definition: &'a Definition,
    dataset: &Linked<'_>,
    who: Who,
) -> Result<BTreeSet<&'a str>, AggregateError> {
    let named = definition.named_columns();
    let known = dataset.names();
    let missing = |(column, _): &&(&ColumnName, Location)| {
        !known.iter().any(|known| known == column.as_str())
    };
    if let Some((column, at)) = named.iter().find(missing) {
        let suggestion = did_you_mean(column.as_str(), known.iter().map(String::as_str));
        return Err(
            definition.rule(at.clone(), format!("there is no column {column}; {suggestion}"))
        );
    }
    for (number, Condition { column, from, until, .. }) in definition.conditions.iter().enumerate()
    {
        if (from.is_some() || until.is_some()) && !dataset.has_dates(definition, column)? {
            let what = format!("the values of {column} are no dates");
            return Err(definition.rule(location!["where", number], what));
        }
    }
    let mut columns: BTreeSet<&str> =
        named.into_iter().map(|(column, _)| column.as_str()).collect();
    if definition.method == Method::CellKey || who == Who::Told {
        columns.insert(column_values::CHILD);
    }
    Ok(columns)
}

/// Every dimension's categories. Where some are those in the data, the data are looked through for them.
pub(crate) fn dimensions(
    definition: &Definition,
    dataset: &Linked<'_>,
    children: &TableName,
    lookups: &Lookups,
) -> Result<Vec<Categories>, AggregateError> {
    let mut found: Vec<Found> = definition.dimensions.iter().map(|_| Found::default()).collect();
    let mut open: BTreeSet<&str> =
        definition.dimensions.iter().flat_map(Found::columns).map(ColumnName::as_str).collect();
    if !open.is_empty() {
        open.extend(definition.conditions.iter().map(|condition| condition.column.as_str()));
        each_batch(definition, dataset, children, &open, |batch| {
            let found = found.iter_mut().enumerate();
            found.into_iter().try_for_each(|(number, found)| found.add(definition, number, batch))
        })?;
    }
    let found = found.iter().enumerate();
    found.map(|(number, found)| Categories::new(definition, number, found, lookups)).collect()
}

/// Calls back with the rows of the population, batch by batch: the next one is decrypted meanwhile.
pub(crate) fn each_batch(
    definition: &Definition,
    dataset: &Linked<'_>,
    children: &TableName,
    columns: &BTreeSet<&str>,
    mut each: impl FnMut(&RecordBatch) -> Result<(), AggregateError>,
) -> Result<(), AggregateError> {
    let all = columns.iter().copied().chain([ON_SPINE]);
    let (stored, mut derived) = dataset.split(definition, all)?;
    let reader = dataset.dataset().table_coded(children, Some(&stored))?;
    let (send, receive) = std::sync::mpsc::sync_channel(2);
    std::thread::scope(|scope| {
        scope.spawn(move || {
            for batch in reader {
                // Nobody listens any more once a batch could not be counted.
                if send.send(batch).is_err() {
                    return;
                }
            }
        });
        for batch in receive {
            let batch = derived.complete(batch?)?;
            let passes = population(definition, &batch)?;
            let batch = arrow::compute::filter_record_batch(&batch, &passes)
                .map_err(|_| failed(children.as_str(), "choosing the population"))?;
            each(&batch)?;
        }
        Ok(())
    })
}

/// Whether a child is a pupil of the council's schools.
pub(crate) const ON_SPINE: &str = "on_spine";

pub(crate) fn on_spine(batch: &RecordBatch) -> Result<&BooleanArray, AggregateError> {
    let column = batch.column_by_name(ON_SPINE);
    let column = column.and_then(|column| column.as_any().downcast_ref::<BooleanArray>());
    column.ok_or_else(|| failed(ON_SPINE, "finding who is a pupil of the schools"))
}

pub(super) fn population(
    definition: &Definition,
    batch: &RecordBatch,
) -> Result<BooleanArray, AggregateError> {
    let on_spine = on_spine(batch)?;
    let counted = |row| definition.population == Population::All || on_spine.value(row);
    let mut passes: Vec<bool> = (0..batch.num_rows()).map(counted).collect();
    for condition in &definition.conditions {
        let holds = holds(condition, batch)?;
        passes.iter_mut().zip(holds).for_each(|(passes, holds)| *passes &= holds);
    }
    Ok(passes.into())
}

/// Whether each row meets a condition.
pub(crate) fn holds(
    condition: &Condition,
    batch: &RecordBatch,
) -> Result<Vec<bool>, AggregateError> {
    let Condition { column, values, not_in, at_least, below, from, until, sensitive: _ } =
        condition;
    if from.is_some() || until.is_some() {
        let days = column_values::days(batch, column)?.into_iter();
        let holds = |day: Option<i32>| {
            day.is_some_and(|day| {
                from.is_none_or(|from| day >= from.0) && until.is_none_or(|until| day <= until.0)
            })
        };
        return Ok(days.map(holds).collect());
    }
    if at_least.is_some() || below.is_some() {
        let numbers = column_values::numbers(batch, column)?.into_iter();
        let holds = |number: Option<i64>| {
            number.is_some_and(|number| {
                at_least.is_none_or(|least| number >= least)
                    && below.is_none_or(|most| number < most)
            })
        };
        return Ok(numbers.map(holds).collect());
    }
    let texts = column_values::texts(batch, column)?;
    let holds = |text: Option<&str>| {
        let among =
            |values: &[String]| text.is_some_and(|text| values.iter().any(|value| value == text));
        if values.is_empty() { !among(not_in) } else { among(values) }
    };
    Ok(texts.iter().map(holds).collect())
}

/// One table while its rows are counted.
struct Counting<'a> {
    table: &'a Table,
    /// The table's dimensions, by their places in the definition.
    dimensions: Vec<usize>,
    /// Leaves of each.
    sizes: Vec<usize>,
    counts: Vec<u64>,
    measuring: Measuring<'a>,
    /// Empty unless the method needs record keys.
    keys: Vec<u64>,
}

impl<'a> Counting<'a> {
    fn new(
        definition: &'a Definition,
        (table, parts): (&'a Table, &'a [ColumnName]),
        categories: &[Categories],
    ) -> Result<Self, AggregateError> {
        let place = |name: &ColumnName| definition.dimensions.iter().position(|d| d.name == *name);
        let dimensions: Vec<usize> = table.dimensions.iter().filter_map(place).collect();
        let sizes: Vec<usize> =
            dimensions.iter().map(|&place| categories[place].hierarchy.leaves().len()).collect();
        let size = sizes.iter().try_fold(1u32, |product, &size| {
            u32::try_from(size).ok().and_then(|size| product.checked_mul(size))
        });
        let size = size.ok_or(minster_model::table::TableError::TooLarge)? as usize;
        let measuring = Measuring::new(definition, (table, parts), size);
        let keys = if definition.method == Method::CellKey { vec![0; size] } else { Vec::new() };
        Ok(Self { table, dimensions, sizes, counts: vec![0; size], measuring, keys })
    }

    fn add(&mut self, batch: &RecordBatch, ordinals: &[Vec<u32>]) -> Result<(), AggregateError> {
        let cells = self.inner_cells(batch.num_rows(), ordinals);
        if !self.keys.is_empty() {
            for (&cell, key) in cells.iter().zip(column_values::record_keys(batch)?) {
                let sum = &mut self.keys[cell as usize];
                *sum = sum.wrapping_add(key);
            }
        }
        let name = self.table.name.as_str();
        let amounts = self.measuring.amounts(batch)?;
        let columns = amounts
            .iter()
            .map(|(name, amounts)| Column::new(name.as_str().into(), amounts.as_slice()));
        let columns = std::iter::once(Column::new(CELL.into(), &cells)).chain(columns).collect();
        let sums = amounts.iter().map(|(name, _)| col(name.as_str()).sum());
        let total = DataFrame::new(batch.num_rows(), columns)
            .and_then(|frame| {
                let sums: Vec<Expr> = std::iter::once(len().alias(ROWS)).chain(sums).collect();
                frame.lazy().group_by([col(CELL)]).agg(sums).collect()
            })
            .map_err(|_| failed(name, "grouping a batch"))?;
        let reading = |_| failed(name, "reading a group");
        let of = |column: &str| total.column(column).map(Column::as_materialized_series);
        let groups: Vec<usize> = of(CELL)
            .and_then(|cells| cells.u32())
            .map_err(reading)?
            .into_no_null_iter()
            .map(|cell| cell as usize)
            .collect();
        let rows = of(ROWS).and_then(|rows| rows.cast(&DataType::UInt64)).map_err(reading)?;
        for (&cell, rows) in groups.iter().zip(rows.u64().map_err(reading)?.into_no_null_iter()) {
            self.counts[cell] += rows;
        }
        for (column, _) in &amounts {
            let sums = of(column.as_str()).and_then(|sums| sums.u64()).map_err(reading)?;
            self.measuring.add_sums(column, &groups, sums.into_no_null_iter());
        }
        self.measuring.add_rows(batch, &cells, &amounts)
    }

    /// The inner cell of each row.
    fn inner_cells(&self, rows: usize, ordinals: &[Vec<u32>]) -> Vec<u32> {
        let mut cells = vec![0u32; rows];
        for (&dimension, &size) in self.dimensions.iter().zip(&self.sizes) {
            for (cell, ordinal) in cells.iter_mut().zip(&ordinals[dimension]) {
                *cell = *cell * size as u32 + ordinal;
            }
        }
        cells
    }

    fn finish(
        self,
        definition: &Definition,
        number: usize,
        categories: &[Categories],
    ) -> Result<TabulatedTable, AggregateError> {
        let table = self.table;
        let dimensions: Vec<&Categories> =
            self.dimensions.iter().map(|&place| &categories[place]).collect();
        let hierarchies = dimensions.iter().map(|dimension| dimension.hierarchy.clone()).collect();
        let sensitive = sensitive(definition, number, &dimensions)?;
        let count_table =
            CountTable::new(table.name.as_str(), hierarchies, self.counts, sensitive)?;
        let cell = |at: Location, of: &BTreeMap<ColumnName, String>| {
            named_cell(definition, table, at, of, (&dimensions, &count_table))
        };
        let of_table = |key: &'static str, named: &[BTreeMap<ColumnName, String>]| {
            let named = named.iter().enumerate();
            let cells = named.map(|(at, of)| cell(location!["table", number, key, at], of));
            cells.collect::<Result<Vec<usize>, AggregateError>>()
        };
        let never = of_table("never", &table.never)?;
        let mut always = of_table("always", &table.always)?;
        let keep = definition.keep.iter().enumerate().filter(|(_, of)| table.has_all(of));
        for (at, of) in keep {
            always.push(cell(location!["keep", at], of)?);
        }
        always.sort_unstable();
        always.dedup();
        let protection_level = definition.policy().threshold;
        let never = never.into_iter().map(|cell| ProtectionLevel {
            cell,
            lower: protection_level,
            upper: protection_level,
        });
        let count_table =
            count_table.with_protection_levels(never.collect())?.with_forced_published(always)?;
        let measured = self.measuring.finish(&count_table);
        Ok(TabulatedTable { counts: count_table, measured, keys: self.keys })
    }
}

fn sensitive(
    definition: &Definition,
    number: usize,
    dimensions: &[&Categories],
) -> Result<Vec<Sensitive>, AggregateError> {
    let table = &definition.tables[number];
    let mut found = Vec::new();
    for (at, sensitive) in table.sensitive.iter().enumerate() {
        let place = table.dimensions.iter().position(|name| *name == sensitive.dimension);
        let dimension = place.unwrap_or_default();
        let mut categories = Vec::new();
        for (which, category) in sensitive.categories.iter().enumerate() {
            let at = location!["table", number, "sensitive", at, "categories", which];
            let name = &sensitive.dimension;
            let node = dimensions[dimension].node(category).map_err(|suggestion| {
                let what = format!("the dimension {name} has no category {category}; {suggestion}");
                definition.rule(at.clone(), what)
            })?;
            if dimensions[dimension].hierarchy.parent(node).is_none() {
                let what =
                    format!("{category} is a total or a grouping of {name}: name categories");
                return Err(definition.rule(at, what));
            }
            categories.push(node);
        }
        found.push(Sensitive { dimension, categories });
    }
    Ok(found)
}

/// A cell by its categories; a dimension that it does not name is at its total.
fn named_cell(
    definition: &Definition,
    table: &Table,
    at: Location,
    categories: &BTreeMap<ColumnName, String>,
    (dimensions, count_table): (&[&Categories], &CountTable),
) -> Result<usize, AggregateError> {
    let mut nodes = vec![NodeId(0); dimensions.len()];
    for (place, name) in table.dimensions.iter().enumerate() {
        let Some(category) = categories.get(name) else { continue };
        nodes[place] = dimensions[place].node(category).map_err(|suggestion| {
            let what = format!("the dimension {name} has no category {category}; {suggestion}");
            definition.rule(at.clone(), what)
        })?;
    }
    Ok(count_table.cell(&nodes))
}
