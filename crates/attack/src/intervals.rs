use std::collections::BTreeMap;

use microlp::OptimizationDirection;
use minster_model::cube::{Pattern, TableSet};

use crate::{
    Refusal, linked,
    promise::{self, Parts},
    solve,
    system::System,
};

/// What the published numbers and the policy say about a withheld cell: its *feasibility interval*.
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
    let fits = set.tables.len() == patterns.len()
        && set.tables.iter().zip(patterns).all(|(t, p)| t.cell_count() == p.withheld.len());
    if !fits {
        return Err(Refusal::Shape);
    }
    linked::check(set)?;
    let system = System::new(set, patterns);
    let least = set.policy.zeros.least_withheld();
    let mut all = Vec::new();
    for (number, (table, pattern)) in set.tables.iter().zip(patterns).enumerate() {
        let mut of_table = BTreeMap::new();
        for (cell, Parts { unknowns, published }) in
            promise::parts(table, number, &system, &pattern.withheld)
        {
            let extreme = |direction| -> Result<Option<u64>, Refusal> {
                let sum = solve::extreme(&system, least, &unknowns, direction)
                    .map_err(|_| Refusal::WorkUsedUp)?;
                Ok(sum.and_then(|sum| u64::try_from(published + sum).ok()))
            };
            let low = extreme(OptimizationDirection::Minimize)?.unwrap_or_default();
            let high = extreme(OptimizationDirection::Maximize)?;
            of_table.insert(cell, Interval { low, high });
        }
        all.push(of_table);
    }
    Ok(all)
}
