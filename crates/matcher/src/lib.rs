//! Links pseudonymised sources into one row a child and period, with tables of events beside it, and reports how well they linked.
//!
//! Sees pseudonyms alone: it may depend on `model`, `scoring` and `store`, never on a crate that can parse a raw identifier or hold
//! a key.
//!
//! ```
//! use minster_matcher::{
//!     children::{Children, Number},
//!     person_rows::{PersonRow, PersonTable, Persons},
//! };
//! use minster_model::Pseudonym;
//!
//! let (upn, service_id) = (Pseudonym::from_bytes([1; 16]), Pseudonym::from_bytes([2; 16]));
//! let mut persons = Persons::default();
//! let mut begin = |persons: &mut Persons, source: &str, register| {
//!     persons.begin(PersonTable {
//!         source: source.parse().unwrap(),
//!         period: "2024-25".parse().unwrap(),
//!         table: "persons".parse().unwrap(),
//!         delivery: 0,
//!         register,
//!         spine: register,
//!         numbers: 2,
//!         person_numbers: Vec::new(),
//!         match_keys: 0,
//!     })
//! };
//! begin(&mut persons, "school_census", true);
//! persons.add(&PersonRow { numbers: vec![Some(upn)], ..Default::default() });
//! begin(&mut persons, "cin", false);
//! persons.add(&PersonRow { numbers: vec![Some(service_id), Some(upn)], ..Default::default() });
//!
//! let children = Children::new(&persons);
//! assert_eq!(children.names(), [upn]);
//! assert_eq!(children.number(&service_id), Number::Child(0));
//! ```
#![forbid(unsafe_code)]

mod child_of_row;
pub mod children;
pub mod clerical;
mod clusters;
mod column_work;
pub mod condition;
pub mod definition;
pub mod dictionary;
mod error;
mod events;
mod exact_only;
pub mod identities;
mod integration;
mod job;
mod ledger;
mod linkage_parts;
mod listed_numbers;
pub mod named_day;
mod named_identities;
mod parallel_reader;
pub mod person_rows;
mod person_tables;
mod pseudonym_codes;
mod register;
pub mod report;
mod restricted;
pub mod review;
mod scored_linking;
mod services;
mod small_set;
mod sorted_numbers;
pub mod spells;
pub mod summary;
mod summary_kinds;
mod tables;
mod two_children;
mod up_to_date;
pub mod value_summaries;
mod values;

pub use error::MatchError;
pub use exact_only::ExactOnlyCounts;
pub use job::{CHILDREN, Integrated, Job, integrated, link, needs_parts};
pub use ledger::{LedTo, ids_led_to, ledger_of};
pub use listed_numbers::Listed;
pub use report::{LinkageReport, Linked, TableLinkage, hiding};
pub use restricted::RestrictedNumbers;
pub use scored_linking::{AtThreshold, ScoredSource, THRESHOLDS};
pub use tables::CROSSWALK;
