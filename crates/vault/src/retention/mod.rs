//! Retention: who the persons behind a purpose's numbers are, and what is due under a schedule.

mod due;
mod key;
mod list;
mod persons;

pub(crate) use due::{Assessment, Due, HeldBack, shown};
pub(crate) use key::RetentionKey;
pub(crate) use list::{PROPOSED, Proposed, sweep};
pub(crate) use persons::{Person, Persons};
