//! Tables over one universe: their counts agree wherever they share dimensions or ties.

use std::collections::{BTreeMap, BTreeSet};

use minster_model::table::{CountTable, Hierarchy, TableSet, Tie};

use crate::shared::refusal::Refusal;

/// For two tables, the inner cells of each by the leaves of the dimensions and the classes of the ties that they share.
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

/// The shared leaves and classes of each of `of`'s inner cells, in the order of the names of dimensions, then of ties.
fn keys(of: &CountTable, with: &CountTable) -> Vec<Vec<usize>> {
    let is_shared = |name: &str| with.dimensions().iter().any(|other| other.name() == name);
    let mut order: Vec<(&str, usize)> = of
        .dimensions()
        .iter()
        .enumerate()
        .filter(|(_, dimension)| is_shared(dimension.name()))
        .map(|(place, dimension)| (dimension.name(), place))
        .collect();
    order.sort_unstable();
    let ties = shared_ties(of, with);
    (0..of.inner().len())
        .map(|inner| {
            let leaves = order.iter().map(|&(_, place)| of.leaf(place, inner));
            leaves.chain(ties.iter().map(|tie| of.class(tie, inner))).collect()
        })
        .collect()
}

/// One tie of `of` for each name that both tables have and no shared dimension, in the order of the names. A shared
/// dimension settles the class already.
fn shared_ties<'a>(of: &'a CountTable, with: &CountTable) -> Vec<&'a Tie> {
    let has = |table: &CountTable, tie: &Tie, dimension: &str| {
        let mut own = table.ties().iter().filter(|own| own.name == tie.name);
        own.any(|own| table.dimensions()[own.dimension].name() == dimension)
    };
    let is_settled = |tie: &Tie| {
        let mut dimensions = of.dimensions().iter().map(|dimension| dimension.name());
        dimensions.any(|dimension| has(of, tie, dimension) && has(with, tie, dimension))
    };
    let is_shared = |tie: &&Tie| with.ties().iter().any(|other| other.name == tie.name);
    let mut ties: Vec<&Tie> =
        of.ties().iter().filter(is_shared).filter(|tie| !is_settled(tie)).collect();
    ties.sort_by(|a, b| (&a.name, a.dimension).cmp(&(&b.name, b.dimension)));
    ties.dedup_by(|a, b| a.name == b.name);
    ties
}

pub(crate) fn pairs(set: &TableSet) -> impl Iterator<Item = (usize, usize)> {
    let count = set.tables.len();
    (0..count).flat_map(move |first| (first + 1..count).map(move |second| (first, second)))
}

/// Refuses tables that cannot be attacked together: that disagree, that divide by two kinds of respondents, or whose
/// dimensions and ties form a cycle. To be asked before a pattern is sought.
///
/// # Errors
/// [`Refusal::OtherCategories`], [`Refusal::Inconsistent`], [`Refusal::Respondents`] or [`Refusal::Cyclic`].
pub fn check(set: &TableSet) -> Result<(), Refusal> {
    let mut dimensions = set.tables.iter().flat_map(CountTable::dimensions);
    let respondents = set.respondents().unwrap_or_default();
    let other = dimensions.find(|of| of.is_of_respondents() && of.name() != respondents);
    if let Some(other) = other {
        let (first, second) = (respondents.to_owned(), other.name().to_owned());
        return Err(Refusal::Respondents { first, second });
    }
    for (first, second) in pairs(set) {
        let (a, b) = (&set.tables[first], &set.tables[second]);
        let codes = |d: &Hierarchy| -> Vec<String> {
            d.leaves().iter().map(|&leaf| d.code(leaf).to_owned()).collect()
        };
        let otherwise = a.dimensions().iter().find(|mine| {
            let mut theirs = b.dimensions().iter().filter(|theirs| theirs.name() == mine.name());
            theirs.any(|theirs| codes(mine) != codes(theirs))
        });
        let (first, second) = (a.name().to_owned(), b.name().to_owned());
        if let Some(dimension) = otherwise {
            let dimension = dimension.name().to_owned();
            return Err(Refusal::OtherCategories { first, second, dimension });
        }
        let sums_agree = || {
            shared(a, b).values().all(|(of_a, of_b)| {
                of_a.iter().map(|&cell| a.inner()[cell]).sum::<u64>()
                    == of_b.iter().map(|&cell| b.inner()[cell]).sum::<u64>()
            })
        };
        if !sums_agree() {
            return Err(Refusal::Inconsistent { first, second });
        }
    }
    if cycle(set).is_empty() { Ok(()) } else { Err(Refusal::Cyclic) }
}

/// The names of the dimensions and ties by which tables form a cycle: tables that agree two by two need then have no
/// children in common. None where they form none. A table of all these dimensions among the others breaks the cycle.
///
/// Graham's and Yu & Özsoyoğlu's reduction: drop dimensions that one table alone has, and tables whose
/// dimensions another has, until nothing changes. Acyclic tables leave nothing.
pub fn cycle(set: &TableSet) -> BTreeSet<String> {
    // A tie is one more attribute, which its dimension settles.
    let names = |table: &CountTable| -> BTreeSet<String> {
        let dimensions = table.dimensions().iter().map(|dimension| dimension.name());
        let ties = table.ties().iter().map(|tie| tie.name.as_str());
        dimensions.chain(ties).map(str::to_owned).collect()
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
        if kept.is_empty() || kept == before {
            return kept.into_iter().flatten().collect();
        }
        edges = kept;
    }
}

#[cfg(test)]
mod tests {
    use minster_model::{
        policy::{Policy, Zeros},
        table::Pattern,
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
        let (first, second) = ("first".to_owned(), "second".to_owned());
        let otherwise = Refusal::OtherCategories { first, second, dimension: "ward".into() };
        assert_eq!(two([["a", "b"], ["a", "b"]], [[7, 8], [7, 8]]), Ok(()));
        assert_eq!(two([["a", "b"], ["a", "b"]], [[7, 8], [7, 9]]), Err(refused));
        assert_eq!(two([["a", "b"], ["b", "a"]], [[7, 7], [7, 7]]), Err(otherwise.clone()));
        assert_eq!(two([["a", "b"], ["a", "c"]], [[7, 8], [7, 8]]), Err(otherwise));
    }

    /// Ages 0, 1 and 2 by ward, and the age groups 0-1 and 2 by ward, with their tie.
    fn ages_and_groups(groups: [u64; 4]) -> TableSet {
        let of = |name: &str, codes: &[&str]| {
            Hierarchy::flat(name, "all", codes.iter().map(|&code| code.to_owned())).unwrap()
        };
        let wards = || of("ward", &["w1", "w2"]);
        let table = |name: &str, dimension, inner: &[u64], class_of: &[usize]| {
            let table = CountTable::new(name, vec![wards(), dimension], inner.to_vec(), vec![]);
            let class_of = class_of.to_vec();
            let tie = Tie { name: "age, group".into(), dimension: 1, class_of };
            table.unwrap().tied(vec![tie]).unwrap()
        };
        let ages = of("age", &["0", "1", "2"]);
        let age = table("ages", ages, &[3, 9, 9, 9, 9, 9], &[0, 0, 1]);
        let group = table("groups", of("group", &["0-1", "2"]), &groups, &[0, 1]);
        TableSet { tables: vec![age, group], policy: Policy::new(5, Zeros::Published) }
    }

    #[test]
    fn tables_by_age_and_by_age_group_agree_on_the_groups() {
        assert_eq!(check(&ages_and_groups([12, 9, 18, 9])), Ok(()));
        let (first, second) = ("ages".into(), "groups".into());
        let refused = Err(Refusal::Inconsistent { first, second });
        assert_eq!(check(&ages_and_groups([12, 9, 17, 10])), refused);
    }

    #[test]
    fn a_published_age_group_gives_away_a_withheld_age() {
        let set = ages_and_groups([12, 9, 18, 9]);
        let verdict = |withheld: [&[usize]; 2]| {
            let pattern = |(table, withheld): (&CountTable, &[usize])| Pattern {
                withheld: (0..table.cell_count()).map(|cell| withheld.contains(&cell)).collect(),
            };
            let patterns = set.tables.iter().zip(withheld).map(pattern).collect();
            crate::verify(set.clone(), patterns)
        };
        let cell = |table: usize, nodes: [usize; 2]| set.tables[table].cell(&nodes);
        // Both wards' ages 0 and 2 are withheld, which protects them in a table by themselves.
        let ages = [[1, 1], [1, 3], [2, 1], [2, 3]].map(|nodes| cell(0, nodes));
        assert!(matches!(verdict([&ages, &[]]), Err(Refusal::Unprotected(_))));
        let groups = [[1, 1], [1, 2], [2, 1], [2, 2]].map(|nodes| cell(1, nodes));
        assert!(verdict([&ages, &groups]).is_ok());
    }

    #[test]
    fn two_dimensions_that_are_tied_may_close_a_cycle() {
        let of = |name: &str| Hierarchy::flat(name, "all", ["1".into(), "2".into()]).unwrap();
        let set = |tie: [&str; 3]| {
            let tables = [["a", "b"], ["b", "c"], ["d", "c"]].into_iter().map(|names| {
                let table =
                    CountTable::new(names.concat(), names.map(of).to_vec(), vec![5; 4], vec![]);
                let place = names.iter().position(|name| tie[1..].contains(name));
                let tie = place.map(|dimension| Tie {
                    name: tie[0].into(),
                    dimension,
                    class_of: vec![0, 1],
                });
                table.unwrap().tied(tie.into_iter().collect()).unwrap()
            });
            TableSet { tables: tables.collect(), policy: Policy::new(5, Zeros::Published) }
        };
        assert_eq!(check(&set(["none", "x", "y"])), Ok(()));
        assert_eq!(check(&set(["a, d", "a", "d"])), Err(Refusal::Cyclic));
    }
}
