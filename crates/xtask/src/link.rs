//! `cargo xtask peers link`: five sources, one row a child. `minster link` reads the encrypted datasets and publishes the
//! integrated one; DuckDB and Polars read plain Parquet with the same pseudonymised rows. All take turns, and all must
//! count the same.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    process::{Command, Stdio},
};

use clap::Args;

use crate::{
    Failure,
    bench::{Cost, cost},
    demo::{Stage, copy_folder},
    peers::{peers_folder, python},
    say,
};

/// Ours and each program of `benches/peers/link.py`, and what it is called.
const PROGRAMS: [(&str, &str); 4] = [
    ("minster", "minster link, encrypted"),
    ("duckdb", "DuckDB, plain Parquet"),
    ("polars", "Polars, plain Parquet"),
    ("polars-streaming", "Polars, streaming"),
];

#[derive(Args)]
pub(crate) struct Link {
    /// Children in the census; each number named is measured apart.
    #[arg(long, value_delimiter = ',', default_values_t = [25_000, 500_000])]
    children: Vec<u64>,
    /// Rows of attendance. 100000000 need 8 GB of disk.
    #[arg(long, default_value_t = 10_000_000)]
    rows: u64,
    /// Turns; the median is shown.
    #[arg(long, default_value_t = 5)]
    runs: usize,
    /// Measure minster without the others.
    #[arg(long)]
    alone: bool,
}

/// The numbers that a program counted, by name.
type Counts = BTreeMap<String, String>;

impl Link {
    pub(crate) fn run(&self) -> Result<(), Failure> {
        self.children.iter().try_for_each(|children| self.measure(*children))
    }

    fn measure(&self, children: u64) -> Result<(), Failure> {
        let stage = Stage::build("peers-link")?;
        let python = python(&stage.folder.with_file_name("peers-python"), "requirements.txt")?;
        let mut sources = Command::new(&python);
        sources.arg(peers_folder().join("sources.py")).arg(children.to_string());
        sources.arg(self.rows.to_string()).arg(&stage.folder);
        stage.run_to_end("sources.py", &mut sources)?;
        copy_folder(&peers_folder().join("link"), &stage.folder.join("config"))?;
        fs::create_dir(stage.folder.join("config/tables"))
            .map_err(|source| Failure::Folder { path: stage.folder.clone(), source })?;
        let config = stage.folder.join("config/pipeline.toml");
        let vault = stage.start_vault()?;
        let mut ingest = stage.program("minster-ingest");
        ingest.arg("run").arg("--config").arg(&config).stdout(Stdio::null());
        cost(&mut ingest)?;
        let taking_part = if self.alone { 1 } else { PROGRAMS.len() };
        let mut all: Vec<Vec<Cost>> = (0..taking_part).map(|_| Vec::new()).collect();
        let mut counted: Vec<Counts> = vec![Counts::new(); taking_part];
        for turn in 0..self.runs.max(1) {
            // Each turn begins with another, so that nobody always follows who writes most.
            for place in (0..taking_part).map(|place| (place + turn) % taking_part) {
                let (program, _) = PROGRAMS[place];
                if place == 0 {
                    let mut link = stage.program(program);
                    link.args(["link", "--again", "--config"]).arg(&config);
                    all[0].push(cost(link.stdout(Stdio::null()))?);
                } else {
                    let (cost, counts) = peer(&stage, &python, program)?;
                    all[place].push(cost);
                    counted[place] = counts;
                }
            }
        }
        counted[0] = integrated(&stage)?;
        drop(vault);
        self.show(children, &mut all);
        same(&counted)
    }

    fn show(&self, children: u64, all: &mut [Vec<Cost>]) {
        say(&format!(
            "{children} children in the census, {} attendance rows; medians of {} turns. minster is timed with its start,",
            self.rows,
            self.runs.max(1)
        ));
        say("the others without Python's start and imports; their memory is with both.");
        say(&format!(
            "{:<26} {:>8} {:>7} {:>12} {:>7} {:>9}",
            "program", "wall s", "ratio", "processor s", "ratio", "peak MB"
        ));
        let medians: Vec<[f64; 3]> = all.iter_mut().map(|costs| medians(costs)).collect();
        let [seconds, processor, peak] = medians[0];
        for ([of_seconds, of_processor, peak], (_, name)) in medians.iter().zip(PROGRAMS) {
            say(&format!(
                "{name:<26} {of_seconds:>8.2} {:>7.2} {of_processor:>12.2} {:>7.2} {:>9.0}",
                of_seconds / seconds,
                of_processor / processor,
                peak
            ));
        }
        if let [_, [duckdb, ..], ..] = medians.as_slice() {
            say(&format!(
                "minster link takes {:.2} times the wall time of DuckDB and {peak:.0} MB; the goals are less than 1, and 300",
                seconds / duckdb
            ));
        }
    }
}

/// Median seconds, median processor seconds, greatest peak in MB.
fn medians(costs: &mut [Cost]) -> [f64; 3] {
    let middle = costs.len() / 2;
    costs.sort_by(|a, b| a.processor.total_cmp(&b.processor));
    let processor = costs[middle].processor;
    costs.sort_by(|a, b| a.seconds.total_cmp(&b.seconds));
    let peak = costs.iter().map(|cost| cost.peak).max().unwrap_or_default();
    [costs[middle].seconds, processor, peak as f64 / 1024.0]
}

/// The cost and the counts that a peer states.
fn peer(stage: &Stage, python: &Path, program: &str) -> Result<(Cost, Counts), Failure> {
    let said = stage.folder.join("peer.txt");
    let io = |source| Failure::Folder { path: said.clone(), source };
    let mut command = Command::new(python);
    command.arg(peers_folder().join("link.py")).arg(program).arg(stage.folder.join("plain"));
    command.arg(stage.folder.join("peer.parquet")).stdout(fs::File::create(&said).map_err(io)?);
    cost(&mut command)?;
    let text = fs::read_to_string(&said).map_err(io)?;
    let wrong = || Failure::Program { program: format!("link.py {program}"), code: None };
    let number = |name: &str| -> Result<f64, Failure> {
        let line = text.lines().find_map(|line| line.strip_prefix(name)).ok_or_else(wrong)?;
        line.trim().parse().map_err(|_| wrong())
    };
    let (seconds, processor) = (number("seconds ")?, number("processor ")?);
    Ok((Cost { seconds, processor, peak: number("peak ")? as u64 }, counts(&text)))
}

/// The counts of the integrated dataset, as the linker's role may read it.
fn integrated(stage: &Stage) -> Result<Counts, Failure> {
    let output = stage.linkage_bench(&["counts"]).stderr(Stdio::inherit()).output();
    let output = output.map_err(Failure::Cargo)?;
    match output.status.success() {
        true => Ok(counts(&String::from_utf8_lossy(&output.stdout))),
        false => Err(Failure::Program { program: "linkage".into(), code: output.status.code() }),
    }
}

/// Lines such as `count children 25000`.
fn counts(text: &str) -> Counts {
    let lines = text.lines().filter_map(|line| line.strip_prefix("count ")?.split_once(' '));
    lines.map(|(name, count)| (name.to_owned(), count.to_owned())).collect()
}

/// Fails where two programs count differently, or where nothing was counted.
fn same(counted: &[Counts]) -> Result<(), Failure> {
    let [ours, others @ ..] = counted else { return Ok(()) };
    let differ = |other: &str, of: &str, counted: &str, expected: &str| {
        let [program, other, of, counted, expected] =
            [PROGRAMS[0].0, other, of, counted, expected].map(str::to_owned);
        Err(Failure::Differ { program, other, of, counted, expected })
    };
    for (counts, (other, _)) in others.iter().zip(&PROGRAMS[1..]) {
        if counts.is_empty() {
            return differ(other, "anything", "nothing", "something");
        }
        for (of, expected) in counts {
            match ours.get(of) {
                Some(counted) if counted == expected => {}
                counted => {
                    return differ(other, of, counted.map_or("none", String::as_str), expected);
                }
            }
        }
    }
    let told: Vec<String> = ours.iter().map(|(of, count)| format!("{of} {count}")).collect();
    say(&format!("{} programs count the same: {}", counted.len(), told.join(", ")));
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]
mod tests {
    use super::*;

    /// The vault gives no pseudonym of a kind that the purpose does not name: ingestion would stop before anything is measured.
    #[test]
    fn the_purpose_names_each_kind_of_its_sources() {
        let folder = peers_folder().join("link");
        let purpose = fs::read_to_string(folder.join("purposes.toml")).unwrap();
        let named = purpose.lines().find(|line| line.starts_with("kinds = ")).unwrap();
        let mut kinds = 0;
        for source in fs::read_dir(folder.join("sources")).unwrap() {
            let text = fs::read_to_string(source.unwrap().path()).unwrap();
            for kind in text.split("kind = ").skip(1) {
                let quoted = kind.split_inclusive('"').take(2).collect::<String>();
                assert!(named.contains(&quoted), "{quoted} is not named");
                kinds += 1;
            }
        }
        assert!(kinds >= 5, "{kinds} of five sources");
    }
}
