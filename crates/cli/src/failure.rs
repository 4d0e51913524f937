use std::path::PathBuf;

use minster_aggregator::AggregateError;
use minster_matcher::MatchError;
use minster_model::{Purpose, RunId, SourceName, TableName, exit};
use minster_store::StoreError;
use minster_vault_api::VaultError;

/// Why a command stopped.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("cannot read {}: {source}", path.display())]
    Config { path: PathBuf, source: std::io::Error },
    #[error("{}: {source}", path.display())]
    Pipeline { path: PathBuf, source: Box<toml::de::Error> },
    #[error("minster-ingest cannot be started: {0}; it belongs beside this program")]
    NoIngest(std::io::Error),
    /// It has said why on stderr.
    #[error("ingestion stopped; nothing was linked or released, and what stood before stands")]
    Ingest { code: u8 },
    /// It has said why on stderr.
    #[error("minster-ingest did not describe the definitions; there is no dictionary")]
    Describe { code: u8 },
    #[error("minster-ingest gave no report that this release understands")]
    IngestReport,
    #[error(transparent)]
    Vault(Box<VaultError>),
    #[error(transparent)]
    Store(Box<StoreError>),
    #[error("{}: {source}", path.display())]
    Match { path: PathBuf, source: Box<MatchError> },
    #[error("{}: {source}", path.display())]
    Aggregate { path: PathBuf, source: Box<AggregateError> },
    #[error("the release {release}: {source}")]
    Release { release: TableName, source: Box<AggregateError> },
    #[error(
        "the release {release} stands as it was published, and its data or its definition are others now; withdraw it first: `minster withdraw {release} --reason \"…\"`"
    )]
    Stands { release: TableName },
    #[error("the pipeline has no such period; it has {known}")]
    NoPeriod { known: String },
    #[error("{release} is there for several periods ({periods}): say which with `--period`")]
    WhichPeriod { release: TableName, periods: String },
    #[error("the vault names no purpose {purpose}")]
    NoPurpose { purpose: Purpose },
    #[error("the run ledger has no run {run}; `minster runs list` names them")]
    NoRun { run: RunId },
    #[error("the pipeline has no such delivery; `minster plan` names them")]
    NoDelivery,
    #[error("a run is changing {source_name}; ask again when it has ended")]
    Changing { source_name: SourceName },
    #[error("cannot write {}: {source}", path.display())]
    Page { path: PathBuf, source: std::io::Error },
    #[error("{}: {why}", path.display())]
    Decisions { path: PathBuf, why: String },
    #[error(
        "the integrated dataset of {period} was linked by another {}: link again, then ask for its dictionary",
        matching.display()
    )]
    OtherMatching { period: minster_model::Period, matching: PathBuf },
    #[error("{}: nothing explains the column {column} of the table {table}; link again", matching.display())]
    Unexplained { matching: PathBuf, table: TableName, column: String },
    #[error("a cell is named by `column=category`")]
    Cell,
    #[error("a built-in name is not valid")]
    Name,
    #[error("the summary cannot be written: {0}")]
    Summary(serde_json::Error),
    #[error("the output cannot be written: {0}")]
    Output(std::io::Error),
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(Box::new(error))
    }
}

impl From<VaultError> for Failure {
    fn from(error: VaultError) -> Self {
        Self::Vault(Box::new(error))
    }
}

impl Failure {
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Config { .. }
            | Self::Pipeline { .. }
            | Self::NoRun { .. }
            | Self::NoDelivery
            | Self::NoPeriod { .. }
            | Self::WhichPeriod { .. }
            | Self::Page { .. }
            | Self::Decisions { .. }
            | Self::OtherMatching { .. }
            | Self::Unexplained { .. }
            | Self::Cell => exit::USAGE,
            Self::Changing { .. } => exit::LOCKED,
            Self::Ingest { code } | Self::Describe { code } => *code,
            Self::Stands { .. } => exit::REFUSED,
            Self::Vault(_) | Self::NoPurpose { .. } => exit::VAULT,
            Self::Store(error) => error.exit_code(),
            Self::Match { source, .. } => source.exit_code(),
            Self::Aggregate { source, .. } | Self::Release { source, .. } => source.exit_code(),
            Self::NoIngest(_)
            | Self::IngestReport
            | Self::Name
            | Self::Summary(_)
            | Self::Output(_) => exit::FAULT,
        }
    }
}
