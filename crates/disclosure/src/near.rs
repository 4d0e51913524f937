//! Which part of a large table is looked at for one demand: a few leaves of each dimension.

use std::collections::BTreeMap;

use crate::{cells::Cells, demand::Demand};

/// Leaves of each dimension, best first, by dimension name.
pub(crate) struct Nearness {
    ranked: BTreeMap<String, Vec<usize>>,
    /// How many leaves of a dimension are looked at.
    most: usize,
}

impl Nearness {
    /// Ranks leaves by their small cells, which cover each other at no cost, and by how many children
    /// they have, from whom changes can be taken. `inner` bounds the inner cells looked at.
    pub(crate) fn new(cells: &Cells<'_>, inner: usize) -> Self {
        let mut ranked = BTreeMap::new();
        let mut most = usize::MAX;
        for (number, table) in cells.set.tables.iter().enumerate() {
            let sizes: Vec<usize> = table.dimensions().iter().map(|d| d.leaves().len()).collect();
            let within = |most: usize| sizes.iter().map(|&size| size.min(most)).product::<usize>();
            while within(most) > inner && most > 2 {
                most = sizes.iter().copied().max().unwrap_or(2).min(most) - 1;
            }
            for (place, dimension) in table.dimensions().iter().enumerate() {
                let mut small = vec![0u64; dimension.leaves().len()];
                let mut children = vec![0i64; dimension.leaves().len()];
                for cell in 0..table.cell_count() {
                    let number = cells.number(number, cell);
                    let node = table.coordinates(cell)[place];
                    if let Ok(leaf) = dimension.leaves().binary_search(&node) {
                        small[leaf] += u64::from(crate::demand::is_primary(cells, number));
                        children[leaf] += cells.count[number];
                    }
                }
                let order = |key: &dyn Fn(usize) -> i64| {
                    let mut leaves: Vec<usize> = (0..small.len()).collect();
                    leaves.sort_by_key(|&leaf| (std::cmp::Reverse(key(leaf)), leaf));
                    leaves
                };
                let by_small = order(&|leaf| small[leaf] as i64);
                let by_children = order(&|leaf| children[leaf]);
                let mut best = Vec::new();
                for (rank, &leaf) in by_small.iter().enumerate() {
                    for leaf in
                        std::iter::once(leaf).chain((rank % 2 == 1).then(|| by_children[rank / 2]))
                    {
                        if !best.contains(&leaf) {
                            best.push(leaf);
                        }
                    }
                }
                ranked.insert(dimension.name().to_owned(), best);
            }
        }
        Self { ranked, most }
    }

    /// The cells near a demand's first cell; none where all are.
    pub(crate) fn around(&self, cells: &Cells<'_>, demand: &Demand) -> Option<Vec<bool>> {
        if self.ranked.values().all(|leaves| leaves.len() <= self.most) {
            return None;
        }
        let (number, cell) = cells.place(demand.terms[0].0);
        let table = &cells.set.tables[number];
        let mut chosen: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (name, ranked) in &self.ranked {
            chosen.insert(name, ranked.iter().copied().take(self.most).collect());
        }
        for (dimension, node) in table.dimensions().iter().zip(table.coordinates(cell)) {
            let ranked = &self.ranked[dimension.name()];
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
        let mut near = vec![false; cells.len()];
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
            sub.into_iter().for_each(|cell| near[cells.number(number, cell)] = true);
        }
        Some(near)
    }
}
