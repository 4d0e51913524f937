//! `minster-ingest`: plan, run, sources.
#![forbid(unsafe_code)]

use std::{
    io::{self, IsTerminal, Write},
    path::PathBuf,
    process::ExitCode,
    sync::Arc,
};

use clap::{Parser, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use minster_model::{Period, RunId};
use minster_pseudonymiser::{Checked, IngestError, Ingestion, Options};

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
    /// Ingest every delivery of the pipeline.
    #[command(after_help = "Example:\n  minster-ingest run --config config/pipeline.toml --json")]
    Run {
        /// The pipeline.
        #[arg(long)]
        config: PathBuf,
        /// One JSON object.
        #[arg(long)]
        json: bool,
        /// The caller holds the store's lock (`minster run` does).
        #[arg(long, hide = true)]
        lock_held: bool,
        /// The run's name; made from the clock where absent.
        #[arg(long, hide = true)]
        run: Option<RunId>,
    },
    /// Look at files and definitions; nothing is ingested.
    #[command(subcommand)]
    Sources(Sources),
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
    /// Draft a definition of a file, with every column dropped; names alone are written, never a value.
    #[command(
        after_help = "Example:\n  minster-ingest sources new early_help.csv > config/sources/early_help.toml"
    )]
    New {
        /// The file.
        file: PathBuf,
    },
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            let _ = writeln!(io::stderr(), "error: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}

fn run(command: Command) -> Result<u8, IngestError> {
    match command {
        Command::Plan { config } => {
            let ingestion = Ingestion::load(&config)?;
            print(&ingestion.describe())?;
            Ok(minster_model::exit::DONE)
        }
        Command::Run { config, json, lock_held, run } => {
            if lock_held {
                end_with_parent();
            }
            let ingestion = Ingestion::load(&config)?;
            let bar = progress_bar(ingestion.bytes());
            let ticking = bar.clone();
            let progress = Arc::new(move |bytes| ticking.inc(bytes));
            let report = ingestion.run(&Options { lock_held, run, progress });
            bar.finish_and_clear();
            let report = report?;
            match json {
                true => print_json(&report)?,
                false => print(&report.text())?,
            }
            Ok(report.exit_code())
        }
        Command::Sources(Sources::Check { files, definitions, period, json }) => {
            let checked = Checked::make(&files, &definitions, period.as_ref())?;
            match json {
                true => print_json(&checked)?,
                false => print(&checked.text())?,
            }
            Ok(checked.exit_code())
        }
        Command::Sources(Sources::New { file }) => {
            let year = jiff::Timestamp::now().strftime("%Y").to_string();
            print(&minster_pseudonymiser::draft(&file, &year)?)?;
            Ok(minster_model::exit::DONE)
        }
    }
}

/// The lock is the caller's: if it is killed, this process must not go on without one. Where the
/// system refuses, the store's own steps still leave nothing half published.
fn end_with_parent() {
    let _ = rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL));
}

/// On a terminal alone.
fn progress_bar(bytes: u64) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(bytes);
    if let Ok(style) = ProgressStyle::with_template("ingest {bar:30} {bytes}/{total_bytes} {eta}") {
        bar.set_style(style);
    }
    bar
}

fn print_json(report: &impl serde::Serialize) -> Result<(), IngestError> {
    let text = serde_json::to_string(report).map_err(|error| IngestError::Output(error.into()))?;
    print(&(text + "\n"))
}

fn print(text: &str) -> Result<(), IngestError> {
    io::stdout().lock().write_all(text.as_bytes()).map_err(IngestError::Output)
}
