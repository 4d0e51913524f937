//! Tables over one universe: their counts agree wherever they share dimensions.

use std::collections::{BTreeMap, BTreeSet};

use minster_model::table::{CountTable, TableSet};

use crate::shared::refusal::Refusal;

/// For two tables, the inner cells of each by the leaves of the dimensions that they share.
pub(crate) fn shared(
    first: &CountTable,
    second: &CountTable,
) -> BTreeMap<Vec<usize>, (Vec<usize>, Vec<usize>)> {
    let mut groups: BTreeMap<Vec<usize>, (Vec<usize>, Vec<usize>)> = BTreeMap::new();
    for (inner, key) in keys(first, second).into_iter().enumerate() {
        groups.entry(key).or_default().0.push(inner);
    }
    for (inner, key) in keys(second, first).into_iter().enumerate() {
        groups.entry(key).or_default().1.push(inner);
    }
    groups
}

/// The shared leaves of each of `of`'s inner cells, in the order of the dimensions' names.
fn keys(of: &CountTable, with: &CountTable) -> Vec<Vec<usize>> {
    let mut order: Vec<(&str, usize)> = of
        .dimensions()
        .iter()
        .enumerate()
        .filter(|(_, dimension)| with.dimensions().iter().any(|d| d.name() == dimension.name()))
        .map(|(place, dimension)| (dimension.name(), place))
        .collect();
    order.sort_unstable();
    let sizes: Vec<usize> = of.dimensions().iter().map(|d| d.leaves().len()).collect();
    (0..of.inner().len())
        .map(|mut inner| {
            let mut leaves = vec![0; sizes.len()];
            for (leaf, size) in leaves.iter_mut().zip(&sizes).rev() {
                *leaf = inner % size;
                inner /= size;
            }
            order.iter().map(|&(_, place)| leaves[place]).collect()
        })
        .collect()
}

pub(crate) fn pairs(set: &TableSet) -> impl Iterator<Item = (usize, usize)> {
    let count = set.tables.len();
    (0..count).flat_map(move |first| (first + 1..count).map(move |second| (first, second)))
}

/// Refuses tables that disagree, that divide by two kinds of holders, or whose dimensions form a cycle.
pub(crate) fn check(set: &TableSet) -> Result<(), Refusal> {
    let mut dimensions = set.tables.iter().flat_map(CountTable::dimensions);
    let holders = set.holders().unwrap_or_default();
    let other = dimensions.find(|of| of.is_of_holders() && of.name() != holders);
    if let Some(other) = other {
        let (first, second) = (holders.to_owned(), other.name().to_owned());
        return Err(Refusal::Holders { first, second });
    }
    for (first, second) in pairs(set) {
        let (a, b) = (&set.tables[first], &set.tables[second]);
        let same_leaves = a.dimensions().iter().all(|mine| {
            b.dimensions().iter().filter(|theirs| theirs.name() == mine.name()).all(|theirs| {
                let codes = |d: &minster_model::table::Hierarchy| -> Vec<String> {
                    d.leaves().iter().map(|&leaf| d.code(leaf).to_owned()).collect()
                };
                codes(mine) == codes(theirs)
            })
        });
        let sums_agree = || {
            shared(a, b).values().all(|(of_a, of_b)| {
                of_a.iter().map(|&cell| a.inner()[cell]).sum::<u64>()
                    == of_b.iter().map(|&cell| b.inner()[cell]).sum::<u64>()
            })
        };
        if !same_leaves || !sums_agree() {
            let (first, second) = (a.name().to_owned(), b.name().to_owned());
            return Err(Refusal::Inconsistent { first, second });
        }
    }
    if is_acyclic(set) { Ok(()) } else { Err(Refusal::Cyclic) }
}

/// Graham's and Yu & Özsoyoğlu's reduction: drop dimensions that one table alone has, and tables whose
/// dimensions another has, until nothing changes. Acyclic tables leave nothing.
fn is_acyclic(set: &TableSet) -> bool {
    let names = |table: &CountTable| -> BTreeSet<String> {
        table.dimensions().iter().map(|dimension| dimension.name().to_owned()).collect()
    };
    let mut edges: Vec<BTreeSet<String>> = set.tables.iter().map(names).collect();
    loop {
        let before = edges.clone();
        let mut uses: BTreeMap<String, usize> = BTreeMap::new();
        edges.iter().flatten().for_each(|name| *uses.entry(name.clone()).or_default() += 1);
        edges.iter_mut().for_each(|edge| edge.retain(|name| uses[name] > 1));
        let mut kept: Vec<BTreeSet<String>> = Vec::new();
        for (place, edge) in edges.iter().enumerate() {
            let covered = kept.iter().chain(&edges[place + 1..]).any(|other| edge.is_subset(other));
            if !covered && !edge.is_empty() {
                kept.push(edge.clone());
            }
        }
        if kept.is_empty() {
            return true;
        }
        if kept == before {
            return false;
        }
        edges = kept;
    }
}

#[cfg(test)]
mod tests {
    use minster_model::{
        policy::{Policy, Zeros},
        table::Hierarchy,
    };

    use super::*;

    /// The verdict on two tables that divide by one column.
    fn two(codes: [[&str; 2]; 2], counts: [[u64; 2]; 2]) -> Result<(), Refusal> {
        let table = |name: &str, place: usize| {
            let codes = codes[place].map(str::to_owned);
            let dimension = Hierarchy::flat("ward", "all", codes).unwrap();
            CountTable::new(name, vec![dimension], counts[place].to_vec(), vec![]).unwrap()
        };
        let policy = Policy::new(5, Zeros::Published);
        check(&TableSet { tables: vec![table("first", 0), table("second", 1)], policy })
    }

    #[test]
    fn tables_of_one_column_have_its_categories_and_its_children() {
        let refused = Refusal::Inconsistent { first: "first".into(), second: "second".into() };
        assert_eq!(two([["a", "b"], ["a", "b"]], [[7, 8], [7, 8]]), Ok(()));
        assert_eq!(two([["a", "b"], ["a", "b"]], [[7, 8], [7, 9]]), Err(refused.clone()));
        assert_eq!(two([["a", "b"], ["b", "a"]], [[7, 7], [7, 7]]), Err(refused.clone()));
        assert_eq!(two([["a", "b"], ["a", "c"]], [[7, 8], [7, 8]]), Err(refused));
    }
}
