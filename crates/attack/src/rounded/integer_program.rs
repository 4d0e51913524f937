//! A whole-number program for a world within ranges, where moving single children finds none. The solver is
//! not trusted: adding up checks what it finds.

use std::collections::{BTreeMap, BTreeSet};

use microlp::{ComparisonOp, OptimizationDirection, Problem, SolveOptions, Variable};

use crate::{
    rounded::{local_search::RangeSums, ranges::Range},
    shared::bound::Bound,
};

/// Inner cells that may differ from the truth: first a few, then more.
const NEAR: [usize; 2] = [150, 600];
/// Branch-and-bound nodes for each: work is bounded by steps, not by seconds.
const NODES: [u64; 2] = [2_000, 100];

/// The changes of the true counts in a world that meets the bound, if one was found.
pub(crate) fn solve(
    sums: &RangeSums,
    inner: &[usize],
    bound: Bound,
) -> Option<BTreeMap<usize, i64>> {
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
fn around(sums: &RangeSums, inner: &[usize], most: usize) -> BTreeSet<usize> {
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
    sums: &RangeSums,
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

#[cfg(test)]
mod tests {
    use minster_model::{
        policy::{Policy, Zeros},
        table::{CountTable, Hierarchy, TableSet},
    };

    use super::*;

    /// 5 and 5 in a row, which count 10 to 12 together.
    fn sums() -> RangeSums {
        let leaves = ["1", "2"].map(str::to_owned);
        let dimension = Hierarchy::flat("a", "all", leaves).unwrap();
        let table = CountTable::new("t", vec![dimension], vec![5, 5], vec![]).unwrap();
        let set = TableSet { tables: vec![table], policy: Policy::new(5, Zeros::MayBeWithheld) };
        let range = |low, high| Range { low, high };
        RangeSums::new(&set, &[vec![range(10, 12), range(0, 30), range(0, 30)]])
    }

    #[test]
    fn what_is_found_meets_the_bound_and_adds_up() {
        let sums = sums();
        for (inner, bound, meets) in [
            (vec![0], Bound::AtMost(1), (|first, _| first <= 1) as fn(i64, i64) -> bool),
            (vec![0], Bound::AtLeast(12), |first, _| first >= 12),
            (vec![0, 1], Bound::AtLeast(12), |first, second| first + second >= 12),
        ] {
            let changes = solve(&sums, &inner, bound).unwrap();
            let at = |place: usize| 5 + changes.get(&place).copied().unwrap_or_default();
            assert!(sums.fits(&changes) && meets(at(0), at(1)), "{changes:?}");
        }
        assert_eq!(solve(&sums, &[0], Bound::AtLeast(13)), None);
    }

    #[test]
    fn what_is_far_stays_as_it_is() {
        let sums = sums();
        let only = BTreeSet::from([0]);
        let found = |bound| attempt(&sums, &[0], bound, &only, 10);
        assert_eq!(found(Bound::AtLeast(7)), Some(BTreeMap::from([(0, 2)])));
        assert_eq!(found(Bound::AtLeast(8)), None);
        assert_eq!(found(Bound::AtMost(4)), None);
    }
}
