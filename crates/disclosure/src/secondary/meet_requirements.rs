use minster_model::{CellId, IdVec};

use crate::{
    problem::{
        alternative_table::{ChangedTable, ChangedTables},
        cells::{Cells, KNOWN, Withheld},
        requirements::{InsiderCondition, OriginId, Requirement, RequirementOrigin},
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
    pub(crate) cells: &'a Cells<'a>,
    pub(crate) ranks: &'a Ranks,
    pub(crate) hypercubes: Hypercubes<'a>,
    pub(crate) programs: Programs<'a>,
}

impl<'a> AlternativeSearch<'a> {
    /// Nothing is searched yet.
    pub(crate) fn new(cells: &'a Cells<'a>, ranks: &'a Ranks) -> Self {
        let (hypercubes, programs) = (Hypercubes::new(cells, ranks), Programs::new(cells));
        Self { cells, ranks, hypercubes, programs }
    }

    /// A cheap world that meets a requirement: a hypercube that costs nothing more, or what a linear program
    /// finds near by, or a hypercube that does cost more. To look at all of a large table is the last resort.
    fn cheapest(
        &mut self,
        requirement: &Requirement,
        withheld: &Withheld,
        cost: &IdVec<CellId, f64>,
        further: &[Nearness<'_>],
        asking: usize,
    ) -> Option<ChangedTable> {
        let cells = self.cells;
        let hypercube = self.hypercubes.cheapest(requirement, cost);
        // A world within the pattern costs next to nothing, so no program can save much. Where very many ask, a program for
        // each would take too long.
        if let Some(found) = &hypercube
            && (asking > TOO_MANY || found.changes().iter().all(|&(cell, _)| withheld[cell]))
        {
            return hypercube;
        }
        // The work of a program grows fast with its cells: the small neighbourhood is tried first.
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
    origins: &IdVec<OriginId, RequirementOrigin>,
    withheld: &mut Withheld,
    alternatives: &mut ChangedTables,
    search: &mut AlternativeSearch<'_>,
) -> Result<(), SuppressionRefusal> {
    let near = if origins.len() > MANY { NEAR_OF_MANY } else { NEAR };
    let further = [near, 3 * near, 9 * near].map(|inner| Nearness::new(cells, search.ranks, inner));
    let cost = cells.costs(withheld);
    let (asking, left_to_attack) = (origins.len(), Vec::new());
    let mut cover =
        Cover { cells, withheld, alternatives, search, further, asking, cost, left_to_attack };
    // Cells withheld below a margin let it be less, and so raise what is required of it: a round can ask for more than the
    // one before. After a round without a new cell, the requirements are the ones that it met.
    for _ in 0..ROUNDS {
        let before = count(cover.withheld);
        for (origin, requirement) in hardest_first(cells, origins, cover.withheld) {
            cover.meet(origin, requirement)?;
        }
        if count(cover.withheld) == before {
            return Ok(());
        }
    }
    Err(SuppressionRefusal::WorkUsedUp)
}

/// The pattern so far, and the means of the search.
struct Cover<'a, 'b> {
    cells: &'a Cells<'a>,
    withheld: &'a mut Withheld,
    alternatives: &'a mut ChangedTables,
    search: &'a mut AlternativeSearch<'b>,
    further: [Nearness<'a>; 3],
    /// How many ask.
    asking: usize,
    cost: IdVec<CellId, f64>,
    /// No one world that leaves every insider where they are meets these: the attack asks for each.
    left_to_attack: Vec<Asked>,
}

/// Tells one requirement of an origin from its others, and from that of another round.
type Asked = (CellId, i64, InsiderCondition);

impl Cover<'_, '_> {
    /// Withholds what worlds change that meet a requirement, as far as those that are known do not.
    fn meet(
        &mut self,
        origin: RequirementOrigin,
        requirement: Requirement,
    ) -> Result<(), SuppressionRefusal> {
        let asked = (origin.cell(), requirement.change as i64, requirement.insiders);
        let left = self.left_to_attack.contains(&asked);
        let requirement = if left { requirement.ignoring_insiders() } else { requirement };
        let mut lacking = lacking(self.cells, &requirement, self.alternatives);
        while let Some(next) = lacking {
            let alternative = self.alternative(origin, asked, &next)?;
            // A withheld cell can serve every later requirement, at hardly any cost.
            for &(cell, _) in alternative.changes() {
                self.withheld[cell] = true;
                self.cost[cell] = KNOWN;
            }
            // Only a requirement of all respondents takes several worlds. A world that misses its requirement ends the
            // loop, as the search would only find it again.
            let goes_on = requirement.is_of_respondents() && next.is_met(self.cells, &alternative);
            self.alternatives.add(alternative);
            lacking = match goes_on {
                true => self::lacking(self.cells, &requirement, self.alternatives),
                false => None,
            };
        }
        Ok(())
    }

    /// A world that meets a requirement; where there is none that leaves every insider where they are, one that need not.
    fn alternative(
        &mut self,
        origin: RequirementOrigin,
        asked: Asked,
        requirement: &Requirement,
    ) -> Result<ChangedTable, SuppressionRefusal> {
        let mut found = self.cheapest(requirement);
        if found.is_none() && requirement.insiders != InsiderCondition::Ignored {
            self.left_to_attack.push(asked);
            found = self.cheapest(&requirement.ignoring_insiders());
        }
        found.ok_or_else(|| match requirement.respondent() {
            Some(_) => SuppressionRefusal::known_to_respondent(self.cells, origin.cell()),
            None => SuppressionRefusal::unprotectable(self.cells, origin.cell()),
        })
    }

    /// A cheap world that meets a requirement, given the pattern so far.
    fn cheapest(&mut self, requirement: &Requirement) -> Option<ChangedTable> {
        let Self { withheld, search, further, asking, cost, .. } = self;
        search.cheapest(requirement, withheld, cost, further, *asking)
    }
}

/// The requirements of all origins, the largest changes first: they withhold most, and the others then find cells that cost
/// hardly anything.
pub(crate) fn hardest_first(
    cells: &Cells<'_>,
    origins: &IdVec<OriginId, RequirementOrigin>,
    withheld: &Withheld,
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
    let altering = requirement.terms().flat_map(|(cell, _)| alternatives.altering(cell));
    requirement.lacking(cells, altering)
}

/// How many cells are withheld.
pub(crate) fn count(withheld: &Withheld) -> usize {
    withheld.iter().filter(|withheld| **withheld).count()
}
