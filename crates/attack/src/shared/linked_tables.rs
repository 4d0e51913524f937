//! Tables over one universe: their counts agree wherever they share dimensions or ties.

use std::collections::{BTreeMap, BTreeSet};

use minster_model::{
    IdVec, TableId,
    table::{CountTable, Hierarchy, TableSet, Tie},
};

use crate::shared::{
    refusal::Refusal,
    typed::{DimensionId, InnerCell, TypedSet, TypedTable},
};

/// For two tables, the inner cells of each by the leaves of the dimensions and the classes of the ties that they share.
pub(crate) fn shared(
    first: &CountTable,
    second: &CountTable,
) -> impl Iterator<Item = (Vec<InnerCell>, Vec<InnerCell>)> {
    let mut groups: BTreeMap<Vec<usize>, (Vec<InnerCell>, Vec<InnerCell>)> = BTreeMap::new();
    let (of_first, of_second) = (keys(first, second), keys(second, first));
    for (inner, key) in of_first.ids().zip(of_first) {
        groups.entry(key).or_default().0.push(inner);
    }
    for (inner, key) in of_second.ids().zip(of_second) {
        groups.entry(key).or_default().1.push(inner);
    }
    // Also groups of which one table has no inner cell: then the other's count nobody, and the attacker knows it.
    groups.into_values()
}

/// The shared leaves and classes of each of `of`'s inner cells, in the order of the names of dimensions, then of ties.
fn keys(of: &CountTable, with: &CountTable) -> IdVec<InnerCell, Vec<usize>> {
    let mut order: Vec<(&str, DimensionId)> = of
        .by_dimension()
        .enumerate()
        .map(|(place, dimension)| (dimension.name(), place))
        .filter(|(name, _)| with.dimensions().iter().any(|other| other.name() == *name))
        .collect();
    // By name, since the two tables may have their dimensions in another order.
    order.sort_unstable();
    let ties = shared_ties(of, with);
    of.by_inner()
        .ids()
        .map(|InnerCell(inner)| {
            let leaves = order.iter().map(|&(_, place)| of.leaf(place.0, inner).0);
            leaves.chain(ties.iter().map(|tie| of.class(tie, inner))).collect()
        })
        .collect()
}

/// One tie of `of` for each name that both tables have and no shared dimension, in the order of the names. A shared
/// dimension settles the class already.
fn shared_ties<'a>(of: &'a CountTable, with: &CountTable) -> Vec<&'a Tie> {
    let mut ties: Vec<&Tie> = of
        .ties()
        .iter()
        .filter(|tie| with.ties().iter().any(|other| other.name == tie.name))
        .filter(|tie| !is_settled(tie, of, with))
        .collect();
    ties.sort_by(|a, b| (&a.name, a.dimension).cmp(&(&b.name, b.dimension)));
    // Two dimensions may have one tie: a child is in the same class of it by either.
    ties.dedup_by(|a, b| a.name == b.name);
    ties
}

/// Whether a dimension that both tables have tells the class of a tie.
fn is_settled(tie: &Tie, of: &CountTable, with: &CountTable) -> bool {
    let mut names = of.dimensions().iter().map(Hierarchy::name);
    names.any(|name| tells(of, name, tie) && tells(with, name, tie))
}

/// Whether a table's dimension of a name tells the class of a tie.
fn tells(table: &CountTable, name: &str, tie: &Tie) -> bool {
    let mut own = table.ties().iter().filter(|own| own.name == tie.name);
    own.any(|own| table.by_dimension()[DimensionId(own.dimension)].name() == name)
}

/// The pairs of tables that must agree for every two to agree, each with the first table first: one less than there are
/// tables.
///
/// Thirty-four releases about subsets share who counts a child. If the first agrees with the second on it, and the second
/// with the third, so does the first with the third. Tables without a cycle have a *join tree*: what two of them share,
/// all tables on the way between share. A tree is one if its links share as much as a tree's can, added up (Maier, *The
/// Theory of Relational Databases*, 1983, section 13.3.4). For tables that form a cycle it is every pair.
pub(crate) fn pairs(set: &TableSet) -> impl Iterator<Item = (TableId, TableId)> + use<> {
    let tables: IdVec<TableId, BTreeSet<String>> = set.tables.iter().map(attributes).collect();
    let every = tables.ids().flat_map(|second| {
        tables.ids().take_while(move |&first| first < second).map(move |first| (first, second))
    });
    let mut every: Vec<(TableId, TableId)> = every.collect();
    if cycle(set).is_empty() {
        let shared = |&(first, second): &(TableId, TableId)| {
            tables[first].intersection(&tables[second]).count()
        };
        every.sort_by_cached_key(|pair| (std::cmp::Reverse(shared(pair)), *pair));
        let mut tree: IdVec<TableId, TableId> = tables.ids().collect();
        every.retain(|&(first, second)| {
            let (from, to) = (tree[first], tree[second]);
            for of in tables.ids() {
                if tree[of] == from {
                    tree[of] = to;
                }
            }
            from != to
        });
    }
    every.sort_unstable();
    every.into_iter()
}

/// The codes of a dimension's leaves, in order.
pub(crate) fn leaf_codes(of: &Hierarchy) -> impl Iterator<Item = &str> {
    of.leaves().iter().map(|&leaf| of.code(leaf))
}

/// Refuses tables that cannot be attacked together: that disagree, that divide by two kinds of respondents, or whose
/// dimensions and ties form a cycle. To be asked before a pattern is sought.
///
/// # Errors
/// [`Refusal::OtherCategories`], [`Refusal::Inconsistent`], [`Refusal::Respondents`] or [`Refusal::Cyclic`].
pub fn check(set: &TableSet) -> Result<(), Refusal> {
    // The equations know one kind of respondent: with two, nobody would be asked for those of the other.
    let mut dimensions = set.tables.iter().flat_map(CountTable::dimensions);
    let respondents = set.respondents().unwrap_or_default();
    let other = dimensions.find(|of| of.is_of_respondents() && of.name() != respondents);
    if let Some(other) = other {
        let (first, second) = (respondents.to_owned(), other.name().to_owned());
        return Err(Refusal::Respondents { first, second });
    }
    let mut tables = set.tables.as_slice();
    while let [first, later @ ..] = tables {
        later.iter().try_for_each(|second| check_categories(first, second))?;
        tables = later;
    }
    for (first, second) in pairs(set) {
        check_sums(set.table(first), set.table(second))?;
    }
    // Without a cycle, tables that agree two by two are margins of one joint table: a world of all exists.
    if cycle(set).is_empty() { Ok(()) } else { Err(Refusal::Cyclic) }
}

/// Refuses two tables that do not divide their shared columns alike.
fn check_categories(first: &CountTable, second: &CountTable) -> Result<(), Refusal> {
    // In order, since sums are found to be shared by the places of leaves, not by their codes.
    let otherwise = first.dimensions().iter().find(|mine| {
        let mut theirs = second.dimensions().iter().filter(|theirs| theirs.name() == mine.name());
        theirs.any(|theirs| !leaf_codes(mine).eq(leaf_codes(theirs)))
    });
    let Some(dimension) = otherwise else { return Ok(()) };
    let (first, second) = (first.name().to_owned(), second.name().to_owned());
    Err(Refusal::OtherCategories { first, second, dimension: dimension.name().to_owned() })
}

/// Refuses two tables that disagree on what they share.
fn check_sums(first: &CountTable, second: &CountTable) -> Result<(), Refusal> {
    let agree = shared(first, second)
        .all(|(of_first, of_second)| sum_of(first, &of_first) == sum_of(second, &of_second));
    match agree {
        true => Ok(()),
        false => {
            let (first, second) = (first.name().to_owned(), second.name().to_owned());
            Err(Refusal::Inconsistent { first, second })
        }
    }
}

/// The true counts of some inner cells, added up.
fn sum_of(table: &CountTable, cells: &[InnerCell]) -> u64 {
    cells.iter().map(|&inner| table.by_inner()[inner]).sum()
}

/// The names of the dimensions and ties by which tables form a cycle: tables that agree two by two need then have no
/// children in common. None where they form none. A table of all these dimensions among the others breaks the cycle.
///
/// Graham's and Yu & Özsoyoğlu's reduction: drop dimensions that one table alone has, and tables whose
/// dimensions another has, until nothing changes. Acyclic tables leave nothing.
pub fn cycle(set: &TableSet) -> BTreeSet<String> {
    let mut edges: Vec<BTreeSet<String>> = set.tables.iter().map(attributes).collect();
    loop {
        // A column that one table alone has links it to no other; a table within another has no links of its own.
        let before = edges.clone();
        let mut uses: BTreeMap<&String, usize> = BTreeMap::new();
        before.iter().flatten().for_each(|name| *uses.entry(name).or_default() += 1);
        let single = uses.into_iter().filter(|(_, uses)| *uses == 1);
        let single: BTreeSet<&String> = single.map(|(name, _)| name).collect();
        edges.iter_mut().for_each(|edge| edge.retain(|name| !single.contains(name)));
        // An edge is looked for among those kept and those to come: of two that are alike one stays.
        let mut kept: Vec<BTreeSet<String>> = Vec::new();
        let mut rest = edges.as_slice();
        while let [edge, later @ ..] = rest {
            let covered = kept.iter().chain(later).any(|other| edge.is_subset(other));
            if !covered && !edge.is_empty() {
                kept.push(edge.clone());
            }
            rest = later;
        }
        if kept.is_empty() || kept == before {
            return kept.into_iter().flatten().collect();
        }
        edges = kept;
    }
}

/// The names of a table's dimensions and ties. A tie is one more attribute, which its dimension settles.
fn attributes(table: &CountTable) -> BTreeSet<String> {
    let dimensions = table.dimensions().iter().map(Hierarchy::name);
    let ties = table.ties().iter().map(|tie| tie.name.as_str());
    dimensions.chain(ties).map(str::to_owned).collect()
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
        let tables = ["first", "second"].into_iter().zip(codes).zip(counts);
        let tables = tables.map(|((name, codes), counts)| {
            let dimension = by("ward", &codes);
            CountTable::new(name, vec![dimension], counts.to_vec(), vec![]).unwrap()
        });
        let policy = Policy::new(5, Zeros::Published);
        check(&TableSet { tables: tables.collect(), policy })
    }

    fn by(name: &str, codes: &[&str]) -> Hierarchy {
        Hierarchy::flat(name, "all", codes.iter().map(|&code| code.to_owned())).unwrap()
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
        let ages = tied("ages", by("age", &["0", "1", "2"]), &[3, 9, 9, 9, 9, 9], &[0, 0, 1]);
        let groups = tied("groups", by("group", &["0-1", "2"]), &groups, &[0, 1]);
        TableSet { tables: vec![ages, groups], policy: Policy::new(5, Zeros::Published) }
    }

    /// A table by ward and by a dimension with the tie of ages and groups.
    fn tied(name: &str, dimension: Hierarchy, inner: &[u64], class_of: &[usize]) -> CountTable {
        let dimensions = vec![by("ward", &["w1", "w2"]), dimension];
        let tie = Tie { name: "age, group".into(), dimension: 1, class_of: class_of.to_vec() };
        let table = CountTable::new(name, dimensions, inner.to_vec(), vec![]).unwrap();
        table.tied(vec![tie]).unwrap()
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
        // Both wards' ages 0 and 2 are withheld, which protects them in a table by themselves.
        let ages = withholding(&set.tables[0], &[[1, 1], [1, 3], [2, 1], [2, 3]]);
        let none = withholding(&set.tables[1], &[]);
        let verdict = crate::verify(set.clone(), vec![ages.clone(), none]);
        assert!(matches!(verdict, Err(Refusal::Unprotected(_))));
        let groups = withholding(&set.tables[1], &[[1, 1], [1, 2], [2, 1], [2, 2]]);
        assert!(crate::verify(set, vec![ages, groups]).is_ok());
    }

    /// The pattern of the cells with these nodes.
    fn withholding(table: &CountTable, nodes: &[[usize; 2]]) -> Pattern {
        let mut withheld = vec![false; table.cell_count()];
        nodes.iter().for_each(|nodes| withheld[table.cell(nodes)] = true);
        Pattern { withheld }
    }

    /// Three tables of a chain, and a tie of a name and of two dimensions.
    fn chain([tie, first, last]: [&str; 3]) -> TableSet {
        let tables = [["a", "b"], ["b", "c"], ["d", "c"]].into_iter().map(|names| {
            let dimensions = names.map(|name| by(name, &["1", "2"])).to_vec();
            let table = CountTable::new(names.concat(), dimensions, vec![5; 4], vec![]).unwrap();
            let place = names.iter().position(|name| [first, last].contains(name));
            let tie =
                place.map(|dimension| Tie { name: tie.into(), dimension, class_of: vec![0, 1] });
            table.tied(tie.into_iter().collect()).unwrap()
        });
        TableSet { tables: tables.collect(), policy: Policy::new(5, Zeros::Published) }
    }

    /// Tables by some of six columns of two categories, with the children of one joint table.
    fn margins_of_one(joint: &[u64; 64], columns: &[Vec<usize>]) -> TableSet {
        let tables = columns.iter().enumerate().map(|(number, own)| {
            let dimensions = own.iter().map(|of| by(&format!("c{of}"), &["1", "2"])).collect();
            let mut inner = vec![0; 1 << own.len()];
            for (place, count) in joint.iter().enumerate() {
                let leaf = |cell: usize, column: &usize| cell * 2 + (place >> column & 1);
                inner[own.iter().fold(0, leaf)] += count;
            }
            CountTable::new(format!("t{number}"), dimensions, inner, vec![]).unwrap()
        });
        TableSet { tables: tables.collect(), policy: Policy::new(5, Zeros::MayBeWithheld) }
    }

    #[test]
    fn tables_that_agree_along_the_tree_agree_two_by_two() {
        let sets: [&[&[usize]]; 5] = [
            &[&[0, 1], &[1, 2], &[2, 3], &[1, 2, 4]],
            &[&[5], &[5, 0], &[5, 1], &[5, 2], &[5, 3], &[5, 4]],
            &[&[0, 1], &[2, 3], &[4]],
            &[&[0, 1, 2], &[0, 1], &[1, 2, 3], &[2, 3, 4], &[4, 5]],
            &[&[0, 1, 2], &[0, 1, 2], &[0, 1], &[1]],
        ];
        for columns in sets {
            let columns: Vec<Vec<usize>> = columns.iter().map(|of| of.to_vec()).collect();
            let joint: [u64; 64] = std::array::from_fn(|at| (at as u64 * 37 + 11) % 9);
            let set = margins_of_one(&joint, &columns);
            assert!(cycle(&set).is_empty());
            let links: Vec<_> = pairs(&set).collect();
            assert_eq!(links.len(), columns.len() - 1);
            // Along the way from one table to another, every table has what the two share.
            for (one, of_one) in columns.iter().enumerate() {
                for (other, of_other) in columns.iter().enumerate() {
                    let both: Vec<_> = of_one.iter().filter(|of| of_other.contains(of)).collect();
                    let has_both =
                        |of: TableId| both.iter().all(|column| columns[of.0].contains(column));
                    let mut reached = vec![TableId(one)];
                    let mut next = 0;
                    while let Some(&at) = reached.get(next) {
                        next += 1;
                        for &(first, second) in &links {
                            for (from, to) in [(first, second), (second, first)] {
                                if from == at && has_both(to) && !reached.contains(&to) {
                                    reached.push(to);
                                }
                            }
                        }
                    }
                    assert!(reached.contains(&TableId(other)), "{columns:?}: {one} and {other}");
                }
            }
        }
    }

    #[test]
    fn of_a_circle_every_two_tables_are_linked() {
        let joint = [3; 64];
        let set = margins_of_one(&joint, &[vec![0, 1], vec![1, 2], vec![0, 2]]);
        assert!(!cycle(&set).is_empty());
        assert_eq!(pairs(&set).count(), 3);
    }

    #[test]
    fn two_dimensions_that_are_tied_may_close_a_cycle() {
        assert_eq!(check(&chain(["none", "x", "y"])), Ok(()));
        assert_eq!(check(&chain(["a, d", "a", "d"])), Err(Refusal::Cyclic));
    }
}
