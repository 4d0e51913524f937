//! Sums are tables too: what is withheld of the counts is withheld of them, what a few contributors
//! dominate as well, and then as much more as hides both. Protected and attacked as the counts are.

use std::collections::BTreeMap;

use minster_attack::ReleasableSet;
use minster_disclosure::SumRules;
use minster_model::{
    ColumnName,
    cube::{CountTable, Guarded, Policy, TableSet, Zeros},
};

use crate::{
    AggregateError, Definition, Measure, Table, beside,
    contributions::{Measured, Summed},
    definition::Kind,
    differences,
    entry::Entry,
    populations::Related,
    protect,
};

/// Sums that withstood the attack, by the column that is summed.
#[derive(Debug, Clone, Default)]
pub struct ReleasableSums {
    of: BTreeMap<ColumnName, Column>,
}

#[derive(Debug, Clone)]
struct Column {
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

/// The policy that sums are published under: none is small by itself, and a zero is a zero unless it is
/// needed as cover.
pub(crate) fn policy() -> Policy {
    Policy::new(1, Zeros::MayBeWithheld)
}

/// Earlier releases that sums are compared with.
#[derive(Default)]
pub(crate) struct Beside<'a> {
    /// About other children, number by number.
    pub(crate) apart: &'a [&'a Entry],
    /// About the same children, of which the data have changed since.
    pub(crate) changed: &'a [&'a Entry],
    /// About other children, attacked together with it.
    pub(crate) related: Option<&'a Related<'a>>,
}

/// Protects the sums of every column that the definition's tables measure.
///
/// `standing` holds the tables of sums that were published before, by column: of this very definition
/// where `own` says so, first and in its order.
pub(crate) fn protect_sums(
    definition: &Definition,
    counts: &ReleasableSet,
    measured: &[Measured],
    standing: &BTreeMap<ColumnName, Vec<CountTable>>,
    beside: &Beside<'_>,
    own: bool,
) -> Result<ReleasableSums, AggregateError> {
    let mut columns: Vec<&ColumnName> = measured.iter().flat_map(|m| m.sums.keys()).collect();
    columns.sort_unstable();
    columns.dedup();
    let mut sums = ReleasableSums::default();
    for column in columns {
        let summing = measured.iter().enumerate();
        let summing = summing.filter_map(|(place, of)| Some((place, of.sums.get(column)?)));
        let mut places = vec![None; measured.len()];
        let (mut tables, mut rooms) = (Vec::new(), Vec::new());
        for (number, (place, summed)) in summing.enumerate() {
            places[place] = Some(number);
            if own {
                continue;
            }
            let (cube, shown) = (&counts.tables()[place], counts.published_cells(place));
            let table = table(definition, place, column, cube, &shown, summed)?;
            let threshold = definition.policy().threshold;
            let apart = published(beside.apart, column);
            let (table, _) =
                differences::guard(table, threshold, (threshold, Zeros::Published), apart)?;
            tables.push(table);
            // A change by less than so much may be few children's.
            let most = summed.children.iter().filter_map(|of| of.largest.first()).max();
            let most = most.copied().unwrap_or_default().max(1);
            rooms.push((most.saturating_mul(threshold), most));
        }
        let before = beside.changed.iter().map(|entry| published(&[entry], column).collect());
        let changed = differences::beside(&tables, &rooms, Zeros::Published, before);
        let guarded = tables.into_iter().zip(changed).map(|(table, of)| of.guarding(table));
        let tables = guarded.collect::<Result<Vec<_>, _>>()?;
        let standing = standing.get(column).into_iter().flatten().cloned();
        let related = beside.related.and_then(|related| related.sums(column));
        let protected = protect_column(definition, tables, standing, related);
        let set = protected.map_err(|error| match error {
            AggregateError::Refused(why) => AggregateError::Refused(format!(
                "the sums of {column}: {why}; or leave that measure out"
            )),
            other => other,
        })?;
        sums.of.insert(column.clone(), Column { places, set });
    }
    Ok(sums)
}

/// What releases published of a column's sums.
fn published<'a>(
    entries: &[&'a Entry],
    column: &ColumnName,
) -> impl Iterator<Item = differences::Before<'a>> {
    let tables = entries.iter().flat_map(|entry| &entry.tables);
    tables
        .filter_map(|table| Some((table.dimensions.as_slice(), table.sums.get(column)?.as_slice())))
}

fn protect_column(
    definition: &Definition,
    mut tables: Vec<CountTable>,
    standing: impl Iterator<Item = CountTable>,
    related: Option<&beside::Beside>,
) -> Result<ReleasableSet, AggregateError> {
    if let Some(related) = related {
        related.keeping(&mut tables)?;
    }
    tables.extend(standing);
    let set = protect(TableSet { tables, policy: policy() }, definition.prices)?;
    if let Some(related) = related {
        related.verify(&set)?;
    }
    Ok(set)
}

/// One table of sums, with what must be withheld of it for its own sake, given what is shown of the counts.
pub(crate) fn table(
    definition: &Definition,
    place: usize,
    column: &ColumnName,
    count: &CountTable,
    shown: &[Option<u64>],
    summed: &Summed,
) -> Result<CountTable, AggregateError> {
    let is_of_events = counts_events(&definition.tables[place], column);
    let room = |cell: usize| {
        let withheld = shown[cell].is_none().then_some(1);
        room(definition, is_of_events, summed, cell).max(withheld)
    };
    // Where a published count says that nobody is, here or further up, the sum is known to be nothing.
    let mut kept = Vec::new();
    count.add_up(|_, cells| {
        if cells.iter().any(|&cell| shown[cell] == Some(0)) {
            kept.push(cells[0]);
        }
    });
    let guarded = (0..shown.len())
        .filter(|cell| shown[*cell] != Some(0) && kept.binary_search(cell).is_err())
        .filter_map(|cell| Some(Guarded { cell, down: room(cell)?, up: room(cell)? }));
    let name = format!("{} ({column})", count.name());
    let table = CountTable::new(name, count.dimensions().to_vec(), summed.inner.clone(), vec![])?;
    Ok(table.guarding(guarded.collect())?.keeping(kept)?)
}

/// The sums of a column over the children of several releases, of which no number that is unsafe may follow.
pub(crate) fn of_others(
    definition: &Definition,
    column: &ColumnName,
    count: &CountTable,
    summed: &Summed,
) -> Result<CountTable, AggregateError> {
    let is_of_events = definition.tables.iter().any(|table| counts_events(table, column));
    let guarded = (0..summed.children.len()).filter_map(|cell| {
        let room = room(definition, is_of_events, summed, cell)?;
        Some(Guarded { cell, down: room, up: room })
    });
    let dimensions = count.dimensions().to_vec();
    let table = CountTable::new(count.name(), dimensions, summed.inner.clone(), vec![])?;
    Ok(table.guarding(guarded.collect())?)
}

fn counts_events(table: &Table, column: &ColumnName) -> bool {
    let mut kinds = table.measures.iter().map(Measure::kind);
    kinds.any(|kind| matches!(kind, Kind::Sum { of, events: true } if of == column))
}

/// How unsure of a cell's sum everyone must be, by the rules for sums; none where it is safe.
fn room(definition: &Definition, is_of_events: bool, summed: &Summed, cell: usize) -> Option<u64> {
    let rules = definition.sum_rules();
    let children = rules.room(&summed.children[cell]);
    let holders = definition.holder.as_ref().zip(summed.holders.as_ref());
    let holders = holders.and_then(|(holder, holders)| {
        SumRules { contributors: Some(holder.minimum), ..rules }.room(&holders[cell])
    });
    let (total, threshold) = (summed.children[cell].total, definition.policy().threshold);
    let few_events = is_of_events && (1..threshold).contains(&total);
    [children, holders, few_events.then_some(threshold)].into_iter().flatten().max()
}
