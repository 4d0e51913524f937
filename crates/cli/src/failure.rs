use std::path::PathBuf;

use minster_aggregator::AggregateError;
use minster_matcher::MatchError;
use minster_model::{Period, Purpose, RunId, SourceName, TableName, exit};
use minster_query::QueryError;
use minster_store::StoreError;
use minster_vault_api::VaultError;

/// Why a command stopped.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("cannot read {}: {source}; name a file that is there and may be read", path.display())]
    Config { path: PathBuf, source: std::io::Error },
    #[error(
        "cannot read the pipeline {}: {source}; name it with --config or MINSTER_CONFIG, or write one with `minster init`",
        path.display()
    )]
    NoPipeline { path: PathBuf, source: std::io::Error },
    #[error(
        "the folder {} is not empty, and `minster init` overwrites nothing; name a new folder, such as `minster init config-new`",
        folder.display()
    )]
    NotEmpty { folder: PathBuf },
    #[error("{}: {source}", path.display())]
    Pipeline { path: PathBuf, source: Box<toml::de::Error> },
    #[error("minster-ingest cannot be started: {0}; install it in the folder of this program")]
    NoIngest(std::io::Error),
    #[error("minster-audit cannot be started: {0}; install it in the folder of this program")]
    NoAudit(std::io::Error),
    /// It has said why on stderr.
    #[error(
        "ingestion stopped; nothing was linked or drafted, and the earlier data and releases are still there"
    )]
    Ingest { code: u8 },
    /// It has said why on stderr.
    #[error("minster-ingest cannot plan this pipeline; nothing was read")]
    Plan { code: u8 },
    /// It has said why on stderr.
    #[error("minster-ingest could not describe the definitions, so there is no dictionary")]
    Describe { code: u8 },
    #[error(
        "minster-ingest gave a report that this program cannot read; install both programs of one release"
    )]
    IngestReport,
    #[error(transparent)]
    Vault(Box<VaultError>),
    #[error(transparent)]
    Store(Box<StoreError>),
    #[error("{}: {source}", path.display())]
    Match { path: PathBuf, source: Box<MatchError> },
    #[error("{}: {source}", path.display())]
    Aggregate { path: PathBuf, source: Box<AggregateError> },
    #[error(transparent)]
    Released { source: Box<AggregateError> },
    #[error("the release {release}: {source}")]
    Release { release: TableName, source: Box<AggregateError> },
    #[error(
        "the release {release} is public, and its data or its definition have changed since; withdraw it first: `minster withdraw {release} --reason \"…\"`"
    )]
    Stands { release: TableName },
    #[error("the pipeline has no such period; it has {known}")]
    NoPeriod { known: String },
    #[error(
        "the release {release} exists for several periods ({periods}); choose one with `--period`"
    )]
    WhichPeriod { release: TableName, periods: String },
    #[error(
        "{most} previews of {period} were looked at today, and a day (UTC) has no more; look at a draft's sizes with `minster aggregate`, or go on tomorrow"
    )]
    PreviewsUsedUp { most: usize, period: Period },
    #[error(
        "the risk of {period} was measured {most} times today, and a day (UTC) has no more: reports beside each other tell more than each; go on tomorrow"
    )]
    RisksUsedUp { most: usize, period: Period },
    #[error(
        "the vault does not know the purpose {purpose}; custodians name it with `minster-vault request … purpose`"
    )]
    NoPurpose { purpose: Purpose },
    #[error(
        "the pairs from {version} of the keys of {purpose} to the next lack a pseudonym that the version before leads to, so nothing \
         is converted by them; custodians put the vault's folder `crosswalks` back from a copy of the same day as its registry"
    )]
    LostStep { purpose: Purpose, version: minster_model::KeyVersion },
    #[error("the disposal list {} {why}", path.display())]
    DisposalList { path: PathBuf, why: String },
    #[error(
        "a row of the schedule has records handed to the City Archives before their end: nothing was disposed of in the store. Name a folder for \
         the sealed bundle with --city-archives DIR"
    )]
    NoArchivesFolder,
    #[error(
        "the sealed archive {} is gone or was changed, and rows have left the datasets already: put the file with the SHA-256 {sha256} back from \
         a copy of the store, then run the same again",
        path.display()
    )]
    ArchiveLost { path: PathBuf, sha256: String },
    #[error("{} is there already; name a new file for the receipt", path.display())]
    Receipt { path: PathBuf },
    #[error(
        "{dataset} is not what the vault's log says, or is gone: nothing was disposed of in the store. Put it back or have custodians give it up \
         first (docs/engineers.md, \"When a snapshot is not the newest\"), then run the same again"
    )]
    DisposalDiffers { dataset: String },
    #[error(
        "the pipeline names no retention schedule; name it with `schedule`, so that the bundle can say until when records are kept"
    )]
    NoSchedule,
    #[error("{name} is no grant: name the proposal's text, or its 16 digits")]
    Grant { name: String },
    #[error("{} is there already, and nothing is overwritten; name a new file for the bundle", path.display())]
    BundleExists { path: PathBuf },
    #[error(
        "the grant is used up, and the bundle could not be put at {}: {source}. It stands in {}: do not delete it. Its SHA-256 is in the \
         vault's log (ended-access); if it is the same, rename the file",
        path.display(), aside.display()
    )]
    BundleAside { path: PathBuf, aside: PathBuf, source: std::io::Error },
    #[error(
        "{dataset} is not what the vault's log says, or is gone: no bundle was made, and the grant is not used up. Put it back or have custodians \
         give it up first (docs/engineers.md, \"When a snapshot is not the newest\"), then run the same again"
    )]
    AccessDiffers { dataset: String },
    #[error(
        "more than 256 MiB of rows seem to be one child's; no bundle was made. Find out which source gives many children one number"
    )]
    TooManyRows,
    #[error("no definition has the name {release}; {why}")]
    NoDefinition { release: TableName, why: String },
    #[error("the run ledger has no run {run}; `minster runs list` names its runs")]
    NoRun { run: RunId },
    #[error("the pipeline has no such delivery; `minster plan` names its deliveries")]
    NoDelivery,
    #[error("a run is changing {source_name}; ask again after the run")]
    Changing { source_name: SourceName },
    #[error("cannot write {}: {source}", path.display())]
    Page { path: PathBuf, source: std::io::Error },
    #[error("{}: {why}", path.display())]
    Decisions { path: PathBuf, why: String },
    #[error(
        "the integrated dataset of {period} was linked by an earlier {}; run `minster link`, then ask for its dictionary",
        matching.display()
    )]
    OtherMatching { period: Period, matching: PathBuf },
    #[error(
        "the integrated dataset of {period} was linked by an earlier release, whose report is another; run `minster link`"
    )]
    LinkedByEarlier { period: Period },
    #[error("{} does not explain the column {column} of the table {table}; run `minster link`", matching.display())]
    Unexplained { matching: PathBuf, table: TableName, column: String },
    #[error("the policy {}: {why}", path.display())]
    Risk { path: PathBuf, why: String },
    #[error(
        "the pipeline names no policy of risk; write `risk = \"risk.toml\"` into it, or name one with --policy (docs/risk.md)"
    )]
    NoRisk,
    #[error(
        "the purpose {purpose} keeps exact numbers from analysts (`previews = \"shapes\"`); measure without --exact, or have custodians \
         propose it anew"
    )]
    NotExact { purpose: Purpose },
    #[error("cannot look at {}: {source}; have a user look who may", path.display())]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error(
        "the data of {period} break a bound of {}: {broken}; nothing was drafted or let out; `minster risk` says what drives it and what \
         coarser treatments would leave",
        path.display()
    )]
    Risky { path: PathBuf, period: Period, broken: String },
    /// It points into the query.
    #[error("the query, {0}")]
    Query(Box<QueryError>),
    #[error("{} is there already, and no definition is overwritten; give --save another name", path.display())]
    DefinitionStands { path: PathBuf },
    #[error("{}: {source}", path.display())]
    Schedule { path: PathBuf, source: Box<minster_retention::ScheduleError> },
    #[error(
        "the vault's log has an entry that this program cannot read; use programs of one release"
    )]
    OtherLog,
    #[error("--cell takes `column=category`, such as `--cell ward=W01`")]
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
            | Self::NoPipeline { .. }
            | Self::NotEmpty { .. }
            | Self::Pipeline { .. }
            | Self::NoRun { .. }
            | Self::NoDelivery
            | Self::NoDefinition { .. }
            | Self::NoPeriod { .. }
            | Self::WhichPeriod { .. }
            | Self::Page { .. }
            | Self::DisposalList { .. }
            | Self::NoArchivesFolder
            | Self::ArchiveLost { .. }
            | Self::Receipt { .. }
            | Self::NoSchedule
            | Self::Grant { .. }
            | Self::BundleExists { .. }
            | Self::BundleAside { .. }
            | Self::Decisions { .. }
            | Self::OtherMatching { .. }
            | Self::LinkedByEarlier { .. }
            | Self::Unexplained { .. }
            | Self::Risk { .. }
            | Self::NoRisk
            | Self::NotExact { .. }
            | Self::Unreadable { .. }
            | Self::Query(_)
            | Self::DefinitionStands { .. }
            | Self::Schedule { .. }
            | Self::Cell => exit::USAGE,
            Self::Changing { .. } => exit::LOCKED,
            Self::Ingest { code } | Self::Plan { code } | Self::Describe { code } => *code,
            Self::Stands { .. }
            | Self::PreviewsUsedUp { .. }
            | Self::RisksUsedUp { .. }
            | Self::Risky { .. } => exit::REFUSED,
            Self::DisposalDiffers { .. }
            | Self::AccessDiffers { .. }
            | Self::Vault(_)
            | Self::OtherLog
            | Self::NoPurpose { .. }
            | Self::LostStep { .. } => exit::VAULT,
            Self::Store(error) => error.exit_code(),
            Self::Match { source, .. } => source.exit_code(),
            Self::Aggregate { source, .. }
            | Self::Release { source, .. }
            | Self::Released { source } => source.exit_code(),
            Self::NoIngest(_)
            | Self::NoAudit(_)
            | Self::IngestReport
            | Self::TooManyRows
            | Self::Name
            | Self::Summary(_)
            | Self::Output(_) => exit::FAULT,
        }
    }
}
