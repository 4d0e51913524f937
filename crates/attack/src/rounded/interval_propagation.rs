//! How far ranges narrow each other by single sums alone. Quick, and never wrong about a range that is
//! narrowed; says nothing about one that is not.

use std::collections::HashMap;

use minster_model::table::TableSet;

use crate::{
    rounded::ranges::Range,
    shared::{alternative_table, linked_tables},
};

/// Times that every sum is looked at.
const SWEEPS: usize = 40;

/// The sums of cells, with signs, that are 0 in every world.
pub(crate) struct Relations {
    /// The first cell of each table, and the end.
    first: Vec<usize>,
    terms: Vec<Vec<(usize, i64)>>,
}

impl Relations {
    pub(crate) fn new(set: &TableSet) -> Self {
        let mut first = vec![0];
        for table in &set.tables {
            first.push(first[first.len() - 1] + table.cell_count());
        }
        let terms = relations(set, &first);
        Self { first, terms }
    }

    /// Returns what is left of the ranges; none where one of them is empty, so that no world is within them.
    pub(crate) fn narrowed(&self, ranges: &[Vec<Range>]) -> Option<Vec<Vec<Range>>> {
        let mut all: Vec<Range> = ranges.iter().flatten().copied().collect();
        for _ in 0..SWEEPS {
            let mut changed = false;
            for terms in &self.terms {
                changed |= tighten(&mut all, terms)?;
            }
            if !changed {
                break;
            }
        }
        Some(self.first.windows(2).map(|ends| all[ends[0]..ends[1]].to_vec()).collect())
    }
}

fn relations(set: &TableSet, first: &[usize]) -> Vec<Vec<(usize, i64)>> {
    let mut relations = Vec::new();
    for (table, first) in set.tables.iter().zip(first) {
        for cell in 0..table.cell_count() {
            let nodes = table.coordinates(cell);
            for (place, dimension) in table.dimensions().iter().enumerate() {
                for parts in dimension.sums(nodes[place]) {
                    let part = |&part: &usize| {
                        let mut nodes = nodes.clone();
                        nodes[place] = part;
                        (first + table.cell(&nodes), -1)
                    };
                    relations.push(
                        [(first + cell, 1)].into_iter().chain(parts.iter().map(part)).collect(),
                    );
                }
            }
        }
    }
    let margins: Vec<HashMap<Vec<usize>, usize>> = set
        .tables
        .iter()
        .map(|table| {
            alternative_table::below(table).into_iter().enumerate().map(|(c, b)| (b, c)).collect()
        })
        .collect();
    for (one, other) in linked_tables::pairs(set) {
        let terms = |number: usize, mut inner: Vec<usize>, sign: i64| -> Vec<(usize, i64)> {
            inner.sort_unstable();
            let cells = match margins[number].get(&inner) {
                Some(&cell) => vec![cell],
                None => {
                    let cells = set.tables[number].inner_cells();
                    inner.into_iter().map(|inner| cells[inner]).collect()
                }
            };
            cells.into_iter().map(|cell| (first[number] + cell, sign)).collect()
        };
        for (of_one, of_other) in
            linked_tables::shared(&set.tables[one], &set.tables[other]).into_values()
        {
            relations.push([terms(one, of_one, 1), terms(other, of_other, -1)].concat());
        }
    }
    relations
}

/// Narrows each cell of a sum to what the others leave it; whether any was, if none is empty.
fn tighten(ranges: &mut [Range], terms: &[(usize, i64)]) -> Option<bool> {
    let signed = |range: Range, sign: i64| match sign > 0 {
        true => (range.low, range.high),
        false => (-range.high, -range.low),
    };
    let (mut low, mut high) = (0, 0);
    for &(cell, sign) in terms {
        let (least, most) = signed(ranges[cell], sign);
        low += least;
        high += most;
    }
    let mut changed = false;
    for &(cell, sign) in terms {
        let (least, most) = signed(ranges[cell], sign);
        // All others together are low − least to high − most, and this is what they lack to 0.
        let (from, to) = signed(Range { low: most - high, high: least - low }, sign);
        let Range { low: own_low, high: own_high } = ranges[cell];
        let next = Range { low: own_low.max(from), high: own_high.min(to) };
        if next.low > next.high {
            return None;
        }
        changed |= next != ranges[cell];
        let (next_least, next_most) = signed(next, sign);
        low += next_least - least;
        high += next_most - most;
        ranges[cell] = next;
    }
    Some(changed)
}

#[cfg(test)]
mod tests {
    use minster_model::{
        policy::{Policy, Zeros},
        table::{CountTable, Hierarchy},
    };

    use super::*;

    #[test]
    fn what_a_sum_says_narrows_its_parts() {
        let leaves = ["1", "2"].map(str::to_owned);
        let dimension = Hierarchy::flat("a", "all", leaves).unwrap();
        let table = CountTable::new("t", vec![dimension], vec![1, 2], vec![]).unwrap();
        let set = TableSet { tables: vec![table], policy: Policy::new(5, Zeros::MayBeWithheld) };
        let relations = Relations::new(&set);
        let range = |(low, high)| Range { low, high };
        let narrowed = |of: [(i64, i64); 3]| relations.narrowed(&[of.map(range).to_vec()]);
        let is = |of: [(i64, i64); 3]| Some(vec![of.map(range).to_vec()]);
        assert_eq!(narrowed([(3, 7), (0, 2), (0, 2)]), is([(3, 4), (1, 2), (1, 2)]));
        assert_eq!(narrowed([(0, 2), (1, 9), (0, 9)]), is([(1, 2), (1, 2), (0, 1)]));
        assert_eq!(narrowed([(5, 7), (0, 2), (0, 2)]), None);
    }
    #[test]
    fn what_one_sum_says_narrows_the_next_until_nothing_does() {
        let nodes =
            [("all", None), ("a", Some(0)), ("a1", Some(1)), ("a2", Some(1)), ("b", Some(0))];
        let nodes = nodes.map(|(code, parent)| (code.to_owned(), parent)).to_vec();
        let dimension = Hierarchy::new("a", nodes).unwrap();
        let table = CountTable::new("t", vec![dimension], vec![2, 3, 5], vec![]).unwrap();
        let set = TableSet { tables: vec![table], policy: Policy::new(5, Zeros::MayBeWithheld) };
        let range = |(low, high)| Range { low, high };
        // The total comes first, and says nothing of b before a is known.
        let ranges = [(10, 10), (0, 10), (2, 2), (3, 3), (0, 10)].map(range).to_vec();
        let narrowed = Relations::new(&set).narrowed(&[ranges]).unwrap();
        assert_eq!(narrowed, [[(10, 10), (5, 5), (2, 2), (3, 3), (5, 5)].map(range).to_vec()]);
    }
}
