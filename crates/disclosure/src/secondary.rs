use minster_model::cube::{Pattern, Prices, TableSet, World};

use crate::{
    cells::{self, Cells},
    change::{self, Scope},
    demand::{self, Demand, Owner},
    near::Nearness,
    republish::republish,
    world::Worlds,
};

/// Rounds before giving up: each withholds at least one cell more.
const ROUNDS: usize = 60;

/// Inner cells looked at first for one demand: more is slower and withholds hardly less.
const NEAR: usize = 480;
/// The same where more than [`MANY`] ask.
const NEAR_OF_MANY: usize = 250;
/// From here on, small cells are many.
const MANY: usize = 1_000;
/// More small cells than this are not attempted: hardly anything would be left.
const TOO_MANY: usize = 5_000;

/// Why no pattern was found. Names tables and cells, never a count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Fewer children than the threshold in all.
    #[error("the whole table {table} is below the threshold")]
    GrandTotalBelowThreshold {
        /// The table.
        table: String,
    },
    /// A cell that is to be published whatever comes is below the threshold.
    #[error(
        "the table {table} is to publish a cell that is withheld for its own sake: cell {cell}"
    )]
    KeptAndWithheld {
        /// The table.
        table: String,
        /// The cell's number.
        cell: usize,
    },
    /// A cell that cannot be protected even by withholding everything but the totals.
    #[error("cell {cell} of the table {table} cannot be protected; use coarser dimensions")]
    Unprotectable {
        /// The table.
        table: String,
        /// The cell's number.
        cell: usize,
    },
    /// More small cells than can be protected within the work allowed.
    #[error("{primary} cells are below the threshold; use coarser dimensions")]
    TooFine {
        /// How many are small.
        primary: usize,
    },
    /// The rounds are used up.
    #[error("no pattern was found within the work allowed; use coarser dimensions")]
    WorkUsedUp,
}

/// What is withheld, and why that is enough.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suppression {
    /// One pattern a table.
    pub patterns: Vec<Pattern>,
    /// Proposed certificates: whoever releases has them checked.
    pub worlds: Vec<World>,
}

/// Withholds primary cells, then what is needed around them, then publishes again what is not.
pub fn suppress(set: &TableSet) -> Result<Suppression, Refusal> {
    suppress_with(set, Prices::default())
}

/// [`suppress`], at other prices than the usual ones.
pub fn suppress_with(set: &TableSet, prices: Prices) -> Result<Suppression, Refusal> {
    for table in &set.tables {
        let total: u64 = table.inner().iter().sum();
        if set.policy.is_small(total) {
            return Err(Refusal::GrandTotalBelowThreshold { table: cells::name(table) });
        }
    }
    let cells = Cells::new(set, prices);
    kept_and_withheld(&cells)?;
    let owners = demand::owners(&cells);
    let primary = (0..cells.len()).filter(|&cell| demand::is_primary(&cells, cell)).count();
    if primary > TOO_MANY {
        return Err(Refusal::TooFine { primary });
    }
    let mut withheld: Vec<bool> = (0..cells.len())
        .map(|cell| cells.stays_withheld[cell] || demand::is_primary(&cells, cell))
        .collect();
    let mut worlds = Worlds::default();
    cover(&cells, &owners, &mut withheld, &mut worlds)?;
    republish(&cells, &owners, &mut withheld, &mut worlds);
    Ok(Suppression { patterns: patterns(&cells, &withheld), worlds: proposals(&cells, &worlds) })
}

fn kept_and_withheld(cells: &Cells<'_>) -> Result<(), Refusal> {
    for (number, table) in cells.set.tables.iter().enumerate() {
        let of_own_sake = |cell: usize| {
            let number = cells.number(number, cell);
            cells.set.policy.is_small(cells.count[number].unsigned_abs())
                || cells.guarded.contains_key(&number)
        };
        let kept = table.kept().iter().filter(|_| table.standing().is_none());
        if let Some(&cell) = kept.into_iter().find(|&&cell| of_own_sake(cell)) {
            return Err(Refusal::KeptAndWithheld { table: cells::name(table), cell });
        }
    }
    Ok(())
}

/// Withholds more for the cells that the attack found open: another way round, and with more room.
pub fn widen(
    set: &TableSet,
    patterns_now: &[Pattern],
    failing: &[(usize, usize)],
) -> Result<Suppression, Refusal> {
    let cells = Cells::new(set, Prices::default());
    let owners = demand::owners(&cells);
    let mut withheld: Vec<bool> =
        patterns_now.iter().flat_map(|pattern| pattern.withheld.iter().copied()).collect();
    let before = count(&withheld);
    for owner in &owners {
        if !failing.contains(&cells.place(owner.cell())) {
            continue;
        }
        for mut demand in owner.demands(&cells, &withheld) {
            if demand.change > 0.0 {
                demand.change += set.policy.threshold as f64;
            }
            let found = change::cheapest(&cells, &withheld, &demand, Scope::Any, true);
            let changes = found.iter().flat_map(|world| world.changes());
            changes.for_each(|&(cell, _)| withheld[cell] = true);
        }
    }
    if count(&withheld) == before {
        return Err(Refusal::WorkUsedUp);
    }
    let mut worlds = Worlds::default();
    cover(&cells, &owners, &mut withheld, &mut worlds)?;
    Ok(Suppression { patterns: patterns(&cells, &withheld), worlds: proposals(&cells, &worlds) })
}

/// Withholds more until every demand is met by some world.
fn cover(
    cells: &Cells<'_>,
    owners: &[Owner],
    withheld: &mut [bool],
    worlds: &mut Worlds,
) -> Result<(), Refusal> {
    let near = if owners.len() > MANY { NEAR_OF_MANY } else { NEAR };
    let further = [near, 3 * near, 9 * near].map(|inner| Nearness::new(cells, inner));
    for _ in 0..ROUNDS {
        let before = count(withheld);
        for (owner, demand) in hardest_first(cells, owners, withheld) {
            if is_met(&demand, worlds) {
                continue;
            }
            let found = further
                .iter()
                .find_map(|nearness| {
                    let near = nearness.around(cells, &demand)?;
                    change::cheapest(cells, withheld, &demand, Scope::Near(&near), false)
                })
                .or_else(|| change::cheapest(cells, withheld, &demand, Scope::Any, false));
            let world = found.ok_or_else(|| {
                let (table, cell) = cells.place(owner.cell());
                Refusal::Unprotectable { table: cells::name(&cells.set.tables[table]), cell }
            })?;
            world.changes().iter().for_each(|&(cell, _)| withheld[cell] = true);
            worlds.add(world);
        }
        if count(withheld) == before {
            return Ok(());
        }
    }
    Err(Refusal::WorkUsedUp)
}

fn hardest_first(cells: &Cells<'_>, owners: &[Owner], withheld: &[bool]) -> Vec<(Owner, Demand)> {
    let demands = |&owner: &Owner| {
        owner.demands(cells, withheld).into_iter().map(move |demand| (owner, demand))
    };
    let mut all: Vec<_> = owners.iter().flat_map(demands).collect();
    all.sort_by(|(_, a), (_, b)| b.change.abs().total_cmp(&a.change.abs()));
    all
}

pub(crate) fn is_met(demand: &Demand, worlds: &Worlds) -> bool {
    demand.terms.iter().any(|&(cell, _)| worlds.altering(cell).any(|world| demand.is_met(world)))
}

fn count(withheld: &[bool]) -> usize {
    withheld.iter().filter(|withheld| **withheld).count()
}

fn patterns(cells: &Cells<'_>, withheld: &[bool]) -> Vec<Pattern> {
    let pattern = |(number, table): (usize, &minster_model::cube::CountTable)| Pattern {
        withheld: (0..table.cell_count())
            .map(|cell| withheld[cells.number(number, cell)])
            .collect(),
    };
    cells.set.tables.iter().enumerate().map(pattern).collect()
}

/// The worlds in whole numbers, as their inner counts.
fn proposals(cells: &Cells<'_>, worlds: &Worlds) -> Vec<World> {
    let whole = worlds.iter().filter(|world| world.is_whole());
    let counts = |world: &crate::world::World| {
        let inner = world.changes().iter().filter(|&&(cell, _)| cells.is_inner[cell]);
        inner
            .map(|&(cell, change)| {
                let (table, at) = cells.place(cell);
                let count = cells.count[cell] + change as i64;
                (table, cells.inner_number(table, at), u64::try_from(count).unwrap_or_default())
            })
            .collect()
    };
    whole.map(|world| World { counts: counts(world) }).collect()
}
