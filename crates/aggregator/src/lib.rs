//! Table definitions in, released tables out: tabulate, protect, attack, release. Sees pseudonymised
//! rows and counts; it may depend on `minster-disclosure`, `minster-attack`, `minster-store`,
//! `minster-model` and Polars.
//!
//! [`release::files`] takes a [`minster_attack::ReleasableSet`], which only the attack can make: an
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

mod definition;
mod error;
mod ledger;
mod lookup;
mod protect;
pub mod release;
mod run;
mod tabulate;

pub use definition::{Definition, Dimension, Measure, Population, Table};
pub use error::AggregateError;
pub use protect::protect;
pub use run::{Job, ReleaseReport, Standing, TableReport, aggregate};
