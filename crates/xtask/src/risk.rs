//! `cargo xtask peers risk`: the measures of risk over one million rows, beside pyCANON on the same rows.

use std::path::Path;

use crate::{Failure, cargo, peers::python};

/// Where the peer's Python is made, once.
const FOLDER: &str = "target/peers-risk-python";

/// Runs the bench with the peer's Python.
pub(crate) fn run() -> Result<(), Failure> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let python = python(&root.join(FOLDER), "risk-requirements.txt")?;
    let mut bench = cargo::bench(&["risk"]);
    cargo::run("cargo bench", bench.env("MINSTER_PEERS_PYTHON", python))
}
