//! The search for one hypercube: dimension by dimension, the cheapest step first.

use crate::{
    problem::{cells::Cells, requirements::Own},
    secondary::hypercube_steps::{SearchDimensions, Step, StepLevel},
};

/// A hypercube must do this.
#[derive(Clone, Copy)]
pub(crate) struct Aim {
    pub(crate) cell: usize,
    /// Up or down.
    pub(crate) direction: i64,
    /// By how much.
    pub(crate) times: i64,
    /// Whether by one hypercube; otherwise less may do, and the cost is counted by unit.
    pub(crate) at_once: bool,
}

/// A hypercube, and how it changes its first cell.
pub(crate) struct FoundHypercube {
    pub(crate) steps: Vec<Step>,
    pub(crate) change: i64,
    pub(crate) times: i64,
    pub(crate) cost: f64,
    /// The cost, or the cost by unit, as the aim has it.
    pub(crate) score: f64,
}

pub(crate) struct HypercubeSearch<'a> {
    pub(crate) cells: &'a Cells<'a>,
    pub(crate) dimensions: &'a SearchDimensions<'a>,
    pub(crate) levels: &'a [StepLevel],
    pub(crate) aim: Aim,
    pub(crate) cost: &'a [f64],
    /// The most that a cell costs.
    pub(crate) forbidden: f64,
    /// Cells that must not change.
    pub(crate) pinned: &'a [usize],
    /// Inner cells that may be as little as an outsider can think.
    pub(crate) own: &'a Own,
    /// The respondent none of whose cells can change.
    pub(crate) respondent: Option<u32>,
    /// The changes that the world makes already.
    pub(crate) changes: &'a [i64],
    pub(crate) chosen: Vec<Step>,
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

    fn choose(&mut self, level: usize, corners: &[(usize, i64)], paid: Paid) {
        let Some(StepLevel { dimension, choices }) = self.levels.get(level) else {
            return self.finish(paid);
        };
        let mut affordable = Vec::new();
        let mut looked = 1;
        for (number, choice) in choices.iter().enumerate() {
            let mut paid = Some(paid);
            if level == 0 && choice.alters_own {
                paid = paid.and_then(|paid| self.pay(paid, corners[0].0, corners[0].1));
            }
            'choice: for &(away, with) in &choice.others {
                for &(cell, sign) in corners {
                    looked += 1;
                    let Some(now) = paid else { break 'choice };
                    paid = self.pay(now, cell.wrapping_add_signed(away), sign * with);
                }
            }
            if let Some(paid) = paid {
                let score = self.score(paid);
                if score < self.least {
                    affordable.push((score, number, paid));
                }
            }
        }
        self.left = self.left.saturating_sub(looked);
        affordable.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let mut wider: Vec<(usize, i64)> = Vec::new();
        for (score, number, paid) in affordable {
            if self.left == 0 || score >= self.least {
                return;
            }
            let choice = &choices[number];
            self.chosen[*dimension] = choice.step;
            wider.clear();
            if choice.alters_own {
                wider.extend_from_slice(corners);
            }
            for &(away, with) in &choice.others {
                let moved = corners.iter();
                wider.extend(
                    moved.map(|&(cell, sign)| (cell.wrapping_add_signed(away), sign * with)),
                );
            }
            self.choose(level + 1, &wider, paid);
        }
    }

    /// Adds what the other tables cost.
    fn finish(&mut self, mut paid: Paid) {
        let (own, _) = self.cells.place(self.aim.cell);
        if !self.dimensions.agree(own, &self.chosen) {
            return;
        }
        for table in (0..self.cells.set.tables.len()).filter(|&table| table != own) {
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

    fn score(&self, paid: Paid) -> f64 {
        match self.aim.at_once {
            true => paid.cost,
            false => paid.cost / paid.slack.min(self.aim.times) as f64,
        }
    }

    /// Adds a cell that changes with the first, or against it; none where it cannot. A cell that changes
    /// back to what it was gives back its cost.
    fn pay(&self, paid: Paid, cell: usize, sign: i64) -> Option<Paid> {
        if self.respondent.is_some() && self.cells.respondents.of(cell) == self.respondent {
            return None;
        }
        let Aim { direction, times, at_once, .. } = self.aim;
        let change = self.changes[cell];
        let cost = self.cost[cell].min(self.forbidden);
        let cost = match change {
            0 => cost,
            _ if at_once && change + sign * direction * times == 0 => -cost,
            _ => 0.0,
        };
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
