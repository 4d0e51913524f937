//! Cells and numbers of a batch as custodians corrected them.

use std::collections::{BTreeSet, HashMap, HashSet};

use minster_sources::Part;

use super::{Cell, ParsedBatch};
use crate::{
    corrections::{GONE, Meant, PlannedValue, Said},
    slips::NumberAndBirthDate,
    treatment::TreatedCell,
};

impl<'a> ParsedBatch<'a> {
    /// Puts the right values in their places, as if the service had written them.
    pub(super) fn correct(&mut self) {
        let plan = self.plan;
        for value in &plan.corrections.values {
            for row in self.rows_of(value) {
                let delivered = plan.bare(self.text(row, value.column));
                let is = |text: &str| delivered == plan.bare(text);
                let said = match () {
                    () if is(&value.cell.old) => Said::Old,
                    () if is(&value.cell.new) => Said::Right,
                    () => Said::Third,
                };
                value.note(said);
                if said != Said::Old {
                    continue;
                }
                if let Some(column) = &mut self.columns[value.column] {
                    column.codes[row] = column.cells.len() as u32;
                    let planned = &plan.columns[value.column];
                    column.cells.push(plan.treat(planned, value.cell.new.as_bytes()));
                }
                self.corrected.insert((row, value.column), &value.cell.new);
            }
        }
    }

    /// The rows with a child's number that a correction is about.
    fn rows_of(&self, value: &PlannedValue) -> Vec<usize> {
        let mut rows = BTreeSet::new();
        for (planned, column) in self.plan.columns.iter().zip(&self.columns) {
            let (Some(column), true) = (column, planned.kind() == Some(&value.kind)) else {
                continue;
            };
            let is_it = |cell: &Cell<'_>| cell.identifier() == Some(&*value.number);
            let cells = column.cells.iter().enumerate();
            let codes: HashSet<u32> = cells
                .filter(|(_, cell)| cell.as_ref().is_ok_and(|cell| is_it(&cell.cell)))
                .map(|(code, _)| code as u32)
                .collect();
            if !codes.is_empty() {
                let all = 0..self.batch.len();
                rows.extend(all.filter(|row| codes.contains(&column.codes[*row])));
            }
        }
        let born = self.giving(Part::BirthDate);
        let chosen = |row: &usize| {
            let day = || born.and_then(|born| born.day(*row));
            if value.born.is_some() && day() != value.born.as_deref() {
                return false;
            }
            let texts = value.by.iter().zip(&value.cell.rows);
            texts.into_iter().all(|(column, (_, text))| {
                self.plan.bare(self.text(*row, *column)) == self.plan.bare(text)
            })
        };
        rows.into_iter().filter(chosen).collect()
    }

    /// A cell as the file has it.
    pub(super) fn text(&self, row: usize, column: usize) -> &str {
        match self.corrected.get(&(row, column)) {
            Some(text) => text,
            None => std::str::from_utf8(self.batch.field(row, column)).unwrap_or_default(),
        }
    }

    /// A column's numbers that mean another child beside a birth date, each with the birth date beside it.
    pub(crate) fn beside(&self, column: usize) -> BTreeSet<NumberAndBirthDate<'_>> {
        let kind = self.plan.columns[column].kind();
        let asked = kind.and_then(|kind| self.plan.corrections.beside.get(kind));
        let (Some(asked), Some(numbers), Some(born)) =
            (asked, &self.columns[column], self.giving(Part::BirthDate))
        else {
            return BTreeSet::new();
        };
        if !numbers.cells.iter().any(|cell| number(cell).is_some_and(|of| asked.contains(of))) {
            return BTreeSet::new();
        }
        let pair = |row: usize| {
            let number = number(numbers.at(row)).filter(|of| asked.contains(*of))?;
            Some((number, born.day(row)?))
        };
        (0..self.batch.len()).filter_map(pair).collect()
    }

    /// Puts the children whom numbers mean in their places.
    pub(crate) fn put_meant(
        &mut self,
        column: usize,
        meant: impl Fn(NumberAndBirthDate<'_>) -> Option<Meant>,
    ) {
        let Some(born) = self.giving(Part::BirthDate) else { return };
        let Some(numbers) = &self.columns[column] else { return };
        let (mut cells, mut codes) = (Vec::new(), Vec::new());
        let mut places: HashMap<(u32, u32), Option<u32>> = HashMap::new();
        for row in 0..self.batch.len() {
            let (Some(number), Some(day)) = (number(numbers.at(row)), born.day(row)) else {
                continue;
            };
            let pair = (numbers.codes[row], born.codes[row]);
            let place = *places.entry(pair).or_insert_with(|| {
                let cell = match meant((number, day))? {
                    Meant::Child(token) => Cell::Token(token),
                    Meant::Gone => Cell::Identifier(GONE.into()),
                };
                cells.push(Ok(TreatedCell::meant(cell)));
                Some((numbers.cells.len() + cells.len() - 1) as u32)
            });
            codes.extend(place.map(|place| (row, place)));
        }
        if let Some(numbers) = &mut self.columns[column] {
            numbers.cells.extend(cells);
            codes.into_iter().for_each(|(row, place)| numbers.codes[row] = place);
        }
    }
}

fn number<'b>(cell: &'b Result<TreatedCell<'_>, minster_sources::Reason>) -> Option<&'b [u8]> {
    cell.as_ref().ok()?.cell.identifier()
}
