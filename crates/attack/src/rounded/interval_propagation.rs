//! How far ranges narrow each other by single sums alone. Quick, and never wrong about a range that is
//! narrowed; says nothing about one that is not.

use std::collections::HashMap;

use minster_model::{
    CellId, IdVec, TableId,
    table::{CountTable, TableSet},
};

use crate::{
    rounded::ranges::{Range, Ranges},
    shared::{
        alternative_table, linked_tables,
        typed::{InnerCell, TableCell, TypedSet, TypedTable},
    },
};

/// Times that every sum is looked at.
const SWEEPS: usize = 40;

/// A cell and its sign in a sum.
type Term = (CellId, i64);

/// The sums of cells, with signs, that are 0 in every world.
pub(crate) struct Relations {
    terms: Vec<Vec<Term>>,
}

impl Relations {
    pub(crate) fn new(set: &TableSet) -> Self {
        let mut next = 0;
        let first: IdVec<TableId, CellId> = set
            .tables
            .iter()
            .map(|table| {
                let first = CellId(next);
                next += table.cell_count();
                first
            })
            .collect();
        let mut terms = Vec::new();
        for (table, &first) in set.tables.iter().zip(&first) {
            within(table, first, &mut terms);
        }
        let margins: IdVec<TableId, Margins<'_>> = set
            .tables
            .iter()
            .zip(&first)
            .map(|(table, &first)| Margins::new(table, first))
            .collect();
        for (one, other) in linked_tables::pairs(set) {
            for (of_one, of_other) in linked_tables::shared(set.table(one), set.table(other)) {
                let (of_one, of_other) =
                    (margins[one].terms(of_one, 1), margins[other].terms(of_other, -1));
                terms.push([of_one, of_other].concat());
            }
        }
        Self { terms }
    }

    /// Returns what is left of the ranges; none where one of them is empty, so that no world is within them.
    pub(crate) fn narrowed(&self, ranges: &Ranges) -> Option<Ranges> {
        let mut all: IdVec<CellId, Range> = ranges.iter().flatten().copied().collect();
        // One sum narrows what the next is given. To stop early leaves ranges wider than they need be, which is right too.
        for _ in 0..SWEEPS {
            let mut changed = false;
            for terms in &self.terms {
                changed |= tighten(&mut all, terms)?;
            }
            if !changed {
                break;
            }
        }
        let mut all = all.into_iter();
        Some(ranges.iter().map(|of_table| all.by_ref().take(of_table.len()).collect()).collect())
    }
}

/// Adds that each cell of a table is the sum of its parts, in every dimension and in every way that it is one.
fn within(table: &CountTable, first: CellId, relations: &mut Vec<Vec<Term>>) {
    for cell in table.cells() {
        let nodes = table.nodes(cell);
        for (place, dimension) in table.by_dimension().enumerate() {
            for parts in dimension.sums(nodes[place]) {
                let parts = parts.iter().map(|&part| {
                    let mut nodes = nodes.clone();
                    nodes[place] = part;
                    (of_set(first, table.cell_at(&nodes)), -1)
                });
                relations.push([(of_set(first, cell), 1)].into_iter().chain(parts).collect());
            }
        }
    }
}

/// The number of a table's cell among those of all tables, given that of the table's first.
fn of_set(first: CellId, cell: TableCell) -> CellId {
    CellId(first.0 + cell.0)
}

/// The cells of a table, found again by the inner cells that they count.
struct Margins<'a> {
    table: &'a CountTable,
    first: CellId,
    cells: HashMap<Vec<InnerCell>, TableCell>,
}

impl<'a> Margins<'a> {
    fn new(table: &'a CountTable, first: CellId) -> Self {
        let below = alternative_table::below(table);
        Self {
            table,
            first,
            cells: below.ids().zip(below).map(|(cell, below)| (below, cell)).collect(),
        }
    }

    /// A sum of inner cells, with a sign. Where a margin counts just these it stands for them: it has a range of its own,
    /// mostly narrower than their sum.
    fn terms(&self, mut inner: Vec<InnerCell>, sign: i64) -> Vec<Term> {
        inner.sort_unstable();
        let cells = match self.cells.get(&inner) {
            Some(&cell) => vec![cell],
            None => {
                let cells = self.table.cells_of_inner();
                inner.into_iter().map(|inner| cells[inner]).collect()
            }
        };
        cells.into_iter().map(|cell| (of_set(self.first, cell), sign)).collect()
    }
}

/// Narrows each cell of a sum to what the others leave it; whether any was, if none is empty.
fn tighten(ranges: &mut IdVec<CellId, Range>, terms: &[Term]) -> Option<bool> {
    let (mut low, mut high) = (0, 0);
    for &(cell, sign) in terms {
        let Range { low: least, high: most } = signed(ranges[cell], sign);
        low += least;
        high += most;
    }
    let mut changed = false;
    for &(cell, sign) in terms {
        let own = signed(ranges[cell], sign);
        // All others together are low − least to high − most, and this is what they lack to 0.
        let lacking = Range { low: own.high - high, high: own.low - low };
        let next = ranges[cell].and(signed(lacking, sign));
        // An empty range refutes what was taken for met: no world has all these numbers.
        if next.low > next.high {
            return None;
        }
        changed |= next != ranges[cell];
        // The next cells of the sum are told at once, so that a long sum needs fewer sweeps.
        let narrowed = signed(next, sign);
        low += narrowed.low - own.low;
        high += narrowed.high - own.high;
        ranges[cell] = next;
    }
    Some(changed)
}

/// The range of a count that is added, or subtracted: the most then becomes the least.
fn signed(range: Range, sign: i64) -> Range {
    match sign > 0 {
        true => range,
        false => Range { low: -range.high, high: -range.low },
    }
}

#[cfg(test)]
mod tests {
    use minster_model::{
        policy::{Policy, Zeros},
        table::{CountTable, Hierarchy},
    };

    use super::*;

    fn range((low, high): (i64, i64)) -> Range {
        Range { low, high }
    }

    fn of_one_table<const N: usize>(ranges: [(i64, i64); N]) -> Ranges {
        vec![ranges.map(range).to_vec().into()].into()
    }

    #[test]
    fn what_a_sum_says_narrows_its_parts() {
        let leaves = ["1", "2"].map(str::to_owned);
        let dimension = Hierarchy::flat("a", "all", leaves).unwrap();
        let table = CountTable::new("t", vec![dimension], vec![1, 2], vec![]).unwrap();
        let set = TableSet { tables: vec![table], policy: Policy::new(5, Zeros::MayBeWithheld) };
        let relations = Relations::new(&set);
        let narrowed =
            [[(3, 7), (0, 2), (0, 2)], [(0, 2), (1, 9), (0, 9)], [(5, 7), (0, 2), (0, 2)]]
                .map(|ranges| relations.narrowed(&of_one_table(ranges)));
        let left = [[(3, 4), (1, 2), (1, 2)], [(1, 2), (1, 2), (0, 1)]].map(of_one_table);
        let [first, second] = left.map(Some);
        assert_eq!(narrowed, [first, second, None]);
    }

    #[test]
    fn what_one_sum_says_narrows_the_next_until_nothing_does() {
        let nodes =
            [("all", None), ("a", Some(0)), ("a1", Some(1)), ("a2", Some(1)), ("b", Some(0))];
        let nodes = nodes.map(|(code, parent)| (code.to_owned(), parent)).to_vec();
        let dimension = Hierarchy::new("a", nodes).unwrap();
        let table = CountTable::new("t", vec![dimension], vec![2, 3, 5], vec![]).unwrap();
        let set = TableSet { tables: vec![table], policy: Policy::new(5, Zeros::MayBeWithheld) };
        // The total comes first, and says nothing of b before a is known.
        let ranges = of_one_table([(10, 10), (0, 10), (2, 2), (3, 3), (0, 10)]);
        let narrowed = Relations::new(&set).narrowed(&ranges);
        let left = of_one_table([(10, 10), (5, 5), (2, 2), (3, 3), (5, 5)]);
        assert_eq!(narrowed, Some(left));
    }
}
