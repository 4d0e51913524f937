//! Table definitions in, released tables out: tabulate, protect, attack, draft, release. Sees pseudonymised
//! rows and counts; it may depend on `minster-disclosure`, `minster-attack`, `minster-formats`, `minster-leakage`, `minster-store`,
//! `minster-model` and Polars.
//!
//! [`publish::files`] takes [`minster_attack::ReleasableSet`]s, which only the attack can make: an
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
mod derived;
mod earlier_releases;
mod error;
mod protect;
pub mod publish;
mod refusal;
mod release_job;
mod suggest;
mod tabulate;

pub use definition::{
    derived_column::{Derivation, DerivedColumn},
    location::{Location, Step},
    profile::Profile,
    release_definition::{
        Condition, Definition, Dimension, Level, Measure, Method, Population, Respondent,
        SensitiveCategories, Table,
    },
    shared_columns::SharedColumns,
};
pub use earlier_releases::entry::Person;
pub use error::AggregateError;
pub use minster_attack::Interval;
pub use protect::{
    protect_counts::{protect, protect_rounded},
    protect_sums::ReleasableSums,
};
pub use publish::{
    explained::{Cause, ExplainedCell, Names, Reasons, reasons},
    meanings::{ColumnMeaning, ColumnMeanings},
    named_cells::Change,
    reasons::Reason,
    restricted_report::Explanation,
    shown::{Numbers, Shown},
    verify::{Category, Check, Explained, Which, explain, verify_release},
};
pub use refusal::{NamedRelease, ReleaseRefusal, RulesDiffer, TogetherWouldShow};
pub use release_job::{
    commands::{draft, release as let_out, tabulate, withdraw},
    job::Job,
    lineage::{Lineage, LineageStep, StepStands, lineage},
    outcome::{Outcome, ReleaseReport, Revision, TableReport},
    preview::{Blanks, BlanksShare, Preview, PreviewedTable, Stands, WithheldOf, preview},
    public::{PublicRelease, PublicReleases, PublicState, public_releases},
    refused::{KeptRefusal, RefusedStep, refusals},
    reproduce::{Reproduced, Reproduction, reproduce},
};
pub use suggest::{Bounds, Cells, Suggestion, Suggestions, suggest};
pub use tabulate::lookup::read as read_lookup;
