//! The cheapest change of the true counts that meets a requirement: whatever changes must be withheld.

use std::collections::HashMap;

use microlp::{ComparisonOp, OptimizationDirection, Problem, SolveOptions, Variable};

use crate::problem::{
    alternative_table::ChangedTable,
    cells::{Cells, KNOWN},
    requirements::Requirement,
};

/// Branch-and-bound nodes of one search for whole numbers: work is bounded by steps, not by seconds.
const NODES: u64 = 100;

/// Searches by linear programming. Its marks are kept from search to search, so that a search takes no
/// longer in a large table than in a small one.
pub struct Programs<'a> {
    cells: &'a Cells<'a>,
    /// The search in which a cell was last marked as near, and as one that can change.
    near: Vec<u32>,
    seen: Vec<u32>,
    /// The search in which a relation was last used.
    used: Vec<u32>,
    search: u32,
}

impl<'a> Programs<'a> {
    /// Nothing is searched yet.
    pub fn new(cells: &'a Cells<'a>) -> Self {
        let none = || vec![0; cells.len()];
        Self { cells, near: none(), seen: none(), used: vec![0; cells.relations.len()], search: 0 }
    }

    /// The cheapest change within the scope that meets the requirement, if there is one: in whole numbers,
    /// unless none are found within the work allowed. `cost` says what a unit of change of each cell costs;
    /// infinite where it must not change.
    pub fn cheapest(
        &mut self,
        requirement: &Requirement,
        near: Option<&[usize]>,
        cost: impl Fn(usize) -> f64,
    ) -> Option<ChangedTable> {
        let cells = self.cells;
        let cost = |cell: usize| {
            if requirement.is_known(cells, cell) { f64::INFINITY } else { cost(cell) }
        };
        let (inside, relations) = self.component(requirement, near, cost);
        let solve = |whole| solve(cells, requirement, (&inside, &relations), cost, whole);
        let alternative = solve(false)?;
        if alternative.is_whole() {
            return Some(alternative);
        }
        solve(true).or(Some(alternative))
    }

    /// The cells that can change together with the requirement's, in order, and the relations between them.
    fn component(
        &mut self,
        requirement: &Requirement,
        near: Option<&[usize]>,
        cost: impl Fn(usize) -> f64,
    ) -> (Vec<usize>, Vec<usize>) {
        self.search += 1;
        let now = self.search;
        near.into_iter().flatten().for_each(|&cell| self.near[cell] = now);
        let may_change = |marks: &Self, cell: usize| {
            (near.is_none() || marks.near[cell] == now) && cost(cell).is_finite()
        };
        let (mut inside, mut relations) = (Vec::new(), Vec::new());
        let mut open: Vec<usize> = Vec::new();
        for &(cell, _) in &requirement.terms {
            if may_change(self, cell) && self.seen[cell] != now {
                self.seen[cell] = now;
                open.push(cell);
            }
        }
        while let Some(cell) = open.pop() {
            inside.push(cell);
            for &relation in &self.cells.relations_of[cell] {
                if self.used[relation] == now || !self.cells.relations[relation].defining {
                    continue;
                }
                self.used[relation] = now;
                relations.push(relation);
                for &(other, _) in &self.cells.relations[relation].terms {
                    if self.seen[other] != now && may_change(self, other) {
                        self.seen[other] = now;
                        open.push(other);
                    }
                }
            }
        }
        inside.sort_unstable();
        relations.sort_unstable();
        (inside, relations)
    }
}

/// Solves for the changes of the cells inside, in whole numbers where `whole` asks for it.
fn solve(
    cells: &Cells<'_>,
    requirement: &Requirement,
    (inside, relations): (&[usize], &[usize]),
    cost: impl Fn(usize) -> f64,
    whole: bool,
) -> Option<ChangedTable> {
    let own = requirement.own(cells);
    let mut problem = Problem::new(OptimizationDirection::Minimize);
    let mut changes: HashMap<usize, (Variable, Option<Variable>)> =
        HashMap::with_capacity(inside.len());
    for &cell in inside {
        let (cost, is_inner) = (cost(cell), cells.is_inner[cell]);
        let slack = cells.slack[cell].saturating_add(own.beyond(cells, cell));
        let slack = i32::try_from(slack).unwrap_or(i32::MAX);
        let (up, down) = match (is_inner, whole) {
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
        };
        changes.insert(cell, (up, down));
    }
    let signed = |terms: &[(usize, f64)]| -> Vec<(Variable, f64)> {
        let known = terms.iter().filter_map(|&(cell, sign)| Some((changes.get(&cell)?, sign)));
        known
            .flat_map(|(&(up, down), sign)| {
                std::iter::once((up, sign)).chain(down.map(|down| (down, -sign)))
            })
            .collect()
    };
    for &relation in relations {
        let terms = signed(&cells.relations[relation].terms);
        problem.add_constraint(terms, ComparisonOp::Eq, 0.0);
    }
    let direction = if requirement.change > 0.0 { ComparisonOp::Ge } else { ComparisonOp::Le };
    problem.add_constraint(signed(&requirement.terms), direction, requirement.change);
    let mut options = SolveOptions::default();
    options.node_limit = Some(NODES);
    let solution = problem.solve_with(options).ok()?.into_solution().ok()?;
    let alternative = ChangedTable::new(
        cells,
        inside.iter().map(|&cell| {
            let (up, down) = changes[&cell];
            let down = down.map_or(0.0, |down| solution.var_value(down));
            (cell, solution.var_value(up) - down)
        }),
    );
    (requirement.is_met(cells, &alternative) && (!whole || alternative.is_whole()))
        .then_some(alternative)
}
