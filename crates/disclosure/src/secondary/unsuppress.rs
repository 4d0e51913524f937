//! Publishes again what need not be withheld: the dearest cells first.

use std::collections::BTreeSet;

use crate::{
    problem::{
        cells::{Cells, KNOWN},
        demand::{self, Demand, Owner},
        world::{World, Worlds},
    },
    secondary::{bounds::Bounds, cover::Search, neighbourhood::Nearness},
};

/// Inner cells looked at for one demand: in a larger table, a world further off is not sought.
const NEAR: usize = 1_200;
/// The same where there are [`MANY`] cells to try.
const NEAR_OF_MANY: usize = 130;
/// The cost of changing a cell that may yet be published.
const UNDECIDED: f64 = 0.1;
/// From here on, cells to try are many.
const MANY: usize = 1_500;
/// From here on, only hypercubes are tried.
const TOO_MANY: usize = 10_000;

/// Tries each secondary cell: it is published if every demand is still met by a world that leaves it be.
pub(crate) fn republish(
    cells: &Cells<'_>,
    owners: &[Owner],
    withheld: &mut [bool],
    worlds: &mut Worlds,
    search: &mut Search<'_>,
) {
    let mut owners_of: Vec<Vec<usize>> = vec![Vec::new(); cells.len()];
    for (number, owner) in owners.iter().enumerate() {
        owner.cells().for_each(|cell| owners_of[cell].push(number));
        // The cells withheld below a small margin decide how little it may be.
        if let Owner::Small(cell) | Owner::Rest(cell) = *owner
            && !cells.is_inner[cell]
        {
            cells.inner_below(cell).into_iter().for_each(|inner| owners_of[inner].push(number));
        }
    }
    let mut bounds = Bounds::new(cells, withheld, &demands(cells, owners, withheld));
    let mut failures = vec![0u32; owners.len()];
    let candidates = candidates(cells, withheld);
    let near = match candidates.len() {
        0..MANY => Some(NEAR),
        MANY..TOO_MANY => Some(NEAR_OF_MANY),
        _ => None,
    };
    let nearness = near.map(|inner| Nearness::new(cells, search.ranks, inner));
    // Where there is a choice, worlds lead through cells that stay withheld.
    let stays = |cell: usize| cells.stays_withheld[cell] || demand::is_primary(cells, cell);
    let mut cost = cells.costs(withheld);
    for cell in (0..cells.len()).filter(|&cell| cells.may_change(cell)) {
        cost[cell] = match (withheld[cell], stays(cell)) {
            (false, _) => f64::INFINITY,
            (true, true) => KNOWN,
            (true, false) => UNDECIDED,
        }
    }
    for cell in candidates {
        if !bounds.publish(cell) {
            bounds.back();
            cost[cell] = KNOWN;
            continue;
        }
        withheld[cell] = false;
        cost[cell] = f64::INFINITY;
        let altered = worlds.altering(cell).flat_map(|world| world.changes());
        let concerned: BTreeSet<usize> = altered
            .map(|&(altered, _)| altered)
            .chain([cell])
            .flat_map(|altered| owners_of[altered].iter().copied())
            .collect();
        let mut concerned: Vec<usize> = concerned.into_iter().collect();
        // Whoever stood in the way before is asked first.
        concerned.sort_by_key(|&owner| std::cmp::Reverse(failures[owner]));
        let mut found: Vec<World> = Vec::new();
        let in_the_way = concerned.into_iter().find(|&owner| {
            let demands = owners[owner].demands(cells, withheld);
            demands.iter().any(|demand| {
                let mut lacking = lacking_without(cells, demand, worlds, cell, &found);
                while let Some(next) = lacking {
                    let world = search.cubes.cheapest(&next, &cost).or_else(|| {
                        let near = nearness.as_ref()?.around(cells, &next);
                        let within =
                            |at: usize| if cost[at].is_finite() { KNOWN } else { f64::INFINITY };
                        search.programs.cheapest(&next, near.as_deref(), within)
                    });
                    let Some(world) = world.filter(World::is_whole) else { return true };
                    let goes_on = demand.is_of_holders() && next.is_met(cells, &world);
                    found.push(world);
                    lacking = goes_on
                        .then(|| lacking_without(cells, demand, worlds, cell, &found))
                        .flatten();
                }
                false
            })
        });
        match in_the_way {
            Some(owner) => {
                failures[owner] += 1;
                bounds.back();
                withheld[cell] = true;
                cost[cell] = KNOWN;
            }
            None => {
                worlds.forget(cell);
            }
        }
        // Found without the cell, they are worlds whether or not it is published.
        found.into_iter().for_each(|world| worlds.add(world));
    }
}

/// Returns the part of a demand that no world meets that leaves a cell alone.
fn lacking_without(
    cells: &Cells<'_>,
    demand: &Demand,
    worlds: &Worlds,
    cell: usize,
    found: &[World],
) -> Option<Demand> {
    let known = demand.terms.iter().flat_map(|&(term, _)| worlds.altering(term));
    let known = known.filter(|world| !world.alters(cell));
    demand.lacking(cells, found.iter().chain(known))
}

/// Publishes whatever the bounds allow. Where one sum after the other says that a demand can be met, it
/// mostly can; what cannot is covered anew.
pub(crate) fn publish_in_hope(
    cells: &Cells<'_>,
    owners: &[Owner],
    withheld: &mut [bool],
    worlds: &mut Worlds,
) {
    let mut bounds = Bounds::new(cells, withheld, &demands(cells, owners, withheld));
    for cell in candidates(cells, withheld) {
        if bounds.publish(cell) {
            withheld[cell] = false;
            worlds.forget(cell);
        } else {
            bounds.back();
        }
    }
}

fn demands(cells: &Cells<'_>, owners: &[Owner], withheld: &[bool]) -> Vec<Demand> {
    owners.iter().flat_map(|owner| owner.demands(cells, withheld)).collect()
}

/// The secondary cells, the dearest first.
fn candidates(cells: &Cells<'_>, withheld: &[bool]) -> Vec<usize> {
    let mut candidates: Vec<usize> = (0..cells.len())
        .filter(|&cell| withheld[cell])
        .filter(|&cell| !cells.stays_withheld[cell] && !demand::is_primary(cells, cell))
        .collect();
    candidates.sort_by(|&a, &b| cells.price[b].total_cmp(&cells.price[a]).then(a.cmp(&b)));
    candidates
}
