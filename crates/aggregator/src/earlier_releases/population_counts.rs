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

use crate::{
    definition::release_definition::{Definition, Population},
    derived::linked::Linked,
    earlier_releases::{
        met_selections::{MetByRow, MetSelections},
        selection::Selection,
    },
    error::AggregateError,
    tabulate::{
        categories::Categories,
        contributions::{Measuring, Summed},
        lookup, tables,
    },
};

/// Where all children are.
pub(crate) struct PopulationCounts<'a> {
    pub(crate) dataset: &'a Linked<'a>,
    pub(crate) children: &'a TableName,
    pub(crate) lookups: &'a BTreeMap<String, PathBuf>,
}

/// By what children are counted: the definition has a dimension of each column.
#[derive(Clone, Copy)]
pub(crate) struct CountBy<'a> {
    pub(crate) definition: &'a Definition,
    pub(crate) columns: &'a [&'a str],
    pub(crate) selections: &'a [Selection],
}

/// How many children there are, apart for each combination of selections that any child meets.
pub(crate) struct CountsBySelection {
    pub(crate) hierarchies: Vec<Hierarchy>,
    pub(crate) counts: BTreeMap<MetSelections, Vec<u64>>,
}

impl PopulationCounts<'_> {
    pub(crate) fn count(&self, by: CountBy<'_>) -> Result<CountsBySelection, AggregateError> {
        let mut counts: Vec<Vec<u64>> = Vec::new();
        let mut place_of: BTreeMap<MetSelections, usize> = BTreeMap::new();
        let dimensions = self.each(by, &[], |_, dimensions, met, cells| {
            let size = dimensions.iter().map(|of| of.hierarchy.leaves().len()).product();
            let place = |of: &MetSelections| {
                *place_of.entry(of.clone()).or_insert_with(|| {
                    counts.push(vec![0; size]);
                    counts.len() - 1
                })
            };
            let places: Vec<usize> = met.of_rows(place).collect();
            places.into_iter().zip(cells).for_each(|(place, cell)| counts[place][cell] += 1);
            Ok(())
        })?;
        let counts =
            place_of.into_iter().map(|(met, place)| (met, std::mem::take(&mut counts[place])));
        let counts = counts.collect();
        let hierarchies = dimensions.into_iter().map(|of| of.hierarchy).collect();
        Ok(CountsBySelection { hierarchies, counts })
    }

    /// A column added up, and who contributes how much as far as the rules of `definition` ask, for every cell
    /// of `count_table`. It divides by the columns, and last by what `leaf` gives for the selections that a child
    /// meets.
    pub(crate) fn sum(
        &self,
        by: CountBy<'_>,
        column: &ColumnName,
        definition: &Definition,
        count_table: &CountTable,
        leaf: impl Fn(&MetSelections) -> Option<usize>,
    ) -> Result<Summed, AggregateError> {
        let leaves = count_table.dimensions().last().map_or(1, |who| who.leaves().len());
        let mut measuring = Measuring::of_sums(definition, [column], count_table.inner().len());
        let respondent =
            definition.respondent.as_ref().map(|respondent| respondent.column.as_str());
        let needed: Vec<&str> = std::iter::once(column.as_str()).chain(respondent).collect();
        self.each(by, &needed, |batch, _, met, cells| {
            let leaf: Vec<Option<usize>> = met.of_rows(&leaf).collect();
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
        measuring.finish(count_table).sums.remove(column).ok_or_else(|| {
            crate::tabulate::column_values::failed(
                column.as_str(),
                "adding up a column of other children",
            )
        })
    }

    /// Calls back with each batch, the selections that each row meets and its cell by the columns.
    fn each(
        &self,
        CountBy { definition, columns, selections }: CountBy<'_>,
        needed: &[&str],
        mut each: impl FnMut(
            &RecordBatch,
            &[Categories],
            &MetByRow,
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
        let mut read: BTreeSet<&str> = selections.iter().map(Selection::column).collect();
        read.extend(columns);
        read.extend(needed);
        let population = Definition {
            population: Population::All,
            conditions: Vec::new(),
            ..definition.clone()
        };
        tables::each_batch(&population, dataset, children, &read, |batch| {
            let mut met = MetByRow::new(batch.num_rows());
            for selection in selections {
                met.add(selection.holds(batch)?);
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
