//! Cells of one table that lie within a cell of another: whoever the one counts, the other counts.
//!
//! Two girls and a boy of a ward, in a table by ward and sex, lie within the three of the ward, in a table by ward. So
//! a rule by which a withheld cell counts someone says of the ward that there are two or more.

use std::collections::BTreeSet;

use crate::{
    hierarchy::Hierarchy,
    ids::NodeId,
    table::{CountTable, TableSet},
};

/// How the dimensions of each table follow from those of each other one.
pub struct Refinements<'a> {
    set: &'a TableSet,
    /// By table and other table, for each dimension.
    of: Vec<Vec<Vec<Follows>>>,
}

/// How a dimension of a table follows from an inner cell of another.
#[derive(Clone, Copy)]
enum Follows {
    /// It does not.
    Not,
    /// The other table has it, there.
    Dimension(usize),
    /// A tie of both: its place in the one and in the other.
    Tie(usize, usize),
}

impl<'a> Refinements<'a> {
    /// Compares every two tables of a set.
    pub fn new(set: &'a TableSet) -> Self {
        let of = |table: &CountTable| -> Vec<Vec<Follows>> {
            set.tables.iter().map(|other| follows(table, other)).collect()
        };
        Self { set, of: set.tables.iter().map(of).collect() }
    }

    /// The inner cells of another table that lie within a cell of a table, ascending; none where the other table does
    /// not tell who is in the cell.
    pub fn within(&self, table: usize, cell: usize, other: usize) -> Option<Vec<usize>> {
        let (of, finer) = (&self.set.tables[table], &self.set.tables[other]);
        let mut open: Vec<Vec<bool>> =
            finer.dimensions().iter().map(|of| vec![true; of.leaves().len()]).collect();
        let dimensions = of.dimensions().iter().zip(of.coordinates(cell));
        for ((dimension, node), follows) in dimensions.zip(&self.of[table][other]) {
            let below = dimension.leaves_below(node);
            let is_below = |leaf: &NodeId| below.binary_search(leaf).is_ok();
            if below.len() == dimension.leaves().len() {
                continue;
            }
            match *follows {
                Follows::Not => return None,
                Follows::Dimension(place) => {
                    let leaves = open[place].iter_mut().zip(dimension.leaves());
                    leaves.for_each(|(open, leaf)| *open &= is_below(leaf));
                }
                Follows::Tie(own, of_other) => {
                    let (own, of_other) = (&of.ties()[own], &finer.ties()[of_other]);
                    // All of a class must be below the node.
                    let leaves = dimension.leaves().iter().zip(&own.class_of);
                    let outside = leaves.filter(|(leaf, _)| !is_below(leaf));
                    let outside: BTreeSet<usize> = outside.map(|(_, class)| *class).collect();
                    let leaves = open[of_other.dimension].iter_mut().zip(&of_other.class_of);
                    leaves.for_each(|(open, class)| *open &= !outside.contains(class));
                }
            }
        }
        let mut inner = vec![0];
        for open in &open {
            let leaves: Vec<usize> = (0..open.len()).filter(|&leaf| open[leaf]).collect();
            let size = open.len();
            inner = inner
                .iter()
                .flat_map(|inner| leaves.iter().map(move |leaf| inner * size + leaf))
                .collect();
        }
        Some(inner)
    }
}

impl Refinements<'_> {
    /// Whether another table divides every cell of a table: whoever knows a child's cell there knows it here. If two
    /// divide each other, the second is divided by the first.
    pub fn is_divided(&self, table: usize) -> bool {
        let divides = |other: usize, of: usize| {
            let table = &self.set.tables[of];
            let dimensions = table.dimensions().iter().zip(&self.of[of][other]);
            { dimensions }.all(|(dimension, follows)| match *follows {
                Follows::Not => dimension.leaves().len() == 1,
                Follows::Dimension(_) => true,
                Follows::Tie(own, _) => {
                    let mut classes = table.ties()[own].class_of.clone();
                    classes.sort_unstable();
                    classes.windows(2).all(|pair| pair[0] != pair[1])
                }
            })
        };
        let mut others = (0..self.set.tables.len()).filter(|other| *other != table);
        others.any(|other| divides(other, table) && (other < table || !divides(table, other)))
    }
}

fn follows(table: &CountTable, other: &CountTable) -> Vec<Follows> {
    let of = |(place, dimension): (usize, &Hierarchy)| {
        let named = other.dimensions().iter().position(|of| of.name() == dimension.name());
        let tied = || {
            let own = table.ties().iter().enumerate().filter(|(_, tie)| tie.dimension == place);
            let pairs = own.filter_map(|(own, tie)| {
                let of_other = other.ties().iter().position(|of| of.name == tie.name)?;
                Some((tie.class_of.iter().max().copied(), own, of_other))
            });
            // The tie with most classes tells most.
            pairs.max().map(|(_, own, of_other)| Follows::Tie(own, of_other))
        };
        named.map(Follows::Dimension).or_else(tied).unwrap_or(Follows::Not)
    };
    table.dimensions().iter().enumerate().map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        policy::{Policy, Zeros},
        table::Tie,
    };

    #[test]
    fn a_table_of_single_classes_is_divided_by_a_tied_one() {
        let of = |name: &str, codes: &[&str]| {
            Hierarchy::flat(name, "all", codes.iter().map(|&code| code.to_owned())).unwrap()
        };
        let table = |dimension: Hierarchy, class_of: &[usize]| {
            let inner = vec![5; dimension.leaves().len()];
            let tie = Tie { name: "age, group".into(), dimension: 0, class_of: class_of.to_vec() };
            let table = CountTable::new("t", vec![dimension], inner, vec![]).unwrap();
            table.tied(vec![tie]).unwrap()
        };
        let tables = [
            table(of("group", &["0-1", "2"]), &[0, 1]),
            table(of("age", &["0", "1", "2"]), &[0, 0, 1]),
            table(of("phase", &["small", "big"]), &[0, 1]),
        ];
        let policy = Policy::new(5, Zeros::Published);
        let set = TableSet { tables: tables.to_vec(), policy };
        let refinements = Refinements::new(&set);
        let divided: Vec<bool> = (0..3).map(|table| refinements.is_divided(table)).collect();
        assert_eq!(divided, [true, false, true]);
        let two = TableSet { tables: [tables[0].clone(), tables[2].clone()].to_vec(), policy };
        let refinements = Refinements::new(&two);
        assert_eq!([0, 1].map(|table| refinements.is_divided(table)), [false, true]);
    }

    #[test]
    fn a_ward_s_girls_and_boys_are_within_the_ward() {
        let of = |name: &str, codes: &[&str]| {
            Hierarchy::flat(name, "all", codes.iter().map(|&code| code.to_owned())).unwrap()
        };
        let table = |dimensions: Vec<Hierarchy>| {
            let inner = dimensions.iter().map(|of| of.leaves().len()).product();
            CountTable::new("t", dimensions, vec![5; inner], vec![]).unwrap()
        };
        let tie = |dimension, class_of: &[usize]| Tie {
            name: "age, group".into(),
            dimension,
            class_of: class_of.to_vec(),
        };
        let wards = || of("ward", &["w1", "w2"]);
        let by_ward = table(vec![wards()]);
        let by_sex = table(vec![of("sex", &["F", "M"]), wards()]);
        let ages = table(vec![wards(), of("age", &["0", "1", "2"])]);
        let groups = table(vec![wards(), of("group", &["0-1", "2"])]);
        let ages = ages.tied(vec![tie(1, &[0, 0, 1])]).unwrap();
        let groups = groups.tied(vec![tie(1, &[0, 1])]).unwrap();
        let policy = Policy::new(5, Zeros::Published);
        let set = TableSet { tables: vec![by_ward, by_sex, ages, groups], policy };
        let refinements = Refinements::new(&set);
        let within = |table: usize, nodes: &[usize], other| {
            refinements.within(table, set.tables[table].cell(nodes), other)
        };
        assert_eq!(within(0, &[2], 1), Some(vec![1, 3]));
        assert_eq!(within(0, &[2], 0), Some(vec![1]));
        assert_eq!(within(0, &[0], 1), Some(vec![0, 1, 2, 3]));
        assert_eq!(within(1, &[1, 2], 0), None);
        assert_eq!(within(1, &[0, 2], 0), Some(vec![1]));
        let divided: Vec<bool> = (0..4).map(|table| refinements.is_divided(table)).collect();
        assert_eq!(divided, [true, false, false, true]);
        // Group 0-1 of the first ward, ages 0 and 1; age 0 is not told from the groups.
        assert_eq!(within(3, &[1, 1], 2), Some(vec![0, 1]));
        assert_eq!(within(2, &[1, 1], 3), Some(vec![]));
        assert_eq!(within(2, &[1, 3], 3), Some(vec![1]));
    }
}
