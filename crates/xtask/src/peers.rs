//! `cargo xtask peers`: attendance rows from CSV to pseudonymised Parquet, by `minster-ingest` with a vault beside it
//! and by others in Python, in turns on the same file. `cargo xtask peers link` measures linking: see `link.rs`; `cargo xtask peers
//! risk` measures of risk: see `risk.rs`.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use clap::{Args, Subcommand};

use crate::{
    Failure,
    bench::{count_rows, measure},
    demo::Stage,
    link::Link,
    risk, say,
};

const MINSTER: &str = "minster-ingest";

/// Ours and each program of `benches/peers/ingest.py`, and what it is called.
const PROGRAMS: [(&str, &str); 6] = [
    (MINSTER, "minster-ingest, encrypted"),
    ("polars", "Polars, hash plugin"),
    ("duckdb", "DuckDB, sha256()"),
    ("pandas", "pandas, hmac"),
    ("read", "reading alone (Polars)"),
    ("write", "writing alone (Polars)"),
];

#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Peers {
    #[command(subcommand)]
    other: Option<Other>,
    /// Pupils of the made-up council; each has about 374 attendance rows. 268000 make 100 million, which need 4 GB
    /// of disk and with `--alone` some minutes.
    #[arg(long, default_value_t = 26_800)]
    pupils: u64,
    /// Turns; the median and the best are shown. pandas takes part in the first alone.
    #[arg(long, default_value_t = 5)]
    runs: usize,
    /// Measure minster-ingest without the others.
    #[arg(long)]
    alone: bool,
}

#[derive(Subcommand)]
enum Other {
    /// Measure linking, and DuckDB and Polars on plain Parquet of the same rows.
    #[command(after_help = "Example:\n  cargo xtask peers link --children 25000 --alone")]
    Link(Link),
    /// Measure uniqueness, l-diversity and t-closeness of one million rows, and pyCANON on the same rows.
    #[command(after_help = "Example:\n  cargo xtask peers risk")]
    Risk,
}

/// One program's runs.
struct Measured {
    name: &'static str,
    seconds: Vec<f64>,
    peak: u64,
}

impl Peers {
    pub(crate) fn run(&self) -> Result<(), Failure> {
        match &self.other {
            Some(Other::Link(link)) => return link.run(),
            Some(Other::Risk) => return risk::run(),
            None => {}
        }
        let stage = Stage::build_shipped("peers")?;
        stage.make_council(self.pupils, 1)?;
        let config = attendance_alone(&stage)?;
        let rows = count_rows(&stage)?;
        let python = if self.alone {
            None
        } else {
            Some(python(&stage.folder.with_file_name("peers-python"), "requirements.txt")?)
        };
        widen_budget(&stage)?;
        let vault = stage.start_vault()?;
        let taking_part = if self.alone { 1 } else { PROGRAMS.len() };
        let mut all: Vec<_> =
            PROGRAMS[..taking_part].iter().map(|(_, name)| Measured::new(name)).collect();
        for turn in 0..self.runs.max(1) {
            // Each turn begins with another, so that nobody always follows who writes most.
            for place in (0..taking_part).map(|place| (place + turn) % taking_part) {
                let measured = match (PROGRAMS[place].0, &python) {
                    ("pandas", _) if turn > 0 => continue,
                    (program, Some(python)) if program != MINSTER => peer(&stage, python, program)?,
                    _ => {
                        let mut ingest = stage.program(MINSTER);
                        ingest.args(["run", "--again", "--config"]).arg(&config);
                        measure(ingest.stdout(Stdio::null()))?
                    }
                };
                all[place].add(measured);
            }
        }
        drop(vault);
        self.show(rows, &all);
        Ok(())
    }

    fn show(&self, rows: u64, all: &[Measured]) {
        let (ours, best) = (all[0].median(), all[0].best());
        say(&format!(
            "{rows} attendance rows, {} runs. minster-ingest is timed with its start, checks every number, code and",
            self.runs
        ));
        say(
            "column, recognises duplicates, seals what fails, asks a vault over its socket and encrypts. The others are",
        );
        say("timed without Python's start, hash and write, and do none of this.");
        say(&format!(
            "{:<26} {:>9} {:>9} {:>7} {:>7} {:>9}",
            "program", "median s", "best s", "ratio", "best", "peak MB"
        ));
        for measured in all {
            say(&format!(
                "{:<26} {:>9.2} {:>9.2} {:>7.2} {:>7.2} {:>9}",
                measured.name,
                measured.median(),
                measured.best(),
                measured.median() / ours,
                measured.best() / best,
                measured.peak / 1024
            ));
        }
        if let [.., read, write] = all
            && !self.alone
        {
            say(&format!(
                "minster-ingest takes {:.2} times the slower of reading and writing alone (best runs: {:.2}); the goal is 1.5",
                ours / read.median().max(write.median()),
                best / read.best().max(write.best())
            ));
        }
    }
}

impl Measured {
    fn new(name: &'static str) -> Self {
        Self { name, seconds: Vec::new(), peak: 0 }
    }

    fn add(&mut self, (seconds, peak): (f64, u64)) {
        self.seconds.push(seconds);
        self.seconds.sort_by(f64::total_cmp);
        self.peak = self.peak.max(peak);
    }

    fn median(&self) -> f64 {
        self.seconds[self.seconds.len() / 2]
    }

    fn best(&self) -> f64 {
        self.seconds[0]
    }
}

/// The example's purposes, but a run may ask for as many children as there are.
fn widen_budget(stage: &Stage) -> Result<(), Failure> {
    let path = stage.folder.join("config/purposes.toml");
    let io = |source| Failure::Folder { path: path.clone(), source };
    let text = fs::read_to_string(&path).map_err(io)?;
    let wider = text.lines().map(|line| match line.starts_with("budget") {
        true => "budget = { run = 10_000_000, day = 1_000_000_000 }",
        false => line,
    });
    fs::write(&path, wider.collect::<Vec<_>>().join("\n")).map_err(io)
}

/// The example's pipeline with its largest source alone.
fn attendance_alone(stage: &Stage) -> Result<PathBuf, Failure> {
    let whole = stage.folder.join("config/pipeline.toml");
    let io = |path: &Path| {
        let path = path.to_owned();
        |source| Failure::Folder { path, source }
    };
    let text = fs::read_to_string(&whole).map_err(io(&whole))?;
    let head = text.split("[[source]]").next().unwrap_or_default();
    let source = "[[source]]\nname = \"attendance\"\nperiod = \"2024-25\"\nfolder = \"../council/attendance/2024-25\"\n";
    let path = stage.folder.join("config/attendance-alone.toml");
    fs::write(&path, format!("{head}{source}")).map_err(io(&path))?;
    Ok(path)
}

/// A Python of its own with the packages that a file beside the peers names, made once in this folder.
pub(crate) fn python(folder: &Path, requirements: &str) -> Result<PathBuf, Failure> {
    let python = folder.join("bin/python");
    let requirements = peers_folder().join(requirements);
    let run = |program: &OsStr, arguments: &[&OsStr]| {
        let status = Command::new(program)
            .args(arguments)
            .stdout(Stdio::null())
            .status()
            .map_err(Failure::Cargo)?;
        match status.success() {
            true => Ok(()),
            false => Err(Failure::Program { program: "python".into(), code: status.code() }),
        }
    };
    if !python.exists() {
        run("python3".as_ref(), &["-m".as_ref(), "venv".as_ref(), folder.as_ref()])?;
    }
    let install = ["-m", "pip", "install", "--quiet", "-r"].map(OsStr::new);
    run(python.as_ref(), &[&install[..], &[requirements.as_ref()]].concat())?;
    Ok(python)
}

/// The seconds that a peer says it took, and its peak memory.
fn peer(stage: &Stage, python: &Path, program: &str) -> Result<(f64, u64), Failure> {
    let said = stage.folder.join("peer.txt");
    let io = |source| Failure::Folder { path: said.clone(), source };
    let mut command = Command::new(python);
    command.arg(peers_folder().join("ingest.py")).arg(program);
    command.arg(stage.folder.join("council/attendance/2024-25/attendance.csv"));
    command.arg(stage.folder.join("peer.parquet"));
    command.stdout(fs::File::create(&said).map_err(io)?);
    let (_, peak) = measure(&mut command)?;
    let seconds = fs::read_to_string(&said).map_err(io)?;
    let wrong = || Failure::Program { program: format!("ingest.py {program}"), code: None };
    Ok((seconds.trim().parse().map_err(|_| wrong())?, peak))
}

pub(crate) fn peers_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../benches/peers")
}
