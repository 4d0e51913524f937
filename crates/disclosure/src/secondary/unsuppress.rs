//! Publishes again what need not be withheld: the dearest cells first.

use std::collections::BTreeSet;

use crate::{
    problem::{
        alternative_table::{ChangedTable, ChangedTables},
        cells::{Cells, KNOWN},
        requirements::{self, Requirement, RequirementOrigin},
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
pub(crate) fn republish(
    cells: &Cells<'_>,
    origins: &[RequirementOrigin],
    withheld: &mut [bool],
    alternatives: &mut ChangedTables,
    search: &mut AlternativeSearch<'_>,
) {
    let mut origins_of: Vec<Vec<usize>> = vec![Vec::new(); cells.len()];
    for (number, origin) in origins.iter().enumerate() {
        origin.cells().for_each(|cell| origins_of[cell].push(number));
        // The cells withheld below a small margin decide how little it may be.
        if let RequirementOrigin::Small(cell) | RequirementOrigin::Remainder(cell) = *origin
            && !cells.is_inner[cell]
        {
            cells.inner_below(cell).into_iter().for_each(|inner| origins_of[inner].push(number));
        }
    }
    let mut bounds = Bounds::new(cells, withheld, &requirements(cells, origins, withheld));
    let mut failures = vec![0u32; origins.len()];
    let candidates = candidates(cells, withheld);
    let near = match candidates.len() {
        0..MANY => Some(NEAR),
        MANY..TOO_MANY => Some(NEAR_OF_MANY),
        _ => None,
    };
    let nearness = near.map(|inner| Nearness::new(cells, search.ranks, inner));
    // Where there is a choice, worlds lead through cells that stay withheld.
    let stays = |cell: usize| cells.stays_withheld[cell] || requirements::is_primary(cells, cell);
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
        let altered = alternatives.altering(cell).flat_map(|alternative| alternative.changes());
        let concerned: BTreeSet<usize> = altered
            .map(|&(altered, _)| altered)
            .chain([cell])
            .flat_map(|altered| origins_of[altered].iter().copied())
            .collect();
        let mut concerned: Vec<usize> = concerned.into_iter().collect();
        // Whoever stood in the way before is asked first.
        concerned.sort_by_key(|&origin| std::cmp::Reverse(failures[origin]));
        let mut found: Vec<ChangedTable> = Vec::new();
        let in_the_way = concerned.into_iter().find(|&origin| {
            let requirements = origins[origin].requirements(cells, withheld);
            requirements.iter().any(|requirement| {
                let mut lacking = lacking_without(cells, requirement, alternatives, cell, &found);
                while let Some(next) = lacking {
                    let alternative = search.hypercubes.cheapest(&next, &cost).or_else(|| {
                        let near = nearness.as_ref()?.around(cells, &next);
                        let within =
                            |at: usize| if cost[at].is_finite() { KNOWN } else { f64::INFINITY };
                        search.programs.cheapest(&next, near.as_deref(), within)
                    });
                    let Some(alternative) = alternative.filter(ChangedTable::is_whole) else {
                        return true;
                    };
                    let goes_on =
                        requirement.is_of_respondents() && next.is_met(cells, &alternative);
                    found.push(alternative);
                    lacking = goes_on
                        .then(|| lacking_without(cells, requirement, alternatives, cell, &found))
                        .flatten();
                }
                false
            })
        });
        match in_the_way {
            Some(origin) => {
                failures[origin] += 1;
                bounds.back();
                withheld[cell] = true;
                cost[cell] = KNOWN;
            }
            None => {
                alternatives.forget(cell);
            }
        }
        // Found without the cell, they are worlds whether or not it is published.
        found.into_iter().for_each(|alternative| alternatives.add(alternative));
    }
}

/// Returns the part of a requirement that no world meets that leaves a cell alone.
fn lacking_without(
    cells: &Cells<'_>,
    requirement: &Requirement,
    alternatives: &ChangedTables,
    cell: usize,
    found: &[ChangedTable],
) -> Option<Requirement> {
    let known = requirement.terms.iter().flat_map(|&(term, _)| alternatives.altering(term));
    let known = known.filter(|alternative| !alternative.alters(cell));
    requirement.lacking(cells, found.iter().chain(known))
}

/// Publishes whatever the bounds allow. Where one sum after the other says that a requirement can be met, it
/// mostly can; what cannot is covered anew.
pub(crate) fn publish_in_hope(
    cells: &Cells<'_>,
    origins: &[RequirementOrigin],
    withheld: &mut [bool],
    alternatives: &mut ChangedTables,
) {
    let mut bounds = Bounds::new(cells, withheld, &requirements(cells, origins, withheld));
    for cell in candidates(cells, withheld) {
        if bounds.publish(cell) {
            withheld[cell] = false;
            alternatives.forget(cell);
        } else {
            bounds.back();
        }
    }
}

fn requirements(
    cells: &Cells<'_>,
    origins: &[RequirementOrigin],
    withheld: &[bool],
) -> Vec<Requirement> {
    origins.iter().flat_map(|origin| origin.requirements(cells, withheld)).collect()
}

/// The secondary cells, the dearest first.
fn candidates(cells: &Cells<'_>, withheld: &[bool]) -> Vec<usize> {
    let mut candidates: Vec<usize> = (0..cells.len())
        .filter(|&cell| withheld[cell])
        .filter(|&cell| !cells.stays_withheld[cell] && !requirements::is_primary(cells, cell))
        .collect();
    candidates.sort_by(|&a, &b| cells.cost[b].total_cmp(&cells.cost[a]).then(a.cmp(&b)));
    candidates
}
