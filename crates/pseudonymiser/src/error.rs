use std::path::PathBuf;

use minster_model::{NameError, Period, SourceName, exit};
use minster_sources::{CatalogueError, LookupError, OutlineError, PlanError, ReadError};
use minster_store::StoreError;
use minster_vault_api::VaultError;

/// Why an ingestion stops. No variant holds a row's value.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// A configuration file that cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Config {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// `pipeline.toml` is not one.
    #[error("{}: {source}", path.display())]
    Pipeline {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: Box<toml::de::Error>,
    },
    /// A definition or code list is not one.
    #[error(transparent)]
    Definitions(#[from] CatalogueError),
    /// A delivery of a source that no definition describes.
    #[error("the source {source_name} is not defined in {}", folder.display())]
    NoDefinition {
        /// The source.
        source_name: SourceName,
        /// The folder of definitions.
        folder: PathBuf,
    },
    /// A delivery of a year that the definition does not fit.
    #[error(
        "the definition of {source_name} does not fit the period {period}; add it to `years`, or a [[version]] with what differs, once the layout was compared"
    )]
    Year {
        /// The source.
        source_name: SourceName,
        /// The delivery's period.
        period: Period,
    },
    /// A file that has not settled.
    #[error("{}: still being written after {waited} seconds; the next run looks again, or set `arrival.wait_seconds` higher", path.display())]
    StillWritten {
        /// The file.
        path: PathBuf,
        /// How long the run waited, in seconds.
        waited: u64,
    },
    /// A look-up that a definition needs.
    #[error("table {table} needs the look-up {lookup}; name its file under [lookups]")]
    NoLookup {
        /// The look-up.
        lookup: String,
        /// The table.
        table: String,
    },
    /// A look-up that cannot be used.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// A delivery is not what its definition says.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// A file of which no definition can be drafted.
    #[error(transparent)]
    Outline(#[from] OutlineError),
    /// A file cannot be read on.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The vault gave no answer.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The store could not be written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The quarantine cannot be sealed.
    #[error("{0}")]
    Sealing(&'static str),
    /// The quarantine cannot be written.
    #[error("the quarantine cannot be written: {0}")]
    Quarantine(std::io::Error),
    /// A name that is none.
    #[error(transparent)]
    Kind(#[from] NameError),
    /// A batch that Arrow does not take: a fault of this program.
    #[error("a batch could not be put together: {0}")]
    Arrow(#[from] arrow::error::ArrowError),
    /// An identifier without a token: a fault of this program. Nothing was published.
    #[error("an identifier has no token; nothing was published")]
    Unlearnt,
    /// The output cannot be written.
    #[error("the output cannot be written: {0}")]
    Output(std::io::Error),
}

impl IngestError {
    /// Whether it is about one delivery, and others can do without that.
    pub(crate) fn is_of_source(&self) -> bool {
        matches!(
            self,
            Self::NoDefinition { .. }
                | Self::Year { .. }
                | Self::StillWritten { .. }
                | Self::NoLookup { .. }
                | Self::Plan(_)
                | Self::Read(_)
        )
    }

    /// The program's exit code.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Config { .. }
            | Self::Pipeline { .. }
            | Self::Definitions(_)
            | Self::NoDefinition { .. }
            | Self::Year { .. }
            | Self::StillWritten { .. }
            | Self::NoLookup { .. }
            | Self::Lookup(_)
            | Self::Plan(_)
            | Self::Outline(_)
            | Self::Read(_)
            | Self::Kind(_) => exit::USAGE,
            Self::Vault(_) => exit::VAULT,
            Self::Store(error) => error.exit_code(),
            Self::Quarantine(_) => exit::PUBLISH,
            Self::Sealing(_) | Self::Unlearnt | Self::Arrow(_) | Self::Output(_) => exit::FAULT,
        }
    }
}
