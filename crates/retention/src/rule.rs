//! Rules over dates.

use std::collections::BTreeSet;

use jiff::civil::Date;

use crate::{Event, Facts};

/// Whole years, 0 to 200.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Years(u8);

impl Years {
    /// The longest period of keeping.
    pub const MOST: u8 = 200;

    /// So many years; none above [`Years::MOST`].
    pub fn new(years: u16) -> Option<Self> {
        u8::try_from(years).ok().filter(|years| *years <= Self::MOST).map(Self)
    }

    /// The same day so many years later. 29 February becomes 1 March in a year that has none: the period is then not shorter than
    /// the notice says. None beyond the calendar's years.
    pub fn after(self, date: Date) -> Option<Date> {
        let year = date.year().checked_add(i16::from(self.0))?;
        match Date::new(year, date.month(), date.day()) {
            Ok(later) => Some(later),
            Err(_) if (date.month(), date.day()) == (2, 29) => Date::new(year, 3, 1).ok(),
            Err(_) => None,
        }
    }
}

/// The end of a year that is no calendar year.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum YearEnd {
    /// 31 March.
    FinancialYear,
    /// 31 August.
    AcademicYear,
}

impl YearEnd {
    /// The last day of the year in which a day falls.
    fn of(self, day: Date) -> Option<Date> {
        let (month, last) = match self {
            Self::FinancialYear => (3, 31),
            Self::AcademicYear => (8, 31),
        };
        let is_later = (day.month(), day.day()) > (month, last);
        Date::new(day.year().checked_add(i16::from(is_later))?, month, last).ok()
    }
}

/// A rule: from what is known of a person, a date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rule {
    /// The date of an event: the latest, where sources differ.
    On(Event),
    /// So many years after another date.
    After(Box<Rule>, Years),
    /// The end of the year in which another date falls.
    EndOf(YearEnd, Box<Rule>),
    /// The latest of several dates, all of which are needed.
    Latest(Vec<Rule>),
    /// The earliest of several dates, all of which are needed.
    Earliest(Vec<Rule>),
    /// The latest of those dates that are there; one is needed.
    LatestKnown(Vec<Rule>),
    /// One rule for a person who died before an age, another for all others.
    DiedBefore {
        /// The age.
        age: Years,
        /// The rule for those who died before it.
        then: Box<Rule>,
        /// The rule for all others.
        otherwise: Box<Rule>,
    },
}

impl Rule {
    /// The date.
    ///
    /// # Errors
    /// The event whose date is needed and missing, or that is open again after it.
    pub fn date(&self, facts: &Facts) -> Result<Date, Event> {
        match self {
            Self::On(event) => facts.over(*event).map(|dates| dates.latest).ok_or(*event),
            // A date past the calendar's end is never reached.
            Self::After(rule, years) => Ok(years.after(rule.date(facts)?).unwrap_or(Date::MAX)),
            Self::EndOf(end, rule) => Ok(end.of(rule.date(facts)?).unwrap_or(Date::MAX)),
            Self::Latest(rules) => {
                let dates = rules.iter().map(|rule| rule.date(facts));
                Ok(dates.collect::<Result<Vec<_>, _>>()?.into_iter().max().unwrap_or(Date::MAX))
            }
            Self::Earliest(rules) => {
                let dates = rules.iter().map(|rule| rule.date(facts));
                Ok(dates.collect::<Result<Vec<_>, _>>()?.into_iter().min().unwrap_or(Date::MAX))
            }
            Self::LatestKnown(rules) => {
                let mut missing = None;
                let known = rules.iter().filter_map(|rule| match rule.date(facts) {
                    Ok(date) => Some(date),
                    Err(event) => {
                        missing.get_or_insert(event);
                        None
                    }
                });
                let latest = known.max();
                latest.ok_or(missing.unwrap_or(Event::LastActivity))
            }
            Self::DiedBefore { age, then, otherwise } => {
                let Some(died) = facts.dates(Event::Death) else {
                    return otherwise.date(facts);
                };
                let born = facts.dates(Event::Birth).ok_or(Event::Birth)?;
                // The shorter period holds only where no source's dates speak against it.
                let of_age = age.after(born.earliest).unwrap_or(Date::MAX);
                if died.latest < of_age { then.date(facts) } else { otherwise.date(facts) }
            }
        }
    }

    /// The events whose dates it may need.
    pub fn events(&self) -> BTreeSet<Event> {
        match self {
            Self::On(event) => [*event].into(),
            Self::After(rule, _) | Self::EndOf(_, rule) => rule.events(),
            Self::Latest(rules) | Self::Earliest(rules) | Self::LatestKnown(rules) => {
                rules.iter().flat_map(Self::events).collect()
            }
            Self::DiedBefore { then, otherwise, .. } => {
                let ages = [Event::Birth, Event::Death];
                ages.into_iter().chain(then.events()).chain(otherwise.events()).collect()
            }
        }
    }
}
