//! Clauses that every pattern must obey, and the cheapest choice of cells that obeys all that is known so far.

use microlp::{
    ComparisonOp, Error, OptimizationDirection, Problem, SolutionStatus, SolveOptions, Variable,
};

use minster_model::IdVec;

use crate::optimal::{
    cell_set::{CellSet, ComponentCellId},
    component::Component,
};

/// Some of `any` are withheld, or one of `unless` is not. None of these is withheld whatever comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Clause {
    pub(crate) any: Vec<ComponentCellId>,
    pub(crate) unless: Vec<ComponentCellId>,
}

impl Clause {
    /// Whether a pattern obeys it.
    pub(crate) fn is_obeyed(&self, withheld: &CellSet) -> bool {
        self.any.iter().any(|&cell| withheld.has(cell))
            || self.unless.iter().any(|&cell| !withheld.has(cell))
    }
}

/// The cheapest choice of cells, as far as a number of nodes settles it.
pub(crate) struct CellChoice {
    /// One that obeys all clauses and costs less than the best; none where none was found.
    pub(crate) withheld: Option<CellSet>,
    /// None that does costs less than this: infinite where there is none.
    pub(crate) bound: f64,
    /// Branch-and-bound nodes that it took.
    pub(crate) nodes: u64,
}

/// The cheapest pattern that obeys the clauses and costs less than a bound, if there is one.
pub(crate) fn cheapest(of: &Component, clauses: &[Clause], below: f64, nodes: u64) -> CellChoice {
    // Forced cells are no choice, and add the same to the cost of every pattern: once, at the end.
    let base = of.cost(&of.forced);
    let mut problem = Problem::new(OptimizationDirection::Minimize);
    let variables: IdVec<ComponentCellId, Option<Variable>> = of
        .ids()
        .map(|cell| (!of.forced.has(cell)).then(|| problem.add_binary_var(of.cost[cell])))
        .collect();
    for clause in clauses {
        // With 1 for a withheld cell the clause reads: the sum of `any`, and of 1 less each of `unless`, is 1 or more. The
        // ones go to the right-hand side.
        let any = clause.any.iter().map(|&cell| (cell, 1.0));
        let unless = clause.unless.iter().map(|&cell| (cell, -1.0));
        let terms = any.chain(unless).filter_map(|(cell, sign)| Some((variables[cell]?, sign)));
        let terms: Vec<(Variable, f64)> = terms.collect();
        problem.add_constraint(terms, ComparisonOp::Ge, 1.0 - clause.unless.len() as f64);
    }
    // Only a choice that is cheaper than the best pattern is of use. This row cuts off the search for any other.
    if below.is_finite() {
        let cost = |cell: ComponentCellId| Some((variables[cell]?, of.cost[cell]));
        let costs: Vec<(Variable, f64)> = of.ids().filter_map(cost).collect();
        problem.add_constraint(costs, ComparisonOp::Le, below - base);
    }
    let mut options = SolveOptions::default();
    options.node_limit = Some(nodes);
    let outcome = match problem.solve_with(options) {
        Ok(outcome) => outcome,
        Err(Error::Infeasible) => {
            return CellChoice { withheld: None, bound: f64::INFINITY, nodes: 1 };
        }
        // After a failure of the solver only the cost of the forced cells is sure.
        Err(_) => return CellChoice { withheld: None, bound: base, nodes },
    };
    let stats = outcome.stats();
    // The cost of a choice is a bound only if it is proved the cheapest. Otherwise the open branches give the bound.
    let bound = match outcome.solution() {
        Some(found) if found.status() == SolutionStatus::Optimal => found.objective(),
        _ => stats.best_bound.unwrap_or_default(),
    };
    let withheld = outcome.solution().map(|found| {
        let mut withheld = of.forced.clone();
        let is_chosen = |variable: Variable| found.var_value(variable) > 0.5;
        let free = of.free().filter(|&cell| variables[cell].is_some_and(is_chosen));
        free.for_each(|cell| withheld.put(cell));
        withheld
    });
    CellChoice { withheld, bound: bound + base, nodes: 1 + stats.nodes_solved }
}

#[cfg(test)]
mod tests {
    use minster_model::{CellId, IdVec};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_clause_is_obeyed_by_one_more_or_by_one_of_the_others_less() {
        let ids = |of: [usize; 2]| of.map(ComponentCellId).to_vec();
        let clause = Clause { any: ids([1, 2]), unless: ids([3, 4]) };
        let is_obeyed = |withheld: &[usize]| {
            let mut cell_set = CellSet::none(6);
            withheld.iter().for_each(|cell| cell_set.put(ComponentCellId(*cell)));
            clause.is_obeyed(&cell_set)
        };
        assert!(
            is_obeyed(&[1, 3, 4]) && is_obeyed(&[2, 3, 4]) && is_obeyed(&[3]) && is_obeyed(&[])
        );
        assert!(!is_obeyed(&[3, 4]) && !is_obeyed(&[0, 3, 4, 5]));
    }

    /// Cells of which nothing is asked; the first is forced.
    fn component(cost: Vec<f64>) -> Component {
        let cells = cost.len();
        let mut forced = CellSet::none(cells);
        forced.put(ComponentCellId(0));
        Component {
            cells: (0..cells).map(CellId).collect(),
            is_inner: vec![true; cells].into(),
            cost: cost.into(),
            floor: vec![None; cells].into(),
            known: vec![0; cells].into(),
            forced,
            relations: IdVec::new(),
            relations_of: vec![Vec::new(); cells].into(),
            requirements: Vec::new(),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]
        #[test]
        fn no_bound_is_above_what_is_possible(
            costs in prop::collection::vec(100..200u32, 14),
            clauses in prop::collection::vec(
                (prop::collection::btree_set(1..14usize, 2..4), prop::option::weighted(0.2, 1..14usize)),
                10..30,
            ),
        ) {
            let of = component(costs.iter().map(|cost| f64::from(*cost) / 100.0).collect());
            let clauses: Vec<Clause> = clauses
                .into_iter()
                .map(|(any, unless)| Clause {
                    unless: { unless.into_iter() }
                        .filter(|cell| !any.contains(cell))
                        .map(ComponentCellId)
                        .collect(),
                    any: any.into_iter().map(ComponentCellId).collect(),
                })
                .collect();
            let cell_set = |pattern: u32| {
                let mut cell_set = CellSet::none(14);
                (0..14)
                    .filter(|cell| pattern >> cell & 1 == 1)
                    .for_each(|cell| cell_set.put(ComponentCellId(cell)));
                cell_set
            };
            let obey = |withheld: &CellSet| clauses.iter().all(|clause| clause.is_obeyed(withheld));
            let all = (0..1 << 13).map(|pattern| cell_set(pattern << 1 | 1)).filter(obey);
            let least = all.map(|withheld| of.cost(&withheld)).fold(f64::INFINITY, f64::min);
            for nodes in [1, 2, 3, 5, 8, 13, 10_000] {
                let choice = cheapest(&of, &clauses, f64::INFINITY, nodes);
                prop_assert!(choice.bound <= least + 1e-6, "{} > {least} by {nodes}", choice.bound);
                if let Some(withheld) = choice.withheld {
                    prop_assert!(obey(&withheld) && of.cost(&withheld) >= least - 1e-6);
                }
            }
            let choice = cheapest(&of, &clauses, f64::INFINITY, 10_000);
            prop_assert!((choice.bound - least).abs() < 1e-6);
            let none = cheapest(&of, &clauses, least - 1e-3, 10_000);
            prop_assert!(none.withheld.is_none() && none.bound.is_infinite());
        }
    }
}
