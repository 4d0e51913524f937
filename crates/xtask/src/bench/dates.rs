//! The price of telling the vault the dates that the retention schedule needs: ingestion with a schedule beside the same without
//! one. The vault's work counts, and what both have in common, such as the start of a program, is on both sides.

use std::{fs, path::Path, process::Stdio};

use super::{Cost, cost, processor_seconds};
use crate::{Failure, demo::Stage, say};

/// The cost of a run of ingestion.
#[derive(Clone, Copy)]
struct Taken {
    /// From its start to its end, in seconds.
    seconds: f64,
    /// The processors' time of ingestion and of the vault, in seconds.
    processor: f64,
}

/// A vault's first ingestion, in which all dates are new to it, and the second, in which all are known.
type FirstAndAgain = [Taken; 2];

/// Measures so many turns, each with and without the dates, and prints the ratios.
pub(super) fn measure(stage: &Stage, config: &Path, runs: usize) -> Result<(), Failure> {
    let plain = config.with_file_name("without-schedule.toml");
    let io = |source| Failure::Folder { path: config.to_owned(), source };
    let text = fs::read_to_string(config).map_err(io)?;
    let lines = text.lines().filter(|line| !line.starts_with("schedule"));
    let without: String = lines.map(|line| format!("{line}\n")).collect();
    fs::write(&plain, without).map_err(io)?;
    let mut turns: Vec<[FirstAndAgain; 2]> = Vec::new();
    for turn in 0..runs.max(1) {
        // Each turn begins with the other.
        turns.push(match turn % 2 {
            0 => [ingested(stage, config)?, ingested(stage, &plain)?],
            _ => {
                let without = ingested(stage, &plain)?;
                [ingested(stage, config)?, without]
            }
        });
    }
    for (at, when) in [(0, "told first"), (1, "told again")] {
        let ratios = |of: fn(&Taken) -> f64| {
            let mut all: Vec<f64> =
                turns.iter().map(|[with, without]| of(&with[at]) / of(&without[at])).collect();
            all.sort_by(f64::total_cmp);
            let (least, most) = (all[0], all[all.len() - 1]);
            format!("{:.2} ({least:.2} to {most:.2})", all[all.len() / 2])
        };
        say(&format!(
            "{:<24} times the time without them {}, times the processors' time {}",
            format!("dates, {when}"),
            ratios(|taken| taken.seconds),
            ratios(|taken| taken.processor),
        ));
    }
    Ok(())
}

/// Ingests twice, with a vault and a store that are new.
fn ingested(stage: &Stage, config: &Path) -> Result<FirstAndAgain, Failure> {
    for name in ["vault", "store", "auditor", "custody.key"] {
        let path = stage.folder.join(name);
        let removed = match path.is_dir() {
            true => fs::remove_dir_all(&path),
            false if path.exists() => fs::remove_file(&path),
            false => Ok(()),
        };
        removed.map_err(|source| Failure::Folder { path: path.clone(), source })?;
    }
    let vault = stage.start_vault()?;
    let run = || {
        let before = processor_seconds(vault.id());
        let mut ingest = stage.program("minster-ingest");
        ingest.args(["run", "--again", "--config"]).arg(config).stdout(Stdio::null());
        let Cost { seconds, processor, .. } = cost(&mut ingest)?;
        let of_vault = processor_seconds(vault.id()) - before;
        Ok(Taken { seconds, processor: processor + of_vault })
    };
    Ok([run()?, run()?])
}
