//! The days and years of a delivery's period.

use jiff::civil::{Date, date};
use minster_model::Period;

/// The year that a period begins with: 2024 of `2024-25` and of `2024-autumn`.
pub(crate) fn year(period: &Period) -> Option<i16> {
    let text = period.as_str();
    let year: i16 = text.get(..4)?.parse().ok()?;
    (1900..=2100).contains(&year).then_some(year)
}

/// The last day that a delivery of the period can be about; none where the name does not tell it.
///
/// `2024-25` ends on 31 August 2025, `2024-autumn` on 31 December 2024, `2025-spring` on the last day of April, `2025-summer` on
/// 31 August, `2025-03` at the end of March, `2025-03-31` on that day, `2025` at the end of the year.
pub(crate) fn last_day(period: &Period) -> Option<Date> {
    let start = year(period)?;
    let rest = &period.as_str()[4..];
    if rest.is_empty() {
        return Some(date(start, 12, 31));
    }
    let rest = rest.strip_prefix(['-', '_'])?;
    let month_and_day: Vec<&str> = rest.split('-').collect();
    let number = |text: &str| (text.len() == 2).then(|| text.parse::<i8>().ok()).flatten();
    match month_and_day.as_slice() {
        ["autumn"] => Some(date(start, 12, 31)),
        ["spring"] => Some(date(start, 4, 30)),
        ["summer"] => Some(date(start, 8, 31)),
        [one] if number(one).map(i16::from) == Some((start + 1) % 100) => {
            Some(date(start + 1, 8, 31))
        }
        [one] if one.parse() == Ok(start + 1) => Some(date(start + 1, 8, 31)),
        [month] => Some(Date::new(start, number(month)?, 1).ok()?.last_of_month()),
        [month, day] => Date::new(start, number(month)?, number(day)?).ok(),
        _ => None,
    }
}

/// The first day that a delivery of the period can be about; none where the name does not tell it. `2024-25` may be a financial year, and
/// begins on 1 April.
pub(crate) fn first_day(period: &Period) -> Option<Date> {
    let (last, start) = (last_day(period)?, year(period)?);
    let rest = period.as_str()[4..].trim_start_matches(['-', '_']);
    match rest {
        "" | "spring" => Some(date(start, 1, 1)),
        "summer" => Some(date(start, 4, 1)),
        "autumn" => Some(date(start, 9, 1)),
        _ if rest.contains('-') => Some(last),
        _ if last.year() > start => Some(date(start, 4, 1)),
        _ => Some(last.first_of_month()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]
mod tests {
    use super::*;

    #[test]
    fn a_period_ends_where_its_name_says() {
        for (period, end) in [
            ("2024-25", Some(date(2025, 8, 31))),
            ("1999-00", Some(date(2000, 8, 31))),
            ("2024-autumn", Some(date(2024, 12, 31))),
            ("2025-spring", Some(date(2025, 4, 30))),
            ("2025-summer", Some(date(2025, 8, 31))),
            ("2024-02", Some(date(2024, 2, 29))),
            ("2025-03-31", Some(date(2025, 3, 31))),
            ("2025", Some(date(2025, 12, 31))),
            ("2024-2025", Some(date(2025, 8, 31))),
            ("2024_25", Some(date(2025, 8, 31))),
            ("2025-q1", None),
            ("2024-04-to-2025-03", None),
            ("first", None),
        ] {
            assert_eq!(last_day(&period.parse().unwrap()), end, "{period}");
        }
        for (period, first) in [
            ("2024-25", Some(date(2024, 4, 1))),
            ("2024-2025", Some(date(2024, 4, 1))),
            ("2024-autumn", Some(date(2024, 9, 1))),
            ("2025-spring", Some(date(2025, 1, 1))),
            ("2025-summer", Some(date(2025, 4, 1))),
            ("2025-03", Some(date(2025, 3, 1))),
            ("2025-03-31", Some(date(2025, 3, 31))),
            ("2025", Some(date(2025, 1, 1))),
            ("all", None),
        ] {
            assert_eq!(first_day(&period.parse().unwrap()), first, "{period}");
        }
        assert_eq!(year(&"2024-autumn".parse().unwrap()), Some(2024));
        assert_eq!(year(&"autumn-2024".parse().unwrap()), None);
    }
}
