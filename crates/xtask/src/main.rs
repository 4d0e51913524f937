//! The developers' and the demo's commands: `cargo demo`, `cargo xtask …`.
//!
//! Links none of the shipped crates: it builds the programs and runs them, as a person would.
#![forbid(unsafe_code)]

mod bench;
mod cargo;
mod demo;
mod febrl;
mod install_test;
mod link;
mod linkage;
mod packages;
mod peers;
mod reproducible;
mod risk;
mod shipped;
mod test;
mod texts;

use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use clap::{Parser, Subcommand};

/// Runs the demo, measures, and makes what is shipped beside the programs.
#[derive(Parser)]
#[command(
    name = "xtask",
    bin_name = "cargo xtask",
    after_help = "Examples:\n  cargo demo\n  cargo xtask bench --pupils 2500"
)]
struct Arguments {
    #[command(subcommand)]
    command: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Run the whole job on a made-up council, from nothing.
    #[command(after_help = "Examples:\n  cargo demo\n  cargo demo --pupils 2500 --stay")]
    Demo(demo::Demo),
    /// Run one kind of tests.
    #[command(
        after_help = "Examples:\n  cargo xtask test unit\n  cargo xtask test programs -- twins"
    )]
    Test(test::Test),
    /// Measure the whole job, stage by stage.
    #[command(after_help = "Example:\n  cargo xtask bench --pupils 2500")]
    Bench(bench::Bench),
    /// Measure ingestion, linking, or risk, and others in Python on the same rows.
    #[command(after_help = "Examples:\n  cargo xtask peers --alone\n  cargo xtask peers link")]
    Peers(peers::Peers),
    /// Measure how well made-up councils are linked, with their truth.
    #[command(after_help = "Example:\n  cargo xtask linkage --hard")]
    Linkage(linkage::Linkage),
    /// Measure scored matching and Splink, on records whose pairs are known.
    #[command(after_help = "Example:\n  cargo xtask febrl --alone")]
    Febrl(febrl::Febrl),
    /// Make Debian packages of the programs.
    #[command(
        after_help = "Examples:\n  cargo xtask packages\n  cargo xtask packages /tmp/packages --profile dev"
    )]
    Packages(packages::Packages),
    /// Install the packages into an empty Debian, run a night there, and remove them; needs root.
    #[command(
        after_help = "Examples:\n  cargo xtask install-test\n  cargo xtask install-test --profile dev --debian /tmp/debian.tar"
    )]
    InstallTest(install_test::InstallTest),
    /// Build the programs twice, in two folders, and compare them byte by byte.
    #[command(
        after_help = "Examples:\n  cargo xtask reproducible\n  cargo xtask reproducible --program minster-vault --profile dev"
    )]
    Reproducible(reproducible::Reproducible),
    /// Make shell completions and manual pages of the shipped programs.
    #[command(after_help = "Example:\n  cargo xtask assets target/assets")]
    Assets(texts::Assets),
    /// Write anew the texts that tests keep: each help, message and report in tests/cli.
    #[command(after_help = "Example:\n  cargo xtask snapshots")]
    Snapshots,
}

/// Why a task stopped.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("a program could not be started: {0}")]
    Cargo(io::Error),
    #[error("{program} {}", ended(*code))]
    Program { program: String, code: Option<i32> },
    #[error("{program} counts {of} otherwise than {other}: {counted}, and not {expected}")]
    Differ { program: String, other: String, of: String, counted: String, expected: String },
    #[error("{0} is not set: let it name the folder, as CONTRIBUTING.md says")]
    Unset(&'static str),
    #[error("a program is lacking: {0}")]
    Lacking(String),
    #[error("the installation is not as it should be: {0}")]
    Installation(String),
    #[error("two builds of one commit differ: {0}")]
    NotReproducible(String),
    #[error("{}: {source}", path.display())]
    Folder { path: PathBuf, source: io::Error },
}

/// How a program ended, in words.
fn ended(code: Option<i32>) -> String {
    match code {
        Some(code) => format!("ended with exit code {code}"),
        None => "was ended by a signal".to_owned(),
    }
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
        Task::InstallTest(test) => test.run(),
        Task::Packages(packages) => packages.run(),
        Task::Reproducible(reproducible) => reproducible.run(),
        Task::Assets(assets) => assets.run(),
        Task::Snapshots => texts::keep_anew(),
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

#[cfg(test)]
mod tests {
    use clap::CommandFactory;
    use minster_tests::command_line;

    use super::Arguments;

    #[test]
    fn the_help_is_the_one_that_is_kept() {
        command_line::help(Arguments::command());
    }
}
