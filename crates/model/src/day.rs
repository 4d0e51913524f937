use serde::{Deserialize, Serialize};

/// A day, written as `2025-03-31`: days since 1970.
///
/// ```
/// use minster_model::Day;
///
/// let day: Day = "2025-03-31".parse()?;
/// assert_eq!((day.0, day.to_string().as_str()), (20178, "2025-03-31"));
/// # Ok::<(), String>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Day(pub i32);

impl Day {
    /// The day of a year, month and day of the month; none where the calendar has no such day.
    pub fn of(year: i16, month: i8, day: i8) -> Option<Self> {
        let date = jiff::civil::Date::new(year, month, day).ok()?;
        date.since(jiff::civil::date(1970, 1, 1)).ok().map(|since| Self(since.get_days()))
    }

    fn date(self) -> Option<jiff::civil::Date> {
        let since = jiff::Span::new().try_days(self.0).ok()?;
        jiff::civil::date(1970, 1, 1).checked_add(since).ok()
    }

    /// The first day of its month.
    pub fn first_of_month(self) -> Self {
        let first = self.date().and_then(|date| Self::of(date.year(), date.month(), 1));
        first.unwrap_or(self)
    }

    /// Its year, month (1 to 12) and day of the month (1 to 31); none beyond the calendar's years.
    pub fn calendar(self) -> Option<(i16, i8, i8)> {
        self.date().map(|date| (date.year(), date.month(), date.day()))
    }

    /// Its year.
    pub fn year(self) -> Option<i16> {
        self.date().map(|date| date.year())
    }
}

impl std::str::FromStr for Day {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no day; write it as 2025-03-31");
        let date: jiff::civil::Date = text.parse().map_err(|_| wrong())?;
        Self::of(date.year(), date.month(), date.day()).ok_or_else(wrong)
    }
}

impl TryFrom<String> for Day {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Day> for String {
    fn from(day: Day) -> Self {
        day.to_string()
    }
}

impl std::fmt::Display for Day {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.date() {
            Some(date) => date.fmt(f),
            None => write!(f, "day {}", self.0),
        }
    }
}
