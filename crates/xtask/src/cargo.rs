//! Cargo, started by a program that cargo started.

use std::process::Command;

use crate::Failure;

/// The variables by which cargo tells a package of itself begin so. A build script that looks at them, as
/// ring's does, would run again, and all that is built on it, where the next cargo is not told the same.
const OF_A_PACKAGE: [&str; 3] = ["CARGO_PKG_", "CARGO_MANIFEST_", "OUT_DIR"];

/// Cargo as a person starts it.
pub(crate) fn cargo() -> Command {
    let mut cargo = Command::new(env!("CARGO"));
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if OF_A_PACKAGE.iter().any(|begin| name.starts_with(begin)) {
            cargo.env_remove(&*name);
        }
    }
    cargo
}

/// Runs benches of the whole workspace: with a package alone, features would be others, and Polars would be built again.
pub(crate) fn bench(benches: &[&str]) -> Command {
    let mut cargo = cargo();
    cargo.args(["bench", "--quiet", "--locked", "--profile", "dev", "--workspace"]);
    benches.iter().for_each(|bench| {
        cargo.args(["--bench", bench]);
    });
    cargo
}

/// Builds the programs, and nothing that tests or benches alone need. Cargo shows its progress.
pub(crate) fn build_programs() -> Result<(), Failure> {
    let mut cargo = cargo();
    cargo.args(["build", "--locked", "--workspace", "--bins"]);
    run("cargo build", &mut cargo)
}

/// Runs a program to its end.
pub(crate) fn run(program: &str, command: &mut Command) -> Result<(), Failure> {
    let status = command.status().map_err(Failure::Cargo)?;
    match status.success() {
        true => Ok(()),
        false => Err(Failure::Program { program: program.into(), code: status.code() }),
    }
}
