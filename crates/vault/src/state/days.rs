//! Counts of the day.

use jiff::civil::Date;

use super::{PurposeState, State};
use crate::{log::Entry, purposes::today};

impl PurposeState {
    /// Distinct identifiers asked today.
    pub fn today(&self) -> u64 {
        of_today(self.day)
    }

    /// Numbers of sources that were loaded before which the vault had never seen, today.
    pub(crate) fn newcomers_today(&self) -> u64 {
        of_today(self.newcomers)
    }

    /// Different numbers that were to be repaired today.
    pub fn repairs_today(&self) -> u64 {
        of_today(self.repairs)
    }

    /// Parts for scored matching, asked today.
    pub(crate) fn parts_today(&self) -> u64 {
        of_today(self.parts_day)
    }
}

impl State {
    /// The cost of today's comparisons with the registries.
    pub(crate) fn compared_today(&self) -> u64 {
        of_today(self.compared)
    }
}

fn of_today(count: Option<(Date, u64)>) -> u64 {
    count.filter(|(day, _)| *day == today()).map_or(0, |(_, count)| count)
}

pub(super) fn day_of(entry: &Entry) -> Option<Date> {
    entry.time.get(..10).and_then(|day| day.parse().ok())
}
