//! The cheapest pattern there is, where a component is small: an implicit hitting set.
//!
//! *Choose* the cheapest cells that obey all clauses known so far; *ask* whether the pattern leaves every
//! requirement of the promise some world in whole numbers; where one fails, enlarge the pattern for as long as
//! it fails, and learn the clause that one of the cells left must be withheld. A pattern that meets all
//! requirements is the cheapest once no choice that obeys the clauses costs less: they exclude none that keeps
//! the promise but such as have a cheaper one besides. Why a clause holds of every pattern is said at
//! [`component_requirements`].
//!
//! Sources: Fischetti & Salazar-González, *Solving the cell suppression problem on tabular data with linear
//! constraints*, Management Science 47 (2001): choice and attack in turns, and the "bridges" below;
//! Chandrasekaran, Karp, Moreno-Centeno & Vempala, *Algorithms for implicit hitting set problems*, SODA 2011.

mod cell_set;
mod clause;
mod component;
mod component_requirements;
mod feasibility;

use minster_model::{CellId, IdVec};

use crate::{
    optimal::{
        cell_set::{CellSet, ComponentCellId},
        clause::Clause,
        component::Component,
        feasibility::{Feasibility, Verdict},
    },
    problem::{
        alternative_table::{ChangedTable, ChangedTables},
        cells::{Cells, Withheld},
        requirements::{self, OriginId, RequirementOrigin},
    },
};

/// Patterns that differ in cost by no more than this cost the same: a solver's sums are not exact.
pub const SAME_COST: f64 = 1e-4;

/// Branch-and-bound nodes of one choice, at first: half as many more each time that they are not enough.
const NODES: u64 = 30;

/// How much work goes into the search for the cheapest pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Effort {
    /// Components of more cells than this are left as the heuristic has them.
    pub cells: usize,
    /// Steps for all components together: one for each cell of each linear program, times its nodes.
    pub steps: u64,
}

impl Default for Effort {
    fn default() -> Self {
        Self { cells: 200, steps: 500_000 }
    }
}

impl Effort {
    /// None: the heuristic's pattern stands.
    pub const NONE: Self = Self { cells: 0, steps: 0 };
}

/// How far from the cheapest one component's pattern is: cells that sums or requirements join. Costs are those of
/// [`Costs`](minster_model::policy::Costs), of all its withheld cells added up.
#[derive(Debug, Clone, PartialEq)]
pub struct Optimum {
    /// How many cells of the component can be withheld.
    pub cells: usize,
    /// The cost of the heuristic's pattern.
    pub before: f64,
    /// The cost of the pattern that stands.
    pub cost: f64,
    /// No pattern that keeps the promise costs less; infinite where there is none. Above the cost, where what stands
    /// does not keep it.
    pub bound: f64,
    /// How the search ended.
    pub outcome: SearchOutcome,
}

/// How the search for the cheapest pattern of a component ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SearchOutcome {
    /// No pattern that keeps the promise costs less, by [`SAME_COST`] or more.
    Proved,
    /// The steps were used up first: the cheapest pattern known by then stands.
    WorkUsedUp,
    /// It has more cells than the effort allows for: the heuristic's pattern stands.
    TooLarge,
    /// No pattern keeps the promise: the heuristic's pattern stands, and the attack will refuse it.
    NoneSafe,
}

/// Puts the cheapest pattern in place of the heuristic's, component by component, the smallest first.
pub(crate) fn improve(
    cells: &Cells<'_>,
    origins: &IdVec<OriginId, RequirementOrigin>,
    withheld: &mut Withheld,
    alternatives: &mut ChangedTables,
    effort: Effort,
) -> Vec<Optimum> {
    // Bounds add costs up. With a negative or infinite one they would bound nothing.
    let sound = cells.cost.iter().all(|cost| cost.is_finite() && *cost >= 0.0);
    if !sound {
        return Vec::new();
    }
    let mut steps = effort.steps;
    let improved = component::members(cells, origins).into_iter().map(|members| {
        // Every pattern pays for the forced cells: their cost is a first bound.
        let is_forced =
            |cell: CellId| cells.stays_withheld[cell] || requirements::is_primary(cells, cell);
        let before = cost_of(cells, &members.cells, |cell| withheld[cell]);
        let forced = cost_of(cells, &members.cells, is_forced);
        let optimum = Optimum {
            cells: members.cells.len(),
            before,
            cost: before,
            bound: forced,
            outcome: SearchOutcome::TooLarge,
        };
        if members.cells.len() > effort.cells {
            return optimum;
        }
        let component = Component::new(cells, members);
        let mut search = OptimumSearch::new(&component, withheld, steps);
        let outcome = search.run();
        steps = search.feasibility.steps;
        search.put(cells, withheld, alternatives, Optimum { outcome, ..optimum })
    });
    improved.collect()
}

/// Returns the cost of withholding those of some cells that are chosen.
fn cost_of(cells: &Cells<'_>, of: &[CellId], is_chosen: impl Fn(CellId) -> bool) -> f64 {
    of.iter().filter(|cell| is_chosen(**cell)).map(|&cell| cells.cost[cell]).sum()
}

/// The search for one component's cheapest pattern.
struct OptimumSearch<'a> {
    of: &'a Component,
    feasibility: Feasibility<'a>,
    clauses: Vec<Clause>,
    /// The cheapest pattern known to meet every requirement, and its cost.
    best: Option<(CellSet, f64)>,
    before: CellSet,
    bound: f64,
}

impl<'a> OptimumSearch<'a> {
    /// Nothing is known but the heuristic's pattern and what is forced.
    fn new(of: &'a Component, withheld: &Withheld, steps: u64) -> Self {
        let feasibility = Feasibility::new(of, steps);
        let mut before = CellSet::none(of.len());
        let cells = of.cells.enumerate().filter(|(_, cell)| withheld[**cell]);
        cells.for_each(|(here, _)| before.put(here));
        let bound = of.cost(&of.forced);
        Self { of, feasibility, clauses: Vec::new(), best: None, before, bound }
    }

    /// Chooses and asks in turns until no choice is cheaper than the best pattern, or the work is used up.
    fn run(&mut self) -> SearchOutcome {
        if self.feasibility.spend(1).is_none() {
            return SearchOutcome::WorkUsedUp;
        }
        // A good pattern to start from cuts off every choice that costs more.
        if self.keeps_the_promise(&self.before.clone()) {
            self.take(self.before.clone());
        }
        // A choice that is not known to be the cheapest teaches as much: only the last must be.
        let mut nodes = NODES;
        while self.bound < self.cost() - SAME_COST {
            // The solver's sums are not exact. With half the tolerance it does not choose the best pattern again.
            let below = self.cost() - SAME_COST / 2.0;
            let choice = clause::cheapest(self.of, &self.clauses, below, nodes);
            let rows = (self.clauses.len() + self.of.len()) as u64;
            // Some cheapest pattern obeys all clauses, so that a bound on such choices bounds the optimum. Choices as dear
            // as the best are cut off, so that its cost is the highest bound that is known.
            self.bound = self.bound.max(choice.bound.min(self.cost()));
            if self.feasibility.spend(choice.nodes * rows).is_none() {
                return SearchOutcome::WorkUsedUp;
            }
            // The choice reached its limit of nodes. At the same limit the search could stand still.
            if choice.nodes > nodes {
                nodes += nodes / 2;
            }
            let Some(chosen) = choice.withheld else { continue };
            // The solver rounds: a choice that breaks a clause would be made again and again.
            if !self.clauses.iter().all(|clause| clause.is_obeyed(&chosen)) {
                return SearchOutcome::WorkUsedUp;
            }
            if !self.learn_bridges(&chosen) && !self.learn(chosen) {
                return SearchOutcome::WorkUsedUp;
            }
        }
        if self.best.is_some() { SearchOutcome::Proved } else { SearchOutcome::NoneSafe }
    }

    /// Returns the cost of the best pattern.
    fn cost(&self) -> f64 {
        self.best.as_ref().map_or(f64::INFINITY, |(_, cost)| *cost)
    }

    /// A cell that is the only one withheld in some sum follows from the others: to publish it takes away no
    /// world, asks for no more and is no dearer. So some cheapest pattern has none but those that are forced.
    fn learn_bridges(&mut self, chosen: &CellSet) -> bool {
        let known = self.clauses.len();
        for relation in &self.of.relations {
            let mut withheld = relation.terms.iter().filter(|(cell, _)| chosen.has(*cell));
            let (Some(&(only, _)), None) = (withheld.next(), withheld.next()) else { continue };
            if !self.of.forced.has(only) {
                let others = relation.terms.iter().map(|&(cell, _)| cell);
                let any = others.filter(|&cell| cell != only).collect();
                self.clauses.push(Clause { any, unless: vec![only] });
            }
        }
        self.clauses.len() > known
    }

    /// Learns from all requirements that a choice fails, each in the light of what the clauses before it add; what
    /// comes of it at last may be the best. Says whether anything came of it.
    fn learn(&mut self, chosen: CellSet) -> bool {
        let of = self.of;
        let (known, mut withheld) = (self.clauses.len(), chosen);
        loop {
            let before = self.clauses.len();
            let mut open = false;
            for requirement in &of.requirements {
                let who = match self.feasibility.judge(requirement, &withheld) {
                    Verdict::Met => continue,
                    Verdict::Fails(who) => who,
                    Verdict::Open => {
                        open = true;
                        continue;
                    }
                };
                // To withhold a cell that obeys the new clause, before the next requirement is asked, makes the clauses of
                // one choice differ.
                let clause = self.feasibility.clause(requirement, &withheld, who);
                let next = self.cheapest_of(&clause);
                self.clauses.push(clause);
                match next {
                    Some(cell) => withheld.put(cell),
                    None => return true,
                }
            }
            // No requirement fails. If none is open either, the pattern keeps the promise.
            if self.clauses.len() == before {
                let mut better = false;
                if !open {
                    self.thin(&mut withheld);
                    better = self.take(withheld);
                }
                return better || self.clauses.len() > known;
            }
        }
    }

    /// The cell that obeys a clause, and many others, at the least cost.
    fn cheapest_of(&self, clause: &Clause) -> Option<ComponentCellId> {
        let by_worth = |&a: &ComponentCellId, &b: &ComponentCellId| {
            self.cost_a_clause(a).total_cmp(&self.cost_a_clause(b)).then(a.cmp(&b))
        };
        clause.any.iter().copied().min_by(by_worth)
    }

    /// The cost of a cell for each clause that it obeys, and one more (as in Chvátal's rule for set covering,
    /// 1979, but that clauses count which are obeyed already).
    fn cost_a_clause(&self, cell: ComponentCellId) -> f64 {
        let others = self.clauses.iter().filter(|clause| clause.any.contains(&cell));
        self.of.cost[cell] / (1 + others.count()) as f64
    }

    /// Takes a pattern that meets every requirement for the best, if it is.
    fn take(&mut self, withheld: CellSet) -> bool {
        let cost = self.of.cost(&withheld);
        let better = cost < self.cost();
        if better {
            self.best = Some((withheld, cost));
        }
        better
    }

    /// Publishes again what need not be withheld, the dearest cells first.
    fn thin(&mut self, withheld: &mut CellSet) {
        let of = self.of;
        let mut free: Vec<ComponentCellId> = of.free().filter(|&cell| withheld.has(cell)).collect();
        free.sort_by(|&a, &b| of.cost[b].total_cmp(&of.cost[a]).then(a.cmp(&b)));
        for cell in free {
            withheld.take(cell);
            if !self.keeps_the_promise(withheld) {
                withheld.put(cell);
            }
        }
    }

    /// Whether a pattern is known to meet every requirement.
    fn keeps_the_promise(&mut self, withheld: &CellSet) -> bool {
        let mut requirements = self.of.requirements.iter();
        requirements
            .all(|requirement| self.feasibility.judge(requirement, withheld) == Verdict::Met)
    }

    /// Puts the best pattern and its certificates in place, if there is one.
    fn put(
        self,
        cells: &Cells<'_>,
        withheld: &mut Withheld,
        alternatives: &mut ChangedTables,
        optimum: Optimum,
    ) -> Optimum {
        let Some((best, cost)) = self.best else {
            return Optimum { bound: self.bound, ..optimum };
        };
        for (here, &cell) in self.of.cells.enumerate() {
            // A world must not alter a published cell.
            if withheld[cell] && !best.has(here) {
                alternatives.forget(cell);
            }
            withheld[cell] = best.has(here);
        }
        for alternative in self.feasibility.certificates(&best) {
            let changes = alternative.into_iter().map(|(cell, change)| (cell, change as f64));
            alternatives.add(ChangedTable::new(cells, changes));
        }
        Optimum { cost, bound: self.bound.min(cost), ..optimum }
    }
}
