use std::collections::BTreeMap;

use microlp::OptimizationDirection;
use minster_model::{
    refinement::Refinements,
    table::{Pattern, TableSet},
};

use crate::{
    shared::{linked_tables, refusal::Refusal},
    suppressed::{
        cell_sums::{CellSum, cell_sums},
        equations::System,
        solve,
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
    check(set, patterns)?;
    let system = System::new(set, patterns, &Refinements::new(set));
    let mut all = Vec::new();
    for (number, (table, pattern)) in set.tables.iter().zip(patterns).enumerate() {
        let mut of_table = BTreeMap::new();
        for (cell, sums) in cell_sums(table, number, &system, &pattern.withheld) {
            of_table.insert(cell, between(&system, &sums)?);
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
    check(set, patterns)?;
    let (Some(of), Some(pattern)) = (set.tables.get(table), patterns.get(table)) else {
        return Ok(None);
    };
    if pattern.withheld.get(cell) != Some(&true) {
        return Ok(None);
    }
    let system = System::new(set, patterns, &Refinements::new(set));
    let asked: Vec<bool> = (0..of.cell_count()).map(|other| other == cell).collect();
    let sums = cell_sums(of, table, &system, &asked);
    sums.get(&cell).map(|sums| between(&system, sums)).transpose()
}

fn check(set: &TableSet, patterns: &[Pattern]) -> Result<(), Refusal> {
    let fits = set.tables.len() == patterns.len()
        && set.tables.iter().zip(patterns).all(|(t, p)| t.cell_count() == p.withheld.len());
    if fits { linked_tables::check(set) } else { Err(Refusal::Shape) }
}

fn between(system: &System, sums: &CellSum) -> Result<Interval, Refusal> {
    let extreme = |direction| -> Result<Option<u64>, Refusal> {
        let sum =
            solve::extreme(system, &sums.unknowns, direction).map_err(|_| Refusal::WorkUsedUp)?;
        Ok(sum.and_then(|sum| u64::try_from(sums.published + sum).ok()))
    };
    let low = extreme(OptimizationDirection::Minimize)?.unwrap_or_default();
    let high = extreme(OptimizationDirection::Maximize)?;
    Ok(Interval { low, high })
}
