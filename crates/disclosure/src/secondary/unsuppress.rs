//! Publishes again what need not be withheld: the dearest cells first.

use std::collections::BTreeSet;

use minster_model::{CellId, IdVec};

use crate::{
    problem::{
        alternative_table::{ChangedTable, ChangedTables},
        cells::{Cells, KNOWN, Withheld},
        requirements::{self, OriginId, Requirement, RequirementOrigin},
    },
    secondary::{bounds::Bounds, meet_requirements::AlternativeSearch, neighbourhood::Nearness},
};

/// Inner cells looked at for one requirement: in a larger table, a world further off is not sought.
const NEAR: usize = 1_200;
/// The same where there are [`MANY`] cells to try.
const NEAR_OF_MANY: usize = 130;
/// The cost of changing a cell that may yet be published.
const UNDECIDED: f64 = 0.1;
/// From here on, cells to try are many.
const MANY: usize = 1_500;
/// From here on, only hypercubes are tried.
const TOO_MANY: usize = 10_000;

/// Tries each secondary cell: it is published if every requirement is still met by a world that leaves it be.
pub(crate) fn unsuppress_each(
    cells: &Cells<'_>,
    origins: &IdVec<OriginId, RequirementOrigin>,
    withheld: &mut Withheld,
    alternatives: &mut ChangedTables,
    search: &mut AlternativeSearch<'_>,
) {
    let candidates = candidates(cells, withheld);
    let near = match candidates.len() {
        0..MANY => Some(NEAR),
        MANY..TOO_MANY => Some(NEAR_OF_MANY),
        _ => None,
    };
    let mut republication = Republication {
        cells,
        origins,
        origins_of: origins_of_cells(cells, origins),
        bounds: Bounds::new(cells, withheld, &requirements(cells, origins, withheld)),
        failures: vec![0; origins.len()].into(),
        nearness: near.map(|inner| Nearness::new(cells, search.ranks, inner)),
        cost: costs_within(cells, withheld),
        withheld,
        alternatives,
        search,
    };
    for cell in candidates {
        republication.try_cell(cell);
    }
}

/// By cell, those whose requirements its count or its being withheld decides.
fn origins_of_cells(
    cells: &Cells<'_>,
    origins: &IdVec<OriginId, RequirementOrigin>,
) -> IdVec<CellId, Vec<OriginId>> {
    let mut origins_of: IdVec<CellId, Vec<OriginId>> = vec![Vec::new(); cells.len()].into();
    for (number, origin) in origins.enumerate() {
        origin.cells().for_each(|cell| origins_of[cell].push(number));
        // The cells withheld below a small margin decide how little it may be.
        if let RequirementOrigin::Small(cell) | RequirementOrigin::Remainder(cell) = *origin
            && !cells.is_inner[cell]
        {
            cells.inner_below(cell).into_iter().for_each(|inner| origins_of[inner].push(number));
        }
    }
    origins_of
}

/// Returns the cost of changing each cell within a pattern. Whatever is published stays so: nothing more is withheld for
/// a cell that is published. Where there is a choice, worlds lead through cells that stay withheld.
fn costs_within(cells: &Cells<'_>, withheld: &Withheld) -> IdVec<CellId, f64> {
    let mut cost = cells.costs(withheld);
    for cell in cells.ids().filter(|&cell| cells.may_change(cell)) {
        let stays = cells.stays_withheld[cell] || requirements::is_primary(cells, cell);
        cost[cell] = match (withheld[cell], stays) {
            (false, _) => f64::INFINITY,
            (true, true) => KNOWN,
            (true, false) => UNDECIDED,
        }
    }
    cost
}

/// Publishes cells again, one by one.
struct Republication<'a, 'b> {
    cells: &'a Cells<'a>,
    origins: &'a IdVec<OriginId, RequirementOrigin>,
    origins_of: IdVec<CellId, Vec<OriginId>>,
    withheld: &'a mut Withheld,
    alternatives: &'a mut ChangedTables,
    search: &'a mut AlternativeSearch<'b>,
    bounds: Bounds<'a>,
    /// How often each origin stood in the way.
    failures: IdVec<OriginId, u32>,
    /// How far a linear program looks; none where only hypercubes are tried.
    nearness: Option<Nearness<'a>>,
    cost: IdVec<CellId, f64>,
}

impl Republication<'_, '_> {
    /// Publishes a cell if nobody stands in the way.
    fn try_cell(&mut self, cell: CellId) {
        // Bounds take no search: a cell that they rule out is settled at once.
        if !self.bounds.publish(cell) {
            self.keep(cell);
            return;
        }
        self.withheld[cell] = false;
        self.cost[cell] = f64::INFINITY;
        let mut found: Vec<ChangedTable> = Vec::new();
        let in_the_way = self
            .concerned(cell)
            .into_iter()
            .find(|&origin| self.stands_in_the_way(origin, cell, &mut found));
        match in_the_way {
            Some(origin) => {
                self.failures[origin] += 1;
                self.withheld[cell] = true;
                self.keep(cell);
            }
            None => self.alternatives.forget(cell),
        }
        // The search left the cell alone, so that these are worlds whether or not it is published.
        found.into_iter().for_each(|alternative| self.alternatives.add(alternative));
    }

    /// A cell that was tried stays withheld. It is not tried again, so that worlds may lead through it from now on.
    fn keep(&mut self, cell: CellId) {
        self.bounds.back();
        self.cost[cell] = KNOWN;
    }

    /// Those who may lack a world once a cell is published. Worlds that alter the cell fall away, and whoever asks about
    /// another cell of such a world may have relied on it. Everyone else keeps theirs.
    fn concerned(&self, cell: CellId) -> Vec<OriginId> {
        let altering = self.alternatives.altering(cell);
        let altered = altering.flat_map(|alternative| alternative.changes());
        let concerned: BTreeSet<OriginId> = altered
            .map(|&(altered, _)| altered)
            .chain([cell])
            .flat_map(|altered| self.origins_of[altered].iter().copied())
            .collect();
        let mut concerned: Vec<OriginId> = concerned.into_iter().collect();
        // The requirements that stood in the way before are asked first.
        concerned.sort_by_key(|&origin| std::cmp::Reverse(self.failures[origin]));
        concerned
    }

    /// Whether an origin requires something for which no world is found that leaves a cell be. Worlds that are found are
    /// added to those found for others.
    fn stands_in_the_way(
        &mut self,
        origin: OriginId,
        cell: CellId,
        found: &mut Vec<ChangedTable>,
    ) -> bool {
        let cells = self.cells;
        let requirements = self.origins[origin].requirements(cells, self.withheld);
        requirements.iter().any(|requirement| {
            let mut lacking = lacking_without(cells, requirement, self.alternatives, cell, found);
            while let Some(next) = lacking {
                // The attack counts whole worlds alone, so one in fractions must not let a cell be published.
                let whole = self.alternative(&next).filter(ChangedTable::is_whole);
                let Some(alternative) = whole else { return true };
                let goes_on = requirement.is_of_respondents() && next.is_met(cells, &alternative);
                found.push(alternative);
                lacking = match goes_on {
                    true => lacking_without(cells, requirement, self.alternatives, cell, found),
                    false => None,
                };
            }
            false
        })
    }

    /// A world that meets a requirement and changes nothing published: a hypercube, or else what a program finds.
    fn alternative(&mut self, requirement: &Requirement) -> Option<ChangedTable> {
        let Self { cells, search, nearness, cost, .. } = self;
        search.hypercubes.cheapest(requirement, cost).or_else(|| {
            let near = nearness.as_ref()?.around(cells, requirement);
            // Every withheld cell is as good as any other here, so all cost the same.
            let within = |at: CellId| if cost[at].is_finite() { KNOWN } else { f64::INFINITY };
            search.programs.cheapest(requirement, near.as_deref(), within)
        })
    }
}

/// Returns the part of a requirement that no world meets that leaves a cell alone.
fn lacking_without(
    cells: &Cells<'_>,
    requirement: &Requirement,
    alternatives: &ChangedTables,
    cell: CellId,
    found: &[ChangedTable],
) -> Option<Requirement> {
    let known = requirement.terms().flat_map(|(term, _)| alternatives.altering(term));
    let known = known.filter(|alternative| !alternative.alters(cell));
    requirement.lacking(cells, found.iter().chain(known))
}

/// Publishes whatever the bounds allow. Where one sum after the other says that a requirement can be met, it
/// mostly can; what cannot is covered anew.
pub(crate) fn unsuppress_by_bounds(
    cells: &Cells<'_>,
    origins: &IdVec<OriginId, RequirementOrigin>,
    withheld: &mut Withheld,
    alternatives: &mut ChangedTables,
) {
    let mut bounds = Bounds::new(cells, withheld, &requirements(cells, origins, withheld));
    // Every cell that is published narrows the ranges of the others, so the dearest come first.
    for cell in candidates(cells, withheld) {
        if bounds.publish(cell) {
            withheld[cell] = false;
            alternatives.forget(cell);
        } else {
            bounds.back();
        }
    }
}

/// The requirements of all origins, given which cells are withheld.
fn requirements(
    cells: &Cells<'_>,
    origins: &IdVec<OriginId, RequirementOrigin>,
    withheld: &Withheld,
) -> Vec<Requirement> {
    origins.iter().flat_map(|origin| origin.requirements(cells, withheld)).collect()
}

/// The secondary cells, the dearest first.
fn candidates(cells: &Cells<'_>, withheld: &Withheld) -> Vec<CellId> {
    let mut candidates: Vec<CellId> = cells
        .ids()
        .filter(|&cell| withheld[cell])
        .filter(|&cell| !cells.stays_withheld[cell] && !requirements::is_primary(cells, cell))
        .collect();
    candidates.sort_by(|&a, &b| cells.cost[b].total_cmp(&cells.cost[a]).then(a.cmp(&b)));
    candidates
}
