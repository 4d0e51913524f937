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
    protect::{additions, protect_counts::protect, sums},
    refusal::ReleaseRefusal,
    tabulate::{additive::Dependence, contributions::Measured, ties::Ties},
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

    /// Without the columns that a definition's sums are made of and that it does not show.
    pub(crate) fn shown(mut self, definition: &Definition) -> Self {
        let shown: Vec<&ColumnName> = definition.summed_columns().collect();
        self.of.retain(|column, _| shown.contains(&column));
        self
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

/// A column that a definition sums, and its tables before they are protected.
pub(crate) struct Column<'a> {
    pub(crate) name: &'a ColumnName,
    /// For each table of the definition its place among the column's own, if the column is summed there.
    pub(crate) places: Vec<Option<usize>>,
    /// Its own tables; none where what is protected was published before.
    pub(crate) tables: Vec<CountTable>,
}

/// How the columns are tied to others, and which follow from each other.
pub(crate) struct Known<'a> {
    pub(crate) ties: &'a Ties,
    pub(crate) dependences: &'a [Dependence],
}

/// Protects the sums of every column that the definition's tables measure.
///
/// `published_tables` holds the tables of sums that were published before, by column: of this very definition
/// where nothing is `known`, first and in its order.
pub(crate) fn protect_sums(
    definition: &Definition,
    counts: &ReleasableSet,
    measured: &[Measured],
    published_tables: &BTreeMap<ColumnName, Vec<CountTable>>,
    earlier: &EarlierReleases<'_>,
    known: Option<Known<'_>>,
) -> Result<ReleasableSums, AggregateError> {
    let mut names: Vec<&ColumnName> = measured.iter().flat_map(|m| m.sums.keys()).collect();
    names.sort_unstable();
    names.dedup();
    let columns = names.into_iter().map(|name| {
        let new = known.as_ref().map(|known| known.ties);
        column(definition, counts, measured, earlier, (name, new))
    });
    let columns = columns.collect::<Result<Vec<_>, _>>()?;
    let dependences = known.as_ref().map_or(&[][..], |known| known.dependences);
    additions::check(&columns, published_tables, dependences)?;
    let protect = |column: &Column<'_>, tables: Vec<CountTable>| {
        let before = published_tables.get(column.name).into_iter().flatten().cloned();
        let before = before.map(|table| match &known {
            Some(known) => known.ties.link(table),
            None => Ok(table),
        });
        let overlap = earlier.overlap.and_then(|overlap| overlap.sums(column.name));
        let set = before
            .collect::<Result<Vec<_>, _>>()
            .and_then(|before| protect_column(definition, tables, before, overlap));
        set.map_err(|error| match error {
            AggregateError::Refused(why) => {
                ReleaseRefusal::Sums { column: column.name.clone(), why }.into()
            }
            other => other,
        })
    };
    let mut releasable = ReleasableSums::default();
    for family in additions::families(columns, dependences) {
        let sets = match &family[..] {
            [column] => vec![protect(column, column.tables.clone())?],
            family => additions::protect(family, dependences, protect)?,
        };
        for (Column { name, places, .. }, set) in family.into_iter().zip(sets) {
            releasable.of.insert(name.clone(), ProtectedColumn { places, set });
        }
    }
    Ok(releasable)
}

/// A column's tables, with what must be withheld of them for their own sake and for that of earlier releases.
fn column<'a>(
    definition: &Definition,
    counts: &ReleasableSet,
    measured: &[Measured],
    earlier: &EarlierReleases<'_>,
    (name, new): (&'a ColumnName, Option<&Ties>),
) -> Result<Column<'a>, AggregateError> {
    let summing = measured.iter().enumerate();
    let summing = summing.filter_map(|(place, of)| Some((place, of.sums.get(name)?)));
    let mut places = vec![None; measured.len()];
    let (mut tables, mut distances) = (Vec::new(), Vec::new());
    for (number, (place, summed)) in summing.enumerate() {
        places[place] = Some(number);
        let Some(ties) = new else { continue };
        let (count_table, shown) = (&counts.tables()[place], counts.published_cells(place));
        let of_flag = earlier.flags.get(&(place, name.clone()));
        let of_flag = of_flag.map(|&flag| counts.published_cells(flag)).unwrap_or_default();
        let shown = sums::Shown::of(&shown).with_flag(&of_flag);
        let table = sums::table(definition, place, name, count_table, shown, summed)?;
        let threshold = definition.policy().threshold;
        let (table, _) = differencing::suppress_differences(
            table,
            threshold,
            (threshold, Zeros::Published),
            published(earlier.apart, name),
        )?;
        tables.push(ties.link(table)?);
        // A change by less than so much may be few children's.
        let most = summed.children.iter().filter_map(|of| of.largest.first()).max();
        let most = most.copied().unwrap_or_default().max(1);
        distances.push((most.saturating_mul(threshold), most));
    }
    let before = earlier.changed.iter().map(|entry| published(&[entry], name).collect());
    let changed = differencing::compare(&tables, &distances, Zeros::Published, before);
    let compared = tables.into_iter().zip(changed).map(|(table, of)| of.with_differences(table));
    Ok(Column { name, places, tables: compared.collect::<Result<_, _>>()? })
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
    published_tables: Vec<CountTable>,
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
