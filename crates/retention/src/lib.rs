//! The council's retention schedule, `retention.toml`: for each category of its privacy notice a rule over dates, and where the
//! sources show that a record is of the category. From the dates of a person follows the disposal date.
//!
//! No I/O and no cryptography. Ingestion takes from the schedule which cells it tells the vault; the vault takes from it when a
//! record is due. It may depend on `minster-model`, `jiff`, `serde`, `thiserror` and `toml` alone.
//!
//! ```
//! use minster_retention::{Disposal, Event, Facts, Schedule};
//!
//! let schedule: Schedule = r#"
//! [[person]]
//! name = "child"
//! kinds = ["upn"]
//!
//! [[category]]
//! name = "other"
//! notice = "all other records"
//! person = "child"
//! default = true
//! end = "destroyed"
//! rule = { event = "birth", years = 25 }
//! evidence = []
//! "#.parse()?;
//! let child = "child".parse()?;
//! let mut facts = Facts::default();
//! assert!(matches!(schedule.disposal(&child, &facts), Disposal::Undetermined { missing: Event::Birth, .. }));
//! facts.happened(Event::Birth, "2008-02-29".parse()?);
//! let Disposal::On { date, .. } = schedule.disposal(&child, &facts) else { unreachable!() };
//! assert_eq!(date, "2033-03-01".parse()?);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]

mod disposal;
mod facts;
mod rule;
mod schedule;
mod text;

pub use disposal::Disposal;
pub use facts::{Event, EventDates, Facts};
pub use rule::{Rule, YearEnd, Years};
pub use schedule::{
    Category, CategoryName, Condition, End, MOST_CATEGORIES, PersonName, Record, Schedule,
};
pub use text::ScheduleError;
