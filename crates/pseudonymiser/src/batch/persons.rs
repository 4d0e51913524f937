//! The persons of a batch's rows: those whose records were disposed of stay out, and what the rows say of the others is told for the
//! retention schedule.

#[cfg(test)]
mod tests;

use minster_model::Kind;
use minster_sources::{Reason, parse_date};
use minster_vault_api::{Token, ToldDate, VaultError};

use super::{Cell, ColumnCells, TriagedBatch};
use crate::{
    cells::Note,
    facts::{PlannedFacts, RowFacts, Untold},
    hanging::Row,
    tokens::TokenTable,
    treatment::TreatedCell,
};

impl TriagedBatch<'_> {
    /// Takes the rows out whose persons' records were all disposed of, and those that only hang on such rows: they have nobody's own number.
    /// In a row that is about another person too, the number becomes blank.
    pub(crate) fn block(&mut self, tokens: &mut TokenTable) {
        if !tokens.blocks_some() {
            return;
        }
        let plan = self.treated.plan;
        let mut is_blocked = vec![false; self.accepted.len()];
        // Own numbers of persons whose records stand.
        let mut has_other = vec![false; self.accepted.len()];
        for (planned, cells) in plan.columns.iter().zip(&self.treated.columns) {
            let (Some(kind), Some(cells)) = (planned.kind(), cells) else { continue };
            let blocks = |cell: &Cell<'_>| {
                cell.identifier().is_some_and(|identifier| tokens.is_blocked(kind, identifier))
            };
            // A repaired number is a token already.
            let look = |of: &dyn Fn(&Cell<'_>) -> bool| -> Vec<bool> {
                let of_cell = |cell: &Result<TreatedCell<'_>, Reason>| {
                    cell.as_ref().is_ok_and(|treated| of(&treated.cell))
                };
                cells.cells.iter().map(of_cell).collect()
            };
            let blocked = look(&blocks);
            let is_own = plan.is_own(kind);
            let other = look(&|cell| is_own && !matches!(cell, Cell::Null) && !blocks(cell));
            for (place, row) in self.accepted.iter().enumerate() {
                let code = cells.codes[*row as usize] as usize;
                is_blocked[place] |= blocked[code];
                has_other[place] |= other[code];
            }
        }
        let units = plan.unit.map(|_| self.treated.batch.units());
        let unit = |row: u32| units.map(|units| units[row as usize]);
        for (place, row) in self.accepted.iter().enumerate() {
            let unit = unit(*row);
            let is = match (is_blocked[place], has_other[place]) {
                (_, true) => Row::Stays,
                (true, false) => Row::Leaves,
                // A row with a match key is about a person of its own.
                (false, false) if !plan.keys.is_empty() && unit.is_none() => Row::Stays,
                (false, false) => Row::Hangs,
            };
            // A unit is one person, whatever else its rows have.
            let has_beside = is != Row::Hangs || plan.keys.is_empty();
            let beside = self.beside(*row).filter(|_| has_beside);
            is_blocked[place] = tokens.hanging.blocks(is, beside, unit);
        }
        let is_blank_now = self.blank(tokens);
        if is_blocked.contains(&true) {
            self.take_out(&is_blocked);
        } else if is_blank_now {
            self.tally = self.treated.tally(&self.accepted);
        }
    }

    /// The numbers of rows and cases in a row.
    fn beside(&self, row: u32) -> impl Iterator<Item = (&Kind, &[u8])> {
        let columns = 0..self.treated.plan.columns.len();
        let numbers = columns.filter_map(move |column| self.number(row as usize, column));
        numbers.filter(|(kind, _)| !self.treated.plan.is_own(kind))
    }

    /// Takes the numbers of persons whose records were disposed of out of their cells. Says whether there was one.
    fn blank(&mut self, tokens: &TokenTable) -> bool {
        let mut is_one = false;
        for (planned, cells) in self.treated.plan.columns.iter().zip(&mut self.treated.columns) {
            let (Some(kind), Some(cells)) = (planned.kind(), cells) else { continue };
            for treated in cells.cells.iter_mut().flatten() {
                let identifier = treated.cell.identifier();
                if identifier.is_some_and(|identifier| tokens.is_blocked(kind, identifier)) {
                    (treated.cell, treated.note) = (Cell::Null, Some(Note::Disposed));
                    is_one = true;
                }
            }
        }
        is_one
    }

    fn take_out(&mut self, is_blocked: &[bool]) {
        let before = self.accepted.len();
        let mut stays = is_blocked.iter().map(|blocked| !blocked);
        self.accepted.retain(|_| stays.next().unwrap_or(true));
        for key in &mut self.keys {
            let mut stays = is_blocked.iter().map(|blocked| !blocked);
            key.codes.retain(|_| stays.next().unwrap_or(true));
            let mut used = vec![false; key.cells.len()];
            key.codes.iter().for_each(|code| used[*code as usize] = true);
            for (cell, used) in key.cells.iter_mut().zip(used) {
                if !used {
                    *cell = Cell::Null;
                }
            }
        }
        self.counts.accepted = self.accepted.len() as u64;
        self.counts.blocked += (before - self.accepted.len()) as u64;
        self.tally = self.treated.tally(&self.accepted);
        self.forget_unused();
    }

    /// Hands on the facts of persons that the accepted rows tell, once tokens stand in the places of identifiers; counts those that
    /// could not be told. A number that was repaired, or that means another child, tells nothing.
    pub(crate) fn facts<'b>(
        &'b self,
        of: &'b PlannedFacts,
        mut take: impl FnMut(&RowFacts<'b>) -> Result<(), VaultError>,
    ) -> Result<Untold, VaultError> {
        let (plan, mut untold) = (self.treated.plan, Untold::default());
        let numbers = |column: usize| self.treated.columns[column].as_ref();
        let own: Vec<_> = of.own.iter().filter_map(|column| numbers(*column)).collect();
        let is_beside = |column: &usize| {
            !of.own.contains(column)
                && plan.columns[*column].kind().is_some_and(|kind| !plan.is_own(kind))
        };
        let beside: Vec<_> =
            (0..plan.columns.len()).filter(is_beside).filter_map(numbers).collect();
        let condition = of.condition.as_ref();
        let mut counts = condition.map(|(column, one_of)| {
            (PerCell::of(self, *column), move |text: &str| one_of.contains(&text.to_uppercase()))
        });
        let mut dates: Vec<_> =
            of.dates.iter().map(|(event, column)| (*event, PerCell::of(self, *column))).collect();
        let date = |text: &str| match parse_date(text, &plan.dates) {
            Ok(date) if !text.is_empty() => Ok(date),
            _ => Err(text.is_empty()),
        };
        let mut facts = RowFacts { category: of.category.as_ref(), ..RowFacts::default() };
        for (place, row) in self.accepted.iter().enumerate() {
            let row = *row as usize;
            if let Some((cells, counts)) = &mut counts
                && !cells.at(row, &*counts)
            {
                continue;
            }
            facts.own.clear();
            facts.own.extend(own.iter().filter_map(|cells| cells.asked(row)));
            if facts.own.is_empty() {
                untold.evidence += u64::from(of.category.is_some());
                continue;
            }
            facts.beside.clear();
            facts.beside.extend(beside.iter().filter_map(|cells| cells.asked(row)));
            let keys =
                self.keys.iter().filter_map(|key| match &key.cells[key.codes[place] as usize] {
                    Cell::Token(token) => Some(*token),
                    _ => None,
                });
            facts.beside.extend(keys);
            facts.dates.clear();
            for (event, cells) in &mut dates {
                match cells.at(row, date) {
                    Ok(date) => facts.dates.push((*event, ToldDate::On(date))),
                    Err(is_blank) => {
                        untold.dates += u64::from(!is_blank);
                        // As far as anybody can say, the case in the row has not ended.
                        if of.category.is_some() && event.may_be_open() {
                            facts.dates.push((*event, ToldDate::Open));
                        }
                    }
                }
            }
            take(&facts)?;
        }
        Ok(untold)
    }

    fn number(&self, row: usize, column: usize) -> Option<(&Kind, &[u8])> {
        let kind = self.treated.plan.columns[column].kind()?;
        let cells: &ColumnCells<'_> = self.treated.columns[column].as_ref()?;
        Some((kind, cells.at(row).as_ref().ok()?.cell.identifier()?))
    }

    /// A cell as the file has it; blank, where it means that.
    fn text(&self, row: usize, column: usize) -> &str {
        self.treated.plan.bare(self.treated.text(row, column))
    }
}

impl ColumnCells<'_> {
    /// The token of a row's number, where the vault was asked for it.
    fn asked(&self, row: usize) -> Option<Token> {
        match self.at(row) {
            Ok(TreatedCell { asked: true, cell: Cell::Token(token), .. }) => Some(*token),
            _ => None,
        }
    }
}

/// Reads a column's different texts once each, as far as they are known to be the same.
struct PerCell<'b, T> {
    batch: &'b TriagedBatch<'b>,
    column: usize,
    codes: Option<&'b [u32]>,
    read: Vec<Option<T>>,
}

impl<'b, T: Copy> PerCell<'b, T> {
    fn of(batch: &'b TriagedBatch<'b>, column: usize) -> Self {
        let cells = batch.treated.columns[column].as_ref();
        let read = vec![None; cells.map_or(0, |cells| cells.cells.len())];
        Self { batch, column, codes: cells.map(|cells| cells.codes.as_slice()), read }
    }

    fn at(&mut self, row: usize, read: impl Fn(&str) -> T) -> T {
        let text = || self.batch.text(row, self.column);
        match self.codes {
            // A cell that was corrected has a code of its own.
            Some(codes) => *self.read[codes[row] as usize].get_or_insert_with(|| read(text())),
            None => read(text()),
        }
    }
}
