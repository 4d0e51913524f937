//! How far each cell can change at most, as far as one sum after the other tells: anything out of reach so
//! is seen without a solver. Anything that follows by several sums together is not.

use std::collections::VecDeque;

use crate::problem::{cells::Cells, requirements::Requirement};

/// No bound. Sums of a table's cells stay far below it.
const NONE: i64 = i64::MAX / 1024;

/// Terms looked at for one cell: bounds may creep for long.
const STEPS: usize = 20_000;

pub(crate) struct Bounds<'a> {
    cells: &'a Cells<'a>,
    /// By cell, the least and the most that it can change.
    range: Vec<(i64, i64)>,
    /// By cell, how far down and up it must be able to change.
    required: Vec<(i64, i64)>,
    /// The ranges as they were before the cell that is tried.
    before: Vec<(usize, (i64, i64))>,
    open: VecDeque<usize>,
    is_open: Vec<bool>,
}

impl<'a> Bounds<'a> {
    pub(crate) fn new(
        cells: &'a Cells<'a>,
        withheld: &[bool],
        requirements: &[Requirement],
    ) -> Self {
        let range = |cell: usize| match () {
            () if !withheld[cell] || !cells.may_change(cell) => (0, 0),
            () if cells.is_inner[cell] => (-cells.slack[cell] - cells.insiders[cell], NONE),
            () => (-NONE, NONE),
        };
        let mut required = vec![(0, 0); cells.len()];
        for requirement in requirements {
            if let [(cell, _)] = requirement.terms[..] {
                let (down, up) = &mut required[cell];
                *down = (*down).min(requirement.change as i64);
                *up = (*up).max(requirement.change as i64);
            }
        }
        let relations = cells.relations.len();
        let mut bounds = Self {
            cells,
            range: (0..cells.len()).map(range).collect(),
            required,
            before: Vec::new(),
            open: (0..relations).collect(),
            is_open: vec![true; relations],
        };
        bounds.narrow(usize::MAX);
        bounds.before.clear();
        bounds
    }

    /// Whether nothing that is wanted is seen to be out of reach once a cell is published. Kept until
    /// [`Bounds::back`].
    pub(crate) fn publish(&mut self, cell: usize) -> bool {
        self.before.clear();
        self.set(cell, (0, 0)) && self.narrow(STEPS)
    }

    /// The cell that was tried last is not published after all.
    pub(crate) fn back(&mut self) {
        while let Some((cell, range)) = self.before.pop() {
            self.range[cell] = range;
        }
    }

    /// Narrows ranges, relation by relation; stops where something wanted is out of reach.
    fn narrow(&mut self, mut steps: usize) -> bool {
        let mut within_reach = true;
        while let Some(relation) = self.open.pop_front() {
            self.is_open[relation] = false;
            let terms = &self.cells.relations[relation].terms;
            if !within_reach || steps < terms.len() {
                continue;
            }
            steps -= terms.len();
            within_reach = self.narrow_by(relation);
        }
        within_reach
    }

    fn narrow_by(&mut self, relation: usize) -> bool {
        let cells = self.cells;
        let terms = &cells.relations[relation].terms;
        let signed = |(low, high): (i64, i64), sign: f64| match sign > 0.0 {
            true => (low, high),
            false => (-high, -low),
        };
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
        if low.1 > 1 && high.1 > 1 {
            return true;
        }
        for &(cell, sign) in terms {
            let (least, most) = signed(self.range[cell], sign);
            // All terms add up to nothing: one is as much as the others are less.
            let others = |(sum, missing): (i64, i32), own: i64| match (missing, own.abs() >= NONE) {
                (0, false) => Some(sum - own),
                (1, true) => Some(sum),
                _ => None,
            };
            let most = others(low, least).map_or(most, |sum| most.min(-sum));
            let least = others(high, most_before(self.range[cell], sign))
                .map_or(least, |sum| least.max(-sum));
            let range = signed((least, most), sign);
            if range != self.range[cell] && !self.set(cell, range) {
                return false;
            }
        }
        true
    }

    fn set(&mut self, cell: usize, range: (i64, i64)) -> bool {
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

fn most_before(range: (i64, i64), sign: f64) -> i64 {
    if sign > 0.0 { range.1 } else { -range.0 }
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
            let withheld = [false, true, true, true];
            let requirements = [Requirement::change_of(1, change)];
            let mut bounds = Bounds::new(&cells, &withheld, &requirements);
            assert!(bounds.publish(3));
            assert!(!bounds.publish(2));
            bounds.back();
            assert!(!bounds.publish(2));
        }
    }

    #[test]
    fn a_margin_changes_no_further_than_its_parts() {
        // All but the totals of the columns are withheld; the first row's is 3 + 40.
        let set = set(vec![flat("a", 2), flat("b", 2)], vec![3, 40, 50, 60]);
        let cells = Cells::new(&set, Costs::default());
        let withheld = [false, false, false, true, true, true, true, true, true];
        let may_publish = |cell: usize, margin: f64| {
            let requirements = [Requirement::change_of(3, margin)];
            Bounds::new(&cells, &withheld, &requirements).publish(cell)
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
