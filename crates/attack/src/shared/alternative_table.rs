use std::collections::HashMap;

use minster_model::{
    IdVec, LeafId, TableId, id,
    table::{AlternativeTable, CountTable, Hierarchy, Pattern, TableSet},
};

use crate::shared::{
    id_slice::IdSlice,
    linked_tables,
    typed::{InnerCell, TableCell, TypedPattern, TypedSet, TypedTable},
};

id! {
    /// The number of a sum that two tables share.
    SharedSum
}

/// An inner cell, and by how much a world's count of it differs from the true one.
pub(crate) type Change = (TableId, InnerCell, i64);

/// Checks worlds by additions and comparisons alone: this is what makes a certificate one.
pub(crate) struct Checker<'a> {
    set: &'a TableSet,
    patterns: IdSlice<'a, TableId, Pattern>,
    /// For each table, the cells that count its inner cells.
    covering: IdVec<TableId, Covering>,
    links: Vec<[LinkEnd; 2]>,
}

/// One of two tables that share sums.
struct LinkEnd {
    table: TableId,
    /// The shared sum that each inner cell is in.
    sum_of: IdVec<InnerCell, SharedSum>,
}

impl LinkEnd {
    /// The start of a list that the shared sums fill: each inner cell is in one of them.
    fn new(table: TableId, set: &TableSet) -> Self {
        Self { table, sum_of: IdVec::of(SharedSum(0), set.table(table).inner().len()) }
    }

    fn put(&mut self, cells: Vec<InnerCell>, sum: SharedSum) {
        cells.into_iter().for_each(|inner| self.sum_of[inner] = sum);
    }
}

impl<'a> Checker<'a> {
    pub(crate) fn new(set: &'a TableSet, patterns: IdSlice<'a, TableId, Pattern>) -> Self {
        let covering = set.tables.iter().map(Covering::new).collect();
        let links = linked_tables::pairs(set).map(|(first, second)| {
            let mut ends = [LinkEnd::new(first, set), LinkEnd::new(second, set)];
            let [of_first, of_second] = &mut ends;
            let shared = linked_tables::shared(set.table(first), set.table(second));
            // One number in both tables, so that a change on one side is set against the other's.
            for (number, (cells_of_first, cells_of_second)) in shared.enumerate() {
                of_first.put(cells_of_first, SharedSum(number));
                of_second.put(cells_of_second, SharedSum(number));
            }
            ends
        });
        Self { set, patterns, covering, links: links.collect() }
    }

    /// How a world differs from the truth, if it is one: it obeys the policy, reproduces every published number and
    /// agrees with itself where tables share margins.
    pub(crate) fn fitting(&self, alternative: &AlternativeTable) -> Option<Vec<Change>> {
        // A count that is said twice would be added up twice, and so could seem to leave a published sum alone.
        if !alternative.counts.is_sorted_by(|a, b| (a.0, a.1) < (b.0, b.1)) {
            return None;
        }
        let mut sums: HashMap<(TableId, TableCell), i64> = HashMap::new();
        let mut changes = Vec::with_capacity(alternative.counts.len());
        let mut above = Vec::new();
        for &(table, inner, count) in &alternative.counts {
            let (table, inner) = (TableId(table), InnerCell(inner));
            let change = self.change(table, inner, count)?;
            let own = self.covering[table].of(inner, &mut above);
            let of_table = self.set.table(table);
            let least = of_table.policy(self.set.policy).zeros.least_withheld();
            let is_known = of_table.is_known_zero(inner.0);
            // Everyone knows that no world has fewer than the policy allows, anyone where nobody can be, or another number
            // than the published one.
            if count < least || is_known || !self.patterns[table].by_cell()[own] {
                return None;
            }
            for &cell in &above {
                *sums.entry((table, cell)).or_default() += change;
            }
            changes.push((table, inner, change));
        }
        // The truth has every published number, so a world has them where it changes none of their sums.
        let stands = sums
            .iter()
            .all(|(&(table, cell), sum)| *sum == 0 || self.patterns[table].by_cell()[cell]);
        let agrees = stands && self.links.iter().all(|link| agrees(link, &changes));
        agrees.then_some(changes)
    }

    /// By how much a world's count differs from the true one, if there is such an inner cell.
    pub(crate) fn change(&self, table: TableId, inner: InnerCell, count: u64) -> Option<i64> {
        let truth = *self.set.by_table().find(table)?.by_inner().find(inner)?;
        // A number too large to subtract is no count of children.
        i64::try_from(count).ok()?.checked_sub(i64::try_from(truth).ok()?)
    }
}

/// Whether changes are the same on both sides of each sum that two tables share.
fn agrees(link: &[LinkEnd; 2], changes: &[Change]) -> bool {
    // Both sides are equal in truth: where nothing changes they still are, so that only changed sums are looked at.
    let mut sums: HashMap<SharedSum, i64> = HashMap::new();
    for &(table, inner, change) in changes {
        for (end, sign) in link.iter().zip([1, -1]) {
            if end.table == table {
                *sums.entry(end.sum_of[inner]).or_default() += sign * change;
            }
        }
    }
    sums.values().all(|sum| *sum == 0)
}

/// Every cell's true count.
pub(crate) fn counts(table: &CountTable) -> IdVec<TableCell, u64> {
    cells(table, table.by_inner())
}

/// Every cell's count from inner counts.
pub(crate) fn cells(
    table: &CountTable,
    inner: IdSlice<'_, InnerCell, u64>,
) -> IdVec<TableCell, u64> {
    let mut counts = IdVec::of(0, table.cell_count());
    let covering = Covering::new(table);
    let mut above = Vec::new();
    // Most inner cells of a large table count nobody, and add nothing.
    for (inner, &count) in inner.enumerate().filter(|(_, count)| **count > 0) {
        covering.of(inner, &mut above);
        above.iter().for_each(|&cell| counts[cell] += count);
    }
    counts
}

/// For each cell, its inner cells, ascending: for tables of which every cell has a number.
pub(crate) fn below(table: &CountTable) -> IdVec<TableCell, Vec<InnerCell>> {
    let mut below = IdVec::of(Vec::new(), table.cell_count());
    let covering = Covering::new(table);
    let mut above = Vec::new();
    for inner in table.by_inner().ids() {
        covering.of(inner, &mut above);
        above.iter().for_each(|&cell| below[cell].push(inner));
    }
    below
}

/// Which cells count an inner cell, worked out when it is asked.
pub(crate) struct Covering {
    /// The dimensions, the last first: as cells are numbered, it varies fastest.
    dimensions: Vec<IdVec<LeafId, Moves>>,
}

/// How far the nodes that count a leaf move a cell's number.
struct Moves {
    /// The leaf itself.
    own: usize,
    /// The wider nodes.
    wider: Vec<usize>,
}

impl Moves {
    fn new(dimension: &Hierarchy, leaf: LeafId, stride: usize) -> Self {
        let wider = dimension.above(leaf).iter().skip(1).map(|node| node.0 * stride);
        Self { own: dimension.leaf(leaf).0 * stride, wider: wider.collect() }
    }
}

impl Covering {
    pub(crate) fn new(table: &CountTable) -> Self {
        let mut stride = 1;
        let dimensions = table.dimensions().iter().rev().map(|dimension| {
            let leaves = (0..dimension.leaves().len()).map(LeafId);
            let moves = leaves.map(|leaf| Moves::new(dimension, leaf, stride)).collect();
            stride *= dimension.node_count();
            moves
        });
        Self { dimensions: dimensions.collect() }
    }

    /// Puts the cells that count an inner cell in place of what `above` held, and returns the one that it is itself,
    /// which comes first.
    pub(crate) fn of(&self, inner: InnerCell, above: &mut Vec<TableCell>) -> TableCell {
        let (mut place, mut own) = (inner.0, TableCell(0));
        above.clear();
        above.push(own);
        for of_leaf in &self.dimensions {
            let moves = &of_leaf[LeafId(place % of_leaf.len())];
            place /= of_leaf.len();
            // Copies first, each moved to a wider node: what they are copies of moves to the leaf last, and stays first.
            let before = above.len();
            for &further in &moves.wider {
                let copies = above.len();
                above.extend_from_within(..before);
                above.iter_mut().skip(copies).for_each(|cell| cell.0 += further);
            }
            above.iter_mut().take(before).for_each(|cell| cell.0 += moves.own);
            own.0 += moves.own;
        }
        own
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
        let patterns: Vec<Pattern> = tables
            .iter()
            .map(|table| Pattern {
                withheld: (0..table.cell_count()).map(|cell| !published.contains(&cell)).collect(),
            })
            .collect();
        let set = TableSet { tables, policy: Policy::new(5, zeros) };
        let alternative = AlternativeTable { counts: counts.to_vec() };
        Checker::new(&set, IdSlice::new(&patterns)).fitting(&alternative).is_some()
    }

    /// Whether a world fits where the first row's total and the last inner cell are published.
    fn fits_two(zeros: Zeros, counts: &[(usize, usize, u64)]) -> bool {
        let table = table(["a", "b"], [2, 20, 30, 40]);
        let published = [table.cell(&[1, 0]), table.cell(&[2, 2])];
        fits_published(vec![table], &published, zeros, counts)
    }

    #[test]
    fn a_world_reproduces_what_is_published() {
        let zeros = Zeros::MayBeWithheld;
        assert!(fits_two(zeros, &[]));
        assert!(fits_two(zeros, &[(0, 0, 5), (0, 1, 17), (0, 2, 99)]));
        assert!(!fits_two(zeros, &[(0, 0, 5)]) && !fits_two(zeros, &[(0, 0, 5), (0, 1, 18)]));
        assert!(!fits_two(zeros, &[(0, 0, 1), (0, 1, 20)]) && !fits_two(zeros, &[(0, 3, 41)]));
        assert!(fits_two(zeros, &[(0, 0, 0), (0, 1, 22)]));
        assert!(!fits_two(Zeros::Published, &[(0, 0, 0), (0, 1, 22)]));
        assert!(fits_two(Zeros::Published, &[(0, 0, 1), (0, 1, 21)]));
        assert!(!fits_two(zeros, &[(0, 4, 1)]) && !fits_two(zeros, &[(1, 0, 1)]));
        assert!(!fits_two(zeros, &[(0, 2, u64::MAX)]));
    }

    #[test]
    fn nobody_is_where_everyone_knows_that_nobody_can_be() {
        let table = table(["a", "b"], [2, 0, 30, 40]).knowing_zeros(vec![1]).unwrap();
        let alternative = [(0, 0, 1), (0, 1, 1), (0, 2, 31), (0, 3, 39)];
        assert!(!fits(vec![table.clone()], &alternative));
        assert!(!fits(vec![table.clone()], &[(0, 1, 1)]));
        assert!(fits(vec![table], &[(0, 0, 1)]));
    }

    #[test]
    fn a_world_says_each_count_once() {
        let one = vec![table(["a", "b"], [2, 20, 30, 40])];
        assert!(fits(one.clone(), &[(0, 0, 5), (0, 1, 20)]));
        assert!(!fits(one.clone(), &[(0, 0, 5), (0, 0, 5)]));
        assert!(!fits(one.clone(), &[(0, 0, 5), (0, 0, 9)]));
        assert!(!fits(one, &[(0, 1, 20), (0, 0, 5)]));
    }

    #[test]
    fn a_world_agrees_where_tables_share_a_margin() {
        // The first leaf of what they share is the first half of one table, every other cell of the other.
        let both = vec![table(["a", "b"], [10, 20, 30, 40]), table(["c", "a"], [10, 30, 20, 40])];
        assert!(fits(both.clone(), &[(0, 1, 21), (1, 0, 11)]));
        assert!(fits(both.clone(), &[(0, 1, 21), (1, 2, 21)]));
        assert!(!fits(both.clone(), &[(0, 1, 21), (1, 1, 31)]));
        assert!(!fits(both.clone(), &[(0, 1, 21), (1, 3, 41)]));
        assert!(!fits(both, &[(0, 1, 21)]));
    }
}
