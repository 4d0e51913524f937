//! The search for one hypercube: dimension by dimension, the cheapest step first.

use minster_model::{CellId, IdVec, RespondentId};

use crate::{
    problem::{cells::Cells, requirements::Own},
    secondary::hypercube_steps::{DimensionId, SearchDimensions, Step, StepChoice, StepLevel},
};

/// A hypercube must do this.
#[derive(Clone, Copy)]
pub(crate) struct Aim {
    pub(crate) cell: CellId,
    /// Up or down.
    pub(crate) direction: i64,
    /// By how much.
    pub(crate) times: i64,
    /// Whether by one hypercube; otherwise less may do, and the cost is counted by unit.
    pub(crate) at_once: bool,
}

/// A hypercube, and how it changes its first cell.
pub(crate) struct FoundHypercube {
    pub(crate) steps: IdVec<DimensionId, Step>,
    pub(crate) change: i64,
    pub(crate) times: i64,
    pub(crate) cost: f64,
    /// The cost, or the cost by unit, as the aim has it.
    pub(crate) score: f64,
}

/// A search by branch and bound: what is chosen so far costs no less whatever is chosen along the other dimensions, as long
/// as no cell gives back what it cost.
pub(crate) struct HypercubeSearch<'a> {
    pub(crate) cells: &'a Cells<'a>,
    pub(crate) dimensions: &'a SearchDimensions<'a>,
    pub(crate) levels: &'a [StepLevel],
    pub(crate) aim: Aim,
    pub(crate) cost: &'a IdVec<CellId, f64>,
    /// The most that a cell costs.
    pub(crate) forbidden: f64,
    /// Cells that must not change.
    pub(crate) pinned: &'a [CellId],
    /// Inner cells that may be as little as an outsider can think.
    pub(crate) own: &'a Own,
    /// The respondent none of whose cells can change.
    pub(crate) respondent: Option<RespondentId>,
    /// The changes that the world makes already.
    pub(crate) changes: &'a IdVec<CellId, i64>,
    pub(crate) chosen: IdVec<DimensionId, Step>,
    /// Cells that may still be looked at.
    pub(crate) left: u64,
    /// The next to be found must cost less than this.
    pub(crate) least: f64,
    pub(crate) best: Option<FoundHypercube>,
}

/// The cost so far, and how often what is chosen so far can be done.
#[derive(Clone, Copy)]
struct Paid {
    cost: f64,
    slack: i64,
}

impl HypercubeSearch<'_> {
    /// The best that is found.
    pub(crate) fn run(mut self) -> Option<FoundHypercube> {
        self.choose(0, &[(self.aim.cell, 1)], Paid { cost: 0.0, slack: i64::MAX });
        self.best
    }

    /// Chooses a step along one dimension after the other. `corners` are the cells of the first table that the steps so far
    /// alter, with signs.
    fn choose(&mut self, level: usize, corners: &[(CellId, i64)], paid: Paid) {
        let Some(StepLevel { dimension, choices }) = self.levels.get(level) else {
            return self.finish(paid);
        };
        let mut affordable: Vec<(f64, usize, &StepChoice, Paid)> = Vec::new();
        let mut looked = 1;
        for (number, choice) in choices.iter().enumerate() {
            let mut paid = Some(paid);
            // The aim's cell is paid for once, with the first step that alters it. Every step pays for the corners it adds.
            if level == 0 && choice.alters_own {
                paid = paid.and_then(|paid| self.pay(paid, self.aim.cell, 1));
            }
            'choice: for &(away, with) in &choice.others {
                for &(cell, sign) in corners {
                    // Steps in deep hierarchies alter many cells, so work is counted in cells and not in steps.
                    looked += 1;
                    let Some(now) = paid else { break 'choice };
                    paid = self.pay(now, away.from(cell), sign * with);
                }
            }
            if let Some(paid) = paid {
                // Later steps only add cost (a refund aside), so that nothing better can come of this one.
                let score = self.score(paid);
                if score < self.least {
                    affordable.push((score, number, choice, paid));
                }
            }
        }
        self.left = self.left.saturating_sub(looked);
        // A good hypercube that is found early cuts off most of the rest, so the cheapest step is tried first. Equal steps
        // keep their order: the same tables must give the same answer.
        affordable.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let mut wider: Vec<(CellId, i64)> = Vec::new();
        for (score, _, choice, paid) in affordable {
            // The list is sorted: no step after this one is cheaper.
            if self.left == 0 || score >= self.least {
                return;
            }
            self.chosen[*dimension] = choice.step;
            wider.clear();
            // A hypercube is a product: every corner so far stays, where the step alters its own node, and has a copy at
            // each other node that the step alters.
            if choice.alters_own {
                wider.extend_from_slice(corners);
            }
            for &(away, with) in &choice.others {
                let moved = corners.iter();
                wider.extend(moved.map(|&(cell, sign)| (away.from(cell), sign * with)));
            }
            self.choose(level + 1, &wider, paid);
        }
    }

    /// Adds what the other tables cost.
    fn finish(&mut self, mut paid: Paid) {
        let (own, _) = self.cells.place(self.aim.cell);
        // Every child is in one class of a tie, for all dimensions that have it. Other steps make no table of children.
        if !self.dimensions.agree(own, &self.chosen) {
            return;
        }
        for table in self.cells.tables.ids().filter(|&table| table != own) {
            for (cell, sign) in self.dimensions.altered(table, &self.chosen) {
                self.left = self.left.saturating_sub(1);
                match self.pay(paid, cell, sign) {
                    Some(next) => paid = next,
                    None => return,
                }
            }
        }
        let score = self.score(paid);
        if score < self.least {
            self.least = score;
            let times = paid.slack.min(self.aim.times);
            self.best = Some(FoundHypercube {
                steps: self.chosen.clone(),
                change: self.aim.direction * times,
                times,
                cost: paid.cost,
                score,
            });
        }
    }

    /// The cost, or the cost of a unit of the change that can be done.
    fn score(&self, paid: Paid) -> f64 {
        match self.aim.at_once {
            true => paid.cost,
            false => paid.cost / paid.slack.min(self.aim.times) as f64,
        }
    }

    /// Adds a cell that changes with the first, or against it; none where it cannot. A cell that changes
    /// back to what it was gives back its cost.
    fn pay(&self, paid: Paid, cell: CellId, sign: i64) -> Option<Paid> {
        if self.respondent.is_some() && self.cells.respondents.of(cell) == self.respondent {
            return None;
        }
        let Aim { direction, times, at_once, .. } = self.aim;
        // The world withholds a cell that it changes: to change it further costs nothing.
        let change = self.changes[cell];
        let cost = self.cost[cell].min(self.forbidden);
        let cost = match change {
            0 => cost,
            _ if at_once && change + sign * direction * times == 0 => -cost,
            _ => 0.0,
        };
        // No cell falls below what the rules and its insiders leave open. Upwards there is no bound.
        let slack = match sign * direction < 0 {
            true => {
                let slack =
                    self.cells.slack[cell].saturating_add(self.own.beyond(self.cells, cell));
                paid.slack.min(slack.saturating_add(change))
            }
            false => paid.slack,
        };
        let enough = slack >= if at_once { times } else { 1 };
        (enough && !self.pinned.contains(&cell)).then_some(Paid { cost: paid.cost + cost, slack })
    }
}
