#![allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::{
    definition::Blank,
    spells::tests::{batch, dates, taken, texts, whole},
    summary::{Summariser, Summary},
};

fn name(text: &str) -> ColumnName {
    text.parse().unwrap()
}

fn day(text: &str) -> Day {
    text.parse().unwrap()
}

#[test]
fn distinct_counts_each_value_of_a_child_once_over_all_deliveries() {
    let summary = Summary::Distinct { of: name("school") };
    let mut summariser = Summariser::new(summary, Blank::SaysNothing, 3, None);
    let first = batch(vec![("school", texts([Some("a"), Some("b"), Some("a"), None]))]);
    summariser.add(&first, 1, &taken(&[0, 0, 1, 2])).unwrap();
    let second = batch(vec![("school", texts([Some("b"), Some("c")]))]);
    summariser.add(&second, 0, &taken(&[0, 0])).unwrap();
    assert_eq!(whole(&summariser.finish().unwrap()), [Some(3), Some(1), Some(0)]);
}

fn between(
    summary: &str,
    rows: &[(u32, Option<i32>, Option<i32>)],
) -> (Vec<Option<i64>>, Vec<String>) {
    #[derive(Deserialize)]
    struct Of {
        summary: Summary,
    }
    let of: Of = toml::from_str(summary).unwrap();
    let mut summariser = Summariser::new(of.summary, Blank::SaysNothing, 3, None);
    for rows in rows.chunks(3) {
        let children: Vec<u32> = rows.iter().map(|row| row.0).collect();
        let (from, until) =
            (dates(rows.iter().map(|row| row.1)), dates(rows.iter().map(|row| row.2)));
        summariser.add(&batch(vec![("a", from), ("b", until)]), 0, &taken(&children)).unwrap();
    }
    let notes = summariser.notes();
    (whole(&summariser.finish().unwrap()), notes)
}

#[test]
fn days_between_are_blank_without_one_of_the_dates_and_told_where_below_zero() {
    let rows = [
        (0, Some(10), Some(40)),
        (0, Some(20), Some(25)),
        (1, Some(5), None),
        (2, Some(9), Some(3)),
    ];
    let first = "summary = { kind = \"days-between\", from = { first = \"a\" }, until = { first = \"b\" } }";
    assert_eq!(between(first, &rows).0, [Some(15), None, Some(-6)]);
    let latest = "summary = { kind = \"days-between\", from = { latest = \"a\" }, until = { latest = \"b\" } }";
    let (days, notes) = between(latest, &rows);
    assert_eq!(days, [Some(20), None, Some(-6)]);
    assert_eq!(
        notes,
        ["about 5 children have the second date before the first; their days are below 0"]
    );
}

/// Ages on a day of children whose cohorts are these days.
fn ages(cohorts: &[&str], on: &str) -> Result<(Vec<Option<i64>>, Vec<String>), MatchError> {
    let when = on.to_owned().try_into().unwrap();
    let summary = Summary::Age { of: name("cohort"), on: when };
    let mut summariser = Summariser::new(summary, Blank::SaysNothing, cohorts.len(), Some(day(on)));
    let children: Vec<u32> = (0..cohorts.len() as u32).collect();
    let cohorts = dates(cohorts.iter().map(|cohort| (!cohort.is_empty()).then(|| day(cohort).0)));
    summariser.add(&batch(vec![("cohort", cohorts)]), 0, &taken(&children))?;
    let notes = summariser.notes();
    Ok((whole(&summariser.finish().unwrap()), notes))
}

#[test]
fn an_age_is_told_by_the_cohort_of_the_same_day_of_the_year() {
    let (found, notes) =
        ages(&["2010-08-31", "2025-08-31", "2026-08-31", ""], "2025-08-31").unwrap();
    assert_eq!(found, [Some(15), Some(0), None, None]);
    assert_eq!(notes, ["about 5 children were not born on the day; they have no age"]);
    let error = ages(&["2010-08-31"], "2025-03-31").unwrap_err().to_string();
    assert!(error.contains("at 08-31") && error.contains("on 03-31"), "{error}");
}

#[test]
fn the_cohort_of_the_latest_delivery_and_of_the_preferred_person_counts() {
    let when = "08-31".to_owned().try_into().unwrap();
    let summary = Summary::Age { of: name("cohort"), on: when };
    let mut summariser = Summariser::new(summary, Blank::SaysNothing, 1, Some(day("2025-08-31")));
    let rows =
        |cohorts: &[&str]| batch(vec![("cohort", dates(cohorts.iter().map(|of| Some(day(of).0))))]);
    let both =
        [(0, false), (1, true)].map(|(row, preferred)| SummarisedRow { row, child: 0, preferred });
    summariser.add(&rows(&["2011-08-31", "2012-08-31"]), 1, &both).unwrap();
    summariser.add(&rows(&["2010-08-31"]), 0, &taken(&[0])).unwrap();
    assert_eq!(whole(&summariser.finish().unwrap()), [Some(13)]);
}

proptest! {
    #[test]
    fn distinct_and_days_between_are_those_of_a_plain_loop(
        rows in prop::collection::vec((0u32..3, prop::option::of(0i32..9), prop::option::of(0i32..9)), 0..30),
        kinds in any::<(bool, bool)>(),
    ) {
        let mut all: BTreeMap<u32, (Vec<i32>, Vec<i32>)> = BTreeMap::new();
        for (child, from, until) in &rows {
            let of = all.entry(*child).or_default();
            of.0.extend(from);
            of.1.extend(until);
        }
        let one = |days: &Vec<i32>, first: bool| if first { days.iter().min() } else { days.iter().max() }.copied();
        let expected: Vec<Option<i64>> = (0..3).map(|child| {
            let (from, until) = all.get(&child)?;
            Some(i64::from(one(until, kinds.1)? - one(from, kinds.0)?))
        }).collect();
        let word = |first: bool| if first { "first" } else { "latest" };
        let summary = format!(
            "summary = {{ kind = \"days-between\", from = {{ {} = \"a\" }}, until = {{ {} = \"b\" }} }}",
            word(kinds.0), word(kinds.1)
        );
        prop_assert_eq!(between(&summary, &rows).0, expected);

        let mut summariser = Summariser::new(Summary::Distinct { of: name("a") }, Blank::SaysNothing, 3, None);
        for rows in rows.chunks(4) {
            let children: Vec<u32> = rows.iter().map(|row| row.0).collect();
            summariser.add(&batch(vec![("a", dates(rows.iter().map(|row| row.1)))]), 0, &taken(&children)).unwrap();
        }
        let distinct = |child| all.get(&child).map_or(0, |of| of.0.iter().collect::<BTreeSet<_>>().len() as i64);
        prop_assert_eq!(whole(&summariser.finish().unwrap()), (0..3).map(|child| Some(distinct(child))).collect::<Vec<_>>());
    }
}
