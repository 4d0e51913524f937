//! A whole-number program for a world within ranges, where moving single children finds none. The solver is
//! not trusted: adding up checks what it finds.

use std::collections::{BTreeMap, BTreeSet};

use microlp::{ComparisonOp, OptimizationDirection, Problem, SolveOptions, Variable};

use crate::{
    rounded::{
        local_search::{Changes, PlaceId, RangeSum, RangeSums, SumId},
        ranges::Range,
    },
    shared::bound::Bound,
};

/// Inner cells that may differ from the truth, and branch-and-bound nodes for them: first a few cells, then more. Work is
/// bounded by steps, not by seconds.
const ATTEMPTS: [(usize, u64); 2] = [(150, 2_000), (600, 100)];

/// The changes of the true counts in a world that meets the bound, if one was found.
pub(crate) fn solve(sums: &RangeSums, places: &[PlaceId], bound: Bound) -> Option<Changes> {
    let mut before = 0;
    for (most, nodes) in ATTEMPTS {
        let near = around(sums, places, most);
        // The same cells again: fewer nodes find no more.
        if near.len() == before {
            break;
        }
        before = near.len();
        if let Some(changes) = attempt(sums, places, bound, &near, nodes) {
            return Some(changes);
        }
    }
    None
}

/// The inner cells that share the shortest sums with these, and so on, up to a number of them.
fn around(sums: &RangeSums, places: &[PlaceId], most: usize) -> BTreeSet<PlaceId> {
    let mut near: BTreeSet<PlaceId> = places.iter().copied().collect();
    let mut reached = ReachedSums { sums, open: BTreeSet::new(), seen: BTreeSet::new() };
    near.iter().for_each(|&place| reached.add(place));
    while let Some((_, sum)) = reached.open.pop_first() {
        for &(place, _) in &sums.sums[sum].terms {
            if near.len() >= most {
                return near;
            }
            if near.insert(place) {
                reached.add(place);
            }
        }
    }
    near
}

/// The sums that inner cells are in.
struct ReachedSums<'a> {
    sums: &'a RangeSums,
    /// Those not looked at yet, by their lengths: in a short sum a change of one cell has few others to make up for it.
    open: BTreeSet<(usize, SumId)>,
    seen: BTreeSet<SumId>,
}

impl ReachedSums<'_> {
    fn add(&mut self, place: PlaceId) {
        for &(sum, _) in &self.sums.sums_of[place] {
            if self.seen.insert(sum) {
                self.open.insert((self.sums.sums[sum].terms.len(), sum));
            }
        }
    }
}

/// A program in which only the inner cells that are near may differ from the truth.
fn attempt(
    sums: &RangeSums,
    places: &[PlaceId],
    bound: Bound,
    near: &BTreeSet<PlaceId>,
    nodes: u64,
) -> Option<Changes> {
    let mut problem = Problem::new(OptimizationDirection::Minimize);
    let variables: BTreeMap<PlaceId, Variable> = near
        .iter()
        .map(|&place| {
            let Range { low, high } = sums.own[place];
            (place, problem.add_integer_var(0.0, (whole(low.max(0)), whole(high))))
        })
        .collect();
    // A sum of cells that all stay keeps its true value, which is within its range.
    let touched: BTreeSet<SumId> =
        near.iter().flat_map(|&place| &sums.sums_of[place]).map(|&(sum, _)| sum).collect();
    for sum in touched {
        let RangeSum { terms: of_sum, range } = &sums.sums[sum];
        let mut fixed = 0;
        let mut terms: Vec<(Variable, f64)> = Vec::new();
        for &(place, sign) in of_sum {
            match variables.get(&place) {
                Some(&variable) => terms.push((variable, sign as f64)),
                None => fixed += sign * sums.truth[place],
            }
        }
        // One equation with a slack for the range, where two inequalities would be two rows.
        let (low, high) = (range.low - fixed, range.high - fixed);
        let slack = problem.add_var(0.0, (low as f64, high as f64));
        terms.push((slack, -1.0));
        problem.add_constraint(&terms, ComparisonOp::Eq, 0.0);
    }
    // Without one of its cells the sum would be another: no world is found then.
    let terms: Vec<_> =
        places.iter().map(|place| Some((*variables.get(place)?, 1.0))).collect::<Option<_>>()?;
    match bound {
        Bound::AtMost(most) => problem.add_constraint(&terms, ComparisonOp::Le, most as f64),
        Bound::AtLeast(least) => problem.add_constraint(&terms, ComparisonOp::Ge, least as f64),
    }
    let mut options = SolveOptions::default();
    options.node_limit = Some(nodes);
    // Nothing costs anything: each world that meets the bound is as good, and the check says whether it is one.
    let solution = problem.solve_with(options).ok()?.into_solution().ok()?;
    let changes = variables.into_iter().map(|(place, variable)| {
        (place, solution.var_value(variable).round() as i64 - sums.truth[place])
    });
    Some(changes.filter(|(_, change)| *change != 0).collect())
}

/// The solver's bounds of whole numbers are 32 bits wide: no table counts more children.
fn whole(count: i64) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use minster_model::{
        policy::{Policy, Zeros},
        table::{CountTable, Hierarchy, TableSet},
    };

    use super::*;

    fn range(low: i64, high: i64) -> Range {
        Range { low, high }
    }

    /// 5 and 5 in a row, which count 10 to 12 together.
    fn sums() -> RangeSums {
        let leaves = ["1", "2"].map(str::to_owned);
        let dimension = Hierarchy::flat("a", "all", leaves).unwrap();
        let table = CountTable::new("t", vec![dimension], vec![5, 5], vec![]).unwrap();
        let set = TableSet { tables: vec![table], policy: Policy::new(5, Zeros::MayBeWithheld) };
        RangeSums::new(&set, &vec![vec![range(10, 12), range(0, 30), range(0, 30)].into()].into())
    }

    #[test]
    fn what_is_found_meets_the_bound_and_adds_up() {
        let sums = sums();
        for (inner, bound, meets) in [
            (vec![0], Bound::AtMost(1), (|first, _| first <= 1) as fn(i64, i64) -> bool),
            (vec![0], Bound::AtLeast(12), |first, _| first >= 12),
            (vec![0, 1], Bound::AtLeast(12), |first, second| first + second >= 12),
        ] {
            let places: Vec<PlaceId> = inner.into_iter().map(PlaceId).collect();
            let changes = solve(&sums, &places, bound).unwrap();
            let [first, second] =
                [0, 1].map(|place| 5 + changes.get(&PlaceId(place)).unwrap_or(&0));
            assert!(sums.fits(&changes) && meets(first, second), "{changes:?}");
        }
        assert_eq!(solve(&sums, &[PlaceId(0)], Bound::AtLeast(13)), None);
    }

    #[test]
    fn what_is_far_stays_as_it_is() {
        let sums = sums();
        let only = BTreeSet::from([PlaceId(0)]);
        let bounds = [Bound::AtLeast(7), Bound::AtLeast(8), Bound::AtMost(4)];
        let found = bounds.map(|bound| attempt(&sums, &[PlaceId(0)], bound, &only, 10));
        assert_eq!(found, [Some(BTreeMap::from([(PlaceId(0), 2)])), None, None]);
    }
}
