//! Days and deliveries as `matching.toml` names them: this one, or that of each period.

use minster_model::{Day, Period};
use serde::Deserialize;

/// A day, or one of each period: `2025-03-31`, or `03-31`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
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
    pub(crate) fn day(self, period: Option<(Day, Day)>) -> Result<Day, String> {
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

/// A delivery's period, `2025-spring`, or the end of its name, `*-spring`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum DeliveryPeriod {
    /// This very one.
    Named(Period),
    /// The one whose name ends so.
    Ending(String),
}

impl TryFrom<String> for DeliveryPeriod {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.strip_prefix('*') {
            Some(end) if !end.is_empty() => Ok(Self::Ending(end.to_owned())),
            _ => text.parse().map(Self::Named).map_err(|error| error.to_string()),
        }
    }
}

impl DeliveryPeriod {
    /// Whether a delivery's period is meant.
    pub fn is(&self, period: &Period) -> bool {
        match self {
            Self::Named(named) => named == period,
            Self::Ending(end) => period.as_str().ends_with(end.as_str()),
        }
    }
}

impl std::fmt::Display for DeliveryPeriod {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Named(period) => period.fmt(f),
            Self::Ending(end) => write!(f, "*{end}"),
        }
    }
}
