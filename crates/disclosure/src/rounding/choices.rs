//! The choices of controlled rounding: which inner cells go up, and the sums that must be near.

use std::collections::BTreeMap;

use minster_model::{CellId, IdVec, TableId};

use crate::problem::cells::{Cells, Relation};

minster_model::id! {
    /// The number of an inner cell that goes up or down.
    ChoiceId
}

minster_model::id! {
    /// The number of a sum that must be near.
    SumId
}

/// The inner cells that go up or down, and the sums that must be near.
pub(crate) struct Choices {
    pub(crate) base: i64,
    /// For each choice, how far its cell is above the multiple below: 1 to base − 1.
    pub(crate) above: IdVec<ChoiceId, i64>,
    /// For each choice, the sums that it is in, with its sign there.
    pub(crate) sums_of: IdVec<ChoiceId, Vec<(SumId, i64)>>,
    pub(crate) sums: IdVec<SumId, Sum>,
}

/// A margin, or the difference of two tables' sums over what they share.
pub(crate) struct Sum {
    pub(crate) choices: Vec<(ChoiceId, i64)>,
    /// A margin may be a base away; a difference is 0.
    pub(crate) is_margin: bool,
    pub(crate) table: TableId,
}

impl Choices {
    /// How far each sum is from the truth.
    pub(crate) fn errors(&self, up: &IdVec<ChoiceId, bool>) -> IdVec<SumId, i64> {
        let error = |&(choice, sign): &(ChoiceId, i64)| sign * self.error(choice, up[choice]);
        self.sums.iter().map(|sum| sum.choices.iter().map(error).sum()).collect()
    }

    /// How far a choice's cell is from the truth.
    pub(crate) fn error(&self, choice: ChoiceId, up: bool) -> i64 {
        if up { self.base - self.above[choice] } else { -self.above[choice] }
    }
}

/// The difference of two tables' sums, if a relation is one, given the choices below each cell.
fn link(
    cells: &Cells<'_>,
    relation: &Relation,
    below: &IdVec<CellId, Vec<ChoiceId>>,
) -> Option<Sum> {
    let (first, _) = relation.terms.first()?;
    let table = cells.place(*first).0;
    // Margins are published as sums of rounded cells, so sums within a table hold by themselves.
    if relation.terms.iter().all(|&(cell, _)| cells.place(cell).0 == table) {
        return None;
    }
    // No choice changes what was published before: whether the new numbers fit it is for the attack to say.
    if relation.terms.iter().any(|&(cell, _)| cells.was_published_before(cell)) {
        return None;
    }
    // The true counts of both tables agree. The rounded ones do where their errors agree.
    let signed = |&(cell, sign): &(CellId, f64)| {
        below[cell].iter().map(move |&choice| (choice, sign as i64))
    };
    let choices: Vec<_> = relation.terms.iter().flat_map(signed).collect();
    (!choices.is_empty()).then_some(Sum { choices, is_margin: false, table })
}

/// The choices of all tables that were not published before, and the choice of each cell that has one.
pub(crate) fn choices(cells: &Cells<'_>, base: i64) -> (Choices, BTreeMap<CellId, ChoiceId>) {
    // The rule keeps multiples as they are, and an earlier release keeps its numbers.
    let free = cells.ids().filter(|&cell| {
        cells.is_inner[cell] && !cells.was_published_before(cell) && cells.count[cell] % base != 0
    });
    let at: BTreeMap<CellId, ChoiceId> =
        free.enumerate().map(|(choice, cell)| (cell, ChoiceId(choice))).collect();
    let above = at.keys().map(|&cell| cells.count[cell] % base).collect();
    let mut below: IdVec<CellId, Vec<ChoiceId>> = vec![Vec::new(); cells.len()].into();
    for (number, table) in cells.tables.enumerate() {
        table.with_margins(|_, inner, margins| {
            let inner = cells.number(number, inner);
            if let Some(&choice) = at.get(&inner) {
                let margins = margins.iter().map(|&cell| cells.number(number, cell));
                std::iter::once(inner).chain(margins).for_each(|cell| below[cell].push(choice));
            }
        });
    }
    // A margin with no choice below it adds up multiples, and is right by itself.
    let mut sums: IdVec<SumId, Sum> = IdVec::new();
    for (cell, below) in below.enumerate() {
        if !cells.is_inner[cell] && !below.is_empty() {
            let choices = below.iter().map(|&choice| (choice, 1)).collect();
            sums.push(Sum { choices, is_margin: true, table: cells.place(cell).0 });
        }
    }
    let links = cells.relations.iter().filter_map(|relation| link(cells, relation, &below));
    sums.extend(links);
    let mut sums_of: IdVec<ChoiceId, Vec<(SumId, i64)>> = vec![Vec::new(); at.len()].into();
    for (number, sum) in sums.enumerate() {
        sum.choices.iter().for_each(|&(choice, sign)| sums_of[choice].push((number, sign)));
    }
    (Choices { base, above, sums_of, sums }, at)
}
