//! The choices of controlled rounding: which inner cells go up, and the sums that must be near.

use std::collections::BTreeMap;

use crate::problem::cells::Cells;

/// The inner cells that go up or down, and the sums that must be near.
pub(crate) struct Choices {
    pub(crate) base: i64,
    /// For each choice, how far its cell is above the multiple below: 1 to base − 1.
    pub(crate) above: Vec<i64>,
    /// For each choice, the sums that it is in, with its sign there.
    pub(crate) sums_of: Vec<Vec<(usize, i64)>>,
    pub(crate) sums: Vec<Sum>,
}

/// A margin, or the difference of two tables' sums over what they share.
pub(crate) struct Sum {
    pub(crate) choices: Vec<(usize, i64)>,
    /// A margin may be a base away; a difference is 0.
    pub(crate) is_margin: bool,
    pub(crate) table: usize,
}

impl Choices {
    /// How far each sum is from the truth.
    pub(crate) fn errors(&self, up: &[bool]) -> Vec<i64> {
        let error = |&(choice, sign): &(usize, i64)| sign * self.error(choice, up[choice]);
        self.sums.iter().map(|sum| sum.choices.iter().map(error).sum()).collect()
    }

    /// How far a choice's cell is from the truth.
    pub(crate) fn error(&self, choice: usize, up: bool) -> i64 {
        if up { self.base - self.above[choice] } else { -self.above[choice] }
    }
}

/// The choices of all tables that were not published before, and the choice of each cell that has one.
pub(crate) fn choices(cells: &Cells<'_>, base: i64) -> (Choices, BTreeMap<usize, usize>) {
    let is_new = |cell: usize| cells.set.tables[cells.place(cell).0].published_pattern().is_none();
    let free = (0..cells.len())
        .filter(|&cell| cells.is_inner[cell] && is_new(cell) && cells.count[cell] % base != 0);
    let at: BTreeMap<usize, usize> =
        free.enumerate().map(|(choice, cell)| (cell, choice)).collect();
    let above = at.keys().map(|&cell| cells.count[cell] % base).collect();
    let mut below: Vec<Vec<usize>> = vec![Vec::new(); cells.len()];
    for (number, table) in cells.set.tables.iter().enumerate() {
        table.add_up(|_, covering| {
            if let Some(&choice) = at.get(&cells.number(number, covering[0])) {
                let covering = covering.iter().map(|&cell| cells.number(number, cell));
                covering.for_each(|cell| below[cell].push(choice));
            }
        });
    }
    let mut sums = Vec::new();
    for (cell, below) in below.iter().enumerate() {
        if !cells.is_inner[cell] && !below.is_empty() {
            let choices = below.iter().map(|&choice| (choice, 1)).collect();
            sums.push(Sum { choices, is_margin: true, table: cells.place(cell).0 });
        }
    }
    for relation in &cells.relations {
        let table = |&(cell, _): &(usize, f64)| cells.place(cell).0;
        let first = relation.terms.first().map(table).unwrap_or_default();
        let links = relation.terms.iter().any(|term| table(term) != first);
        if !links || !relation.terms.iter().all(|&(cell, _)| is_new(cell)) {
            continue;
        }
        let signed = |&(cell, sign): &(usize, f64)| {
            below[cell].iter().map(move |&choice| (choice, sign as i64))
        };
        let choices: Vec<_> = relation.terms.iter().flat_map(signed).collect();
        if !choices.is_empty() {
            sums.push(Sum { choices, is_margin: false, table: first });
        }
    }
    let mut sums_of = vec![Vec::new(); at.len()];
    for (number, sum) in sums.iter().enumerate() {
        sum.choices.iter().for_each(|&(choice, sign)| sums_of[choice].push((number, sign)));
    }
    (Choices { base, above, sums_of, sums }, at)
}
