//! Two releases about nearly the same children show those who are in one and not in the other.
//!
//! For the same categories, a number that differs from one that was published before by less than the
//! threshold is withheld for its own sake. Where nothing differs the children may be the same: what was
//! withheld then is withheld, and what was published is published.

use std::collections::{BTreeMap, HashMap};

use minster_model::cube::{CountTable, Guarded, Hierarchy};

use crate::AggregateError;

/// The categories that a cell is about, totals left out, by the column that is divided.
type Categories<'a> = BTreeMap<&'a str, &'a str>;

/// A table that was published before: its dimensions, and its numbers where they are not withheld.
pub(crate) type Before<'a> = (&'a [Hierarchy], &'a [Option<u64>]);

/// What each cell of a table is beside tables that were published before.
pub(crate) struct Marks {
    /// It counts someone, and one of them withholds it.
    pub(crate) hid: Vec<bool>,
    /// It differs from one of them, by less than the threshold.
    pub(crate) near: Vec<bool>,
    /// It is the same in one of them.
    pub(crate) equal: Vec<bool>,
}

impl Marks {
    pub(crate) fn new<'a>(
        table: &CountTable,
        threshold: u64,
        others: impl Iterator<Item = Before<'a>>,
    ) -> Self {
        let all: Vec<Option<u64>> = table.cell_counts().into_iter().map(Some).collect();
        let mine: Vec<(usize, Categories<'_>, Option<u64>)> =
            by_categories(table.dimensions(), &all).collect();
        let none = || vec![false; all.len()];
        let mut marks = Self { hid: none(), near: none(), equal: none() };
        for (dimensions, numbers) in others {
            let theirs: HashMap<Categories<'_>, Option<u64>> = by_categories(dimensions, numbers)
                .map(|(_, categories, number)| (categories, number))
                .collect();
            for (cell, categories, number) in &mine {
                match (theirs.get(categories), number) {
                    (Some(None), Some(number)) => marks.hid[*cell] |= *number > 0,
                    (Some(Some(other)), Some(number)) => match number.abs_diff(*other) {
                        0 => marks.equal[*cell] = true,
                        difference => marks.near[*cell] |= difference < threshold,
                    },
                    _ => {}
                }
            }
        }
        marks
    }

    /// The cells that are withheld for their own sake: hidden before, or near to what was not.
    pub(crate) fn guarded(&self) -> impl Iterator<Item = usize> {
        (0..self.hid.len()).filter(|&cell| self.hid[cell] || self.near[cell])
    }
}

/// The table with the cells guarded that would say more than the threshold allows beside tables that were
/// published before about others, each by this room; and how many they are.
pub(crate) fn guard<'a>(
    table: CountTable,
    threshold: u64,
    room: u64,
    others: impl Iterator<Item = Before<'a>>,
) -> Result<(CountTable, usize), AggregateError> {
    let marks = Marks::new(&table, threshold, others);
    let own: Vec<usize> = table.guarded().iter().map(|guarded| guarded.cell).collect();
    let guarded: Vec<usize> = marks.guarded().collect();
    let may_keep = |cell: &usize| {
        marks.equal[*cell] && !marks.hid[*cell] && !marks.near[*cell] && !own.contains(cell)
    };
    let kept: Vec<usize> =
        (0..marks.equal.len()).filter(may_keep).chain(table.kept().to_vec()).collect();
    let guards = guarded.iter().map(|&cell| Guarded { cell, down: room, up: room });
    let guards: Vec<Guarded> = guards.chain(table.guarded().iter().copied()).collect();
    Ok((table.guarding(guards)?.keeping(kept)?, guarded.len()))
}

fn by_categories<'a>(
    dimensions: &'a [Hierarchy],
    numbers: &[Option<u64>],
) -> impl Iterator<Item = (usize, Categories<'a>, Option<u64>)> {
    numbers.iter().enumerate().map(|(cell, number)| {
        let mut categories = Categories::new();
        let mut rest = cell;
        for dimension in dimensions.iter().rev() {
            let node = rest % dimension.node_count();
            rest /= dimension.node_count();
            if !dimension.is_total(node) {
                categories.insert(dimension.name(), dimension.code(node));
            }
        }
        (cell, categories, *number)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_by_few_is_withheld_and_what_does_not_differ_is_as_it_was() {
        let sex = Hierarchy::flat("sex", "all", ["F".into(), "M".into(), "U".into()]).unwrap();
        let table = |inner: &[u64]| {
            CountTable::new("t", vec![sex.clone()], inner.to_vec(), vec![]).unwrap()
        };
        let before = [Some(40), None, Some(23), Some(10)];
        let (now, found) = guard(
            table(&[7, 23, 13]),
            5,
            5,
            [([sex.clone()].as_slice(), before.as_slice())].into_iter(),
        )
        .unwrap();
        // All are three more, F was withheld, M did not change, U is three more.
        let guarded: Vec<usize> = now.guarded().iter().map(|guarded| guarded.cell).collect();
        assert_eq!((guarded, now.kept(), found), (vec![0, 1, 3], &[2][..], 3));
    }
}
