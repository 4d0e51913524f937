//! The cheapest change of the true counts that gives a cell another value: whatever changes must be
//! withheld.

use std::collections::{BTreeMap, BTreeSet};

use microlp::{ComparisonOp, OptimizationDirection, Problem, Variable};
use minster_model::cube::Policy;

use crate::tables::{Cell, Tables};

/// A sum of entries and what it must be able to be.
#[derive(Debug, Clone)]
pub(crate) struct Demand {
    pub(crate) entries: Vec<usize>,
    pub(crate) bound: Bound,
    /// The cell for whose sake it is made.
    pub(crate) cell: Cell,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Bound {
    AtMost(f64),
    AtLeast(f64),
}

impl Demand {
    pub(crate) fn is_met(&self, values: &[f64]) -> bool {
        let sum: f64 = self.entries.iter().map(|&entry| values[entry]).sum();
        match self.bound {
            Bound::AtMost(bound) => sum <= bound + 1e-6,
            Bound::AtLeast(bound) => sum >= bound - 1e-6,
        }
    }
}

/// How small a change is none.
const NONE: f64 = 1e-7;

/// The entries' values after the cheapest change that meets the demand, if there is one. `spare` makes
/// cells that are withheld already dearer, to find another way round.
pub(crate) fn cheapest(
    tables: &Tables,
    policy: Policy,
    withheld: &BTreeSet<Cell>,
    demand: &Demand,
    spare: bool,
) -> Option<Vec<f64>> {
    let least = policy.zeros.least_withheld() as f64;
    let mut problem = Problem::new(OptimizationDirection::Minimize);
    let changes: Vec<(Variable, Variable)> = tables
        .entries
        .iter()
        .zip(&tables.cell_of)
        .map(|(&count, cell)| {
            let cost = match (withheld.contains(cell), spare) {
                (true, false) => 0.001,
                (true, true) => 1.0,
                (false, _) => price(count, 1),
            };
            let count = count as f64;
            // A published zero stays one where the policy publishes zeros.
            let most = if count < least { 0.0 } else { f64::INFINITY };
            let down = (count - least).max(0.0);
            (problem.add_var(cost, (0.0, most)), problem.add_var(cost, (0.0, down)))
        })
        .collect();
    let sum = |entries: &[usize], sign: f64| -> Vec<(Variable, f64)> {
        entries
            .iter()
            .flat_map(|&entry| [(changes[entry].0, sign), (changes[entry].1, -sign)])
            .collect()
    };
    for (cell, entries) in &tables.cells {
        if withheld.contains(cell) || tables.cell_of[entries[0]] == *cell {
            continue;
        }
        let mut terms = sum(entries, 1.0);
        if !tables.totals.contains(cell) {
            let cost = price(tables.count(*cell), entries.len());
            let (up, down) = (
                problem.add_var(cost, (0.0, f64::INFINITY)),
                problem.add_var(cost, (0.0, f64::INFINITY)),
            );
            terms.extend([(up, -1.0), (down, 1.0)]);
        }
        problem.add_constraint(&terms, ComparisonOp::Eq, 0.0);
    }
    for (first, second) in &tables.links {
        let mut terms: BTreeMap<usize, (Variable, f64)> = BTreeMap::new();
        let both = sum(first, 1.0).into_iter().chain(sum(second, -1.0));
        both.for_each(|(variable, sign)| {
            terms.insert(variable.idx(), (variable, sign));
        });
        let terms: Vec<_> = terms.into_values().collect();
        problem.add_constraint(&terms, ComparisonOp::Eq, 0.0);
    }
    let now: f64 = demand.entries.iter().map(|&entry| tables.entries[entry] as f64).sum();
    let terms = sum(&demand.entries, 1.0);
    match demand.bound {
        Bound::AtMost(bound) => problem.add_constraint(&terms, ComparisonOp::Le, bound - now),
        Bound::AtLeast(bound) => problem.add_constraint(&terms, ComparisonOp::Ge, bound - now),
    }
    let solution = problem.solve().ok()?.into_solution().ok()?;
    let values = tables.entries.iter().zip(&changes).map(|(&count, &(up, down))| {
        count as f64 + solution.var_value(up) - solution.var_value(down)
    });
    Some(values.collect())
}

/// The cells whose value the change alters.
pub(crate) fn altered(tables: &Tables, values: &[f64]) -> BTreeSet<Cell> {
    let changed = |entries: &Vec<usize>| {
        let by: f64 =
            entries.iter().map(|&entry| values[entry] - tables.entries[entry] as f64).sum();
        by.abs() > NONE
    };
    tables.cells.iter().filter(|(_, entries)| changed(entries)).map(|(cell, _)| *cell).collect()
}

/// What a unit of change costs: a large count and a wide margin are dearer to lose.
fn price(count: u64, entries: usize) -> f64 {
    (1.0 + (1.0 + count as f64).ln()) * (entries as f64).sqrt()
}
