use crate::{
    problem::{
        cells::{Cells, KNOWN},
        demand::{Demand, Insiders, Owner},
        world::{World, Worlds},
    },
    refusal::Refusal,
    secondary::{
        hypercube::Hypercubes,
        linear_program::Programs,
        neighbourhood::{Nearness, Ranks},
    },
};

/// Rounds before giving up: each withholds at least one cell more.
const ROUNDS: usize = 60;
/// Inner cells looked at first for one demand: more is slower and withholds hardly less.
const NEAR: usize = 480;
/// The same where more than [`MANY`] ask.
const NEAR_OF_MANY: usize = 250;
/// From here on, those who ask are many.
const MANY: usize = 1_000;
/// Where more ask, a linear program is solved only for what no hypercube meets.
const TOO_MANY: usize = 5_000;

/// The ways to search for a world.
pub(crate) struct Search<'a> {
    cells: &'a Cells<'a>,
    pub(crate) ranks: &'a Ranks,
    pub(crate) cubes: Hypercubes<'a>,
    pub(crate) programs: Programs<'a>,
}

impl<'a> Search<'a> {
    pub(crate) fn new(cells: &'a Cells<'a>, ranks: &'a Ranks) -> Self {
        let (cubes, programs) = (Hypercubes::new(cells, ranks), Programs::new(cells));
        Self { cells, ranks, cubes, programs }
    }

    /// A cheap world that meets a demand: a hypercube that costs nothing more, or what a linear program
    /// finds near by, or a hypercube that does cost more. To look at all of a large table is the last resort.
    fn cheapest(
        &mut self,
        demand: &Demand,
        withheld: &[bool],
        cost: &[f64],
        further: &[Nearness<'_>],
        asking: usize,
    ) -> Option<World> {
        let cells = self.cells;
        let cube = self.cubes.cheapest(demand, cost);
        let is_free = |world: &World| world.changes().iter().all(|&(cell, _)| withheld[cell]);
        if cube.as_ref().is_some_and(|cube| asking > TOO_MANY || is_free(cube)) {
            return cube;
        }
        let near = further.iter().find_map(|nearness| {
            let near = nearness.around(cells, demand)?;
            self.programs.cheapest(demand, Some(&near), |cell| cost[cell])
        });
        near.or(cube).or_else(|| self.programs.cheapest(demand, None, |cell| cost[cell]))
    }
}

/// Withholds more until every demand is met by some world.
pub(crate) fn cover(
    cells: &Cells<'_>,
    owners: &[Owner],
    withheld: &mut [bool],
    worlds: &mut Worlds,
    search: &mut Search<'_>,
) -> Result<(), Refusal> {
    let near = if owners.len() > MANY { NEAR_OF_MANY } else { NEAR };
    let further = [near, 3 * near, 9 * near].map(|inner| Nearness::new(cells, search.ranks, inner));
    let mut cost = cells.costs(withheld);
    // No one world that leaves every insider where they are meets these: the attack asks for each.
    let mut left_to_attack = Vec::new();
    for _ in 0..ROUNDS {
        let before = count(withheld);
        for (owner, demand) in hardest_first(cells, owners, withheld) {
            let asked = (owner.cell(), demand.change as i64, demand.insiders);
            let left = left_to_attack.contains(&asked);
            let demand = if left { demand.ignoring_insiders() } else { demand };
            let mut lacking = lacking(cells, &demand, worlds);
            while let Some(next) = lacking {
                let mut search = |demand: &Demand| {
                    search.cheapest(demand, withheld, &cost, &further, owners.len())
                };
                let found = search(&next).or_else(|| {
                    (next.insiders != Insiders::Ignored).then(|| {
                        left_to_attack.push(asked);
                        search(&next.ignoring_insiders())
                    })?
                });
                let world = found.ok_or_else(|| match next.holder() {
                    Some(holder) => Refusal::known_to(cells, owner.cell(), holder),
                    None => Refusal::unprotectable(cells, owner.cell()),
                })?;
                for &(cell, _) in world.changes() {
                    withheld[cell] = true;
                    cost[cell] = KNOWN;
                }
                let goes_on = demand.is_of_holders() && next.is_met(cells, &world);
                worlds.add(world);
                lacking = goes_on.then(|| self::lacking(cells, &demand, worlds)).flatten();
            }
        }
        if count(withheld) == before {
            return Ok(());
        }
    }
    Err(Refusal::WorkUsedUp)
}

pub(crate) fn hardest_first(
    cells: &Cells<'_>,
    owners: &[Owner],
    withheld: &[bool],
) -> Vec<(Owner, Demand)> {
    let demands = |&owner: &Owner| {
        owner.demands(cells, withheld).into_iter().map(move |demand| (owner, demand))
    };
    let mut all: Vec<_> = owners.iter().flat_map(demands).collect();
    all.sort_by(|(_, a), (_, b)| b.change.abs().total_cmp(&a.change.abs()));
    all
}

/// Returns the part of a demand that no known world meets.
fn lacking(cells: &Cells<'_>, demand: &Demand, worlds: &Worlds) -> Option<Demand> {
    let altering = demand.terms.iter().flat_map(|&(cell, _)| worlds.altering(cell));
    demand.lacking(cells, altering)
}

pub(crate) fn count(withheld: &[bool]) -> usize {
    withheld.iter().filter(|withheld| **withheld).count()
}
