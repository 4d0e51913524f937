//! Categories of two columns that exclude each other, though the columns are not tied: categories inside one another.
//!
//! Every child with a protection plan is a child in need, and some children in need have no plan. The two columns hang
//! together, so that they are no tie; but nobody has a plan and no need. A ward with 22 children in need and 20 with a plan
//! has 2 in need without one. So tables by need and by plan are protected together with the table of both
//! (`joint_table`), of which everyone knows where nobody is.
//!
//! Two categories are taken to exclude each other if no child has both, and chance would have given both to ten or more.

use std::collections::{BTreeMap, BTreeSet};

use minster_model::table::{CountTable, Hierarchy};

use crate::tabulate::ties::Key;

/// How many children would have two categories by chance, for their having none to be a rule: once in 20,000 pairs it is
/// chance all the same.
const BY_CHANCE: f64 = 10.0;

/// How many children have each leaf of one column with each of another.
pub(super) struct Together {
    pub(super) first: usize,
    pub(super) second: usize,
    seconds: usize,
    /// The pairs of the children who are counted.
    counted: Vec<u64>,
    /// The pairs of everyone.
    everyone: Vec<u64>,
}

/// Two columns of which some leaves exclude each other.
pub(super) struct Excluded {
    columns: [Key; 2],
    /// The columns of the data that they are of.
    read: [String; 2],
    /// For each leaf of the first, then each of the second.
    cells: Vec<bool>,
    /// Whether how many children have two categories follows from how many have each, and is not one of these.
    pub(super) tells: bool,
}

/// A table of several columns that nobody publishes, and that stands among the tables.
pub(crate) struct Joint {
    pub(crate) dimensions: Vec<Hierarchy>,
    /// The tables that it joins, and the columns that tell of each other.
    pub(crate) tables: [String; 2],
    pub(crate) columns: [String; 2],
    /// Whether the tables must not be published without it.
    pub(crate) tells: bool,
}

impl Together {
    pub(super) fn new((first, firsts): (usize, usize), (second, seconds): (usize, usize)) -> Self {
        let none = || vec![0; firsts * seconds];
        Self { first, second, seconds, counted: none(), everyone: none() }
    }

    /// Adds children by the ordinals of their leaves; `counted` says whether a release counts each.
    pub(super) fn add(&mut self, ordinals: &[Vec<u32>], counted: &[bool]) {
        let leaves = ordinals[self.first].iter().zip(&ordinals[self.second]);
        for ((&first, &second), counted) in leaves.zip(counted) {
            let cell = first as usize * self.seconds + second as usize;
            self.everyone[cell] += 1;
            self.counted[cell] += u64::from(*counted);
        }
    }

    /// Whether a child who is counted has two leaves.
    pub(super) fn any(&self) -> Vec<bool> {
        self.counted.iter().map(|&count| count > 0).collect()
    }

    /// The leaves of the two columns that exclude each other, within the classes of a tie; none where no two do.
    pub(super) fn excluded(
        &self,
        (columns, read): ([Key; 2], [String; 2]),
        [of_first, of_second]: &[Vec<Option<usize>>; 2],
    ) -> Option<Excluded> {
        let rules = [by_rule(&self.counted, self.seconds), by_rule(&self.everyone, self.seconds)];
        let is_excluded = |cell: usize| {
            let (first, second) = (of_first[cell / self.seconds], of_second[cell % self.seconds]);
            let is_of_one_class = first.is_some() && first == second;
            is_of_one_class && self.counted[cell] == 0 && rules.iter().any(|rule| rule[cell])
        };
        let cells: Vec<bool> = (0..self.counted.len()).map(is_excluded).collect();
        if !cells.contains(&true) {
            return None;
        }
        let possible = |cell: usize| {
            let (first, second) = (of_first[cell / self.seconds], of_second[cell % self.seconds]);
            first.is_some() && first == second && !cells[cell]
        };
        let edges = (0..cells.len()).filter(|&cell| possible(cell));
        let edges = edges.map(|cell| (cell / self.seconds, of_first.len() + cell % self.seconds));
        let tells = has_inner_bridge(&edges.collect::<Vec<_>>());
        Some(Excluded { columns, read, cells, tells })
    }
}

/// The cells of nobody where chance would have had ten or more.
fn by_rule(counts: &[u64], seconds: usize) -> Vec<bool> {
    let of_firsts: Vec<u64> = counts.chunks(seconds).map(|of| of.iter().sum()).collect();
    let of_second = |second: usize| counts.iter().skip(second).step_by(seconds).sum::<u64>();
    let of_seconds: Vec<u64> = (0..seconds).map(of_second).collect();
    let all = of_firsts.iter().sum::<u64>().max(1) as f64;
    let by_chance =
        |cell: usize| of_firsts[cell / seconds] as f64 * of_seconds[cell % seconds] as f64 / all;
    (0..counts.len()).map(|cell| counts[cell] == 0 && by_chance(cell) >= BY_CHANCE).collect()
}

/// Whether an edge is on no circle, and both its ends have others: the number on it follows from the sums at the ends, and is
/// none of them.
fn has_inner_bridge(edges: &[(usize, usize)]) -> bool {
    let mut beside: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for &(one, other) in edges {
        beside.entry(one).or_default().push(other);
        beside.entry(other).or_default().push(one);
    }
    // Tarjan's numbers, without recursion: when each vertex was found, and the earliest found vertex that it leads back to.
    let mut found: BTreeMap<usize, usize> = BTreeMap::new();
    let mut earliest: BTreeMap<usize, usize> = BTreeMap::new();
    for &start in beside.keys() {
        if found.contains_key(&start) {
            continue;
        }
        let mut path: Vec<(usize, Option<usize>, usize)> = vec![(start, None, 0)];
        while let Some((vertex, from, next)) = path.pop() {
            if next == 0 {
                let number = found.len();
                found.insert(vertex, number);
                earliest.insert(vertex, number);
            }
            match beside[&vertex].get(next) {
                Some(&other) => {
                    path.push((vertex, from, next + 1));
                    if Some(other) == from {
                        continue;
                    }
                    match found.get(&other) {
                        Some(&number) => {
                            let own = earliest[&vertex].min(number);
                            earliest.insert(vertex, own);
                        }
                        None => path.push((other, Some(vertex), 0)),
                    }
                }
                None => {
                    let Some(from) = from else { continue };
                    let own = earliest[&vertex];
                    if own > found[&from] && beside[&vertex].len() > 1 && beside[&from].len() > 1 {
                        return true;
                    }
                    let back = earliest[&from].min(own);
                    earliest.insert(from, back);
                }
            }
        }
    }
    false
}

impl Excluded {
    /// The inner cells of a table that everyone knows to be nobody: none where it does not divide by both columns.
    pub(super) fn nobody(&self, table: &CountTable) -> Vec<usize> {
        let [Some(first), Some(second)] = self.columns.each_ref().map(|of| place(table, of)) else {
            return Vec::new();
        };
        let seconds = self.columns[1].1.len();
        let is_excluded = |inner: &usize| {
            let [first, second] = [first, second].map(|of| usize::from(table.leaf(of, *inner)));
            self.cells[first * seconds + second]
        };
        (0..table.inner().len()).filter(is_excluded).collect()
    }

    /// The columns of the data.
    pub(super) fn read(&self) -> [String; 2] {
        self.read.clone()
    }

    /// The joint table that one by the first column, and not by the second, and another one the other way round ask for.
    fn joins(&self, one: &CountTable, other: &CountTable) -> Option<Joint> {
        let [first, second] = &self.columns;
        let (at_first, at_second) = (place(one, first)?, place(other, second)?);
        if has(one, &second.0) || has(other, &first.0) {
            return None;
        }
        let mut dimensions =
            vec![one.dimension(at_first).clone(), other.dimension(at_second).clone()];
        let of_one = one.dimensions().iter().enumerate().filter(|(at, _)| *at != at_first);
        for (at, dimension) in of_one {
            // Other links of the two tables: a column of both, or one that is tied to a column of the other.
            let mut ties = one.ties().iter().filter(|tie| tie.dimension == at);
            let is_tied = ties.any(|tie| other.ties().iter().any(|of| of.name == tie.name));
            if has(other, dimension.name()) || is_tied {
                dimensions.push(dimension.clone());
            }
        }
        let tables = [one.name().to_owned(), other.name().to_owned()];
        let columns = [first.0.clone(), second.0.clone()];
        Some(Joint { dimensions, tables, columns, tells: self.tells })
    }
}

/// The joint tables that some tables ask for, the largest alone of those within one another.
pub(super) fn joints(excluded: &[Excluded], tables: &[CountTable]) -> Vec<Joint> {
    let mut found: Vec<Joint> = Vec::new();
    for (at, one) in tables.iter().enumerate() {
        for (_, other) in tables.iter().enumerate().filter(|(of, _)| *of != at) {
            found.extend(excluded.iter().filter_map(|of| of.joins(one, other)));
        }
    }
    let names = |dimensions: &[Hierarchy]| -> BTreeSet<String> {
        dimensions.iter().map(|of| of.name().to_owned()).collect()
    };
    found.sort_by_key(|joint| std::cmp::Reverse(joint.dimensions.len()));
    let mut covered: Vec<BTreeSet<String>> =
        tables.iter().map(|table| names(table.dimensions())).collect();
    found.retain(|joint| {
        let own = names(&joint.dimensions);
        let is_new = !covered.iter().any(|of| own.is_subset(of));
        covered.extend(is_new.then_some(own));
        is_new
    });
    found
}

fn has(table: &CountTable, name: &str) -> bool {
    table.dimensions().iter().any(|of| of.name() == name)
}

/// Where a table divides by a column, into these leaves.
fn place(table: &CountTable, (name, leaves): &Key) -> Option<usize> {
    table.dimensions().iter().position(|of| {
        let codes = of.leaves().iter().map(|&leaf| of.code(leaf));
        of.name() == name && codes.eq(leaves.iter().map(String::as_str))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_follows_where_an_edge_between_others_is_on_no_circle() {
        // Need and plan: yes with yes and no, no with no alone.
        assert!(has_inner_bridge(&[(0, 2), (0, 3), (1, 3)]));
        // A star says no more than its ends; nor does a circle.
        assert!(!has_inner_bridge(&[(0, 2), (0, 3), (0, 4)]));
        assert!(!has_inner_bridge(&[(0, 2), (0, 3), (1, 2), (1, 3)]));
        // Two circles with an edge between.
        let circles = [(0, 4), (0, 5), (1, 4), (1, 5), (2, 6), (2, 7), (3, 6), (3, 7)];
        assert!(!has_inner_bridge(&circles));
        assert!(has_inner_bridge(&[circles.as_slice(), &[(0, 6)]].concat()));
    }

    fn key(name: &str) -> Key {
        (name.to_owned(), vec!["yes".to_owned(), "no".to_owned()])
    }

    /// Children with a need and a plan, a need alone, a plan alone, and neither.
    fn excluded(counts: [u64; 4]) -> Option<Excluded> {
        let mut together = Together::new((0, 2), (1, 2));
        for (cell, count) in counts.into_iter().enumerate() {
            let ordinals = [cell / 2, cell % 2].map(|of| vec![of as u32; count as usize]);
            together.add(&ordinals, &vec![true; count as usize]);
        }
        let all = vec![Some(0), Some(0)];
        let names = ["need", "plan"].map(str::to_owned);
        together.excluded((names.each_ref().map(|name| key(name)), names), &[all.clone(), all])
    }

    #[test]
    fn categories_exclude_each_other_where_chance_would_have_had_ten_with_both() {
        let found = excluded([39, 22, 0, 150]).unwrap();
        assert_eq!(found.cells, [false, false, true, false]);
        assert!(found.tells);
        assert!(excluded([39, 22, 1, 150]).is_none());
        // Six of eight with a plan would be without a need.
        assert!(excluded([8, 40, 0, 150]).is_none());
    }
}
