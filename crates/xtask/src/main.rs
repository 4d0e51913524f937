//! The developers' and the demo's commands: `cargo demo`, `cargo xtask …`.
//!
//! Links none of the shipped crates: it builds the programs and runs them, as a person would.
#![forbid(unsafe_code)]

mod bench;
mod cargo;
mod demo;
mod febrl;
mod link;
mod linkage;
mod peers;
mod test;

use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "xtask", about = "The developers' and the demo's commands")]
struct Arguments {
    #[command(subcommand)]
    command: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Run the whole job on a made-up council, from nothing.
    Demo(demo::Demo),
    /// Run one kind of tests.
    Test(test::Test),
    /// Measure the whole job, stage by stage.
    Bench(bench::Bench),
    /// Measure ingestion, or linking, beside others in Python, on the same rows.
    Peers(peers::Peers),
    /// Measure how well made-up councils are linked, with their truth.
    Linkage(linkage::Linkage),
    /// Measure scored matching beside Splink, on records whose pairs are known.
    Febrl(febrl::Febrl),
}

/// Why a task stopped.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("a program could not be started: {0}")]
    Cargo(io::Error),
    #[error("{program} ended with {code:?}")]
    Program { program: String, code: Option<i32> },
    #[error("{program} counts {of} otherwise than {other}: {counted}, and not {expected}")]
    Differ { program: String, other: String, of: String, counted: String, expected: String },
    #[error("{0} is not set: let it name the folder, as CONTRIBUTING.md says")]
    Unset(&'static str),
    #[error("{}: {source}", path.display())]
    Folder { path: PathBuf, source: io::Error },
}

fn main() -> ExitCode {
    let Arguments { command } = Arguments::parse();
    let outcome = match command {
        Task::Demo(demo) => demo.run(),
        Task::Test(test) => test.run(),
        Task::Bench(bench) => bench.run(),
        Task::Peers(peers) => peers.run(),
        Task::Linkage(linkage) => linkage.run(),
        Task::Febrl(febrl) => febrl.run(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            say(&format!("error: {failure}"));
            ExitCode::FAILURE
        }
    }
}

pub(crate) fn say(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}
