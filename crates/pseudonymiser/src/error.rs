use std::path::PathBuf;

use minster_identifiers::{shown, shown_path};
use minster_model::{NameError, Period, SourceName, TableName, exit};
use minster_retention::ScheduleError;
use minster_sources::{CatalogueError, LookupError, OutlineError, PlanError, ReadError};
use minster_store::StoreError;
use minster_vault_api::{Denial, FilesFault, VaultError};

/// Why an ingestion stops. No variant holds a row's value.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// A configuration file that cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Config {
        /// The file.
        path: PathBuf,
        /// The system's own error.
        source: std::io::Error,
    },
    /// `pipeline.toml` is not one.
    #[error("{}: {source}", path.display())]
    Pipeline {
        /// The file.
        path: PathBuf,
        /// The fault.
        source: Box<toml::de::Error>,
    },
    /// A definition or code list is not one.
    #[error(transparent)]
    Definitions(#[from] CatalogueError),
    /// A delivery of a source that no definition describes.
    #[error("the source {source_name} is not defined in {}; write its definition (`minster-ingest sources new FILE` drafts one), or take its delivery out of pipeline.toml", folder.display())]
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
    #[error(
        "{}: still being written after {waited} seconds; the next run looks again, or set `arrival.wait_seconds` higher",
        shown_path(path)
    )]
    StillWritten {
        /// The file.
        path: PathBuf,
        /// How long the run waited, in seconds.
        waited: u64,
    },
    /// The retention schedule is not one.
    #[error("{}: {why}", path.display())]
    Schedule {
        /// The file.
        path: PathBuf,
        /// The fault.
        why: Box<ScheduleError>,
    },
    /// The retention schedule names a table that the source's definition does not have.
    #[error(
        "the retention schedule names the table {table} of {source_name}, which the source's definition does not have; mend `schedule` in \
         pipeline.toml, or the file that it names"
    )]
    ScheduleTable {
        /// The source.
        source_name: SourceName,
        /// The table.
        table: TableName,
    },
    /// The retention schedule names a column that the source's definition does not have.
    #[error(
        "the retention schedule names the column {column} of {source_name}/{table}, which the source's definition does not have; mend `schedule` in \
         pipeline.toml, or the file that it names"
    )]
    ScheduleColumn {
        /// The source.
        source_name: SourceName,
        /// The table.
        table: TableName,
        /// The column.
        column: String,
    },
    /// The retention schedule finds nobody in a table's rows.
    #[error(
        "the retention schedule finds no {person} in {source_name}/{table}: no column of it has a kind of number that is such a person's \
         own, or `numbers` names others"
    )]
    ScheduleNumbers {
        /// The source.
        source_name: SourceName,
        /// The table.
        table: TableName,
        /// The person.
        person: String,
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
    /// Codes that the definition does not know.
    #[error(
        "table {table}, column {column}: {cells} of {of} cells are codes that its list does not have, more than {percent} in a hundred; add them to the list, or set `unknown_percent` of the source higher. See them: minster-ingest sources new FILE --values {column}"
    )]
    UnknownCodes {
        /// The table.
        table: TableName,
        /// The column.
        column: String,
        /// Such cells.
        cells: u64,
        /// Cells that are not blank.
        of: u64,
        /// So many in a hundred are let through.
        percent: u32,
    },
    /// A required table without a row.
    #[error(
        "table {table}: it has 0 rows, and is required ({stood} stand); ask the service for the whole export, or take it as it is with --accept"
    )]
    EmptyTable {
        /// The table.
        table: TableName,
        /// Its rows as they stand.
        stood: u64,
    },
    /// The fault of one source, by its name.
    #[error("{source_name} {period}: {error}")]
    OfSource {
        /// The source.
        source_name: SourceName,
        /// The delivery's period.
        period: Period,
        /// The fault.
        error: Box<IngestError>,
    },
    /// A table that is much smaller than before.
    #[error(
        "table {table}: it has {read} rows, and {stood} stand, which is a fall of more than {percent} in a hundred; ask the service whether the export is whole, take it as it is with --accept, or set `fall_percent` of the source higher"
    )]
    Fallen {
        /// The table.
        table: TableName,
        /// Its rows now.
        read: u64,
        /// Its rows as they stand.
        stood: u64,
        /// So many in a hundred may be gone.
        percent: u32,
    },
    /// A required table whose rows are set aside.
    #[error(
        "table {table}: {quarantined} of {read} rows would be set aside, more than {percent} in a hundred; see why with `minster-ingest try`, take it as it is with --accept, or set `quarantine_percent` of the source higher"
    )]
    MostlySetAside {
        /// The table.
        table: TableName,
        /// Such rows.
        quarantined: u64,
        /// All its rows.
        read: u64,
        /// So many in a hundred are let through.
        percent: u32,
    },
    /// A column of numbers of a required table that mostly fail.
    #[error(
        "table {table}, column {column}: {cells} of {of} numbers are wrong, more than {percent} in a hundred; see why with `minster-ingest try`, take them as blank with --accept, or set `quarantine_percent` of the source higher"
    )]
    WrongNumbers {
        /// The table.
        table: TableName,
        /// The column.
        column: String,
        /// Such cells.
        cells: u64,
        /// Cells that are not blank.
        of: u64,
        /// So many in a hundred are let through.
        percent: u32,
    },
    /// A file whose header names another collection, year or authority.
    #[error(
        "{}: its header names {says} as its {what}, and {expected} is expected; deliver the right file, or take it as it is with --accept",
        shown(file)
    )]
    OtherHeader {
        /// The file.
        file: String,
        /// Collection, year or authority.
        what: &'static str,
        /// The text in the header.
        says: String,
        /// The text that should stand there.
        expected: String,
    },
    /// A source that is to be accepted and is not delivered.
    #[error(
        "--accept {source_name}: the pipeline has no such source; `minster plan` names its deliveries"
    )]
    NotDelivered {
        /// The source.
        source_name: SourceName,
    },
    /// Nothing is left to go on with.
    #[error(
        "all {sources} sources were left out; mend the first of the faults above, and run again"
    )]
    AllLeftOut {
        /// How many.
        sources: usize,
    },
    /// A kept text that is no code.
    #[error(
        "table {table}, column {column}: it holds more than {most} different texts, as no code does; give it a pattern or a code list, drop it, or, if they are codes, set `distinct` higher"
    )]
    TooManyTexts {
        /// The table.
        table: TableName,
        /// The column.
        column: String,
        /// So many may differ.
        most: usize,
    },
    /// A delivery is not what its definition says.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// A column whose different texts are not told.
    #[error("the texts of the column {} are not told: {why}", shown(column))]
    NoValues {
        /// The column.
        column: String,
        /// Why.
        why: &'static str,
    },
    /// A definition that is needed and cannot be used.
    #[error("the source {source_name} has no definition that can be used; {why}")]
    BrokenDefinition {
        /// The source.
        source_name: SourceName,
        /// The fault of a definition that may be its.
        why: String,
    },
    /// A look-up that is needed and cannot be used.
    #[error("table {table} needs the look-up {lookup}: {why}")]
    BrokenLookup {
        /// The look-up.
        lookup: String,
        /// The table.
        table: String,
        /// Its fault.
        why: String,
    },
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
    /// A delivery of files that no message to the vault names. The vault was not asked.
    #[error(transparent)]
    Files(FilesFault),
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
    /// The same under the source's name, where its message names a table alone.
    pub(crate) fn named(self, source_name: &SourceName, period: &Period) -> Self {
        match self {
            Self::UnknownCodes { .. }
            | Self::TooManyTexts { .. }
            | Self::EmptyTable { .. }
            | Self::Fallen { .. }
            | Self::MostlySetAside { .. }
            | Self::WrongNumbers { .. }
            | Self::Files(_)
            | Self::OtherHeader { .. } => Self::OfSource {
                source_name: source_name.clone(),
                period: period.clone(),
                error: Box::new(self),
            },
            other => other,
        }
    }

    /// Whether it is about one delivery, and others can do without that.
    pub(crate) fn is_of_source(&self) -> bool {
        // The vault answers for other sources all the same.
        if let Self::Vault(VaultError::Denied(denial)) = self {
            return matches!(
                denial,
                Denial::SourceNotAllowed { .. }
                    | Denial::OutsidePurpose { .. }
                    | Denial::KindNotAllowed { .. }
                    | Denial::OverBudget { .. }
            );
        }
        matches!(
            self,
            Self::NoDefinition { .. }
                | Self::BrokenDefinition { .. }
                | Self::BrokenLookup { .. }
                | Self::Year { .. }
                | Self::StillWritten { .. }
                | Self::NoLookup { .. }
                | Self::UnknownCodes { .. }
                | Self::EmptyTable { .. }
                | Self::Fallen { .. }
                | Self::MostlySetAside { .. }
                | Self::WrongNumbers { .. }
                | Self::OtherHeader { .. }
                | Self::TooManyTexts { .. }
                | Self::Files(_)
                | Self::Plan(_)
                | Self::Read(_)
                | Self::Kind(_)
                | Self::Arrow(_)
                | Self::Unlearnt
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
            | Self::Schedule { .. }
            | Self::ScheduleTable { .. }
            | Self::ScheduleColumn { .. }
            | Self::ScheduleNumbers { .. }
            | Self::NoLookup { .. }
            | Self::NoValues { .. }
            | Self::BrokenDefinition { .. }
            | Self::BrokenLookup { .. }
            | Self::UnknownCodes { .. }
            | Self::EmptyTable { .. }
            | Self::Fallen { .. }
            | Self::MostlySetAside { .. }
            | Self::WrongNumbers { .. }
            | Self::OtherHeader { .. }
            | Self::NotDelivered { .. }
            | Self::AllLeftOut { .. }
            | Self::TooManyTexts { .. }
            | Self::Files(_)
            | Self::Lookup(_)
            | Self::Plan(_)
            | Self::Outline(_)
            | Self::Read(_)
            | Self::Kind(_) => exit::USAGE,
            Self::OfSource { error, .. } => error.exit_code(),
            Self::Vault(_) => exit::VAULT,
            Self::Store(error) => error.exit_code(),
            Self::Quarantine(_) => exit::PUBLISH,
            Self::Sealing(_) | Self::Unlearnt | Self::Arrow(_) | Self::Output(_) => exit::FAULT,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One drop folder with too many small files took the night of all sources.
    #[test]
    fn files_that_no_message_to_the_vault_names_leave_out_their_source_alone() {
        let error = || IngestError::Files(FilesFault::TooMany { files: 4_097 });
        assert!(error().is_of_source());
        let (name, period) = ("census".parse().unwrap(), "2024-25".parse().unwrap());
        let told = error().named(&name, &period);
        assert_eq!(told.exit_code(), exit::USAGE);
        let told = told.to_string();
        assert!(told.contains("census") && told.contains("4097 files"), "{told}");
    }
}
