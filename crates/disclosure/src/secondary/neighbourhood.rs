//! Which part of a large table is looked at for one requirement: a few leaves of each dimension.

use std::collections::BTreeMap;

use crate::problem::{cells::Cells, requirements::Requirement};

/// The leaves of each dimension, best first, by dimension name.
pub struct Ranks {
    ranked: BTreeMap<String, Vec<usize>>,
}

impl Ranks {
    /// Ranks leaves by their small cells, which cover each other at no cost, and by how many children
    /// they have, from whom changes can be taken.
    pub fn new(cells: &Cells<'_>) -> Self {
        let mut ranked = BTreeMap::new();
        for (number, table) in cells.set.tables.iter().enumerate() {
            let mut stride = 1;
            for dimension in table.dimensions().iter().rev() {
                let mut small = vec![0u64; dimension.node_count()];
                let mut children = vec![0i64; dimension.node_count()];
                for cell in 0..table.cell_count() {
                    let (number, node) =
                        (cells.number(number, cell), cell / stride % dimension.node_count());
                    small[node] +=
                        u64::from(crate::problem::requirements::is_primary(cells, number));
                    children[node] += cells.count[number];
                }
                stride *= dimension.node_count();
                let order = |key: &dyn Fn(usize) -> i64| {
                    let mut leaves: Vec<usize> = (0..dimension.leaves().len()).collect();
                    leaves.sort_by_key(|&leaf| {
                        (std::cmp::Reverse(key(dimension.leaves()[leaf])), leaf)
                    });
                    leaves
                };
                let by_small = order(&|node| small[node] as i64);
                let by_children = order(&|node| children[node]);
                let mut best = Vec::new();
                let mut taken = vec![false; by_small.len()];
                for (rank, &leaf) in by_small.iter().enumerate() {
                    for leaf in
                        std::iter::once(leaf).chain((rank % 2 == 1).then(|| by_children[rank / 2]))
                    {
                        if !std::mem::replace(&mut taken[leaf], true) {
                            best.push(leaf);
                        }
                    }
                }
                ranked.insert(dimension.name().to_owned(), best);
            }
        }
        Self { ranked }
    }

    /// The leaves of a dimension.
    pub(crate) fn of(&self, dimension: &str) -> &[usize] {
        self.ranked.get(dimension).map_or(&[], Vec::as_slice)
    }
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
            let within = |most: usize| sizes.iter().map(|&size| size.min(most)).product::<usize>();
            while within(most) > inner && most > 2 {
                most = sizes.iter().copied().max().unwrap_or(2).min(most) - 1;
            }
        }
        Self { ranks, most }
    }

    /// The cells near a requirement's first cell, in no order; none where all are.
    pub fn around(&self, cells: &Cells<'_>, requirement: &Requirement) -> Option<Vec<usize>> {
        if self.ranks.ranked.values().all(|leaves| leaves.len() <= self.most) {
            return None;
        }
        let (number, cell) = cells.place(requirement.terms[0].0);
        let table = &cells.set.tables[number];
        let mut chosen: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (name, ranked) in &self.ranks.ranked {
            chosen.insert(name, ranked.iter().copied().take(self.most).collect());
        }
        for (dimension, node) in table.dimensions().iter().zip(table.coordinates(cell)) {
            let ranked = self.ranks.of(dimension.name());
            let below = |leaf: &usize| dimension.counts(node, dimension.leaves()[*leaf]);
            let beside = |leaf: &usize| {
                dimension
                    .parent(node)
                    .is_some_and(|parent| dimension.counts(parent, dimension.leaves()[*leaf]))
            };
            let half = self.most.div_ceil(2);
            let mut leaves: Vec<usize> = ranked.iter().copied().filter(below).take(half).collect();
            leaves.extend(ranked.iter().copied().filter(|l| !below(l) && beside(l)).take(half));
            for &leaf in ranked {
                if leaves.len() < self.most && !leaves.contains(&leaf) {
                    leaves.push(leaf);
                }
            }
            chosen.insert(dimension.name(), leaves);
        }
        let mut near = Vec::new();
        for (number, table) in cells.set.tables.iter().enumerate() {
            let marked: Vec<Vec<bool>> = table
                .dimensions()
                .iter()
                .map(|dimension| {
                    let mut marked = vec![false; dimension.node_count()];
                    for &leaf in &chosen[dimension.name()] {
                        dimension.above(leaf).iter().for_each(|&node| marked[node] = true);
                    }
                    marked
                })
                .collect();
            let mut sub = vec![0];
            for (dimension, marked) in table.dimensions().iter().zip(&marked) {
                let nodes: Vec<usize> = (0..marked.len()).filter(|&node| marked[node]).collect();
                let size = dimension.node_count();
                sub = sub
                    .iter()
                    .flat_map(|cell| nodes.iter().map(move |node| cell * size + node))
                    .collect();
            }
            near.extend(sub.into_iter().map(|cell| cells.number(number, cell)));
        }
        Some(near)
    }
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
            let requirement = Requirement::of_cell(table.cell(&[ward, kind]));
            let mut near = nearness.around(&cells, &requirement).unwrap();
            near.sort_unstable();
            near
        };
        let product = |wards: &[usize], kinds: &[usize]| -> Vec<usize> {
            wards
                .iter()
                .flat_map(|ward| kinds.iter().map(|kind| table.cell(&[*ward, *kind])))
                .collect()
        };
        // For ward b1, b2 is beside it and a1 the best; for kind 3 the two best are beside it.
        assert_eq!(near(5, 4), product(&[0, 1, 2, 4, 5, 6], &[0, 1, 2, 4]));
        // Ward c1 has nobody beside it.
        assert_eq!(near(8, 4), product(&[0, 1, 2, 3, 7, 8], &[0, 1, 2, 4]));
        // Below locality B are two, and two of those beside it; below all kinds the two best, and the next.
        assert_eq!(near(4, 0), product(&[0, 1, 2, 3, 4, 5, 6], &[0, 1, 2, 6]));
        assert!(
            Nearness::new(&cells, &ranks, 30).around(&cells, &Requirement::of_cell(0)).is_none()
        );
    }
}
