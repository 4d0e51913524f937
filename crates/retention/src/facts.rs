//! The facts that are known of a person: dates of events, and categories.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::CategoryName;

/// An event in the life of a person or of a case, from whose date a period of keeping runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Event {
    /// The person was born. An expected date of birth is none.
    Birth,
    /// The person died.
    Death,
    /// An approval ended, such as an adopter's.
    ApprovalEnded,
    /// An application was refused or withdrawn.
    RefusalOrWithdrawal,
    /// The last contact with the person.
    LastContact,
    /// A court made an order.
    Order,
    /// A caution or a conviction.
    CautionOrConviction,
    /// A case was closed.
    CaseClosed,
    /// The last entry, of whatever kind.
    LastActivity,
}

impl Event {
    /// Whether a blank date says that it has not happened yet. A blank birth date is a gap, and hardly anybody has a date of death.
    pub fn may_be_open(self) -> bool {
        !matches!(self, Self::Birth | Self::Death)
    }

    /// All events.
    pub const ALL: [Self; 9] = [
        Self::Birth,
        Self::Death,
        Self::ApprovalEnded,
        Self::RefusalOrWithdrawal,
        Self::LastContact,
        Self::Order,
        Self::CautionOrConviction,
        Self::CaseClosed,
        Self::LastActivity,
    ];

    /// Its name in the schedule.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Birth => "birth",
            Self::Death => "death",
            Self::ApprovalEnded => "approval-ended",
            Self::RefusalOrWithdrawal => "refusal-or-withdrawal",
            Self::LastContact => "last-contact",
            Self::Order => "order",
            Self::CautionOrConviction => "caution-or-conviction",
            Self::CaseClosed => "case-closed",
            Self::LastActivity => "last-activity",
        }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The dates that sources give for one event. They may differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventDates {
    /// The earliest.
    pub earliest: Date,
    /// The latest: the period of keeping runs from it, so that nothing is disposed of too early.
    pub latest: Date,
}

/// All that is known of one person, from all sources and years.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    dates: BTreeMap<Event, EventDates>,
    /// Events that had not happened yet on a day, as a source shows: the latest such day.
    open: BTreeMap<Event, Date>,
    categories: BTreeSet<CategoryName>,
}

impl Facts {
    /// Adds a date.
    pub fn happened(&mut self, event: Event, on: Date) {
        let known = self.dates.entry(event).or_insert(EventDates { earliest: on, latest: on });
        known.earliest = known.earliest.min(on);
        known.latest = known.latest.max(on);
    }

    /// Adds that an event had not happened yet on a day: an end that is blank.
    pub fn is_open(&mut self, event: Event, on: Date) {
        let known = self.open.entry(event).or_insert(on);
        *known = (*known).max(on);
    }

    /// Adds a category.
    pub fn is_of(&mut self, category: CategoryName) {
        self.categories.insert(category);
    }

    /// Adds all that others say of the same person.
    pub fn extend(&mut self, others: &Self) {
        for (event, dates) in &others.dates {
            self.happened(*event, dates.earliest);
            self.happened(*event, dates.latest);
        }
        for (event, on) in &others.open {
            self.is_open(*event, *on);
        }
        self.categories.extend(others.categories.iter().cloned());
    }

    /// The dates of an event; none where no source gives one.
    pub fn dates(&self, event: Event) -> Option<EventDates> {
        self.dates.get(&event).copied()
    }

    /// The dates of an event, unless it had not happened yet on a later day: an earlier approval ended, and another one stands.
    pub fn over(&self, event: Event) -> Option<EventDates> {
        let open = self.open.get(&event);
        self.dates(event).filter(|dates| open.is_none_or(|on| *on <= dates.latest))
    }

    /// The categories of which a source shows the person to be.
    pub fn categories(&self) -> &BTreeSet<CategoryName> {
        &self.categories
    }
}
