//! A whole-number program for a world within ranges, where moving single children finds none. The solver is
//! not trusted: what it finds is checked by adding up.

use std::collections::{BTreeMap, BTreeSet};

use microlp::{ComparisonOp, OptimizationDirection, Problem, SolveOptions, Variable};

use crate::{ranges::Range, shift::Sums, solve::Bound};

/// Inner cells that may differ from the truth: first a few, then more.
const NEAR: [usize; 2] = [150, 600];
/// Branch-and-bound nodes for each: work is bounded by steps, not by seconds.
const NODES: [u64; 2] = [2_000, 100];

/// The changes of the true counts in a world that meets the bound, if one was found.
pub(crate) fn solve(sums: &Sums, inner: &[usize], bound: Bound) -> Option<BTreeMap<usize, i64>> {
    let mut before = 0;
    for (near, nodes) in NEAR.into_iter().zip(NODES) {
        let near = around(sums, inner, near);
        if near.len() == before {
            break;
        }
        before = near.len();
        if let Some(changes) = attempt(sums, inner, bound, &near, nodes) {
            return Some(changes);
        }
    }
    None
}

/// The inner cells that share the shortest sums with these, and so on, up to a number of them.
fn around(sums: &Sums, inner: &[usize], most: usize) -> BTreeSet<usize> {
    let mut near: BTreeSet<usize> = inner.iter().copied().collect();
    let mut open: BTreeSet<(usize, usize)> = BTreeSet::new();
    let mut seen: BTreeSet<usize> = BTreeSet::new();
    let reach = |inner: usize, seen: &mut BTreeSet<usize>, open: &mut BTreeSet<_>| {
        for &(sum, _) in &sums.sums_of[inner] {
            if seen.insert(sum) {
                open.insert((sums.sums[sum].terms.len(), sum));
            }
        }
    };
    near.iter().for_each(|&inner| reach(inner, &mut seen, &mut open));
    while let Some((_, sum)) = open.pop_first() {
        for &(inner, _) in &sums.sums[sum].terms {
            if near.len() >= most {
                return near;
            }
            if near.insert(inner) {
                reach(inner, &mut seen, &mut open);
            }
        }
    }
    near
}

fn attempt(
    sums: &Sums,
    inner: &[usize],
    bound: Bound,
    near: &BTreeSet<usize>,
    nodes: u64,
) -> Option<BTreeMap<usize, i64>> {
    let mut problem = Problem::new(OptimizationDirection::Minimize);
    let whole = |count: i64| i32::try_from(count).unwrap_or(i32::MAX);
    let variables: BTreeMap<usize, Variable> = near
        .iter()
        .map(|&inner| {
            let Range { low, high } = sums.own[inner];
            let range = (whole(low.max(0)), whole(high));
            (inner, problem.add_integer_var(0.0, range))
        })
        .collect();
    let touched: BTreeSet<usize> =
        near.iter().flat_map(|&inner| &sums.sums_of[inner]).map(|&(sum, _)| sum).collect();
    for sum in touched {
        let sum = &sums.sums[sum];
        let mut fixed = 0;
        let mut terms: Vec<(Variable, f64)> = Vec::new();
        for &(inner, sign) in &sum.terms {
            match variables.get(&inner) {
                Some(&variable) => terms.push((variable, sign as f64)),
                None => fixed += sign * sums.truth[inner],
            }
        }
        let Range { low, high } = sum.range;
        let slack = problem.add_var(0.0, ((low - fixed) as f64, (high - fixed) as f64));
        terms.push((slack, -1.0));
        problem.add_constraint(&terms, ComparisonOp::Eq, 0.0);
    }
    let terms: Vec<_> = inner.iter().map(|inner| (variables[inner], 1.0)).collect();
    match bound {
        Bound::AtMost(most) => problem.add_constraint(&terms, ComparisonOp::Le, most as f64),
        Bound::AtLeast(least) => problem.add_constraint(&terms, ComparisonOp::Ge, least as f64),
    }
    let mut options = SolveOptions::default();
    options.node_limit = Some(nodes);
    let solution = problem.solve_with(options).ok()?.into_solution().ok()?;
    let change = |(&inner, &variable): (&usize, &Variable)| {
        (inner, solution.var_value(variable).round() as i64 - sums.truth[inner])
    };
    Some(variables.iter().map(change).filter(|(_, change)| *change != 0).collect())
}
