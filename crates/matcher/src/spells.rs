//! Summaries of spells: rows with a first and a last day, as placements and plans are. The longest spell of a child, and the
//! value of the one that is open on a day.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, Int64Array, RecordBatch},
    datatypes::DataType,
};
use minster_model::{ColumnName, Day, coarse};
use serde::Deserialize;

use crate::{
    MatchError,
    definition::Blank,
    summary::SummarisedRow,
    values::{NumericColumn, OneType, TextCodes},
};

/// A summary that keeps more of a child than one number.
pub(crate) trait Gather: Send {
    /// Takes rows of a batch.
    fn add(
        &mut self,
        batch: &RecordBatch,
        delivery: u32,
        rows: &mut dyn Iterator<Item = SummarisedRow>,
    ) -> Result<(), MatchError>;

    /// Notes on the rows for the reader of the report: counts and words, no value.
    fn notes(&self) -> Vec<String> {
        Vec::new()
    }

    /// One value a child.
    fn finish(self: Box<Self>) -> Result<ArrayRef, MatchError>;
}

/// Whether the day in the column of the end belongs to the spell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EndDay {
    /// It is the spell's last day.
    #[default]
    Included,
    /// It is the first day without the spell, as a condition's `open_on` takes it: a placement that ends on the day on which
    /// the next one begins.
    Excluded,
}

/// Days in a column, as days since 1970.
pub(crate) fn days(batch: &RecordBatch, name: &ColumnName) -> Result<NumericColumn, MatchError> {
    match batch.column_by_name(name.as_str()) {
        Some(column) if *column.data_type() != DataType::Date32 => {
            Err(MatchError::WrongType { column: name.clone(), expected: "days" })
        }
        _ => NumericColumn::whole(batch, name),
    }
}

/// The longest spell of each child.
pub(crate) struct Longest {
    from: ColumnName,
    end: ColumnName,
    open_until: Option<Day>,
    end_day: EndDay,
    joined: bool,
    /// Child, first day, first day without. Unless spells are joined, each child's longest alone.
    spells: Vec<(u32, i64, i64)>,
    longest: Vec<i64>,
    left: SkippedRows,
}

/// Rows that are no spells.
#[derive(Default)]
struct SkippedRows {
    without_start: u64,
    open: u64,
    not_begun: u64,
    backwards: u64,
}

/// A child without a spell.
const NO_SPELL: i64 = -1;

impl Longest {
    pub(crate) fn new(
        (from, end): (ColumnName, ColumnName),
        open_until: Option<Day>,
        (end_day, joined): (EndDay, bool),
        children: usize,
    ) -> Self {
        let (spells, longest) = (Vec::new(), vec![NO_SPELL; children]);
        Self {
            from,
            end,
            open_until,
            end_day,
            joined,
            spells,
            longest,
            left: SkippedRows::default(),
        }
    }

    /// A row's first day and its first day without; nothing where it is no spell, which is counted.
    fn spell(&mut self, start: Option<i64>, end: Option<i64>) -> Option<(i64, i64)> {
        let Some(start) = start else {
            self.left.without_start += 1;
            return None;
        };
        let (end, counter) = match (end, self.open_until) {
            (Some(end), _) => (end, &mut self.left.backwards),
            (None, Some(Day(day))) => (i64::from(day), &mut self.left.not_begun),
            (None, None) => {
                self.left.open += 1;
                return None;
            }
        };
        if end < start {
            *counter += 1;
            return None;
        }
        Some((start, end + i64::from(self.end_day == EndDay::Included)))
    }
}

impl Gather for Longest {
    fn add(
        &mut self,
        batch: &RecordBatch,
        _: u32,
        rows: &mut dyn Iterator<Item = SummarisedRow>,
    ) -> Result<(), MatchError> {
        let (from, end) = (days(batch, &self.from)?, days(batch, &self.end)?);
        for SummarisedRow { row, child, .. } in rows {
            let Some((start, end)) = self.spell(from.at(row as usize), end.at(row as usize)) else {
                continue;
            };
            match self.joined {
                true => self.spells.push((child, start, end)),
                false => {
                    let longest = &mut self.longest[child as usize];
                    *longest = (*longest).max(end - start);
                }
            }
        }
        Ok(())
    }

    fn notes(&self) -> Vec<String> {
        let SkippedRows { without_start, open, not_begun, backwards } = self.left;
        [
            (without_start, "have no first day"),
            (open, "have no last day, and `open_until` names no day for such ones"),
            (not_begun, "have no last day and begin after `open_until`"),
            (backwards, "end before they begin"),
        ]
        .into_iter()
        .filter(|(rows, _)| *rows > 0)
        .map(|(rows, why)| format!("about {} rows {why}; they are no spells", coarse(rows)))
        .collect()
    }

    fn finish(mut self: Box<Self>) -> Result<ArrayRef, MatchError> {
        self.spells.sort_unstable();
        // Spells of a child in the order of their starts: one that begins where another ends, or before, goes on with it.
        let mut now: Option<(u32, i64, i64)> = None;
        for (child, start, end) in self.spells {
            let goes_on = now.filter(|(of, _, until)| *of == child && start <= *until);
            let (first, last) =
                goes_on.map_or((start, end), |(_, first, last)| (first, last.max(end)));
            now = Some((child, first, last));
            let longest = &mut self.longest[child as usize];
            *longest = (*longest).max(last - first);
        }
        let known = |days: &i64| (*days != NO_SPELL).then_some(*days);
        Ok(Arc::new(self.longest.iter().map(known).collect::<Int64Array>()))
    }
}

/// The value of the row that is open on a day.
pub(crate) struct AsAt {
    of: ColumnName,
    from: ColumnName,
    end: ColumnName,
    /// None where the period has no such day: then no row is open.
    on: Option<Day>,
    end_day: EndDay,
    blank: Blank,
    open: Vec<Option<OpenSpell>>,
    words: TextCodes,
    kind: OneType,
}

/// An open row, by what decides which one counts: the later start, then the later end, then the later delivery, then the
/// row of the preferred person; of equal ones the first that was read.
#[derive(Clone, Copy)]
struct OpenSpell {
    order: (i64, i64, u32, bool),
    value: Option<i64>,
}

impl AsAt {
    pub(crate) fn new(
        of: ColumnName,
        (from, end): (ColumnName, ColumnName),
        (on, end_day): (Option<Day>, EndDay),
        blank: Blank,
        children: usize,
    ) -> Self {
        let (open, words, kind) = (vec![None; children], TextCodes::default(), OneType::default());
        Self { of, from, end, on, end_day, blank, open, words, kind }
    }
}

impl Gather for AsAt {
    fn add(
        &mut self,
        batch: &RecordBatch,
        delivery: u32,
        rows: &mut dyn Iterator<Item = SummarisedRow>,
    ) -> Result<(), MatchError> {
        let Some(Day(on)) = self.on else { return Ok(()) };
        // A delivery without the column says nothing.
        if !self.kind.is_that_of(batch, &self.of)? {
            return Ok(());
        }
        let on = i64::from(on);
        let values = NumericColumn::of(batch, &self.of, &mut self.words)?;
        let (from, end) = (days(batch, &self.from)?, days(batch, &self.end)?);
        for SummarisedRow { row, child, preferred } in rows {
            let Some(start) = from.at(row as usize).filter(|start| *start <= on) else { continue };
            let end = end.at(row as usize).unwrap_or(i64::MAX);
            let is_over = match self.end_day {
                EndDay::Included => end < on,
                EndDay::Excluded => end <= on,
            };
            let value = values.at(row as usize);
            if is_over || value.is_none() && self.blank == Blank::SaysNothing {
                continue;
            }
            let order = (start, end, delivery, preferred);
            let known = &mut self.open[child as usize];
            if known.is_none_or(|known| order > known.order) {
                *known = Some(OpenSpell { order, value });
            }
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<ArrayRef, MatchError> {
        self.words.column(self.open.iter().map(|open| open.and_then(|open| open.value)))
    }
}

#[cfg(test)]
pub(crate) mod tests;
