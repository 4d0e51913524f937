//! `cargo xtask linkage`: how well a made-up council is linked, measured with its truth.

use std::{collections::BTreeMap, fs, path::Path, process::Stdio};

use clap::Args;

use crate::{Failure, bench::cost, demo::Stage, say};

/// The rates that are measured of rows, in the order of the columns.
const RATES: [&str; 5] = [
    "precision",
    "recall, accepted",
    "recall, delivered",
    "rows right, accepted",
    "rows right, delivered",
];

#[derive(Args)]
pub(crate) struct Linkage {
    /// Pupils of a council.
    #[arg(long, default_value_t = 25_000)]
    pupils: u64,
    /// Councils: those of seed 1 and the seeds that follow. Their figures are added up.
    #[arg(long, default_value_t = 3)]
    seeds: u64,
    /// The harder council: names that many have, errors that depend on who a child is, two school years.
    #[arg(long)]
    hard: bool,
    /// Kinds of lost rows that are shown.
    #[arg(long, default_value_t = 40)]
    lost: usize,
}

/// Names in the order in which they were first met, with two numbers each.
#[derive(Default)]
struct Sums(Vec<(String, [u64; 2])>);

impl Sums {
    fn add(&mut self, name: &str, numbers: [u64; 2]) {
        match self.0.iter_mut().find(|known| known.0 == name) {
            Some((_, sums)) => sums.iter_mut().zip(numbers).for_each(|(sum, more)| *sum += more),
            None => self.0.push((name.to_owned(), numbers)),
        }
    }
}

impl Linkage {
    pub(crate) fn run(&self) -> Result<(), Failure> {
        let mut rates: BTreeMap<&str, Sums> = BTreeMap::new();
        // Pupils too many in one council do not make up for those too few in another.
        let (mut counts, mut lost) = (Sums::default(), BTreeMap::<String, u64>::new());
        for seed in 1..=self.seeds.max(1) {
            let told = self.council(seed)?;
            for line in told.lines() {
                let fields: Vec<&str> = line.split('\t').collect();
                let number = |text: &str| text.parse::<u64>().unwrap_or_default();
                match fields[..] {
                    ["rate", name, what, part, whole] => {
                        let Some(what) = RATES.iter().find(|known| **known == what) else {
                            continue;
                        };
                        rates.entry(what).or_default().add(name, [number(part), number(whole)]);
                    }
                    ["count", name, counted, of] => {
                        if name == "pupils" {
                            say(&format!(
                                "seed {seed}: {counted} pupils are counted, {of} there are"
                            ));
                            let apart = number(counted).abs_diff(number(of));
                            counts.add("pupils too many or too few", [apart, number(of)]);
                        }
                        counts.add(name, [number(counted), number(of)]);
                    }
                    ["lost", source, what, rows] => {
                        *lost.entry(format!("{source}: {what}")).or_default() += number(rows);
                    }
                    _ => {}
                }
            }
        }
        self.show(&rates, &counts, lost);
        Ok(())
    }

    /// Makes, ingests and links one council, and gives what `benches/linkage` says of it.
    fn council(&self, seed: u64) -> Result<String, Failure> {
        let stage = Stage::build("linkage")?;
        let hard = if self.hard { &OPTIONS[..] } else { &OPTIONS[..2] };
        stage.make_council_with(self.pupils, seed, hard)?;
        match self.hard {
            true => two_years(&stage)?,
            false => with_safeguarding(&stage)?,
        }
        let vault = stage.start_vault()?;
        for (program, command) in [("minster-ingest", "run"), ("minster", "link")] {
            let mut step = stage.program(program);
            step.arg(command).arg("--config").arg(stage.folder.join("config/pipeline.toml"));
            cost(step.stdout(Stdio::null()))?;
        }
        let output = stage.linkage_bench(&["accuracy"]).stderr(Stdio::inherit()).output();
        let output = output.map_err(Failure::Cargo)?;
        drop(vault);
        match output.status.success() {
            true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
            false => {
                Err(Failure::Program { program: "linkage".into(), code: output.status.code() })
            }
        }
    }

    fn show(&self, rates: &BTreeMap<&str, Sums>, counts: &Sums, lost: BTreeMap<String, u64>) {
        let kind = if self.hard { "harder councils" } else { "councils" };
        say(&format!(
            "{} {kind} of {} pupils, seeds 1 to {}. Precision and recall are of pairs of rows, one of them at least of the",
            self.seeds.max(1),
            self.pupils,
            self.seeds.max(1)
        ));
        say(
            "source or group; a row is right where it is of the linked child that is mostly its own.",
        );
        say(&format!(
            "{:<20} {:>9} {:>10} {:>10} {:>10} {:>10} {:>10}",
            "rows of", "delivered", "precision", "recall", "recall", "right", "right"
        ));
        say(&format!(
            "{:<20} {:>9} {:>10} {:>10} {:>10} {:>10} {:>10}",
            "", "", "", "accepted", "delivered", "accepted", "delivered"
        ));
        let Some(all) = rates.get(RATES[4]) else { return };
        for (name, [_, delivered]) in &all.0 {
            let mut line = format!("{name:<20} {delivered:>9}");
            for what in RATES {
                let found =
                    rates.get(what).and_then(|sums| sums.0.iter().find(|one| one.0 == *name));
                line += &match found {
                    Some((_, [part, whole])) if *whole > 0 => {
                        format!(" {:>10.5}", *part as f64 / *whole as f64)
                    }
                    _ => format!(" {:>10}", "-"),
                };
            }
            say(&line);
        }
        for (name, [counted, of]) in &counts.0 {
            let share = |counted: f64, of: u64| 100.0 * counted / of as f64;
            let apart = match (name.as_str(), *of) {
                ("pupils too many or too few", of) if of > 0 => {
                    format!(" ({:.4} %)", share(*counted as f64, of))
                }
                ("pupils" | "children", of) if of > 0 => {
                    format!(" ({:+.3} %)", share(*counted as f64 - of as f64, of))
                }
                _ => String::new(),
            };
            say(&format!("{name}: {counted} of {of}{apart}"));
        }
        let mut lost: Vec<(String, u64)> = lost.into_iter().collect();
        lost.sort_by(|a, b| (b.1, &a.0).cmp(&(a.1, &b.0)));
        say(&format!("rows that are not right, of {} kinds:", lost.len()));
        lost.iter().take(self.lost).for_each(|(what, rows)| say(&format!("{rows:>7}  {what}")));
    }
}

/// Few school days of attendance, which is no table of persons; and the harder council.
const OPTIONS: [&str; 3] = ["--attendance-days", "4", "--hard"];

/// The example's pipeline leaves the safeguarding dataset out; here each source of the council is read.
fn with_safeguarding(stage: &Stage) -> Result<(), Failure> {
    let path = stage.folder.join("config/pipeline.toml");
    let io = |source| Failure::Folder { path: path.clone(), source };
    let mut text = fs::read_to_string(&path).map_err(io)?;
    for period in folders(&stage.folder.join("council/ssd"))? {
        text += &format!(
            "\n[[source]]\nname = \"ssd\"\nperiod = \"{period}\"\nfolder = \"../council/ssd/{period}\"\n"
        );
    }
    fs::write(&path, text).map_err(io)
}

/// Gives the pipeline two periods, the school years, each with its deliveries.
fn two_years(stage: &Stage) -> Result<(), Failure> {
    let path = stage.folder.join("config/pipeline.toml");
    let io = |source| Failure::Folder { path: path.clone(), source };
    let text = fs::read_to_string(&path).map_err(io)?;
    let head = text.split("[[source]]").next().unwrap_or_default();
    let is_period = |line: &&str| !line.starts_with("period = ");
    let mut text: String = head.lines().filter(is_period).map(|line| format!("{line}\n")).collect();
    let council = stage.folder.join("council");
    for year in ["2023-24", "2024-25"] {
        text += &format!("[[period]]\nname = \"{year}\"\n\n");
        for source in folders(&council)?.iter().filter(|source| *source != "lookups") {
            for period in in_time(folders(&council.join(source))?) {
                if school_year(&period) == year {
                    text += &format!(
                        "[[period.source]]\nname = \"{source}\"\nperiod = \"{period}\"\nfolder = \"../council/{source}/{period}\"\n\n"
                    );
                }
            }
        }
    }
    fs::write(&path, text).map_err(io)
}

/// The school year of a delivery: `2024-spring` is of 2023-24.
fn school_year(period: &str) -> String {
    let (year, term) = period.split_once('-').unwrap_or((period, ""));
    let first = year.parse::<u32>().unwrap_or_default();
    match term {
        "spring" | "summer" => format!("{}-{}", first - 1, first % 100),
        "autumn" => format!("{first}-{}", first % 100 + 1),
        _ => period.to_owned(),
    }
}

fn folders(path: &Path) -> Result<Vec<String>, Failure> {
    let io = |source| Failure::Folder { path: path.to_owned(), source };
    let mut names = Vec::new();
    for entry in fs::read_dir(path).map_err(io)? {
        names.push(entry.map_err(io)?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

/// Periods as they follow each other: `2024-spring` is before `2024-autumn`.
fn in_time(mut periods: Vec<String>) -> Vec<String> {
    let place = |period: &String| match period.split_once('-') {
        Some((year, "spring")) => (year.to_owned(), 0),
        Some((year, "summer")) => (year.to_owned(), 1),
        Some((year, _)) => (year.to_owned(), 2),
        None => (period.clone(), 0),
    };
    periods.sort_by_key(place);
    periods
}
