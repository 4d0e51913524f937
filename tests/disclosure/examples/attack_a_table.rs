//! Attacks a table that another program, or a person, protected: `cargo run --example attack_a_table -- examples/by_hand.csv`.
//!
//! The file has two categories, the true count and the status in each row; `c` says that the cell is to be withheld. The
//! margins have the category `All`. Exit 0: the published numbers say no more about a small count than the rule. Exit 4: they
//! do, and the cells are named. No true count is printed.
#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "an example says what it found")]

use std::{error::Error, path::PathBuf, process::ExitCode};

use minster_attack::{Refusal, verify};
use minster_model::table::Pattern;

mod table;

/// Counts from 1 to one less than this are unsafe.
const THRESHOLD: u64 = 5;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let path: PathBuf = std::env::args_os().nth(1).ok_or("which file?")?.into();
    let read = table::Table::read(&path)?;
    let set = read.set(THRESHOLD)?;
    let names = table::Table::names(&set);
    let is_withheld = |name: &[String; 2]| {
        let row = read.rows.iter().find(|row| row.categories == *name);
        row.is_some_and(|row| row.withheld)
    };
    let pattern = Pattern { withheld: names.iter().map(is_withheld).collect() };
    match verify(set, vec![pattern]) {
        Ok(released) => {
            println!("safe: {} alternative tables show it", released.certificates().len());
            Ok(ExitCode::SUCCESS)
        }
        Err(refusal) => {
            println!("not safe: {refusal}");
            if let Refusal::Unprotected(failures) = &refusal {
                for failure in failures {
                    let [row, column] = &names[failure.cell];
                    println!("  {row}, {column}: {:?}", failure.reason);
                }
            }
            Ok(ExitCode::from(4))
        }
    }
}
