//! The order of a table's rows. Categories that come from the data stand in the order of their names, and a withheld one in its
//! place among them would tell between which two its name lies: those stand last, in an order that follows from what is published.

use std::collections::BTreeSet;

use minster_model::{ColumnName, NodeId, table::Hierarchy};

use crate::{
    definition::release_definition::{Definition, Measure, Table},
    publish::canonical_order,
    tabulate::categories::is_open,
};

/// The order of each dimension's nodes, and which of them have no name in the files.
pub(crate) struct RowOrder {
    of: Vec<Vec<NodeId>>,
    /// For each dimension and node, its place in that order.
    places: Vec<Vec<usize>>,
    unnamed: Vec<Vec<bool>>,
}

impl RowOrder {
    /// The order for a table of a definition, given what is published of its cells' counts, and of the sums of [`sums_of`].
    pub(crate) fn new(
        definition: &Definition,
        table: &Table,
        dimensions: &[Hierarchy],
        counts: &[Option<u64>],
        others: &[&[Option<u64>]],
    ) -> Self {
        let open = |name: &ColumnName| definition.dimension(name).is_some_and(is_open);
        let mut unnamed = Vec::new();
        for (place, (name, hierarchy)) in table.dimensions.iter().zip(dimensions).enumerate() {
            let is_unnamed = |node: NodeId| {
                open(name)
                    && !hierarchy.is_total(node)
                    && is_withheld(dimensions, counts, place, node)
            };
            unnamed.push(hierarchy.nodes().map(is_unnamed).collect());
        }
        let published: Vec<&[Option<u64>]> =
            [counts].into_iter().chain(others.iter().copied()).collect();
        let places = canonical_order::places(dimensions, &unnamed, &published);
        let in_order = |(hierarchy, places): (&Hierarchy, &Vec<usize>)| {
            let mut nodes: Vec<NodeId> = hierarchy.nodes().collect();
            nodes.sort_by_key(|node| places[node.0]);
            nodes
        };
        let of: Vec<_> = dimensions.iter().zip(&places).map(in_order).collect();
        Self { places: of.iter().map(|nodes| inverse(nodes)).collect(), of, unnamed }
    }

    /// The nodes of the dimension at a place, in order.
    pub(crate) fn nodes(&self, place: usize) -> &[NodeId] {
        &self.of[place]
    }

    /// The place of each node of a dimension in that order.
    pub(crate) fn places(&self, place: usize) -> &[usize] {
        &self.places[place]
    }

    /// Whether a node has no name in the files.
    pub(crate) fn is_unnamed(&self, place: usize, node: NodeId) -> bool {
        self.unnamed[place][node.0]
    }

    /// The names of a dimension's nodes in the files, node by node. Where categories come from the data, the name of a withheld one
    /// would tell that someone has it.
    pub(crate) fn labels(&self, place: usize, dimension: &Hierarchy) -> Vec<String> {
        let mut labels = vec![String::new(); dimension.node_count()];
        let mut withheld = 0;
        for &node in self.nodes(place) {
            labels[node.0] = match self.is_unnamed(place, node) {
                true => {
                    withheld += 1;
                    format!("(withheld {withheld})")
                }
                false => dimension.code(node).to_owned(),
            };
        }
        labels
    }

    /// Cells in the order of the rows that show them.
    pub(crate) fn sort(&self, dimensions: &[Hierarchy], cells: &mut [usize]) {
        cells.sort_by_cached_key(|&cell| {
            let nodes = coordinates(dimensions, cell);
            self.places.iter().zip(nodes).map(|(places, node)| places[node.0]).collect::<Vec<_>>()
        });
    }
}

/// The columns whose sums order a table's rows beside the counts. Its medians do not: the evidence does not have them.
pub(crate) fn sums_of(table: &Table) -> impl Iterator<Item = &ColumnName> {
    table.measures.iter().flat_map(Measure::summed).collect::<BTreeSet<_>>().into_iter()
}

fn inverse(nodes: &[NodeId]) -> Vec<usize> {
    let mut places = vec![0; nodes.len()];
    nodes.iter().enumerate().for_each(|(place, node)| places[node.0] = place);
    places
}

/// The node that a cell takes in every dimension.
pub(crate) fn coordinates(dimensions: &[Hierarchy], mut cell: usize) -> Vec<NodeId> {
    let mut nodes = vec![NodeId(0); dimensions.len()];
    for (node, dimension) in nodes.iter_mut().zip(dimensions).rev() {
        *node = NodeId(cell % dimension.node_count());
        cell /= dimension.node_count();
    }
    nodes
}

/// Whether a category's own total is withheld, or, without totals, all of its cells are.
fn is_withheld(
    dimensions: &[Hierarchy],
    counts: &[Option<u64>],
    place: usize,
    node: NodeId,
) -> bool {
    let after: usize = dimensions[place + 1..].iter().map(Hierarchy::node_count).product();
    let has_total = |dimension: &Hierarchy| dimension.roots().count() == 1;
    if !dimensions.iter().all(has_total) {
        let has_it = |cell: &usize| cell / after % dimensions[place].node_count() == node.0;
        return (0..counts.len()).filter(has_it).all(|cell| counts[cell].is_none());
    }
    // The other dimensions are at their total, which is the first node of each.
    counts[node.0 * after].is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_category_without_a_name_stands_behind_those_that_have_one() {
        let definition = Definition::parse(
            "name = \"r\"\npopulation = \"spine\"\n[[dimension]]\nname = \"kind\"\ncolumn = \"kind\"\ntotal = \"all\"\n\
             [[dimension]]\nname = \"sex\"\ncolumn = \"sex\"\ntotal = \"all\"\ncodes = [\"F\", \"M\"]\n\
             [[table]]\nname = \"t\"\ndimensions = [\"kind\", \"sex\"]\n",
        )
        .unwrap();
        let of = |name: &str, codes: &[&str]| {
            Hierarchy::flat(name, "all", codes.iter().map(|&code| code.to_owned())).unwrap()
        };
        let dimensions = [of("kind", &["a", "b", "c"]), of("sex", &["F", "M"])];
        // No total of b and a is published; that of b has a zero beside it.
        let counts = [
            [Some(40), Some(20), Some(20)],
            [None, None, None],
            [None, None, Some(0)],
            [Some(30), Some(15), Some(15)],
        ];
        let counts = counts.concat();
        let order = RowOrder::new(&definition, &definition.tables[0], &dimensions, &counts, &[]);
        assert_eq!(order.nodes(0), [0, 3, 1, 2].map(NodeId));
        assert!(order.is_unnamed(0, NodeId(1)) && !order.is_unnamed(0, NodeId(3)));
        assert_eq!(order.nodes(1), [0, 1, 2].map(NodeId));
        let mut cells: Vec<usize> = (0..12).collect();
        order.sort(&dimensions, &mut cells);
        assert_eq!(cells, [0, 1, 2, 9, 10, 11, 3, 4, 5, 6, 7, 8]);
    }

    /// The values of a table of two dimensions in the order of its rows, where those that have a zero are given.
    fn rows(
        others: &dyn Fn(usize) -> Option<u64>,
        zeros: &[(usize, usize)],
    ) -> Vec<[Option<u64>; 2]> {
        let definition = Definition::parse(
            "name = \"r\"\npopulation = \"spine\"\n[[dimension]]\nname = \"kind\"\ncolumn = \"kind\"\ntotal = \"all\"\n\
             [[dimension]]\nname = \"place\"\ncolumn = \"place\"\ntotal = \"all\"\n\
             [[table]]\nname = \"t\"\ndimensions = [\"kind\", \"place\"]\n",
        )
        .unwrap();
        let size = zeros.len().max(3);
        let of = |name: &str| {
            Hierarchy::flat(name, "all", (0..size).map(|at| format!("{at:02}"))).unwrap()
        };
        let dimensions = [of("kind"), of("place")];
        let cells = (size + 1) * (size + 1);
        let is_zero = |cell: usize| {
            zeros.iter().any(|(kind, place)| (kind + 1) * (size + 1) + place + 1 == cell)
        };
        let count = |cell: usize| match cell {
            0 => Some(90),
            cell => is_zero(cell).then_some(0),
        };
        let counts: Vec<_> = (0..cells).map(count).collect();
        let sums: Vec<_> = (0..cells).map(others).collect();
        let order =
            RowOrder::new(&definition, &definition.tables[0], &dimensions, &counts, &[&sums]);
        let mut in_order: Vec<usize> = (0..cells).collect();
        order.sort(&dimensions, &mut in_order);
        in_order.into_iter().map(|cell| [counts[cell], sums[cell]]).collect()
    }

    #[test]
    fn the_order_of_two_dimensions_without_names_tells_nothing_of_the_names() {
        let none = |_: usize| None;
        // Each kind is nobody's in one place. Whichever names they have, the rows are the same.
        let on_the_diagonal = rows(&none, &[(0, 0), (1, 1), (2, 2)]);
        for other in [[(0, 1), (1, 0), (2, 2)], [(0, 2), (1, 1), (2, 0)], [(0, 1), (1, 2), (2, 0)]]
        {
            assert_eq!(rows(&none, &other), on_the_diagonal);
        }
        // A ring of four and one of six: every name has two zeros, and all look alike at first.
        let rings = |name: &dyn Fn(usize) -> usize, place: &dyn Fn(usize) -> usize| {
            let of_four = [(0, 0), (0, 1), (1, 0), (1, 1)];
            let of_six = [(2, 2), (2, 3), (3, 3), (3, 4), (4, 4), (4, 2)];
            let all = of_four.iter().chain(&of_six).map(|(kind, at)| (name(*kind), place(*at)));
            rows(&none, &all.collect::<Vec<_>>())
        };
        let first = rings(&|kind| kind, &|place| place);
        assert_eq!(rings(&|kind| 4 - kind, &|place| place), first);
        assert_eq!(rings(&|kind| (kind + 2) % 5, &|place| (3 * place + 1) % 5), first);
        // Other rows are other rows.
        assert_ne!(rows(&none, &[(0, 0), (0, 1), (2, 2)]), on_the_diagonal);
    }

    #[test]
    fn numbers_beside_the_count_order_categories_too() {
        // Four nodes a dimension: the cells 5 and 10 are kinds 0 and 1 at places 0 and 1.
        let first = rows(&|cell| (cell == 5).then_some(0), &[]);
        assert_eq!(rows(&|cell| (cell == 10).then_some(0), &[]), first);
        assert_eq!(rows(&|cell| (cell == 7).then_some(0), &[]), first);
    }
}
