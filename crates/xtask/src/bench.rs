//! `cargo xtask bench`: the whole job at 25,000 pupils, stage by stage, in one table.

mod dates;

use std::{
    fs,
    io::Read,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use clap::Args;
use procfs::process::Process;
use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

use crate::{Failure, cargo, demo::Stage, say};

#[derive(Args)]
pub(crate) struct Bench {
    /// Pupils of the made-up council.
    #[arg(long, default_value_t = 25_000)]
    pupils: u64,
    /// Runs of each stage; the median is shown.
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// Measure the price of the dates for the retention schedule alone.
    #[arg(long)]
    dates: bool,
}

impl Bench {
    pub(crate) fn run(&self) -> Result<(), Failure> {
        let stage = Stage::build("bench")?;
        stage.make_council(self.pupils, 1)?;
        let config = stage.folder.join("config/pipeline.toml");
        keep_parts(&config)?;
        if self.dates {
            return dates::measure(&stage, &config, self.runs);
        }
        let vault = stage.start_vault()?;
        let rows = |count: u64| count as f64;
        let truth = fs::read_to_string(stage.folder.join("truth/children.csv"))
            .map_err(|source| Failure::Folder { path: stage.folder.clone(), source })?;
        let children = truth.lines().count() as u64 - 1;
        let read = count_rows(&stage)?;
        say(&format!(
            "{:<24} {:>12} {:>9} {:>14} {:>9}",
            "stage", "rows", "seconds", "rows/s", "peak MB"
        ));
        for (name, program, command, count) in [
            ("pseudonymise", "minster-ingest", ["run", "--again"].as_slice(), read),
            ("link", "minster", &["link", "--again"], read),
            ("tabulate, suppress", "minster", &["aggregate"], children),
            ("whole job", "minster", &["run", "--again"], read),
        ] {
            let mut measured = Vec::new();
            for _ in 0..self.runs.max(1) {
                let mut run = stage.program(program);
                run.args(command).arg("--config").arg(&config).stdout(Stdio::null());
                measured.push(measure(&mut run)?);
            }
            measured.sort_by(|a, b| a.0.total_cmp(&b.0));
            let (seconds, _) = measured[measured.len() / 2];
            let peak = measured.iter().map(|(_, peak)| *peak).max().unwrap_or_default();
            say(&format!(
                "{name:<24} {count:>12} {seconds:>9.2} {:>14.0} {:>9}",
                rows(count) / seconds,
                peak / 1024
            ));
        }
        drop(vault);
        dates::measure(&stage, &config, self.runs)?;
        cargo::run(
            "cargo bench",
            &mut cargo::bench(&["tabulate", "protect", "pseudonymise", "dispose"]),
        )
    }
}

/// Linking is measured by itself, again and again: the parts for scored matching must outlive a match.
fn keep_parts(config: &Path) -> Result<(), Failure> {
    let io = |source| Failure::Folder { path: config.to_owned(), source };
    let text = fs::read_to_string(config).map_err(io)?;
    fs::write(config, format!("keep_linkage_parts = true\n{text}")).map_err(io)
}

/// Data rows of all CSV deliveries.
pub(crate) fn count_rows(stage: &Stage) -> Result<u64, Failure> {
    let path = stage.folder.join("council/attendance/2024-25/attendance.csv");
    let io = |source| Failure::Folder { path: path.clone(), source };
    let mut file = fs::File::open(&path).map_err(io)?;
    let (mut buffer, mut lines) = (vec![0; 1 << 20], 0);
    loop {
        match file.read(&mut buffer).map_err(io)? {
            0 => return Ok(lines - 1),
            count => lines += buffer[..count].iter().filter(|byte| **byte == b'\n').count() as u64,
        }
    }
}

/// The cost of a program that ran to its end, with what it started.
pub(crate) struct Cost {
    /// From its start to its end, in seconds.
    pub(crate) seconds: f64,
    /// The time of all processors together, in seconds.
    pub(crate) processor: f64,
    /// The peak memory in KiB, as the kernel tells it.
    pub(crate) peak: u64,
}

/// Seconds, and the peak memory in KiB of the program and what it starts, as the kernel tells it.
pub(crate) fn measure(command: &mut Command) -> Result<(f64, u64), Failure> {
    cost(command).map(|cost| (cost.seconds, cost.peak))
}

/// Runs a program to its end.
pub(crate) fn cost(command: &mut Command) -> Result<Cost, Failure> {
    let begun = Instant::now();
    let mut child = command.spawn().map_err(Failure::Cargo)?;
    let id = Pid::from_child(&child);
    let mut peak = 0;
    // The kernel keeps what it counted of a program that has ended until somebody asks how it ended.
    let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    loop {
        peak = peak.max(peak_of_tree(child.id()));
        let ended = waitid(WaitId::Pid(id), look);
        if ended.map_err(|error| Failure::Cargo(error.into()))?.is_some() {
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let seconds = begun.elapsed().as_secs_f64();
    let processor = processor_seconds(child.id());
    match child.wait().map_err(Failure::Cargo)?.code() {
        Some(0 | 3) => Ok(Cost { seconds, processor, peak }),
        code => Err(Failure::Program { program: name_of(command), code }),
    }
}

fn name_of(command: &Command) -> String {
    let path = std::path::Path::new(command.get_program());
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

/// The kernel's count of the time of a program and of the ones that it waited for: user's and system's time of both.
fn processor_seconds(id: u32) -> f64 {
    let stat = process(id).and_then(|process| process.stat().ok());
    let ticks = stat.map(|stat| {
        let waited_for = stat.cutime.saturating_add(stat.cstime);
        (stat.utime + stat.stime) as f64 + waited_for as f64
    });
    ticks.unwrap_or_default() / procfs::ticks_per_second() as f64
}

/// The most memory, in kilobytes, that a program or one that it started held at one time.
fn peak_of_tree(id: u32) -> u64 {
    let Some(process) = process(id) else { return 0 };
    let own = process.status().ok().and_then(|status| status.vmhwm);
    let children = process.task_main_thread().and_then(|thread| thread.children());
    children.unwrap_or_default().into_iter().map(peak_of_tree).chain(own).max().unwrap_or_default()
}

/// A process, while there is one of this number.
fn process(id: u32) -> Option<Process> {
    Process::new(i32::try_from(id).ok()?).ok()
}
