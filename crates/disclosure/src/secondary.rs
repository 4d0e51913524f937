use std::collections::BTreeSet;

use minster_model::cube::{Pattern, TableSet};

use crate::{
    change::{self, Bound, Demand},
    tables::{Cell, Tables},
};

/// Rounds before giving up: each withholds at least one cell more.
const ROUNDS: usize = 60;

/// Why no pattern was found. Names tables and cells, never a count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Fewer children than the threshold in all.
    #[error("the whole table {table} is below the threshold")]
    GrandTotalBelowThreshold {
        /// The table.
        table: String,
    },
    /// A cell that cannot be protected even by withholding everything but the totals.
    #[error("cell {cell} of the table {table} cannot be protected; use coarser dimensions")]
    Unprotectable {
        /// The table.
        table: String,
        /// The cell's number.
        cell: usize,
    },
    /// The rounds are used up.
    #[error("no pattern was found within the work allowed; use coarser dimensions")]
    WorkUsedUp,
}

/// Withholds primary cells, and what is needed around them.
pub fn suppress(set: &TableSet) -> Result<Vec<Pattern>, Refusal> {
    let tables = Tables::new(set);
    let threshold = set.policy.threshold;
    for (number, table) in set.tables.iter().enumerate() {
        let total: u64 = table.inner().iter().sum();
        if (1..threshold).contains(&total) {
            let table = set.tables[number].name().to_owned();
            return Err(Refusal::GrandTotalBelowThreshold { table });
        }
    }
    let small = |cell: &Cell| (1..threshold).contains(&tables.count(*cell));
    let withheld = tables.cells.keys().copied().filter(small).collect();
    protect(set, &tables, withheld).map(|withheld| patterns(set, &withheld))
}

/// Withholds more for the cells that the attack found open: another way round, and with more room.
pub fn widen(
    set: &TableSet,
    patterns_now: &[Pattern],
    failing: &[Cell],
) -> Result<Vec<Pattern>, Refusal> {
    let tables = Tables::new(set);
    let mut withheld: BTreeSet<Cell> = tables
        .cells
        .keys()
        .copied()
        .filter(|&(table, cell)| patterns_now[table].withheld[cell])
        .collect();
    let before = withheld.len();
    let room = set.policy.threshold as f64;
    for mut demand in demands(set, &tables, &withheld) {
        if !failing.contains(&demand.cell) {
            continue;
        }
        if let Bound::AtLeast(bound) = &mut demand.bound {
            *bound += room;
        }
        let found = change::cheapest(&tables, set.policy, &withheld, &demand, true);
        if let Some(values) = found {
            withheld.extend(change::altered(&tables, &values));
        }
    }
    if withheld.len() == before {
        return Err(Refusal::WorkUsedUp);
    }
    protect(set, &tables, withheld).map(|withheld| patterns(set, &withheld))
}

fn protect(
    set: &TableSet,
    tables: &Tables,
    mut withheld: BTreeSet<Cell>,
) -> Result<BTreeSet<Cell>, Refusal> {
    let mut known: Vec<Vec<f64>> = Vec::new();
    for _ in 0..ROUNDS {
        let before = withheld.len();
        for demand in demands(set, tables, &withheld) {
            if known.iter().any(|values| demand.is_met(values)) {
                continue;
            }
            let values = change::cheapest(tables, set.policy, &withheld, &demand, false)
                .ok_or_else(|| Refusal::Unprotectable {
                    table: set.tables[demand.cell.0].name().to_owned(),
                    cell: demand.cell.1,
                })?;
            withheld.extend(change::altered(tables, &values));
            known.push(values);
        }
        if withheld.len() == before {
            return Ok(withheld);
        }
    }
    Err(Refusal::WorkUsedUp)
}

/// What each primary cell and each sensitive group must be able to be.
fn demands(set: &TableSet, tables: &Tables, withheld: &BTreeSet<Cell>) -> Vec<Demand> {
    let threshold = set.policy.threshold;
    let least = set.policy.zeros.least_withheld();
    let mut demands = Vec::new();
    for (&cell, entries) in &tables.cells {
        let count = tables.count(cell);
        if !(1..threshold).contains(&count) {
            continue;
        }
        let low: u64 = entries
            .iter()
            .map(|&entry| match withheld.contains(&tables.cell_of[entry]) {
                true => least,
                false => tables.entries[entry],
            })
            .sum();
        let high = threshold.max(low + threshold - 1);
        let entries = entries.clone();
        demands.push(Demand { entries: entries.clone(), bound: Bound::AtMost(low as f64), cell });
        demands.push(Demand { entries, bound: Bound::AtLeast(high as f64), cell });
    }
    demands.extend(classes(set, tables));
    demands.retain(|demand| {
        let now: u64 = demand.entries.iter().map(|&entry| tables.entries[entry]).sum();
        match demand.bound {
            Bound::AtMost(bound) => now as f64 > bound,
            Bound::AtLeast(bound) => (now as f64) < bound,
        }
    });
    demands
}

/// Groups nearly all of whom share a sensitive category: enough must be able to be outside it.
fn classes(set: &TableSet, tables: &Tables) -> Vec<Demand> {
    let mut demands = Vec::new();
    for (number, table) in set.tables.iter().enumerate() {
        for sensitive in table.sensitive() {
            let dimension = &table.dimensions()[sensitive.dimension];
            for cell in 0..table.cell_count() {
                let mut nodes = table.coordinates(cell);
                let category = nodes[sensitive.dimension];
                if !sensitive.categories.contains(&category) || tables.count((number, cell)) == 0 {
                    continue;
                }
                while let Some(parent) = dimension.parent(nodes[sensitive.dimension]) {
                    nodes[sensitive.dimension] = parent;
                }
                let group = &tables.cells[&(number, table.cell(&nodes))];
                let inside = &tables.cells[&(number, cell)];
                let rest: Vec<usize> =
                    group.iter().copied().filter(|entry| !inside.contains(entry)).collect();
                if !rest.is_empty() {
                    let bound = Bound::AtLeast(set.policy.threshold as f64);
                    demands.push(Demand { entries: rest, bound, cell: (number, cell) });
                }
            }
        }
    }
    demands
}

fn patterns(set: &TableSet, withheld: &BTreeSet<Cell>) -> Vec<Pattern> {
    let pattern = |(number, table): (usize, &minster_model::cube::CountTable)| Pattern {
        withheld: (0..table.cell_count()).map(|cell| withheld.contains(&(number, cell))).collect(),
    };
    set.tables.iter().enumerate().map(pattern).collect()
}
