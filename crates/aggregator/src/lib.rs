//! Table definitions in, released tables out: tabulate, protect, attack, draft, release. Sees pseudonymised
//! rows and counts; it may depend on `minster-disclosure`, `minster-attack`, `minster-leakage`, `minster-store`,
//! `minster-model` and Polars.
//!
//! [`release::files`] takes [`minster_attack::ReleasableSet`]s, which only the attack can make: an
//! unverified table cannot be released.
//!
//! ```
//! use minster_aggregator::Definition;
//!
//! let definition = Definition::parse(r#"
//!     name = "sen"
//!     threshold = 5
//!     zeros = "may-be-withheld"
//!     population = "spine"
//!
//!     [[dimension]]
//!     name = "sen"
//!     column = "sen"
//!     total = "All"
//!     codes = ["N", "K", "E"]
//!
//!     [[table]]
//!     name = "sen"
//!     dimensions = ["sen"]
//! "#)?;
//! assert_eq!(definition.tables.len(), 1);
//! # Ok::<(), minster_aggregator::AggregateError>(())
//! ```
#![forbid(unsafe_code)]

mod beside;
mod categories;
mod changed;
mod check;
mod columns;
mod contributions;
mod definition;
mod differences;
mod draft;
mod entry;
mod error;
mod everyone;
mod ledger;
mod lookup;
mod made;
mod occurring;
mod outcome;
mod place;
mod populations;
mod profile;
mod protect;
pub mod release;
mod report;
mod rows;
mod run;
mod sheet;
mod sums;
mod tabulate;
mod verify;

pub use definition::{
    Condition, Definition, Dimension, Holder, Level, Measure, Method, Population,
    SensitiveCategories, Table,
};
pub use entry::Person;
pub use error::AggregateError;
pub use minster_attack::Interval;
pub use outcome::{Outcome, ReleaseReport, Revision, TableReport};
pub use place::{Place, Step};
pub use profile::Profile;
pub use protect::{protect, protect_rounded};
pub use report::{Explanation, Reason};
pub use run::{Job, draft, release as let_out, tabulate, withdraw};
pub use sums::ReleasableSums;
pub use verify::{Category, Check, Explained, Which, explain, verify_release};
