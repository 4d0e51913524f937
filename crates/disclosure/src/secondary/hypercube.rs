//! Changes made of hypercubes: two leaves of each dimension, or one against the total, whose counts
//! change by turns up and down. Most requirements are met by one, or by a few on top of each other, and these
//! are found without a solver.
//!
//! A change of the inner cells that is a product of one [`Step`] along each dimension alters, of every
//! table, the product of the nodes that each step alters.

use crate::{
    problem::{
        alternative_table::ChangedTable,
        cells::Cells,
        requirements::{Own, Requirement},
    },
    secondary::{
        hypercube_search::{Aim, FoundHypercube, HypercubeSearch},
        hypercube_steps::{SearchDimensions, StepLevel},
        neighbourhood::Ranks,
    },
};

/// The cost of a cell that must not change in the end.
const FORBIDDEN: f64 = 20.0;
/// Cells looked at in one search: work is bounded by steps, not by seconds.
const STEPS: u64 = 60_000;
/// The same in search of what makes up for one cell.
const STEPS_TO_MEND: u64 = 10_000;
/// A cell that costs more than this is worth a search to take it back.
const DEAR: f64 = 0.5;
/// The least that such a search must save.
const SAVING: f64 = 1e-6;
/// Hypercubes on top of each other that may meet one requirement.
const PILED: usize = 12;
/// Searches to mend one change.
const TRIES: usize = 24;

/// Finds hypercubes.
pub(crate) struct Hypercubes<'a> {
    cells: &'a Cells<'a>,
    dimensions: SearchDimensions<'a>,
    changes: Changes,
    /// Inner cells that may be as little as an outsider can think.
    own: Own,
    /// The respondent none of whose cells can change.
    respondent: Option<u32>,
}

/// The changes that a world makes.
struct Changes {
    /// By cell.
    of: Vec<i64>,
    touched: Vec<usize>,
}

impl Changes {
    fn clear(&mut self) {
        self.touched.drain(..).for_each(|cell| self.of[cell] = 0);
    }

    fn add(&mut self, cell: usize, change: i64) {
        if self.of[cell] == 0 {
            self.touched.push(cell);
        }
        self.of[cell] += change;
    }

    /// The cells that change and by how much, in their order.
    fn all(&mut self) -> Vec<(usize, i64)> {
        self.touched.sort_unstable();
        self.touched.dedup();
        self.touched.retain(|&cell| self.of[cell] != 0);
        self.touched.iter().map(|&cell| (cell, self.of[cell])).collect()
    }
}

impl<'a> Hypercubes<'a> {
    pub(crate) fn new(cells: &'a Cells<'a>, ranks: &Ranks) -> Self {
        let changes = Changes { of: vec![0; cells.len()], touched: Vec::new() };
        let dimensions = SearchDimensions::new(cells, ranks);
        Self { cells, dimensions, changes, own: Own::All, respondent: None }
    }

    /// A cheap change that meets the requirement, at what it costs to change each cell (infinite: it must not
    /// change): one hypercube, or several on top of each other.
    pub(crate) fn cheapest(
        &mut self,
        requirement: &Requirement,
        cost: &[f64],
    ) -> Option<ChangedTable> {
        self.own = requirement.own(self.cells);
        self.respondent = requirement.respondent();
        let found = self.pile(requirement, cost).and_then(|()| {
            self.mend(requirement, cost);
            let changes = self.changes.all();
            let allowed = changes.iter().all(|&(cell, _)| cost[cell].is_finite());
            let whole = changes.into_iter().map(|(cell, change)| (cell, change as f64));
            allowed.then(|| ChangedTable::new(self.cells, whole))
        });
        self.changes.clear();
        found
    }

    /// Meets the requirement, though cells may change that must not.
    fn pile(&mut self, requirement: &Requirement, cost: &[f64]) -> Option<()> {
        let ways = self.ways(requirement);
        let direction = if requirement.change > 0.0 { 1 } else { -1 };
        let mut left = requirement.change.abs().round() as i64;
        let aim = Aim { cell: requirement.terms[0].0, direction, times: left, at_once: false };
        let first = self.best(&ways, aim, cost)?;
        let at_once = match first.times < left {
            true => self.best(&ways, Aim { at_once: true, ..aim }, cost),
            false => None,
        };
        left -= first.times;
        self.add(&first);
        for _ in 1..PILED {
            if left <= 0 {
                break;
            }
            let Some(next) = self.best(&ways, Aim { times: left, ..aim }, cost) else { break };
            left -= next.times;
            self.add(&next);
        }
        if let Some(at_once) = at_once {
            let piled: f64 =
                self.changes.all().iter().map(|&(cell, _)| cost[cell].min(FORBIDDEN)).sum();
            if left > 0 || at_once.cost <= piled {
                self.changes.clear();
                self.add(&at_once);
                left = 0;
            }
        }
        (left <= 0).then_some(())
    }

    /// The steps that change a requirement's sum: where few of its inner cells have anyone in them, through
    /// each of these.
    fn ways(&self, requirement: &Requirement) -> Vec<Vec<StepLevel>> {
        let cell = requirement.terms[0].0;
        let others = requirement
            .respondent()
            .and_then(|respondent| self.cells.respondents.others(cell, respondent));
        match (&requirement.terms[..], others.or_else(|| self.cells.few_below.get(&cell))) {
            ([_], Some(few)) if !few.is_empty() => {
                few.iter().map(|&inner| self.dimensions.around(requirement, Some(inner))).collect()
            }
            _ => vec![self.dimensions.around(requirement, None)],
        }
    }

    fn best(&mut self, ways: &[Vec<StepLevel>], aim: Aim, cost: &[f64]) -> Option<FoundHypercube> {
        let mut best: Option<FoundHypercube> = None;
        for levels in ways {
            let least = best.as_ref().map_or(f64::INFINITY, |best| best.score);
            best = self.search(levels, aim, cost, &[], STEPS, least).or(best);
        }
        best
    }

    /// Takes back what is dear, one cell after the other, by another hypercube on top that makes up for
    /// it elsewhere.
    fn mend(&mut self, requirement: &Requirement, cost: &[f64]) {
        let pinned: Vec<usize> = requirement.terms.iter().map(|&(cell, _)| cell).collect();
        let mut tries = TRIES;
        loop {
            let mut dear: Vec<(usize, i64)> = self.changes.all();
            dear.retain(|(cell, _)| cost[*cell] > DEAR && !pinned.contains(cell));
            dear.sort_by(|a, b| cost[b.0].total_cmp(&cost[a.0]).then(a.cmp(b)));
            let mended = dear.into_iter().find_map(|(cell, change)| {
                tries = tries.checked_sub(1)?;
                let levels = self.dimensions.around(&Requirement::of_cell(cell), None);
                let (direction, times) = (-change.signum(), change.abs());
                let aim = Aim { cell, direction, times, at_once: true };
                self.search(&levels, aim, cost, &pinned, STEPS_TO_MEND, -SAVING)
            });
            match mended {
                Some(found) => self.add(&found),
                None => return,
            }
        }
    }

    fn search(
        &mut self,
        levels: &[StepLevel],
        aim: Aim,
        cost: &[f64],
        pinned: &[usize],
        steps: u64,
        less: f64,
    ) -> Option<FoundHypercube> {
        let search = HypercubeSearch {
            cells: self.cells,
            dimensions: &self.dimensions,
            levels,
            aim,
            cost,
            forbidden: FORBIDDEN,
            pinned,
            own: &self.own,
            respondent: self.respondent,
            changes: &self.changes.of,
            chosen: vec![(0, None); self.dimensions.len()],
            left: steps,
            least: less,
            best: None,
        };
        search.run()
    }

    /// Adds what a hypercube changes.
    fn add(&mut self, found: &FoundHypercube) {
        for table in 0..self.cells.set.tables.len() {
            for (cell, sign) in self.dimensions.altered(table, &found.steps) {
                self.changes.add(cell, sign * found.change);
            }
        }
    }
}
