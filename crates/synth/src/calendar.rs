//! Days, the three terms of 2024-25, and its school days.

/// Days since 1 January 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Day(pub(crate) i32);

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

impl Day {
    /// The last day that a child's age is counted to.
    pub(crate) const YEAR_END: Self = Self::new(2025, 3, 31);

    /// The civil date's day number (proleptic Gregorian, years counted from March).
    pub(crate) const fn new(year: i32, month: i32, day: i32) -> Self {
        let year = if month <= 2 { year - 1 } else { year };
        let era = year.div_euclid(400);
        let of_era = year.rem_euclid(400);
        let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
        Self(era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468)
    }

    pub(crate) const fn civil(self) -> (i32, i32, i32) {
        let shifted = self.0 + 719_468;
        let era = shifted.div_euclid(146_097);
        let of_era = shifted.rem_euclid(146_097);
        let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year + year / 4 - year / 100);
        let month = (5 * of_year + 2) / 153;
        let day = of_year - (153 * month + 2) / 5 + 1;
        let month = if month < 10 { month + 3 } else { month - 9 };
        (year + era * 400 + (month <= 2) as i32, month, day)
    }

    pub(crate) const fn plus(self, days: i32) -> Self {
        Self(self.0 + days)
    }

    /// Whole years from this birth date to another day.
    pub(crate) const fn age_at(self, day: Self) -> i32 {
        let (born_year, born_month, born_day) = self.civil();
        let (year, month, of_month) = day.civil();
        let before = month < born_month || (month == born_month && of_month < born_day);
        year - born_year - before as i32
    }

    const fn is_weekend(self) -> bool {
        matches!((self.0 + 3).rem_euclid(7), 5 | 6)
    }

    /// The day with day and month swapped, where that is another day.
    pub(crate) fn swapped(self) -> Option<Self> {
        let (year, month, day) = self.civil();
        (day <= 12 && day != month).then(|| Self::new(year, day, month))
    }

    pub(crate) fn iso(self) -> String {
        let (year, month, day) = self.civil();
        format!("{year:04}-{month:02}-{day:02}")
    }

    pub(crate) fn slashed(self) -> String {
        let (year, month, day) = self.civil();
        format!("{day:02}/{month:02}/{year:04}")
    }

    pub(crate) fn census(self) -> String {
        let (year, month, day) = self.civil();
        let name = MONTHS[(month - 1) as usize];
        format!("{year:04}-{name}-{day:02} 00:00:00")
    }

    /// The number a spreadsheet shows where its date format is lost.
    pub(crate) fn serial(self) -> String {
        (self.0 - Self::new(1899, 12, 30).0).to_string()
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
        for number in term.first.0..=term.last.0 {
            let day = Day(number);
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
    fn days_go_there_and_back() {
        for number in -40_000..40_000 {
            let (year, month, day) = Day(number).civil();
            assert_eq!(Day::new(year, month, day), Day(number));
        }
        assert_eq!(Day::new(1970, 1, 1), Day(0));
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
