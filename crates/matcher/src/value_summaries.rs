//! Summaries of several values of a child: how many different ones there are, the days between two dates, and the age on a
//! day.

use std::sync::Arc;

use ahash::{HashSet, HashSetExt};
use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use minster_model::{ColumnName, Day, coarse};
use serde::Deserialize;

use crate::{
    MatchError,
    spells::{Gather, days},
    summary::SummarisedRow,
    values::{NumericColumn, OneType, TextCodes},
};

/// One date of a child.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DateOf {
    /// The first in a column.
    First(ColumnName),
    /// The latest in a column.
    Latest(ColumnName),
}

impl DateOf {
    pub(crate) fn column(&self) -> &ColumnName {
        match self {
            Self::First(column) | Self::Latest(column) => column,
        }
    }
}

/// How many different values a child has; a blank is none.
pub(crate) struct Distinct {
    of: ColumnName,
    met: HashSet<(u32, i64)>,
    counts: Vec<i64>,
    words: TextCodes,
    kind: OneType,
}

impl Distinct {
    pub(crate) fn new(of: ColumnName, children: usize) -> Self {
        let (words, kind) = (TextCodes::default(), OneType::default());
        Self { of, met: HashSet::new(), counts: vec![0; children], words, kind }
    }
}

impl Gather for Distinct {
    fn add(
        &mut self,
        batch: &RecordBatch,
        _: u32,
        rows: &mut dyn Iterator<Item = SummarisedRow>,
    ) -> Result<(), MatchError> {
        if !self.kind.is_that_of(batch, &self.of)? {
            return Ok(());
        }
        let values = NumericColumn::of(batch, &self.of, &mut self.words)?;
        for SummarisedRow { row, child, .. } in rows {
            if let Some(value) = values.at(row as usize) {
                self.counts[child as usize] += i64::from(self.met.insert((child, value)));
            }
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<ArrayRef, MatchError> {
        Ok(Arc::new(Int64Array::from(self.counts)))
    }
}

/// The days from one date of a child to another.
pub(crate) struct DaysBetween {
    ends: [(DateOf, Vec<Option<i64>>); 2],
}

impl DaysBetween {
    pub(crate) fn new(from: DateOf, until: DateOf, children: usize) -> Self {
        Self { ends: [from, until].map(|date| (date, vec![None; children])) }
    }

    fn days(&self) -> impl Iterator<Item = Option<i64>> + '_ {
        let [(_, from), (_, until)] = &self.ends;
        from.iter().zip(until).map(|(from, until)| Some((*until)? - (*from)?))
    }
}

impl Gather for DaysBetween {
    fn add(
        &mut self,
        batch: &RecordBatch,
        _: u32,
        rows: &mut dyn Iterator<Item = SummarisedRow>,
    ) -> Result<(), MatchError> {
        let [from, until] = &mut self.ends;
        let (from_days, until_days) =
            (days(batch, from.0.column())?, days(batch, until.0.column())?);
        for SummarisedRow { row, child, .. } in rows {
            for ((date, known), found) in [
                (&mut *from, from_days.at(row as usize)),
                (&mut *until, until_days.at(row as usize)),
            ] {
                let known = &mut known[child as usize];
                *known = match (date, *known, found) {
                    (_, known, None) => known,
                    (_, None, found) => found,
                    (DateOf::First(_), Some(known), Some(found)) => Some(known.min(found)),
                    (DateOf::Latest(_), Some(known), Some(found)) => Some(known.max(found)),
                };
            }
        }
        Ok(())
    }

    fn notes(&self) -> Vec<String> {
        match self.days().flatten().filter(|days| *days < 0).count() {
            0 => Vec::new(),
            children => vec![format!(
                "about {} children have the second date before the first; their days are below 0",
                coarse(children as u64)
            )],
        }
    }

    fn finish(self: Box<Self>) -> Result<ArrayRef, MatchError> {
        Ok(Arc::new(self.days().collect::<Int64Array>()))
    }
}

/// The age of a child on a day, from its birth cohort: the first day of this month and day of the month on which the child
/// was born already. Ingestion makes it; a birth date never comes here.
pub(crate) struct Age {
    of: ColumnName,
    /// None where the period has no such day.
    on: Option<Day>,
    cohorts: Vec<Option<Cohort>>,
}

/// A cohort, and by what another takes its place.
#[derive(Clone, Copy)]
struct Cohort {
    order: (u32, bool),
    year: i16,
}

impl Age {
    pub(crate) fn new(of: ColumnName, on: Option<Day>, children: usize) -> Self {
        Self { of, on, cohorts: vec![None; children] }
    }

    fn ages(&self) -> impl Iterator<Item = Option<i64>> + '_ {
        let year = self.on.and_then(Day::year);
        self.cohorts.iter().map(move |cohort| Some(i64::from(year?) - i64::from((*cohort)?.year)))
    }
}

impl Gather for Age {
    fn add(
        &mut self,
        batch: &RecordBatch,
        delivery: u32,
        rows: &mut dyn Iterator<Item = SummarisedRow>,
    ) -> Result<(), MatchError> {
        let Some((_, month, day)) = self.on.and_then(Day::calendar) else { return Ok(()) };
        let cohorts = days(batch, &self.of)?;
        for SummarisedRow { row, child, preferred } in rows {
            let Some(cohort) = cohorts.at(row as usize) else { continue };
            let known = i32::try_from(cohort).ok().and_then(|cohort| Day(cohort).calendar());
            let Some((year, of_month, of_day)) = known else { continue };
            if (of_month, of_day) != (month, day) {
                return Err(MatchError::NoCohort {
                    column: self.of.clone(),
                    on: format!("{month:02}-{day:02}"),
                    nearest: format!("{of_month:02}-{of_day:02}"),
                });
            }
            let order = (delivery, preferred);
            let known = &mut self.cohorts[child as usize];
            if known.is_none_or(|known| order > known.order) {
                *known = Some(Cohort { order, year });
            }
        }
        Ok(())
    }

    fn notes(&self) -> Vec<String> {
        match self.ages().flatten().filter(|age| *age < 0).count() {
            0 => Vec::new(),
            children => {
                let about = coarse(children as u64);
                vec![format!("about {about} children were not born on the day; they have no age")]
            }
        }
    }

    fn finish(self: Box<Self>) -> Result<ArrayRef, MatchError> {
        let ages = self.ages().map(|age| age.filter(|age| *age >= 0));
        Ok(Arc::new(ages.collect::<Int64Array>()))
    }
}

#[cfg(test)]
mod tests;
