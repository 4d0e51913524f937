//! The search for the rows of a dataset that leave, and for the cells that become blank.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use arrow::{
    array::{AsArray, RecordBatch},
    datatypes::UInt32Type,
};
use minster_model::{Kind, Pseudonym, TableName, UNIT};

use super::{Gone, numbers::Numbers};
use crate::{Dataset, HangingNumbers, Origin, StoreError, TableEntry};

/// The rows that leave a table.
#[derive(Debug, Clone, Default)]
pub(crate) struct OfTable {
    /// Rows, by their places.
    pub(super) rows: BTreeSet<u64>,
    /// Rows in which a column's cell becomes blank, by the column's name.
    pub(super) cells: BTreeMap<String, BTreeSet<u64>>,
}

impl OfTable {
    fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.cells.is_empty()
    }

    pub(crate) fn has(&self, row: u64) -> bool {
        self.rows.contains(&row) || self.cells.values().any(|cells| cells.contains(&row))
    }

    pub(crate) fn touches(&self, rows: &std::ops::Range<u64>) -> bool {
        let touches = |of: &BTreeSet<u64>| of.range(rows.clone()).next().is_some();
        touches(&self.rows) || self.cells.values().any(touches)
    }
}

/// The rows that leave each table.
pub(crate) type Leaving = BTreeMap<TableName, OfTable>;

/// The meaning of a column of sixteen bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Says {
    /// A person's own number.
    Own,
    /// A match key.
    Key,
    /// The number of a row or case.
    Beside,
    /// Nobody wrote it down.
    Unknown,
}

impl Says {
    fn of(kind: Option<&Kind>, own: &BTreeSet<Kind>) -> Self {
        match kind {
            None => Self::Unknown,
            Some(kind) if kind.is_match_key() => Self::Key,
            Some(kind) if own.contains(kind) => Self::Own,
            Some(_) => Self::Beside,
        }
    }
}

/// A row with nobody's own number.
struct Hanging {
    table: usize,
    row: u64,
    beside: Vec<Pseudonym>,
    unit: Option<u32>,
}

/// Finds the rows that leave.
#[derive(Default)]
struct Search {
    leaving: Vec<OfTable>,
    /// Whether the dataset is a delivery's, so that a row may be about several persons.
    of_delivery: bool,
    /// Whether a row has a number that leaves beside a value of which nobody wrote down what it is.
    is_unclear: bool,
    /// Numbers of rows and cases, and units, of rows that stay and that leave.
    numbers: HangingNumbers<Pseudonym>,
    hanging: Vec<Hanging>,
    /// Numbers of rows and cases in rows that name persons who leave, and others.
    shared: HashSet<Pseudonym>,
}

pub(super) fn leaving(old: &Dataset, gone: &Gone<'_>) -> Result<Leaving, StoreError> {
    rows_of(old, gone).map(|(leaving, _)| leaving)
}

/// The same, with how many rows hang on these and on rows of others.
pub(crate) fn rows_of(old: &Dataset, gone: &Gone<'_>) -> Result<(Leaving, u64), StoreError> {
    let tables = &old.manifest().tables;
    let mut search = Search {
        leaving: vec![OfTable::default(); tables.len()],
        of_delivery: matches!(old.manifest().origin, Origin::Delivery { .. }),
        ..Search::default()
    };
    for (place, table) in tables.iter().enumerate() {
        let wanted = |name: &str, data_type: &str| {
            data_type.starts_with("FixedSizeBinary") || (name == UNIT && data_type == "UInt32")
        };
        let columns = table.columns.iter().filter(|column| wanted(&column.name, &column.data_type));
        let names: Vec<&str> = columns.map(|column| column.name.as_str()).collect();
        if names.is_empty() {
            continue;
        }
        let mut groups = old.row_groups(&table.name, &names)?;
        let own = table
            .columns
            .iter()
            .find(|column| Says::of(column.kind.as_ref(), gone.own_kinds) == Says::Own);
        if let Some(own) = own {
            groups = groups.with_coded_numbers(&own.name)?;
        }
        let mut first = 0;
        for group in 0..groups.rows().len() {
            for batch in groups.read(group)? {
                let batch = batch?;
                search.look(place, first, table, &batch, gone);
                first += batch.num_rows() as u64;
            }
        }
    }
    if search.is_unclear {
        return Err(StoreError::UnknownKinds { dataset: old.manifest().dataset.clone() });
    }
    let on_both = search.settle();
    let named = tables.iter().map(|table| table.name.clone()).zip(search.leaving);
    Ok((named.filter(|(_, of)| !of.is_empty()).collect(), on_both))
}

impl Search {
    fn look(
        &mut self,
        place: usize,
        first: u64,
        table: &TableEntry,
        batch: &RecordBatch,
        gone: &Gone<'_>,
    ) {
        let schema = batch.schema();
        let kind = |name: &str| {
            let column = table.columns.iter().find(|column| column.name == name);
            column.and_then(|column| column.kind.as_ref())
        };
        let has_keys = table
            .columns
            .iter()
            .any(|column| Says::of(column.kind.as_ref(), gone.own_kinds) == Says::Key);
        let fields = schema.fields().iter().zip(batch.columns());
        let columns: Vec<_> = fields
            .clone()
            .filter_map(|(field, column)| {
                let says = Says::of(kind(field.name()), gone.own_kinds);
                let numbers = Numbers::of(column)?;
                let goes = numbers.rows_where(|one| gone.pseudonyms.contains(one));
                Some((field.name(), says, numbers, goes))
            })
            .collect();
        let has_beside = columns.iter().any(|(_, says, ..)| *says == Says::Beside);
        let units = fields.clone().find(|(field, _)| field.name() == UNIT);
        let units = units.and_then(|(_, column)| column.as_primitive_opt::<UInt32Type>());
        for row in 0..batch.num_rows() {
            let all = || {
                let there = columns.iter().filter(|(_, _, numbers, _)| !numbers.is_blank(row));
                there.map(|(name, says, numbers, goes)| (*name, *says, numbers, goes[row]))
            };
            let leaves = all().any(|(.., goes)| goes);
            // Most rows are about one person who stays, and nothing hangs on them.
            if !has_beside && !leaves && all().any(|(_, says, ..)| says == Says::Own) {
                continue;
            }
            let beside = || {
                let beside = all().filter(|(_, says, ..)| *says == Says::Beside);
                beside.filter_map(|(_, _, numbers, _)| numbers.at(row))
            };
            let unit = units.map(|units| units.value(row));
            let at = first + row as u64;
            let has_other = |of: Says| all().any(|(_, says, _, goes)| says == of && !goes);
            if leaves {
                if self.of_delivery && has_other(Says::Unknown) {
                    self.is_unclear = true;
                } else if has_other(Says::Own) {
                    // The row is another person's too.
                    for (name, ..) in all().filter(|(.., goes)| *goes) {
                        let of = self.leaving[place].cells.entry(name.clone()).or_default();
                        of.insert(at);
                    }
                    self.shared.extend(beside());
                    self.numbers.alive.extend(beside());
                } else {
                    self.leaving[place].rows.insert(at);
                    self.numbers.dead.extend(beside());
                    self.numbers.dead_units.extend(unit);
                }
            } else if all().any(|(_, says, ..)| matches!(says, Says::Own | Says::Unknown)) {
                self.numbers.alive.extend(beside());
            } else if has_keys && unit.is_none() {
                // A row with a match key is about a person of its own.
                self.numbers.alive.extend(beside());
            } else {
                // A unit is one person, whatever else its rows have.
                let beside = if has_keys { Vec::new() } else { beside().collect() };
                self.hanging.push(Hanging { table: place, row: at, beside, unit });
            }
        }
    }

    /// Finds out which hanging rows leave; gives how many hang on such a row, and on others.
    fn settle(&mut self) -> u64 {
        let mut on_both = 0;
        self.numbers.settle(self.hanging.iter().map(|of| (of.beside.as_slice(), of.unit)));
        for Hanging { table, row, beside, unit } in &self.hanging {
            if self.numbers.leaves(beside, *unit) {
                self.leaving[*table].rows.insert(*row);
            } else {
                let is_on =
                    |one: &Pseudonym| self.shared.contains(one) || self.numbers.dead.contains(one);
                on_both += u64::from(beside.iter().any(is_on));
            }
        }
        on_both
    }
}
