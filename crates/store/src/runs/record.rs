//! The record of a run, source by source.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use jiff::{SignedDuration, Timestamp};
use minster_model::{NameError, Period, Purpose, RowCounts, RunId, SourceName, exit};
use serde::{Deserialize, Serialize};

use super::deliveries;
use crate::{CellCounts, Store, StoreError, within};

const FORMAT: u32 = 1;
/// More runs than a store ever has.
const MOST_RUNS: u64 = 1 << 40;
/// Records of each program that stay however old they are: two weeks of nights, since linking and drafts have a record each.
const KEPT_RUNS: usize = 30;

/// The record of one program in one run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunRecord {
    /// The record's format.
    pub format: u32,
    /// The run.
    pub run: RunId,
    /// `minster-ingest` or `minster`.
    pub program: String,
    /// Its place among the runs of the store, from 1: a clock that was wrong one night hides none of the next. 0 where an
    /// earlier release made the record.
    #[serde(default)]
    pub sequence: u64,
    /// The purpose.
    pub purpose: Purpose,
    /// When it began.
    pub started: Timestamp,
    /// When it ended; none while it runs, and for ever where it was killed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Timestamp>,
    /// Its exit code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit: Option<u8>,
    /// Why it stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// The deliveries, in the pipeline's order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<SourceRecord>,
    /// Linking and releases, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stages: Vec<StageRecord>,
    /// The piece of work that lineage was told began, and not that it ended. A killed run leaves it here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) work: Option<super::LineageJob>,
}

/// How far a delivery or stage came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Progress {
    /// Its turn has not come.
    Waiting,
    /// In work; where the run ended, this is where.
    Working,
    /// Published.
    Published,
    /// A draft was made, which a person may let out.
    Drafted,
    /// The same as what stands: nothing was done.
    Unchanged,
    /// The earlier release stands, though the data have changed since.
    Kept,
    /// A release was withdrawn.
    Withdrawn,
    /// Not as its definition says; the others went on.
    LeftOut,
    /// Refused by disclosure control.
    Refused,
    /// It stopped the run.
    Failed,
}

impl Progress {
    /// As it stands in records.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Working => "working",
            Self::Published => "published",
            Self::Drafted => "drafted",
            Self::Unchanged => "unchanged",
            Self::Kept => "kept",
            Self::Withdrawn => "withdrawn",
            Self::LeftOut => "left-out",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }
}

/// The outcome of one delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceRecord {
    /// The source.
    pub name: SourceName,
    /// The period that it covers.
    pub period: Period,
    /// How far it came.
    pub progress: Progress,
    /// Files of the delivery.
    pub files: usize,
    /// Their bytes.
    pub bytes: u64,
    /// How long it took, in milliseconds.
    pub milliseconds: u64,
    /// Where the rows went; where it is unchanged, those of the dataset that stands.
    pub counts: RowCounts,
    /// Quarantined rows by reason.
    pub reasons: BTreeMap<String, u64>,
    /// Cells of accepted rows that did not pass as they were.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cells: Vec<CellCounts>,
    /// The steps that made its files readable, in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// Rows of different facts of persons that were told to the vault for the retention schedule.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub facts: u64,
    /// Matters for a person to look at, in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// Why it was left out or failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// The outcome of linking, or of one release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageRecord {
    /// `link`, or `draft`, `release` or `withdraw` and the name of what.
    pub name: String,
    /// How far it came.
    pub progress: Progress,
    /// How long it took, in milliseconds.
    pub milliseconds: u64,
    /// Why it was refused or failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// A name for a run that begins now: the time, to the millisecond, and the process.
pub fn name_by_clock(now: Timestamp) -> Result<RunId, NameError> {
    let now = now.strftime("%Y%m%dt%H%M%S%3f");
    format!("{now}-{:x}", std::process::id()).parse()
}

impl RunRecord {
    /// A run that begins now.
    pub fn begin(run: RunId, program: &str, purpose: Purpose, now: Timestamp) -> Self {
        Self {
            format: FORMAT,
            run,
            program: program.to_owned(),
            sequence: 0,
            purpose,
            started: now,
            ended: None,
            exit: None,
            why: None,
            sources: Vec::new(),
            stages: Vec::new(),
            work: None,
        }
    }

    fn place(&self) -> (u64, Timestamp, &RunId, &str) {
        (self.sequence % MOST_RUNS, self.started, &self.run, &self.program)
    }

    /// Whether it ended, and did all that it could.
    pub(super) fn is_done(&self) -> bool {
        matches!(self.exit, Some(exit::DONE | exit::QUARANTINED | exit::LEFT_OUT))
    }

    /// How long it took; none where it has not ended, or the clock went back meanwhile.
    pub fn duration(&self) -> Option<SignedDuration> {
        let took = self.ended?.duration_since(self.started);
        (!took.is_negative()).then_some(took)
    }

    /// The four ways of all deliveries that were read in this run.
    pub fn totals(&self) -> RowCounts {
        let read = |source: &&SourceRecord| source.progress == Progress::Published;
        deliveries::totals(self.sources.iter().filter(read))
    }
}

impl Store {
    /// Writes what a run has done so far. The caller holds the run lock.
    pub fn record(&self, record: &RunRecord) -> Result<(), StoreError> {
        let path = self.record_path(&record.run, &record.program);
        let text = serde_json::to_vec_pretty(record)
            .map_err(|error| StoreError::Run { path: path.clone(), why: error.to_string() })?;
        within::check(self.root(), &self.runs_folder())?;
        within::check(self.root(), &self.staging())?;
        self.disk().create_folders(&self.runs_folder())?;
        self.disk().create_folders(&self.staging())?;
        self.disk().replace_file(&self.staging(), &path, &text)
    }

    /// Gives a run that begins its place among the runs, and writes its record. The caller holds the run lock.
    pub fn begin_record(&self, record: RunRecord) -> Result<RunRecord, StoreError> {
        let record = RunRecord { sequence: self.last_sequence()?.saturating_add(1), ..record };
        self.record(&record)?;
        Ok(record)
    }

    /// All records, the latest first, whatever the clock said. Needs no key.
    pub fn runs(&self) -> Result<Vec<RunRecord>, StoreError> {
        let mut records = Vec::new();
        for path in within::entries(self.root(), &self.runs_folder())? {
            if path.extension().is_some_and(|extension| extension == "json") {
                records.push(read(self.root(), &path)?);
            }
        }
        records.sort_by(|a, b| b.place().cmp(&a.place()));
        Ok(records)
    }

    /// The place of the last run; 0 where there is none. A record that cannot be read stops no night: the monitors' file
    /// is not written then, and the run says so.
    fn last_sequence(&self) -> Result<u64, StoreError> {
        let records = within::entries(self.root(), &self.runs_folder())?.into_iter();
        let sequences = records.filter_map(|path| Some(read(self.root(), &path).ok()?.sequence));
        // No store has so many runs: such a record is damaged, or was made by hand.
        let sequences = sequences.filter(|sequence| *sequence < MOST_RUNS);
        Ok(sequences.max().unwrap_or_default())
    }

    /// Removes the records of runs that began before `before`. The newest [`KEPT_RUNS`] of each program stay, by their place: a clock
    /// that is years ahead one night takes none of them, nor the last success that monitors are told of.
    pub fn forget_runs(&self, before: Timestamp) -> Result<usize, StoreError> {
        let (mut removed, mut newer) = (0, BTreeMap::<String, usize>::new());
        let mut succeeded = BTreeSet::new();
        for record in self.runs()? {
            let newer = newer.entry(record.program.clone()).or_default();
            *newer += 1;
            let last_success = record.is_done() && succeeded.insert(record.program.clone());
            if *newer <= KEPT_RUNS || last_success || record.started >= before {
                continue;
            }
            let path = self.record_path(&record.run, &record.program);
            within::remove_all(self.root(), &path)?;
            removed += 1;
        }
        Ok(removed)
    }

    fn runs_folder(&self) -> PathBuf {
        self.root().join("runs")
    }

    fn record_path(&self, run: &RunId, program: &str) -> PathBuf {
        self.runs_folder().join(format!("{run}.{program}.json"))
    }
}

fn read(root: &Path, path: &Path) -> Result<RunRecord, StoreError> {
    let text = within::read(root, path)?;
    let wrong = |why: String| StoreError::Run { path: path.to_owned(), why };
    let record: RunRecord =
        serde_json::from_slice(&text).map_err(|error| wrong(format!("is not one: {error}")))?;
    match record.format {
        FORMAT => Ok(record),
        other => Err(wrong(format!("has format {other}; this release reads {FORMAT}"))),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use jiff::ToSpan;
    use minster_model::pipeline::Monitoring;

    use super::*;
    use crate::Journal;

    #[test]
    fn a_clock_that_ran_ahead_one_night_hides_no_later_failure() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
        let store = Store::open(&folder.path().join("store")).unwrap();
        let monitoring = Monitoring::default();
        let now = Timestamp::now();
        let night = |run: &str, at: Timestamp, exit: u8| {
            let purpose = "children-statistics".parse().unwrap();
            let record = RunRecord::begin(run.parse().unwrap(), "minster", purpose, at);
            let mut journal = Journal::begin(&store, &monitoring, record).unwrap();
            journal.end(exit, None).unwrap();
        };
        night("ahead", now + (40 * 24).hours(), 0);
        night("right", now, 7);
        let runs = store.runs().unwrap();
        let seen: Vec<_> = runs.iter().map(|run| (run.run.as_str(), run.sequence)).collect();
        assert_eq!(seen, [("right", 2), ("ahead", 1)]);
    }

    #[test]
    fn no_clock_takes_the_newest_records_nor_the_last_success() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
        let store = Store::open(&folder.path().join("store")).unwrap();
        let begun = Timestamp::from_second(1_700_000_000).unwrap();
        let night = |at: usize, program: &str, exit: u8| {
            let run = format!("night-{at}").parse().unwrap();
            let purpose = "children-statistics".parse().unwrap();
            let record = RunRecord::begin(run, program, purpose, begun);
            Journal::begin(&store, &Monitoring::default(), record)
                .unwrap()
                .end(exit, None)
                .unwrap();
        };
        // The last success stands before as many failures as stay, and one more success before it.
        night(0, "minster-ingest", 0);
        night(1, "minster-ingest", 3);
        (2..2 + KEPT_RUNS).for_each(|at| night(at, "minster-ingest", 7));
        night(0, "minster", 4);
        let removed = store.forget_runs("2999-01-01T00:00:00Z".parse().unwrap()).unwrap();
        assert_eq!(removed, 1);
        let left = store.runs().unwrap();
        let left: Vec<&str> = left.iter().map(|run| run.run.as_str()).collect();
        assert_eq!(left.len(), KEPT_RUNS + 2);
        assert!(
            left.contains(&"night-1") && left.iter().filter(|run| **run == "night-0").count() == 1
        );
    }
}
