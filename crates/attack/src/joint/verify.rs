//! Releases about different children, of whom those of one are known to be among those of another.
//!
//! All girls and all pupils by ward: the two numbers of a ward tell how many are not girls. So may sums of
//! numbers of three releases, none of which is close to another. [`verify`] says what a release may
//! say by itself; this says whether several may stand beside each other.
//!
//! **The requirement.** Let a release's *shared* columns be those that its tables divide by and that any of the
//! others divides by or chooses its children by; or it itself chooses by. (1) One of its tables publishes every
//! number by the shared columns together. (2) The children of all releases, by each one's shared columns and by who counts
//! them, keep the promise, where what is known of them is just those numbers.
//!
//! **Why that is enough.** Take a world of one release alone. By (1) it has as many children as there truly are for
//! each combination of shared columns. So its children can be paired with the true ones, each with one that
//! has the same shared columns, and every other column of no release but this one be taken from the world.
//! All others count the very same children by the very same categories, and no condition is on a
//! column that changed: the other releases say what they said. Each world of one release is a world of all, so
//! that none says more of another's cells than that one does itself. All of them say of the
//! differences what their shared numbers say, since with these as they are everything else can be as it is in
//! each one's own worlds: (2) asks for that.
//!
//! The same holds of sums of a column, with amounts in the place of children: those of each combination of shared
//! columns and of who counts them are dealt out anew among the categories of one release and as they truly are among
//! those of another. The protection levels of [`JointRelease::all`] then say what must not follow.

use std::collections::{BTreeMap, BTreeSet};

use minster_model::{
    IdVec, LeafId, NodeId, id,
    policy::{Policy, Zeros},
    table::{CountTable, Grouping, Hierarchy, Pattern, TableError, TableSet},
};

use crate::{
    shared::{
        alternative_table,
        id_slice::IdSlice,
        linked_tables::leaf_codes,
        refusal::Refusal,
        typed::{DimensionId, TableCell, TypedPattern, TypedTable},
    },
    suppressed::verify::verify,
};

id! {
    /// The place of a release among those that stand beside each other.
    ReleaseId
}

/// One of several releases about different children.
#[derive(Debug, Clone)]
pub struct JointRelease<'a> {
    /// Its tables.
    pub tables: &'a [CountTable],
    /// The cells that it withholds of them.
    pub patterns: &'a [Pattern],
    /// The children of all the releases: by the columns that this one shares, and last by who counts them. Each
    /// leaf of that last dimension ([`who_counts`]) tells for every condition of any release whether it holds.
    pub all: CountTable,
    /// The children whom this release counts: a node of that last dimension.
    pub own: NodeId,
}

/// The dimension that says who counts a child, and of each release the node that it counts. `counted` says for
/// each leaf, that is each combination of conditions that anyone meets, whether each release counts it.
///
/// Beside the releases themselves it has whom one counts and another does not: nothing may follow of these either.
///
/// # Errors
/// [`TableError::Empty`] where a release counts nobody: such a one stands beside nothing.
pub fn who_counts(counted: &[Vec<bool>]) -> Result<(Hierarchy, Vec<NodeId>), TableError> {
    let by_leaf: IdVec<LeafId, IdSlice<'_, ReleaseId, bool>> =
        counted.iter().map(|of| IdSlice::new(of)).collect();
    let codes = by_leaf.ids().map(|leaf| leaf.0.to_string());
    let who = Hierarchy::flat("who counts", "anyone", codes)?;
    let releases: Vec<ReleaseId> =
        by_leaf.iter().next().map_or_else(Vec::new, |of| of.ids().collect());
    let mut divisions: BTreeSet<Vec<bool>> = BTreeSet::new();
    for &one in &releases {
        divisions.insert(by_leaf.iter().map(|of| of[one]).collect());
        // Subtracting one release from another tells of those whom the one counts and the other does not.
        for &other in &releases {
            divisions.insert(by_leaf.iter().map(|of| of[one] && !of[other]).collect());
        }
    }
    let divisions = divisions.into_iter().filter(|of| of.contains(&true) && of.contains(&false));
    let first = who.node_count();
    let grouping = |(number, division): (usize, Vec<bool>)| {
        let node = first + 2 * number;
        let codes = [node, node + 1].map(|node| format!("group {node}")).to_vec();
        Grouping { codes, group_of: division.into_iter().map(usize::from).collect() }
    };
    let who = who.with_groupings(divisions.enumerate().map(grouping))?;
    let nodes = releases
        .into_iter()
        .map(|release| {
            let mut nodes = who.nodes();
            let own = nodes.find(|&node| is_counted_by(&who, node, &by_leaf, release));
            own.ok_or(TableError::Empty)
        })
        .collect::<Result<_, _>>()?;
    Ok((who, nodes))
}

/// Whether a node counts just those whom a release counts.
fn is_counted_by(
    who: &Hierarchy,
    node: NodeId,
    by_leaf: &IdVec<LeafId, IdSlice<'_, ReleaseId, bool>>,
    release: ReleaseId,
) -> bool {
    by_leaf.enumerate().all(|(leaf, of)| who.counts(node, who.leaf(leaf)) == of[release])
}

/// Attacks releases about different children as they stand beside each other.
///
/// `policy` is what all of them obey. The attacker is taken to know that nobody is in a combination of
/// shared columns and conditions.
///
/// # Errors
/// [`Refusal::SharedWithheld`] where a release does not publish all numbers by the columns that it shares;
/// [`Refusal::Unprotected`] with the cells of [`JointRelease::all`] that follow from the published numbers, each once for
/// all releases that share the same columns; or as [`verify`].
pub fn verify_joint(policy: Policy, releases: &[JointRelease<'_>]) -> Result<(), Refusal> {
    for (number, release) in releases.iter().enumerate() {
        if release.patterns.len() != release.tables.len() {
            return Err(Refusal::Shape);
        }
        if !release.publishes_what_it_shares()? {
            return Err(Refusal::SharedWithheld { release: number });
        }
    }
    let zeros = match policy.zeros {
        Zeros::Unsafe => Zeros::Unsafe,
        // Nobody published these cells: a withheld one need not have anyone in it.
        Zeros::Published | Zeros::MayBeWithheld => Zeros::MayBeWithheld,
    };
    let (tables, patterns) = together(releases);
    verify(TableSet { tables, policy: Policy { zeros, ..policy } }, patterns).map(|_| ())
}

/// The children of all releases and what is known of them, once for all releases that share the same columns: thirty-four
/// releases by ward have one table of who counts the children of each ward, not thirty-four.
fn together(releases: &[JointRelease<'_>]) -> (Vec<CountTable>, Vec<Pattern>) {
    let mut found: Vec<(CountTable, Pattern)> = Vec::new();
    for release in releases {
        let (all, known) = (&release.all, release.known());
        let is_same = |(of, _): &&mut (CountTable, Pattern)| {
            of.dimensions() == all.dimensions()
                && of.inner() == all.inner()
                && of.protection_levels() == all.protection_levels()
        };
        match found.iter_mut().find(is_same) {
            Some((_, pattern)) => {
                let cells = pattern.withheld.iter_mut().zip(known.withheld);
                cells.for_each(|(withheld, is_hidden)| *withheld &= is_hidden);
            }
            None => found.push((all.clone(), known)),
        }
    }
    found.into_iter().unzip()
}

impl JointRelease<'_> {
    /// Whether some table shows the number of every combination of shared columns.
    fn publishes_what_it_shares(&self) -> Result<bool, Refusal> {
        for (table, pattern) in self.tables.iter().zip(self.patterns) {
            if pattern.withheld.len() != table.cell_count() {
                return Err(Refusal::Shape);
            }
            // A table that does not divide by all shared columns shows sums of their numbers, which is less.
            let Some(shared) = self.shared_of(table) else { continue };
            let counts = alternative_table::counts(table);
            let all = alternative_table::counts(&self.all);
            let mut is_shown = true;
            for (cell, parts) in shared {
                if parts.iter().map(|&part| counts[part]).sum::<u64>() != all[cell] {
                    let (first, second) = (table.name().to_owned(), self.all.name().to_owned());
                    return Err(Refusal::Inconsistent { first, second });
                }
                is_shown &= parts.iter().all(|&part| !pattern.by_cell()[part]);
            }
            if is_shown {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// For each combination of shared categories the cell of all children that this release counts, and the
    /// table's cells that add up to it; none where the table does not divide by all shared columns.
    fn shared_of(&self, table: &CountTable) -> Option<BTreeMap<TableCell, Vec<TableCell>>> {
        let (_, shared) = self.all.dimensions().split_last()?;
        let places: Vec<DimensionId> = shared
            .iter()
            .map(|dimension| table.place_of(dimension.name()))
            .collect::<Option<_>>()?;
        let alike = |(of, &place): (&Hierarchy, &DimensionId)| {
            leaf_codes(of).eq(leaf_codes(&table.by_dimension()[place]))
        };
        if !shared.iter().zip(&places).all(alike) {
            return None;
        }
        let mut found = BTreeMap::<TableCell, Vec<TableCell>>::new();
        for cell in table.cells() {
            let nodes = table.nodes(cell);
            // By every other column the whole is taken: its parts would be counted again.
            let is_whole = table.by_dimension().enumerate().all(|(place, own)| {
                places.contains(&place) || own.roots().any(|root| root == nodes[place])
            });
            if !is_whole {
                continue;
            }
            // Subtotals by shared columns follow from their leaves.
            let leaves = shared.iter().zip(&places).map(|(dimension, &place)| {
                let leaf = table.by_dimension()[place].ordinal(nodes[place])?;
                Some(dimension.leaf(leaf))
            });
            let Some(mut nodes) = leaves.collect::<Option<IdVec<DimensionId, NodeId>>>() else {
                continue;
            };
            nodes.push(self.own);
            found.entry(self.all.cell_at(&nodes)).or_default().push(cell);
        }
        Some(found)
    }

    /// Returns what is known of all children: this release's numbers, and where nobody is.
    fn known(&self) -> Pattern {
        let withheld = alternative_table::counts(&self.all)
            .enumerate()
            .map(|(cell, &count)| {
                count > 0 && self.all.nodes(cell).iter().last() != Some(&self.own)
            })
            .collect();
        Pattern { withheld }
    }
}

#[cfg(test)]
mod tests {
    use minster_model::table::ProtectionLevel;

    use super::*;

    /// The verdict on releases of one total each. `counted` says who counts whom, `children` how many they are.
    fn totals(zeros: Zeros, counted: &[&[bool]], children: &[u64]) -> Result<(), Refusal> {
        let counted: Vec<Vec<bool>> = counted.iter().map(|of| of.to_vec()).collect();
        let (who, nodes) = who_counts(&counted).unwrap();
        let all = CountTable::new("all", vec![who], children.to_vec(), vec![]).unwrap();
        let counts = all.cell_counts();
        let tables: Vec<[CountTable; 1]> =
            nodes.iter().map(|node| [by_sex(counts[node.0])]).collect();
        let patterns = [Pattern { withheld: vec![false, true, true] }];
        let releases: Vec<JointRelease<'_>> = tables
            .iter()
            .zip(nodes)
            .map(|(tables, own)| JointRelease {
                tables,
                patterns: &patterns,
                all: all.clone(),
                own,
            })
            .collect();
        verify_joint(Policy::new(5, zeros), &releases)
    }

    #[test]
    fn releases_that_share_the_same_columns_are_known_by_one_table() {
        let (who, nodes) = who_counts(&[BOTH, ONE, OTHER].map(<[bool]>::to_vec)).unwrap();
        let all = CountTable::new("all", vec![who.clone()], vec![20, 7, 9], vec![]).unwrap();
        let of = |own, all: &CountTable| JointRelease {
            tables: &[],
            patterns: &[],
            all: all.clone(),
            own,
        };
        let releases = [of(nodes[0], &all), of(nodes[1], &all)];
        let (tables, patterns) = together(&releases);
        assert_eq!(tables, std::slice::from_ref(&all));
        let shown = |pattern: &Pattern| -> Vec<NodeId> {
            who.nodes().filter(|node| !pattern.withheld[node.0]).collect()
        };
        let mut own = nodes.clone();
        own.sort_unstable();
        assert_eq!(patterns.iter().map(shown).collect::<Vec<_>>(), [own]);
        // Tables that one has and another has not stand apart, so that the two are compared.
        let other = CountTable::new("all", vec![who.clone()], vec![20, 7, 8], vec![]).unwrap();
        assert_eq!(together(&[of(nodes[0], &all), of(nodes[1], &other)]).0.len(), 2);
        let level = ProtectionLevel { cell: nodes[1].0, lower: 1, upper: 1 };
        let unsafe_by_rule = all.clone().with_protection_levels(vec![level]).unwrap();
        assert_eq!(together(&[of(nodes[0], &all), of(nodes[1], &unsafe_by_rule)]).0.len(), 2);
    }

    fn by_sex(count: u64) -> CountTable {
        let sex = Hierarchy::flat("sex", "all", ["F".into(), "M".into()]).unwrap();
        CountTable::new("t", vec![sex], vec![count / 2, count - count / 2], vec![]).unwrap()
    }

    const BOTH: &[bool] = &[true, true];
    const ONE: &[bool] = &[true, false];
    const OTHER: &[bool] = &[false, true];

    #[test]
    fn of_a_few_whom_one_counts_none_and_many_must_stay_possible() {
        for zeros in [Zeros::Published, Zeros::MayBeWithheld] {
            assert_eq!(totals(zeros, &[BOTH, ONE, OTHER], &[20, 2, 2]), Ok(()));
            // Nobody said that anyone is counted by both, or by one alone.
            assert_eq!(totals(zeros, &[BOTH, ONE, OTHER], &[2, 3, 3]), Ok(()));
            // One more than the other has: someone is there of those whom it counts alone.
            assert!(totals(zeros, &[BOTH, ONE, OTHER], &[20, 2, 1]).is_err());
            // The other counts whom one does, and nobody is known to be few.
            assert!(totals(zeros, &[BOTH, OTHER], &[20, 4]).is_err());
            assert_eq!(totals(zeros, &[BOTH, OTHER], &[20, 5]), Ok(()));
            assert_eq!(totals(zeros, &[BOTH], &[20]), Ok(()));
        }
        // Where nobody is anybody's business, that nobody is counted alone is too much.
        assert!(totals(Zeros::Unsafe, &[BOTH, OTHER, ONE], &[20, 5, 0]).is_err());
        assert_eq!(totals(Zeros::Unsafe, &[BOTH, OTHER], &[20, 5]), Ok(()));
    }

    #[test]
    fn of_whom_one_counts_and_another_does_not_nothing_follows_together() {
        // A third release divides those whom the first counts and the second does not: none need be of either
        // kind, but they are three or more together.
        let counted: [&[bool]; 5] = [
            &[true, true, false],
            &[true, false, false],
            &[true, false, true],
            &[false, true, false],
            &[false, false, true],
        ];
        assert!(totals(Zeros::MayBeWithheld, &counted, &[20, 2, 2, 1, 10]).is_err());
        assert_eq!(totals(Zeros::MayBeWithheld, &counted, &[20, 2, 2, 4, 10]), Ok(()));
    }

    #[test]
    fn a_release_that_counts_nobody_stands_beside_nothing() {
        assert_eq!(who_counts(&[vec![true, false]]), Err(TableError::Empty));
    }
}
