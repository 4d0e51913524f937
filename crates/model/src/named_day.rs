//! A day as a configuration names it: this one, or that of each period.

use serde::{Deserialize, Serialize};

use crate::Day;

/// A day, or one of each period: `2025-03-31`, or `03-31`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub enum NamedDay {
    /// This very day.
    On(Day),
    /// A day of the year: the one in the period that is linked.
    Yearly {
        /// 1 to 12.
        month: i8,
        /// 1 to 31.
        day: i8,
    },
}

impl TryFrom<String> for NamedDay {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let Some((month, day)) = text.split_once('-').filter(|_| text.len() == 5) else {
            return text.parse().map(Self::On);
        };
        let wrong = || {
            format!(
                "`{text}` is no day; write it as 2025-03-31, or as 03-31 for that of each period"
            )
        };
        let (month, day) = (month.parse().map_err(|_| wrong())?, day.parse().map_err(|_| wrong())?);
        // A day that a leap year alone has is not in each period.
        Day::of(2023, month, day).ok_or_else(wrong)?;
        Ok(Self::Yearly { month, day })
    }
}

impl NamedDay {
    /// The day of a period whose first and last days these are.
    ///
    /// # Errors
    /// Says why the period has no such day.
    pub fn day(self, period: Option<(Day, Day)>) -> Result<Day, String> {
        let (month, day) = match self {
            Self::On(day) => return Ok(day),
            Self::Yearly { month, day } => (month, day),
        };
        let written = format!("{month:02}-{day:02}");
        let (from, until) = period.ok_or_else(|| {
            format!("`{written}` is a day of each period, and the period has no first and last day: give it `from` and `until`")
        })?;
        let years = from.year().zip(until.year()).map(|(from, until)| from..=until);
        let days = years.into_iter().flatten().filter_map(|year| Day::of(year, month, day));
        let mut days = days.filter(|day| (from..=until).contains(day));
        match (days.next(), days.next()) {
            (Some(day), None) => Ok(day),
            (None, _) => Err(format!("the period has no {written}")),
            _ => Err(format!("the period has {written} twice")),
        }
    }
}

impl From<NamedDay> for String {
    fn from(day: NamedDay) -> Self {
        match day {
            NamedDay::On(day) => day.to_string(),
            NamedDay::Yearly { month, day } => format!("{month:02}-{day:02}"),
        }
    }
}
