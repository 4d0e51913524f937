use std::path::PathBuf;

use minster_model::exit;
use minster_vault_api::note::NoteError;

/// Why the program stopped before it had a report.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error(
        "cannot read the pipeline {}: {source}; name it with --config or MINSTER_CONFIG",
        path.display()
    )]
    NoPipeline { path: PathBuf, source: std::io::Error },
    #[error("{}: {source}", path.display())]
    Pipeline { path: PathBuf, source: Box<toml::de::Error> },
    #[error("this program's own folder cannot be told: {0}; give --programs DIR")]
    OwnFolder(std::io::Error),
    #[error("no check has the name {name}, and none begins so; the checks are {known}")]
    NoCheck { name: String, known: String },
    #[error("cannot read {}: {source}", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("cannot write {}: {source}", path.display())]
    Write { path: PathBuf, source: std::io::Error },
    #[error("{} can be read by others, or is another user's: chmod 600 it, and make a new key, for it may have been copied", path.display())]
    Exposed { path: PathBuf },
    #[error("{} is no auditor's key; `minster-audit key DIR` makes one", path.display())]
    NoKey { path: PathBuf },
    #[error("a key could not be made: the system gave no random bytes")]
    Random,
    #[error("{}: {source}", path.display())]
    Note { path: PathBuf, source: NoteError },
    #[error("{}: {why}", path.display())]
    NotTheReport { path: PathBuf, why: String },
    #[error("the name of a signer is empty or has a space or a plus sign")]
    Name,
    #[error("the report cannot be written: {0}")]
    Json(serde_json::Error),
    #[error("the output cannot be written: {0}")]
    Output(std::io::Error),
}

impl Failure {
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::NoPipeline { .. }
            | Self::Pipeline { .. }
            | Self::OwnFolder(_)
            | Self::NoCheck { .. }
            | Self::Read { .. }
            | Self::Write { .. }
            | Self::Exposed { .. }
            | Self::NoKey { .. }
            | Self::Name => exit::USAGE,
            Self::Note { .. } | Self::NotTheReport { .. } => exit::AUDIT,
            Self::Random | Self::Json(_) | Self::Output(_) => exit::FAULT,
        }
    }
}
