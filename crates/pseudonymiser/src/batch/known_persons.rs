//! Whether a row says whose it is: by a number, or by a whole name.

use minster_sources::{Part, Reason};

use super::{ColumnCells, ParsedBatch};
use crate::treatment::{Cell, PlannedKey, TreatedCell};

/// The cells of a batch by which a row's person can be found. A table without identifiers needs none.
pub(super) struct KnownPersons<'a> {
    /// Each with its place in the table.
    identifiers: Vec<(usize, &'a ColumnCells<'a>)>,
    /// The columns of the parts, for each match key with a name in it.
    names: Vec<Vec<&'a ColumnCells<'a>>>,
}

impl<'a> KnownPersons<'a> {
    pub(super) fn of(treated: &'a ParsedBatch<'a>) -> Self {
        let ParsedBatch { plan, columns, .. } = treated;
        let identifiers = plan.columns.iter().zip(columns).enumerate();
        let identifiers = identifiers.filter(|(_, (planned, _))| planned.kind().is_some());
        let of_names = |key: &&PlannedKey| {
            key.parts.iter().any(|part| matches!(part, Part::Surname | Part::Forename))
        };
        let parts =
            |key: &PlannedKey| key.parts.iter().filter_map(|part| treated.giving(*part)).collect();
        Self {
            identifiers: identifiers
                .filter_map(|(place, (_, column))| Some((place, column.as_ref()?)))
                .collect(),
            names: plan.keys.iter().filter(of_names).map(parts).collect(),
        }
    }

    /// Whether every row has a number, as one look at the columns' different cells tells.
    pub(super) fn are_all(&self) -> bool {
        let is_full = |(_, column): &(usize, &ColumnCells<'_>)| !column.cells.iter().any(is_blank);
        self.identifiers.is_empty() || self.identifiers.iter().any(is_full)
    }

    fn has_number(&self, row: usize) -> bool {
        self.identifiers.is_empty()
            || self.identifiers.iter().any(|(_, column)| !is_blank(column.at(row)))
    }

    /// Whether a number stands in the row, be it a wrong one.
    pub(super) fn says_number(&self, row: usize) -> bool {
        self.has_number(row) || self.failed(row).next().is_some()
    }

    /// The row's numbers that failed and became blank.
    pub(super) fn failed(&self, row: usize) -> impl Iterator<Item = (usize, Reason)> {
        self.identifiers.iter().filter_map(move |(place, column)| {
            Some((*place, column.at(row).as_ref().ok()?.failed()?))
        })
    }

    pub(super) fn has_person(&self, row: usize) -> bool {
        let is_there = |column: &&ColumnCells<'_>| {
            column.at(row).as_ref().is_ok_and(|cell| cell.part.is_some())
        };
        self.has_number(row) || self.names.iter().any(|parts| parts.iter().all(is_there))
    }

    pub(super) fn first_place(&self) -> usize {
        self.identifiers.first().map_or(0, |(place, _)| *place)
    }
}

fn is_blank(cell: &Result<TreatedCell<'_>, Reason>) -> bool {
    cell.as_ref().is_ok_and(|cell| matches!(cell.cell, Cell::Null))
}
