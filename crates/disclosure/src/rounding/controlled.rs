//! Controlled rounding: each inner cell up or down to a multiple next to it, so that every margin, which is
//! their sum, is near its own true count, and tables agree where they share one.
//!
//! A small set is solved as an integer program (Cox 1989); a large one by a search that flips inner cells
//! from a start that is near, like Kelly, Golden & Assad's for tables of three dimensions (1990).

use microlp::{ComparisonOp, OptimizationDirection, Problem, SolveOptions, Variable};
use minster_model::{IdVec, policy::Costs, table::TableSet};

use crate::{
    problem::cells::Cells,
    rounding::{
        choices::{ChoiceId, Choices, Sum, choices},
        controlled_search,
        refusal::RoundingRefusal,
    },
};

/// Up to so many inner cells that are not multiples, the integer program is tried first.
const SMALL: usize = 120;

/// Branch-and-bound nodes of the integer program: work is bounded by steps, not by seconds.
const NODES: u64 = 300;

/// The cost, in bases, of a margin further away than a multiple next to it.
const FAR: f64 = 1_000.0;

/// The published numbers, and whether every margin is a multiple next to its count.
pub(crate) fn round(
    set: &TableSet,
    base: u64,
    attempt: u64,
) -> Result<(Vec<Vec<u64>>, bool), RoundingRefusal> {
    let cells = Cells::new(set, Costs::default());
    let (choices, at) = choices(&cells, base as i64);
    let small = choices.above.len() <= SMALL;
    let solved = small.then(|| solve(&choices, attempt)).flatten();
    let up = solved.unwrap_or_else(|| controlled_search::search(&choices, attempt));
    let errors = choices.errors(&up);
    // The public rule says that margins are less than two bases off and that tables agree.
    let is_far = |(sum, error): &(&Sum, &i64)| {
        let bases = error.abs() / choices.base;
        bases > i64::from(sum.is_margin)
    };
    if let Some((sum, _)) = choices.sums.iter().zip(&errors).find(is_far) {
        let table = cells.tables[sum.table].name().to_owned();
        return Err(RoundingRefusal::DoesNotAddUp { table });
    }
    let adjacent = errors.iter().all(|error| error.abs() < choices.base);
    let mut published = Vec::new();
    for (number, table) in cells.tables.enumerate() {
        if table.published_pattern().is_some() {
            published.push(Vec::new());
            continue;
        }
        let rounded = |(inner, count): (usize, &u64)| {
            let up = at.get(&cells.number(number, inner)).is_some_and(|&choice| up[choice]);
            count / base * base + if up { base } else { 0 }
        };
        let inner: Vec<u64> =
            table.inner_cells().into_iter().zip(table.inner()).map(rounded).collect();
        // Margins are sums of the published inner cells, so that every table adds up.
        published.push(table.sums(&inner));
    }
    Ok((published, adjacent))
}

/// The nearest choice of all by an integer program, if its work suffices; margins that cannot be next to
/// their counts are as few as possible.
fn solve(choices: &Choices, attempt: u64) -> Option<IdVec<ChoiceId, bool>> {
    // A cell is off by `above` if it goes down and by base − above if it goes up: up costs the difference. The dice adds
    // less than two bases, so that another attempt finds another choice that is near.
    let base = choices.base;
    let mut dice = controlled_search::Dice::new(attempt);
    let mut problem = Problem::new(OptimizationDirection::Minimize);
    let ups: IdVec<ChoiceId, Variable> = choices
        .above
        .iter()
        .map(|above| {
            let other = if attempt == 0 { 0 } else { dice.below(2 * base as usize) };
            problem.add_binary_var((base - 2 * above + other as i64) as f64)
        })
        .collect();
    for sum in &choices.sums {
        let signed = sum.choices.iter().map(|&(choice, sign)| (ups[choice], sign as f64));
        let mut terms: Vec<(Variable, f64)> = signed.collect();
        let total: i64 = sum.choices.iter().map(|&(c, sign)| sign * choices.above[c]).sum();
        // A link has no error if base times the cells that go up (with signs) is the total. A margin may also go to the
        // multiple above, at the price of the difference, or one further either way as a last resort.
        if sum.is_margin {
            let above = total.rem_euclid(base);
            let up = if above == 0 { 0.0 } else { 1.0 };
            terms.push((problem.add_var((base - 2 * above) as f64, (0.0, up)), -1.0));
            let far = FAR * base as f64;
            terms.push((problem.add_var(far, (0.0, 1.0)), -1.0));
            terms.push((problem.add_var(far, (0.0, 1.0)), 1.0));
        }
        problem.add_constraint(&terms, ComparisonOp::Eq, total.div_euclid(base) as f64);
    }
    let mut options = SolveOptions::default();
    options.node_limit = Some(NODES);
    // A choice that is not proved the nearest will do: its errors are measured afterwards.
    let solution = problem.solve_with(options).ok()?.into_solution().ok()?;
    Some(ups.iter().map(|&up| solution.var_value(up) > 0.5).collect())
}

#[cfg(test)]
mod tests {
    use minster_model::{
        policy::{Policy, Zeros},
        table::CountTable,
    };

    use super::*;
    use crate::test_tables::flat;

    fn two_way(rows: usize, columns: usize) -> TableSet {
        let mut dice = controlled_search::Dice::new(1);
        let inner = (0..rows * columns)
            .map(|_| {
                let most = 1 + dice.below(40);
                dice.below(most) as u64
            })
            .collect();
        let dimensions = vec![flat("a", rows), flat("b", columns)];
        let table = CountTable::new("t", dimensions, inner, vec![]).unwrap();
        TableSet { tables: vec![table], policy: Policy::new(5, Zeros::Published) }
    }

    #[test]
    fn two_dimensions_always_round_to_what_is_next() {
        for (rows, columns) in [(3, 4), (8, 9), (20, 30), (40, 60), (3, 400)] {
            for base in [3, 5, 10] {
                let (_, adjacent) = round(&two_way(rows, columns), base, 0).unwrap();
                assert!(adjacent, "{rows} by {columns}, base {base}");
            }
        }
    }
}
