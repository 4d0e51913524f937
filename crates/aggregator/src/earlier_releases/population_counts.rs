//! All children, whoever counts them: by the categories of some columns, apart for each combination of conditions
//! that any child meets.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use arrow::array::RecordBatch;
use minster_model::{
    ColumnName, TableName,
    table::{CountTable, Hierarchy},
};
use minster_store::Dataset;

use crate::{
    definition::release_definition::{Definition, Population},
    earlier_releases::condition::Test,
    error::AggregateError,
    tabulate::{
        categories::Categories,
        contributions::{Measuring, Summed},
        lookup, tables,
    },
};

/// Where all children are.
pub(crate) struct Everyone<'a> {
    pub(crate) dataset: &'a Dataset,
    pub(crate) children: &'a TableName,
    pub(crate) lookups: &'a BTreeMap<String, PathBuf>,
}

/// By what children are counted: the definition has a dimension of each column.
#[derive(Clone, Copy)]
pub(crate) struct By<'a> {
    pub(crate) definition: &'a Definition,
    pub(crate) columns: &'a [&'a str],
    pub(crate) tests: &'a [Test],
}

/// How many children there are, apart for each combination of tests (a bit each) that any child meets.
pub(crate) struct ByTests {
    pub(crate) hierarchies: Vec<Hierarchy>,
    pub(crate) counts: BTreeMap<u64, Vec<u64>>,
}

impl Everyone<'_> {
    pub(crate) fn count(&self, by: By<'_>) -> Result<ByTests, AggregateError> {
        let mut counts: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
        let dimensions = self.each(by, &[], |_, dimensions, met, cells| {
            let size = dimensions.iter().map(|of| of.hierarchy.leaves().len()).product();
            for (met, cell) in met.iter().zip(cells) {
                counts.entry(*met).or_insert_with(|| vec![0; size])[cell] += 1;
            }
            Ok(())
        })?;
        let hierarchies = dimensions.into_iter().map(|of| of.hierarchy).collect();
        Ok(ByTests { hierarchies, counts })
    }

    /// A column added up, and who contributes how much as far as the rules of `definition` ask, for every cell
    /// of `cube`. It divides by the columns, and last by what `leaf` gives for the tests that a child meets.
    pub(crate) fn sum(
        &self,
        by: By<'_>,
        column: &ColumnName,
        definition: &Definition,
        cube: &CountTable,
        leaf: impl Fn(u64) -> Option<usize>,
    ) -> Result<Summed, AggregateError> {
        let leaves = cube.dimensions().last().map_or(1, |who| who.leaves().len());
        let mut measuring = Measuring::of_sums(definition, [column], cube.inner().len());
        let holder = definition.holder.as_ref().map(|holder| holder.column.as_str());
        let needed: Vec<&str> = std::iter::once(column.as_str()).chain(holder).collect();
        self.each(by, &needed, |batch, _, met, cells| {
            let leaf: Vec<Option<usize>> = met.iter().map(|&met| leaf(met)).collect();
            let counted = leaf.iter().map(|leaf| Some(leaf.is_some())).collect();
            let batch = arrow::compute::filter_record_batch(batch, &counted).map_err(|_| {
                crate::tabulate::column_values::failed(column.as_str(), "choosing who is counted")
            })?;
            let cells = cells.into_iter().zip(leaf);
            let cells = cells.filter_map(|(cell, leaf)| Some((cell * leaves + leaf?) as u32));
            let cells: Vec<u32> = cells.collect();
            let amounts = measuring.amounts(&batch)?;
            for (column, amounts) in &amounts {
                let places: Vec<usize> = cells.iter().map(|&cell| cell as usize).collect();
                measuring.add_sums(column, &places, amounts.iter().copied());
            }
            measuring.add_rows(&batch, &cells, &amounts)
        })?;
        measuring.finish(cube).sums.remove(column).ok_or_else(|| {
            crate::tabulate::column_values::failed(
                column.as_str(),
                "adding up a column of other children",
            )
        })
    }

    /// Calls back with each batch, the tests that each row meets and its cell by the columns.
    fn each(
        &self,
        By { definition, columns, tests }: By<'_>,
        needed: &[&str],
        mut each: impl FnMut(
            &RecordBatch,
            &[Categories],
            &[u64],
            Vec<usize>,
        ) -> Result<(), AggregateError>,
    ) -> Result<Vec<Categories>, AggregateError> {
        let Self { dataset, children, .. } = *self;
        let lookups = lookup::of(definition, self.lookups)?;
        let all = tables::dimensions(definition, dataset, children, &lookups)?;
        let mut all: Vec<Option<Categories>> = all.into_iter().map(Some).collect();
        let place = |column: &&str| {
            definition.dimensions.iter().position(|of| of.column.as_str() == *column)
        };
        let places = columns.iter().filter_map(place);
        let dimensions: Vec<Categories> = places.filter_map(|place| all[place].take()).collect();
        let mut read: BTreeSet<&str> = tests.iter().map(Test::column).collect();
        read.extend(columns);
        read.extend(needed);
        let everyone = Definition {
            population: Population::All,
            conditions: Vec::new(),
            ..definition.clone()
        };
        tables::each_batch(&everyone, dataset, children, &read, |batch| {
            let mut met = vec![0u64; batch.num_rows()];
            for (bit, test) in tests.iter().enumerate() {
                let holds = test.holds(batch)?.into_iter();
                met.iter_mut().zip(holds).for_each(|(met, holds)| *met |= u64::from(holds) << bit);
            }
            let mut cells = vec![0usize; batch.num_rows()];
            for dimension in &dimensions {
                let size = dimension.hierarchy.leaves().len();
                let ordinals = dimension.of(batch)?;
                cells.iter_mut().zip(ordinals).for_each(|(c, of)| *c = *c * size + of as usize);
            }
            each(batch, &dimensions, &met, cells)
        })?;
        Ok(dimensions)
    }
}
