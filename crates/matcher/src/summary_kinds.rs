//! The kinds of summary columns, as `matching.toml` names them.

use minster_model::{ColumnName, Day};
use serde::Deserialize;

use crate::{
    definition::{Blank, DELIVERY},
    named_day::NamedDay,
    spells::{AsAt, EndDay, Gather, Longest},
    value_summaries::{Age, DateOf, DaysBetween, Distinct},
};

/// The summary of a table's rows: one value a child.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Summary {
    /// The number of rows.
    Count,
    /// 1 where there is a row, else 0.
    Any,
    /// The sum of a whole-number column; a missing value adds nothing.
    Sum {
        /// The column summed.
        of: ColumnName,
    },
    /// The greatest value of a column.
    Max {
        /// The column compared.
        of: ColumnName,
    },
    /// The least value of a column.
    Min {
        /// The column compared.
        of: ColumnName,
    },
    /// The latest known value: that of the row with the greatest `by` among those that have one. Where rows have the same
    /// `by`, the later delivery goes before, and then the row of the preferred person.
    Latest {
        /// The column whose value is taken.
        of: ColumnName,
        /// The column, most often a date, that decides which row is latest.
        by: ColumnName,
    },
    /// The first known value: that of the row with the least `by`.
    First {
        /// The column whose value is taken.
        of: ColumnName,
        /// The column, most often a date, that decides which row is first.
        by: ColumnName,
    },
    /// The number of different values; a blank is none.
    Distinct {
        /// The column.
        of: ColumnName,
    },
    /// The days from one date of a child to another; blank where one is missing.
    DaysBetween {
        /// The date from which they are counted.
        from: DateOf,
        /// The date to which they are counted.
        until: DateOf,
    },
    /// The days of the longest spell: a row with a first and a last day.
    Longest {
        /// The column with the first day.
        from: ColumnName,
        /// The column with the end.
        end: ColumnName,
        /// Where rows without an end end. Without it they are no spells.
        #[serde(default)]
        open_until: Option<NamedDay>,
        /// Whether the day of the end belongs to the spell.
        #[serde(default)]
        end_day: EndDay,
        /// Whether spells of a child that overlap or touch are one.
        #[serde(default)]
        joined: bool,
    },
    /// The value of the row that is open on a day. Among several the one with the later start counts, then the one with the
    /// later end, then the later delivery's, then that of the preferred person, then the first.
    AsAt {
        /// The column whose value is taken.
        of: ColumnName,
        /// The column with the first day.
        from: ColumnName,
        /// The column with the end; a row without one is open.
        end: ColumnName,
        /// The day: `2025-03-31`, or `03-31` for that of each period.
        on: NamedDay,
        /// Whether the day of the end belongs to the spell.
        #[serde(default)]
        end_day: EndDay,
    },
    /// The whole years completed at the end of a day, by the latest delivery's birth cohort.
    Age {
        /// The column with the cohort.
        of: ColumnName,
        /// The day: `2025-08-31`, or `08-31` for that of each period. The cohorts must be of this day of the year.
        on: NamedDay,
    },
}

impl Summary {
    /// Whether the order of deliveries decides.
    pub(crate) fn is_by_delivery(&self) -> bool {
        match self {
            Self::Latest { by, .. } | Self::First { by, .. } => by.as_str() == DELIVERY,
            Self::Age { .. } => true,
            _ => false,
        }
    }

    /// Its day in a period whose first and last days these are; none where it has none.
    ///
    /// # Errors
    /// Why the period has no such day.
    pub(crate) fn day(&self, period: Option<(Day, Day)>) -> Result<Option<Day>, String> {
        let when = match self {
            Self::Longest { open_until, .. } => *open_until,
            Self::AsAt { on, .. } | Self::Age { on, .. } => Some(*on),
            _ => None,
        };
        when.map(|when| when.day(period)).transpose()
    }

    /// Its gatherer, where more than one number a child is kept.
    pub(crate) fn gather(
        &self,
        blank: Blank,
        children: usize,
        day: Option<Day>,
    ) -> Option<Box<dyn Gather>> {
        Some(match self.clone() {
            Self::Distinct { of } => Box::new(Distinct::new(of, children)),
            Self::DaysBetween { from, until } => Box::new(DaysBetween::new(from, until, children)),
            Self::Longest { from, end, end_day, joined, .. } => {
                Box::new(Longest::new((from, end), day, (end_day, joined), children))
            }
            Self::AsAt { of, from, end, end_day, .. } => {
                Box::new(AsAt::new(of, (from, end), (day, end_day), blank, children))
            }
            Self::Age { of, .. } => Box::new(Age::new(of, day, children)),
            _ => return None,
        })
    }

    /// The columns of the table that it reads.
    pub fn columns(&self) -> Vec<&ColumnName> {
        let columns = match self {
            Self::Count | Self::Any => vec![],
            Self::Sum { of } | Self::Max { of } | Self::Min { of } => vec![of],
            Self::Latest { of, by } | Self::First { of, by } => vec![of, by],
            Self::Distinct { of } | Self::Age { of, .. } => vec![of],
            Self::DaysBetween { from, until } => vec![from.column(), until.column()],
            Self::Longest { from, end, .. } => vec![from, end],
            Self::AsAt { of, from, end, .. } => vec![of, from, end],
        };
        columns.into_iter().filter(|name| name.as_str() != DELIVERY).collect()
    }
}
