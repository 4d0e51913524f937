//! `minster`: plan, run, link, aggregate. Holds pseudonymised data and tables; it links no code that
//! reads a raw identifier and none that makes a pseudonym: ingestion is a program of its own, started
//! here as git starts its sub-commands.
#![forbid(unsafe_code)]

mod failure;
mod pipeline;
mod stages;
mod summary;

use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use clap::{Args, Parser, Subcommand};

use crate::{failure::Failure, pipeline::Loaded};

/// Turns a council's records about children into pseudonymised, linked data, and lets out only tables that passed disclosure control.
#[derive(Parser)]
#[command(name = "minster", version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Say what a run would read, link and release; no row is read.
    #[command(after_help = "Example:\n  minster plan --config config/pipeline.toml")]
    Plan(Config),
    /// Do it all: ingest, link, aggregate.
    #[command(
        after_help = "Example:\n  minster run --config config/pipeline.toml\n\nExit: 0 done; 2 usage or configuration; 3 done, with rows in quarantine; 4 a release was refused by\ndisclosure control; 5 rows not conserved; 6 the vault; 7 publishing failed, what stood stands; 8 another\nrun holds the lock; 1 an unexpected fault"
    )]
    Run(Report),
    /// Run minster-ingest with these arguments.
    #[command(after_help = "Example:\n  minster ingest run --config config/pipeline.toml")]
    Ingest {
        /// What minster-ingest is given.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Link the datasets that stand into one row a child.
    #[command(after_help = "Example:\n  minster link --config config/pipeline.toml")]
    Link(Report),
    /// Tabulate, protect, attack and release.
    #[command(after_help = "Example:\n  minster aggregate --config config/pipeline.toml")]
    Aggregate(Report),
}

#[derive(Args)]
struct Config {
    /// The pipeline.
    #[arg(long)]
    config: PathBuf,
}

#[derive(Args)]
struct Report {
    /// The pipeline.
    #[arg(long)]
    config: PathBuf,
    /// One JSON object.
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            let _ = writeln!(io::stderr(), "error: {failure}");
            ExitCode::from(failure.exit_code())
        }
    }
}

fn run(command: Command) -> Result<u8, Failure> {
    match command {
        Command::Plan(Config { config }) => {
            let loaded = Loaded::read(&config)?;
            stages::ingest_program(&["plan".into(), "--config".into(), config.into()])?;
            print(&loaded.describe()?)?;
            Ok(minster_model::exit::DONE)
        }
        Command::Ingest { arguments } => {
            stages::ingest_program(&arguments.into_iter().map(Into::into).collect::<Vec<_>>())
        }
        Command::Run(Report { config, json }) => {
            let loaded = Loaded::read(&config)?;
            let store = loaded.store()?;
            let _lock = store.lock()?;
            let ingest = Some(stages::ingest(&loaded, &config)?);
            let linkage = Some(stages::link(&loaded, &store)?);
            let mut summary = summary::Summary { ingest, linkage, ..Default::default() };
            stages::aggregate(&loaded, &store, &mut summary)?;
            finish(&summary, json)
        }
        Command::Link(Report { config, json }) => {
            let loaded = Loaded::read(&config)?;
            let store = loaded.store()?;
            let _lock = store.lock()?;
            let linkage = Some(stages::link(&loaded, &store)?);
            finish(&summary::Summary { linkage, ..Default::default() }, json)
        }
        Command::Aggregate(Report { config, json }) => {
            let loaded = Loaded::read(&config)?;
            let store = loaded.store()?;
            let _lock = store.lock()?;
            let mut summary = summary::Summary::default();
            stages::aggregate(&loaded, &store, &mut summary)?;
            finish(&summary, json)
        }
    }
}

fn finish(summary: &summary::Summary, json: bool) -> Result<u8, Failure> {
    print(&if json { summary.json()? } else { summary.text() })?;
    Ok(summary.exit_code())
}

fn print(text: &str) -> Result<(), Failure> {
    io::stdout().lock().write_all(text.as_bytes()).map_err(Failure::Output)
}
