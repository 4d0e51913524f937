use std::collections::BTreeMap;

use microlp::OptimizationDirection;
use minster_model::{
    TableId,
    refinement::Refinements,
    table::{Pattern, TableSet},
};

use crate::{
    shared::{
        id_slice::IdSlice,
        linked_tables,
        refusal::Refusal,
        typed::{TableCell, TypedPattern, TypedSet},
    },
    suppressed::{
        cell_sums::{AskedCells, CellSum},
        equations::System,
        solve::{self, WorkUsedUp},
    },
};

/// The *feasibility interval* of a withheld cell: the published numbers and the policy give it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interval {
    /// The least count in any world.
    pub low: u64,
    /// The greatest; none where nothing published bounds it.
    pub high: Option<u64>,
}

/// The feasibility interval of every withheld cell, by cell number, one map a table. Exact: two integer
/// programs a cell, so for reports and tests rather than for large releases.
///
/// # Errors
/// [`Refusal::Shape`], [`Refusal::Inconsistent`] and [`Refusal::Cyclic`] as [`verify`](crate::verify);
/// [`Refusal::WorkUsedUp`] where the steps allowed do not settle a cell.
pub fn intervals(
    set: &TableSet,
    patterns: &[Pattern],
) -> Result<Vec<BTreeMap<usize, Interval>>, Refusal> {
    let patterns = checked(set, patterns)?;
    let system = System::new(set, patterns, &Refinements::new(set));
    let mut all = Vec::new();
    for ((number, table), pattern) in set.by_table().enumerate().zip(patterns) {
        let mut asked = AskedCells::of(table);
        let withheld = pattern.by_cell().enumerate().filter(|(_, withheld)| **withheld);
        let cells: Vec<_> = withheld.map(|(cell, _)| (cell, asked.ask(cell))).collect();
        let sums = asked.sums(number, &system);
        let mut of_table = BTreeMap::new();
        for (cell, asked) in cells {
            of_table.insert(cell.0, between(&system, &sums[asked])?);
        }
        all.push(of_table);
    }
    Ok(all)
}

/// The feasibility interval of one withheld cell, as [`intervals`] has it; nothing where the cell is published.
///
/// # Errors
/// As [`intervals`].
pub fn interval(
    set: &TableSet,
    patterns: &[Pattern],
    table: usize,
    cell: usize,
) -> Result<Option<Interval>, Refusal> {
    let patterns = checked(set, patterns)?;
    let (number, cell) = (TableId(table), TableCell(cell));
    let (Some(table), Some(pattern)) = (set.by_table().find(number), patterns.find(number)) else {
        return Ok(None);
    };
    if pattern.by_cell().find(cell) != Some(&true) {
        return Ok(None);
    }
    let system = System::new(set, patterns, &Refinements::new(set));
    let mut asked = AskedCells::of(table);
    let one = asked.ask(cell);
    let sums = asked.sums(number, &system);
    between(&system, &sums[one]).map(Some)
}

/// The patterns by table, once they are seen to fit tables that can be attacked.
fn checked<'a>(
    set: &TableSet,
    patterns: &'a [Pattern],
) -> Result<IdSlice<'a, TableId, Pattern>, Refusal> {
    let fit = set.tables.len() == patterns.len()
        && set.tables.iter().zip(patterns).all(|(t, p)| t.cell_count() == p.withheld.len());
    if !fit {
        return Err(Refusal::Shape);
    }
    linked_tables::check(set)?;
    Ok(IdSlice::new(patterns))
}

/// Between which counts a cell lies: what is published of it, and the least and the most of its unknowns together.
fn between(system: &System, sum: &CellSum) -> Result<Interval, Refusal> {
    let low = extreme(system, sum, OptimizationDirection::Minimize)?;
    let high = extreme(system, sum, OptimizationDirection::Maximize)?;
    // No unknown is below 0, so that there is a least: to say 0 for one that was not found would be a guess.
    Ok(Interval { low: low.ok_or(Refusal::WorkUsedUp)?, high })
}

fn extreme(
    system: &System,
    sum: &CellSum,
    direction: OptimizationDirection,
) -> Result<Option<u64>, Refusal> {
    let found = solve::extreme(system, &sum.unknowns, direction)
        .map_err(|WorkUsedUp| Refusal::WorkUsedUp)?;
    Ok(found.and_then(|found| u64::try_from(sum.published + found).ok()))
}
