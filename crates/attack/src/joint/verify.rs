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
    policy::{Policy, Zeros},
    table::{CountTable, Grouping, Hierarchy, Pattern, TableError, TableSet},
};

use crate::{
    shared::{alternative_table, refusal::Refusal},
    suppressed::verify::verify,
};

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
    /// Whom this release counts: a node of that last dimension.
    pub own: usize,
}

/// The dimension that says who counts a child, and of each release the node that it counts. `counted` says for
/// each leaf, that is each combination of conditions that anyone meets, whether each release counts it.
///
/// Beside the releases themselves it has whom one counts and another does not: nothing may follow of these either.
///
/// # Errors
/// [`TableError::Empty`] where a release counts nobody: such a one stands beside nothing.
pub fn who_counts(counted: &[Vec<bool>]) -> Result<(Hierarchy, Vec<usize>), TableError> {
    let leaves = (0..counted.len()).map(|leaf| leaf.to_string());
    let mut who = Hierarchy::flat("who counts", "anyone", leaves)?;
    let releases = counted.first().map_or(0, Vec::len);
    let mut divisions = BTreeSet::new();
    for (one, other) in (0..releases).flat_map(|one| (0..releases).map(move |other| (one, other))) {
        divisions.insert(counted.iter().map(|of| of[one] && !of[other]).collect::<Vec<bool>>());
    }
    let own = |release: usize| counted.iter().map(move |of| of[release]).collect::<Vec<bool>>();
    divisions.extend((0..releases).map(own));
    for division in divisions.into_iter().filter(|of| of.contains(&true) && of.contains(&false)) {
        let node = who.node_count();
        let codes = [node, node + 1].map(|node| format!("group {node}")).to_vec();
        let group_of = division.into_iter().map(usize::from).collect();
        who = who.grouped(Grouping { codes, group_of })?;
    }
    let counts = |release: usize, node: usize| {
        who.leaves()
            .iter()
            .enumerate()
            .all(|(at, &leaf)| who.counts(node, leaf) == counted[at][release])
    };
    let node = |release| (0..who.node_count()).find(|&node| counts(release, node));
    let nodes = (0..releases)
        .map(|release| node(release).ok_or(TableError::Empty))
        .collect::<Result<_, _>>();
    Ok((who.clone(), nodes?))
}

/// Attacks releases about different children as they stand beside each other.
///
/// `policy` is what all of them obey. The attacker is taken to know that nobody is in a combination of
/// shared columns and conditions.
///
/// # Errors
/// [`Refusal::SharedWithheld`] where a release does not publish all numbers by the columns that it shares;
/// [`Refusal::Unprotected`] with the numbers of releases and the cells of [`JointRelease::all`] that follow from the
/// published numbers; or as [`verify`].
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
    let tables = releases.iter().map(|release| release.all.clone()).collect();
    let patterns = releases.iter().map(JointRelease::known).collect();
    verify(TableSet { tables, policy: Policy { zeros, ..policy } }, patterns).map(|_| ())
}

impl JointRelease<'_> {
    /// Whether some table shows the number of every combination of shared columns.
    fn publishes_what_it_shares(&self) -> Result<bool, Refusal> {
        for (table, pattern) in self.tables.iter().zip(self.patterns) {
            if pattern.withheld.len() != table.cell_count() {
                return Err(Refusal::Shape);
            }
            let Some(shared) = self.shared_of(table) else { continue };
            let counts = alternative_table::cells(table, table.inner());
            let all = alternative_table::cells(&self.all, self.all.inner());
            let mut is_shown = true;
            for (cell, parts) in shared {
                if parts.iter().map(|&part| counts[part]).sum::<u64>() != all[cell] {
                    let (first, second) = (table.name().to_owned(), self.all.name().to_owned());
                    return Err(Refusal::Inconsistent { first, second });
                }
                is_shown &= parts.iter().all(|&part| !pattern.withheld[part]);
            }
            if is_shown {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// For each combination of shared categories the cell of all children that this release counts, and the
    /// table's cells that add up to it; none where the table does not divide by all shared columns.
    fn shared_of(&self, table: &CountTable) -> Option<Vec<(usize, Vec<usize>)>> {
        let (_, shared) = self.all.dimensions().split_last()?;
        let place = |dimension: &Hierarchy| {
            table.dimensions().iter().position(|own| own.name() == dimension.name())
        };
        let places = shared.iter().map(place).collect::<Option<Vec<usize>>>()?;
        let leaves = |of: &Hierarchy| -> Vec<String> {
            of.leaves().iter().map(|&leaf| of.code(leaf).to_owned()).collect()
        };
        let alike = shared.iter().zip(&places);
        if !alike.clone().all(|(of, &place)| leaves(of) == leaves(&table.dimensions()[place])) {
            return None;
        }
        let mut found = BTreeMap::<usize, Vec<usize>>::new();
        for cell in 0..table.cell_count() {
            let nodes = table.coordinates(cell);
            let is_whole = |(place, own): (usize, &Hierarchy)| {
                places.contains(&place) || own.roots().any(|root| root == nodes[place])
            };
            if !table.dimensions().iter().enumerate().all(is_whole) {
                continue;
            }
            let of = |(dimension, &place): (&Hierarchy, &usize)| {
                let own = table.dimensions()[place].leaves();
                let ordinal = own.binary_search(&nodes[place]).ok()?;
                Some(dimension.leaves()[ordinal])
            };
            let Some(mut nodes) = alike.clone().map(of).collect::<Option<Vec<usize>>>() else {
                continue;
            };
            nodes.push(self.own);
            found.entry(self.all.cell(&nodes)).or_default().push(cell);
        }
        Some(found.into_iter().collect())
    }

    /// Returns what is known of all children: this release's numbers, and where nobody is.
    fn known(&self) -> Pattern {
        let counts = alternative_table::cells(&self.all, self.all.inner());
        let is_own = |cell: usize| self.all.coordinates(cell).last() == Some(&self.own);
        let withheld = (0..counts.len()).map(|cell| counts[cell] > 0 && !is_own(cell));
        Pattern { withheld: withheld.collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The verdict on releases of one total each. `counted` says who counts whom, `children` how many they are.
    fn totals(zeros: Zeros, counted: &[&[bool]], children: &[u64]) -> Result<(), Refusal> {
        let counted: Vec<Vec<bool>> = counted.iter().map(|of| of.to_vec()).collect();
        let (who, nodes) = who_counts(&counted).unwrap();
        let all = CountTable::new("all", vec![who], children.to_vec(), vec![]).unwrap();
        let other = |count: u64| {
            let sex = Hierarchy::flat("sex", "all", ["F".into(), "M".into()]).unwrap();
            [CountTable::new("t", vec![sex], vec![count / 2, count - count / 2], vec![]).unwrap()]
        };
        let counts = all.cell_counts();
        let tables: Vec<[CountTable; 1]> = nodes.iter().map(|&node| other(counts[node])).collect();
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
