//! The cheapest change of the true counts that meets a demand: whatever changes must be withheld.

use std::collections::HashMap;

use microlp::{ComparisonOp, OptimizationDirection, Problem, SolveOptions, Variable};

use crate::problem::{
    cells::{Cells, KNOWN},
    demand::Demand,
    world::World,
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

    /// The cheapest change within the scope that meets the demand, if there is one: in whole numbers,
    /// unless none are found within the work allowed. `cost` says what a unit of change of each cell costs;
    /// infinite where it must not change.
    pub fn cheapest(
        &mut self,
        demand: &Demand,
        near: Option<&[usize]>,
        cost: impl Fn(usize) -> f64,
    ) -> Option<World> {
        let cells = self.cells;
        let cost =
            |cell: usize| if demand.is_known(cells, cell) { f64::INFINITY } else { cost(cell) };
        let (inside, relations) = self.component(demand, near, cost);
        let solve = |whole| solve(cells, demand, (&inside, &relations), cost, whole);
        let world = solve(false)?;
        if world.is_whole() {
            return Some(world);
        }
        solve(true).or(Some(world))
    }

    /// The cells that can change together with the demand's, in order, and the relations between them.
    fn component(
        &mut self,
        demand: &Demand,
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
        for &(cell, _) in &demand.terms {
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
    demand: &Demand,
    (inside, relations): (&[usize], &[usize]),
    price: impl Fn(usize) -> f64,
    whole: bool,
) -> Option<World> {
    let own = demand.own(cells);
    let mut problem = Problem::new(OptimizationDirection::Minimize);
    let mut changes: HashMap<usize, (Variable, Option<Variable>)> =
        HashMap::with_capacity(inside.len());
    for &cell in inside {
        let (price, is_inner) = (price(cell), cells.is_inner[cell]);
        let room = cells.room[cell].saturating_add(own.beyond(cells, cell));
        let room = i32::try_from(room).unwrap_or(i32::MAX);
        let (up, down) = match (is_inner, whole) {
            (true, true) => (
                problem.add_integer_var(price, (0, i32::MAX)),
                Some(problem.add_integer_var(price, (0, room))),
            ),
            (true, false) => (
                problem.add_var(price, (0.0, f64::INFINITY)),
                Some(problem.add_var(price, (0.0, f64::from(room)))),
            ),
            // A margin that is withheld already costs hardly more than its parts.
            (false, _) if price <= KNOWN => {
                (problem.add_var(0.0, (f64::NEG_INFINITY, f64::INFINITY)), None)
            }
            (false, _) => (
                problem.add_var(price, (0.0, f64::INFINITY)),
                Some(problem.add_var(price, (0.0, f64::INFINITY))),
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
    let direction = if demand.change > 0.0 { ComparisonOp::Ge } else { ComparisonOp::Le };
    problem.add_constraint(signed(&demand.terms), direction, demand.change);
    let mut options = SolveOptions::default();
    options.node_limit = Some(NODES);
    let solution = problem.solve_with(options).ok()?.into_solution().ok()?;
    let world = World::new(
        cells,
        inside.iter().map(|&cell| {
            let (up, down) = changes[&cell];
            let down = down.map_or(0.0, |down| solution.var_value(down));
            (cell, solution.var_value(up) - down)
        }),
    );
    (demand.is_met(cells, &world) && (!whole || world.is_whole())).then_some(world)
}
