use std::collections::HashMap;

use minster_model::table::{AlternativeTable, CountTable, Pattern, TableSet};

use crate::shared::linked_tables;

/// Checks worlds by additions and comparisons alone: this is what makes a certificate one.
pub(crate) struct Checker<'a> {
    set: &'a TableSet,
    patterns: &'a [Pattern],
    /// For each table, the cells that count its inner cells.
    covering: Vec<Covering>,
    /// Two tables, and for each inner cell of either the sum that they share.
    links: Vec<[(usize, Vec<usize>); 2]>,
}

impl<'a> Checker<'a> {
    pub(crate) fn new(set: &'a TableSet, patterns: &'a [Pattern]) -> Self {
        let covering = set.tables.iter().map(Covering::new).collect();
        let links = linked_tables::pairs(set).map(|(first, second)| {
            let mut sums = [first, second].map(|t| (t, vec![0; set.tables[t].inner().len()]));
            let shared =
                linked_tables::shared(&set.tables[first], &set.tables[second]).into_values();
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
    pub(crate) fn fits(&self, alternative: &AlternativeTable) -> bool {
        let in_order = alternative.counts.is_sorted_by(|a, b| (a.0, a.1) < (b.0, b.1));
        let mut sums: HashMap<(usize, usize), i64> = HashMap::new();
        let mut above = Vec::new();
        for &(table, inner, count) in &alternative.counts {
            let Some(change) = self.change(table, inner, count) else { return false };
            self.covering[table].of(inner, &mut above);
            let of_table = &self.set.tables[table];
            let least = of_table.policy(self.set.policy).zeros.least_withheld();
            let is_known = of_table.is_known_zero(inner);
            if count < least || is_known || !self.patterns[table].withheld[above[0]] {
                return false;
            }
            for &cell in &above {
                *sums.entry((table, cell)).or_default() += change;
            }
        }
        let published = sums
            .iter()
            .all(|(&(table, cell), sum)| *sum == 0 || self.patterns[table].withheld[cell]);
        in_order && published && self.links.iter().all(|link| self.agrees(alternative, link))
    }

    /// By how much a world's count differs from the true one, if there is such an inner cell.
    pub(crate) fn change(&self, table: usize, inner: usize, count: u64) -> Option<i64> {
        let truth = *self.set.tables.get(table)?.inner().get(inner)?;
        i64::try_from(count).ok()?.checked_sub(i64::try_from(truth).ok()?)
    }

    fn agrees(&self, alternative: &AlternativeTable, link: &[(usize, Vec<usize>); 2]) -> bool {
        let mut sums: HashMap<usize, i64> = HashMap::new();
        for &(table, inner, count) in &alternative.counts {
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

/// Every cell's count from inner counts.
pub(crate) fn cells(table: &CountTable, inner: &[u64]) -> Vec<u64> {
    let mut counts = vec![0; table.cell_count()];
    let covering = Covering::new(table);
    let mut above = Vec::new();
    for (number, &count) in inner.iter().enumerate().filter(|(_, count)| **count > 0) {
        covering.of(number, &mut above);
        above.iter().for_each(|&cell| counts[cell] += count);
    }
    counts
}

/// For each cell, its inner cells, ascending: for tables of which every cell has a number.
pub(crate) fn below(table: &CountTable) -> Vec<Vec<usize>> {
    let mut below = vec![Vec::new(); table.cell_count()];
    let covering = Covering::new(table);
    let mut above = Vec::new();
    for inner in 0..table.inner().len() {
        covering.of(inner, &mut above);
        above.iter().for_each(|&cell| below[cell].push(inner));
    }
    below
}

/// Which cells count an inner cell, worked out when it is asked.
pub(crate) struct Covering {
    /// For each dimension, the last first: its number of leaves; for each, the nodes that count it, as
    /// how far they move the cell's number.
    dimensions: Vec<(usize, Vec<Vec<usize>>)>,
}

impl Covering {
    pub(crate) fn new(table: &CountTable) -> Self {
        let mut stride = 1;
        let dimensions = table.dimensions().iter().rev().map(|dimension| {
            let leaves = dimension.leaves().len();
            let moves = (0..leaves).map(|leaf| {
                dimension.above(leaf).iter().map(|node| node * stride).collect::<Vec<_>>()
            });
            let moves = moves.collect();
            stride *= dimension.node_count();
            (leaves, moves)
        });
        Self { dimensions: dimensions.collect() }
    }

    /// Puts the cells that count an inner cell in place of what `cells` held; the inner cell itself
    /// comes first.
    pub(crate) fn of(&self, mut inner: usize, cells: &mut Vec<usize>) {
        cells.clear();
        cells.push(0);
        for (leaves, moves) in &self.dimensions {
            let moves = &moves[inner % leaves];
            inner /= leaves;
            let before = cells.len();
            for &further in &moves[1..] {
                for at in 0..before {
                    cells.push(cells[at] + further);
                }
            }
            cells[..before].iter_mut().for_each(|cell| *cell += moves[0]);
        }
    }
}

#[cfg(test)]
mod tests {
    use minster_model::{
        policy::{Policy, Zeros},
        table::Hierarchy,
    };

    use super::*;

    fn table(names: [&str; 2], inner: [u64; 4]) -> CountTable {
        let two = |name: &str| {
            Hierarchy::flat(name, "all", ["1", "2"].map(|leaf| format!("{name}{leaf}"))).unwrap()
        };
        CountTable::new(names.concat(), names.map(two).to_vec(), inner.to_vec(), vec![]).unwrap()
    }

    fn fits(tables: Vec<CountTable>, counts: &[(usize, usize, u64)]) -> bool {
        fits_published(tables, &[], Zeros::MayBeWithheld, counts)
    }

    /// Whether a world fits where of each table these cells are published.
    fn fits_published(
        tables: Vec<CountTable>,
        published: &[usize],
        zeros: Zeros,
        counts: &[(usize, usize, u64)],
    ) -> bool {
        let withheld = |table: &CountTable| {
            (0..table.cell_count()).map(|cell| !published.contains(&cell)).collect()
        };
        let patterns: Vec<Pattern> =
            tables.iter().map(|table| Pattern { withheld: withheld(table) }).collect();
        let set = TableSet { tables, policy: Policy::new(5, zeros) };
        Checker::new(&set, &patterns).fits(&AlternativeTable { counts: counts.to_vec() })
    }

    #[test]
    fn a_world_reproduces_what_is_published() {
        // The first row's total and the last inner cell are published.
        let fits = |zeros, counts: &[(usize, usize, u64)]| {
            let table = table(["a", "b"], [2, 20, 30, 40]);
            let published = [table.cell(&[1, 0]), table.cell(&[2, 2])];
            fits_published(vec![table], &published, zeros, counts)
        };
        let zeros = Zeros::MayBeWithheld;
        assert!(fits(zeros, &[]));
        assert!(fits(zeros, &[(0, 0, 5), (0, 1, 17), (0, 2, 99)]));
        assert!(!fits(zeros, &[(0, 0, 5)]) && !fits(zeros, &[(0, 0, 5), (0, 1, 18)]));
        assert!(!fits(zeros, &[(0, 0, 1), (0, 1, 20)]) && !fits(zeros, &[(0, 3, 41)]));
        assert!(fits(zeros, &[(0, 0, 0), (0, 1, 22)]));
        assert!(!fits(Zeros::Published, &[(0, 0, 0), (0, 1, 22)]));
        assert!(fits(Zeros::Published, &[(0, 0, 1), (0, 1, 21)]));
        assert!(!fits(zeros, &[(0, 4, 1)]) && !fits(zeros, &[(1, 0, 1)]));
        assert!(!fits(zeros, &[(0, 2, u64::MAX)]));
    }

    #[test]
    fn nobody_is_where_everyone_knows_that_nobody_can_be() {
        let table = |inner| table(["a", "b"], inner).knowing_zeros(vec![1]).unwrap();
        let alternative = [(0, 0, 1), (0, 1, 1), (0, 2, 31), (0, 3, 39)];
        assert!(!fits(vec![table([2, 0, 30, 40])], &alternative));
        assert!(!fits(vec![table([2, 0, 30, 40])], &[(0, 1, 1)]));
        assert!(fits(vec![table([2, 0, 30, 40])], &[(0, 0, 1)]));
    }

    #[test]
    fn a_world_says_each_count_once() {
        let one = || vec![table(["a", "b"], [2, 20, 30, 40])];
        assert!(fits(one(), &[(0, 0, 5), (0, 1, 20)]));
        assert!(!fits(one(), &[(0, 0, 5), (0, 0, 5)]));
        assert!(!fits(one(), &[(0, 0, 5), (0, 0, 9)]));
        assert!(!fits(one(), &[(0, 1, 20), (0, 0, 5)]));
    }

    #[test]
    fn a_world_agrees_where_tables_share_a_margin() {
        // The first leaf of what they share is the first half of one table, every other cell of the other.
        let both =
            || vec![table(["a", "b"], [10, 20, 30, 40]), table(["c", "a"], [10, 30, 20, 40])];
        assert!(fits(both(), &[(0, 1, 21), (1, 0, 11)]));
        assert!(fits(both(), &[(0, 1, 21), (1, 2, 21)]));
        assert!(!fits(both(), &[(0, 1, 21), (1, 1, 31)]));
        assert!(!fits(both(), &[(0, 1, 21), (1, 3, 41)]));
        assert!(!fits(both(), &[(0, 1, 21)]));
    }
}
