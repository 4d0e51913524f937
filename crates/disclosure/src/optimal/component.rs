//! Components: cells that sums or requirements join. A cell withheld in one changes nothing in another.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    optimal::{
        cell_set::CellSet,
        component_requirements::{self, ComponentRequirement},
    },
    problem::{
        cells::Cells,
        requirements::{self, RequirementOrigin},
    },
};

/// The cells of one component that can be withheld, and who requires anything of them.
pub(crate) struct Members {
    pub(crate) cells: Vec<usize>,
    origins: Vec<RequirementOrigin>,
}

/// The cells of one component, numbered from 0, and what holds of them.
pub(crate) struct Component {
    /// The cells' numbers among all.
    pub(crate) cells: Vec<usize>,
    pub(crate) is_inner: Vec<bool>,
    pub(crate) cost: Vec<f64>,
    /// By how much less each can be, for an outsider; no bound for a margin.
    pub(crate) floor: Vec<Option<i64>>,
    /// How much more of each an insider knows.
    pub(crate) known: Vec<i64>,
    /// Withheld whatever comes.
    pub(crate) forced: CellSet,
    pub(crate) relations: Vec<ComponentRelation>,
    pub(crate) relations_of: Vec<Vec<usize>>,
    pub(crate) requirements: Vec<ComponentRequirement>,
}

/// A sum of cells, with signs, that changes by nothing in every world.
pub(crate) struct ComponentRelation {
    pub(crate) terms: Vec<(usize, i64)>,
    /// Whether it is one of those from which all others follow.
    pub(crate) defining: bool,
}

impl Component {
    pub(crate) fn new(cells: &Cells<'_>, Members { cells: of, origins }: Members) -> Self {
        let local: BTreeMap<usize, usize> =
            of.iter().enumerate().map(|(here, &cell)| (cell, here)).collect();
        let numbers: BTreeSet<usize> =
            of.iter().flat_map(|&cell| &cells.relations_of[cell]).copied().collect();
        let relation = |&number: &usize| {
            let relation = &cells.relations[number];
            let terms = relation.terms.iter();
            let mut terms: Vec<(usize, i64)> =
                terms.filter_map(|&(cell, sign)| Some((*local.get(&cell)?, sign as i64))).collect();
            terms.sort_unstable();
            ComponentRelation { terms, defining: relation.defining }
        };
        let relations: Vec<ComponentRelation> = numbers.iter().map(relation).collect();
        let mut relations_of = vec![Vec::new(); of.len()];
        for (number, relation) in relations.iter().enumerate() {
            relation.terms.iter().for_each(|&(cell, _)| relations_of[cell].push(number));
        }
        let mut forced = CellSet::none(of.len());
        for (here, &cell) in of.iter().enumerate() {
            if cells.stays_withheld[cell] || requirements::is_primary(cells, cell) {
                forced.put(here);
            }
        }
        let requirements = origins
            .iter()
            .flat_map(|&origin| {
                component_requirements::requirements(cells, origin, &local, &forced)
            })
            .collect();
        let floor = |&cell: &usize| {
            cells.is_inner[cell].then(|| -cells.slack[cell].saturating_add(cells.insiders[cell]))
        };
        Self {
            is_inner: of.iter().map(|&cell| cells.is_inner[cell]).collect(),
            cost: of.iter().map(|&cell| cells.cost[cell]).collect(),
            floor: of.iter().map(floor).collect(),
            known: of.iter().map(|&cell| cells.insiders[cell]).collect(),
            cells: of,
            forced,
            relations,
            relations_of,
            requirements,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.cells.len()
    }

    /// Returns the cost of withholding some cells.
    pub(crate) fn cost(&self, withheld: &CellSet) -> f64 {
        withheld.iter().map(|cell| self.cost[cell]).sum()
    }

    /// The cells that may be withheld or not.
    pub(crate) fn free(&self) -> impl Iterator<Item = usize> {
        (0..self.len()).filter(|&cell| !self.forced.has(cell))
    }
}

/// The components in which anyone requires anything, the smallest first; none where what was withheld
/// before does not fit the policy, so that the truth is no world.
pub(crate) fn members(cells: &Cells<'_>, origins: &[RequirementOrigin]) -> Vec<Members> {
    let fits = |cell: usize| !cells.stays_withheld[cell] || cells.may_change(cell);
    if !(0..cells.len()).all(fits) {
        return Vec::new();
    }
    let mut joined = Joined((0..cells.len()).collect());
    let changes = |cell: &usize| cells.may_change(*cell);
    for relation in &cells.relations {
        joined.join(relation.terms.iter().map(|&(cell, _)| cell).filter(changes));
    }
    let mut asking: BTreeMap<usize, Vec<RequirementOrigin>> = BTreeMap::new();
    for &origin in origins {
        let mut concerned: Vec<usize> = origin.cells().collect();
        concerned.extend(component_requirements::deciding(cells, origin));
        joined.join(concerned.into_iter().filter(changes));
    }
    for &origin in origins {
        if let Some(cell) = origin.cells().find(changes) {
            asking.entry(joined.root(cell)).or_default().push(origin);
        }
    }
    let mut members: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for cell in (0..cells.len()).filter(changes) {
        members.entry(joined.root(cell)).or_default().push(cell);
    }
    let of =
        |(root, origins)| Members { cells: members.remove(&root).unwrap_or_default(), origins };
    let mut components: Vec<Members> = asking.into_iter().map(of).collect();
    components.sort_by_key(|component| component.cells.len());
    components
}

/// Which cells are joined.
struct Joined(Vec<usize>);

impl Joined {
    fn root(&mut self, mut cell: usize) -> usize {
        while self.0[cell] != cell {
            self.0[cell] = self.0[self.0[cell]];
            cell = self.0[cell];
        }
        cell
    }

    fn join(&mut self, cells: impl Iterator<Item = usize>) {
        let mut first = None;
        for cell in cells {
            let root = self.root(cell);
            match first {
                None => first = Some(root),
                Some(to) => {
                    self.0[root.max(to)] = root.min(to);
                    first = Some(root.min(to));
                }
            }
        }
    }
}
