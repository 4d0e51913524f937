//! Finds a world that meets a requirement. The solver is not trusted: its answer is rounded to whole
//! numbers and checked by adding up.

use std::collections::BTreeMap;

use microlp::{
    ComparisonOp, OptimizationDirection, Problem, SolutionStatus, SolveOptions, Variable,
};

use crate::{
    shared::bound::Bound,
    suppressed::equations::{Equation, System, Term, UnknownId},
};

/// Branch-and-bound nodes of one search: work is bounded by steps, not by seconds.
const NODES: u64 = 2_000;

/// A sum of unknowns that a world must have.
#[derive(Debug, Clone)]
pub(crate) struct RequiredSum {
    pub(crate) unknowns: Vec<UnknownId>,
    pub(crate) bound: Bound,
}

impl RequiredSum {
    /// None of no unknowns: no world has their sum other than the truth has it.
    pub(crate) fn new(unknowns: &[UnknownId], bound: Bound) -> Option<Self> {
        (!unknowns.is_empty()).then(|| Self { unknowns: unknowns.to_vec(), bound })
    }

    fn terms(&self) -> impl Iterator<Item = Term> {
        self.unknowns.iter().map(|&unknown| (unknown, 1))
    }
}

/// Values of the unknowns of every component that the requirement touches, if some whole ones were found.
/// A requirement is met by the least total, so that the problem is bounded.
///
/// `range` says of an unknown how little it can be and, where whoever asks knows more than that, how much.
pub(crate) fn solve(
    system: &System,
    required: &RequiredSum,
    range: Range<'_>,
) -> Option<BTreeMap<UnknownId, u64>> {
    let (inside, equations) = system.around(&required.unknowns);
    // Fractions first: that needs no branching, and in many tables the corners that it finds are whole.
    attempt(range, required, (&inside, &equations), Numbers::Fractions)
        .or_else(|| attempt(range, required, (&inside, &equations), Numbers::Whole))
}

/// Between which values an unknown lies for someone.
pub(crate) type Range<'a> = &'a dyn Fn(UnknownId) -> (u64, Option<u64>);

/// Which numbers a program may give to unknowns.
#[derive(Clone, Copy)]
enum Numbers {
    Fractions,
    Whole,
}

/// The least or greatest whole sum of the unknowns that fits; none where it has no bound.
pub(crate) fn extreme(
    system: &System,
    unknowns: &[UnknownId],
    direction: OptimizationDirection,
) -> Result<Option<i64>, WorkUsedUp> {
    let (inside, equations) = system.around(unknowns);
    let mut problem = Problem::new(direction);
    let mut variables: BTreeMap<UnknownId, Variable> = BTreeMap::new();
    for unknown in inside {
        let coefficient = if unknowns.contains(&unknown) { 1.0 } else { 0.0 };
        let range = (whole(system.least(unknown)), i32::MAX);
        variables.insert(unknown, problem.add_integer_var(coefficient, range));
    }
    add_equations(&mut problem, &equations, &variables).ok_or(WorkUsedUp)?;
    // An interval is exact or none: one that is not known to be the best is no bound of what an attacker can tell.
    match problem.solve_with(options()) {
        Ok(outcome) => match outcome.into_solution() {
            Ok(solution) if solution.status() == SolutionStatus::Optimal => {
                Ok(bounded(solution.objective()))
            }
            _ => Err(WorkUsedUp),
        },
        Err(microlp::Error::Unbounded) => Ok(None),
        Err(_) => Err(WorkUsedUp),
    }
}

/// A sum as a whole number; none where there is no bound, which the solver says by its own largest number. The truth
/// fits, so there is a solution.
fn bounded(sum: f64) -> Option<i64> {
    (sum < f64::from(i32::MAX) / 2.0).then_some(sum.round() as i64)
}

/// The steps allowed were not enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WorkUsedUp;

fn options() -> SolveOptions {
    let mut options = SolveOptions::default();
    options.node_limit = Some(NODES);
    options
}

/// The solver's bounds of whole numbers are 32 bits wide: no table counts more children.
fn whole(count: u64) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

/// None where an equation has an unknown without a variable: a program without the equation would let worlds pass
/// that are none.
fn add_equations(
    problem: &mut Problem,
    equations: &[&Equation],
    variables: &BTreeMap<UnknownId, Variable>,
) -> Option<()> {
    for equation in equations {
        let terms = terms(equation.terms(), variables)?;
        problem.add_constraint(&terms, ComparisonOp::Eq, equation.is as f64);
    }
    Some(())
}

/// A sum of unknowns as one of variables.
fn terms(
    of: impl Iterator<Item = Term>,
    variables: &BTreeMap<UnknownId, Variable>,
) -> Option<Vec<(Variable, f64)>> {
    of.map(|(unknown, sign)| Some((*variables.get(&unknown)?, sign as f64))).collect()
}

fn attempt(
    range: Range<'_>,
    required: &RequiredSum,
    (inside, equations): (&[UnknownId], &[&Equation]),
    numbers: Numbers,
) -> Option<BTreeMap<UnknownId, u64>> {
    let mut problem = Problem::new(OptimizationDirection::Minimize);
    let variables: BTreeMap<UnknownId, Variable> = inside
        .iter()
        .map(|&unknown| {
            let (least, most) = range(unknown);
            let variable = match numbers {
                Numbers::Whole => {
                    let most = most.map_or(i32::MAX, whole);
                    problem.add_integer_var(1.0, (whole(least), most))
                }
                Numbers::Fractions => {
                    let most = most.map_or(f64::INFINITY, |most| most as f64);
                    problem.add_var(1.0, (least as f64, most))
                }
            };
            (unknown, variable)
        })
        .collect();
    add_equations(&mut problem, equations, &variables)?;
    let terms = terms(required.terms(), &variables)?;
    match required.bound {
        Bound::AtMost(bound) => problem.add_constraint(&terms, ComparisonOp::Le, bound as f64),
        Bound::AtLeast(bound) => problem.add_constraint(&terms, ComparisonOp::Ge, bound as f64),
    }
    // Any solution will do, the best or not: it is a proposal, and what makes it a world is the check.
    let solution = problem.solve_with(options()).ok()?.into_solution().ok()?;
    let values: BTreeMap<UnknownId, u64> = variables
        .iter()
        .map(|(&unknown, &variable)| {
            (unknown, solution.var_value(variable).round().max(0.0) as u64)
        })
        .collect();
    holds(equations, range, required, &values).then_some(values)
}

/// Whether whole values meet the requirement and fit: the solver works with fractions, and rounding may break either.
fn holds(
    equations: &[&Equation],
    range: Range<'_>,
    required: &RequiredSum,
    values: &BTreeMap<UnknownId, u64>,
) -> bool {
    let mut all = values.iter();
    sum_of(required.terms(), values).is_some_and(|sum| required.bound.is_met(sum))
        && equations.iter().all(|of| sum_of(of.terms(), values) == Some(of.is))
        && all.all(|(&unknown, &value)| {
            let (least, most) = range(unknown);
            value >= least && most.is_none_or(|most| value <= most)
        })
}

/// The sum of these values; none where one of them is missing, so that it is like no other.
fn sum_of(terms: impl Iterator<Item = Term>, values: &BTreeMap<UnknownId, u64>) -> Option<i64> {
    terms.map(|(unknown, sign)| Some(sign * *values.get(&unknown)? as i64)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_with_a_value_that_is_missing_is_like_no_other() {
        let values = BTreeMap::from([(UnknownId(0), 3), (UnknownId(1), 4)]);
        let known = [(UnknownId(0), 1), (UnknownId(1), -1)];
        let unknown = [(UnknownId(0), 1), (UnknownId(2), 1)];
        let sums = [known, unknown].map(|terms| sum_of(terms.into_iter(), &values));
        assert_eq!(sums, [Some(-1), None]);
    }

    #[test]
    fn no_program_lacks_an_equation() {
        let mut problem = Problem::new(OptimizationDirection::Minimize);
        let variables = BTreeMap::from([(UnknownId(0), problem.add_var(1.0, (0.0, 9.0)))]);
        let known = Equation::new([(UnknownId(0), 1)], 5).unwrap();
        let unknown = Equation::new([(UnknownId(0), 1), (UnknownId(1), 1)], 5).unwrap();
        assert_eq!(add_equations(&mut problem, &[&known], &variables), Some(()));
        assert_eq!(add_equations(&mut problem, &[&known, &unknown], &variables), None);
    }
}
