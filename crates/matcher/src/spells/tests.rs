#![allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]

use arrow::{
    array::{AsArray, Date32Array, StringDictionaryBuilder},
    datatypes::{Field, Int32Type, Schema},
};
use proptest::prelude::*;

use super::*;
use crate::summary::{Summariser, Summary};

fn name(text: &str) -> ColumnName {
    text.parse().unwrap()
}

pub(crate) fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    let field =
        |(name, values): &(&str, ArrayRef)| Field::new(*name, values.data_type().clone(), true);
    let fields: Vec<Field> = columns.iter().map(field).collect();
    let arrays = columns.into_iter().map(|(_, values)| values).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).unwrap()
}

pub(crate) fn dates(values: impl IntoIterator<Item = Option<i32>>) -> ArrayRef {
    Arc::new(Date32Array::from_iter(values))
}

pub(crate) fn texts<'a>(values: impl IntoIterator<Item = Option<&'a str>>) -> ArrayRef {
    let mut builder = StringDictionaryBuilder::<Int32Type>::new();
    values.into_iter().for_each(|value| builder.append_option(value));
    Arc::new(builder.finish())
}

pub(crate) fn taken(children: &[u32]) -> Vec<SummarisedRow> {
    let taken = |(row, child): (u32, &u32)| SummarisedRow { row, child: *child, preferred: true };
    (0u32..).zip(children).map(taken).collect()
}

pub(crate) fn whole(array: &ArrayRef) -> Vec<Option<i64>> {
    array.as_any().downcast_ref::<Int64Array>().unwrap().iter().collect()
}

/// A child, a first day, an end.
type Row = (u32, Option<i32>, Option<i32>);

fn longest(
    rows: &[Row],
    size: usize,
    (until, end_day, joined): (Option<i32>, EndDay, bool),
) -> (Vec<Option<i64>>, Vec<String>) {
    let summary = Summary::Longest {
        from: name("from"),
        end: name("end"),
        open_until: None,
        end_day,
        joined,
    };
    let mut summariser = Summariser::new(summary, Blank::SaysNothing, 3, until.map(Day));
    for rows in rows.chunks(size) {
        let children: Vec<u32> = rows.iter().map(|row| row.0).collect();
        let (from, end) =
            (dates(rows.iter().map(|row| row.1)), dates(rows.iter().map(|row| row.2)));
        summariser.add(&batch(vec![("from", from), ("end", end)]), 0, &taken(&children)).unwrap();
    }
    let notes = summariser.notes();
    (whole(&summariser.finish().unwrap()), notes)
}

#[test]
fn the_longest_spell_counts_both_days_or_leaves_the_end_out() {
    let rows = [(0, Some(10), Some(14)), (0, Some(20), Some(22)), (1, Some(5), Some(5))];
    let included = longest(&rows, 9, (None, EndDay::Included, false)).0;
    assert_eq!(included, [Some(5), Some(1), None]);
    let excluded = longest(&rows, 9, (None, EndDay::Excluded, false)).0;
    assert_eq!(excluded, [Some(4), Some(0), None]);
}

#[test]
fn joined_spells_overlap_or_touch() {
    // Ten to fourteen and fifteen to nineteen touch where the end is a day of the spell; with a day between they do not.
    let touching = [
        (0, Some(15), Some(19)),
        (0, Some(10), Some(14)),
        (1, Some(10), Some(14)),
        (1, Some(16), Some(19)),
    ];
    let joined = |end_day| longest(&touching, 1, (None, end_day, true)).0;
    assert_eq!(joined(EndDay::Included), [Some(10), Some(5), None]);
    assert_eq!(joined(EndDay::Excluded), [Some(4), Some(4), None]);
    // A placement that ends on the day on which the next one begins; one inside another.
    let care = [(0, Some(10), Some(14)), (0, Some(14), Some(30)), (0, Some(20), Some(22))];
    assert_eq!(longest(&care, 2, (None, EndDay::Excluded, true)).0[0], Some(20));
    assert_eq!(longest(&care, 2, (None, EndDay::Excluded, false)).0[0], Some(16));
}

#[test]
fn a_row_that_is_no_spell_is_counted_and_told() {
    let rows =
        [(0, Some(10), None), (1, Some(50), None), (1, None, Some(4)), (2, Some(9), Some(8))];
    let (values, notes) = longest(&rows, 9, (Some(19), EndDay::Included, false));
    assert_eq!(values, [Some(10), None, None]);
    assert_eq!(
        notes,
        [
            "about 5 rows have no first day; they are no spells",
            "about 5 rows have no last day and begin after `open_until`; they are no spells",
            "about 5 rows end before they begin; they are no spells",
        ]
    );
    let (values, notes) = longest(&rows[..1], 9, (None, EndDay::Included, false));
    assert_eq!(values[0], None);
    assert!(notes[0].contains("`open_until` names no day"), "{notes:?}");
}

/// The open row of one child on a day, rows in the order in which they are read: first day, end, delivery, value.
fn as_at(
    rows: &[(i32, Option<i32>, u32, Option<&str>)],
    on: Option<i32>,
    end_day: EndDay,
    blank: Blank,
) -> Option<String> {
    let when = "2025-03-31".to_owned().try_into().unwrap();
    let summary =
        Summary::AsAt { of: name("of"), from: name("from"), end: name("end"), on: when, end_day };
    let mut summariser = Summariser::new(summary, blank, 1, on.map(Day));
    for (from, end, delivery, value) in rows {
        let columns =
            vec![("of", texts([*value])), ("from", dates([Some(*from)])), ("end", dates([*end]))];
        summariser.add(&batch(columns), *delivery, &taken(&[0])).unwrap();
    }
    let values = summariser.finish().unwrap();
    // A period without the day has no row that is open, and so no text.
    let values = values.as_any_dictionary_opt()?;
    let values = arrow::compute::take(values.values(), values.keys(), None).unwrap();
    values.as_string_view().iter().next().flatten().map(str::to_owned)
}

#[test]
fn the_value_as_at_a_day_is_that_of_the_row_that_is_open() {
    use EndDay::{Excluded, Included};
    let says_nothing = Blank::SaysNothing;
    let rows =
        [(1, Some(10), 0, Some("U1")), (10, Some(20), 0, Some("K2")), (30, None, 0, Some("P1"))];
    let at = |day, end_day| as_at(&rows, Some(day), end_day, says_nothing);
    assert_eq!(at(0, Included), None);
    assert_eq!(at(9, Included).as_deref(), Some("U1"));
    // On the day on which one ends and the next begins, the later start counts.
    assert_eq!(at(10, Included).as_deref(), Some("K2"));
    assert_eq!(at(10, Excluded).as_deref(), Some("K2"));
    assert_eq!(at(20, Included).as_deref(), Some("K2"));
    assert_eq!(at(20, Excluded), None);
    assert_eq!(at(25, Included), None);
    assert_eq!(at(99, Included).as_deref(), Some("P1"));
    // The period has no such day.
    assert_eq!(as_at(&rows, None, Included, says_nothing), None);
}

#[test]
fn after_equal_starts_the_later_end_counts_then_the_later_delivery_then_the_first_row() {
    let at = |rows: &[_]| as_at(rows, Some(10), EndDay::Included, Blank::SaysNothing);
    let ends = [(5, None, 0, Some("A")), (5, Some(12), 1, Some("B"))];
    assert_eq!(at(&ends).as_deref(), Some("A"));
    let deliveries = [(5, None, 1, Some("A")), (5, None, 2, Some("B")), (5, None, 0, Some("C"))];
    assert_eq!(at(&deliveries).as_deref(), Some("B"));
    let equal = [(5, None, 1, Some("A")), (5, None, 1, Some("B"))];
    assert_eq!(at(&equal).as_deref(), Some("A"));
}

#[test]
fn a_blank_of_the_open_row_says_nothing_or_clears() {
    let rows = [(1, None, 0, Some("A")), (5, None, 0, None)];
    assert_eq!(as_at(&rows, Some(9), EndDay::Included, Blank::SaysNothing).as_deref(), Some("A"));
    assert_eq!(as_at(&rows, Some(9), EndDay::Included, Blank::Clears), None);
}

#[test]
fn a_column_of_another_type_is_an_error_without_a_value() {
    let summary = Summary::Longest {
        from: name("from"),
        end: name("end"),
        open_until: None,
        end_day: EndDay::Included,
        joined: false,
    };
    let mut summariser = Summariser::new(summary, Blank::SaysNothing, 1, None);
    let rows = batch(vec![("from", texts([Some("Q330400024001")])), ("end", dates([None]))]);
    let error = summariser.add(&rows, 0, &taken(&[0])).unwrap_err().to_string();
    assert!(error.contains("column from does not hold days") && !error.contains("Q33"), "{error}");
    let mut one = OneType::default();
    assert!(one.is_that_of(&rows, &name("from")).unwrap());
    let other = batch(vec![("from", dates([None]))]);
    assert!(matches!(one.is_that_of(&other, &name("from")), Err(MatchError::TwoTypes { .. })));
}

proptest! {
    /// The second count walks over the days one by one.
    #[test]
    fn the_longest_spell_is_the_longest_run_of_days(
        rows in prop::collection::vec((0u32..3, prop::option::weighted(0.9, 0i32..40), prop::option::weighted(0.8, 0i32..40)), 0..40),
        until in prop::option::of(0i32..40),
        included in any::<bool>(),
        size in 1usize..9,
    ) {
        let end_day = if included { EndDay::Included } else { EndDay::Excluded };
        let days = |row: &Row| -> Vec<i32> {
            match (row.1, row.2.or(until)) {
                (Some(from), Some(end)) if included => (from..=end).collect(),
                (Some(from), Some(end)) => (from..end).collect(),
                _ => Vec::new(),
            }
        };
        let is_spell = |row: &&Row| matches!((row.1, row.2.or(until)), (Some(from), Some(end)) if from <= end);
        let expected = |joined: bool, child: u32| {
            let own: Vec<&Row> = rows.iter().filter(|row| row.0 == child).filter(is_spell).collect();
            if own.is_empty() {
                return None;
            }
            if !joined {
                return own.iter().map(|row| days(row).len() as i64).max();
            }
            let covered: std::collections::BTreeSet<i32> = own.iter().flat_map(|row| days(row)).collect();
            let (mut best, mut run) = (0, 0);
            for day in 0..=41 {
                run = if covered.contains(&day) { run + 1 } else { 0 };
                best = best.max(run);
            }
            Some(best)
        };
        for joined in [false, true] {
            let (found, _) = longest(&rows, size, (until, end_day, joined));
            let expected: Vec<_> = (0..3).map(|child| expected(joined, child)).collect();
            prop_assert_eq!(found, expected, "joined: {}", joined);
        }
    }

    /// The second count sorts all open rows.
    #[test]
    fn the_value_as_at_a_day_is_that_of_a_plain_sort(
        rows in prop::collection::vec((0i32..8, prop::option::of(0i32..8), 0u32..3, prop::option::of(0usize..3)), 0..12),
        on in 0i32..8,
        included in any::<bool>(),
        clears in any::<bool>(),
    ) {
        let words = ["A", "B", "C"];
        let rows: Vec<_> = rows.iter().map(|row| (row.0, row.1, row.2, row.3.map(|at| words[at]))).collect();
        let end_day = if included { EndDay::Included } else { EndDay::Excluded };
        let blank = if clears { Blank::Clears } else { Blank::SaysNothing };
        let mut open: Vec<_> = rows.iter().rev().filter(|(from, end, _, value)| {
            let is_open = end.is_none_or(|end| end > on || included && end == on);
            *from <= on && is_open && (clears || value.is_some())
        }).collect();
        open.sort_by_key(|(from, end, delivery, _)| (*from, end.unwrap_or(99), *delivery));
        let expected = open.last().and_then(|row| row.3).map(str::to_owned);
        prop_assert_eq!(as_at(&rows, Some(on), end_day, blank), expected);
    }
}
