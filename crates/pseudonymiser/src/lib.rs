//! Ingestion: raw batches in, pseudonymised batches out, one treatment a column; the program
//! `minster-ingest`. Holds raw records while they pass, and no key: tokens for pseudonyms come from the vault over
//! its socket, each distinct identifier once a run. It may depend on `minster-sources`,
//! `minster-identifiers`, `minster-vault-api`, `minster-store`, `minster-retention`, `minster-sandbox` and `minster-model`.
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

mod batch;
mod cells;
mod check;
mod columns;
mod corrections;
mod delivery;
mod delivery_checks;
mod describe;
mod distinct_values;
mod duplicates;
mod error;
mod facts;
mod file_order;
mod generalise;
mod hanging;
mod hash;
mod ingestion;
mod kept_text;
mod linkage_dataset;
mod linkage_parts;
mod linkage_rows;
mod new_definition;
mod period;
mod planned;
mod quarantine;
mod quarantine_report;
mod replacement_gate;
mod report;
mod shared_numbers;
mod slips;
mod tokens;
mod treatment;
mod trial;
mod wait_for_files;
mod workers;

pub use check::{Checked, CheckedFile, Fit, NearFit};
pub use describe::{Described, DescribedCode, DescribedColumn, DescribedDelivery};
pub use error::IngestError;
pub use ingestion::{Event, Ingestion, Options};
pub use linkage_parts::{
    LinkageParts, LinkageValue, birth_date_parts, linkage_value, name_parts, postcode_parts,
    surname_parts,
};
pub use minster_store::REASONS;
pub use new_definition::draft;
pub use planned::{IngestionPlan, LackingColumns, PlannedDelivery, PlannedTable};
pub use quarantine::ROWS;
pub use quarantine_report::{QuarantineGroup, QuarantineReport};
pub use report::Report;
pub use trial::{Tried, TriedSource};
