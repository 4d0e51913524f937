//! The parsing of cells. An error is a [`Reason`], never the text.

use jiff::civil::Date;
use serde::Deserialize;

use crate::Reason;

/// How a source writes its dates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
pub enum DateForm {
    /// `2024-09-30`, or the same with a time after a `T`.
    #[serde(rename = "iso")]
    Iso,
    /// `30/09/2024`.
    #[serde(rename = "dd/mm/yyyy")]
    DayMonthYear,
    /// `2024-Sep-30 00:00:00`, the school census's own.
    #[serde(rename = "census")]
    Census,
}

/// Parses a date in the first declared form whose shape it has. The forms' shapes differ, so that
/// nothing is guessed.
pub fn parse_date(text: &str, forms: &[DateForm]) -> Result<Date, Reason> {
    let text = text.trim();
    let parsed = forms.iter().find_map(|form| form.parse(text));
    match parsed {
        Some(date) if (1900..=2100).contains(&date.year()) => Ok(date),
        Some(_) => Err(Reason::DateRange),
        None if (4..=5).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit()) => {
            Err(Reason::ExcelSerial)
        }
        None => Err(Reason::DateForm),
    }
}

impl DateForm {
    fn parse(self, text: &str) -> Option<Date> {
        match self {
            Self::Iso => {
                let date = text.split('T').next().unwrap_or(text);
                (date.len() == 10).then(|| Date::strptime("%Y-%m-%d", date).ok()).flatten()
            }
            Self::DayMonthYear => Date::strptime("%d/%m/%Y", text).ok(),
            Self::Census => {
                let (date, time) = text.split_once(' ').unwrap_or((text, "00:00:00"));
                time.starts_with("00:00:00")
                    .then(|| Date::strptime("%Y-%b-%d", date).ok())
                    .flatten()
            }
        }
    }
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
        "1" | "Y" | "y" | "true" | "True" | "TRUE" => Ok(true),
        "0" | "N" | "n" | "false" | "False" | "FALSE" => Ok(false),
        _ => Err(Reason::NotFlag),
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
    fn numbers_and_flags() {
        assert_eq!(parse_integer("118.0"), Ok(118));
        assert_eq!(parse_integer("-3"), Ok(-3));
        assert_eq!(parse_integer("1.5"), Err(Reason::NotInteger));
        assert_eq!(parse_decimal("1.5"), Ok(1.5));
        assert_eq!(parse_decimal("inf"), Err(Reason::NotDecimal));
        assert_eq!(parse_flag("True"), Ok(true));
        assert_eq!(parse_flag("perhaps"), Err(Reason::NotFlag));
    }

    proptest! {
        #[test]
        fn any_text_is_a_value_or_a_reason(text in ".{0,40}") {
            let _ = parse_date(&text, &[DateForm::Iso, DateForm::DayMonthYear, DateForm::Census]);
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
