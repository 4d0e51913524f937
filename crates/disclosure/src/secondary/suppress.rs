use minster_model::{
    policy::Prices,
    table::{Pattern, TableSet, World},
};

use crate::{
    optimal::{self, Effort, Optimum},
    problem::{
        cells::{self, Cells},
        demand::{self, Owner},
        sparsity::hopeless,
        world::Worlds,
    },
    refusal::Refusal,
    secondary::{
        cover::{Search, count, cover},
        improve::reroute,
        neighbourhood::{Nearness, Ranks},
        unsuppress::{publish_in_hope, republish},
    },
};

/// Demands are met anew, in the light of each other, where no more than this many small cells ask.
const REROUTED: usize = 1_000;

/// Inner cells looked at first for another way round.
const NEAR: usize = 480;
/// Cells that are withheld already cost this where another way round is sought: as much as others, and
/// more where that leads nowhere else.
const DEAR: [f64; 3] = [1.0, 4.0, 16.0];

/// The cells that are withheld, and why that is enough.
#[derive(Debug, Clone, PartialEq)]
pub struct Suppression {
    /// One pattern a table.
    pub patterns: Vec<Pattern>,
    /// Proposed certificates: whoever releases has them checked.
    pub worlds: Vec<World>,
    /// How far from the cheapest each component is in which anyone asks anything, the smallest first. Tells of
    /// counts: not for the public. Nothing after [`widen`], and where holders are declared.
    pub optima: Vec<Optimum>,
}

/// Withholds primary cells, then what is needed around them, then publishes again what is not.
pub fn suppress(set: &TableSet) -> Result<Suppression, Refusal> {
    suppress_with(set, Prices::default())
}

/// [`suppress`], at other prices than the usual ones.
pub fn suppress_with(set: &TableSet, prices: Prices) -> Result<Suppression, Refusal> {
    suppress_at(set, prices, Effort::default())
}

/// [`suppress_with`], with more or less work on small components than usual.
pub fn suppress_at(set: &TableSet, prices: Prices, effort: Effort) -> Result<Suppression, Refusal> {
    for table in &set.tables {
        let total: u64 = table.inner().iter().sum();
        if set.policy.is_small(total) {
            return Err(Refusal::GrandTotalBelowThreshold { table: cells::name(table) });
        }
    }
    if let Some(crowded) = hopeless(set) {
        return Err(Refusal::Crowded(Box::new(crowded)));
    }
    let cells = Cells::new(set, prices);
    kept_and_withheld(&cells)?;
    published_to_holders(&cells)?;
    let owners = demand::owners(&cells);
    let mut withheld: Vec<bool> = (0..cells.len())
        .map(|cell| cells.stays_withheld[cell] || demand::is_primary(&cells, cell))
        .collect();
    let mut worlds = Worlds::new(cells.len());
    let ranks = Ranks::new(&cells);
    let mut search = Search::new(&cells, &ranks);
    cover(&cells, &owners, &mut withheld, &mut worlds, &mut search)?;
    if owners.len() <= REROUTED {
        reroute(&cells, &owners, &mut withheld, &mut worlds, &mut search);
    }
    publish_in_hope(&cells, &owners, &mut withheld, &mut worlds);
    cover(&cells, &owners, &mut withheld, &mut worlds, &mut search)?;
    republish(&cells, &owners, &mut withheld, &mut worlds, &mut search);
    // The search for the cheapest does not know what holders ask.
    let optima = match cells.holders.are_declared() {
        true => Vec::new(),
        false => optimal::improve(&cells, &owners, &mut withheld, &mut worlds, effort),
    };
    let (patterns, worlds) = (patterns(&cells, &withheld), proposals(&cells, &worlds));
    Ok(Suppression { patterns, worlds, optima })
}

/// Refuses a cell that is to be published whatever comes, and to be withheld for its own sake.
///
/// # Errors
/// [`Refusal::KeptAndWithheld`].
pub fn kept_and_withheld(cells: &Cells<'_>) -> Result<(), Refusal> {
    for (number, table) in cells.set.tables.iter().enumerate() {
        let of_own_sake = |cell: usize| {
            let number = cells.number(number, cell);
            cells.policy(number).is_small(cells.count[number].unsigned_abs())
                || cells.guarded.contains_key(&number)
                || cells.holders.has_small_rest(number)
        };
        let kept = table.kept().iter().filter(|_| table.standing().is_none());
        if let Some(&cell) = kept.into_iter().find(|&&cell| of_own_sake(cell)) {
            let (table, cell) = cells.named(cells.number(number, cell));
            return Err(Refusal::KeptAndWithheld { table, cell });
        }
    }
    Ok(())
}

/// Refuses totals that stay published though what is left of them to a holder is small.
fn published_to_holders(cells: &Cells<'_>) -> Result<(), Refusal> {
    let mut shown = cells.holders.all_small().filter(|&(cell, _)| cells.is_fixed[cell]);
    match shown.find(|&(cell, _)| !cells.is_standing(cell)) {
        Some((cell, holder)) => Err(Refusal::known_to(cells, cell, holder)),
        None => Ok(()),
    }
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
    let ranks = Ranks::new(&cells);
    let mut search = Search::new(&cells, &ranks);
    let near = Nearness::new(&cells, &ranks, NEAR);
    let failing: Vec<&Owner> =
        owners.iter().filter(|owner| failing.contains(&cells.place(owner.cell()))).collect();
    for dear in DEAR {
        if count(&withheld) > before {
            break;
        }
        let demands = failing.iter().flat_map(|owner| owner.demands(&cells, &withheld));
        for mut demand in demands.collect::<Vec<_>>() {
            if demand.change > 0.0 {
                demand.change += set.policy.threshold as f64;
            }
            let cost = |cell: usize| match (cells.may_change(cell), withheld[cell]) {
                (false, _) => f64::INFINITY,
                (true, true) => dear,
                (true, false) => cells.price[cell],
            };
            let near = near.around(&cells, &demand);
            let mut found: Vec<crate::problem::world::World> = Vec::new();
            // All holders may take several worlds; everyone else takes one.
            while let Some(next) = demand.lacking(&cells, &found) {
                let world = search
                    .programs
                    .cheapest(&next, near.as_deref(), cost)
                    .or_else(|| search.programs.cheapest(&next, None, cost));
                let Some(world) = world else { break };
                let goes_on = demand.is_of_holders() && next.is_met(&cells, &world);
                found.push(world);
                if !goes_on {
                    break;
                }
            }
            let changes = found.iter().flat_map(crate::problem::world::World::changes);
            changes.for_each(|&(cell, _)| withheld[cell] = true);
        }
    }
    if count(&withheld) == before {
        return Err(Refusal::WorkUsedUp);
    }
    let mut worlds = Worlds::new(cells.len());
    cover(&cells, &owners, &mut withheld, &mut worlds, &mut search)?;
    let (patterns, worlds) = (patterns(&cells, &withheld), proposals(&cells, &worlds));
    Ok(Suppression { patterns, worlds, optima: Vec::new() })
}

/// Returns what is withheld, table by table.
pub fn patterns(cells: &Cells<'_>, withheld: &[bool]) -> Vec<Pattern> {
    let pattern = |(number, table): (usize, &minster_model::table::CountTable)| Pattern {
        withheld: (0..table.cell_count())
            .map(|cell| withheld[cells.number(number, cell)])
            .collect(),
    };
    cells.set.tables.iter().enumerate().map(pattern).collect()
}

/// The worlds in whole numbers, as their inner counts; and where insiders are asked, what lies in whole
/// steps between them and the truth.
fn proposals(cells: &Cells<'_>, worlds: &Worlds) -> Vec<World> {
    let mut proposals = Vec::new();
    for world in worlds.iter().filter(|world| world.is_whole()) {
        let inner: Vec<(usize, i64)> = world
            .changes()
            .iter()
            .filter(|&&(cell, _)| cells.is_inner[cell])
            .map(|&(cell, change)| (cell, change as i64))
            .collect();
        let steps = inner.iter().fold(0, |steps, (_, change)| divisor(steps, change.abs())).max(1);
        let first = if cells.set.policy.insider > 0 { 1 } else { steps };
        for step in first..=steps {
            let count = |&(cell, change): &(usize, i64)| {
                let (table, at) = cells.place(cell);
                let count = cells.count[cell] + change / steps * step;
                (table, cells.inner_number(table, at), u64::try_from(count).unwrap_or_default())
            };
            proposals.push(World { counts: inner.iter().map(count).collect() });
        }
    }
    proposals
}

/// The greatest common divisor (Euclid).
fn divisor(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { divisor(b, a % b) }
}
