//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use minster_model::{Period, RunId, SourceName};

use crate::log::Format;

/// Reads the council's sources, has the vault pseudonymise their identifiers, and stores each delivery as an encrypted dataset.
#[derive(Parser)]
#[command(
    name = "minster-ingest",
    version = env!("MINSTER_VERSION"),
    arg_required_else_help = true,
    after_help = "Examples:\n  minster-ingest plan\n  minster-ingest run\n\n\
        docs/engineers.md and docs/sources.md lead through the work."
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Say which files a run would read, and which columns would pass. No row is read.
    #[command(after_help = "Example:\n  minster-ingest plan")]
    Plan {
        #[command(flatten)]
        config: Config,
        #[command(flatten)]
        form: Json,
    },
    /// Ingest every delivery of the pipeline that is new or has changed.
    #[command(after_help = "Example:\n  minster-ingest run --json --log json\n\n\
            Exit: 0 done; 2 usage or configuration, or a source is not as defined; 3 done, with rows in quarantine; 5 rows \
            were not conserved; 6 the vault; 7 publishing failed, and the dataset before is still there; 8 another run \
            holds the lock; 10 done, but a source was left out; 1 an unexpected fault. docs/engineers.md says for each what \
            to do.")]
    Run {
        #[command(flatten)]
        config: Config,
        #[command(flatten)]
        form: Json,
        /// The form of messages on standard error.
        #[arg(long, value_enum, default_value_t = Format::Text)]
        log: Format,
        /// Read every delivery again, even where nothing changed.
        #[arg(long)]
        again: bool,
        /// Read deliveries again whose parts for scored matching are gone. All rows can then be matched anew.
        #[arg(long)]
        parts: bool,
        /// Take this source's delivery as it is: empty, fallen, mostly set aside, or of another year. It may be given several
        /// times.
        #[arg(long, value_name = "SOURCE")]
        accept: Vec<SourceName>,
        /// The caller holds the store's lock (`minster run` does).
        #[arg(long, hide = true)]
        lock_held: bool,
        /// The run's name; made from the clock where absent.
        #[arg(long, hide = true)]
        run: Option<RunId>,
    },
    /// Apply the definitions to every row, and say what would become of it. Nothing is stored, and no vault is asked.
    #[command(after_help = "Example:\n  minster-ingest try\n\n\
            Exit: 0 every row would pass; 2 a source would stop; 3 rows would be set aside")]
    Try {
        /// The pipeline's configuration, as --config names it.
        #[arg(value_name = "FILE", conflicts_with = "path", hide = true)]
        pipeline: Option<PathBuf>,
        #[command(flatten)]
        config: Config,
        #[command(flatten)]
        form: Json,
    },
    /// Print the JSON schema of source definitions, for editors.
    #[command(after_help = "Example:\n  minster-ingest schema > config/sources.schema.json")]
    Schema,
    /// Look at files and definitions. Nothing is ingested.
    #[command(
        subcommand,
        after_help = "Example:\n  minster-ingest sources check --definitions config/sources drop/*.csv"
    )]
    Sources(Sources),
    /// Say which rows are in quarantine, and why.
    #[command(
        subcommand,
        after_help = "Example:\n  minster-ingest quarantine list\n\n\
            The rows themselves are sealed; the vault opens them (`minster-vault quarantine open`)."
    )]
    Quarantine(Quarantine),
}

#[derive(Subcommand)]
pub(crate) enum Quarantine {
    /// Count the rows in quarantine by file, column and reason.
    #[command(after_help = "Example:\n  minster-ingest quarantine list\n\n\
            Exit: 0 nothing is in quarantine; 3 rows are")]
    List {
        #[command(flatten)]
        config: Config,
        #[command(flatten)]
        form: Json,
    },
}

#[derive(Subcommand)]
pub(crate) enum Sources {
    /// Say which definition and years each file fits, or what is wrong with it. No row is read.
    #[command(
        after_help = "Example:\n  minster-ingest sources check --definitions config/sources drop/*.csv\n\n\
            Exit: 0 every file fits exactly one source; 2 a file does not"
    )]
    Check {
        /// The files, as they are delivered.
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// The folder of definitions.
        #[arg(long, value_name = "DIR")]
        definitions: PathBuf,
        /// Compare with the versions of this period alone.
        #[arg(long)]
        period: Option<Period>,
        #[command(flatten)]
        form: Json,
    },
    /// Describe the columns of each delivery's dataset: meaning, treatment and codes.
    #[command(after_help = "Example:\n  minster-ingest sources describe")]
    Describe {
        #[command(flatten)]
        config: Config,
        #[command(flatten)]
        form: Json,
    },
    /// Draft a definition of a file. Every column is dropped until you say otherwise.
    #[command(
        after_help = "Examples:\n  minster-ingest sources new early_help.csv > config/sources/early_help.toml\n  \
            minster-ingest sources new early_help.csv --values reason\n\n\
            The draft has the names of columns, and values only of the columns that --values names."
    )]
    New {
        /// The file.
        file: PathBuf,
        /// Write the different texts of this column too, at most 50, for a code list. It may be given several times.
        #[arg(long, value_name = "COLUMN")]
        values: Vec<String>,
    },
}

/// The pipeline.
#[derive(Args)]
pub(crate) struct Config {
    /// The pipeline's configuration.
    #[arg(
        long = "config",
        value_name = "FILE",
        env = "MINSTER_CONFIG",
        hide_env_values = true,
        default_value = "config/pipeline.toml"
    )]
    pub(crate) path: PathBuf,
}

/// The form of what is printed.
#[derive(Args)]
pub(crate) struct Json {
    /// Print one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}
