//! The cheapest change of the true counts that meets a demand: whatever changes must be withheld.

use std::collections::HashMap;

use microlp::{ComparisonOp, OptimizationDirection, Problem, SolveOptions, Variable};

use crate::{cells::Cells, demand::Demand, world::World};

/// Which cells may change.
#[derive(Clone, Copy)]
pub(crate) enum Scope<'a> {
    /// Every cell but totals, and zeros where the policy publishes them.
    Any,
    /// Of those, the cells that are withheld already.
    Withheld,
    /// Every cell that is marked, as far as [`Scope::Any`] allows.
    Near(&'a [bool]),
    /// Every cell that is marked and withheld.
    WithheldNear(&'a [bool]),
}

/// What a unit of change of a cell costs where it is withheld already.
const KNOWN: f64 = 0.001;

/// Branch-and-bound nodes of one search for whole numbers: work is bounded by steps, not by seconds.
const NODES: u64 = 100;

/// The cheapest change within the scope that meets the demand, if there is one: in whole numbers,
/// unless none are found within the work allowed. `spare` makes cells that are withheld already as dear
/// as others, to find another way round.
pub(crate) fn cheapest(
    cells: &Cells<'_>,
    withheld: &[bool],
    demand: &Demand,
    scope: Scope<'_>,
    spare: bool,
) -> Option<World> {
    let (inside, relations) = component(cells, withheld, demand, scope);
    let solve = |whole| {
        let price = |cell| match (withheld[cell], spare) {
            (true, false) => KNOWN,
            (true, true) => 1.0,
            (false, _) => price(cells, cell),
        };
        solve(cells, demand, (&inside, &relations), price, whole)
    };
    let world = solve(false)?;
    if world.is_whole() {
        return Some(world);
    }
    solve(true).or(Some(world))
}

/// Solves for the changes of the cells inside, in whole numbers where `whole` asks for it.
fn solve(
    cells: &Cells<'_>,
    demand: &Demand,
    (inside, relations): (&[usize], &[usize]),
    price: impl Fn(usize) -> f64,
    whole: bool,
) -> Option<World> {
    let least = cells.set.policy.zeros.least_withheld() as i64;
    let mut problem = Problem::new(OptimizationDirection::Minimize);
    let mut changes: HashMap<usize, (Variable, Variable)> = HashMap::with_capacity(inside.len());
    for &cell in inside {
        let room = cells.count[cell] - least;
        let mut add = |down: Option<i64>| match (whole && cells.is_inner[cell], down) {
            (true, down) => {
                let most = down.map_or(i32::MAX, |down| i32::try_from(down).unwrap_or(i32::MAX));
                problem.add_integer_var(price(cell), (0, most))
            }
            (false, down) => {
                problem.add_var(price(cell), (0.0, down.map_or(f64::INFINITY, |down| down as f64)))
            }
        };
        changes.insert(cell, (add(None), add(cells.is_inner[cell].then_some(room))));
    }
    let signed = |terms: &[(usize, f64)]| -> Vec<(Variable, f64)> {
        let known = terms.iter().filter_map(|&(cell, sign)| Some((changes.get(&cell)?, sign)));
        known.flat_map(|(&(up, down), sign)| [(up, sign), (down, -sign)]).collect()
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
    let world = World::new(inside.iter().map(|&cell| {
        let (up, down) = changes[&cell];
        (cell, solution.var_value(up) - solution.var_value(down))
    }));
    (demand.is_met(&world) && (!whole || world.is_whole())).then_some(world)
}

/// The cells that can change together with the demand's, in order, and the relations between them.
fn component(
    cells: &Cells<'_>,
    withheld: &[bool],
    demand: &Demand,
    scope: Scope<'_>,
) -> (Vec<usize>, Vec<usize>) {
    let least = cells.set.policy.zeros.least_withheld() as i64;
    let may_change = |cell: usize| {
        let fixed = cells.is_fixed[cell] || cells.count[cell] < least;
        !fixed
            && match scope {
                Scope::Any => true,
                Scope::Withheld => withheld[cell],
                Scope::Near(near) => near[cell],
                Scope::WithheldNear(near) => near[cell] && withheld[cell],
            }
    };
    let mut seen = vec![false; cells.len()];
    let mut known = vec![false; cells.relations.len()];
    let (mut inside, mut relations) = (Vec::new(), Vec::new());
    let mut open: Vec<usize> = Vec::new();
    for &(cell, _) in &demand.terms {
        if may_change(cell) && !seen[cell] {
            seen[cell] = true;
            open.push(cell);
        }
    }
    while let Some(cell) = open.pop() {
        inside.push(cell);
        for &relation in &cells.relations_of[cell] {
            if known[relation] || !cells.relations[relation].defining {
                continue;
            }
            known[relation] = true;
            relations.push(relation);
            for &(other, _) in &cells.relations[relation].terms {
                if !seen[other] && may_change(other) {
                    seen[other] = true;
                    open.push(other);
                }
            }
        }
    }
    inside.sort_unstable();
    relations.sort_unstable();
    (inside, relations)
}

/// What it costs to withhold a cell: one, and more the larger it is and if it is a margin.
pub(crate) fn price(cells: &Cells<'_>, cell: usize) -> f64 {
    let margin = if cells.is_inner[cell] { 0.0 } else { cells.prices.margin };
    1.0 + cells.prices.size * (1.0 + cells.count[cell] as f64).ln() + margin
}
