//! `minster-synth`: writes a made-up council.
#![forbid(unsafe_code)]

use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use clap::Parser;
use minster_synth::{Council, Defects};

/// Writes the sources of a made-up council in their real layouts, and the truth apart from them.
#[derive(Parser)]
#[command(
    name = "minster-synth",
    version,
    after_help = "Example:\n  minster-synth --pupils 25000 --seed 1 --out council --truth truth"
)]
struct Arguments {
    /// Pupils of the council's schools.
    #[arg(long)]
    pupils: u64,
    /// The same seed gives the same bytes.
    #[arg(long)]
    seed: u64,
    /// Where the deliveries go; an empty or new folder.
    #[arg(long)]
    out: PathBuf,
    /// Where the truth goes: who is who, and which row has which defect.
    #[arg(long)]
    truth: PathBuf,
    /// School days of the year with attendance.
    #[arg(long, default_value_t = 190)]
    attendance_days: usize,
    /// The harder council: names that many have, errors that depend on who a child is, namesakes, adopted children, movers,
    /// and the deliveries of the school year before.
    #[arg(long)]
    hard: bool,
    /// A JSON file with the rate of each defect; a defect that is not named has its default.
    #[arg(long)]
    defects: Option<PathBuf>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(rows) => {
            let out = arguments.out.display();
            let _ =
                writeln!(io::stderr(), "{rows} rows about {} pupils in {out}", arguments.pupils);
            ExitCode::SUCCESS
        }
        Err(error) => {
            let _ = writeln!(io::stderr(), "error: {error}");
            ExitCode::from(2)
        }
    }
}

fn run(arguments: &Arguments) -> Result<u64, Box<dyn std::error::Error>> {
    let defects = match &arguments.defects {
        None if arguments.hard => Defects::hard(),
        None => Defects::default(),
        Some(path) => serde_json::from_slice(
            &std::fs::read(path)
                .map_err(|error| format!("cannot read {}: {error}", path.display()))?,
        )
        .map_err(|error| format!("{}: {error}", path.display()))?,
    };
    let Arguments { pupils, seed, attendance_days: days, hard, .. } = *arguments;
    let council = Council { pupils, seed, days, defects, hard };
    Ok(council.write(&arguments.out, &arguments.truth)?)
}
