//! Meets each demand anew, in turn, in the light of what is withheld for the others: what the first
//! demands had to pay for, the last may have made needless.

use crate::{
    problem::{
        cells::{Cells, KNOWN},
        demand::{self, Demand, Owner},
        world::{World, Worlds},
    },
    secondary::{
        cover::{Search, hardest_first},
        hypercube::Hypercubes,
    },
};

/// Times that all demands are gone through.
const PASSES: usize = 8;

/// The cost of changing a cell that is withheld for one other world.
const SHARED: f64 = 0.1;

struct Routes<'a, 'b> {
    cells: &'a Cells<'a>,
    cubes: &'a mut Hypercubes<'b>,
    demands: &'a [Demand],
    worlds: Vec<World>,
    /// The demands that rely on each world.
    relying: Vec<Vec<usize>>,
    /// The worlds in use that alter each cell.
    altering: Vec<Vec<usize>>,
    cost: Vec<f64>,
    /// Whether a cell is withheld whatever the worlds are.
    given: Vec<bool>,
}

/// Meets the demands anew, world by world and then without each secondary cell, the dearest first.
pub(crate) fn reroute(
    cells: &Cells<'_>,
    owners: &[Owner],
    withheld: &mut [bool],
    worlds: &mut Worlds,
    search: &mut Search<'_>,
) {
    let demands: Vec<Demand> = hardest_first(cells, owners, withheld)
        .into_iter()
        .flat_map(|(_, demand)| one_by_one(cells, demand, worlds))
        .collect();
    let (demands, cubes) = (&demands, &mut search.cubes);
    let given = (0..cells.len())
        .map(|cell| cells.stays_withheld[cell] || demand::is_primary(cells, cell))
        .collect();
    let altering = vec![Vec::new(); cells.len()];
    let mut routes = Routes {
        cells,
        cubes,
        demands,
        worlds: Vec::new(),
        relying: Vec::new(),
        altering,
        cost: Vec::new(),
        given,
    };
    routes.cost = cells.costs(&routes.given);
    for world in worlds.iter() {
        routes.worlds.push(world.clone());
        routes.relying.push(Vec::new());
        routes.put(routes.worlds.len() - 1);
    }
    for number in 0..demands.len() {
        if let Some(world) = routes.known(number) {
            routes.relying[world].push(number);
        }
    }
    for world in 0..routes.worlds.len() {
        if routes.relying[world].is_empty() {
            routes.take(world);
        }
    }
    for _ in 0..PASSES {
        let mut better = false;
        for world in 0..routes.worlds.len() {
            if !routes.relying[world].is_empty() {
                better |= routes.improve(&[world], None);
            }
        }
        let mut dear: Vec<usize> = (0..cells.len())
            .filter(|&cell| !routes.given[cell] && !routes.altering[cell].is_empty())
            .collect();
        dear.sort_by(|&a, &b| cells.price[b].total_cmp(&cells.price[a]).then(a.cmp(&b)));
        for cell in dear {
            let through = routes.altering[cell].clone();
            if !through.is_empty() {
                better |= routes.improve(&through, Some(cell));
            }
        }
        if !better {
            break;
        }
    }
    *worlds = Worlds::new(cells.len());
    for (world, relying) in routes.worlds.iter().zip(&routes.relying) {
        if !relying.is_empty() {
            worlds.add(world.clone());
        }
    }
    for (cell, withheld) in withheld.iter_mut().enumerate() {
        *withheld = routes.given[cell] || !routes.altering[cell].is_empty();
    }
}

/// Returns what is to be met by one world each: for all holders, what the first world that meets it leaves to others.
/// Where another way round moves other holders, they are covered anew.
fn one_by_one(cells: &Cells<'_>, demand: Demand, worlds: &Worlds) -> Vec<Demand> {
    if !demand.is_of_holders() {
        return vec![demand];
    }
    let altering = demand.terms.iter().flat_map(|&(cell, _)| worlds.altering(cell));
    let mut meeting = altering.filter(|world| demand.is_met(cells, world));
    let moved = meeting.next().map_or(&[][..], |world| world.holders());
    demand.for_each_of(moved)
}

impl Routes<'_, '_> {
    /// A world in use that meets a demand.
    fn known(&self, number: usize) -> Option<usize> {
        let demand = &self.demands[number];
        demand.terms.iter().find_map(|&(cell, _)| {
            self.altering[cell]
                .iter()
                .copied()
                .find(|&world| demand.is_met(self.cells, &self.worlds[world]))
        })
    }

    /// Puts a world in use, and says what the cells cost that only it alters.
    fn put(&mut self, world: usize) -> f64 {
        let mut cost = 0.0;
        for &(cell, _) in self.worlds[world].changes() {
            if self.altering[cell].is_empty() && !self.given[cell] {
                cost += self.cells.price[cell];
            }
            self.altering[cell].push(world);
            self.cost[cell] = self.cost(cell);
        }
        cost
    }

    /// Takes a world out of use, and says what the cells cost that only it altered.
    fn take(&mut self, world: usize) -> f64 {
        let mut cost = 0.0;
        for &(cell, _) in self.worlds[world].changes() {
            self.altering[cell].retain(|&other| other != world);
            if self.altering[cell].is_empty() && !self.given[cell] {
                cost += self.cells.price[cell];
            }
            self.cost[cell] = self.cost(cell);
        }
        cost
    }

    /// Returns the cost of changing a cell: hardly anything where it is withheld anyhow, a little where
    /// for few others.
    fn cost(&self, cell: usize) -> f64 {
        match self.altering[cell].len() {
            _ if !self.cells.may_change(cell) => f64::INFINITY,
            _ if self.given[cell] => KNOWN,
            0 => self.cells.price[cell],
            others => KNOWN + SHARED / others as f64,
        }
    }

    /// Meets the demands that rely on some worlds without these, and without a cell if one is given,
    /// and stays with it if that costs less.
    fn improve(&mut self, old: &[usize], without: Option<usize>) -> bool {
        let mut saved: f64 = old.iter().map(|&world| self.take(world)).sum();
        if saved <= 0.0 {
            old.iter().for_each(|&world| _ = self.put(world));
            return false;
        }
        let relied: Vec<Vec<usize>> =
            old.iter().map(|&world| std::mem::take(&mut self.relying[world])).collect();
        let mut numbers: Vec<usize> = relied.iter().flatten().copied().collect();
        numbers.sort_unstable();
        if let Some(cell) = without {
            self.cost[cell] = f64::INFINITY;
        }
        let mut moved: Vec<(usize, usize)> = Vec::new();
        let first_new = self.worlds.len();
        let mut failed = false;
        for &number in &numbers {
            let found = self.known(number).or_else(|| {
                let world = self.cubes.cheapest(&self.demands[number], &self.cost)?;
                self.worlds.push(world);
                self.relying.push(Vec::new());
                let new = self.worlds.len() - 1;
                saved -= self.put(new);
                Some(new)
            });
            match found {
                Some(world) if saved > -1e-9 => moved.push((number, world)),
                _ => {
                    failed = true;
                    break;
                }
            }
        }
        if let Some(cell) = without {
            self.cost[cell] = self.cost(cell);
        }
        if failed || saved < if without.is_some() { 1e-9 } else { -1e-9 } {
            for new in first_new..self.worlds.len() {
                self.take(new);
            }
            self.worlds.truncate(first_new);
            self.relying.truncate(first_new);
            for (&world, relying) in old.iter().zip(relied) {
                self.put(world);
                self.relying[world] = relying;
            }
            return false;
        }
        for (number, world) in moved {
            self.relying[world].push(number);
        }
        saved > 1e-9
    }
}
