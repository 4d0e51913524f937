//! Cells as vectors: a published cell says a sum of coordinates.

use minster_disclosure::building_blocks::Cells;
use minster_model::{
    CellId, IdVec, NodeId,
    table::{CountTable, Hierarchy},
};

use super::{field::Field, span::Sparse};

/// The coordinates of one table's cells. Instead of its leaves, a dimension has its roots and, of each
/// node's children, all but the one with most children counted, which is the node less the others. So
/// margins, which are published first, are single coordinates, and so are most small cells.
struct Basis<'a> {
    table: &'a CountTable,
    /// For each dimension, each node as a sum of the dimension's coordinates.
    nodes: Vec<IdVec<NodeId, Vec<(usize, i64)>>>,
    first: usize,
}

/// Every cell as a vector, and how many coordinates there are.
pub(crate) fn vectors(cells: &Cells<'_>, field: Field) -> (IdVec<CellId, Sparse>, usize) {
    let mut all = IdVec::with_capacity(cells.count.len());
    let mut first = 0;
    for (number, table) in cells.tables.enumerate() {
        let counts: Vec<i64> =
            (0..table.cell_count()).map(|cell| cells.count[cells.number(number, cell)]).collect();
        let basis = Basis::new(table, &counts, first);
        all.extend((0..table.cell_count()).map(|cell| basis.vector(cell, field)));
        first += table.inner().len();
    }
    (all, first)
}

impl<'a> Basis<'a> {
    fn new(table: &'a CountTable, counts: &[i64], first: usize) -> Self {
        let dimensions = table.dimensions();
        let mut children: Vec<IdVec<NodeId, i64>> =
            dimensions.iter().map(|dimension| IdVec::of(0, dimension.node_count())).collect();
        for (cell, &count) in counts.iter().enumerate() {
            for (of, node) in children.iter_mut().zip(table.coordinates(cell)) {
                of[node] += count;
            }
        }
        let nodes = dimensions.iter().zip(&children).map(|(d, children)| nodes(d, children));
        Self { table, nodes: nodes.collect(), first }
    }

    fn vector(&self, cell: usize, field: Field) -> Sparse {
        let mut terms = vec![(0, 1i64)];
        let places = self.table.coordinates(cell);
        for ((dimension, nodes), node) in
            self.table.dimensions().iter().zip(&self.nodes).zip(places)
        {
            let size = dimension.leaves().len();
            terms = terms
                .iter()
                .flat_map(|&(at, sign)| {
                    nodes[node].iter().map(move |&(next, other)| (at * size + next, sign * other))
                })
                .collect();
        }
        terms.sort_unstable();
        let number = |value: i64| match value < 0 {
            true => field.negative(value.unsigned_abs()),
            false => value.unsigned_abs(),
        };
        terms.into_iter().map(|(at, value)| ((self.first + at) as u32, number(value))).collect()
    }
}

/// Each node of a dimension as a sum of coordinates; there are as many as leaves.
fn nodes(dimension: &Hierarchy, children: &IdVec<NodeId, i64>) -> IdVec<NodeId, Vec<(usize, i64)>> {
    let mut nodes: IdVec<NodeId, Vec<(usize, i64)>> = IdVec::of(Vec::new(), dimension.node_count());
    let mut next = 0;
    let mut own = |node: &mut Vec<(usize, i64)>| {
        node.push((next, 1));
        next += 1;
    };
    dimension.roots().for_each(|root| own(&mut nodes[root]));
    for node in dimension.nodes() {
        // The first way in which a node of the tree is a sum is by its children.
        let in_tree = dimension.is_total(node) || dimension.parent(node).is_some();
        let Some(parts) = dimension.sums(node).first().filter(|_| in_tree) else { continue };
        let Some(&last) = parts.iter().max_by_key(|&&part| children[part]) else { continue };
        let mut rest = nodes[node].clone();
        for &part in parts.iter().filter(|&&part| part != last) {
            own(&mut nodes[part]);
            let less = nodes[part].iter().map(|&(at, value)| (at, -value));
            rest.extend(less);
        }
        nodes[last] = gather(rest);
    }
    for node in dimension.nodes() {
        if nodes[node].is_empty() {
            let below = dimension.leaves_below(node).iter();
            nodes[node] = gather(below.flat_map(|&leaf| nodes[leaf].clone()).collect());
        }
    }
    nodes
}

fn gather(mut terms: Vec<(usize, i64)>) -> Vec<(usize, i64)> {
    terms.sort_unstable();
    let mut gathered: Vec<(usize, i64)> = Vec::new();
    for (at, value) in terms {
        match gathered.last_mut() {
            Some(last) if last.0 == at => last.1 += value,
            _ => gathered.push((at, value)),
        }
    }
    gathered.retain(|&(_, value)| value != 0);
    gathered
}
