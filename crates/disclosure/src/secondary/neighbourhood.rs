//! Which part of a large table is looked at for one requirement: a few leaves of each dimension.

use std::collections::{BTreeMap, BTreeSet};

use minster_model::{
    CellId, IdVec, LeafId, NodeId, TableId,
    table::{CountTable, Hierarchy},
};

use crate::problem::{
    cells::Cells,
    requirements::{self, Requirement},
};

/// The leaves of each dimension, best first, by dimension name.
pub struct Ranks {
    ranked: BTreeMap<String, Vec<LeafId>>,
}

impl Ranks {
    /// Ranks leaves by their small cells, which cover each other at no cost, and by how many children
    /// they have, from whom changes can be taken.
    pub fn new(cells: &Cells<'_>) -> Self {
        let mut ranked = BTreeMap::new();
        for (number, table) in cells.tables.enumerate() {
            let mut stride = 1;
            for dimension in table.dimensions().iter().rev() {
                ranked.insert(dimension.name().to_owned(), rank(cells, number, dimension, stride));
                stride *= dimension.node_count();
            }
        }
        Self { ranked }
    }

    /// The leaves of a dimension.
    pub(crate) fn of(&self, dimension: &str) -> &[LeafId] {
        self.ranked.get(dimension).map_or(&[], Vec::as_slice)
    }
}

/// The leaves of one dimension of a table, best first: the best by small cells and the best by children take turns.
/// Neighbours along it are numbered `stride` apart.
fn rank(cells: &Cells<'_>, table: TableId, dimension: &Hierarchy, stride: usize) -> Vec<LeafId> {
    let nodes = dimension.node_count();
    let mut small: IdVec<NodeId, u64> = vec![0; nodes].into();
    let mut children: IdVec<NodeId, i64> = vec![0; nodes].into();
    for cell in 0..cells.tables[table].cell_count() {
        let (node, cell) = (NodeId(cell / stride % nodes), cells.number(table, cell));
        small[node] += u64::from(requirements::is_primary(cells, cell));
        children[node] += cells.count[cell];
    }
    let by_small = ordered(dimension, |node| small[node] as i64);
    let by_children = ordered(dimension, |node| children[node]);
    let mut taken: IdVec<LeafId, bool> = vec![false; by_small.len()].into();
    let mut best = Vec::with_capacity(by_small.len());
    // A leaf with many children comes after every second with small cells: changes need someone to take from.
    let mut many = by_children.into_iter();
    for pair in by_small.chunks(2) {
        let next = many.next().filter(|_| pair.len() == 2);
        for leaf in pair.iter().copied().chain(next) {
            if !std::mem::replace(&mut taken[leaf], true) {
                best.push(leaf);
            }
        }
    }
    best
}

/// The leaves of a dimension by what their nodes have, the most first.
fn ordered(dimension: &Hierarchy, of: impl Fn(NodeId) -> i64) -> Vec<LeafId> {
    let mut leaves: Vec<LeafId> = (0..dimension.leaves().len()).map(LeafId).collect();
    leaves.sort_by_key(|&leaf| (std::cmp::Reverse(of(dimension.leaf(leaf))), leaf));
    leaves
}

/// How many inner cells a table has that keeps so many leaves of each dimension at most.
fn inner_cells(sizes: &[usize], most: usize) -> usize {
    sizes.iter().map(|&size| size.min(most)).product()
}

/// How far one looks for what is near.
pub struct Nearness<'a> {
    ranks: &'a Ranks,
    /// How many leaves of a dimension are looked at.
    most: usize,
}

impl<'a> Nearness<'a> {
    /// `inner` bounds the inner cells of a table looked at.
    pub fn new(cells: &Cells<'_>, ranks: &'a Ranks, inner: usize) -> Self {
        let mut most = usize::MAX;
        for table in &cells.set.tables {
            let sizes: Vec<usize> = table.dimensions().iter().map(|d| d.leaves().len()).collect();
            // One limit for all dimensions shortens the long ones and leaves the short ones whole. A hypercube needs two
            // leaves of each.
            while inner_cells(&sizes, most) > inner && most > 2 {
                most = sizes.iter().copied().max().unwrap_or(2).min(most) - 1;
            }
        }
        Self { ranks, most }
    }

    /// The cells near a requirement's first cell, in no order; none where all are.
    pub fn around(&self, cells: &Cells<'_>, requirement: &Requirement) -> Option<Vec<CellId>> {
        if self.ranks.ranked.values().all(|leaves| leaves.len() <= self.most) {
            return None;
        }
        let (number, cell) = cells.place(requirement.cell);
        let table = &cells.tables[number];
        // The cell has no node in a dimension of other tables: no leaf is nearer than another, and the best are taken.
        let best = |(name, ranked): (&'a String, &'a Vec<LeafId>)| {
            (name.as_str(), ranked.iter().copied().take(self.most).collect())
        };
        let mut chosen: BTreeMap<&str, Vec<LeafId>> = self.ranks.ranked.iter().map(best).collect();
        for (dimension, node) in table.dimensions().iter().zip(table.coordinates(cell)) {
            chosen.insert(dimension.name(), self.leaves(dimension, node));
        }
        let near = cells.tables.enumerate().flat_map(|(number, table)| {
            let near = cells_above(table, &chosen).into_iter();
            near.map(move |cell| cells.number(number, cell))
        });
        Some(near.collect())
    }

    /// The leaves of a dimension that are near a node: some below it, some beside it, then the best.
    fn leaves(&self, dimension: &Hierarchy, node: NodeId) -> Vec<LeafId> {
        let ranked = self.ranks.of(dimension.name());
        // The cell changes through leaves below it. Leaves beside it can make up for the change within the same parent:
        // then no margin further up changes.
        let parent = dimension.parent(node);
        let is_below = |leaf: &LeafId| dimension.counts(node, dimension.leaf(*leaf));
        let is_beside = |leaf: &LeafId| {
            !dimension.counts(node, dimension.leaf(*leaf))
                && parent.is_some_and(|parent| dimension.counts(parent, dimension.leaf(*leaf)))
        };
        let half = self.most.div_ceil(2);
        let mut leaves: Vec<LeafId> = ranked.iter().copied().filter(is_below).take(half).collect();
        leaves.extend(ranked.iter().copied().filter(is_beside).take(half));
        for &leaf in ranked {
            if leaves.len() < self.most && !leaves.contains(&leaf) {
                leaves.push(leaf);
            }
        }
        leaves
    }
}

/// The cells of a table of which each node counts one of the chosen leaves.
fn cells_above(table: &CountTable, chosen: &BTreeMap<&str, Vec<LeafId>>) -> Vec<usize> {
    // An inner cell brings all margins above it, because a change of it shows in each of its sums.
    let mut cells = vec![0];
    for dimension in table.dimensions() {
        let chosen = chosen.get(dimension.name()).into_iter().flatten();
        let nodes: BTreeSet<NodeId> =
            chosen.flat_map(|&leaf| dimension.above(leaf).iter().copied()).collect();
        let size = dimension.node_count();
        cells = cells
            .iter()
            .flat_map(|cell| nodes.iter().map(move |node| cell * size + node.0))
            .collect();
    }
    cells
}

#[cfg(test)]
mod tests {
    use minster_model::{policy::Costs, table::TableSet};

    use super::*;
    use crate::test_tables::{flat, set, tree};

    /// Four wards in two localities and one alone, by six kinds; the later, the more children.
    fn wards() -> TableSet {
        let nodes = [
            ("all", None),
            ("A", Some(0)),
            ("a1", Some(1)),
            ("a2", Some(1)),
            ("B", Some(0)),
            ("b1", Some(4)),
            ("b2", Some(4)),
            ("C", Some(0)),
            ("c1", Some(7)),
        ];
        let inner = (0..30).map(|cell| 50 + 10 * (cell / 6) + cell % 6).collect();
        set(vec![tree("ward", &nodes), flat("kind", 6)], inner)
    }

    #[test]
    fn near_are_the_leaves_below_those_beside_them_and_the_best() {
        let set = wards();
        let cells = Cells::new(&set, Costs::default());
        let ranks = Ranks::new(&cells);
        // No cell is small: the first leaf, the second and the one with most children, and so on.
        assert_eq!(ranks.of("ward"), [0, 1, 4, 2, 3]);
        assert_eq!(ranks.of("kind"), [0, 1, 5, 2, 3, 4]);
        let nearness = Nearness::new(&cells, &ranks, 9);
        assert_eq!(nearness.most, 3);
        let table = &set.tables[0];
        let near = |ward: usize, kind: usize| {
            let requirement = Requirement::of_cell(CellId(table.cell(&[ward, kind])));
            let mut near = nearness.around(&cells, &requirement).unwrap();
            near.sort_unstable();
            near
        };
        let product = |wards: &[usize], kinds: &[usize]| -> Vec<CellId> {
            wards
                .iter()
                .flat_map(|ward| kinds.iter().map(|kind| CellId(table.cell(&[*ward, *kind]))))
                .collect()
        };
        // For ward b1, b2 is beside it and a1 the best; for kind 3 the two best are beside it.
        assert_eq!(near(5, 4), product(&[0, 1, 2, 4, 5, 6], &[0, 1, 2, 4]));
        // Ward c1 has nobody beside it.
        assert_eq!(near(8, 4), product(&[0, 1, 2, 3, 7, 8], &[0, 1, 2, 4]));
        // Below locality B are two, and two of those beside it; below all kinds the two best, and the next.
        assert_eq!(near(4, 0), product(&[0, 1, 2, 3, 4, 5, 6], &[0, 1, 2, 6]));
        assert!(
            Nearness::new(&cells, &ranks, 30)
                .around(&cells, &Requirement::of_cell(CellId(0)))
                .is_none()
        );
    }
}
