//! Two releases about nearly the same children show those who are in one and not in the other.
//!
//! For the same categories, a number that differs from one that was published before by less than the
//! threshold is withheld for its own sake. Where nothing differs the children may be the same: what was
//! withheld then is withheld, and what was published is published.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use minster_model::{
    NodeId,
    policy::{Policy, Zeros},
    table::{CountTable, Hierarchy, ProtectionLevel},
};

use crate::error::AggregateError;

/// The categories that a cell is about, totals left out, by the column that is divided.
type Categories<'a> = BTreeMap<&'a str, &'a str>;

/// A table that was published before: its dimensions, and its numbers where they are not withheld.
pub(crate) type Before<'a> = (&'a [Hierarchy], &'a [Option<u64>]);

/// Each cell of a table, judged beside tables that were published before.
pub(crate) struct Marks {
    /// One of them withholds it, and it can be withheld: where zeros are published, a zero cannot.
    pub(crate) hid: Vec<bool>,
    /// It differs from one of them, by less than the threshold.
    pub(crate) near: Vec<bool>,
    /// It is the same in one of them.
    pub(crate) equal: Vec<bool>,
    /// Every cell is one of theirs.
    pub(crate) all: bool,
}

impl Marks {
    pub(crate) fn new<'a>(
        table: &CountTable,
        threshold: u64,
        zeros: Zeros,
        others: impl Iterator<Item = Before<'a>>,
    ) -> Self {
        let all: Vec<Option<u64>> = table.cell_counts().into_iter().map(Some).collect();
        let mine: Vec<(usize, Categories<'_>, Option<u64>)> =
            by_categories(table.dimensions(), &all).collect();
        let none = || vec![false; all.len()];
        let mut found = none();
        let mut marks = Self { hid: none(), near: none(), equal: none(), all: false };
        for (dimensions, numbers) in others {
            let theirs: HashMap<Categories<'_>, Option<u64>> = by_categories(dimensions, numbers)
                .map(|(_, categories, number)| (categories, number))
                .collect();
            for (cell, categories, number) in &mine {
                found[*cell] |= theirs.contains_key(categories);
                match (theirs.get(categories), number) {
                    (Some(None), Some(number)) => {
                        marks.hid[*cell] |= *number > 0 || zeros == Zeros::MayBeWithheld;
                    }
                    (Some(Some(other)), Some(number)) => match number.abs_diff(*other) {
                        0 => marks.equal[*cell] = true,
                        difference => marks.near[*cell] |= difference < threshold,
                    },
                    _ => {}
                }
            }
        }
        marks.all = found.iter().all(|found| *found);
        marks
    }

    /// The cells that are withheld for their own sake: hidden before, or near to what was not.
    pub(crate) fn unsafe_by_rule(&self) -> impl Iterator<Item = usize> {
        (0..self.hid.len()).filter(|&cell| self.hid[cell] || self.near[cell])
    }
}

/// The table with protection levels for the cells that would say more than the threshold allows beside tables that were
/// published before about others, each by this protection level; and how many they are.
pub(crate) fn suppress_differences<'a>(
    table: CountTable,
    threshold: u64,
    (protection_level, zeros): (u64, Zeros),
    others: impl Iterator<Item = Before<'a>>,
) -> Result<(CountTable, usize), AggregateError> {
    let marks = Marks::new(&table, threshold, zeros, others);
    let own: Vec<usize> = table.protection_levels().iter().map(|level| level.cell).collect();
    let unsafe_by_rule: Vec<usize> = marks.unsafe_by_rule().collect();
    let may_keep = |cell: &usize| {
        marks.equal[*cell] && !marks.hid[*cell] && !marks.near[*cell] && !own.contains(cell)
    };
    let forced_published: Vec<usize> =
        (0..marks.equal.len()).filter(may_keep).chain(table.forced_published().to_vec()).collect();
    let levels = unsafe_by_rule.iter().map(|&cell| ProtectionLevel {
        cell,
        lower: protection_level,
        upper: protection_level,
    });
    let levels: Vec<ProtectionLevel> =
        levels.chain(table.protection_levels().iter().copied()).collect();
    Ok((
        table.with_protection_levels(levels)?.with_forced_published(forced_published)?,
        unsafe_by_rule.len(),
    ))
}

/// New tables, judged beside each of several earlier releases about the same children, whose data have changed since.
///
/// `distances` has for each table by how much a number must differ not to be near, and how unsure of a near one
/// everyone must be.
pub(crate) fn compare<'a>(
    tables: &[CountTable],
    distances: &[(u64, u64)],
    zeros: Zeros,
    earlier: impl Iterator<Item = Vec<Before<'a>>>,
) -> Vec<ComparedTable> {
    let new = |table: &CountTable| {
        let none = vec![false; table.cell_count()];
        let levels = table.protection_levels().to_vec();
        ComparedTable { near: none.clone(), equal: none, levels, of_near: Vec::new() }
    };
    let mut compared: Vec<ComparedTable> = tables.iter().map(new).collect();
    for before in earlier {
        let marks: Vec<Marks> = { tables.iter().zip(distances) }
            .map(|(table, (near, _))| Marks::new(table, *near, zeros, before.iter().copied()))
            .collect();
        // Where the new tables show no cell that the earlier release has not, and none that it withholds, they show
        // nothing of it that it does not show itself. Else what it withholds must not follow from them.
        let shows_more = !marks.iter().all(|marks| marks.all);
        for ((of, marks), &(_, protection_level)) in compared.iter_mut().zip(marks).zip(distances) {
            let hid = if shows_more { protection_level } else { 0 };
            for cell in 0..marks.near.len() {
                of.near[cell] |= marks.near[cell];
                of.equal[cell] |= marks.equal[cell];
                if marks.hid[cell] {
                    of.levels.push(ProtectionLevel { cell, lower: hid, upper: hid });
                }
                if marks.near[cell] {
                    of.of_near.push(ProtectionLevel {
                        cell,
                        lower: protection_level,
                        upper: protection_level,
                    });
                }
            }
        }
    }
    compared
}

/// The cells of a new table, judged beside all earlier releases.
pub(crate) struct ComparedTable {
    near: Vec<bool>,
    equal: Vec<bool>,
    /// The cells withheld for the sake of earlier numbers, and by which protection level.
    levels: Vec<ProtectionLevel>,
    /// Those of these that are near to an earlier number.
    of_near: Vec<ProtectionLevel>,
}

impl ComparedTable {
    /// How many cells are withheld for the sake of earlier numbers.
    pub(crate) fn suppressed(&self) -> usize {
        let cells = self.levels.iter().chain(&self.of_near).map(|level| level.cell);
        cells.collect::<BTreeSet<_>>().len()
    }

    /// The table as whoever takes earlier numbers for the present ones knows it: what is near to one, or the same, is
    /// shown.
    pub(crate) fn guess(
        &self,
        table: CountTable,
        policy: Policy,
    ) -> Result<CountTable, AggregateError> {
        let counts = table.cell_counts();
        let is_known = |cell: &usize| {
            (self.near[*cell] || self.equal[*cell])
                && !policy.is_small(counts[*cell])
                && !self.levels.iter().any(|level| level.cell == *cell)
        };
        let known =
            (0..counts.len()).filter(is_known).chain(table.forced_published().to_vec()).collect();
        Ok(table.with_protection_levels(self.levels.clone())?.with_forced_published(known)?)
    }

    /// The table with what it must withhold for the sake of the difference too.
    pub(crate) fn with_differences(&self, table: CountTable) -> Result<CountTable, AggregateError> {
        let levels: Vec<ProtectionLevel> =
            self.levels.iter().chain(&self.of_near).copied().collect();
        let is_unsafe_by_rule = |cell: &usize| levels.iter().any(|level| level.cell == *cell);
        let equal =
            (0..self.equal.len()).filter(|&cell| self.equal[cell] && !is_unsafe_by_rule(&cell));
        let forced_published = equal.chain(table.forced_published().to_vec()).collect();
        Ok(table.with_protection_levels(levels)?.with_forced_published(forced_published)?)
    }
}

/// For each cell of a table, whether a table published before withholds the cell of the same categories.
pub(crate) fn withheld_of(
    table: &CountTable,
    dimensions: &[Hierarchy],
    numbers: &[Option<u64>],
) -> Vec<bool> {
    let withheld = by_categories(dimensions, numbers)
        .filter(|(_, _, number)| number.is_none())
        .map(|(_, categories, _)| categories);
    let withheld: BTreeSet<Categories<'_>> = withheld.collect();
    let all: Vec<Option<u64>> = vec![None; table.cell_count()];
    by_categories(table.dimensions(), &all)
        .map(|(_, categories, _)| withheld.contains(&categories))
        .collect()
}

fn by_categories<'a>(
    dimensions: &'a [Hierarchy],
    numbers: &[Option<u64>],
) -> impl Iterator<Item = (usize, Categories<'a>, Option<u64>)> {
    numbers.iter().enumerate().map(|(cell, number)| {
        let mut categories = Categories::new();
        let mut rest = cell;
        for dimension in dimensions.iter().rev() {
            let node = NodeId(rest % dimension.node_count());
            rest /= dimension.node_count();
            if !dimension.is_total(node) {
                categories.insert(dimension.name(), dimension.code(node));
            }
        }
        (cell, categories, *number)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_by_few_is_withheld_and_what_does_not_differ_is_as_it_was() {
        let sex = Hierarchy::flat("sex", "all", ["F".into(), "M".into(), "U".into()]).unwrap();
        let table = |inner: &[u64]| {
            CountTable::new("t", vec![sex.clone()], inner.to_vec(), vec![]).unwrap()
        };
        let before = [Some(40), None, Some(23), Some(10)];
        let (now, found) = suppress_differences(
            table(&[7, 23, 13]),
            5,
            (5, Zeros::Published),
            [([sex.clone()].as_slice(), before.as_slice())].into_iter(),
        )
        .unwrap();
        // All are three more, F was withheld, M did not change, U is three more.
        let unsafe_by_rule: Vec<usize> =
            now.protection_levels().iter().map(|level| level.cell).collect();
        assert_eq!((unsafe_by_rule, now.forced_published(), found), (vec![0, 1, 3], &[2][..], 3));
    }
}
