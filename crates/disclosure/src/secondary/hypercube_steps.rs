use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use minster_model::table::TableSet;

use crate::{
    problem::{cells::Cells, requirements::Requirement},
    secondary::neighbourhood::Ranks,
};

/// Steps along one dimension from one node that are looked at; in larger dimensions, those of the best
/// leaves.
const STEPS: usize = 3_000;

/// A child more in a leaf, and one less in another if there is another: alters the nodes that count one of
/// the two alone.
pub(crate) type Step = (usize, Option<usize>);

/// A step seen from a node.
pub(crate) struct StepChoice {
    pub(crate) step: Step,
    /// Whether it alters the node itself.
    pub(crate) alters_own: bool,
    /// How far from a cell those stand that it alters likewise, and whether they change with it or
    /// against it.
    pub(crate) others: Vec<(isize, i64)>,
}

/// The steps to choose from along one dimension.
pub(crate) struct StepLevel {
    pub(crate) dimension: usize,
    pub(crate) choices: Rc<[StepChoice]>,
}

/// The dimensions of all tables, each once.
pub(crate) struct SearchDimensions<'a> {
    cells: &'a Cells<'a>,
    dimensions: Vec<SearchDimension>,
    known: RefCell<BTreeMap<Key, Rc<[StepChoice]>>>,
}

/// Where a step is taken: the table, the dimension, the node, the node that is taken away from it, the
/// only leaf that may become more.
type Key = (usize, usize, usize, usize, Option<usize>);

struct SearchDimension {
    /// Best first.
    leaves: Vec<usize>,
    /// The table, the dimension's place in it, and how far apart neighbours along it are numbered.
    uses: Vec<(usize, usize, usize)>,
    /// The ties that link it with dimensions of other tables, by their numbers, and the class of each leaf.
    ties: Vec<(usize, Vec<usize>)>,
}

impl SearchDimension {
    /// Whether no tie tells two leaves apart.
    fn is_of_one_class(&self, one: usize, other: usize) -> bool {
        self.ties.iter().all(|(_, class_of)| class_of[one] == class_of[other])
    }
}

impl<'a> SearchDimensions<'a> {
    pub(crate) fn new(cells: &'a Cells<'a>, ranks: &Ranks) -> Self {
        let mut by_name: BTreeMap<&str, Vec<(usize, usize, usize)>> = BTreeMap::new();
        for (number, table) in cells.set.tables.iter().enumerate() {
            let mut stride = 1;
            for (place, dimension) in table.dimensions().iter().enumerate().rev() {
                by_name.entry(dimension.name()).or_default().push((number, place, stride));
                stride *= dimension.node_count();
            }
        }
        let ties = linking_ties(cells.set);
        let dimension = |(name, uses): (&str, _)| {
            let ties = ties.iter().enumerate();
            let ties = ties.filter_map(|(number, of)| Some((number, of.get(name)?.to_vec())));
            SearchDimension { leaves: ranks.of(name).to_vec(), uses, ties: ties.collect() }
        };
        let dimensions = by_name.into_iter().map(dimension).collect();
        Self { cells, dimensions, known: RefCell::default() }
    }

    pub(crate) fn len(&self) -> usize {
        self.dimensions.len()
    }

    /// The steps that change a requirement's sum by one, along each dimension: those of a sum of two cells
    /// first, then those with most to choose from, last those that the requirement's table does not have.
    /// `through` is the only inner cell of the sum that is changed, if there is but one to be.
    pub(crate) fn around(
        &self,
        requirement: &Requirement,
        through: Option<usize>,
    ) -> Vec<StepLevel> {
        let (table, cell) = self.cells.place(requirement.terms[0].0);
        let nodes = self.cells.set.tables[table].coordinates(cell);
        let without = requirement
            .terms
            .get(1)
            .map(|&(cell, _)| self.cells.set.tables[table].coordinates(self.cells.place(cell).1));
        let through = through
            .map(|inner| self.cells.set.tables[table].coordinates(self.cells.place(inner).1));
        let mut levels = Vec::with_capacity(self.len());
        for (number, dimension) in self.dimensions.iter().enumerate() {
            let of_table = dimension.uses.iter().find(|(of, ..)| *of == table);
            let Some(&(_, place, stride)) = of_table else {
                let choices = dimension.leaves.iter().map(|&leaf| StepChoice {
                    step: (leaf, None),
                    alters_own: true,
                    others: Vec::new(),
                });
                levels.push((2, 0, StepLevel { dimension: number, choices: choices.collect() }));
                continue;
            };
            let less = without.as_ref().map_or(nodes[place], |nodes| nodes[place]);
            let hierarchy = &self.cells.set.tables[table].dimensions()[place];
            let only = through
                .as_ref()
                .map(|nodes| hierarchy.leaves().partition_point(|&leaf| leaf < nodes[place]));
            let key = (table, place, nodes[place], less, only);
            let known = self.known.borrow().get(&key).cloned();
            let choices = known.unwrap_or_else(|| {
                let choices = self.choices(dimension, key, stride);
                self.known.borrow_mut().insert(key, Rc::clone(&choices));
                choices
            });
            let order = if less == nodes[place] { 1 } else { 0 };
            let most = usize::MAX - choices.len();
            levels.push((order, most, StepLevel { dimension: number, choices }));
        }
        levels.sort_by_key(|&(order, most, _)| (order, most));
        levels.into_iter().map(|(.., level)| level).collect()
    }

    /// The steps that add one to what a node counts, and another node below it, if it is another, does not.
    fn choices(
        &self,
        dimension: &SearchDimension,
        (table, place, own, without, only): Key,
        stride: usize,
    ) -> Rc<[StepChoice]> {
        let hierarchy = &self.cells.set.tables[table].dimensions()[place];
        let is_inside = |leaf: &usize| {
            let above = hierarchy.above(*leaf);
            above.contains(&own) && (without == own || !above.contains(&without))
        };
        let (mut inside, mut outside): (Vec<usize>, Vec<usize>) =
            dimension.leaves.iter().copied().partition(is_inside);
        inside.retain(|&leaf| only.is_none_or(|only| leaf == only));
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
        let choice = |step| {
            let nodes = self.nodes(table, place, step);
            let away = |node: usize| (node as isize - own as isize) * stride as isize;
            let others = nodes.iter().filter(|(node, _)| *node != own);
            StepChoice {
                step,
                alters_own: nodes.iter().any(|(node, _)| *node == own),
                others: others.map(|&(node, sign)| (away(node), sign)).collect(),
            }
        };
        steps.map(choice).collect()
    }

    /// Whether steps add their child to one class of each tie. Where a step of the table itself moves a child within a
    /// class, tables that lack the dimension do not change.
    pub(crate) fn agree(&self, table: usize, steps: &[Step]) -> bool {
        let mut classes: BTreeMap<usize, usize> = BTreeMap::new();
        let moves = |dimension: &SearchDimension, step: &Step| {
            step.1.is_some() && dimension.uses.iter().any(|(of, ..)| *of == table)
        };
        let of_steps = || self.dimensions.iter().zip(steps);
        let moving: Vec<usize> = of_steps()
            .filter(|(dimension, step)| moves(dimension, step))
            .flat_map(|(dimension, _)| dimension.ties.iter().map(|(tie, _)| *tie))
            .collect();
        of_steps().all(|(dimension, &(more, _))| {
            let mut ties = dimension.ties.iter().filter(|(tie, _)| !moving.contains(tie));
            ties.all(|(tie, class_of)| {
                *classes.entry(*tie).or_insert(class_of[more]) == class_of[more]
            })
        })
    }

    /// The cells of a table that the product of steps, one a dimension, alters, with signs.
    pub(crate) fn altered(&self, table: usize, steps: &[Step]) -> Vec<(usize, i64)> {
        let mut cells = vec![(self.cells.number(table, 0), 1)];
        for (dimension, &step) in self.dimensions.iter().zip(steps) {
            match dimension.uses.iter().find(|(number, ..)| *number == table) {
                Some(&(_, place, stride)) => {
                    let nodes = self.nodes(table, place, step);
                    let along = |&(cell, sign): &(usize, i64)| {
                        let altered = nodes.iter();
                        altered
                            .map(move |&(node, of)| (cell + node * stride, sign * of))
                            .collect::<Vec<_>>()
                    };
                    cells = cells.iter().flat_map(along).collect();
                }
                None if step.1.is_some() => return Vec::new(),
                None => {}
            }
        }
        cells
    }

    /// The nodes of a table's dimension that a step alters, with signs.
    fn nodes(&self, table: usize, place: usize, (more, less): Step) -> Vec<(usize, i64)> {
        let dimension = &self.cells.set.tables[table].dimensions()[place];
        let more = dimension.above(more);
        let less = less.map_or(&[][..], |less| dimension.above(less));
        let gained = more.iter().filter(|node| !less.contains(node)).map(|&node| (node, 1));
        let lost = less.iter().filter(|node| !more.contains(node)).map(|&node| (node, -1));
        gained.chain(lost).collect()
    }
}

/// The ties that link tables without a common dimension of the tie: of each the dimensions, by name, and the class of
/// each leaf.
fn linking_ties(set: &TableSet) -> Vec<BTreeMap<&str, &[usize]>> {
    /// The class of each leaf, by dimension; and the dimensions that each table has of a tie.
    type TieUses<'a> = (BTreeMap<&'a str, &'a [usize]>, Vec<BTreeSet<&'a str>>);
    let mut ties: BTreeMap<&str, TieUses<'_>> = BTreeMap::new();
    for table in &set.tables {
        let mut own: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for tie in table.ties() {
            let dimension = table.dimensions()[tie.dimension].name();
            let (of, _) = ties.entry(&tie.name).or_default();
            of.insert(dimension, &tie.class_of);
            own.entry(&tie.name).or_default().insert(dimension);
        }
        for (name, dimensions) in own {
            ties.entry(name).or_default().1.push(dimensions);
        }
    }
    let links = |tables: &[BTreeSet<&str>]| {
        let mut others = tables.iter().enumerate();
        others.any(|(at, one)| tables[at + 1..].iter().any(|other| one.is_disjoint(other)))
    };
    ties.into_values().filter(|(_, tables)| links(tables)).map(|(of, _)| of).collect()
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
        let of_cells = (0..cells.len()).map(Requirement::of_cell);
        // A kind and all kinds: what is outside it.
        let outside = (0..5).flat_map(|ward| (1..4).map(move |kind| (4 * ward, 4 * ward + kind)));
        let outside = outside.map(|(group, inside)| {
            let terms = vec![(group, 1.0), (inside, -1.0)];
            Requirement { terms, ..Requirement::of_cell(group) }
        });
        for requirement in of_cells.chain(outside) {
            let levels = dimensions.around(&requirement, None);
            let [first, second] = &levels[..] else { panic!("two dimensions") };
            let first_term = requirement.terms[0].0;
            for (one, other) in first
                .choices
                .iter()
                .flat_map(|one| second.choices.iter().map(move |two| (one, two)))
            {
                let mut steps = vec![(0, None); 2];
                steps[first.dimension] = one.step;
                steps[second.dimension] = other.step;
                let altered = dimensions.altered(0, &steps);
                let change: f64 = requirement
                    .terms
                    .iter()
                    .map(|(term, sign)| {
                        let of_term = altered.iter().filter(|(cell, _)| cell == term);
                        sign * of_term.map(|(_, by)| *by as f64).sum::<f64>()
                    })
                    .sum();
                assert_eq!(change, 1.0, "{:?} by {steps:?}", requirement.terms);
                let along = |choice: &StepChoice| {
                    let own = choice.alters_own.then_some((0, 1));
                    own.into_iter().chain(choice.others.iter().copied()).collect::<Vec<_>>()
                };
                let seen: BTreeSet<(usize, i64)> = along(one)
                    .into_iter()
                    .flat_map(|(a, by)| {
                        along(other).into_iter().map(move |(b, of)| (a + b, by * of))
                    })
                    .map(|(away, by)| (first_term.wrapping_add_signed(away), by))
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
        let names = |requirement: &Requirement| -> Vec<usize> {
            dimensions.around(requirement, None).iter().map(|level| level.dimension).collect()
        };
        // By name: kinds are 0 and wards 1.
        assert_eq!(names(&Requirement::of_cell(23)), [0, 1]);
        let outside = Requirement { terms: vec![(20, 1.0), (0, -1.0)], ..Requirement::of_cell(20) };
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
        let levels = dimensions.around(&Requirement::of_cell(1), None);
        // 60 leaves inside, and 60 outside or none, would be 3,660; 54 and 54 are 2,970.
        assert_eq!(levels[0].choices.len(), 54 * 55);
    }
}
