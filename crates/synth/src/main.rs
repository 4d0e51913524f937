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
    version = env!("MINSTER_VERSION"),
    after_help = "Example:\n  minster-synth --pupils 25000 --seed 1 --out council --truth truth"
)]
struct Arguments {
    /// The number of pupils in the council's schools.
    #[arg(long)]
    pupils: u64,
    /// The seed. The same seed gives the same bytes.
    #[arg(long)]
    seed: u64,
    /// A new or empty folder for the deliveries.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// A folder for the truth: who is who, and which row has which defect.
    #[arg(long, value_name = "DIR")]
    truth: PathBuf,
    /// The number of school days with attendance.
    #[arg(long, default_value_t = 190)]
    attendance_days: usize,
    /// Make the harder council: names that many have, errors that depend on who a child is, namesakes, adopted children, movers,
    /// and the deliveries of the school year before.
    #[arg(long)]
    hard: bool,
    /// A JSON file with the rate of each defect. A defect that it does not name has its default.
    #[arg(long, value_name = "FILE")]
    defects: Option<PathBuf>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments).and_then(|rows| tell(&arguments, rows)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "error: {error}");
            ExitCode::from(2)
        }
    }
}

/// Says what was written. A reader who closes standard output has seen enough.
fn tell(arguments: &Arguments, rows: u64) -> Result<(), Box<dyn std::error::Error>> {
    let Arguments { pupils, seed, out, truth, json, .. } = arguments;
    if !json {
        let _ = writeln!(io::stderr(), "{rows} rows about {pupils} pupils in {}", out.display());
        return Ok(());
    }
    let object = serde_json::json!({
        "format": 1, "rows": rows, "pupils": pupils, "seed": seed, "folder": out, "truth": truth,
    });
    match writeln!(io::stdout(), "{object}") {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
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

#[cfg(test)]
mod tests {
    use clap::CommandFactory;
    use minster_tests::command_line;

    use super::Arguments;

    #[test]
    fn the_help_is_the_one_that_is_kept() {
        command_line::help(Arguments::command());
    }

    #[test]
    fn completions_and_manual_pages_are_made() {
        command_line::assets(Arguments::command());
    }
}
