use minster_model::{
    NodeId,
    table::{CountTable, Hierarchy, TableSet},
};

/// A table is sparse where one in this many of its cells with anyone in them is primary.
const SPARSE: usize = 4;

/// Where more cells than this are primary, and more than half of those with anyone in them, a pattern is not sought:
/// there is next to nothing to publish, and to find that out takes hours.
const HOPELESS: usize = 100_000;

/// A table so fine that little of it can be published. Holds numbers of cells, never a count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sparsity {
    /// The table.
    pub table: String,
    /// Cells below the threshold.
    pub primary: usize,
    /// Cells with anyone in them.
    pub filled: usize,
    /// Each coarser table, with what it would have.
    pub coarser: Vec<Coarser>,
}

/// A table with less of one dimension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coarser {
    /// The dimension.
    pub dimension: String,
    /// Whether it is left out; otherwise its lowest level is.
    pub left_out: bool,
    /// Cells below the threshold.
    pub primary: usize,
    /// Cells with anyone in them.
    pub filled: usize,
}

/// The tables of which little will be left, each with what would help, best first.
pub fn sparsity(set: &TableSet) -> Vec<Sparsity> {
    let tables = set.tables.iter().filter(|table| table.published_pattern().is_none());
    tables.filter_map(|table| of_table(table, set.policy.threshold)).collect()
}

/// The first table of which so little would be left that it is not worth the work.
pub(crate) fn hopeless(set: &TableSet) -> Option<Sparsity> {
    // To look is no work where no table is as large.
    if set.tables.iter().all(|table| table.cell_count() <= HOPELESS) {
        return None;
    }
    let is_hopeless = |of: &Sparsity| of.primary > HOPELESS && 2 * of.primary > of.filled;
    sparsity(set).into_iter().find(is_hopeless)
}

/// A table with each coarser one, best first; nothing where enough of it is left.
fn of_table(table: &CountTable, threshold: u64) -> Option<Sparsity> {
    let counts = table.cell_counts().into_iter().enumerate();
    let cells: Vec<(Vec<NodeId>, bool)> = counts
        .filter(|(_, count)| *count > 0)
        .map(|(cell, count)| (table.coordinates(cell), count < threshold))
        .collect();
    let primary = cells.iter().filter(|(_, small)| *small).count();
    if primary * SPARSE <= cells.len() {
        return None;
    }
    let mut coarser = Vec::new();
    for (place, dimension) in table.dimensions().iter().enumerate() {
        // A table without the lowest level keeps the cells of all other nodes.
        if dimension.nodes().any(|node| is_lowest(dimension, node)) {
            coarser.push(with_fewer(&cells, place, dimension, false, |node| {
                !is_lowest(dimension, node)
            }));
        }
        // A table without the dimension keeps the cells of its total, as long as another dimension is left.
        if table.dimensions().len() > 1 {
            let keeps = |node: NodeId| dimension.is_total(node);
            coarser.push(with_fewer(&cells, place, dimension, true, keeps));
        }
    }
    // Floating-point shares have no total order, and whole millionths have one.
    let share = |coarser: &Coarser| coarser.primary * 1_000_000 / coarser.filled.max(1);
    coarser.sort_by_key(share);
    let (table, filled) = (table.name().to_owned(), cells.len());
    Some(Sparsity { table, primary, filled, coarser })
}

/// Whether a node is a leaf with a level between it and the total.
fn is_lowest(dimension: &Hierarchy, node: NodeId) -> bool {
    let parent = dimension.parent(node);
    dimension.ordinal(node).is_some()
        && parent.is_some_and(|parent| dimension.parent(parent).is_some())
}

/// The table that keeps the cells of some nodes of a dimension. `cells` has the nodes of each cell with anyone in it, and
/// whether it is small; `place` is the dimension's.
fn with_fewer(
    cells: &[(Vec<NodeId>, bool)],
    place: usize,
    dimension: &Hierarchy,
    left_out: bool,
    keeps: impl Fn(NodeId) -> bool,
) -> Coarser {
    let kept: Vec<bool> = cells
        .iter()
        .filter(|(nodes, _)| nodes.get(place).is_some_and(|&node| keeps(node)))
        .map(|(_, small)| *small)
        .collect();
    let primary = kept.iter().filter(|small| **small).count();
    Coarser { dimension: dimension.name().to_owned(), left_out, primary, filled: kept.len() }
}

impl std::fmt::Display for Sparsity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { table, primary, filled, coarser } = self;
        write!(
            f,
            "{primary} of the {filled} cells of the table {table} with anyone in them are below the threshold: little of it can be released"
        )?;
        for Coarser { dimension, left_out, primary, filled } in coarser.iter().take(3) {
            let what = if *left_out { "without" } else { "without the lowest level of" };
            write!(f, "; {what} {dimension} it would be {primary} of {filled}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use minster_model::{
        policy::{Policy, Zeros},
        table::Hierarchy,
    };

    use super::*;
    use crate::test_tables::{flat, tree};

    #[test]
    fn a_table_that_is_too_fine_says_what_would_help() {
        let sex = Hierarchy::flat("sex", "all", ["F".into(), "M".into()]).unwrap();
        let nodes = [("all", None), ("north", Some(0)), ("n1", Some(1)), ("n2", Some(1))];
        let ward = tree("ward", &nodes);
        let table = CountTable::new("t", vec![sex, ward], vec![3, 40, 2, 50], vec![]).unwrap();
        let policy = Policy::new(5, Zeros::Published);
        let set = |table| TableSet { tables: vec![table], policy };
        // n1's two cells are primary, and the sum of both is not: 2 of 12, one in six.
        assert_eq!(sparsity(&set(table.clone())), []);
        let fine = CountTable::new("t", table.dimensions().to_vec(), vec![3, 40, 1, 4], vec![]);
        let sparse = sparsity(&set(fine.unwrap()));
        assert_eq!((sparse[0].primary, sparse[0].filled), (4, 12));
        let best = &sparse[0].coarser[0];
        assert_eq!((best.dimension.as_str(), best.left_out), ("ward", false));
        assert_eq!((best.primary, best.filled), (0, 6));
        let said = "4 of the 12 cells of the table t with anyone in them are below the threshold: little of it can \
            be released; without the lowest level of ward it would be 0 of 6; without ward it would be 0 of 3; \
            without sex it would be 1 of 4";
        assert_eq!(sparse[0].to_string(), said);
    }

    #[test]
    fn a_large_table_of_which_nothing_would_be_left_is_refused_with_what_would_help() {
        let table = |rows: usize, count: u64| {
            let counts = vec![count; rows * 330];
            let dimensions = vec![flat("street", rows), flat("day", 330)];
            CountTable::new("t", dimensions, counts, vec![]).unwrap()
        };
        let policy = Policy::new(5, Zeros::Published);
        let set = |table| TableSet { tables: vec![table], policy };
        let Err(crate::SuppressionRefusal::Sparse(sparse)) = crate::suppress(&set(table(310, 4)))
        else {
            panic!("all but the margins are primary")
        };
        assert_eq!((sparse.primary, sparse.filled), (310 * 330, 311 * 331));
        assert_eq!(sparse.coarser[0].primary, 0);
        // As many, but no more than the work allows; and larger, but with children enough.
        assert_eq!(hopeless(&set(table(303, 4))), None);
        assert_eq!(hopeless(&set(table(310, 5))), None);
        // At the bounds: 100,000 primary, and half of 500 by 500.
        let of = |rows: usize, columns: usize, small: usize| {
            let counts = (0..rows * columns).map(|cell| if cell < small { 4 } else { 50 });
            let dimensions = vec![flat("street", rows), flat("day", columns)];
            set(CountTable::new("t", dimensions, counts.collect(), vec![]).unwrap())
        };
        assert_eq!(hopeless(&of(250, 400, 100_000)), None);
        assert_eq!(hopeless(&of(499, 499, 125_000)), None);
        assert_eq!(hopeless(&of(499, 499, 125_001)).unwrap().primary, 125_001);
    }

    #[test]
    fn what_helps_most_is_said_first() {
        let policy = Policy::new(5, Zeros::Published);
        let sparse = |dimensions: Vec<Hierarchy>, counts: Vec<u64>| {
            let table = CountTable::new("t", dimensions, counts, vec![]).unwrap();
            sparsity(&TableSet { tables: vec![table], policy }).remove(0)
        };
        // Without the rows, 1 of 3 would be primary; without the columns 2 of 9. The second is less, though more cells are.
        let counts = vec![1, 1, 1, 1, 1, 40, 1, 40, 0, 40, 0, 40, 0, 40, 0, 40];
        let of = sparse(vec![flat("row", 8), flat("column", 2)], counts);
        let said: Vec<_> =
            of.coarser.iter().map(|c| (c.dimension.as_str(), c.primary, c.filled)).collect();
        assert_eq!(said, [("column", 2, 9), ("row", 1, 3)]);
        // One dimension has nothing that could be left out.
        assert_eq!(sparse(vec![flat("row", 2)], vec![1, 7]).coarser, []);
    }
}
