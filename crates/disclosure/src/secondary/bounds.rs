//! How far each cell can change at most, as far as one sum after the other tells: anything out of reach so
//! is seen without a solver. Anything that follows by several sums together is not.

use std::collections::VecDeque;

use minster_model::{CellId, IdVec};

use crate::problem::{
    cells::{Cells, RelationId, Withheld},
    requirements::Requirement,
};

/// No bound. Sums of a table's cells stay far below it.
const NONE: i64 = i64::MAX / 1024;

/// Terms looked at for one cell: bounds may creep for long.
const STEPS: usize = 20_000;

/// By cell, how far it can change and how far it must.
pub(crate) struct Bounds<'a> {
    cells: &'a Cells<'a>,
    /// By cell, the least and the most that it can change.
    range: IdVec<CellId, (i64, i64)>,
    /// By cell, how far down and up it must be able to change.
    required: IdVec<CellId, (i64, i64)>,
    /// The ranges as they were before the cell that is tried.
    before: Vec<(CellId, (i64, i64))>,
    open: VecDeque<RelationId>,
    is_open: IdVec<RelationId, bool>,
}

impl<'a> Bounds<'a> {
    /// The ranges that a pattern leaves open, and how far the requirements need them to go.
    pub(crate) fn new(
        cells: &'a Cells<'a>,
        withheld: &Withheld,
        requirements: &[Requirement],
    ) -> Self {
        let mut required: IdVec<CellId, _> = vec![(0, 0); cells.len()].into();
        for requirement in requirements {
            // A difference of two cells can change by either of them, and so bounds neither alone.
            if requirement.less.is_none() {
                let (down, up) = &mut required[requirement.cell];
                *down = (*down).min(requirement.change as i64);
                *up = (*up).max(requirement.change as i64);
            }
        }
        let mut bounds = Self {
            cells,
            range: cells.ids().map(|cell| range_alone(cells, withheld, cell)).collect(),
            required,
            before: Vec::new(),
            open: cells.relations.ids().collect(),
            is_open: vec![true; cells.relations.len()].into(),
        };
        // Every cell that is tried starts from these ranges, so they are narrowed as far as they go.
        bounds.narrow(usize::MAX);
        bounds.before.clear();
        bounds
    }

    /// Whether nothing that is wanted is seen to be out of reach once a cell is published. Kept until
    /// [`Bounds::back`].
    pub(crate) fn publish(&mut self, cell: CellId) -> bool {
        self.before.clear();
        self.set(cell, (0, 0)) && self.narrow(STEPS)
    }

    /// The cell that was tried last is not published after all.
    pub(crate) fn back(&mut self) {
        while let Some((cell, range)) = self.before.pop() {
            self.range[cell] = range;
        }
    }

    /// Narrows ranges, relation by relation; stops where something wanted is out of reach. To stop early is no fault: a
    /// range that is not narrowed is wider than need be, so that less is seen to be out of reach.
    fn narrow(&mut self, mut steps: usize) -> bool {
        let mut within_reach = true;
        while let Some(relation) = self.open.pop_front() {
            self.is_open[relation] = false;
            let terms = &self.cells.relations[relation].terms;
            // The next cell starts with an empty list: the rest is taken off it without a look.
            if !within_reach || steps < terms.len() {
                continue;
            }
            steps -= terms.len();
            within_reach = self.narrow_by(relation);
        }
        within_reach
    }

    /// Narrows the ranges of one sum's cells. All terms add up to nothing in every world: one is as much as the others are
    /// less, so that the bounds of the others bound it.
    fn narrow_by(&mut self, relation: RelationId) -> bool {
        let cells = self.cells;
        let terms = &cells.relations[relation].terms;
        // The sum of the bounds, and how many are missing.
        let (mut low, mut high) = ((0, 0), (0, 0));
        for &(cell, sign) in terms {
            let (least, most) = signed(self.range[cell], sign);
            match least <= -NONE {
                true => low.1 += 1,
                false => low.0 += least,
            }
            match most >= NONE {
                true => high.1 += 1,
                false => high.0 += most,
            }
        }
        // With two terms unbounded on either side, every term has an unbounded one among the others. Nothing follows.
        if low.1 > 1 && high.1 > 1 {
            return true;
        }
        for &(cell, sign) in terms {
            let (least, most) = signed(self.range[cell], sign);
            let most_by_others = of_others(low, least).map_or(most, |sum| most.min(-sum));
            let least_by_others = of_others(high, most).map_or(least, |sum| least.max(-sum));
            let range = signed((least_by_others, most_by_others), sign);
            // The sums above still hold the wider range. They stay true, and `set` puts the relation on the list again.
            if range != self.range[cell] && !self.set(cell, range) {
                return false;
            }
        }
        true
    }

    /// Sets a cell's range, and says whether what is wanted of it is within.
    fn set(&mut self, cell: CellId, range: (i64, i64)) -> bool {
        self.before.push((cell, self.range[cell]));
        self.range[cell] = range;
        for &relation in &self.cells.relations_of[cell] {
            if !std::mem::replace(&mut self.is_open[relation], true) {
                self.open.push_back(relation);
            }
        }
        let (down, up) = self.required[cell];
        range.0 <= down && range.1 >= up
    }
}

/// How far a cell can change as far as its own count tells: whatever is published stays, an inner cell loses no one but
/// those in it, and a margin is bounded by its parts alone.
fn range_alone(cells: &Cells<'_>, withheld: &Withheld, cell: CellId) -> (i64, i64) {
    if !withheld[cell] || !cells.may_change(cell) {
        return (0, 0);
    }
    match cells.is_inner[cell] {
        // An outsider knows least and so allows for most. Bounds for outsiders hold for insiders too.
        true => (-cells.slack[cell] - cells.insiders[cell], NONE),
        false => (-NONE, NONE),
    }
}

/// The range of a term of a sum: the cell's, with the sign that it has there. Its own inverse.
fn signed((low, high): (i64, i64), sign: f64) -> (i64, i64) {
    match sign > 0.0 {
        true => (low, high),
        false => (-high, -low),
    }
}

/// The sum that the other terms have by their bounds, given the sum of all bounds, how many are missing and the
/// term's own; none where one of theirs is missing.
fn of_others((sum, missing): (i64, i32), own: i64) -> Option<i64> {
    match (missing, own.abs() >= NONE) {
        (0, false) => Some(sum - own),
        (1, true) => Some(sum),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use minster_model::policy::Costs;

    use super::*;
    use crate::test_tables::{flat, set};

    #[test]
    fn the_last_cell_of_a_sum_cannot_change() {
        let set = set(vec![flat("a", 3)], vec![3, 40, 50]);
        let cells = Cells::new(&set, Costs::default());
        for change in [-2.0, 2.0] {
            let withheld = IdVec::from(vec![false, true, true, true]);
            let requirements = [Requirement::change_of(CellId(1), change)];
            let mut bounds = Bounds::new(&cells, &withheld, &requirements);
            assert!(bounds.publish(CellId(3)));
            assert!(!bounds.publish(CellId(2)));
            bounds.back();
            assert!(!bounds.publish(CellId(2)));
        }
    }

    #[test]
    fn a_margin_changes_no_further_than_its_parts() {
        // All but the totals of the columns are withheld; the first row's is 3 + 40.
        let set = set(vec![flat("a", 2), flat("b", 2)], vec![3, 40, 50, 60]);
        let cells = Cells::new(&set, Costs::default());
        let withheld: IdVec<CellId, bool> = (0..9).map(|cell| cell > 2).collect();
        let may_publish = |cell: usize, margin: f64| {
            let requirements = [Requirement::change_of(CellId(3), margin)];
            Bounds::new(&cells, &withheld, &requirements).publish(CellId(cell))
        };
        // With the 50 published, so is the 3 beside it, and the 40 alone may be less.
        assert!(may_publish(7, -39.0));
        assert!(!may_publish(7, -40.0));
        // One of the 60 must be left.
        assert!(may_publish(7, 59.0));
        assert!(!may_publish(7, 60.0));
        assert!(!may_publish(3, -1.0));
    }
}
