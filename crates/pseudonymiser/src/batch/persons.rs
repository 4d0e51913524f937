//! The persons of a batch's rows: those whose records were disposed of stay out, and what the rows say of the others is told for the
//! retention schedule.

use minster_model::Kind;
use minster_sources::{Reason, parse_date};

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

    /// The facts of persons that the accepted rows tell, and a count of those that could not be told. Identifiers' tokens are still to be put in their places.
    pub(crate) fn facts<'b>(&'b self, of: &'b PlannedFacts) -> (Vec<RowFacts<'b>>, Untold) {
        let (mut all, mut untold) = (Vec::new(), Untold::default());
        for (place, row) in self.accepted.iter().enumerate() {
            let row = *row as usize;
            if let Some((column, one_of)) = &of.condition {
                let text = self.text(row, *column);
                if !one_of.contains(&text.to_uppercase()) {
                    continue;
                }
            }
            let own: Vec<_> =
                of.own.iter().filter_map(|column| self.number(row, *column)).collect();
            if own.is_empty() {
                untold.evidence += u64::from(of.category.is_some());
                continue;
            }
            let plan = self.treated.plan;
            let others = (0..plan.columns.len()).filter(|column| !of.own.contains(column));
            let others = others.filter_map(|column| self.number(row, column));
            let others = others.filter(|(kind, _)| !plan.is_own(kind));
            let keys = plan.keys.iter().zip(&self.keys).filter_map(|(key, cells)| {
                Some((&key.kind, cells.cells[cells.codes[place] as usize].identifier()?))
            });
            let (mut dates, mut open) = (Vec::new(), Vec::new());
            for (event, column) in &of.dates {
                let text = self.text(row, *column);
                match parse_date(text, &plan.dates) {
                    Ok(date) if !text.is_empty() => dates.push((*event, date)),
                    _ => {
                        untold.dates += u64::from(!text.is_empty());
                        // As far as anybody can say, the case in the row has not ended.
                        if of.category.is_some() && event.may_be_open() {
                            open.push((*event, plan.first_day));
                        }
                    }
                }
            }
            let (beside, category) = (others.chain(keys).collect(), of.category.as_ref());
            all.push(RowFacts { own, beside, category, dates, open });
        }
        (all, untold)
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
