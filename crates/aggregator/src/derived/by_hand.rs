//! Each way of deriving a column, on a few children whose values a person can work out from docs/recipes.md.
#![allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]

use minster_model::{ColumnName, Day};
use serde::Deserialize;

use super::{
    compute::{Blank, Computed, Inputs, compute},
    values::{Texts, Values},
};
use crate::definition::derived_column::Derivation;

#[derive(Deserialize)]
struct Written {
    is: Derivation,
}

fn dates(days: &[&str]) -> Values {
    let day = |text: &&str| (!text.is_empty()).then(|| i64::from(text.parse::<Day>().unwrap().0));
    Values::Days(days.iter().map(day).collect())
}

fn numbers<const ROWS: usize>(values: [Option<i64>; ROWS]) -> Values {
    Values::Whole(values.to_vec())
}

fn texts(values: &[&str]) -> Values {
    let texts = values.iter().map(|text| (!text.is_empty()).then(|| (*text).to_owned()));
    Values::Texts(Texts::of(texts))
}

/// The value of a column for each child, as a reader would write it; for a blank the reason in capitals.
fn derived(is: &str, columns: &[(&str, Values)]) -> Vec<String> {
    computed(is, columns).unwrap()
}

fn computed(is: &str, columns: &[(&str, Values)]) -> Result<Vec<String>, String> {
    let Written { is } = toml::from_str(&format!("is = {is}")).unwrap();
    assert_eq!(is.fault(), None);
    let names: Vec<ColumnName> = columns.iter().map(|(name, _)| name.parse().unwrap()).collect();
    let columns: Vec<(&ColumnName, Values)> =
        names.iter().zip(columns.iter().map(|(_, values)| values.clone())).collect();
    let inputs = Inputs {
        rows: columns[0].1.len(),
        columns,
        lookup: None,
        period: Day::of(2024, 9, 1).zip(Day::of(2025, 8, 31)),
    };
    let Computed { values, why } = compute(&is, &inputs)?;
    let words = |row: usize| match &values {
        Values::Whole(values) => values[row].map(|value| value.to_string()),
        Values::Days(days) => days[row].map(|day| Day(i32::try_from(day).unwrap()).to_string()),
        Values::Texts(texts) => texts.get(row).map(str::to_owned),
    };
    let reason = |row: usize| match why[row] {
        0 => None,
        number => Some(Blank::ALL[usize::from(number) - 1]),
    };
    let rows = (0..inputs.rows).map(|row| match (words(row), reason(row)) {
        (Some(value), None) => value,
        (None, Some(Blank::Input)) => "NO VALUE".to_owned(),
        (None, Some(Blank::Impossible)) => "IMPOSSIBLE".to_owned(),
        (None, Some(Blank::BelowZero)) => "BELOW 0".to_owned(),
        (value, reason) => panic!("row {row}: {value:?}, {reason:?}"),
    });
    Ok(rows.collect())
}

#[test]
fn open_counts_the_day_of_the_beginning_and_not_that_of_the_end() {
    let rows = [
        // From, end, open on 31 March 2025.
        ("2025-03-30", "", "1"),
        ("2025-03-31", "", "1"),
        ("2025-04-01", "", "0"),
        ("2025-03-01", "2025-03-30", "0"),
        ("2025-03-01", "2025-03-31", "0"),
        ("2025-03-01", "2025-04-01", "1"),
        ("2025-03-31", "2025-04-01", "1"),
        ("2025-03-31", "2025-03-31", "0"),
        ("2025-04-01", "2025-05-01", "0"),
        ("", "", "0"),
        ("2025-03-31", "2025-03-30", "IMPOSSIBLE"),
        ("", "2025-04-30", "IMPOSSIBLE"),
    ];
    let from = dates(&rows.map(|row| row.0));
    let end = dates(&rows.map(|row| row.1));
    for on in ["2025-03-31", "03-31"] {
        let is = format!("{{ open = {{ from = \"from\", end = \"end\", on = \"{on}\" }} }}");
        let of = derived(&is, &[("from", from.clone()), ("end", end.clone())]);
        assert_eq!(of, rows.map(|row| row.2), "{on}");
    }
}

#[test]
fn open_on_a_leap_day_begins_on_it_and_ends_after_it() {
    let is = "{ open = { from = \"from\", end = \"end\", on = \"2024-02-29\" } }";
    let from = dates(&["2024-02-29", "2024-02-28", "2024-02-28", "2024-03-01"]);
    let end = dates(&["2024-03-01", "2024-02-29", "2024-03-01", ""]);
    assert_eq!(derived(is, &[("from", from), ("end", end)]), ["1", "0", "1", "0"]);
    // Most years have none, so that it is no day of each period.
    let yearly = is.replace("2024-02-29", "02-29");
    let why = toml::from_str::<Written>(&format!("is = {yearly}")).err().unwrap().to_string();
    assert!(why.contains("`02-29` is no day"), "{why}");
}

#[test]
fn first_takes_the_first_known_in_the_order_of_the_definition() {
    let is = |order: &str| format!("{{ first = [{order}] }}");
    let of = |order: &str, a: Values, b: Values| derived(&is(order), &[("a", a), ("b", b)]);
    let (a, b) = (dates(&["2025-02-01", "", ""]), dates(&["2024-01-01", "2025-03-01", ""]));
    // The earlier date stands second.
    assert_eq!(of("\"a\", \"b\"", a, b), ["2025-02-01", "2025-03-01", "NO VALUE"]);
    // A zero is known.
    let (a, b) = (numbers([Some(0), None, None]), numbers([Some(7), Some(7), None]));
    assert_eq!(of("\"a\", \"b\"", a, b), ["0", "7", "NO VALUE"]);
    let (a, b) = (texts(&["K", "", ""]), texts(&["E", "E", ""]));
    assert_eq!(of("\"a\", \"b\"", a, b), ["K", "E", "NO VALUE"]);
    let why = computed(&is("\"a\", \"b\""), &[("a", texts(&["K"])), ("b", dates(&["2025-01-01"]))]);
    assert_eq!(why.unwrap_err(), "a holds texts, and b dates");
}

#[test]
fn least_and_greatest_pass_over_blanks_and_leave_a_child_without_any_blank() {
    let a = || numbers([Some(3), Some(0), None, None]);
    let b = || numbers([Some(2), Some(5), Some(4), None]);
    let c = || numbers([Some(9), None, Some(-1), None]);
    let of = |is: &str| derived(is, &[("a", a()), ("b", b()), ("c", c())]);
    assert_eq!(of("{ least = [\"a\", \"b\", \"c\"] }"), ["2", "0", "-1", "NO VALUE"]);
    assert_eq!(of("{ greatest = [\"a\", \"b\", \"c\"] }"), ["9", "5", "4", "NO VALUE"]);
    // The last day of a February with a leap day lies before the first of March.
    let (a, b) = (dates(&["2024-02-29", "", ""]), dates(&["2024-03-01", "1999-12-31", ""]));
    let days = [("a", a), ("b", b)];
    let of = |is: &str| derived(is, &days);
    assert_eq!(of("{ least = [\"a\", \"b\"] }"), ["2024-02-29", "1999-12-31", "NO VALUE"]);
    assert_eq!(of("{ greatest = [\"a\", \"b\"] }"), ["2024-03-01", "1999-12-31", "NO VALUE"]);
    let why = computed("{ least = [\"a\"] }", &[("a", texts(&["K"]))]).unwrap_err();
    assert!(why.contains("a holds texts"), "{why}");
}

#[test]
fn a_column_that_nobody_has_a_value_of_goes_with_dates_and_with_texts() {
    // Nothing tells its type: an event of a kind that no child has is read as a column of whole numbers.
    let nobody = || numbers([None, None]);
    let dated = || dates(&["2025-02-01", ""]);
    for is in ["first", "least", "greatest"] {
        let is = |order: &str| format!("{{ {is} = [{order}] }}");
        let all = [("a", nobody()), ("b", dated())];
        let expected = ["2025-02-01", "NO VALUE"];
        assert_eq!(derived(&is("\"a\", \"b\""), &all), expected);
        let turned = [("b", dated()), ("a", nobody())];
        assert_eq!(derived(&is("\"b\", \"a\""), &turned), expected);
    }
    let words = [("a", nobody()), ("b", texts(&["K", ""]))];
    assert_eq!(derived("{ first = [\"a\", \"b\"] }", &words), ["K", "NO VALUE"]);
    assert_eq!(derived("{ first = [\"a\"] }", &[("a", nobody())]), ["NO VALUE", "NO VALUE"]);
}

#[test]
fn any_is_one_for_a_number_above_0_or_a_date_and_never_blank() {
    let a = numbers([Some(1), Some(0), None, Some(0), Some(-1)]);
    let b = dates(&["", "2025-01-01", "", "", ""]);
    let of = derived("{ any = [\"a\", \"b\"] }", &[("a", a), ("b", b)]);
    assert_eq!(of, ["1", "1", "0", "0", "0"]);
    let no = [("a", texts(&["N"]))];
    assert!(computed("{ any = [\"a\"] }", &no).unwrap_err().contains("would count as there"));
}

#[test]
fn same_is_one_where_all_dates_lie_in_one_term_and_blank_where_one_is() {
    let rows = [
        // Two dates; in one month, term, calendar year and academic year.
        ("2024-09-01", "2024-12-31", ["0", "1", "1", "1"]),
        ("2024-12-31", "2025-01-01", ["0", "0", "0", "1"]),
        ("2025-01-01", "2025-03-31", ["0", "1", "1", "1"]),
        ("2025-03-31", "2025-04-01", ["0", "0", "1", "1"]),
        ("2025-08-31", "2025-09-01", ["0", "0", "1", "0"]),
        ("2024-08-31", "2024-04-01", ["0", "1", "1", "1"]),
        // One month of two years, and one term.
        ("2024-10-05", "2025-10-05", ["0", "0", "0", "0"]),
        ("2024-02-29", "2024-02-01", ["1", "1", "1", "1"]),
        ("2024-02-29", "2024-03-01", ["0", "1", "1", "1"]),
        ("2024-10-05", "", ["NO VALUE"; 4]),
        ("", "", ["NO VALUE"; 4]),
    ];
    let columns = [("a", dates(&rows.map(|row| row.0))), ("b", dates(&rows.map(|row| row.1)))];
    for (place, by) in ["month", "term", "year", "academic-year"].iter().enumerate() {
        let is = format!("{{ same = {{ of = [\"a\", \"b\"], by = \"{by}\" }} }}");
        assert_eq!(derived(&is, &columns), rows.map(|row| row.2[place]), "{by}");
    }
    // Each of three counts, the last too.
    let three = [
        ("a", dates(&["2024-09-02", "2024-09-02"])),
        ("b", dates(&["2024-10-02", "2024-10-02"])),
        ("c", dates(&["2024-11-02", "2025-01-02"])),
    ];
    let is = "{ same = { of = [\"a\", \"b\", \"c\"], by = \"term\" } }";
    assert_eq!(derived(is, &three), ["1", "0"]);
}

#[test]
fn add_takes_away_what_stands_under_less_and_leaves_a_result_below_0_blank() {
    let columns = [
        ("a", numbers([Some(5), Some(5), Some(1), None, None, None, Some(0)])),
        ("b", numbers([Some(2), None, Some(1), Some(4), None, None, Some(0)])),
        ("c", numbers([Some(3), Some(1), Some(3), None, None, Some(1), Some(0)])),
    ];
    let of = |is: &str| derived(is, &columns);
    assert_eq!(
        of("{ add = { of = [\"a\", \"b\"] } }"),
        ["7", "5", "2", "4", "NO VALUE", "NO VALUE", "0"]
    );
    // 5 + 2 - 3, 5 - 1, 1 + 1 - 3, 4, nothing, - 1, 0.
    assert_eq!(
        of("{ add = { of = [\"a\", \"b\"], less = [\"c\"] } }"),
        ["4", "4", "BELOW 0", "4", "NO VALUE", "BELOW 0", "0"]
    );
    assert_eq!(
        of("{ add = { of = [\"a\"], less = [\"b\", \"c\"] } }"),
        ["0", "4", "BELOW 0", "BELOW 0", "NO VALUE", "BELOW 0", "0"]
    );
    // Numbers at the end of the scale are added in any order.
    let large = [("a", numbers([Some(i64::MAX)])), ("b", numbers([Some(i64::MAX)]))];
    assert_eq!(derived("{ add = { of = [\"a\", \"b\"], less = [\"b\", \"a\"] } }", &large), ["0"]);
    let least = [("a", numbers([Some(0)])), ("b", numbers([Some(i64::MIN)]))];
    let most = i64::MAX.to_string();
    assert_eq!(derived("{ add = { of = [\"a\"], less = [\"b\"] } }", &least), [most]);
}

#[test]
fn days_are_counted_to_the_date_or_else_to_the_day() {
    let rows = [
        // From, until; to the date; to the date, or else to 31 March 2025; to 31 March 2025 alone.
        ("2025-03-30", "2025-03-31", "1", "1", "1"),
        ("2025-03-31", "2025-03-31", "0", "0", "0"),
        ("2025-03-01", "", "NO VALUE", "30", "30"),
        ("2025-03-31", "", "NO VALUE", "0", "0"),
        ("2025-04-01", "", "NO VALUE", "IMPOSSIBLE", "IMPOSSIBLE"),
        ("2025-04-01", "2025-04-11", "10", "10", "IMPOSSIBLE"),
        ("2025-03-02", "2025-03-01", "IMPOSSIBLE", "IMPOSSIBLE", "29"),
        ("", "2025-03-01", "NO VALUE", "NO VALUE", "NO VALUE"),
        ("2024-02-28", "2024-03-01", "2", "2", "397"),
        ("2023-02-28", "2023-03-01", "1", "1", "762"),
    ];
    let columns =
        [("from", dates(&rows.map(|row| row.0))), ("until", dates(&rows.map(|row| row.1)))];
    let of = |more: &str| derived(&format!("{{ days = {{ from = \"from\", {more} }} }}"), &columns);
    assert_eq!(of("until = \"until\""), rows.map(|row| row.2));
    assert_eq!(of("until = \"until\", until-day = \"03-31\""), rows.map(|row| row.3));
    assert_eq!(of("until-day = \"2025-03-31\""), rows.map(|row| row.4));
}

#[test]
fn a_part_of_the_calendar_is_that_in_which_the_date_lies() {
    let rows = [
        ("2024-08-31", ["2024-08", "2023-24 3 summer", "2024", "2023-24"]),
        ("2024-09-01", ["2024-09", "2024-25 1 autumn", "2024", "2024-25"]),
        ("2024-12-31", ["2024-12", "2024-25 1 autumn", "2024", "2024-25"]),
        ("2025-01-01", ["2025-01", "2024-25 2 spring", "2025", "2024-25"]),
        ("2025-03-31", ["2025-03", "2024-25 2 spring", "2025", "2024-25"]),
        ("2025-04-01", ["2025-04", "2024-25 3 summer", "2025", "2024-25"]),
        ("2025-08-31", ["2025-08", "2024-25 3 summer", "2025", "2024-25"]),
        ("2024-02-29", ["2024-02", "2023-24 2 spring", "2024", "2023-24"]),
        ("1999-09-01", ["1999-09", "1999-00 1 autumn", "1999", "1999-00"]),
        ("2000-08-31", ["2000-08", "1999-00 3 summer", "2000", "1999-00"]),
        ("1969-12-31", ["1969-12", "1969-70 1 autumn", "1969", "1969-70"]),
        ("", ["NO VALUE"; 4]),
    ];
    let columns = [("date", dates(&rows.map(|row| row.0)))];
    for (place, by) in ["month", "term", "year", "academic-year"].iter().enumerate() {
        let is = format!("{{ part = {{ of = \"date\", by = \"{by}\" }} }}");
        assert_eq!(derived(&is, &columns), rows.map(|row| row.1[place]), "{by}");
    }
}

#[test]
fn an_age_is_complete_on_the_birthday_and_of_a_leap_day_on_the_first_of_march() {
    let born = ["2015-03-31", "2015-04-01", "2012-02-29", "2025-03-31", "2025-04-01", ""];
    let of = |on: &str| {
        let is = format!("{{ age = {{ of = \"born\", on = \"{on}\" }} }}");
        derived(&is, &[("born", dates(&born))])
    };
    assert_eq!(of("03-31"), ["10", "9", "13", "0", "IMPOSSIBLE", "NO VALUE"]);
    assert_eq!(of("2025-02-28")[2], "12");
    assert_eq!(of("2025-03-01")[2], "13");
    assert_eq!(of("2024-02-29")[2], "12");
}
