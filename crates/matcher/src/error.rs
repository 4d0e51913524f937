use minster_model::{
    ColumnName, DatasetRef, KeyVersion, Period, Purpose, SourceName, TableName, exit,
};
use minster_scoring::ScoringError;
use minster_store::StoreError;

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
    /// A column that the definition names and no delivery has.
    #[error(
        "matching: {source_name}/{table} has no column {column} in any delivery; did you mean {nearest}?"
    )]
    NoColumn {
        /// The source.
        source_name: SourceName,
        /// The table.
        table: TableName,
        /// The column.
        column: ColumnName,
        /// The column that is most like it.
        nearest: String,
    },
    /// A table that the definition names and no delivery has.
    #[error(
        "matching: {source_name} has no table {table} in any delivery; did you mean {nearest}?"
    )]
    NoTable {
        /// The source.
        source_name: SourceName,
        /// The table.
        table: TableName,
        /// The table that is most like it.
        nearest: String,
    },
    /// A period of which the source has no delivery.
    #[error(
        "matching, {column}: no delivery of {source_name} is of the period {wanted}; the nearest is {nearest}"
    )]
    NoPeriod {
        /// The summary column.
        column: ColumnName,
        /// The period.
        wanted: Period,
        /// The source.
        source_name: SourceName,
        /// The period that is most like it.
        nearest: String,
    },
    /// A condition that is none.
    #[error("matching, {column}: {why}")]
    Condition {
        /// The summary column.
        column: ColumnName,
        /// The fault.
        why: String,
    },
    /// A condition none of whose values stands in any row.
    #[error(
        "matching, {name}: no row has any of the values of its condition, so that it would count nothing; look at the codes in the source's definition, and write a blank as `blank = true`"
    )]
    Unmet {
        /// The summary column or table of events.
        name: String,
    },
    /// A ratio of something that is no count.
    #[error("matching, {column}: {of} is no column of counts above it; did you mean {nearest}?")]
    NoCount {
        /// The ratio.
        column: ColumnName,
        /// The column that it names.
        of: ColumnName,
        /// The column that is most like it.
        nearest: String,
    },
    /// A condition's value that its column cannot hold.
    #[error(
        "a condition compares {column} with a value of another type; a day is written as 2025-03-31"
    )]
    WrongValue {
        /// The column.
        column: ColumnName,
    },
    /// Rows about persons that belong to no child: a fault of this program.
    #[error(
        "{rows} rows about persons belong to no child; nothing was linked. This is a fault of the program, report it"
    )]
    Lost {
        /// How many.
        rows: usize,
    },
    /// Events that could not be told apart: a fault of this program.
    #[error(
        "events could not be told apart; nothing was linked. This is a fault of the program, report it"
    )]
    Events,
    /// A thread that ended without a word: a fault of this program.
    #[error(
        "a thread that read a table stopped; nothing was linked. Link again, and report it if it happens again"
    )]
    Thread,
    /// A column of another type.
    #[error("the column {column} does not hold {expected}")]
    WrongType {
        /// The column.
        column: ColumnName,
        /// The type that it should hold.
        expected: &'static str,
    },
    /// A column of the integrated dataset whose name another one has.
    #[error(
        "matching: two columns of the children are named {column}; linking itself writes some, and a column of the definition needs another \
         name"
    )]
    TwoColumns {
        /// The name.
        column: String,
    },
    /// Households, for a purpose without them.
    #[error(
        "matching asks for [households], and the purpose {purpose} does not allow them: take them out, or propose the purpose anew with \
         `households = true`, which two custodians approve"
    )]
    NoHouseholds {
        /// The purpose.
        purpose: Purpose,
    },
    /// Households that say too little.
    #[error("matching, [households]: {why}")]
    Households {
        /// The fault.
        why: &'static str,
    },
    /// An age on a day at which the cohorts do not begin.
    #[error(
        "the column {column} has cohorts at {nearest}, so that no age on {on} can be told: say `on = \"{nearest}\"`, or make cohorts at {on} in \
         the source's definition"
    )]
    NoCohort {
        /// The column.
        column: ColumnName,
        /// The day of the year that was asked for.
        on: String,
        /// The one that the column has.
        nearest: String,
    },
    /// A column that two deliveries hold with two types.
    #[error(
        "the column {column} does not have one type in all deliveries: ingest the older ones again with the definition of the newer"
    )]
    TwoTypes {
        /// The column.
        column: ColumnName,
    },
    /// A table of events whose name another table of the integrated dataset has.
    #[error("matching: two tables of the integrated dataset are named {table}")]
    TwoTables {
        /// The name.
        table: TableName,
    },
    /// The dataset of ids is of another form: a fault of this program.
    #[error(
        "the dataset of ids is of a form that this release does not know; install the release that linked last, or a later one"
    )]
    Ledger,
    /// A source that is to be scored, or the register, has no parts.
    #[error(
        "there are no parts for scored matching beside {dataset}: its definition gives none (`linkage`), or they were shredded \
         after an earlier match; read it again (`minster ingest run --parts`), or say `keep_linkage_parts = true`"
    )]
    NoParts {
        /// The source's dataset.
        dataset: DatasetRef,
    },
    /// A linkage dataset that another release wrote.
    #[error("{dataset} is not as this release writes it; ingest the source again")]
    Parts {
        /// The linkage dataset.
        dataset: DatasetRef,
    },
    /// Parts, or a probability, that scored matching does not take.
    #[error("scored matching: {0}")]
    Scoring(ScoringError),
    /// A source that is to be scored and has no table of persons, or is the register.
    #[error(
        "matching: {source_name} is scored, and has no `[[identity]]` table or is the register itself"
    )]
    NotScored {
        /// The source.
        source_name: SourceName,
    },
    /// Something is said of a column that is none of the table's identifiers.
    #[error(
        "matching: the `[[identity]]` {source_name}/{table} says something of {column}, which is none of its `identifiers`; the nearest \
         is {nearest}"
    )]
    NotAnIdentifier {
        /// The source.
        source_name: SourceName,
        /// Its table of persons.
        table: TableName,
        /// The column.
        column: ColumnName,
        /// The identifier with the nearest name.
        nearest: String,
    },
    /// Decisions without any pair that they could be about.
    #[error(
        "no pair was ever in doubt, so that there is nothing to decide; link first (`minster run`)"
    )]
    NoPairs,
    /// Datasets of keys under which the vault did not tell the list of exact-only identities.
    #[error(
        "the vault tells the list of exact-only identities under other keys than {version}, which the datasets have; carry them \
         over with `minster rekey`"
    )]
    Listed {
        /// The version of the datasets' keys.
        version: KeyVersion,
    },
    /// Datasets of keys under which the vault did not tell which children are restricted.
    #[error(
        "the vault tells which children are restricted under other keys than {version}, which the datasets have; carry them over with \
         `minster rekey`"
    )]
    Restricted {
        /// The version of the datasets' keys.
        version: KeyVersion,
    },
    /// The current dataset was linked of other deliveries or by another definition, or was never linked.
    #[error(
        "the children that stand were not linked from the deliveries and the matching definition as they are now: run `minster link`"
    )]
    NotLinked,
    /// A column that the linkage report groups by and nothing has.
    #[error(
        "matching, [report]: no column of the integrated dataset or of a table of persons is named {column}; did you mean {nearest}?"
    )]
    NoGroup {
        /// The column.
        column: ColumnName,
        /// The column that is most like it.
        nearest: String,
    },
    /// A source that should cover the pupils and is none.
    #[error("matching, [report]: no source is named {source_name}; did you mean {nearest}?")]
    NoCover {
        /// The source.
        source_name: SourceName,
        /// The source that is most like it.
        nearest: String,
    },
    /// Rows of a source that the report cannot account for: a fault of this program.
    #[error(
        "the rows of {source_name} do not add up; no report is given. This is a fault of the program, report it"
    )]
    NotAddedUp {
        /// The source.
        source_name: String,
    },
    /// A crosswalk that does not have each row about a person: a fault of this program.
    #[error(
        "the crosswalk of the integrated dataset is not that of the deliveries' rows; link again (`minster link`), and report it if it happens again"
    )]
    Crosswalk,
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
            | Self::NoTable { .. }
            | Self::NoPeriod { .. }
            | Self::Condition { .. }
            | Self::Unmet { .. }
            | Self::NoCount { .. }
            | Self::WrongValue { .. }
            | Self::TwoTypes { .. }
            | Self::NoCohort { .. }
            | Self::TwoColumns { .. }
            | Self::NoHouseholds { .. }
            | Self::Households { .. }
            | Self::TwoTables { .. }
            | Self::NoParts { .. }
            | Self::Parts { .. }
            | Self::Scoring(_)
            | Self::NotScored { .. }
            | Self::NotAnIdentifier { .. }
            | Self::Listed { .. }
            | Self::Restricted { .. }
            | Self::NoPairs
            | Self::NotLinked
            | Self::NoGroup { .. }
            | Self::NoCover { .. }
            | Self::WrongType { .. } => exit::USAGE,
            Self::Lost { .. } | Self::NotAddedUp { .. } => exit::NOT_CONSERVED,
            Self::Store(error) => error.exit_code(),
            Self::Arrow(_)
            | Self::Report(_)
            | Self::Name
            | Self::Ledger
            | Self::Events
            | Self::Thread
            | Self::Crosswalk => exit::FAULT,
        }
    }
}
