use minster_model::cube::{CountTable, Pattern, TableSet};

use crate::linked;

/// Whole inner counts of every table: a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct World {
    /// One list a table, row-major over the leaves.
    pub inner: Vec<Vec<u64>>,
}

impl World {
    /// Whether it obeys the policy, reproduces every published number and agrees with itself where
    /// tables share margins. Only additions and comparisons: this is what makes a certificate one.
    pub fn fits(&self, set: &TableSet, patterns: &[Pattern]) -> bool {
        let least = set.policy.zeros.least_withheld();
        let tables_fit =
            set.tables.iter().zip(patterns).zip(&self.inner).all(|((table, pattern), inner)| {
                let (mine, truth) = (cells(table, inner), cells(table, table.inner()));
                let inner_cells = inner_cells(table);
                let published =
                    (0..mine.len()).all(|cell| pattern.withheld[cell] || mine[cell] == truth[cell]);
                let policy =
                    inner_cells.iter().all(|&cell| !pattern.withheld[cell] || mine[cell] >= least);
                published && policy && inner.len() == table.inner().len()
            });
        tables_fit && self.inner.len() == set.tables.len() && linked::agree(set, &self.inner)
    }
}

/// The cell number of each inner cell, row-major over the leaves.
pub(crate) fn inner_cells(table: &CountTable) -> Vec<usize> {
    let mut cells = vec![0];
    for dimension in table.dimensions() {
        let nodes = dimension.node_count();
        cells = cells
            .iter()
            .flat_map(|cell| dimension.leaves().iter().map(move |leaf| cell * nodes + leaf))
            .collect();
    }
    cells
}

/// Every cell's count from inner counts.
pub(crate) fn cells(table: &CountTable, inner: &[u64]) -> Vec<u64> {
    let mut counts = vec![0; table.cell_count()];
    for (&count, above) in inner.iter().zip(covering(table)) {
        for cell in above {
            counts[cell] += count;
        }
    }
    counts
}

/// For each inner cell, all cells that count it, itself included.
pub(crate) fn covering(table: &CountTable) -> Vec<Vec<usize>> {
    let mut covering = vec![vec![0]];
    for dimension in table.dimensions() {
        let nodes = dimension.node_count();
        let chains: Vec<Vec<usize>> = dimension
            .leaves()
            .iter()
            .map(|&leaf| {
                std::iter::successors(Some(leaf), |&node| dimension.parent(node)).collect()
            })
            .collect();
        covering = covering
            .iter()
            .flat_map(|cells: &Vec<usize>| {
                chains.iter().map(move |chain| {
                    cells
                        .iter()
                        .flat_map(|cell| chain.iter().map(move |node| cell * nodes + node))
                        .collect()
                })
            })
            .collect();
    }
    covering
}
