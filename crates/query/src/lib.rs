//! A query as an analyst writes it, as the text of a table definition. Nothing is evaluated here: a definition is previewed,
//! protected, attacked and recorded as every other is, whoever wrote it.
//!
//! A small part of SQL maps onto a definition, and it is read token by token: whatever else is written is refused at its
//! place, with what to write instead.
//!
//! ```
//! use minster_query::{Kind, Schema, definition};
//!
//! let mut schema = Schema::default();
//! schema.children = vec![("sen".into(), Kind::Text), ("on_spine".into(), Kind::Truth)];
//! let sql = "SELECT sen, COUNT(*) FROM children WHERE on_spine GROUP BY sen";
//! let text = definition(sql, &"by_sen".parse()?, &schema)?;
//! assert!(text.contains("population = \"spine\""));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]

mod conditions;
mod error;
mod grouping;
mod measures;
mod schema;
mod tokens;
mod translate;
mod written;

pub use error::{Place, QueryError};
pub use schema::{Kind, Rules, Schema};
pub use translate::definition;
pub use written::comment;

/// Bytes that a query has at most.
pub const LONGEST: usize = 8_192;
