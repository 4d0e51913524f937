//! Meets each requirement anew, in turn, in the light of what is withheld for the others: what the first
//! requirements had to pay for, the last may have made needless.

use crate::{
    problem::{
        alternative_table::{ChangedTable, ChangedTables},
        cells::{Cells, KNOWN},
        requirements::{self, Requirement, RequirementOrigin},
    },
    secondary::{
        hypercube::Hypercubes,
        meet_requirements::{AlternativeSearch, hardest_first},
    },
};

/// Times that all requirements are gone through.
const PASSES: usize = 8;

/// The cost of changing a cell that is withheld for one other world.
const SHARED: f64 = 0.1;

struct Routes<'a, 'b> {
    cells: &'a Cells<'a>,
    hypercubes: &'a mut Hypercubes<'b>,
    requirements: &'a [Requirement],
    alternatives: Vec<ChangedTable>,
    /// The requirements that rely on each world.
    relying: Vec<Vec<usize>>,
    /// The worlds in use that alter each cell.
    altering: Vec<Vec<usize>>,
    cost: Vec<f64>,
    /// Whether a cell is withheld whatever the worlds are.
    given: Vec<bool>,
}

/// Meets the requirements anew, world by world and then without each secondary cell, the dearest first.
pub(crate) fn reroute(
    cells: &Cells<'_>,
    origins: &[RequirementOrigin],
    withheld: &mut [bool],
    alternatives: &mut ChangedTables,
    search: &mut AlternativeSearch<'_>,
) {
    let requirements: Vec<Requirement> = hardest_first(cells, origins, withheld)
        .into_iter()
        .flat_map(|(_, requirement)| one_by_one(cells, requirement, alternatives))
        .collect();
    let (requirements, hypercubes) = (&requirements, &mut search.hypercubes);
    let given = (0..cells.len())
        .map(|cell| cells.stays_withheld[cell] || requirements::is_primary(cells, cell))
        .collect();
    let altering = vec![Vec::new(); cells.len()];
    let mut routes = Routes {
        cells,
        hypercubes,
        requirements,
        alternatives: Vec::new(),
        relying: Vec::new(),
        altering,
        cost: Vec::new(),
        given,
    };
    routes.cost = cells.costs(&routes.given);
    for alternative in alternatives.iter() {
        routes.alternatives.push(alternative.clone());
        routes.relying.push(Vec::new());
        routes.put(routes.alternatives.len() - 1);
    }
    for number in 0..requirements.len() {
        if let Some(alternative) = routes.known(number) {
            routes.relying[alternative].push(number);
        }
    }
    for alternative in 0..routes.alternatives.len() {
        if routes.relying[alternative].is_empty() {
            routes.take(alternative);
        }
    }
    for _ in 0..PASSES {
        let mut better = false;
        for alternative in 0..routes.alternatives.len() {
            if !routes.relying[alternative].is_empty() {
                better |= routes.improve(&[alternative], None);
            }
        }
        let mut dear: Vec<usize> = (0..cells.len())
            .filter(|&cell| !routes.given[cell] && !routes.altering[cell].is_empty())
            .collect();
        dear.sort_by(|&a, &b| cells.cost[b].total_cmp(&cells.cost[a]).then(a.cmp(&b)));
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
    *alternatives = ChangedTables::new(cells.len());
    for (alternative, relying) in routes.alternatives.iter().zip(&routes.relying) {
        if !relying.is_empty() {
            alternatives.add(alternative.clone());
        }
    }
    for (cell, withheld) in withheld.iter_mut().enumerate() {
        *withheld = routes.given[cell] || !routes.altering[cell].is_empty();
    }
}

/// Returns what is to be met by one world each: for all respondents, what the first world that meets it leaves to
/// others. Where another way round moves other respondents, they are covered anew.
fn one_by_one(
    cells: &Cells<'_>,
    requirement: Requirement,
    alternatives: &ChangedTables,
) -> Vec<Requirement> {
    if !requirement.is_of_respondents() {
        return vec![requirement];
    }
    let altering = requirement.terms.iter().flat_map(|&(cell, _)| alternatives.altering(cell));
    let mut meeting = altering.filter(|alternative| requirement.is_met(cells, alternative));
    let moved = meeting.next().map_or(&[][..], |alternative| alternative.respondents());
    requirement.for_each_of(moved)
}

impl Routes<'_, '_> {
    /// A world in use that meets a requirement.
    fn known(&self, number: usize) -> Option<usize> {
        let requirement = &self.requirements[number];
        requirement.terms.iter().find_map(|&(cell, _)| {
            self.altering[cell].iter().copied().find(|&alternative| {
                requirement.is_met(self.cells, &self.alternatives[alternative])
            })
        })
    }

    /// Puts a world in use, and says what the cells cost that only it alters.
    fn put(&mut self, alternative: usize) -> f64 {
        let mut cost = 0.0;
        for &(cell, _) in self.alternatives[alternative].changes() {
            if self.altering[cell].is_empty() && !self.given[cell] {
                cost += self.cells.cost[cell];
            }
            self.altering[cell].push(alternative);
            self.cost[cell] = self.cost(cell);
        }
        cost
    }

    /// Takes a world out of use, and says what the cells cost that only it altered.
    fn take(&mut self, alternative: usize) -> f64 {
        let mut cost = 0.0;
        for &(cell, _) in self.alternatives[alternative].changes() {
            self.altering[cell].retain(|&other| other != alternative);
            if self.altering[cell].is_empty() && !self.given[cell] {
                cost += self.cells.cost[cell];
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
            0 => self.cells.cost[cell],
            others => KNOWN + SHARED / others as f64,
        }
    }

    /// Meets the requirements that rely on some worlds without these, and without a cell if one is given,
    /// and stays with it if that costs less.
    fn improve(&mut self, old: &[usize], without: Option<usize>) -> bool {
        let mut saved: f64 = old.iter().map(|&alternative| self.take(alternative)).sum();
        if saved <= 0.0 {
            old.iter().for_each(|&alternative| _ = self.put(alternative));
            return false;
        }
        let relied: Vec<Vec<usize>> =
            old.iter().map(|&alternative| std::mem::take(&mut self.relying[alternative])).collect();
        let mut numbers: Vec<usize> = relied.iter().flatten().copied().collect();
        numbers.sort_unstable();
        if let Some(cell) = without {
            self.cost[cell] = f64::INFINITY;
        }
        let mut moved: Vec<(usize, usize)> = Vec::new();
        let first_new = self.alternatives.len();
        let mut failed = false;
        for &number in &numbers {
            let found = self.known(number).or_else(|| {
                let alternative =
                    self.hypercubes.cheapest(&self.requirements[number], &self.cost)?;
                self.alternatives.push(alternative);
                self.relying.push(Vec::new());
                let new = self.alternatives.len() - 1;
                saved -= self.put(new);
                Some(new)
            });
            match found {
                Some(alternative) if saved > -1e-9 => moved.push((number, alternative)),
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
            for new in first_new..self.alternatives.len() {
                self.take(new);
            }
            self.alternatives.truncate(first_new);
            self.relying.truncate(first_new);
            for (&alternative, relying) in old.iter().zip(relied) {
                self.put(alternative);
                self.relying[alternative] = relying;
            }
            return false;
        }
        for (number, alternative) in moved {
            self.relying[alternative].push(number);
        }
        saved > 1e-9
    }
}
