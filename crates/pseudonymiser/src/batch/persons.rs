//! The persons of a batch's rows: those whose records were disposed of stay out, and what the rows say of the others is told for the
//! retention schedule.

use minster_sources::parse_date;

use super::{Cell, ColumnCells, TriagedBatch};
use crate::{
    facts::{PlannedFacts, RowFacts, Untold},
    tokens::TokenTable,
};

impl TriagedBatch<'_> {
    /// Takes the rows out that name a person whose records were disposed of, and those that only hang on such a row: they have nobody's
    /// own number, and the number of a row or case that stood in one, or its XML unit.
    pub(crate) fn block(&mut self, tokens: &mut TokenTable) {
        if !tokens.blocks_some() {
            return;
        }
        let plan = self.treated.plan;
        let mut is_blocked = vec![false; self.accepted.len()];
        let mut has_own = vec![false; self.accepted.len()];
        let mut hangs = vec![false; self.accepted.len()];
        for (planned, cells) in plan.columns.iter().zip(&self.treated.columns) {
            let (Some(kind), Some(cells)) = (planned.kind(), cells) else { continue };
            let look = |of: &dyn Fn(&[u8]) -> bool| -> Vec<bool> {
                let of_cell = |cell: &Cell<'_>| cell.identifier().is_some_and(of);
                cells
                    .cells
                    .iter()
                    .map(|cell| cell.as_ref().is_ok_and(|it| of_cell(&it.cell)))
                    .collect()
            };
            let (blocked, known) = (look(&|id| tokens.is_blocked(kind, id)), look(&|_| true));
            let beside = look(&|id| tokens.is_beside_blocked(kind, id));
            let is_own = plan.is_own(kind);
            for (place, row) in self.accepted.iter().enumerate() {
                let code = cells.codes[*row as usize] as usize;
                is_blocked[place] |= blocked[code];
                has_own[place] |= is_own && known[code];
                hangs[place] |= beside[code];
            }
        }
        let units = plan.unit.map(|_| self.treated.batch.units());
        let unit = |row: u32| units.map(|units| units[row as usize]);
        for (place, row) in self.accepted.iter().enumerate() {
            if is_blocked[place] {
                self.note_beside(*row, tokens);
                tokens.note_unit(unit(*row));
            }
        }
        for (place, row) in self.accepted.iter().enumerate() {
            // A row with a match key is about a person of its own.
            let hangs = hangs[place] && plan.keys.is_empty();
            let of_unit = unit(*row).is_some_and(|unit| tokens.is_blocked_unit(unit));
            is_blocked[place] |= !has_own[place] && (hangs || of_unit);
        }
        if is_blocked.contains(&true) {
            self.take_out(&is_blocked);
        }
    }

    /// Notes the numbers of rows and cases that stand in a blocked row.
    fn note_beside(&self, row: u32, tokens: &mut TokenTable) {
        let plan = self.treated.plan;
        for (planned, cells) in plan.columns.iter().zip(&self.treated.columns) {
            let (Some(kind), Some(cells)) = (planned.kind(), cells) else { continue };
            let cell = cells.at(row as usize).as_ref().ok();
            if let Some(identifier) = cell.and_then(|cell| cell.cell.identifier())
                && !plan.is_own(kind)
            {
                tokens.note_beside(kind, identifier);
            }
        }
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
            let mut dates = Vec::new();
            for (event, column) in &of.dates {
                let text = self.text(row, *column);
                match parse_date(text, &plan.dates) {
                    _ if text.is_empty() => {}
                    Ok(date) => dates.push((*event, date)),
                    Err(_) => untold.dates += 1,
                }
            }
            let (beside, category) = (others.chain(keys).collect(), of.category.as_ref());
            all.push(RowFacts { own, beside, category, dates });
        }
        (all, untold)
    }

    fn number(&self, row: usize, column: usize) -> Option<(&minster_model::Kind, &[u8])> {
        let kind = self.treated.plan.columns[column].kind()?;
        let cells: &ColumnCells<'_> = self.treated.columns[column].as_ref()?;
        Some((kind, cells.at(row).as_ref().ok()?.cell.identifier()?))
    }

    /// A cell as the file has it; blank, where it means that.
    fn text(&self, row: usize, column: usize) -> &str {
        let text = std::str::from_utf8(self.treated.batch.field(row, column)).unwrap_or_default();
        self.treated.plan.bare(text)
    }
}
