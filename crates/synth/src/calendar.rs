//! Days, the three terms of 2024-25, and its school days.

use jiff::{
    SignedDuration, ToSpan,
    civil::{Date, Weekday, date},
};

/// A day of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Day(Date);

impl Day {
    /// The last day that a child's age is counted to.
    pub(crate) const YEAR_END: Self = Self::new(2025, 3, 31);

    /// Every caller names a day that exists; there is none such as 30 February to be made.
    pub(crate) const fn new(year: i32, month: i32, day: i32) -> Self {
        Self(date(year as i16, month as i8, day as i8))
    }

    /// Year, month and day.
    pub(crate) fn civil(self) -> (i32, i32, i32) {
        (self.0.year().into(), self.0.month().into(), self.0.day().into())
    }

    pub(crate) fn plus(self, days: i32) -> Self {
        Self(self.0.saturating_add(SignedDuration::from_hours(24 * i64::from(days))))
    }

    /// Whole years from this birth date to another day.
    pub(crate) fn age_at(self, day: Self) -> i32 {
        let (born_year, born_month, born_day) = self.civil();
        let (year, month, of_month) = day.civil();
        let before = month < born_month || (month == born_month && of_month < born_day);
        year - born_year - before as i32
    }

    fn is_weekend(self) -> bool {
        matches!(self.0.weekday(), Weekday::Saturday | Weekday::Sunday)
    }

    /// The day with day and month swapped, where that is another day.
    pub(crate) fn swapped(self) -> Option<Self> {
        let (year, month, day) = self.civil();
        (day <= 12 && day != month).then(|| Self::new(year, day, month))
    }

    pub(crate) fn iso(self) -> String {
        self.0.to_string()
    }

    pub(crate) fn slashed(self) -> String {
        self.0.strftime("%d/%m/%Y").to_string()
    }

    pub(crate) fn census(self) -> String {
        self.0.strftime("%Y-%b-%d 00:00:00").to_string()
    }

    /// The number a spreadsheet shows where its date format is lost.
    pub(crate) fn serial(self) -> String {
        (self.0.duration_since(Self::new(1899, 12, 30).0).as_hours() / 24).to_string()
    }
}

/// How a source writes dates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DateStyle {
    Iso,
    Slashed,
    Census,
}

impl DateStyle {
    pub(crate) fn write(self, day: Day) -> String {
        match self {
            Self::Iso => day.iso(),
            Self::Slashed => day.slashed(),
            Self::Census => day.census(),
        }
    }
}

/// One census term.
#[derive(Debug)]
pub(crate) struct Term {
    pub(crate) first: Day,
    pub(crate) last: Day,
    /// The days without school inside it.
    holidays: &'static [(Day, Day)],
}

/// Days of a school year: whole weeks, so that a school day stays one.
pub(crate) const WEEKS: i32 = 364;

/// Autumn, spring, summer.
pub(crate) const TERMS: [Term; 3] = [
    Term {
        first: Day::new(2024, 9, 2),
        last: Day::new(2024, 12, 20),
        holidays: &[(Day::new(2024, 10, 28), Day::new(2024, 11, 1))],
    },
    Term {
        first: Day::new(2025, 1, 6),
        last: Day::new(2025, 4, 4),
        holidays: &[(Day::new(2025, 2, 17), Day::new(2025, 2, 21))],
    },
    Term {
        first: Day::new(2025, 4, 22),
        last: Day::new(2025, 7, 22),
        holidays: &[
            (Day::new(2025, 5, 5), Day::new(2025, 5, 5)),
            (Day::new(2025, 5, 26), Day::new(2025, 5, 30)),
        ],
    },
];

/// A day with a morning and an afternoon session.
#[derive(Debug, Clone)]
pub(crate) struct SchoolDay {
    pub(crate) term: usize,
    pub(crate) iso: String,
}

/// Every school day of a year, in order.
pub(crate) fn school_days(year: i32) -> Vec<SchoolDay> {
    let mut days = Vec::new();
    for (index, term) in TERMS.iter().enumerate() {
        for date in term.first.0.series(1.day()).take_while(|date| *date <= term.last.0) {
            let day = Day(date);
            let off = term.holidays.iter().any(|(first, last)| (*first..=*last).contains(&day));
            if !off && !day.is_weekend() {
                days.push(SchoolDay { term: index, iso: day.plus(year * WEEKS).iso() });
            }
        }
    }
    days
}

/// So many school days, spread evenly over the year, which is 0, or -1 for the one before.
pub(crate) fn spread(wanted: usize, year: i32) -> Vec<SchoolDay> {
    let all = school_days(year);
    let wanted = wanted.min(all.len());
    (0..wanted).map(|index| all[index * all.len() / wanted].clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_written_and_counted_as_services_do() {
        assert_eq!(Day::new(2020, 4, 25).iso(), "2020-04-25");
        assert_eq!(Day::new(2020, 4, 5).slashed(), "05/04/2020");
        assert_eq!(Day::new(2024, 2, 28).plus(2), Day::new(2024, 3, 1));
        assert_eq!(Day::new(2024, 3, 1).plus(-1), Day::new(2024, 2, 29));
        assert_eq!(Day::new(2020, 4, 25).census(), "2020-Apr-25 00:00:00");
        assert_eq!(Day::new(2012, 2, 29).serial(), "40968");
        assert_eq!(Day::new(2012, 4, 3).swapped(), Some(Day::new(2012, 3, 4)));
        assert_eq!(Day::new(2010, 9, 1).age_at(Day::new(2025, 8, 31)), 14);
    }

    #[test]
    fn a_year_has_its_sessions() {
        let days = school_days(0);
        assert!((190..200).contains(&days.len()), "{}", days.len());
        assert_eq!(days[0].iso, "2024-09-02");
        assert_eq!(spread(6, 0).iter().map(|day| day.term).collect::<Vec<_>>(), [0, 0, 0, 1, 1, 2]);
    }
}
