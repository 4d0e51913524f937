//! Changes made of hypercubes: two leaves of each dimension, or one against the total, whose counts
//! change by turns up and down. Most requirements are met by one, or by a few on top of each other, and these
//! are found without a solver.
//!
//! A change of the inner cells that is a product of one [`Step`](crate::secondary::hypercube_steps::Step) along each dimension alters, of every
//! table, the product of the nodes that each step alters.

use minster_model::{CellId, IdVec, LeafId, RespondentId};

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
    respondent: Option<RespondentId>,
}

/// The changes that a world makes.
struct Changes {
    /// By cell.
    of: IdVec<CellId, i64>,
    touched: Vec<CellId>,
}

impl Changes {
    /// Forgets all changes, in as much time as there are of them.
    fn clear(&mut self) {
        self.touched.drain(..).for_each(|cell| self.of[cell] = 0);
    }

    /// Changes a cell further.
    fn add(&mut self, cell: CellId, change: i64) {
        if self.of[cell] == 0 {
            self.touched.push(cell);
        }
        self.of[cell] += change;
    }

    /// The cells that change and by how much, in their order.
    fn all(&mut self) -> Vec<(CellId, i64)> {
        self.touched.sort_unstable();
        self.touched.dedup();
        self.touched.retain(|&cell| self.of[cell] != 0);
        self.touched.iter().map(|&cell| (cell, self.of[cell])).collect()
    }
}

impl<'a> Hypercubes<'a> {
    /// Nothing is searched yet.
    pub(crate) fn new(cells: &'a Cells<'a>, ranks: &Ranks) -> Self {
        let changes = Changes { of: vec![0; cells.len()].into(), touched: Vec::new() };
        let dimensions = SearchDimensions::new(cells, ranks);
        Self { cells, dimensions, changes, own: Own::All, respondent: None }
    }

    /// A cheap change that meets the requirement, at what it costs to change each cell (infinite: it must not
    /// change): one hypercube, or several on top of each other.
    pub(crate) fn cheapest(
        &mut self,
        requirement: &Requirement,
        cost: &IdVec<CellId, f64>,
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

    /// Meets the requirement, though cells may change that must not: [`Self::mend`] may yet make up for these.
    fn pile(&mut self, requirement: &Requirement, cost: &IdVec<CellId, f64>) -> Option<()> {
        let ways = self.ways(requirement);
        let direction = if requirement.change > 0.0 { 1 } else { -1 };
        let mut left = requirement.change.abs().round() as i64;
        let aim = Aim { cell: requirement.cell, direction, times: left, at_once: false };
        // A pile begins with the hypercube that is cheapest a unit, even if it reaches only part of the change.
        let first = self.best(&ways, aim, cost)?;
        // A pile pays for the cells of every hypercube in it. One that reaches all of the change may be cheaper.
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
            // A cell that must not change has the price that it has in the search: at an infinite one, two piles with such
            // cells could not be compared.
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
        let cell = requirement.cell;
        let others = requirement
            .respondent()
            .and_then(|respondent| self.cells.respondents.others(cell, respondent));
        // A small cell can only lose children who are there, and few inner cells have any. So each of these is tried as the
        // one that changes.
        match (requirement.less, others.or_else(|| self.cells.few_below.get(&cell))) {
            (None, Some(few)) if !few.is_empty() => {
                few.iter().map(|&inner| self.dimensions.around(requirement, Some(inner))).collect()
            }
            _ => vec![self.dimensions.around(requirement, None)],
        }
    }

    /// The best hypercube by any of the ways.
    fn best(
        &mut self,
        ways: &[Vec<StepLevel>],
        aim: Aim,
        cost: &IdVec<CellId, f64>,
    ) -> Option<FoundHypercube> {
        let mut best: Option<FoundHypercube> = None;
        for levels in ways {
            // A way is of use only if it beats those before it. With that bound its search ends sooner.
            let least = best.as_ref().map_or(f64::INFINITY, |best| best.score);
            best = self.search(levels, aim, cost, &[], STEPS, least).or(best);
        }
        best
    }

    /// Takes back what is dear, one cell after the other, by another hypercube on top that makes up for
    /// it elsewhere.
    fn mend(&mut self, requirement: &Requirement, cost: &IdVec<CellId, f64>) {
        // The pile has reached the change that is asked for. To mend must not undo it.
        let pinned: Vec<CellId> = requirement.terms().map(|(cell, _)| cell).collect();
        let mut tries = TRIES;
        loop {
            let mut dear: Vec<(CellId, i64)> = self.changes.all();
            dear.retain(|(cell, _)| cost[*cell] > DEAR && !pinned.contains(cell));
            dear.sort_by(|a, b| cost[b.0].total_cmp(&cost[a.0]).then(a.cmp(b)));
            let mended = dear.into_iter().find_map(|(cell, change)| {
                // Work is bounded by the number of searches, with a result or without.
                tries = tries.checked_sub(1)?;
                let levels = self.dimensions.around(&Requirement::of_cell(cell), None);
                // A cell must be withheld as long as it changes at all: only to take back all of it saves its cost.
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

    /// Searches for a hypercube that costs less than `less`, on top of the changes so far, in so many steps.
    fn search(
        &mut self,
        levels: &[StepLevel],
        aim: Aim,
        cost: &IdVec<CellId, f64>,
        pinned: &[CellId],
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
            chosen: vec![(LeafId(0), None); self.dimensions.len()].into(),
            left: steps,
            least: less,
            best: None,
        };
        search.run()
    }

    /// Adds what a hypercube changes.
    fn add(&mut self, found: &FoundHypercube) {
        // One child more or less shows in every table: linked tables agree only if all of them change.
        for table in self.cells.tables.ids() {
            for (cell, sign) in self.dimensions.altered(table, &found.steps) {
                self.changes.add(cell, sign * found.change);
            }
        }
    }
}
