use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use minster_model::{
    CellId, IdVec, LeafId, NodeId, TableId,
    table::{Hierarchy, TableSet},
};

use crate::{
    problem::{cells::Cells, requirements::Requirement},
    secondary::neighbourhood::Ranks,
};

/// Steps along one dimension from one node that are looked at; in larger dimensions, those of the best
/// leaves.
const STEPS: usize = 3_000;

/// A child more in a leaf, and one less in another if there is another: alters the nodes that count one of
/// the two alone.
pub(crate) type Step = (LeafId, Option<LeafId>);

minster_model::id! {
    /// The number of a dimension among those of all tables, each once.
    DimensionId
}

minster_model::id! {
    /// The number of a tie that links tables without a common dimension of it.
    TieId
}

/// How far another cell stands from one, in numbers of cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Away(isize);

impl Away {
    /// How far the cell of one node stands from that of another, where neighbours are numbered `stride` apart.
    fn between(one: NodeId, other: NodeId, stride: usize) -> Self {
        Self((other.0 as isize - one.0 as isize) * stride as isize)
    }

    /// The cell that stands so far from another.
    pub(crate) fn from(self, cell: CellId) -> CellId {
        CellId(cell.0.wrapping_add_signed(self.0))
    }
}

/// A step seen from a node.
pub(crate) struct StepChoice {
    pub(crate) step: Step,
    /// Whether it alters the node itself.
    pub(crate) alters_own: bool,
    /// How far from a cell those stand that it alters likewise, and whether they change with it or
    /// against it.
    pub(crate) others: Vec<(Away, i64)>,
}

/// The steps to choose from along one dimension.
pub(crate) struct StepLevel {
    pub(crate) dimension: DimensionId,
    pub(crate) choices: Rc<[StepChoice]>,
}

/// The dimensions of all tables, each once.
pub(crate) struct SearchDimensions<'a> {
    cells: &'a Cells<'a>,
    dimensions: IdVec<DimensionId, SearchDimension>,
    known: RefCell<BTreeMap<Key, Rc<[StepChoice]>>>,
}

/// Where a step is taken: the table, the dimension, the node, the node that is taken away from it, the
/// only leaf that may become more.
type Key = (TableId, usize, NodeId, NodeId, Option<LeafId>);

/// A dimension, with the tables that have it.
struct SearchDimension {
    /// Best first.
    leaves: Vec<LeafId>,
    /// Where tables have it.
    uses: Vec<Use>,
    /// The ties that link it with dimensions of other tables, by their numbers, and the class of each leaf.
    ties: Vec<(TieId, IdVec<LeafId, usize>)>,
}

/// A table's dimension.
struct Use {
    table: TableId,
    /// Its place among the dimensions of the table.
    place: usize,
    /// How far apart neighbours along it are numbered.
    stride: usize,
}

impl SearchDimension {
    /// Whether no tie tells two leaves apart.
    fn is_of_one_class(&self, one: LeafId, other: LeafId) -> bool {
        self.ties.iter().all(|(_, class_of)| class_of[one] == class_of[other])
    }

    /// Where a table has it, if it does.
    fn of(&self, table: TableId) -> Option<&Use> {
        self.uses.iter().find(|of| of.table == table)
    }
}

impl<'a> SearchDimensions<'a> {
    /// Lists the dimensions of all tables by name, each with its tables.
    pub(crate) fn new(cells: &'a Cells<'a>, ranks: &Ranks) -> Self {
        let mut by_name: BTreeMap<&str, Vec<Use>> = BTreeMap::new();
        for (number, table) in cells.tables.enumerate() {
            let mut stride = 1;
            for (place, dimension) in table.dimensions().iter().enumerate().rev() {
                by_name.entry(dimension.name()).or_default().push(Use {
                    table: number,
                    place,
                    stride,
                });
                stride *= dimension.node_count();
            }
        }
        let ties = linking_ties(cells.set);
        let dimension = |(name, uses): (&str, Vec<Use>)| {
            let ties = ties.enumerate();
            let ties = ties.filter_map(|(tie, of)| Some((tie, of.get(name)?.to_vec().into())));
            SearchDimension { leaves: ranks.of(name).to_vec(), uses, ties: ties.collect() }
        };
        let dimensions = by_name.into_iter().map(dimension).collect();
        Self { cells, dimensions, known: RefCell::default() }
    }

    /// How many dimensions there are.
    pub(crate) fn len(&self) -> usize {
        self.dimensions.len()
    }

    /// The steps that change a requirement's sum by one, along each dimension: those of a sum of two cells
    /// first, then those with most to choose from, last those that the requirement's table does not have.
    /// `through` is the only inner cell of the sum that is changed, if there is but one to be.
    pub(crate) fn around(
        &self,
        requirement: &Requirement,
        through: Option<CellId>,
    ) -> Vec<StepLevel> {
        let (table, _) = self.cells.place(requirement.cell);
        let mut levels = Vec::with_capacity(self.len());
        for (number, dimension) in self.dimensions.enumerate() {
            let Some(of) = dimension.of(table) else {
                // The requirement's table lacks this dimension: a move along it would cancel out there. Only one child
                // more in some leaf changes the sum.
                let choices = dimension.leaves.iter().map(|&leaf| StepChoice {
                    step: (leaf, None),
                    alters_own: true,
                    others: Vec::new(),
                });
                levels.push((2, 0, StepLevel { dimension: number, choices: choices.collect() }));
                continue;
            };
            let node = self.node(of, requirement.cell);
            let less = requirement.less.map_or(node, |less| self.node(of, less));
            let only = through.and_then(|inner| self.hierarchy(of).ordinal(self.node(of, inner)));
            // Many requirements share a node. To list the choices is dear, so it is done once for all of them.
            let key = (table, of.place, node, less, only);
            let known = self.known.borrow().get(&key).cloned();
            let choices = known.unwrap_or_else(|| {
                let choices = self.choices(dimension, of, (node, less), only);
                self.known.borrow_mut().insert(key, Rc::clone(&choices));
                choices
            });
            // Few steps lead to a difference of two cells: where one of them fails, the search is over soonest.
            let order = if less == node { 1 } else { 0 };
            let most = usize::MAX - choices.len();
            levels.push((order, most, StepLevel { dimension: number, choices }));
        }
        levels.sort_by_key(|&(order, most, _)| (order, most));
        levels.into_iter().map(|(.., level)| level).collect()
    }

    /// The hierarchy of a table's dimension.
    fn hierarchy(&self, of: &Use) -> &Hierarchy {
        self.cells.tables[of.table].dimension(of.place)
    }

    /// The node that a cell takes along a dimension of its table.
    fn node(&self, of: &Use, cell: CellId) -> NodeId {
        let (_, cell) = self.cells.place(cell);
        NodeId(cell / of.stride % self.hierarchy(of).node_count())
    }

    /// The steps that add one to what a node counts, and another node below it, if it is another, does not.
    fn choices(
        &self,
        dimension: &SearchDimension,
        of: &Use,
        (own, without): (NodeId, NodeId),
        only: Option<LeafId>,
    ) -> Rc<[StepChoice]> {
        let hierarchy = self.hierarchy(of);
        let is_inside = |leaf: &LeafId| {
            let above = hierarchy.above(*leaf);
            above.contains(&own) && (without == own || !above.contains(&without))
        };
        let (mut inside, mut outside): (Vec<LeafId>, Vec<LeafId>) =
            dimension.leaves.iter().copied().partition(is_inside);
        inside.retain(|&leaf| only.is_none_or(|only| leaf == only));
        // The leaves are ranked best first. The last of the longer list is the least loss.
        while inside.len() * (outside.len() + 1) > STEPS {
            let longer = if inside.len() > outside.len() { &mut inside } else { &mut outside };
            longer.pop();
        }
        let steps = inside.iter().flat_map(|&more| {
            // A step from class to class would have to be taken in the tied dimensions of other tables too.
            let outside =
                outside.iter().filter(move |&&less| dimension.is_of_one_class(more, less));
            let less = outside.map(|&less| Some(less)).chain([None]);
            less.map(move |less| (more, less))
        });
        steps.map(|step| self.choice(of, own, step)).collect()
    }

    /// A step along a table's dimension, seen from a node.
    fn choice(&self, of: &Use, own: NodeId, step: Step) -> StepChoice {
        let nodes = self.nodes(of, step);
        let others = nodes.iter().filter(|(node, _)| *node != own);
        StepChoice {
            step,
            alters_own: nodes.iter().any(|(node, _)| *node == own),
            // A distance is the same for every cell at this node; a place would be that of one cell alone.
            others: others
                .map(|&(node, sign)| (Away::between(own, node, of.stride), sign))
                .collect(),
        }
    }

    /// Whether steps add their child to one class of each tie. Where a step of the table itself moves a child within a
    /// class, tables that lack the dimension do not change.
    pub(crate) fn agree(&self, table: TableId, steps: &IdVec<DimensionId, Step>) -> bool {
        let mut classes: BTreeMap<TieId, usize> = BTreeMap::new();
        let moving: Vec<TieId> = self
            .dimensions
            .iter()
            .zip(steps)
            .filter(|(dimension, (_, less))| less.is_some() && dimension.of(table).is_some())
            .flat_map(|(dimension, _)| dimension.ties.iter().map(|(tie, _)| *tie))
            .collect();
        self.dimensions.iter().zip(steps).all(|(dimension, &(more, _))| {
            let mut ties = dimension.ties.iter().filter(|(tie, _)| !moving.contains(tie));
            ties.all(|(tie, class_of)| {
                *classes.entry(*tie).or_insert(class_of[more]) == class_of[more]
            })
        })
    }

    /// The cells of a table that the product of steps, one a dimension, alters, with signs.
    pub(crate) fn altered(
        &self,
        table: TableId,
        steps: &IdVec<DimensionId, Step>,
    ) -> Vec<(CellId, i64)> {
        let mut cells = vec![(self.cells.number(table, 0), 1)];
        for (dimension, &step) in self.dimensions.iter().zip(steps) {
            match dimension.of(table) {
                Some(of) => {
                    let nodes = self.nodes(of, step);
                    let along = |&(cell, sign): &(CellId, i64)| {
                        let altered = nodes.iter();
                        altered
                            .map(move |&(node, with)| {
                                (CellId(cell.0 + node.0 * of.stride), sign * with)
                            })
                            .collect::<Vec<_>>()
                    };
                    cells = cells.iter().flat_map(along).collect();
                }
                // The table adds up over a dimension that it lacks: a move is +1 − 1 there, and one child more is 1.
                None if step.1.is_some() => return Vec::new(),
                None => {}
            }
        }
        cells
    }

    /// The nodes of a table's dimension that a step alters, with signs.
    fn nodes(&self, of: &Use, (more, less): Step) -> Vec<(NodeId, i64)> {
        // A node above both leaves gains one child and loses one: it stays.
        let dimension = self.hierarchy(of);
        let more = dimension.above(more);
        let less = less.map_or(&[][..], |less| dimension.above(less));
        let gained = more.iter().filter(|node| !less.contains(node)).map(|&node| (node, 1));
        let lost = less.iter().filter(|node| !more.contains(node)).map(|&node| (node, -1));
        gained.chain(lost).collect()
    }
}

/// The ties that link tables without a common dimension of the tie: of each the dimensions, by name, and the class of
/// each leaf.
fn linking_ties(set: &TableSet) -> IdVec<TieId, BTreeMap<&str, &[usize]>> {
    /// The class of each leaf, by dimension; and the dimensions that each table has of a tie.
    type TieUses<'a> = (BTreeMap<&'a str, &'a [usize]>, Vec<BTreeSet<&'a str>>);
    let mut ties: BTreeMap<&str, TieUses<'_>> = BTreeMap::new();
    for table in &set.tables {
        let mut own: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for tie in table.ties() {
            let dimension = table.dimension(tie.dimension).name();
            let (of, _) = ties.entry(&tie.name).or_default();
            of.insert(dimension, &tie.class_of);
            own.entry(&tie.name).or_default().insert(dimension);
        }
        for (name, dimensions) in own {
            ties.entry(name).or_default().1.push(dimensions);
        }
    }
    ties.into_values().filter(|(_, tables)| is_link(tables)).map(|(of, _)| of).collect()
}

/// Whether two tables have a tie by different dimensions alone, given those that each has of it. By a common dimension they
/// agree on its classes anyway.
fn is_link(tables: &[BTreeSet<&str>]) -> bool {
    let mut others = tables.iter().enumerate();
    others.any(|(at, one)| tables.iter().skip(at + 1).any(|other| one.is_disjoint(other)))
}

#[cfg(test)]
mod tests {
    use minster_model::{policy::Costs, table::Hierarchy};

    use super::*;
    use crate::test_tables::{flat, set, tree};

    /// Fifty everywhere.
    fn fifties(dimensions: Vec<Hierarchy>) -> TableSet {
        let inner = dimensions.iter().map(|dimension| dimension.leaves().len()).product();
        set(dimensions, vec![50; inner])
    }

    fn wards() -> Hierarchy {
        let nodes =
            [("all", None), ("A", Some(0)), ("a1", Some(1)), ("a2", Some(1)), ("b", Some(0))];
        tree("ward", &nodes)
    }

    #[test]
    fn every_step_changes_a_demand_by_one_and_alters_what_it_says() {
        let set = fifties(vec![wards(), flat("kind", 3)]);
        let cells = Cells::new(&set, Costs::default());
        let dimensions = SearchDimensions::new(&cells, &Ranks::new(&cells));
        let of_cells = cells.ids().map(Requirement::of_cell);
        // A kind and all kinds: what is outside it.
        let outside = (0..5).flat_map(|ward| (1..4).map(move |kind| (4 * ward, 4 * ward + kind)));
        let outside = outside.map(|(group, inside)| Requirement {
            less: Some(CellId(inside)),
            ..Requirement::of_cell(CellId(group))
        });
        for requirement in of_cells.chain(outside) {
            let levels = dimensions.around(&requirement, None);
            let [first, second] = &levels[..] else { panic!("two dimensions") };
            let first_term = requirement.cell;
            for (one, other) in first
                .choices
                .iter()
                .flat_map(|one| second.choices.iter().map(move |two| (one, two)))
            {
                let mut steps: IdVec<DimensionId, Step> = vec![(LeafId(0), None); 2].into();
                steps[first.dimension] = one.step;
                steps[second.dimension] = other.step;
                let altered = dimensions.altered(TableId(0), &steps);
                let change: f64 = requirement
                    .terms()
                    .map(|(term, sign)| {
                        let of_term = altered.iter().filter(|(cell, _)| *cell == term);
                        sign * of_term.map(|(_, by)| *by as f64).sum::<f64>()
                    })
                    .sum();
                assert_eq!(change, 1.0, "{requirement:?} by {steps:?}");
                let along = |choice: &StepChoice| {
                    let own = choice.alters_own.then_some((Away(0), 1));
                    own.into_iter().chain(choice.others.iter().copied()).collect::<Vec<_>>()
                };
                let seen: BTreeSet<(CellId, i64)> = along(one)
                    .into_iter()
                    .flat_map(|(a, by)| {
                        along(other).into_iter().map(move |(b, of)| (Away(a.0 + b.0), by * of))
                    })
                    .map(|(away, by)| (away.from(first_term), by))
                    .collect();
                assert_eq!(seen, altered.into_iter().collect());
            }
        }
    }

    #[test]
    fn the_dimension_of_a_difference_comes_first_then_the_one_with_most_to_choose_from() {
        let set = fifties(vec![wards(), flat("kind", 9)]);
        let cells = Cells::new(&set, Costs::default());
        let dimensions = SearchDimensions::new(&cells, &Ranks::new(&cells));
        let names = |requirement: &Requirement| -> Vec<DimensionId> {
            dimensions.around(requirement, None).iter().map(|level| level.dimension).collect()
        };
        // By name: kinds are 0 and wards 1.
        assert_eq!(names(&Requirement::of_cell(CellId(23))), [0, 1]);
        let outside = Requirement { less: Some(CellId(0)), ..Requirement::of_cell(CellId(20)) };
        assert_eq!(names(&outside), [1, 0]);
    }

    #[test]
    fn no_more_steps_are_looked_at_than_the_work_allows() {
        let nodes =
            [("all".to_owned(), None), ("A".to_owned(), Some(0)), ("B".to_owned(), Some(0))];
        let leaves = (0..120).map(|leaf| (format!("{leaf}"), Some(1 + leaf % 2)));
        let large = Hierarchy::new("ward", nodes.into_iter().chain(leaves).collect()).unwrap();
        let set = fifties(vec![large]);
        let cells = Cells::new(&set, Costs::default());
        let dimensions = SearchDimensions::new(&cells, &Ranks::new(&cells));
        let levels = dimensions.around(&Requirement::of_cell(CellId(1)), None);
        // 60 leaves inside, and 60 outside or none, would be 3,660; 54 and 54 are 2,970.
        assert_eq!(levels[0].choices.len(), 54 * 55);
    }
}
