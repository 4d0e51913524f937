//! The cheapest change of the true counts that meets a requirement: whatever changes must be withheld.

use std::collections::HashMap;

use microlp::{ComparisonOp, OptimizationDirection, Problem, SolveOptions, Variable};

use minster_model::{CellId, IdVec};

use crate::problem::{
    alternative_table::ChangedTable,
    cells::{Cells, KNOWN, RelationId},
    requirements::Requirement,
};

/// Branch-and-bound nodes of one search for whole numbers: work is bounded by steps, not by seconds.
const NODES: u64 = 100;

/// Searches by linear programming. Its marks are kept from search to search, so that a search takes no
/// longer in a large table than in a small one.
pub struct Programs<'a> {
    cells: &'a Cells<'a>,
    /// The search in which a cell was last marked as near, and as one that can change.
    near: IdVec<CellId, u32>,
    seen: IdVec<CellId, u32>,
    /// The search in which a relation was last used.
    used: IdVec<RelationId, u32>,
    search: u32,
}

impl<'a> Programs<'a> {
    /// Nothing is searched yet.
    pub fn new(cells: &'a Cells<'a>) -> Self {
        let none: IdVec<CellId, u32> = vec![0; cells.len()].into();
        let used = vec![0; cells.relations.len()].into();
        Self { cells, near: none.clone(), seen: none, used, search: 0 }
    }

    /// The cheapest change within the scope that meets the requirement, if there is one: in whole numbers,
    /// unless none are found within the work allowed. `cost` says what a unit of change of each cell costs;
    /// infinite where it must not change.
    pub fn cheapest(
        &mut self,
        requirement: &Requirement,
        near: Option<&[CellId]>,
        cost: impl Fn(CellId) -> f64,
    ) -> Option<ChangedTable> {
        let cells = self.cells;
        let cost = |cell: CellId| {
            if requirement.is_known(cells, cell) { f64::INFINITY } else { cost(cell) }
        };
        let (inside, relations) = self.component(requirement, near, cost);
        let part = (&inside[..], &relations[..]);
        // A program without whole numbers takes far less work. Branch and bound is needed only where its answer is not
        // whole.
        let alternative = solve(cells, requirement, part, cost, false)?;
        if alternative.is_whole() {
            return Some(alternative);
        }
        // A change in fractions still shows which cells to withhold. The attack decides whether they are enough.
        solve(cells, requirement, part, cost, true).or(Some(alternative))
    }

    /// The cells that can change together with the requirement's, in order, and the relations between them.
    fn component(
        &mut self,
        requirement: &Requirement,
        near: Option<&[CellId]>,
        cost: impl Fn(CellId) -> f64,
    ) -> (Vec<CellId>, Vec<RelationId>) {
        self.search += 1;
        let now = self.search;
        near.into_iter().flatten().for_each(|&cell| self.near[cell] = now);
        // A cell helps only if sums join it with the requirement's cells, directly or through others. All other cells stay
        // at the truth at no cost.
        let (mut inside, mut relations) = (Vec::new(), Vec::new());
        let mut open: Vec<CellId> = Vec::new();
        for (cell, _) in requirement.terms() {
            if self.may_change(cell, near.is_some(), &cost) && self.seen[cell] != now {
                self.seen[cell] = now;
                open.push(cell);
            }
        }
        while let Some(cell) = open.pop() {
            inside.push(cell);
            for &relation in &self.cells.relations_of[cell] {
                // Other sums follow from the defining ones and would only make the program larger.
                if self.used[relation] == now || !self.cells.relations[relation].defining {
                    continue;
                }
                self.used[relation] = now;
                relations.push(relation);
                for &(other, _) in &self.cells.relations[relation].terms {
                    if self.seen[other] != now && self.may_change(other, near.is_some(), &cost) {
                        self.seen[other] = now;
                        open.push(other);
                    }
                }
            }
        }
        // A changed table finds its cells by halving, and so needs them in order.
        inside.sort_unstable();
        relations.sort_unstable();
        (inside, relations)
    }

    /// Whether a cell is near, where only near ones are looked at, and may change at all.
    fn may_change(&self, cell: CellId, only_near: bool, cost: &impl Fn(CellId) -> f64) -> bool {
        (!only_near || self.near[cell] == self.search) && cost(cell).is_finite()
    }
}

/// By how much a cell is more, and by how much it is less. Both cost, so that the cheapest change uses one of them and
/// pays for its size, whichever way it goes. A cell with one variable alone has it for both.
type Change = (Variable, Option<Variable>);

/// Adds the variables of one cell, which costs so much a unit. An inner cell can be less by its slack; a margin is as much
/// less as its parts, and whole where they are.
fn add_change(problem: &mut Problem, cost: f64, is_inner: bool, slack: i64, whole: bool) -> Change {
    let slack = i32::try_from(slack).unwrap_or(i32::MAX);
    match (is_inner, whole) {
        (true, true) => (
            problem.add_integer_var(cost, (0, i32::MAX)),
            Some(problem.add_integer_var(cost, (0, slack))),
        ),
        (true, false) => (
            problem.add_var(cost, (0.0, f64::INFINITY)),
            Some(problem.add_var(cost, (0.0, f64::from(slack)))),
        ),
        // A margin that is withheld already costs hardly more than its parts.
        (false, _) if cost <= KNOWN => {
            (problem.add_var(0.0, (f64::NEG_INFINITY, f64::INFINITY)), None)
        }
        (false, _) => (
            problem.add_var(cost, (0.0, f64::INFINITY)),
            Some(problem.add_var(cost, (0.0, f64::INFINITY))),
        ),
    }
}

/// Solves for the changes of the cells inside, in whole numbers where `whole` asks for it.
fn solve(
    cells: &Cells<'_>,
    requirement: &Requirement,
    (inside, relations): (&[CellId], &[RelationId]),
    cost: impl Fn(CellId) -> f64,
    whole: bool,
) -> Option<ChangedTable> {
    let own = requirement.own(cells);
    let mut problem = Problem::new(OptimizationDirection::Minimize);
    let mut changes: HashMap<CellId, Change> = HashMap::with_capacity(inside.len());
    for &cell in inside {
        let slack = cells.slack[cell].saturating_add(own.beyond(cells, cell));
        let change = add_change(&mut problem, cost(cell), cells.is_inner[cell], slack, whole);
        changes.insert(cell, change);
    }
    // A cell that cannot change takes no part in its sums.
    let signed = |(cell, sign): (CellId, f64)| {
        let known = changes.get(&cell).into_iter();
        known.flat_map(move |&(up, down)| {
            std::iter::once((up, sign)).chain(down.map(|down| (down, -sign)))
        })
    };
    for &relation in relations {
        let terms = cells.relations[relation].terms.iter().copied();
        let terms: Vec<(Variable, f64)> = terms.flat_map(signed).collect();
        problem.add_constraint(terms, ComparisonOp::Eq, 0.0);
    }
    let direction = if requirement.change > 0.0 { ComparisonOp::Ge } else { ComparisonOp::Le };
    let terms: Vec<(Variable, f64)> = requirement.terms().flat_map(signed).collect();
    problem.add_constraint(terms, direction, requirement.change);
    let mut options = SolveOptions::default();
    options.node_limit = Some(NODES);
    let solution = problem.solve_with(options).ok()?.into_solution().ok()?;
    let alternative = ChangedTable::new(
        cells,
        inside.iter().filter_map(|&cell| {
            let &(up, down) = changes.get(&cell)?;
            let down = down.map_or(0.0, |down| solution.var_value(down));
            Some((cell, solution.var_value(up) - down))
        }),
    );
    // The solver's arithmetic is not exact: its answer counts only if it meets the requirement here.
    (requirement.is_met(cells, &alternative) && (!whole || alternative.is_whole()))
        .then_some(alternative)
}
