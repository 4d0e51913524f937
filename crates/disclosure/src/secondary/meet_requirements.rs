use crate::{
    problem::{
        alternative_table::{ChangedTable, ChangedTables},
        cells::{Cells, KNOWN},
        requirements::{InsiderCondition, Requirement, RequirementOrigin},
    },
    refusal::SuppressionRefusal,
    secondary::{
        hypercube::Hypercubes,
        linear_program::Programs,
        neighbourhood::{Nearness, Ranks},
    },
};

/// Rounds before giving up: each withholds at least one cell more.
const ROUNDS: usize = 60;
/// Inner cells looked at first for one requirement: more is slower and withholds hardly less.
const NEAR: usize = 480;
/// The same where more than [`MANY`] ask.
const NEAR_OF_MANY: usize = 250;
/// From here on, those who ask are many.
const MANY: usize = 1_000;
/// Where more ask, a linear program is solved only for what no hypercube meets.
const TOO_MANY: usize = 5_000;

/// The ways to search for a world.
pub(crate) struct AlternativeSearch<'a> {
    cells: &'a Cells<'a>,
    pub(crate) ranks: &'a Ranks,
    pub(crate) hypercubes: Hypercubes<'a>,
    pub(crate) programs: Programs<'a>,
}

impl<'a> AlternativeSearch<'a> {
    pub(crate) fn new(cells: &'a Cells<'a>, ranks: &'a Ranks) -> Self {
        let (hypercubes, programs) = (Hypercubes::new(cells, ranks), Programs::new(cells));
        Self { cells, ranks, hypercubes, programs }
    }

    /// A cheap world that meets a requirement: a hypercube that costs nothing more, or what a linear program
    /// finds near by, or a hypercube that does cost more. To look at all of a large table is the last resort.
    fn cheapest(
        &mut self,
        requirement: &Requirement,
        withheld: &[bool],
        cost: &[f64],
        further: &[Nearness<'_>],
        asking: usize,
    ) -> Option<ChangedTable> {
        let cells = self.cells;
        let hypercube = self.hypercubes.cheapest(requirement, cost);
        let is_free = |alternative: &ChangedTable| {
            alternative.changes().iter().all(|&(cell, _)| withheld[cell])
        };
        if hypercube.as_ref().is_some_and(|hypercube| asking > TOO_MANY || is_free(hypercube)) {
            return hypercube;
        }
        let near = further.iter().find_map(|nearness| {
            let near = nearness.around(cells, requirement)?;
            self.programs.cheapest(requirement, Some(&near), |cell| cost[cell])
        });
        near.or(hypercube).or_else(|| self.programs.cheapest(requirement, None, |cell| cost[cell]))
    }
}

/// Withholds more until every requirement is met by some world.
pub(crate) fn meet_requirements(
    cells: &Cells<'_>,
    origins: &[RequirementOrigin],
    withheld: &mut [bool],
    alternatives: &mut ChangedTables,
    search: &mut AlternativeSearch<'_>,
) -> Result<(), SuppressionRefusal> {
    let near = if origins.len() > MANY { NEAR_OF_MANY } else { NEAR };
    let further = [near, 3 * near, 9 * near].map(|inner| Nearness::new(cells, search.ranks, inner));
    let mut cost = cells.costs(withheld);
    // No one world that leaves every insider where they are meets these: the attack asks for each.
    let mut left_to_attack = Vec::new();
    for _ in 0..ROUNDS {
        let before = count(withheld);
        for (origin, requirement) in hardest_first(cells, origins, withheld) {
            let asked = (origin.cell(), requirement.change as i64, requirement.insiders);
            let left = left_to_attack.contains(&asked);
            let requirement = if left { requirement.ignoring_insiders() } else { requirement };
            let mut lacking = lacking(cells, &requirement, alternatives);
            while let Some(next) = lacking {
                let mut search = |requirement: &Requirement| {
                    search.cheapest(requirement, withheld, &cost, &further, origins.len())
                };
                let found = search(&next).or_else(|| {
                    (next.insiders != InsiderCondition::Ignored).then(|| {
                        left_to_attack.push(asked);
                        search(&next.ignoring_insiders())
                    })?
                });
                let alternative = found.ok_or_else(|| match next.respondent() {
                    Some(_) => SuppressionRefusal::known_to_respondent(cells, origin.cell()),
                    None => SuppressionRefusal::unprotectable(cells, origin.cell()),
                })?;
                for &(cell, _) in alternative.changes() {
                    withheld[cell] = true;
                    cost[cell] = KNOWN;
                }
                let goes_on = requirement.is_of_respondents() && next.is_met(cells, &alternative);
                alternatives.add(alternative);
                lacking =
                    goes_on.then(|| self::lacking(cells, &requirement, alternatives)).flatten();
            }
        }
        if count(withheld) == before {
            return Ok(());
        }
    }
    Err(SuppressionRefusal::WorkUsedUp)
}

pub(crate) fn hardest_first(
    cells: &Cells<'_>,
    origins: &[RequirementOrigin],
    withheld: &[bool],
) -> Vec<(RequirementOrigin, Requirement)> {
    let requirements = |&origin: &RequirementOrigin| {
        origin
            .requirements(cells, withheld)
            .into_iter()
            .map(move |requirement| (origin, requirement))
    };
    let mut all: Vec<_> = origins.iter().flat_map(requirements).collect();
    all.sort_by(|(_, a), (_, b)| b.change.abs().total_cmp(&a.change.abs()));
    all
}

/// Returns the part of a requirement that no known world meets.
fn lacking(
    cells: &Cells<'_>,
    requirement: &Requirement,
    alternatives: &ChangedTables,
) -> Option<Requirement> {
    let altering = requirement.terms.iter().flat_map(|&(cell, _)| alternatives.altering(cell));
    requirement.lacking(cells, altering)
}

pub(crate) fn count(withheld: &[bool]) -> usize {
    withheld.iter().filter(|withheld| **withheld).count()
}
