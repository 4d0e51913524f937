//! Ingestion: raw batches in, pseudonymised batches out, one treatment a column; the program
//! `minster-ingest`. Holds raw records while they pass, and no key: tokens for pseudonyms come from the vault over
//! its socket, each distinct identifier once a run. It may depend on `minster-sources`,
//! `minster-identifiers`, `minster-vault-api`, `minster-store` and `minster-model`.
//!
//! ```no_run
//! use minster_pseudonymiser::{Ingestion, Options};
//!
//! let ingestion = Ingestion::load("config/pipeline.toml".as_ref())?;
//! println!("{}", ingestion.describe()?.text());
//! let report = ingestion.run(&Options::default())?;
//! assert!(report.sources.iter().all(|source| source.counts.conserved()));
//! # Ok::<(), minster_pseudonymiser::IngestError>(())
//! ```
#![forbid(unsafe_code)]

mod arrival;
mod cells;
mod check;
mod coded;
mod columns;
mod delivery;
mod described;
mod draft;
mod duplicates;
mod error;
mod expected;
mod gate;
mod gates;
mod generalise;
mod hash;
mod in_turn;
mod ingestion;
mod linkage;
mod linkage_dataset;
mod names;
mod parts;
mod period;
mod planned;
mod quarantine;
mod quarantined;
mod report;
mod rows;
mod shared;
mod slips;
mod tokens;
mod treatment;
mod trial;
mod work;

pub use check::{Checked, CheckedFile, Fit, NearFit};
pub use described::{Described, DescribedCode, DescribedColumn, DescribedDelivery};
pub use draft::draft;
pub use error::IngestError;
pub use ingestion::{Event, Ingestion, Options};
pub use linkage::{
    LinkageParts, LinkageValue, birth_date_parts, linkage_value, name_parts, postcode_parts,
    surname_parts,
};
pub use minster_store::REASONS;
pub use planned::{IngestionPlan, LackingColumns, PlannedDelivery, PlannedTable};
pub use quarantine::ROWS;
pub use quarantined::{Group, Quarantined};
pub use report::Report;
pub use trial::{Tried, TriedSource};
