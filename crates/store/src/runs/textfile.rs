//! The run ledger in Prometheus' text format, for the node exporter's textfile collector.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use minster_metrics::{Family, Metrics};
use minster_model::coarse;

use super::{Progress, RunRecord, SourceRecord, StageRecord};
use crate::{Store, StoreError, disk::Disk};

/// Writes the file anew from the run ledger.
pub(super) fn write(store: &Store, path: &Path) -> Result<(), StoreError> {
    replace(store.disk(), path, figures(&store.runs()?))
}

/// Writes a file anew, in one step, for all to read.
pub(super) fn replace(disk: &Disk, path: &Path, metrics: Metrics) -> Result<(), StoreError> {
    let text = metrics.text().map_err(std::io::Error::other);
    let text = text.map_err(StoreError::io("write the figures of", path))?;
    disk.replace_public_file(path, text.as_bytes())
}

fn figures(runs: &[RunRecord]) -> Metrics {
    let mut metrics = Metrics::default();
    let programs: BTreeSet<&str> = runs.iter().map(|run| run.program.as_str()).collect();
    for program in programs {
        let label = [("program", program)];
        let mut of_program = runs.iter().filter(|run| run.program == program);
        let good = of_program.clone().find(|run| run.is_done());
        if let Some(good) = good.and_then(|run| run.ended) {
            metrics.add(SUCCESS, &label, good.as_second());
        }
        let Some(last) = of_program.next() else { continue };
        metrics.add(STARTED, &label, last.started.as_second());
        if let Some(exit) = last.exit {
            metrics.add(EXIT, &label, exit);
        }
        if let Some(took) = last.duration() {
            metrics.add(DURATION, &label, took.as_secs_f64());
        }
    }
    for (release, stage) in releases(runs) {
        let labels = [("release", release), ("progress", stage.progress.as_str())];
        metrics.add(RELEASE, &labels, 1_u8);
    }
    for (source, published) in latest(runs) {
        add_source(&mut metrics, source, published);
    }
    metrics
}

/// Each source and period as the latest run left it, and when it was last published.
fn latest(runs: &[RunRecord]) -> impl Iterator<Item = (&SourceRecord, Option<i64>)> {
    let mut found: BTreeMap<_, (&SourceRecord, Option<i64>)> = BTreeMap::new();
    for run in runs {
        for source in &run.sources {
            let (_, published) =
                found.entry((&source.name, &source.period)).or_insert((source, None));
            if published.is_none() && source.progress == Progress::Published {
                *published = Some(run.ended.unwrap_or(run.started).as_second());
            }
        }
    }
    found.into_values()
}

/// Each draft or release as the latest run left it.
fn releases(runs: &[RunRecord]) -> BTreeMap<&str, &StageRecord> {
    let mut found = BTreeMap::new();
    for run in runs {
        for stage in run.stages.iter().rev() {
            if let Some(("draft" | "release" | "withdraw", name)) = stage.name.split_once(' ') {
                found.entry(name).or_insert(stage);
            }
        }
    }
    found
}

/// Bytes are rounded up to this, for the file is for all to read: a file's length tells of a row, as an exact count does.
const BLOCK: u64 = 4096;

const STARTED: Family =
    ("minster_run_last_start_timestamp_seconds", "When the program's last run began.");
const SUCCESS: Family = (
    "minster_run_last_success_timestamp_seconds",
    "When a run of the program last ended with exit 0, 3 or 10.",
);
const EXIT: Family = ("minster_run_last_exit_code", "How the program's last run ended.");
const DURATION: Family = ("minster_run_last_duration_seconds", "How long it took.");
const PUBLISHED: Family = (
    "minster_source_last_published_timestamp_seconds",
    "When the source's dataset was last published.",
);
const PROGRESS: Family =
    ("minster_source_progress", "1 for what became of the source in its last run.");
const RELEASE: Family =
    ("minster_release_progress", "1 for what became of the release when it was last worked on.");
const ROWS: Family = (
    "minster_source_rows",
    "Where the rows of its last delivery went, to the nearest 5, and 5 where there are fewer.",
);
const WARNINGS: Family =
    ("minster_source_warnings", "Matters for a person to look at in its last delivery, counted.");
const BYTES: Family =
    ("minster_source_bytes", "Bytes of its last delivery's files, in blocks of 4096.");
const TOOK: Family =
    ("minster_source_duration_seconds", "How long the source took in its last run.");

fn add_source(metrics: &mut Metrics, source: &SourceRecord, published: Option<i64>) {
    let (name, period) = (source.name.as_str(), source.period.as_str());
    let of = [("source", name), ("period", period)];
    let with = |label, text| [("source", name), ("period", period), (label, text)];
    if let Some(published) = published {
        metrics.add(PUBLISHED, &of, published);
    }
    metrics.add(PROGRESS, &with("progress", source.progress.as_str()), 1_u8);
    if !matches!(source.progress, Progress::Published | Progress::Unchanged) {
        return;
    }
    let counts = source.counts;
    for (outcome, rows) in [
        ("accepted", counts.accepted),
        ("quarantined", counts.quarantined),
        ("duplicate", counts.duplicate),
        ("blocked", counts.blocked),
    ] {
        metrics.add(ROWS, &with("outcome", outcome), coarse(rows));
    }
    metrics.add(WARNINGS, &of, source.warnings.len());
    metrics.add(BYTES, &of, source.bytes.div_ceil(BLOCK) * BLOCK);
    metrics.add(TOOK, &of, source.milliseconds as f64 / 1000.0);
}
