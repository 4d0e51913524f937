//! Finds a world that meets a requirement. The solver is not trusted: its answer is rounded to whole
//! numbers and checked by adding up.

use std::collections::BTreeMap;

use microlp::{
    ComparisonOp, OptimizationDirection, Problem, SolutionStatus, SolveOptions, Variable,
};

use crate::{
    shared::bound::Bound,
    suppressed::equations::{Equation, System},
};

/// Branch-and-bound nodes of one search: work is bounded by steps, not by seconds.
const NODES: u64 = 2_000;

/// A sum of unknowns that a world must have.
#[derive(Debug, Clone)]
pub(crate) struct RequiredSum {
    pub(crate) unknowns: Vec<usize>,
    pub(crate) bound: Bound,
}

/// Values of the unknowns of every component that the requirement touches, if some whole ones were found.
/// A requirement is met by the least total, so that the problem is bounded.
///
/// `range` says of an unknown how little it can be and, where whoever asks knows more than that, how much.
pub(crate) fn solve(
    system: &System,
    required: &RequiredSum,
    range: Range<'_>,
) -> Option<BTreeMap<usize, u64>> {
    let (inside, equations) = system.around(&required.unknowns);
    attempt(range, required, (&inside, &equations), false)
        .or_else(|| attempt(range, required, (&inside, &equations), true))
}

/// Between which values an unknown lies for someone.
pub(crate) type Range<'a> = &'a dyn Fn(usize) -> (u64, Option<u64>);

/// The least or greatest whole sum of the unknowns that fits; none where it has no bound.
pub(crate) fn extreme(
    system: &System,
    unknowns: &[usize],
    direction: OptimizationDirection,
) -> Result<Option<i64>, WorkUsedUp> {
    let (inside, equations) = system.around(unknowns);
    let mut problem = Problem::new(direction);
    let mut variables: BTreeMap<usize, Variable> = BTreeMap::new();
    for unknown in inside {
        let coefficient = if unknowns.contains(&unknown) { 1.0 } else { 0.0 };
        let range = (i32::try_from(system.least(unknown)).unwrap_or(i32::MAX), i32::MAX);
        variables.insert(unknown, problem.add_integer_var(coefficient, range));
    }
    add_equations(&mut problem, &equations, &variables);
    let mut options = SolveOptions::default();
    options.node_limit = Some(NODES);
    // At the solver's own largest number there is no bound; the truth fits, so there is a solution.
    let whole = |sum: f64| (sum < f64::from(i32::MAX) / 2.0).then_some(sum.round() as i64);
    match problem.solve_with(options) {
        Ok(outcome) => match outcome.into_solution() {
            Ok(solution) if solution.status() == SolutionStatus::Optimal => {
                Ok(whole(solution.objective()))
            }
            _ => Err(WorkUsedUp),
        },
        Err(microlp::Error::Unbounded) => Ok(None),
        Err(_) => Err(WorkUsedUp),
    }
}

/// The steps allowed were not enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WorkUsedUp;

fn add_equations(
    problem: &mut Problem,
    equations: &[&Equation],
    variables: &BTreeMap<usize, Variable>,
) {
    for equation in equations {
        let terms: Vec<_> = equation
            .terms
            .iter()
            .map(|&(unknown, sign)| (variables[&unknown], sign as f64))
            .collect();
        problem.add_constraint(&terms, ComparisonOp::Eq, equation.is as f64);
    }
}

fn attempt(
    range: Range<'_>,
    required: &RequiredSum,
    (inside, equations): (&[usize], &[&Equation]),
    whole: bool,
) -> Option<BTreeMap<usize, u64>> {
    let mut problem = Problem::new(OptimizationDirection::Minimize);
    let variables: BTreeMap<usize, Variable> = inside
        .iter()
        .map(|&unknown| {
            let (least, most) = range(unknown);
            let variable = match whole {
                true => {
                    let bound = |count: u64| i32::try_from(count).unwrap_or(i32::MAX);
                    problem.add_integer_var(1.0, (bound(least), most.map_or(i32::MAX, bound)))
                }
                false => {
                    let most = most.map_or(f64::INFINITY, |most| most as f64);
                    problem.add_var(1.0, (least as f64, most))
                }
            };
            (unknown, variable)
        })
        .collect();
    add_equations(&mut problem, equations, &variables);
    let terms: Vec<_> = required.unknowns.iter().map(|unknown| (variables[unknown], 1.0)).collect();
    match required.bound {
        Bound::AtMost(bound) => problem.add_constraint(&terms, ComparisonOp::Le, bound as f64),
        Bound::AtLeast(bound) => problem.add_constraint(&terms, ComparisonOp::Ge, bound as f64),
    }
    let mut options = SolveOptions::default();
    options.node_limit = Some(NODES);
    let solution = problem.solve_with(options).ok()?.into_solution().ok()?;
    let values: BTreeMap<usize, u64> = variables
        .iter()
        .map(|(&unknown, &variable)| {
            (unknown, solution.var_value(variable).round().max(0.0) as u64)
        })
        .collect();
    holds(equations, range, required, &values).then_some(values)
}

fn holds(
    equations: &[&Equation],
    range: Range<'_>,
    required: &RequiredSum,
    values: &BTreeMap<usize, u64>,
) -> bool {
    let sum: i64 = required.unknowns.iter().map(|unknown| values[unknown] as i64).sum();
    let reached = match required.bound {
        Bound::AtMost(bound) => sum <= bound,
        Bound::AtLeast(bound) => sum >= bound,
    };
    let equations = equations.iter().all(|equation| {
        let terms = equation.terms.iter();
        terms.map(|(unknown, sign)| sign * values[unknown] as i64).sum::<i64>() == equation.is
    });
    let within = |(&unknown, &value): (&usize, &u64)| {
        let (least, most) = range(unknown);
        value >= least && most.is_none_or(|most| value <= most)
    };
    reached && equations && values.iter().all(within)
}
