use minster_model::{ColumnName, DatasetRef, exit};
use minster_store::StoreError;

use crate::summary::SummaryError;

/// Why sources could not be linked. No variant holds a row's value.
#[derive(Debug, thiserror::Error)]
pub enum MatchError {
    /// `matching.toml` is not one.
    #[error("the matching definition: {0}")]
    Definition(Box<toml::de::Error>),
    /// None of the pipeline's deliveries is a source that the definition names.
    #[error("no delivery of the pipeline is a source of the matching definition")]
    Nothing,
    /// Two datasets were pseudonymised with different keys: they share no pseudonym.
    #[error("the dataset {dataset} was pseudonymised with another key; ingest it again")]
    OtherKey {
        /// The dataset.
        dataset: DatasetRef,
    },
    /// A column that the definition names.
    #[error("there is no column {column}; the dataset's manifest lists its columns")]
    NoColumn {
        /// The column.
        column: ColumnName,
    },
    /// A column of another type.
    #[error("the column {column} does not hold {expected}")]
    WrongType {
        /// The column.
        column: ColumnName,
        /// What it should hold.
        expected: &'static str,
    },
    /// A summary that could not be read back.
    #[error("the values of {column} are neither text nor whole numbers")]
    Values {
        /// The summary column.
        column: String,
    },
    /// A summary failed.
    #[error(transparent)]
    Summary(#[from] SummaryError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A batch that Arrow does not take: a fault of this program.
    #[error("a batch could not be put together: {0}")]
    Arrow(#[from] arrow::error::ArrowError),
    /// The report could not be written.
    #[error("the linkage report could not be written: {0}")]
    Report(serde_json::Error),
    /// A built-in name that is none: a fault of this program.
    #[error("a built-in name is not valid")]
    Name,
}

impl MatchError {
    /// The program's exit code.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Definition(_)
            | Self::Nothing
            | Self::OtherKey { .. }
            | Self::NoColumn { .. }
            | Self::WrongType { .. }
            | Self::Values { .. }
            | Self::Summary(_) => exit::USAGE,
            Self::Store(error) => error.exit_code(),
            Self::Arrow(_) | Self::Report(_) | Self::Name => exit::FAULT,
        }
    }
}
