//! Controlled rounding: each inner cell up or down to a multiple next to it, so that every margin, which is
//! their sum, is near its own true count, and tables agree where they share one.
//!
//! A small set is solved as an integer program (Cox 1989); a large one by a search that flips inner cells
//! from a start that is near, like Kelly, Golden & Assad's for tables of three dimensions (1990).

use std::collections::BTreeMap;

use microlp::{ComparisonOp, OptimizationDirection, Problem, SolveOptions, Variable};
use minster_model::cube::{Prices, TableSet};

use crate::{RoundingRefusal, balance, cells::Cells};

/// Up to so many inner cells that are not multiples, the integer program is tried first.
const SMALL: usize = 120;

/// Branch-and-bound nodes of the integer program: work is bounded by steps, not by seconds.
const NODES: u64 = 300;

/// What a margin further away than a multiple next to it costs, in bases.
const FAR: f64 = 1_000.0;

/// The inner cells that go up or down, and the sums that must be near.
pub(crate) struct Choices {
    pub(crate) base: i64,
    /// For each choice, how far its cell is above the multiple below: 1 to base − 1.
    pub(crate) above: Vec<i64>,
    /// For each choice, the sums that it is in, with its sign there.
    pub(crate) sums_of: Vec<Vec<(usize, i64)>>,
    pub(crate) sums: Vec<Sum>,
}

/// A margin, or the difference of two tables' sums over what they share.
pub(crate) struct Sum {
    pub(crate) choices: Vec<(usize, i64)>,
    /// A margin may be a base away; a difference is 0.
    pub(crate) is_margin: bool,
    pub(crate) table: usize,
}

/// The published numbers, and whether every margin is a multiple next to its count.
pub(crate) fn round(
    set: &TableSet,
    base: u64,
    attempt: u64,
) -> Result<(Vec<Vec<u64>>, bool), RoundingRefusal> {
    let cells = Cells::new(set, Prices::default());
    let (choices, at) = choices(&cells, base as i64);
    let small = choices.above.len() <= SMALL;
    let solved = small.then(|| solve(&choices, attempt)).flatten();
    let up = solved.unwrap_or_else(|| balance::search(&choices, attempt));
    let errors = choices.errors(&up);
    let far = |(sum, error): (&Sum, &i64)| {
        let bases = error.abs() / choices.base;
        bases > i64::from(sum.is_margin)
    };
    if let Some(place) = choices.sums.iter().zip(&errors).position(far) {
        let table = set.tables[choices.sums[place].table].name().to_owned();
        return Err(RoundingRefusal::DoesNotAddUp { table });
    }
    let adjacent = errors.iter().all(|error| error.abs() < choices.base);
    let mut published = Vec::new();
    for (number, table) in set.tables.iter().enumerate() {
        let mut of_table = vec![0; table.cell_count()];
        table.add_up(|inner, covering| {
            let up = at.get(&cells.number(number, covering[0])).is_some_and(|&choice| up[choice]);
            let rounded = table.inner()[inner] / base * base + if up { base } else { 0 };
            covering.iter().for_each(|&cell| of_table[cell] += rounded);
        });
        published.push(if table.standing().is_some() { Vec::new() } else { of_table });
    }
    Ok((published, adjacent))
}

impl Choices {
    /// How far each sum is from the truth.
    pub(crate) fn errors(&self, up: &[bool]) -> Vec<i64> {
        let error = |&(choice, sign): &(usize, i64)| sign * self.error(choice, up[choice]);
        self.sums.iter().map(|sum| sum.choices.iter().map(error).sum()).collect()
    }

    /// How far a choice's cell is from the truth.
    pub(crate) fn error(&self, choice: usize, up: bool) -> i64 {
        if up { self.base - self.above[choice] } else { -self.above[choice] }
    }
}

/// The choices of all tables that were not published before, and the choice of each cell that has one.
fn choices(cells: &Cells<'_>, base: i64) -> (Choices, BTreeMap<usize, usize>) {
    let is_new = |cell: usize| cells.set.tables[cells.place(cell).0].standing().is_none();
    let free = (0..cells.len())
        .filter(|&cell| cells.is_inner[cell] && is_new(cell) && cells.count[cell] % base != 0);
    let at: BTreeMap<usize, usize> =
        free.enumerate().map(|(choice, cell)| (cell, choice)).collect();
    let above = at.keys().map(|&cell| cells.count[cell] % base).collect();
    let mut below: Vec<Vec<usize>> = vec![Vec::new(); cells.len()];
    for (number, table) in cells.set.tables.iter().enumerate() {
        table.add_up(|_, covering| {
            if let Some(&choice) = at.get(&cells.number(number, covering[0])) {
                let covering = covering.iter().map(|&cell| cells.number(number, cell));
                covering.for_each(|cell| below[cell].push(choice));
            }
        });
    }
    let mut sums = Vec::new();
    for (cell, below) in below.iter().enumerate() {
        if !cells.is_inner[cell] && !below.is_empty() {
            let choices = below.iter().map(|&choice| (choice, 1)).collect();
            sums.push(Sum { choices, is_margin: true, table: cells.place(cell).0 });
        }
    }
    for relation in &cells.relations {
        let table = |&(cell, _): &(usize, f64)| cells.place(cell).0;
        let first = relation.terms.first().map(table).unwrap_or_default();
        let links = relation.terms.iter().any(|term| table(term) != first);
        if !links || !relation.terms.iter().all(|&(cell, _)| is_new(cell)) {
            continue;
        }
        let signed = |&(cell, sign): &(usize, f64)| {
            below[cell].iter().map(move |&choice| (choice, sign as i64))
        };
        let choices: Vec<_> = relation.terms.iter().flat_map(signed).collect();
        if !choices.is_empty() {
            sums.push(Sum { choices, is_margin: false, table: first });
        }
    }
    let mut sums_of = vec![Vec::new(); at.len()];
    for (number, sum) in sums.iter().enumerate() {
        sum.choices.iter().for_each(|&(choice, sign)| sums_of[choice].push((number, sign)));
    }
    (Choices { base, above, sums_of, sums }, at)
}

/// The nearest choice of all by an integer program, if its work suffices; margins that cannot be next to
/// their counts are as few as possible.
fn solve(choices: &Choices, attempt: u64) -> Option<Vec<bool>> {
    let base = choices.base;
    let mut dice = balance::Dice::new(attempt);
    let mut problem = Problem::new(OptimizationDirection::Minimize);
    let ups: Vec<Variable> = choices
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
    let solution = problem.solve_with(options).ok()?.into_solution().ok()?;
    Some(ups.iter().map(|&up| solution.var_value(up) > 0.5).collect())
}

#[cfg(test)]
mod tests {
    use minster_model::cube::{CountTable, Policy, Zeros};

    use super::*;
    use crate::made_up::flat;

    fn two_way(rows: usize, columns: usize) -> TableSet {
        let mut dice = balance::Dice::new(1);
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
