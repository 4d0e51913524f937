//! A table on its way out: what the definition asks for, what was counted and measured, and what of it may be seen.

use std::collections::BTreeMap;

use minster_attack::ReleasableSet;
use minster_model::{ColumnName, table::CountTable};

use crate::{
    definition::release_definition::{Definition, Table},
    earlier_releases::entry::Published,
    protect::protect_sums::ReleasableSums,
    tabulate::{categories::is_open, contributions::Measured},
};

/// A table that withstood the attack.
pub(crate) struct ProtectedTable {
    /// What the definition asks for.
    pub(crate) definition: Table,
    /// For each of its dimensions, whether its categories are those in the data.
    pub(crate) open: Vec<bool>,
    /// Its true counts.
    pub(crate) counts: CountTable,
    /// Its true sums and what else was measured.
    pub(crate) measured: Measured,
    /// What is published of each cell's count.
    pub(crate) published: Vec<Option<u64>>,
    /// What is published of each cell's sum, by column.
    pub(crate) published_sums: BTreeMap<ColumnName, Vec<Option<u64>>>,
}

impl ProtectedTable {
    /// The tables of a definition, in its order: those of the sets beyond them were published before.
    pub(crate) fn all(
        definition: &Definition,
        counts: &ReleasableSet,
        sums: &ReleasableSums,
        measured: Vec<Measured>,
    ) -> Vec<Self> {
        let tables = definition.tables.iter().zip(counts.tables()).zip(measured).enumerate();
        let protected =
            |(place, ((table, count_table), measured)): (_, ((&Table, &CountTable), _))| {
                let measured: Measured = measured;
                let of_column = |column: &ColumnName| {
                    Some((column.clone(), sums.published_cells(place, column)?))
                };
                Self {
                    definition: table.clone(),
                    open: open(definition, table),
                    counts: count_table.clone(),
                    published: counts.published_cells(place),
                    published_sums: measured.sums.keys().filter_map(of_column).collect(),
                    measured,
                }
            };
        tables.map(protected).collect()
    }

    /// Its cells: their number, and how many are withheld.
    pub(crate) fn size(&self) -> (usize, usize) {
        let withheld = self.published.iter().filter(|count| count.is_none()).count();
        (self.published.len(), withheld)
    }

    /// As the ledger keeps it.
    pub(crate) fn as_published(&self) -> Published {
        Published {
            dimensions: self.counts.dimensions().to_vec(),
            counts: self.published.clone(),
            sums: self.published_sums.clone(),
        }
    }
}

/// Whether the categories of each dimension are those in the data.
fn open(definition: &Definition, table: &Table) -> Vec<bool> {
    let is_open = |name: &ColumnName| {
        let dimension = definition.dimensions.iter().find(|dimension| dimension.name == *name);
        dimension.is_some_and(is_open)
    };
    table.dimensions.iter().map(is_open).collect()
}
