//! Components: cells that sums or requirements join. A cell withheld in one changes nothing in another.

use std::collections::{BTreeMap, BTreeSet};

use minster_model::{CellId, IdVec};

use crate::{
    optimal::{
        cell_set::{CellSet, ComponentCellId},
        component_requirements::{self, ComponentRequirement},
    },
    problem::{
        cells::{Cells, Relation, RelationId},
        requirements::{self, OriginId, RequirementOrigin},
    },
};

/// The cells of one component that can be withheld, and who requires anything of them.
pub(crate) struct Members {
    pub(crate) cells: Vec<CellId>,
    origins: Vec<RequirementOrigin>,
}

/// The cells of one component, numbered from 0, and what holds of them.
pub(crate) struct Component {
    /// The cells' numbers among all.
    pub(crate) cells: IdVec<ComponentCellId, CellId>,
    pub(crate) is_inner: IdVec<ComponentCellId, bool>,
    pub(crate) cost: IdVec<ComponentCellId, f64>,
    /// By how much less each can be, for an outsider; no bound for a margin.
    pub(crate) floor: IdVec<ComponentCellId, Option<i64>>,
    /// How much more of each an insider knows.
    pub(crate) known: IdVec<ComponentCellId, i64>,
    /// Withheld whatever comes.
    pub(crate) forced: CellSet,
    pub(crate) relations: IdVec<ComponentRelationId, ComponentRelation>,
    pub(crate) relations_of: IdVec<ComponentCellId, Vec<ComponentRelationId>>,
    pub(crate) requirements: Vec<ComponentRequirement>,
}

minster_model::id! {
    /// The number of a sum within its component.
    ComponentRelationId
}

/// A sum of cells, with signs, that changes by nothing in every world.
pub(crate) struct ComponentRelation {
    pub(crate) terms: Vec<(ComponentCellId, i64)>,
    /// Whether it is one of those from which all others follow.
    pub(crate) defining: bool,
}

impl ComponentRelation {
    /// A sum in a component's numbers. Cells that cannot change are in none, and add nothing to a change.
    fn new(relation: &Relation, local: &BTreeMap<CellId, ComponentCellId>) -> Self {
        let terms = relation.terms.iter();
        let here = terms.filter_map(|&(cell, sign)| Some((*local.get(&cell)?, sign as i64)));
        let mut terms: Vec<(ComponentCellId, i64)> = here.collect();
        terms.sort_unstable();
        Self { terms, defining: relation.defining }
    }
}

impl Component {
    /// Numbers the cells of a component, and says what holds of them.
    pub(crate) fn new(cells: &Cells<'_>, Members { cells: of, origins }: Members) -> Self {
        let of: IdVec<ComponentCellId, CellId> = of.into();
        let local: BTreeMap<CellId, ComponentCellId> =
            of.enumerate().map(|(here, &cell)| (cell, here)).collect();
        let numbers: BTreeSet<RelationId> =
            of.iter().flat_map(|&cell| &cells.relations_of[cell]).copied().collect();
        let relations: IdVec<_, ComponentRelation> = numbers
            .iter()
            .map(|&number| ComponentRelation::new(&cells.relations[number], &local))
            .collect();
        let mut relations_of: IdVec<ComponentCellId, Vec<ComponentRelationId>> =
            vec![Vec::new(); of.len()].into();
        for (number, relation) in relations.enumerate() {
            relation.terms.iter().for_each(|&(cell, _)| relations_of[cell].push(number));
        }
        // Every pattern has these cells, so that no clause needs to name them.
        let mut forced = CellSet::none(of.len());
        for (here, &cell) in of.enumerate() {
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
        // The slack counts for an insider. An outsider allows for as many children less as only insiders know of.
        let floor = |&cell: &CellId| {
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

    /// How many cells it has.
    pub(crate) fn len(&self) -> usize {
        self.cells.len()
    }

    /// The component's cells, ascending.
    pub(crate) fn ids(&self) -> impl Iterator<Item = ComponentCellId> + use<> {
        (0..self.len()).map(ComponentCellId)
    }

    /// Returns the cost of withholding some cells.
    pub(crate) fn cost(&self, withheld: &CellSet) -> f64 {
        withheld.iter().map(|cell| self.cost[cell]).sum()
    }

    /// The cells that may be withheld or not.
    pub(crate) fn free(&self) -> impl Iterator<Item = ComponentCellId> {
        self.ids().filter(|&cell| !self.forced.has(cell))
    }
}

/// The components in which anyone requires anything, the smallest first; none where what was withheld
/// before does not fit the policy, so that the truth is no world.
pub(crate) fn members(
    cells: &Cells<'_>,
    origins: &IdVec<OriginId, RequirementOrigin>,
) -> Vec<Members> {
    // A larger pattern has the worlds of a smaller one. The argument starts from the truth, which must itself be a world.
    let fits = |cell: CellId| !cells.stays_withheld[cell] || cells.may_change(cell);
    if !cells.ids().all(fits) {
        return Vec::new();
    }
    let mut joined = Joined(cells.ids().collect());
    // A cell that cannot change joins nothing: cells on either side of it change independently.
    let changes = |cell: &CellId| cells.may_change(*cell);
    for relation in &cells.relations {
        joined.join(relation.terms.iter().map(|&(cell, _)| cell).filter(changes));
    }
    let mut asking: BTreeMap<CellId, Vec<RequirementOrigin>> = BTreeMap::new();
    for &origin in origins {
        // A requirement joins its cells with those that decide how little they may be, as withholding these changes the
        // requirement.
        let mut concerned: Vec<CellId> = origin.cells().collect();
        concerned.extend(component_requirements::deciding(cells, origin));
        joined.join(concerned.into_iter().filter(changes));
    }
    for &origin in origins {
        if let Some(cell) = origin.cells().find(changes) {
            asking.entry(joined.root(cell)).or_default().push(origin);
        }
    }
    let mut members: BTreeMap<CellId, Vec<CellId>> = BTreeMap::new();
    for cell in cells.ids().filter(changes) {
        members.entry(joined.root(cell)).or_default().push(cell);
    }
    let of =
        |(root, origins)| Members { cells: members.remove(&root).unwrap_or_default(), origins };
    let mut components: Vec<Members> = asking.into_iter().map(of).collect();
    // All components share the steps. The smallest come first, before a large one uses the steps up.
    components.sort_by_key(|component| component.cells.len());
    components
}

/// Which cells are joined: each leads to another of its component, and one to itself.
struct Joined(IdVec<CellId, CellId>);

impl Joined {
    /// The cell that stands for a cell's component. On the way each cell is led to the next but one, so that the ways stay
    /// short (path halving, Tarjan & van Leeuwen 1984).
    fn root(&mut self, mut cell: CellId) -> CellId {
        while self.0[cell] != cell {
            self.0[cell] = self.0[self.0[cell]];
            cell = self.0[cell];
        }
        cell
    }

    /// Joins some cells, under the least of those that stand for them: so the order of the joins makes no difference.
    fn join(&mut self, cells: impl Iterator<Item = CellId>) {
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
