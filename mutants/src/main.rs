//! Runs all mutants that `cargo mutants` finds from one build.
//!
//! `cargo mutants` builds and links once a mutant. Here every mutant stands in the code at once, behind a number that an
//! environment variable chooses, so that a mutant costs no more than the tests that reach it. Only which mutants
//! there are is asked of `cargo mutants`; what does not compile beside its original is found by the compiler,
//! and said.
#![forbid(unsafe_code)]

mod build;
mod run;
mod schema;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use clap::Parser;
use serde::{Deserialize, Serialize};

/// Failures are said and end the run.
type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// Runs the mutants of some packages from one build.
#[derive(Parser)]
struct Arguments {
    /// The workspace.
    #[arg(long, default_value = ".")]
    workspace: PathBuf,
    /// Packages to mutate.
    #[arg(long, default_values_t = ["minster-attack".to_owned(), "minster-disclosure".to_owned()])]
    package: Vec<String>,
    /// Packages whose tests are run besides.
    #[arg(long, default_values_t = ["minster-disclosure-tests".to_owned()])]
    tests: Vec<String>,
    /// Where the changed copy, its build and the results are put.
    #[arg(long, default_value = "target/mutants")]
    out: PathBuf,
    /// Only mutants whose name contains one of these.
    #[arg(long)]
    only: Vec<String>,
    /// Run those again that survived before, and no others.
    #[arg(long)]
    survivors: bool,
    /// How many in a hundred of their cases the property tests try.
    #[arg(long, default_value_t = 100)]
    percent: u32,
}

/// As `cargo mutants --list --json` has it.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Mutant {
    name: String,
    file: String,
    span: Span,
    replacement: String,
    genre: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
struct Span {
    start: LineColumn,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
struct LineColumn {
    line: usize,
    column: usize,
}

fn main() -> ExitCode {
    match Arguments::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}

impl Arguments {
    fn run(&self) -> Outcome<()> {
        fs::create_dir_all(&self.out)?;
        let out = fs::canonicalize(&self.out)?;
        let mutants = self.list()?;
        println!("{} mutants", mutants.len());
        let build = build::build(self, &out, &mutants)?;
        run::run(self, &out, &mutants, &build)
    }

    fn list(&self) -> Outcome<Vec<Mutant>> {
        let mut command = Command::new("cargo");
        command.args(["mutants", "--list", "--json", "-d"]).arg(&self.workspace);
        self.package.iter().for_each(|package| {
            command.args(["-p", package]);
        });
        Ok(serde_json::from_slice(&output(&mut command)?)?)
    }

    /// Whether a mutant is to be run.
    fn wants(&self, mutant: &Mutant) -> bool {
        self.only.is_empty() || self.only.iter().any(|part| mutant.name.contains(part))
    }
}

/// The output of a program, if it ends well.
fn output(command: &mut Command) -> Outcome<Vec<u8>> {
    let output = command.output()?;
    match output.status.success() {
        true => Ok(output.stdout),
        false => Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr)).into()),
    }
}

fn read(path: &Path) -> Outcome<String> {
    fs::read_to_string(path).map_err(|failure| format!("{}: {failure}", path.display()).into())
}
