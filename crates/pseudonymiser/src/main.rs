//! `minster-ingest`: plan, run, sources.
#![forbid(unsafe_code)]

mod log;

use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
    sync::Arc,
};

use clap::{Parser, Subcommand};
use minster_model::{Period, RunId, SourceName};
use minster_pseudonymiser::{Checked, Event, IngestError, Ingestion, Options};

use crate::log::{Format, Log};

/// Reads the council's sources, has their identifiers pseudonymised by the vault, and publishes each as an encrypted dataset.
#[derive(Parser)]
#[command(name = "minster-ingest", version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Say what would be read and what would pass; no row is read.
    #[command(after_help = "Example:\n  minster-ingest plan --config config/pipeline.toml")]
    Plan {
        /// The pipeline.
        #[arg(long)]
        config: PathBuf,
    },
    /// Ingest every delivery of the pipeline that is not the same as what stands.
    #[command(
        after_help = "Example:\n  minster-ingest run --config config/pipeline.toml --json --log json\n\nExit: 0 done; 2 usage or configuration, or a source not as defined; 3 done, with rows in quarantine;\n5 rows not conserved; 6 the vault; 7 publishing failed, what stood stands; 8 another run\nholds the lock; 10 done, but a source was left out; 1 an unexpected fault. docs/engineers.md says what to do for each"
    )]
    Run {
        /// The pipeline.
        #[arg(long)]
        config: PathBuf,
        /// One JSON object.
        #[arg(long)]
        json: bool,
        /// What goes to stderr: words, or one JSON object a line.
        #[arg(long, value_enum, default_value_t = Format::Text)]
        log: Format,
        /// Read also the deliveries that are the same as what stands.
        #[arg(long)]
        again: bool,
        /// Also read again what gives parts for scored matching and has none any more: all is to be matched anew.
        #[arg(long)]
        parts: bool,
        /// Take this source's delivery as it is: empty, fallen, mostly set aside, or of another year.
        #[arg(long, value_name = "SOURCE")]
        accept: Vec<SourceName>,
        /// The caller holds the store's lock (`minster run` does).
        #[arg(long, hide = true)]
        lock_held: bool,
        /// The run's name; made from the clock where absent.
        #[arg(long, hide = true)]
        run: Option<RunId>,
    },
    /// Apply the definitions to every row and say what would become of it, without a vault and without a dataset.
    #[command(
        after_help = "Example:\n  minster-ingest try config/pipeline.toml\n\nExit: 0 every row would pass; 2 a source would stop; 3 rows would be set aside"
    )]
    Try {
        /// The pipeline.
        config: PathBuf,
        /// One JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Print the JSON schema of definitions, for editors.
    #[command(after_help = "Example:\n  minster-ingest schema > config/sources.schema.json")]
    Schema,
    /// Look at files and definitions; nothing is ingested.
    #[command(subcommand)]
    Sources(Sources),
    /// See what is in quarantine, and why; the rows themselves are sealed to the vault.
    #[command(subcommand)]
    Quarantine(Quarantine),
}

#[derive(Subcommand)]
enum Quarantine {
    /// Count the rows in quarantine by file, column and reason.
    #[command(
        after_help = "Example:\n  minster-ingest quarantine list --config config/pipeline.toml\n\nExit: 0 nothing is in quarantine; 3 rows are"
    )]
    List {
        /// The pipeline.
        #[arg(long)]
        config: PathBuf,
        /// One JSON object.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Subcommand)]
enum Sources {
    /// Say which definition and years each file fits, or what is wrong; no row is read.
    #[command(
        after_help = "Example:\n  minster-ingest sources check --definitions config/sources drop/*.csv\n\nExit: 0 where every file fits exactly one source, else 2"
    )]
    Check {
        /// The files as they are delivered.
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// The folder of definitions.
        #[arg(long)]
        definitions: PathBuf,
        /// Compare with the versions of this period alone.
        #[arg(long)]
        period: Option<Period>,
        /// One JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Say of each delivery's definition what its datasets hold: each column with its meaning, treatment and codes.
    #[command(
        after_help = "Example:\n  minster-ingest sources describe --config config/pipeline.toml"
    )]
    Describe {
        /// The pipeline.
        #[arg(long)]
        config: PathBuf,
        /// One JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Draft a definition of a file, with every column dropped; names alone are written, never a value but of the columns
    /// that are asked for.
    #[command(
        after_help = "Example:\n  minster-ingest sources new early_help.csv > config/sources/early_help.toml\n  minster-ingest sources new early_help.csv --values reason"
    )]
    New {
        /// The file.
        file: PathBuf,
        /// Write the different texts of this column too, at most 50, for a code list.
        #[arg(long, value_name = "COLUMN")]
        values: Vec<String>,
    },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let format = match &arguments.command {
        Command::Run { log, .. } => *log,
        _ => Format::Text,
    };
    let log = Arc::new(Log::new(format));
    match run(arguments.command, &log) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            log.failed(&error);
            ExitCode::from(error.exit_code())
        }
    }
}

fn run(command: Command, log: &Arc<Log>) -> Result<u8, IngestError> {
    match command {
        Command::Plan { config } => {
            let ingestion = Ingestion::load(&config)?;
            print(&ingestion.describe()?)?;
            Ok(minster_model::exit::DONE)
        }
        Command::Run { config, json, log: _, again, parts, accept, lock_held, run } => {
            if lock_held {
                end_with_parent();
            }
            let ingestion = Ingestion::load(&config)?;
            let telling = Arc::clone(log);
            let told = Arc::new(move |event: &Event<'_>| telling.tell(event));
            let accept = accept.into_iter().collect();
            let options =
                Options { lock_held, run, again, parts, accept, told, ..Default::default() };
            let report = ingestion.run(&options);
            log.finish();
            let report = report?;
            log.ended(report.exit_code());
            match json {
                true => print_json(&report)?,
                false => print(&report.text())?,
            }
            Ok(report.exit_code())
        }
        Command::Try { config, json } => {
            let tried = Ingestion::load(&config)?.try_definitions()?;
            match json {
                true => print_json(&tried)?,
                false => print(&tried.text())?,
            }
            Ok(tried.exit_code())
        }
        Command::Schema => {
            let schema = minster_sources::schema();
            let text = serde_json::to_string_pretty(&schema)
                .map_err(|error| IngestError::Output(error.into()))?;
            print(&(text + "\n"))?;
            Ok(minster_model::exit::DONE)
        }
        Command::Quarantine(Quarantine::List { config, json }) => {
            let quarantined = Ingestion::load(&config)?.quarantined()?;
            match json {
                true => print_json(&quarantined)?,
                false => print(&quarantined.text())?,
            }
            Ok(match quarantined.groups.is_empty() {
                true => minster_model::exit::DONE,
                false => minster_model::exit::QUARANTINED,
            })
        }
        Command::Sources(Sources::Check { files, definitions, period, json }) => {
            let checked = Checked::make(&files, &definitions, period.as_ref())?;
            match json {
                true => print_json(&checked)?,
                false => print(&checked.text())?,
            }
            Ok(checked.exit_code())
        }
        Command::Sources(Sources::Describe { config, json }) => {
            let described = Ingestion::load(&config)?.described();
            match json {
                true => print_json(&described)?,
                false => print(&described.text())?,
            }
            Ok(minster_model::exit::DONE)
        }
        Command::Sources(Sources::New { file, values }) => {
            let year = jiff::Timestamp::now().strftime("%Y").to_string();
            print(&minster_pseudonymiser::draft(&file, &year, &values)?)?;
            Ok(minster_model::exit::DONE)
        }
    }
}

/// The lock is the caller's: if it is killed, this process must not go on without one. Where the
/// system refuses, the store's own steps still leave nothing half published.
fn end_with_parent() {
    let _ = rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL));
}

fn print_json(report: &impl serde::Serialize) -> Result<(), IngestError> {
    let text = serde_json::to_string(report).map_err(|error| IngestError::Output(error.into()))?;
    print(&(text + "\n"))
}

fn print(text: &str) -> Result<(), IngestError> {
    io::stdout().lock().write_all(text.as_bytes()).map_err(IngestError::Output)
}
