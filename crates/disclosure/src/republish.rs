//! Publishes again what need not be withheld: the dearest cells first.

use std::collections::BTreeSet;

use crate::{
    cells::Cells,
    change::{self, Scope},
    demand::{self, Demand, Owner},
    near::Nearness,
    world::{World, Worlds},
};

/// Inner cells looked at for one demand: in a larger table, a world further off is not sought.
const NEAR: usize = 1_200;
/// The same where there are [`MANY`] cells to try.
const NEAR_OF_MANY: usize = 130;
/// From here on, cells to try are many.
const MANY: usize = 1_500;

/// Tries each secondary cell: it is published if every demand is still met by a world that leaves it be.
pub(crate) fn republish(
    cells: &Cells<'_>,
    owners: &[Owner],
    withheld: &mut [bool],
    worlds: &mut Worlds,
) {
    let mut owners_of: Vec<Vec<usize>> = vec![Vec::new(); cells.len()];
    for (number, owner) in owners.iter().enumerate() {
        owner.cells().for_each(|cell| owners_of[cell].push(number));
        // What is withheld below a small margin decides how little it may be.
        if let Owner::Small(cell) = *owner
            && !cells.is_inner[cell]
        {
            cells.inner_below(cell).into_iter().for_each(|inner| owners_of[inner].push(number));
        }
    }
    let mut known = Determined::new(cells, withheld);
    let mut failures = vec![0u32; owners.len()];
    let mut candidates: Vec<usize> = (0..cells.len())
        .filter(|&cell| withheld[cell])
        .filter(|&cell| !cells.stays_withheld[cell] && !demand::is_primary(cells, cell))
        .collect();
    candidates.sort_by(|&a, &b| {
        change::price(cells, b).total_cmp(&change::price(cells, a)).then(a.cmp(&b))
    });
    let nearness = Nearness::new(cells, if candidates.len() > MANY { NEAR_OF_MANY } else { NEAR });
    for cell in candidates {
        if !known.allows(cells, withheld, cell) {
            continue;
        }
        withheld[cell] = false;
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
                if is_met_without(demand, worlds, cell, &found) {
                    return false;
                }
                let near = nearness.around(cells, demand);
                let scope = near.as_ref().map_or(Scope::Withheld, |near| Scope::WithheldNear(near));
                let world =
                    change::cheapest(cells, withheld, demand, scope, false).filter(World::is_whole);
                let none = world.is_none();
                found.extend(world);
                none
            })
        });
        match in_the_way {
            Some(owner) => {
                failures[owner] += 1;
                withheld[cell] = true;
            }
            None => {
                worlds.forget(cell);
                known.publish(cells, cell);
            }
        }
        // Found without the cell, they are worlds whether or not it is published.
        found.into_iter().for_each(|world| worlds.add(world));
    }
}

fn is_met_without(demand: &Demand, worlds: &Worlds, cell: usize, found: &[World]) -> bool {
    found.iter().any(|world| demand.is_met(world))
        || demand.terms.iter().any(|&(term, _)| {
            worlds.altering(term).any(|world| !world.alters(cell) && demand.is_met(world))
        })
}

/// How many cells of each relation are withheld: one alone follows from the others.
struct Determined {
    open: Vec<u32>,
}

impl Determined {
    fn new(cells: &Cells<'_>, withheld: &[bool]) -> Self {
        let open = |relation: &crate::cells::Relation| {
            relation.terms.iter().filter(|&&(cell, _)| withheld[cell]).count() as u32
        };
        Self { open: cells.relations.iter().map(open).collect() }
    }

    fn publish(&mut self, cells: &Cells<'_>, cell: usize) {
        cells.relations_of[cell].iter().for_each(|&relation| self.open[relation] -= 1);
    }

    /// Whether no small cell follows, one sum after the other, once a cell is published. What follows
    /// by several sums together is left to the linear program.
    fn allows(&mut self, cells: &Cells<'_>, withheld: &[bool], cell: usize) -> bool {
        let mut follows = vec![cell];
        let mut done = 0;
        let mut safe = true;
        while safe && done < follows.len() {
            let cell = follows[done];
            done += 1;
            for &relation in &cells.relations_of[cell] {
                self.open[relation] -= 1;
                if self.open[relation] != 1 {
                    continue;
                }
                let terms = &cells.relations[relation].terms;
                let last = terms
                    .iter()
                    .map(|&(cell, _)| cell)
                    .find(|cell| withheld[*cell] && !follows.contains(cell));
                if let Some(last) = last {
                    safe &= !demand::is_primary(cells, last);
                    follows.push(last);
                }
            }
        }
        for &cell in &follows[..done] {
            cells.relations_of[cell].iter().for_each(|&relation| self.open[relation] += 1);
        }
        safe
    }
}
