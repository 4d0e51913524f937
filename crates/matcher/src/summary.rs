//! One summary column: a value a child, kept in an array by child while rows pass, so that memory is bounded by the number
//! of children and not of rows.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use minster_model::{ColumnName, Day};

pub use crate::summary_kinds::Summary;
use crate::{
    MatchError,
    definition::{Blank, DELIVERY},
    spells::Gather,
    values::{NumericColumn, TextCodes},
};

/// A row that a summary takes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct SummarisedRow {
    /// Its place in the batch.
    pub(crate) row: u32,
    /// Its child.
    pub(crate) child: u32,
    /// Whether its person's row is the one that counts.
    pub(crate) preferred: bool,
}

/// The rows that passed so far, summed up.
pub(crate) struct Summariser {
    summary: Summary,
    /// In the place of all that follows, where more than one number a child is kept.
    gather: Option<Box<dyn Gather>>,
    blank: Blank,
    counts: Vec<i64>,
    /// The first rank of a child's value: for `latest` the day, for extremes the value. Rows stand in no order of
    /// children, so that each looks at another place in memory: most go no further than this one.
    ranks: Vec<i64>,
    values: Vec<RankedValue>,
    words: TextCodes,
}

/// Rows that are looked at together: what is kept of them stays in the processor's own memory.
const AT_ONCE: usize = 256;

/// Rows that may take a known value's place: a few more than do, none less.
struct NotBelow {
    /// Places among a few rows.
    places: [u8; AT_ONCE],
    kept: usize,
}

impl NotBelow {
    fn places(&self) -> &[u8] {
        &self.places[..self.kept]
    }
}

/// The ranks by which rows are put in order.
enum RankOrder<'c> {
    /// One for all of them.
    Same(i64),
    /// Those of a column.
    Of { column: &'c NumericColumn, least_first: bool },
}

impl RankOrder<'_> {
    /// A row without a value goes after all that have one.
    fn at(&self, row: usize) -> i64 {
        match *self {
            Self::Same(rank) => rank,
            Self::Of { column, least_first } => {
                column.at(row).map_or(i64::MIN, |value| rank(value, least_first))
            }
        }
    }
}

/// The greatest rank goes before: `!` turns the order of numbers round.
fn rank(value: i64, least_first: bool) -> i64 {
    if least_first { !value } else { value }
}

/// A value and what else decides whether another takes its place.
#[derive(Debug, Clone, Copy, Default)]
struct RankedValue {
    value: i64,
    delivery: u32,
    preferred: bool,
    /// Whether a row was taken, and whether its value is known.
    is_taken: bool,
    is_known: bool,
}

impl RankedValue {
    fn of(value: i64) -> Self {
        Self { value, is_taken: true, is_known: true, ..Self::default() }
    }

    fn known(self) -> Option<i64> {
        self.is_known.then_some(self.value)
    }
}

impl Summariser {
    /// `day` is the summary's in the period.
    pub(crate) fn new(summary: Summary, blank: Blank, children: usize, day: Option<Day>) -> Self {
        let gather = summary.gather(blank, children, day);
        let counts = matches!(summary, Summary::Count | Summary::Sum { .. } | Summary::Any);
        let (counted, valued) = match (&gather, counts) {
            (Some(_), _) => (0, 0),
            (None, true) => (children, 0),
            (None, false) => (0, children),
        };
        Self {
            gather,
            counts: vec![0; counted],
            ranks: vec![i64::MIN; valued],
            values: vec![RankedValue::default(); valued],
            words: TextCodes::default(),
            summary,
            blank,
        }
    }

    /// Takes rows of a batch.
    pub(crate) fn add(
        &mut self,
        batch: &RecordBatch,
        delivery: u32,
        rows: &[SummarisedRow],
    ) -> Result<(), MatchError> {
        if let Some(gather) = &mut self.gather {
            return gather.add(batch, delivery, &mut rows.iter().copied());
        }
        match self.summary.clone() {
            Summary::Count => rows.iter().for_each(|taken| self.counts[taken.child as usize] += 1),
            Summary::Any => rows.iter().for_each(|taken| self.counts[taken.child as usize] = 1),
            Summary::Sum { of } => {
                let numbers = NumericColumn::of(batch, &of, &mut self.words)?;
                if self.words.are_used {
                    return Err(MatchError::WrongType { column: of, expected: "whole numbers" });
                }
                for taken in rows {
                    let sum = &mut self.counts[taken.child as usize];
                    *sum = sum.saturating_add(numbers.at(taken.row as usize).unwrap_or(0));
                }
            }
            Summary::Max { of } => self.extreme(batch, &of, rows, false)?,
            Summary::Min { of } => self.extreme(batch, &of, rows, true)?,
            Summary::Latest { of, by } => {
                self.by_order(batch, (&of, &by), delivery, rows, false)?
            }
            Summary::First { of, by } => self.by_order(batch, (&of, &by), delivery, rows, true)?,
            // They are gathered.
            Summary::Distinct { .. }
            | Summary::DaysBetween { .. }
            | Summary::Longest { .. }
            | Summary::AsAt { .. }
            | Summary::Age { .. } => {}
        }
        Ok(())
    }

    fn extreme(
        &mut self,
        batch: &RecordBatch,
        of: &ColumnName,
        rows: &[SummarisedRow],
        least: bool,
    ) -> Result<(), MatchError> {
        let numbers = NumericColumn::of(batch, of, &mut self.words)?;
        if self.words.are_used {
            for taken in rows {
                self.extreme_text(taken.child as usize, numbers.at(taken.row as usize), least);
            }
            return Ok(());
        }
        let order = RankOrder::Of { column: &numbers, least_first: least };
        for rows in rows.chunks(AT_ONCE) {
            for place in self.not_below(rows, &order).places() {
                let SummarisedRow { row, child, .. } = rows[usize::from(*place)];
                let Some(value) = numbers.at(row as usize) else { continue };
                let (rank, known) = (rank(value, least), &mut self.values[child as usize]);
                if rank > self.ranks[child as usize] || !known.is_known {
                    self.ranks[child as usize] = rank;
                    *known = RankedValue::of(value);
                }
            }
        }
        Ok(())
    }

    fn extreme_text(&mut self, child: usize, value: Option<i64>, least: bool) {
        let Some(value) = value else { return };
        let takes_its_place = self.values[child].known().is_none_or(|known| {
            let order = self.words.text(value).cmp(&self.words.text(known));
            if least { order.is_lt() } else { order.is_gt() }
        });
        if takes_its_place {
            self.values[child] = RankedValue::of(value);
        }
    }

    fn by_order(
        &mut self,
        batch: &RecordBatch,
        (of, by): (&ColumnName, &ColumnName),
        delivery: u32,
        rows: &[SummarisedRow],
        first: bool,
    ) -> Result<(), MatchError> {
        // A delivery without the column says nothing.
        if batch.column_by_name(of.as_str()).is_none() {
            return Ok(());
        }
        let numbers = NumericColumn::of(batch, of, &mut self.words)?;
        let order = match by.as_str() {
            DELIVERY => None,
            _ => Some(NumericColumn::whole(batch, by)?),
        };
        let says_nothing = self.blank == Blank::SaysNothing;
        let ranks = match &order {
            Some(column) => RankOrder::Of { column, least_first: first },
            None => RankOrder::Same(rank(i64::from(delivery), first)),
        };
        let delivery = if first { u32::MAX - delivery } else { delivery };
        for rows in rows.chunks(AT_ONCE) {
            for place in self.not_below(rows, &ranks).places() {
                let taken = rows[usize::from(*place)];
                let value = numbers.at(taken.row as usize);
                if value.is_none() && says_nothing {
                    continue;
                }
                let by = ranks.at(taken.row as usize);
                let rank = &mut self.ranks[taken.child as usize];
                let known = &mut self.values[taken.child as usize];
                let order = (by, delivery, taken.preferred);
                if !known.is_taken || order > (*rank, known.delivery, known.preferred) {
                    *rank = by;
                    *known = RankedValue {
                        value: value.unwrap_or_default(),
                        delivery,
                        preferred: taken.preferred,
                        is_taken: true,
                        is_known: value.is_some(),
                    };
                }
            }
        }
        Ok(())
    }

    /// Those of a few rows that may take a known value's place: ranks never fall, so that a row below its child's rank is passed
    /// over for good. No branch hangs on what stands in memory: the processor looks at many children at once.
    fn not_below(&self, rows: &[SummarisedRow], order: &RankOrder<'_>) -> NotBelow {
        // The kind of column is asked for once.
        let RankOrder::Of { column, least_first } = *order else {
            return self.not_below_by(rows, |row| order.at(row));
        };
        match (column.days(), column.whole_numbers()) {
            (Some(days), _) => {
                self.not_below_by(rows, |row| rank(i64::from(days[row]), least_first))
            }
            (_, Some(whole)) => self.not_below_by(rows, |row| rank(whole[row], least_first)),
            _ => self.not_below_by(rows, |row| order.at(row)),
        }
    }

    fn not_below_by(&self, rows: &[SummarisedRow], rank: impl Fn(usize) -> i64) -> NotBelow {
        let mut kept = NotBelow { places: [0; AT_ONCE], kept: 0 };
        for (place, taken) in (0u8..=u8::MAX).zip(rows) {
            kept.places[kept.kept] = place;
            kept.kept += usize::from(rank(taken.row as usize) >= self.ranks[taken.child as usize]);
        }
        kept
    }

    /// Notes on the rows for the reader of the report.
    pub(crate) fn notes(&self) -> Vec<String> {
        self.gather.as_ref().map_or_else(Vec::new, |gather| gather.notes())
    }

    /// One value a child: counts and sums are 0 where there is no row, other summaries null.
    pub(crate) fn finish(self) -> Result<ArrayRef, MatchError> {
        if let Some(gather) = self.gather {
            return gather.finish();
        }
        if self.values.is_empty() {
            return Ok(Arc::new(Int64Array::from(self.counts)));
        }
        self.words.column(self.values.iter().map(|value| value.known()))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]
mod tests {
    use std::collections::BTreeMap;

    use arrow::{
        array::{AsArray, Date32Array, StringDictionaryBuilder},
        datatypes::{Field, Int32Type, Schema},
    };
    use proptest::prelude::*;

    use super::*;

    /// A value and its day.
    type Dated = (Option<i64>, Option<i32>);

    fn name(text: &str) -> ColumnName {
        text.parse().unwrap()
    }

    fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
        let fields: Vec<Field> = columns
            .iter()
            .map(|(name, values)| Field::new(*name, values.data_type().clone(), true))
            .collect();
        let arrays = columns.into_iter().map(|(_, values)| values).collect();
        RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).unwrap()
    }

    fn whole(values: &[Option<i64>]) -> ArrayRef {
        Arc::new(Int64Array::from(values.to_vec()))
    }

    fn texts(values: &[Option<&str>]) -> ArrayRef {
        let mut builder = StringDictionaryBuilder::<Int32Type>::new();
        values.iter().for_each(|value| builder.append_option(*value));
        Arc::new(builder.finish())
    }

    fn taken(children: &[u32]) -> Vec<SummarisedRow> {
        let taken =
            |(row, child): (u32, &u32)| SummarisedRow { row, child: *child, preferred: true };
        (0u32..).zip(children).map(taken).collect()
    }

    fn numbers(array: &ArrayRef) -> Vec<Option<i64>> {
        array.as_any().downcast_ref::<Int64Array>().unwrap().iter().collect()
    }

    /// The latest of two deliveries: the first of text, then of another.
    fn latest(blank: Blank, deliveries: &[&[Option<&str>]]) -> Vec<Option<String>> {
        let summary = Summary::Latest { of: name("a"), by: name(DELIVERY) };
        let children = deliveries[0].len();
        let mut summariser = Summariser::new(summary, blank, children, None);
        for (delivery, values) in deliveries.iter().enumerate() {
            let all: Vec<u32> = (0..children as u32).collect();
            summariser
                .add(&batch(vec![("a", texts(values))]), delivery as u32, &taken(&all))
                .unwrap();
        }
        let values = summariser.finish().unwrap();
        let values = values.as_any_dictionary();
        let values = arrow::compute::take(values.values(), values.keys(), None).unwrap();
        values.as_string_view().iter().map(|value| value.map(str::to_owned)).collect()
    }

    #[test]
    fn a_blank_in_a_later_delivery_changes_nothing_unless_it_clears() {
        let deliveries: [&[Option<&str>]; 2] =
            [&[Some("K"), Some("E"), None], &[None, Some("N"), Some("K")]];
        let known =
            |values: [Option<&str>; 3]| values.map(|value| value.map(str::to_owned)).to_vec();
        assert_eq!(
            latest(Blank::SaysNothing, &deliveries),
            known([Some("K"), Some("N"), Some("K")])
        );
        assert_eq!(latest(Blank::Clears, &deliveries), known([None, Some("N"), Some("K")]));
    }

    #[test]
    fn a_delivery_without_the_column_changes_nothing() {
        let summary = Summary::Latest { of: name("a"), by: name(DELIVERY) };
        for blank in [Blank::SaysNothing, Blank::Clears] {
            let mut summariser = Summariser::new(summary.clone(), blank, 1, None);
            summariser.add(&batch(vec![("a", whole(&[Some(7)]))]), 0, &taken(&[0])).unwrap();
            summariser.add(&batch(vec![("b", whole(&[Some(8)]))]), 1, &taken(&[0])).unwrap();
            assert_eq!(numbers(&summariser.finish().unwrap()), [Some(7)]);
        }
    }

    #[test]
    fn the_row_of_the_preferred_person_goes_before_another_of_the_same_delivery() {
        let summary = Summary::Latest { of: name("a"), by: name(DELIVERY) };
        let mut summariser = Summariser::new(summary, Blank::SaysNothing, 1, None);
        let rows = [(0, false), (1, true), (2, false)];
        let rows = rows.map(|(row, preferred)| SummarisedRow { row, child: 0, preferred });
        let values = batch(vec![("a", whole(&[Some(9), Some(5), Some(8)]))]);
        summariser.add(&values, 0, &rows).unwrap();
        assert_eq!(numbers(&summariser.finish().unwrap()), [Some(5)]);
    }

    #[test]
    fn a_summary_of_another_type_is_an_error_without_a_value() {
        let mut summariser =
            Summariser::new(Summary::Sum { of: name("a") }, Blank::SaysNothing, 1, None);
        let values = batch(vec![("a", texts(&[Some("Q330400024001")]))]);
        let error = summariser.add(&values, 0, &taken(&[0])).unwrap_err();
        assert!(!error.to_string().contains("Q3304"), "{error}");
        assert!(error.to_string().contains("column a"), "{error}");
    }

    proptest! {
        #[test]
        fn each_summary_is_that_of_a_plain_loop(
            rows in prop::collection::vec((0u32..5, prop::option::of(-9i64..9), prop::option::of(0i32..5)), 1..60),
            size in 1usize..20,
        ) {
            let (of, by) = (name("a"), name("b"));
            for summary in [
                Summary::Count,
                Summary::Any,
                Summary::Sum { of: of.clone() },
                Summary::Max { of: of.clone() },
                Summary::Min { of: of.clone() },
                Summary::Latest { of: of.clone(), by: by.clone() },
                Summary::First { of: of.clone(), by: by.clone() },
            ] {
                let mut summariser = Summariser::new(summary.clone(), Blank::SaysNothing, 5, None);
                for rows in rows.chunks(size) {
                    let children: Vec<u32> = rows.iter().map(|row| row.0).collect();
                    let values: Vec<Option<i64>> = rows.iter().map(|row| row.1).collect();
                    let days: ArrayRef = Arc::new(Date32Array::from_iter(rows.iter().map(|row| row.2)));
                    summariser.add(&batch(vec![("a", whole(&values)), ("b", days)]), 0, &taken(&children)).unwrap();
                }
                let mut expected: BTreeMap<u32, Vec<Dated>> = BTreeMap::new();
                rows.iter().for_each(|row| expected.entry(row.0).or_default().push((row.1, row.2)));
                let expected: Vec<Option<i64>> = (0..5).map(|child| {
                    let rows = expected.get(&child).cloned().unwrap_or_default();
                    let known = || rows.iter().filter_map(|row| row.0);
                    // The first row is taken where dates are equal.
                    let dated = |row: &&Dated| row.0.is_some();
                    match summary {
                        Summary::Count => Some(rows.len() as i64),
                        Summary::Any => Some(i64::from(!rows.is_empty())),
                        Summary::Sum { .. } => Some(known().sum()),
                        Summary::Max { .. } => known().max(),
                        Summary::Min { .. } => known().min(),
                        Summary::Latest { .. } => {
                            let last = rows.iter().filter(dated).rev().max_by_key(|row| row.1);
                            last.and_then(|row| row.0)
                        }
                        Summary::First { .. } => {
                            let day = |row: &&Dated| row.1.map_or(i64::MAX, i64::from);
                            rows.iter().filter(dated).min_by_key(day).and_then(|row| row.0)
                        }
                        _ => None,
                    }
                }).collect();
                prop_assert_eq!(numbers(&summariser.finish().unwrap()), expected, "{:?}", summary);
            }
        }
    }
}
