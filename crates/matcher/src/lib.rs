//! Links pseudonymised sources into one row a child, and reports how well they linked.
//!
//! Sees pseudonyms alone: it may depend on `model`, `store` and Polars, never on a crate that can
//! parse a raw identifier or hold a key.
//!
//! ```
//! use minster_matcher::children::{ChildrenBuilder, IdentityRow, Linkage};
//! use minster_model::Pseudonym;
//!
//! let (upn, service_id) = (Pseudonym::from_bytes([1; 16]), Pseudonym::from_bytes([2; 16]));
//! let mut builder = ChildrenBuilder::default();
//! builder.add_spine(IdentityRow { identifiers: vec![upn], ..Default::default() });
//! let bridge = IdentityRow { identifiers: vec![service_id, upn], ..Default::default() };
//! builder.add(bridge);
//!
//! let children = builder.build();
//! let episode = IdentityRow { identifiers: vec![service_id], ..Default::default() };
//! assert_eq!(children.resolve(&episode), (Some(0), Linkage::Identifier));
//! ```
#![forbid(unsafe_code)]

pub mod children;
pub mod definition;
mod error;
mod groups;
mod integrate;
mod report;
mod standing;
pub mod summary;

pub use error::MatchError;
pub use integrate::{CHILDREN, Job, integrated, link};
pub use report::{LinkageReport, TableLinkage};
