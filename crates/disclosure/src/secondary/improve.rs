//! Meets each requirement anew, in turn, in the light of what is withheld for the others: what the first
//! requirements had to pay for, the last may have made needless.

use minster_model::{CellId, IdVec};

use crate::{
    problem::{
        alternative_table::{AlternativeId, ChangedTable, ChangedTables},
        cells::{Cells, KNOWN, Withheld},
        requirements::{self, OriginId, Requirement, RequirementOrigin},
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

/// Savings no larger than this are none: a sum of costs is not exact.
const EQUAL: f64 = 1e-9;

minster_model::id! {
    /// The number of a requirement among those that are met anew.
    RequirementId
}

/// The worlds in use, who relies on each, and which cells are withheld for which.
struct Routes<'a, 'b> {
    cells: &'a Cells<'a>,
    hypercubes: &'a mut Hypercubes<'b>,
    requirements: &'a IdVec<RequirementId, Requirement>,
    alternatives: IdVec<AlternativeId, ChangedTable>,
    /// The requirements that rely on each world.
    relying: IdVec<AlternativeId, Vec<RequirementId>>,
    /// The worlds in use that alter each cell.
    altering: IdVec<CellId, Vec<AlternativeId>>,
    cost: IdVec<CellId, f64>,
    /// Whether a cell is withheld whatever the worlds are.
    given: IdVec<CellId, bool>,
}

/// Meets the requirements anew, world by world and then without each secondary cell, the dearest first.
pub(crate) fn cheapen_alternatives(
    cells: &Cells<'_>,
    origins: &IdVec<OriginId, RequirementOrigin>,
    withheld: &mut Withheld,
    alternatives: &mut ChangedTables,
    search: &mut AlternativeSearch<'_>,
) {
    let requirements: IdVec<RequirementId, Requirement> = hardest_first(cells, origins, withheld)
        .into_iter()
        .flat_map(|(_, requirement)| one_by_one(cells, requirement, alternatives))
        .collect();
    let mut routes = Routes::new(cells, &requirements, alternatives, &mut search.hypercubes);
    for _ in 0..PASSES {
        let by_worlds = routes.replace_each_world();
        let by_cells = routes.avoid_each_cell();
        if !by_worlds && !by_cells {
            break;
        }
    }
    *alternatives = ChangedTables::new(cells.len());
    for (alternative, relying) in routes.alternatives.iter().zip(&routes.relying) {
        if !relying.is_empty() {
            alternatives.add(alternative.clone());
        }
    }
    for (cell, withheld) in withheld.enumerate_mut() {
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
    let altering = requirement.terms().flat_map(|(cell, _)| alternatives.altering(cell));
    let mut meeting = altering.filter(|alternative| requirement.is_met(cells, alternative));
    let moved = meeting.next().map_or(&[][..], |alternative| alternative.respondents());
    requirement.for_each_of(moved)
}

impl<'a, 'b> Routes<'a, 'b> {
    /// The known worlds that some requirement relies on.
    fn new(
        cells: &'a Cells<'a>,
        requirements: &'a IdVec<RequirementId, Requirement>,
        alternatives: &ChangedTables,
        hypercubes: &'a mut Hypercubes<'b>,
    ) -> Self {
        let given: IdVec<CellId, bool> = cells
            .ids()
            .map(|cell| cells.stays_withheld[cell] || requirements::is_primary(cells, cell))
            .collect();
        let mut routes = Self {
            cells,
            hypercubes,
            requirements,
            alternatives: IdVec::new(),
            relying: IdVec::new(),
            altering: vec![Vec::new(); cells.len()].into(),
            cost: cells.costs(&given),
            given,
        };
        for alternative in alternatives.iter() {
            routes.add(alternative.clone());
        }
        for number in requirements.ids() {
            if let Some(alternative) = routes.known(number) {
                routes.relying[alternative].push(number);
            }
        }
        // Nobody relies on these worlds, so nothing needs to be withheld for them.
        for alternative in routes.alternatives.ids() {
            if routes.relying[alternative].is_empty() {
                routes.take(alternative);
            }
        }
        routes
    }

    /// Seeks a cheaper world in place of each, and says whether one was found. The others stay, so that a cell they alter
    /// costs little: a world that was cheap when it was found alone may not be beside them.
    fn replace_each_world(&mut self) -> bool {
        let mut better = false;
        for alternative in self.alternatives.ids() {
            if !self.relying[alternative].is_empty() {
                better |= self.improve(&[alternative], None);
            }
        }
        better
    }

    /// Seeks other worlds in place of all that alter a cell, cell by cell, the dearest first, and says whether that was
    /// cheaper. As long as one of them stays, the cell has to be withheld: to replace one at a time does not save it.
    fn avoid_each_cell(&mut self) -> bool {
        let cells = self.cells;
        let mut better = false;
        let mut dear: Vec<CellId> = cells
            .ids()
            .filter(|&cell| !self.given[cell] && !self.altering[cell].is_empty())
            .collect();
        dear.sort_by(|&a, &b| cells.cost[b].total_cmp(&cells.cost[a]).then(a.cmp(&b)));
        for cell in dear {
            let through = self.altering[cell].clone();
            if !through.is_empty() {
                better |= self.improve(&through, Some(cell));
            }
        }
        better
    }

    /// A world in use that meets a requirement.
    fn known(&self, number: RequirementId) -> Option<AlternativeId> {
        // The truth does not meet a requirement: a world that does alters one of its cells.
        let requirement = &self.requirements[number];
        requirement.terms().find_map(|(cell, _)| {
            self.altering[cell].iter().copied().find(|&alternative| {
                requirement.is_met(self.cells, &self.alternatives[alternative])
            })
        })
    }

    /// Puts a new world in use, and says what the cells cost that only it alters.
    fn add(&mut self, alternative: ChangedTable) -> (AlternativeId, f64) {
        let new = self.alternatives.push(alternative);
        self.relying.push(Vec::new());
        (new, self.put(new))
    }

    /// Puts a world in use, and says what the cells cost that only it alters.
    fn put(&mut self, alternative: AlternativeId) -> f64 {
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
    fn take(&mut self, alternative: AlternativeId) -> f64 {
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
    fn cost(&self, cell: CellId) -> f64 {
        // The more other worlds alter a cell, the surer it stays withheld, and the less this world adds.
        match self.altering[cell].len() {
            _ if !self.cells.may_change(cell) => f64::INFINITY,
            _ if self.given[cell] => KNOWN,
            0 => self.cells.cost[cell],
            others => KNOWN + SHARED / others as f64,
        }
    }

    /// Meets the requirements that rely on some worlds without these, and without a cell if one is given,
    /// and stays with it if that costs less.
    fn improve(&mut self, old: &[AlternativeId], without: Option<CellId>) -> bool {
        let mut saved: f64 = old.iter().map(|&alternative| self.take(alternative)).sum();
        // Other worlds alter all their cells too. No replacement could cost less than nothing.
        if saved <= 0.0 {
            old.iter().for_each(|&alternative| _ = self.put(alternative));
            return false;
        }
        let relied: Vec<Vec<RequirementId>> =
            old.iter().map(|&alternative| std::mem::take(&mut self.relying[alternative])).collect();
        let mut numbers: Vec<RequirementId> = relied.iter().flatten().copied().collect();
        numbers.sort_unstable();
        // At an infinite price no hypercube leads through the cell.
        if let Some(cell) = without {
            self.cost[cell] = f64::INFINITY;
        }
        let first_new = self.alternatives.next_id();
        let moved = self.meet_anew(&numbers, &mut saved);
        if let Some(cell) = without {
            self.cost[cell] = self.cost(cell);
        }
        // A new world at the same cost is kept as well: the next replacement may start better from it. A
        // cell is avoided for the cost that it saves, and only for that.
        let least = if without.is_some() { EQUAL } else { -EQUAL };
        let Some(moved) = moved.filter(|_| saved >= least) else {
            self.undo(old, relied, first_new);
            return false;
        };
        for (number, alternative) in moved {
            self.relying[alternative].push(number);
        }
        saved > EQUAL
    }

    /// Finds a world for each of some requirements, and says which; none where that costs more than is saved, or one has no
    /// world.
    fn meet_anew(
        &mut self,
        numbers: &[RequirementId],
        saved: &mut f64,
    ) -> Option<Vec<(RequirementId, AlternativeId)>> {
        let mut moved: Vec<(RequirementId, AlternativeId)> = Vec::new();
        for &number in numbers {
            let alternative = match self.known(number) {
                Some(known) => known,
                None => {
                    let requirement = &self.requirements[number];
                    let found = self.hypercubes.cheapest(requirement, &self.cost)?;
                    let (new, cost) = self.add(found);
                    *saved -= cost;
                    new
                }
            };
            // Every further world can only add cost: the replacement is dearer already.
            if *saved <= -EQUAL {
                return None;
            }
            moved.push((number, alternative));
        }
        Some(moved)
    }

    /// Puts some worlds back with those who rely on them, and takes away those that came for them.
    fn undo(
        &mut self,
        old: &[AlternativeId],
        relied: Vec<Vec<RequirementId>>,
        first_new: AlternativeId,
    ) {
        for new in self.alternatives.ids().skip(first_new.0) {
            self.take(new);
        }
        self.alternatives.truncate(first_new);
        self.relying.truncate(first_new);
        for (&alternative, relying) in old.iter().zip(relied) {
            self.put(alternative);
            self.relying[alternative] = relying;
        }
    }
}
