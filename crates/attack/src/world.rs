use std::collections::HashMap;

use minster_model::cube::{CountTable, Pattern, TableSet, World};

use crate::linked;

/// Checks worlds by additions and comparisons alone: this is what makes a certificate one.
pub(crate) struct Checker<'a> {
    set: &'a TableSet,
    patterns: &'a [Pattern],
    /// For each table and inner cell, the cells that count it; the inner cell itself comes first.
    covering: Vec<Vec<Vec<usize>>>,
    /// Two tables, and for each inner cell of either the sum that they share.
    links: Vec<[(usize, Vec<usize>); 2]>,
}

impl<'a> Checker<'a> {
    pub(crate) fn new(set: &'a TableSet, patterns: &'a [Pattern]) -> Self {
        let covering = set.tables.iter().map(covering).collect();
        let links = linked::pairs(set).map(|(first, second)| {
            let mut sums = [first, second].map(|t| (t, vec![0; set.tables[t].inner().len()]));
            let shared = linked::shared(&set.tables[first], &set.tables[second]).into_values();
            for (number, (of_first, of_second)) in shared.enumerate() {
                of_first.into_iter().for_each(|inner| sums[0].1[inner] = number);
                of_second.into_iter().for_each(|inner| sums[1].1[inner] = number);
            }
            sums
        });
        Self { set, patterns, covering, links: links.collect() }
    }

    /// Whether the world obeys the policy, reproduces every published number and agrees with itself
    /// where tables share margins.
    pub(crate) fn fits(&self, world: &World) -> bool {
        let least = self.set.policy.zeros.least_withheld();
        let in_order = world.counts.is_sorted_by(|a, b| (a.0, a.1) < (b.0, b.1));
        let mut sums: HashMap<(usize, usize), i64> = HashMap::new();
        for &(table, inner, count) in &world.counts {
            let Some(change) = self.change(table, inner, count) else { return false };
            if count < least || !self.patterns[table].withheld[self.covering[table][inner][0]] {
                return false;
            }
            for &cell in &self.covering[table][inner] {
                *sums.entry((table, cell)).or_default() += change;
            }
        }
        let published = sums
            .iter()
            .all(|(&(table, cell), sum)| *sum == 0 || self.patterns[table].withheld[cell]);
        in_order && published && self.links.iter().all(|link| self.agrees(world, link))
    }

    /// By how much a world's count differs from the true one, if there is such an inner cell.
    pub(crate) fn change(&self, table: usize, inner: usize, count: u64) -> Option<i64> {
        let truth = *self.set.tables.get(table)?.inner().get(inner)?;
        i64::try_from(count).ok()?.checked_sub(i64::try_from(truth).ok()?)
    }

    fn agrees(&self, world: &World, link: &[(usize, Vec<usize>); 2]) -> bool {
        let mut sums: HashMap<usize, i64> = HashMap::new();
        for &(table, inner, count) in &world.counts {
            for ((linked, shared), sign) in link.iter().zip([1, -1]) {
                if *linked == table {
                    let change = self.change(table, inner, count).unwrap_or_default();
                    *sums.entry(shared[inner]).or_default() += sign * change;
                }
            }
        }
        sums.values().all(|sum| *sum == 0)
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

/// For each inner cell, all cells that count it, itself first.
pub(crate) fn covering(table: &CountTable) -> Vec<Vec<usize>> {
    let mut covering = vec![vec![0]];
    for dimension in table.dimensions() {
        let nodes = dimension.node_count();
        let chains: Vec<&[usize]> =
            (0..dimension.leaves().len()).map(|ordinal| dimension.above(ordinal)).collect();
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
