//! Table definitions in, released tables out: tabulate, protect, attack, release. Sees pseudonymised
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
mod check;
mod columns;
mod contributions;
mod definition;
mod differences;
mod error;
mod everyone;
mod ledger;
mod lookup;
mod occurring;
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
pub use error::AggregateError;
pub use minster_attack::Interval;
pub use place::{Place, Step};
pub use profile::Profile;
pub use protect::{protect, protect_rounded};
pub use report::{Explanation, Reason};
pub use run::{Job, ReleaseReport, Standing, TableReport, aggregate, tabulate};
pub use sums::ReleasableSums;
pub use verify::{Category, Check, Explained, Which, explain, verify_release};
