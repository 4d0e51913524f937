//! Protects a table of two dimensions: `cargo run --example protect_a_table -- examples/pupils.csv`.
//!
//! The file has two categories and a count in each row. The table with its margins goes to standard output; a withheld
//! cell has no count and the status `c`. Exit 4: no pattern was found that withstands the attack.
#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "an example says what it found")]

use std::{error::Error, io, path::PathBuf, process::ExitCode};

use minster_attack::verify_with;
use minster_disclosure::suppress;

mod table;

/// Counts from 1 to one less than this are unsafe.
const THRESHOLD: u64 = 5;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let path: PathBuf = std::env::args_os().nth(1).ok_or("which file?")?.into();
    let read = table::Table::read(&path)?;
    let set = read.set(THRESHOLD)?;
    let names = table::Table::names(&set);
    // Suppression proposes a pattern, and tables that show it to be safe. The attack believes neither.
    let proposed = suppress(&set)?;
    let released = match verify_with(set, proposed.patterns, &proposed.alternatives) {
        Ok(released) => released,
        Err(refusal) => {
            eprintln!("refused: {refusal}");
            return Ok(ExitCode::from(4));
        }
    };
    let mut out = csv::Writer::from_writer(io::stdout());
    let [first, second] = &read.headings;
    out.write_record([first, second, "count", "status"])?;
    for (cell, [row, column]) in names.iter().enumerate() {
        let count = released.published(0, cell);
        let status = if count.is_some() { "" } else { "c" };
        out.write_record([row, column, &count.map_or(String::new(), |n| n.to_string()), status])?;
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}
