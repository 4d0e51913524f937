//! Sums are tables too: what is withheld of the counts is withheld of them, what a few contributors
//! dominate as well, and then as much more as hides both. Protected and attacked as the counts are.

use std::collections::BTreeMap;

use minster_attack::ReleasableSet;
use minster_model::{
    ColumnName,
    policy::Zeros,
    table::{CountTable, TableSet},
};

use crate::{
    definition::release_definition::Definition,
    earlier_releases::{differencing, entry::Entry, joint_attack, overlap::Overlap},
    error::AggregateError,
    protect::{protect_counts::protect, sums},
    tabulate::contributions::Measured,
};

/// Sums that withstood the attack, by the column that is summed.
#[derive(Debug, Clone, Default)]
pub struct ReleasableSums {
    of: BTreeMap<ColumnName, ProtectedColumn>,
}

#[derive(Debug, Clone)]
struct ProtectedColumn {
    /// For each table of the definition its place in the set, if the column is summed there.
    places: Vec<Option<usize>>,
    set: ReleasableSet,
}

impl ReleasableSums {
    /// Every cell's sum of one table; none where it is withheld.
    pub(crate) fn published_cells(
        &self,
        table: usize,
        column: &ColumnName,
    ) -> Option<Vec<Option<u64>>> {
        let of = self.of.get(column)?;
        Some(of.set.published_cells(of.places.get(table).copied().flatten()?))
    }

    /// The sets, by column.
    pub(crate) fn sets(&self) -> impl Iterator<Item = (&ColumnName, &ReleasableSet)> {
        self.of.iter().map(|(column, of)| (column, &of.set))
    }
}

/// The counts and the earlier releases that sums are compared with.
#[derive(Default)]
pub(crate) struct EarlierReleases<'a> {
    /// Where among the counts the table by whether a column is 1 stands, by the table of the definition and the column.
    pub(crate) flags: BTreeMap<(usize, ColumnName), usize>,
    /// About other children, number by number.
    pub(crate) apart: &'a [&'a Entry],
    /// About the same children, of which the data have changed since.
    pub(crate) changed: &'a [&'a Entry],
    /// About other children, attacked together with it.
    pub(crate) overlap: Option<&'a Overlap<'a>>,
}

/// Protects the sums of every column that the definition's tables measure.
///
/// `published_tables` holds the tables of sums that were published before, by column: of this very definition
/// where `own` says so, first and in its order.
pub(crate) fn protect_sums(
    definition: &Definition,
    counts: &ReleasableSet,
    measured: &[Measured],
    published_tables: &BTreeMap<ColumnName, Vec<CountTable>>,
    earlier: &EarlierReleases<'_>,
    own: bool,
) -> Result<ReleasableSums, AggregateError> {
    let mut columns: Vec<&ColumnName> = measured.iter().flat_map(|m| m.sums.keys()).collect();
    columns.sort_unstable();
    columns.dedup();
    let mut releasable = ReleasableSums::default();
    for column in columns {
        let summing = measured.iter().enumerate();
        let summing = summing.filter_map(|(place, of)| Some((place, of.sums.get(column)?)));
        let mut places = vec![None; measured.len()];
        let (mut tables, mut distances) = (Vec::new(), Vec::new());
        for (number, (place, summed)) in summing.enumerate() {
            places[place] = Some(number);
            if own {
                continue;
            }
            let (count_table, shown) = (&counts.tables()[place], counts.published_cells(place));
            let of_flag = earlier.flags.get(&(place, column.clone()));
            let of_flag = of_flag.map(|&flag| counts.published_cells(flag)).unwrap_or_default();
            let shown = sums::Shown::of(&shown).with_flag(&of_flag);
            let table = sums::table(definition, place, column, count_table, shown, summed)?;
            let threshold = definition.policy().threshold;
            let apart = published(earlier.apart, column);
            let (table, _) = differencing::suppress_differences(
                table,
                threshold,
                (threshold, Zeros::Published),
                apart,
            )?;
            tables.push(table);
            // A change by less than so much may be few children's.
            let most = summed.children.iter().filter_map(|of| of.largest.first()).max();
            let most = most.copied().unwrap_or_default().max(1);
            distances.push((most.saturating_mul(threshold), most));
        }
        let before = earlier.changed.iter().map(|entry| published(&[entry], column).collect());
        let changed = differencing::compare(&tables, &distances, Zeros::Published, before);
        let compared =
            tables.into_iter().zip(changed).map(|(table, of)| of.with_differences(table));
        let tables = compared.collect::<Result<Vec<_>, _>>()?;
        let published_tables = published_tables.get(column).into_iter().flatten().cloned();
        let overlap = earlier.overlap.and_then(|overlap| overlap.sums(column));
        let protected = protect_column(definition, tables, published_tables, overlap);
        let set = protected.map_err(|error| match error {
            AggregateError::Refused(why) => AggregateError::Refused(format!(
                "the sums of {column}: {why}; or leave that measure out"
            )),
            other => other,
        })?;
        releasable.of.insert(column.clone(), ProtectedColumn { places, set });
    }
    Ok(releasable)
}

/// The numbers that releases published of a column's sums.
fn published<'a>(
    entries: &[&'a Entry],
    column: &ColumnName,
) -> impl Iterator<Item = differencing::Before<'a>> {
    let tables = entries.iter().flat_map(|entry| &entry.tables);
    tables
        .filter_map(|table| Some((table.dimensions.as_slice(), table.sums.get(column)?.as_slice())))
}

fn protect_column(
    definition: &Definition,
    mut tables: Vec<CountTable>,
    published_tables: impl Iterator<Item = CountTable>,
    overlap: Option<&joint_attack::JointReleases>,
) -> Result<ReleasableSet, AggregateError> {
    if let Some(overlap) = overlap {
        overlap.force_shared(&mut tables)?;
    }
    tables.extend(published_tables);
    let set = protect(TableSet { tables, policy: sums::policy() }, definition.costs)?;
    if let Some(overlap) = overlap {
        overlap.verify(&set)?;
    }
    Ok(set)
}
