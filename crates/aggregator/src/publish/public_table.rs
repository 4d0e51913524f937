//! The published part of one table, and nothing else: no true count is in it. All files of a release are made from this.

use std::collections::BTreeMap;

use minster_attack::ReleasableSet;
use minster_model::{ColumnName, NodeId, table::Hierarchy};

use crate::{
    definition::release_definition::{Definition, Table},
    protect::protect_sums::ReleasableSums,
    publish::row_order::{self, RowOrder},
    tabulate::contributions::Measured,
};

/// A table as its readers have it. Only [`PublicTable::of`] makes one, from sets that withstood the attack.
pub(crate) struct PublicTable {
    definition: Table,
    order: RowOrder,
    dimensions: Vec<Hierarchy>,
    shown: Vec<usize>,
    people: BTreeMap<ColumnName, Vec<Option<u64>>>,
    codes: Vec<Option<BTreeMap<String, String>>>,
    counts: Vec<Option<u64>>,
    sums: BTreeMap<ColumnName, Vec<Option<u64>>>,
    medians: BTreeMap<ColumnName, Vec<Option<u64>>>,
}

/// The content of a table beside its counts and sums, none of which tells of a withheld one.
pub(crate) struct Beside {
    /// The wishes of the definition.
    pub(crate) definition: Table,
    /// The cells that its files have.
    pub(crate) shown: Vec<usize>,
    /// By measure: for each node of the dimension that a look-up of people names, how many they are.
    pub(crate) people: BTreeMap<ColumnName, Vec<Option<u64>>>,
    /// By dimension: the code of each category, where a look-up has them.
    pub(crate) codes: Vec<Option<BTreeMap<String, String>>>,
}

impl PublicTable {
    /// The published numbers of the table at a place of the sets. From the measured values it takes the medians that may be
    /// shown, where the count is.
    pub(crate) fn of(
        definition: &Definition,
        (counts, sums): (&ReleasableSet, &ReleasableSums),
        place: usize,
        measured: &Measured,
        beside: Beside,
    ) -> Self {
        let published = counts.published_cells(place);
        let of_column =
            |column: &ColumnName| Some((column.clone(), sums.published_cells(place, column)?));
        let median =
            |(median, count): (&Option<u64>, &Option<u64>)| median.filter(|_| count.is_some());
        let medians: BTreeMap<ColumnName, Vec<Option<u64>>> = measured
            .medians
            .iter()
            .map(|(name, of)| (name.clone(), of.iter().zip(&published).map(median).collect()))
            .collect();
        let sums: BTreeMap<ColumnName, Vec<Option<u64>>> =
            measured.sums.keys().filter_map(of_column).collect();
        let Beside { definition: table, mut shown, people, codes } = beside;
        let dimensions = counts.tables()[place].dimensions().to_vec();
        let others: Vec<&[Option<u64>]> =
            row_order::sums_of(&table).filter_map(|of| sums.get(of)).map(Vec::as_slice).collect();
        let order = RowOrder::new(definition, &table, &dimensions, &published, &others);
        order.sort(&dimensions, &mut shown);
        Self {
            dimensions,
            order,
            sums,
            medians,
            counts: published,
            definition: table,
            shown,
            people,
            codes,
        }
    }

    /// The wishes of the definition.
    pub(crate) fn definition(&self) -> &Table {
        &self.definition
    }

    /// Its dimensions.
    pub(crate) fn dimensions(&self) -> &[Hierarchy] {
        &self.dimensions
    }

    /// The order of its rows.
    pub(crate) fn order(&self) -> &RowOrder {
        &self.order
    }

    /// The cells that its files have, in the order of the rows.
    pub(crate) fn shown(&self) -> &[usize] {
        &self.shown
    }

    /// Every cell's count, if it is published.
    pub(crate) fn counts(&self) -> &[Option<u64>] {
        &self.counts
    }

    /// Every cell's sum of a column, if it is published.
    pub(crate) fn sums(&self, column: &ColumnName) -> Option<&[Option<u64>]> {
        self.sums.get(column).map(Vec::as_slice)
    }

    /// All sums, by column.
    pub(crate) fn all_sums(&self) -> &BTreeMap<ColumnName, Vec<Option<u64>>> {
        &self.sums
    }

    /// Every cell's median of a measure, if it is published.
    pub(crate) fn medians(&self, measure: &ColumnName) -> Option<&[Option<u64>]> {
        self.medians.get(measure).map(Vec::as_slice)
    }

    /// The people that a node of a measure's dimension has.
    pub(crate) fn people(&self, measure: &ColumnName, node: NodeId) -> Option<u64> {
        self.people.get(measure)?.get(node.0).copied().flatten()
    }

    /// The code of each category of the dimension at a place, where a look-up has them.
    pub(crate) fn codes(&self, place: usize) -> Option<&BTreeMap<String, String>> {
        self.codes.get(place)?.as_ref()
    }

    /// Its cells: their number, and how many are withheld.
    pub(crate) fn size(&self) -> (usize, usize) {
        let withheld = self.shown.iter().filter(|cell| self.counts[**cell].is_none()).count();
        (self.shown.len(), withheld)
    }

    /// The node that a cell takes in every dimension.
    pub(crate) fn coordinates(&self, cell: usize) -> Vec<NodeId> {
        row_order::coordinates(&self.dimensions, cell)
    }

    /// The number of the cell with these nodes.
    pub(crate) fn cell(&self, nodes: &[NodeId]) -> usize {
        let nodes = self.dimensions.iter().zip(nodes);
        nodes.fold(0, |cell, (dimension, node)| cell * dimension.node_count() + node.0)
    }
}
