//! The tables as one list of inner cells, and the sums over them.

use std::collections::BTreeMap;

use minster_model::cube::{CountTable, TableSet};

/// A cell of the set: a table and its number there.
pub(crate) type Cell = (usize, usize);

/// All tables together. An *entry* is an inner cell; entries of all tables are numbered on.
pub(crate) struct Tables {
    pub(crate) entries: Vec<u64>,
    /// Each cell's entries. An inner cell has one.
    pub(crate) cells: BTreeMap<Cell, Vec<usize>>,
    /// The cell of each entry.
    pub(crate) cell_of: Vec<Cell>,
    /// Sums that are equal in two tables: entries of the one, entries of the other.
    pub(crate) links: Vec<(Vec<usize>, Vec<usize>)>,
    /// The cells that count all of a table.
    pub(crate) totals: Vec<Cell>,
}

impl Tables {
    pub(crate) fn new(set: &TableSet) -> Self {
        let mut tables = Self {
            entries: Vec::new(),
            cells: BTreeMap::new(),
            cell_of: Vec::new(),
            links: Vec::new(),
            totals: Vec::new(),
        };
        let mut by_leaves: Vec<Vec<BTreeMap<&str, usize>>> = Vec::new();
        for (number, table) in set.tables.iter().enumerate() {
            let first = tables.entries.len();
            tables.entries.extend_from_slice(table.inner());
            let leaves = leaves(table);
            tables.cell_of.resize(tables.entries.len(), (number, 0));
            for cell in 0..table.cell_count() {
                let nodes = table.coordinates(cell);
                let within: Vec<usize> = (0..leaves.len())
                    .filter(|&inner| {
                        table.dimensions().iter().enumerate().all(|(place, dimension)| {
                            dimension.is_within(leaves[inner][place], nodes[place])
                        })
                    })
                    .map(|inner| first + inner)
                    .collect();
                let is_inner = table
                    .dimensions()
                    .iter()
                    .zip(&nodes)
                    .all(|(dimension, node)| dimension.leaves().binary_search(node).is_ok());
                if is_inner {
                    tables.cell_of[within[0]] = (number, cell);
                }
                if within.len() == leaves.len() {
                    tables.totals.push((number, cell));
                }
                tables.cells.insert((number, cell), within);
            }
            by_leaves.push(
                leaves
                    .iter()
                    .map(|leaves| {
                        let named = table.dimensions().iter().zip(leaves);
                        named
                            .map(|(dimension, leaf)| {
                                let ordinal = dimension.leaves().partition_point(|l| l < leaf);
                                (dimension.name(), ordinal)
                            })
                            .collect()
                    })
                    .collect(),
            );
        }
        tables.link(set, &by_leaves);
        tables
    }

    fn link(&mut self, set: &TableSet, by_leaves: &[Vec<BTreeMap<&str, usize>>]) {
        let mut starts = vec![0];
        for table in &set.tables {
            starts.push(starts[starts.len() - 1] + table.inner().len());
        }
        for first in 0..set.tables.len() {
            for second in first + 1..set.tables.len() {
                let names = |table: usize| set.tables[table].dimensions().iter().map(|d| d.name());
                let shared: Vec<&str> =
                    names(first).filter(|name| names(second).any(|other| other == *name)).collect();
                let mut sums: BTreeMap<Vec<usize>, (Vec<usize>, Vec<usize>)> = BTreeMap::new();
                for (inner, leaves) in by_leaves[first].iter().enumerate() {
                    let key = shared.iter().map(|name| leaves[name]).collect();
                    sums.entry(key).or_default().0.push(starts[first] + inner);
                }
                for (inner, leaves) in by_leaves[second].iter().enumerate() {
                    let key = shared.iter().map(|name| leaves[name]).collect();
                    sums.entry(key).or_default().1.push(starts[second] + inner);
                }
                self.links.extend(sums.into_values());
            }
        }
    }

    pub(crate) fn count(&self, cell: Cell) -> u64 {
        self.cells[&cell].iter().map(|&entry| self.entries[entry]).sum()
    }
}

/// The leaf nodes of each inner cell, row-major.
fn leaves(table: &CountTable) -> Vec<Vec<usize>> {
    let mut all = vec![Vec::new()];
    for dimension in table.dimensions() {
        all = all
            .iter()
            .flat_map(|leaves: &Vec<usize>| {
                dimension.leaves().iter().map(move |&leaf| {
                    let mut leaves = leaves.clone();
                    leaves.push(leaf);
                    leaves
                })
            })
            .collect();
    }
    all
}
