use std::path::PathBuf;

use minster_attack::Refusal;
use minster_disclosure::{RoundingRefusal, SuppressionRefusal};
use minster_model::{exit, table::TableError};
use minster_store::StoreError;

use crate::{
    definition::location::{self, Location},
    refusal::{NamedRelease, ReleaseRefusal},
};

/// Why a release was not made. No variant holds a count.
#[derive(Debug, thiserror::Error)]
pub enum AggregateError {
    /// A definition is not one.
    #[error("the table definition: {0}")]
    Definition(Box<toml::de::Error>),
    /// A definition breaks a rule.
    #[error("{}the release {release}: {what}", line.map(|line| format!("line {line}: ")).unwrap_or_default())]
    Rule {
        /// The release.
        release: String,
        /// The line of its definition, from 1, once the text is at hand.
        line: Option<usize>,
        /// Where in its definition.
        at: Location,
        /// The mistake, and the names that would be right.
        what: String,
    },
    /// The derived columns that definitions share are not as they should be.
    #[error("{why}")]
    Columns {
        /// Why, with the line.
        why: String,
    },
    /// A look-up that cannot be used.
    #[error("the look-up {}: {why}", path.display())]
    Lookup {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// A file of boundaries that cannot be used.
    #[error("the boundary file {path} {why}")]
    Boundaries {
        /// The file.
        path: PathBuf,
        /// Why, and what to do.
        why: String,
    },
    /// A table that cannot be built.
    #[error(transparent)]
    Table(#[from] TableError),
    /// Disclosure control refused: nothing was written.
    #[error("refused: {0}; nothing was released")]
    Refused(Box<ReleaseRefusal>),
    /// Polars could not group. Its own message may quote values, so it is not repeated.
    #[error("the table {table} could not be tabulated: {step} failed")]
    Tabulate {
        /// The table.
        table: String,
        /// The step that failed.
        step: &'static str,
    },
    /// A draft that cannot be let out as it is, or a release that cannot be withdrawn.
    #[error("{0}")]
    Draft(&'static str),
    /// The ledger lacks releases that the vault's log knows, or has them changed.
    #[error(
        "the ledger {} lacks what the vault's log says was let out, or has it changed: {releases}; nothing can be protected beside a release that is not known, so nothing is drafted or let out; put the ledger back from a copy of the store, or let the same release out once more (docs/analysts.md, \"When the ledger lacks a release\")",
        path.display()
    )]
    LedgerLacks {
        /// The ledger's folder.
        path: PathBuf,
        /// The releases, by name and period.
        releases: String,
    },
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A release's restricted report, or the release that it is about, cannot be used.
    #[error("{0}")]
    Report(String),
    /// A release could not be written as Parquet or CSV.
    #[error("the release could not be put together: {0}")]
    Write(String),
}

impl From<ReleaseRefusal> for AggregateError {
    fn from(why: ReleaseRefusal) -> Self {
        Self::Refused(Box::new(why))
    }
}

impl From<Refusal> for AggregateError {
    fn from(why: Refusal) -> Self {
        ReleaseRefusal::from(why).into()
    }
}

impl From<SuppressionRefusal> for AggregateError {
    fn from(why: SuppressionRefusal) -> Self {
        ReleaseRefusal::from(why).into()
    }
}

impl From<RoundingRefusal> for AggregateError {
    fn from(why: RoundingRefusal) -> Self {
        ReleaseRefusal::from(why).into()
    }
}

impl AggregateError {
    /// Finds the line of a broken rule in the definition's text.
    pub(crate) fn located(mut self, text: &str) -> Self {
        if let Self::Rule { line, at, .. } = &mut self {
            *line = line.or_else(|| location::line(text, at));
        }
        self
    }

    /// The result of an earlier definition on the present data; nothing where they no longer have a column or look-up of it.
    pub(crate) fn if_still_there<T>(found: Result<T, Self>) -> Result<Option<T>, Self> {
        match found {
            Ok(found) => Ok(Some(found)),
            Err(Self::Rule { .. } | Self::Lookup { .. }) => Ok(None),
            Err(other) => Err(other),
        }
    }

    /// The result of an earlier release's definition on the present data. Where they no longer have a column or look-up of it, the
    /// new release is refused: nothing can be protected beside a release that is left out of the account.
    pub(crate) fn or_refused<T>(
        found: Result<T, Self>,
        release: impl FnOnce() -> NamedRelease,
    ) -> Result<T, Self> {
        let why = match found {
            Err(Self::Rule { what, .. }) => what,
            Err(Self::Lookup { path, why }) => format!("the look-up {}: {why}", path.display()),
            other => return other,
        };
        Err(ReleaseRefusal::CannotBeCounted { release: release(), why }.into())
    }

    /// The program's exit code.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Definition(_)
            | Self::Columns { .. }
            | Self::Rule { .. }
            | Self::Lookup { .. }
            | Self::Boundaries { .. }
            | Self::Table(_) => exit::USAGE,
            Self::Refused(_) => exit::REFUSED,
            Self::Store(error) => error.exit_code(),
            Self::LedgerLacks { .. } => exit::PUBLISH,
            Self::Draft(_) | Self::Report(_) => exit::USAGE,
            Self::Tabulate { .. } | Self::Write(_) => exit::FAULT,
        }
    }
}
