//! Children grouped by their categories: each batch is grouped with Polars at once and only its partial
//! result kept, so that memory is bounded by the table, not by the rows.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use arrow::{
    array::{Array, ArrayRef, BooleanArray, Int64Array, RecordBatch, StringViewArray},
    compute::cast,
    datatypes::DataType as ArrowType,
};
use minster_model::{
    ColumnName, TableName,
    cube::{CountTable, Hierarchy, Policy, Sensitive, TableSet},
};
use minster_store::Dataset;
use polars::prelude::*;

use crate::{AggregateError, Definition, Dimension, Population, Table};

/// Tables with their sums: one list of sums a table and summed column, over its inner cells.
pub(crate) struct Tabulated {
    pub(crate) set: TableSet,
    pub(crate) sums: Vec<BTreeMap<ColumnName, Vec<i64>>>,
}

type Lookups = HashMap<String, Vec<(String, String)>>;

pub(crate) fn tabulate(
    definition: &Definition,
    dataset: &Dataset,
    children: &TableName,
    lookups: &Lookups,
) -> Result<Tabulated, AggregateError> {
    let batches = read(definition, dataset, children)?;
    let mut hierarchies = BTreeMap::new();
    for dimension in &definition.dimensions {
        let categories = Categories::new(definition, dimension, &batches, lookups)?;
        hierarchies.insert(dimension.name.clone(), categories);
    }
    let policy = Policy::new(definition.threshold, definition.zeros);
    let mut tabulated =
        Tabulated { set: TableSet { tables: Vec::new(), policy }, sums: Vec::new() };
    for table in &definition.tables {
        let dimensions: Vec<&Categories> =
            table.dimensions.iter().map(|name| &hierarchies[name]).collect();
        let (counts, sums) = group(table, &dimensions, &batches)?;
        let sensitive = sensitive(definition, table, &dimensions)?;
        let cubes = dimensions.iter().map(|dimension| dimension.hierarchy.clone()).collect();
        tabulated.set.tables.push(CountTable::new(table.name.as_str(), cubes, counts, sensitive)?);
        tabulated.sums.push(sums);
    }
    Ok(tabulated)
}

/// The population's rows, with the columns that the release needs.
fn read(
    definition: &Definition,
    dataset: &Dataset,
    children: &TableName,
) -> Result<Vec<RecordBatch>, AggregateError> {
    let measured = definition.tables.iter().flat_map(|table| &table.measures).flat_map(summed);
    let mut columns: BTreeSet<&str> = definition
        .dimensions
        .iter()
        .map(|dimension| &dimension.column)
        .chain(definition.conditions.iter().map(|condition| &condition.column))
        .chain(measured)
        .map(ColumnName::as_str)
        .collect();
    columns.insert("on_spine");
    let known = dataset.manifest().tables.iter().find(|table| table.name == *children);
    for column in &columns {
        if !known.is_some_and(|table| table.columns.iter().any(|known| known.name == *column)) {
            let names = known.map(|table| {
                table.columns.iter().map(|known| known.name.as_str()).collect::<Vec<_>>().join(", ")
            });
            let names = names.unwrap_or_default();
            return Err(definition.rule(format!("there is no column {column}; there are {names}")));
        }
    }
    let columns: Vec<&str> = columns.into_iter().collect();
    let mut batches = Vec::new();
    for batch in dataset.table(children, Some(&columns))? {
        let batch = batch?;
        let passes = population(definition, &batch)?;
        let batch = arrow::compute::filter_record_batch(&batch, &passes)
            .map_err(|_| failed(children.as_str(), "choosing the population"))?;
        batches.push(batch);
    }
    Ok(batches)
}

fn summed(measure: &crate::Measure) -> Vec<&ColumnName> {
    let per = measure.per.as_ref().filter(|per| per.as_str() != CHILDREN);
    std::iter::once(&measure.sum).chain(per).collect()
}

/// The count's own name in `per`.
pub(crate) const CHILDREN: &str = "children";

fn population(
    definition: &Definition,
    batch: &RecordBatch,
) -> Result<BooleanArray, AggregateError> {
    let on_spine = batch.column_by_name("on_spine");
    let on_spine = on_spine.and_then(|column| column.as_any().downcast_ref::<BooleanArray>());
    let on_spine = on_spine
        .ok_or_else(|| definition.rule("the dataset does not say who is on the spine".into()))?;
    let mut tests = Vec::new();
    for condition in &definition.conditions {
        tests.push((texts(batch, &condition.column)?, &condition.values));
    }
    let passes = (0..batch.num_rows()).map(|row| {
        let counted = definition.population == Population::All || on_spine.value(row);
        counted
            && tests.iter().all(|(texts, values)| {
                texts[row].as_ref().is_some_and(|text| values.iter().any(|value| value == text))
            })
    });
    Ok(passes.map(Some).collect())
}

/// A dimension's categories, and how a value finds its own.
struct Categories {
    hierarchy: Hierarchy,
    column: ColumnName,
    bands: Vec<i64>,
    /// The ordinal of each leaf.
    ordinals: HashMap<String, u32>,
    labels: Vec<String>,
    unknown: u32,
}

impl Categories {
    fn new(
        definition: &Definition,
        dimension: &Dimension,
        batches: &[RecordBatch],
        lookups: &Lookups,
    ) -> Result<Self, AggregateError> {
        let groups = match &dimension.lookup {
            None => None,
            Some(name) => Some(lookups.get(name).ok_or_else(|| {
                definition.rule(format!("there is no look-up {name} under [lookups]"))
            })?),
        };
        let mut leaves: Vec<String> = if !dimension.bands.is_empty() {
            dimension.labels.clone()
        } else if !dimension.codes.is_empty() {
            dimension.codes.clone()
        } else if let Some(groups) = groups {
            groups.iter().map(|(category, _)| category.clone()).collect()
        } else {
            let mut found = BTreeSet::new();
            for batch in batches {
                found.extend(texts(batch, &dimension.column)?.into_iter().flatten());
            }
            found.into_iter().collect()
        };
        if !leaves.contains(&dimension.unknown) {
            leaves.push(dimension.unknown.clone());
        }
        let mut nodes = vec![(dimension.total.clone(), None)];
        match groups {
            None => nodes.extend(leaves.iter().map(|leaf| (leaf.clone(), Some(0)))),
            Some(groups) => {
                let group_of: HashMap<&str, &str> =
                    groups.iter().map(|(leaf, group)| (leaf.as_str(), group.as_str())).collect();
                let mut ordered = Vec::new();
                let above: BTreeSet<&str> = group_of.values().copied().collect();
                for group in above {
                    let parent = nodes.len();
                    nodes.push((group.to_owned(), Some(0)));
                    for leaf in
                        leaves.iter().filter(|leaf| group_of.get(leaf.as_str()) == Some(&group))
                    {
                        nodes.push((leaf.clone(), Some(parent)));
                        ordered.push(leaf.clone());
                    }
                }
                for leaf in leaves.iter().filter(|leaf| !group_of.contains_key(leaf.as_str())) {
                    nodes.push((leaf.clone(), Some(0)));
                    ordered.push(leaf.clone());
                }
                leaves = ordered;
            }
        }
        // Tables are linked by what they divide, whatever a definition calls it.
        let hierarchy = Hierarchy::new(dimension.column.as_str(), nodes)?;
        let ordinals: HashMap<String, u32> = leaves.iter().cloned().zip(0..).collect();
        let unknown = ordinals.get(&dimension.unknown).copied().unwrap_or_default();
        Ok(Self {
            hierarchy,
            column: dimension.column.clone(),
            bands: dimension.bands.clone(),
            labels: dimension.labels.clone(),
            ordinals,
            unknown,
        })
    }

    /// The ordinal of each row's category.
    fn of(&self, batch: &RecordBatch) -> Result<Vec<u32>, AggregateError> {
        if self.bands.is_empty() {
            let texts = texts(batch, &self.column)?;
            let ordinal = |text: &Option<String>| {
                text.as_ref()
                    .and_then(|text| self.ordinals.get(text))
                    .copied()
                    .unwrap_or(self.unknown)
            };
            return Ok(texts.iter().map(ordinal).collect());
        }
        let band = |number: Option<i64>| {
            let above = self.bands.partition_point(|&lower| number.is_some_and(|n| lower <= n));
            let label = above.checked_sub(1).and_then(|at| self.labels.get(at));
            label.and_then(|label| self.ordinals.get(label)).copied().unwrap_or(self.unknown)
        };
        Ok(numbers(batch, &self.column)?.into_iter().map(band).collect())
    }
}

type Sums = BTreeMap<ColumnName, Vec<i64>>;

fn group(
    table: &Table,
    dimensions: &[&Categories],
    batches: &[RecordBatch],
) -> Result<(Vec<u64>, Sums), AggregateError> {
    let failed = |step| move |_| failed(table.name.as_str(), step);
    let summed: BTreeSet<&ColumnName> = table.measures.iter().flat_map(summed).collect();
    let keys: Vec<Expr> = (0..dimensions.len()).map(|place| col(format!("d{place}"))).collect();
    let mut partial: Option<DataFrame> = None;
    for batch in batches {
        let mut columns = Vec::new();
        for (place, dimension) in dimensions.iter().enumerate() {
            columns.push(Column::new(format!("d{place}").into(), dimension.of(batch)?));
        }
        columns.push(Column::new(CHILDREN.into(), vec![1i64; batch.num_rows()]));
        for name in &summed {
            columns.push(Column::new(name.as_str().into(), numbers(batch, name)?));
        }
        let frame = DataFrame::new(batch.num_rows(), columns).map_err(failed("reading a batch"))?;
        let grouped = grouped(frame, &keys, &summed).map_err(failed("grouping a batch"))?;
        partial = Some(match partial {
            None => grouped,
            Some(mut partial) => {
                partial.vstack_mut(&grouped).map_err(failed("joining batches"))?;
                partial
            }
        });
    }
    let size = dimensions.iter().map(|dimension| dimension.hierarchy.leaves().len()).product();
    let mut counts = vec![0; size];
    let mut sums: Sums = summed.iter().map(|&name| (name.clone(), vec![0; size])).collect();
    let Some(partial) = partial else { return Ok((counts, sums)) };
    let total = grouped(partial, &keys, &summed).map_err(failed("grouping"))?;
    let mut cells = vec![0usize; total.height()];
    for (place, dimension) in dimensions.iter().enumerate() {
        let column = total.column(&format!("d{place}")).map_err(failed("reading the result"))?;
        let ordinals =
            column.as_materialized_series().u32().map_err(failed("reading the result"))?;
        let leaves = dimension.hierarchy.leaves().len();
        for (cell, ordinal) in cells.iter_mut().zip(ordinals.into_no_null_iter()) {
            *cell = *cell * leaves + ordinal as usize;
        }
    }
    let read = |name: &str| -> PolarsResult<Vec<i64>> {
        let column = total.column(name)?.as_materialized_series().clone();
        Ok(column.i64()?.iter().map(Option::unwrap_or_default).collect())
    };
    for (&cell, count) in cells.iter().zip(read(CHILDREN).map_err(failed("reading the result"))?) {
        counts[cell] += count.unsigned_abs();
    }
    for (name, sums) in &mut sums {
        let values = read(name.as_str()).map_err(failed("reading the result"))?;
        for (&cell, value) in cells.iter().zip(values) {
            sums[cell] += value;
        }
    }
    Ok((counts, sums))
}

fn grouped(
    frame: DataFrame,
    keys: &[Expr],
    summed: &BTreeSet<&ColumnName>,
) -> PolarsResult<DataFrame> {
    let names = std::iter::once(CHILDREN).chain(summed.iter().map(|name| name.as_str()));
    let sums: Vec<Expr> = names.map(|name| col(name).sum()).collect();
    frame.lazy().group_by(keys).agg(sums).collect()
}

fn sensitive(
    definition: &Definition,
    table: &Table,
    dimensions: &[&Categories],
) -> Result<Vec<Sensitive>, AggregateError> {
    let mut found = Vec::new();
    for sensitive in &table.sensitive {
        let place = table.dimensions.iter().position(|name| *name == sensitive.dimension);
        let place = place.unwrap_or_default();
        let hierarchy = &dimensions[place].hierarchy;
        let mut categories = Vec::new();
        for category in &sensitive.categories {
            let node = (1..hierarchy.node_count()).find(|&node| hierarchy.code(node) == category);
            categories.push(node.ok_or_else(|| {
                let name = &sensitive.dimension;
                definition.rule(format!("the dimension {name} has no category {category}"))
            })?);
        }
        found.push(Sensitive { dimension: place, categories });
    }
    Ok(found)
}

fn column<'a>(batch: &'a RecordBatch, name: &ColumnName) -> Result<&'a ArrayRef, AggregateError> {
    batch.column_by_name(name.as_str()).ok_or_else(|| failed(name.as_str(), "reading the column"))
}

fn texts(batch: &RecordBatch, name: &ColumnName) -> Result<Vec<Option<String>>, AggregateError> {
    let array = column(batch, name)?;
    let wrong = || failed(name.as_str(), "reading text");
    let array = cast(array, &ArrowType::Utf8View).map_err(|_| wrong())?;
    let array = array.as_any().downcast_ref::<StringViewArray>().ok_or_else(wrong)?;
    Ok(array.iter().map(|text| text.map(str::to_owned)).collect())
}

fn numbers(batch: &RecordBatch, name: &ColumnName) -> Result<Vec<Option<i64>>, AggregateError> {
    let array = column(batch, name)?;
    let wrong = || failed(name.as_str(), "reading numbers");
    let array = cast(array, &ArrowType::Int64).map_err(|_| wrong())?;
    let array = array.as_any().downcast_ref::<Int64Array>().ok_or_else(wrong)?;
    Ok(array.iter().collect())
}

fn failed(table: &str, step: &'static str) -> AggregateError {
    AggregateError::Tabulate { table: table.to_owned(), step }
}
