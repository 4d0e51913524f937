//! The parsing of cells. An error is a [`Reason`], never the text.

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::Reason;

/// How a source writes its dates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
pub enum DateForm {
    /// `2024-09-30`, or the same with a time after a `T` or a blank.
    #[serde(rename = "iso")]
    Iso,
    /// `30/09/2024`, or the same with a time after a blank.
    #[serde(rename = "dd/mm/yyyy")]
    DayMonthYear,
    /// `09/30/2024`, or the same with a time after a blank.
    #[serde(rename = "mm/dd/yyyy")]
    MonthDayYear,
    /// `2024-Sep-30 00:00:00`, the school census's own.
    #[serde(rename = "census")]
    Census,
    /// `45565`: days as Excel counts them on Windows, 1 being 1 January 1900. Excel takes 1900 for a leap
    /// year, so that its 60 is no day and later numbers are one too high (ECMA-376-1, 18.17.4.1). A number from 1900 to
    /// 2100 is more likely a year, and one that begins with 0 is none that Excel writes: neither is read.
    #[serde(rename = "excel-serial")]
    ExcelSerial,
    /// `30-SEP-24` or `30-SEP-2024`, or the same with a time after a blank: Oracle's own. Two digits 00 to 49 are
    /// this century and 50 to 99 the last (Oracle, SQL Language Reference, format model element RR).
    #[serde(rename = "oracle")]
    Oracle,
}

/// Parses a date in the declared form whose shape it has. Where two declared forms read it as
/// different days it is ambiguous: nothing is guessed.
pub fn parse_date(text: &str, forms: &[DateForm]) -> Result<Date, Reason> {
    let text = text.trim();
    let mut parsed = forms.iter().filter_map(|form| form.parse(text));
    match parsed.next() {
        Some(date) if parsed.any(|other| other != date) => Err(Reason::AmbiguousDate),
        Some(date) if (1900..=2100).contains(&date.year()) => Ok(date),
        _ if digits(text.as_bytes()) && forms.contains(&DateForm::ExcelSerial) => {
            Err(Reason::DateNumber)
        }
        Some(_) => Err(Reason::DateRange),
        None if (4..=5).contains(&text.len()) && digits(text.as_bytes()) => {
            Err(Reason::ExcelSerial)
        }
        None => Err(Reason::DateForm),
    }
}

/// Whether a text that reads as a date is a spreadsheet's number: no other declared form is one of digits alone.
pub fn is_serial(text: &str) -> bool {
    text.trim().bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
}

impl DateForm {
    fn parse(self, text: &str) -> Option<Date> {
        match self {
            Self::Iso => match without_time(text, &['T', ' '])?.as_bytes() {
                [year @ .., b'-', m0, m1, b'-', d0, d1] if year.len() == 4 => {
                    date(year, &[*m0, *m1], &[*d0, *d1])
                }
                _ => None,
            },
            Self::DayMonthYear => {
                let [day, month, year] = slashed(text)?;
                date(year, month, day)
            }
            Self::MonthDayYear => {
                let [month, day, year] = slashed(text)?;
                date(year, month, day)
            }
            Self::Census => {
                let (date, time) = text.split_once(' ').unwrap_or((text, "00:00:00"));
                time.starts_with("00:00:00")
                    .then(|| Date::strptime("%Y-%b-%d", date).ok())
                    .flatten()
            }
            Self::Oracle => oracle(text.split_once(' ').map_or(text, |(date, _)| date)),
            Self::ExcelSerial => {
                let (days, fraction) = text.split_once('.').unwrap_or((text, "0"));
                let whole = (1..=6).contains(&days.len()) && digits(days.as_bytes());
                let whole = whole && !days.starts_with('0');
                let days = (whole && digits(fraction.as_bytes())).then(|| days.parse().ok())??;
                let epoch = match days {
                    1900..=2100 => return None,
                    1..=59 => jiff::civil::date(1899, 12, 31),
                    61.. => jiff::civil::date(1899, 12, 30),
                    _ => return None,
                };
                epoch.checked_add(jiff::Span::new().days(days)).ok()
            }
        }
    }
}

fn digits(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(u8::is_ascii_digit)
}

/// The date before a time, if what stands behind it is one.
fn without_time<'a>(text: &'a str, before: &[char]) -> Option<&'a str> {
    let Some((date, time)) = text.split_once(before) else { return Some(text) };
    let is_time = time.bytes().all(|b| b.is_ascii_digit() || b":.Z+-".contains(&b));
    (is_time && time.len() >= 5).then_some(date)
}

/// The three numbers of `1/9/2024` or `01/09/2024`.
fn slashed(text: &str) -> Option<[&[u8]; 3]> {
    let text = without_time(text, &[' '])?;
    let mut parts = text.as_bytes().split(|&byte| byte == b'/');
    let parts = [parts.next()?, parts.next()?, parts.next().filter(|_| parts.next().is_none())?];
    let lengths = (1..=2).contains(&parts[0].len()) && (1..=2).contains(&parts[1].len());
    (lengths && parts[2].len() == 4).then_some(parts)
}

/// A day of `30-SEP-24` or `30-SEP-2024`.
fn oracle(text: &str) -> Option<Date> {
    const MONTHS: [&str; 12] =
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let mut parts = text.split('-');
    let (day, month, year) = (parts.next()?, parts.next()?, parts.next()?);
    let fits = parts.next().is_none() && (1..=2).contains(&day.len()) && digits(day.as_bytes());
    let month = MONTHS.iter().position(|name| month.eq_ignore_ascii_case(name))? + 1;
    let year = match (year.len(), digits(year.as_bytes()).then(|| year.parse::<i16>())?) {
        (4, Ok(year)) => year,
        (2, Ok(year)) => year + if year < 50 { 2000 } else { 1900 },
        _ => return None,
    };
    fits.then(|| Date::new(year, month as i8, day.parse().ok()?).ok()).flatten()
}

/// A day of the calendar from at most four digits each.
fn date(year: &[u8], month: &[u8], day: &[u8]) -> Option<Date> {
    let number = |text: &[u8]| {
        digits(text)
            .then(|| text.iter().fold(0i16, |sum, digit| sum * 10 + i16::from(digit - b'0')))
    };
    let (month, day) = (i8::try_from(number(month)?).ok()?, i8::try_from(number(day)?).ok()?);
    Date::new(number(year)?, month, day).ok()
}

/// Parses a whole number; `12.0` is one, as exports write them so.
pub fn parse_integer(text: &str) -> Result<i64, Reason> {
    let text = text.trim();
    let whole = match text.split_once('.') {
        Some((whole, zeros)) if !zeros.is_empty() && zeros.bytes().all(|b| b == b'0') => whole,
        Some(_) => return Err(Reason::NotInteger),
        None => text,
    };
    whole.parse().map_err(|_| Reason::NotInteger)
}

/// Parses a decimal number; infinities and the like are none.
pub fn parse_decimal(text: &str) -> Result<f64, Reason> {
    match text.trim().parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(number),
        _ => Err(Reason::NotDecimal),
    }
}

/// Parses a flag as the sources write them.
pub fn parse_flag(text: &str) -> Result<bool, Reason> {
    match text.trim() {
        "1" | "1.0" => Ok(true),
        "0" | "0.0" => Ok(false),
        word => {
            let is = |words: [&str; 4]| words.iter().any(|one| word.eq_ignore_ascii_case(one));
            match (is(["y", "yes", "t", "true"]), is(["n", "no", "f", "false"])) {
                (true, _) => Ok(true),
                (_, true) => Ok(false),
                _ => Err(Reason::NotFlag),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn each_source_s_own_form() {
        let day = jiff::civil::date(2020, 4, 25);
        let all = [DateForm::Iso, DateForm::DayMonthYear, DateForm::Census];
        for text in ["2020-04-25", "25/04/2020", "2020-Apr-25 00:00:00", "2020-04-25T00:00:00"] {
            assert_eq!(parse_date(text, &all), Ok(day), "{text}");
        }
        assert_eq!(parse_date("25/04/2020", &[DateForm::Iso]), Err(Reason::DateForm));
        assert_eq!(parse_date("04/25/2020", &all), Err(Reason::DateForm));
        assert_eq!(parse_date("2021-02-29", &all), Err(Reason::DateForm));
        assert_eq!(parse_date("43946", &all), Err(Reason::ExcelSerial));
        assert_eq!(parse_date("01/01/1850", &all), Err(Reason::DateRange));
    }

    #[test]
    fn a_date_that_two_forms_read_differently_is_flagged() {
        let both = [DateForm::DayMonthYear, DateForm::MonthDayYear];
        assert_eq!(parse_date("03/04/2024", &both), Err(Reason::AmbiguousDate));
        assert_eq!(parse_date("25/04/2024", &both), Ok(jiff::civil::date(2024, 4, 25)));
        assert_eq!(parse_date("04/25/2024", &both), Ok(jiff::civil::date(2024, 4, 25)));
        assert_eq!(parse_date("04/04/2024", &both), Ok(jiff::civil::date(2024, 4, 4)));
    }

    #[test]
    fn excel_s_numbers_are_days_where_they_are_declared() {
        let serial = |text| parse_date(text, &[DateForm::Iso, DateForm::ExcelSerial]);
        // ECMA-376-1, 18.17.4.1: 1 is 1900-01-01, 59 is 1900-02-28, 61 is 1900-03-01; 45565 by Excel itself.
        for (text, day) in [
            ("1", (1900, 1, 1)),
            ("59", (1900, 2, 28)),
            ("61", (1900, 3, 1)),
            ("45565", (2024, 9, 30)),
            ("45565.75", (2024, 9, 30)),
        ] {
            assert_eq!(serial(text), Ok(jiff::civil::date(day.0, day.1, day.2)), "{text}");
        }
        // No day, a year, a day with its zero before it, and days as `ddmmyy` and `yyyymmdd`.
        for text in ["60", "0", "2008", "1900", "2100", "045565", "150308", "999999", "20080315"] {
            assert_eq!(serial(text), Err(Reason::DateNumber), "{text}");
        }
        assert_eq!(serial("45565.x"), Err(Reason::DateForm));
        assert!(is_serial("45565.75") && !is_serial("2024-09-30") && !is_serial("30/09/2024"));
    }

    #[test]
    fn oracle_s_years_of_two_digits_are_of_the_nearest_century() {
        let day = |text| parse_date(text, &[DateForm::Oracle]);
        for (text, expected) in [
            ("30-SEP-24", (2024, 9, 30)),
            ("1-jan-49", (2049, 1, 1)),
            ("01-Jan-50", (1950, 1, 1)),
            ("29-FEB-2024 10.30.00.000000000 AM", (2024, 2, 29)),
        ] {
            let (year, month, day_) = expected;
            assert_eq!(day(text), Ok(jiff::civil::date(year, month, day_)), "{text}");
        }
        for text in ["30-SEPT-24", "30-09-24", "SEP-30-24", "31-SEP-24", "30-SEP-024", "-SEP-24"] {
            assert_eq!(day(text), Err(Reason::DateForm), "{text}");
        }
    }

    #[test]
    fn a_time_behind_a_date_is_passed_over_and_nothing_else() {
        let forms = [DateForm::Iso, DateForm::DayMonthYear];
        let day = Ok(jiff::civil::date(2024, 9, 3));
        for text in ["2024-09-03T10:30:00Z", "2024-09-03 10:30", "3/9/2024 00:00:00", "03/09/2024"]
        {
            assert_eq!(parse_date(text, &forms), day, "{text}");
        }
        for text in
            ["2024-09-03Tea", "2024-9-3", "03/09/24", "03/09/2024/1", "03//2024", "2024-09-03 "]
        {
            let trimmed = text.trim_end() != text;
            assert_eq!(parse_date(text, &forms).is_ok(), trimmed, "{text}");
        }
    }

    #[test]
    fn numbers_and_flags() {
        assert_eq!(parse_integer("118.0"), Ok(118));
        assert_eq!(parse_integer("-3"), Ok(-3));
        assert_eq!(parse_integer("1.5"), Err(Reason::NotInteger));
        assert_eq!(parse_decimal("1.5"), Ok(1.5));
        assert_eq!(parse_decimal("inf"), Err(Reason::NotDecimal));
        for (yes, no) in [("True", "FALSE"), ("Y", "n"), ("1", "0"), ("t", "f"), ("YES", "No")] {
            assert_eq!((parse_flag(yes), parse_flag(no)), (Ok(true), Ok(false)));
        }
        assert_eq!(parse_flag("perhaps"), Err(Reason::NotFlag));
    }

    const ALL: [DateForm; 6] = [
        DateForm::Iso,
        DateForm::DayMonthYear,
        DateForm::MonthDayYear,
        DateForm::Census,
        DateForm::ExcelSerial,
        DateForm::Oracle,
    ];

    proptest! {
        #[test]
        fn any_text_is_a_value_or_a_reason(text in ".{0,40}") {
            let _ = parse_date(&text, &ALL);
            let _ = (parse_integer(&text), parse_decimal(&text), parse_flag(&text));
        }

        #[test]
        fn written_dates_come_back(days in 0i32..70_000) {
            let day = jiff::civil::date(1905, 1, 1).checked_add(jiff::Span::new().days(days)).unwrap();
            for (form, pattern) in [(DateForm::Iso, "%Y-%m-%d"), (DateForm::DayMonthYear, "%d/%m/%Y"), (DateForm::Census, "%Y-%b-%d 00:00:00")] {
                let text = day.strftime(pattern).to_string();
                prop_assert_eq!(parse_date(&text, &[form]), Ok(day));
            }
        }
    }
}
