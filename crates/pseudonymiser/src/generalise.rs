//! How a value becomes coarser: the rules of [`Generalisation`], worked out.

use jiff::civil::Date;
use minster_sources::{DateForm, Generalisation, Lookup, Reason, parse_date, parse_integer};

use crate::treatment::{Cell, compact};

/// Makes a value coarser, by its column's forms of dates and its look-up.
pub(crate) fn generalise<'a>(
    to: &'a Generalisation,
    text: &str,
    dates: &[DateForm],
    lookup: Option<&'a Lookup>,
) -> Result<Cell<'a>, Reason> {
    let date = || parse_date(text, dates);
    Ok(match to {
        Generalisation::Year => Cell::Integer(date()?.year().into()),
        Generalisation::Month => {
            let date = date()?;
            Cell::Text(format!("{:04}-{:02}", date.year(), date.month()).into())
        }
        Generalisation::Term => Cell::Text(term(date()?).into()),
        Generalisation::AcademicYear => {
            let date = date()?;
            let start = if date.month() >= 9 { date.year() } else { date.year() - 1 };
            Cell::Text(format!("{start:04}-{:02}", (start + 1).rem_euclid(100)).into())
        }
        Generalisation::Age { at } => {
            let born = date()?;
            let had_birthday = (at.month(), at.day()) >= (born.month(), born.day());
            let age = i64::from(at.year() - born.year()) - i64::from(!had_birthday);
            Cell::Integer((age >= 0).then_some(age).ok_or(Reason::DateRange)?)
        }
        Generalisation::District => {
            let (outward, _) = postcode(text)?;
            Cell::Text(outward.into())
        }
        Generalisation::Sector => {
            let (outward, inward) = postcode(text)?;
            Cell::Text(format!("{outward} {}", &inward[..1]).into())
        }
        Generalisation::Lookup { unknown, .. } => {
            let found = lookup.and_then(|lookup| lookup.get(text));
            let value = found.or(unknown.as_deref()).ok_or(Reason::NotInLookup)?;
            Cell::Text(value.into())
        }
        Generalisation::Band(bands) => {
            let number = parse_integer(text)?;
            let above = bands.partition_point(|&lower| lower <= number);
            Cell::Text(match (above.checked_sub(1).map(|at| bands[at]), bands.get(above)) {
                (None, _) => format!("<{}", bands[0]).into(),
                (Some(lower), Some(next)) => format!("{lower}–{}", next - 1).into(),
                (Some(lower), None) => format!("{lower}+").into(),
            })
        }
    })
}

/// The school term of a day: see [`Generalisation::Term`].
fn term(day: Date) -> String {
    let name = match day.month() {
        9.. => "autumn",
        _ if day <= easter(day.year()) => "spring",
        _ => "summer",
    };
    format!("{:04}-{name}", day.year())
}

/// Easter Sunday in the Gregorian calendar, by the algorithm that "Nature" printed on 20 April 1876 (Meeus, Astronomical
/// Algorithms, chapter 8).
fn easter(year: i16) -> Date {
    let y = i32::from(year);
    let (a, b, c) = (y % 19, y / 100, y % 100);
    let (d, e) = (b / 4, b % 4);
    let g = (b - (b + 8) / 25 + 1) / 3;
    let h = (19 * a + b - d - g + 15) % 30;
    let l = (32 + 2 * e + 2 * (c / 4) - h - c % 4) % 7;
    let m = (a + 11 * h + 22 * l) / 451;
    let n = h + l - 7 * m + 114;
    jiff::civil::date(year, (n / 31) as i8, (n % 31 + 1) as i8)
}

/// A postcode's outward and inward part. The inward part is a digit and two letters (Royal Mail, Postcode Address
/// File), the outward part two to four letters and digits beginning with a letter.
fn postcode(text: &str) -> Result<(String, String), Reason> {
    let mut outward = compact(text);
    if !(5..=7).contains(&outward.len()) || !outward.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return Err(Reason::Malformed);
    }
    let inward = outward.split_off(outward.len() - 3);
    let fits = outward.starts_with(|c: char| c.is_ascii_alphabetic())
        && inward.bytes().zip(0..).all(|(b, at)| b.is_ascii_digit() == (at == 0));
    fits.then_some((outward, inward)).ok_or(Reason::Malformed)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]
mod tests {
    use super::*;
    use crate::treatment::{Circumstances, TablePlan};
    use minster_model::pipeline::IdentifierRule;
    use minster_sources::Definition;
    use std::collections::HashMap;

    fn generalised(column: &str, text: &str) -> Result<String, Reason> {
        let definition = Definition::parse(&format!(
            "name='s'\nformat='csv'\nyears=['2024']\ndates=['iso']\n[[table]]\nname='t'\nfile='t.csv'\n[table.columns]\nc = {{ treatment='generalise', fault='quarantine', {column} }}"
        ))
        .unwrap();
        let table = &definition.tables[0];
        let circumstances = Circumstances {
            rule: IdentifierRule::Strict,
            period: &"2024-25".parse().unwrap(),
            lookups: &HashMap::new(),
            whole: None,
            schedule: None,
        };
        let plan = TablePlan::new(&definition, (0, table), &circumstances).unwrap();
        let treated = plan.treat(&plan.columns[0], text.as_bytes())?;
        Ok(match treated.cell {
            Cell::Text(text) => text.to_string(),
            Cell::Integer(number) => number.to_string(),
            _ => String::new(),
        })
    }

    #[test]
    fn an_age_is_whole_years_completed_at_the_named_day() {
        let at = "to='age', at='2024-08-31'";
        for (born, age) in [
            ("2010-08-31", Ok("14")),
            ("2010-09-01", Ok("13")),
            ("2024-08-31", Ok("0")),
            ("2024-09-01", Err(Reason::DateRange)),
        ] {
            assert_eq!(generalised(at, born), age.map(str::to_owned), "{born}");
        }
        assert_eq!(generalised("to='age', at='2025-02-28'", "2012-02-29").unwrap(), "12");
        assert_eq!(generalised("to='age', at='2025-03-01'", "2012-02-29").unwrap(), "13");
    }

    #[test]
    fn the_school_year_is_divided_at_september_january_and_easter() {
        // Easter Sundays: 31 March 2024, 20 April 2025, 5 April 2026 (the almanac's).
        for (day, term) in [
            ("2024-08-31", "2024-summer"),
            ("2024-09-01", "2024-autumn"),
            ("2024-12-31", "2024-autumn"),
            ("2024-03-31", "2024-spring"),
            ("2024-04-01", "2024-summer"),
            ("2025-04-20", "2025-spring"),
            ("2025-04-21", "2025-summer"),
            ("2026-04-06", "2026-summer"),
        ] {
            assert_eq!(generalised("to='term'", day).unwrap(), term, "{day}");
        }
        assert_eq!(generalised("to='academic-year'", "2010-08-31").unwrap(), "2009-10");
        assert_eq!(generalised("to='academic-year'", "2010-09-01").unwrap(), "2010-11");
    }

    #[test]
    fn postcodes_keep_what_the_generalisation_names() {
        assert_eq!(generalised("to='district'", " sw1a 2aa").unwrap(), "SW1A");
        assert_eq!(generalised("to='sector'", "M11AE").unwrap(), "M1 1");
        for wrong in ["AB1", "AB12 CDE", "12 3AB", "AB1 2C!", "A\u{e9}1 2CD", "AB12 345 6CD"] {
            assert_eq!(generalised("to='district'", wrong), Err(Reason::Malformed), "{wrong}");
        }
    }
}
