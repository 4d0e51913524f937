use std::time::Instant;

use jiff::Timestamp;
use minster_model::pipeline::Monitoring;

use super::{
    LineageJob, Progress, RunRecord, SourceRecord, StageRecord,
    lineage::{self, Happening},
    textfile,
};
use crate::{Store, StoreError};

/// Keeps one run's record while it goes on, and tells the monitors. The caller holds the run lock.
///
/// A monitor that cannot be written to stops no run: see [`Journal::trouble`].
pub struct Journal<'a> {
    store: &'a Store,
    monitoring: &'a Monitoring,
    record: RunRecord,
    begun: Option<Instant>,
    trouble: Option<StoreError>,
}

/// The message for lineage on the work of a killed run.
const KILLED: &str = "the run was stopped before this was done";

impl<'a> Journal<'a> {
    /// Writes the record of a run that begins, and tells lineage of what killed runs of this program left open.
    pub fn begin(
        store: &'a Store,
        monitoring: &'a Monitoring,
        record: RunRecord,
    ) -> Result<Self, StoreError> {
        let record = store.begin_record(record)?;
        let mut journal = Self { store, monitoring, record, begun: None, trouble: None };
        let closed = journal.close_killed();
        journal.note(closed);
        Ok(journal)
    }

    /// Nobody else runs: the caller holds the run lock. So a record without an end is a killed run's. A program's records are its
    /// user's, and another program closes its own.
    fn close_killed(&self) -> Result<(), StoreError> {
        let Some(path) = &self.monitoring.lineage else { return Ok(()) };
        for killed in self.store.runs()? {
            let is_killed = killed.ended.is_none()
                && killed.program == self.record.program
                && killed.sequence != self.record.sequence;
            if let (true, Some(job)) = (is_killed, &killed.work) {
                lineage::append(path, &killed, job, &Happening::Failed(Some(KILLED)))?;
                self.store.record(&RunRecord { work: None, ..killed })?;
            }
        }
        Ok(())
    }

    /// The record as it is now.
    pub fn record(&self) -> &RunRecord {
        &self.record
    }

    /// The first thing that kept a monitor's file from being written.
    pub fn trouble(&self) -> Option<&StoreError> {
        self.trouble.as_ref()
    }

    /// Writes what is known of the deliveries before the first is in work.
    pub fn list(&mut self, sources: Vec<SourceRecord>) -> Result<(), StoreError> {
        self.record.sources = sources;
        self.store.record(&self.record)
    }

    /// The delivery at `place` is in work from now.
    pub fn begin_source(&mut self, place: usize, job: LineageJob) -> Result<(), StoreError> {
        if let Some(source) = self.record.sources.get_mut(place) {
            source.progress = Progress::Working;
        }
        self.begin_work(job)
    }

    /// Records what became of the delivery at `place`.
    pub fn end_source(
        &mut self,
        place: usize,
        change: impl FnOnce(&mut SourceRecord),
    ) -> Result<(), StoreError> {
        let milliseconds = self.milliseconds();
        let Some(source) = self.record.sources.get_mut(place) else { return Ok(()) };
        source.milliseconds = milliseconds;
        change(source);
        let (progress, why) = (source.progress, source.why.clone());
        let rows = source.counts.accepted;
        self.end_work(progress, why, Some(rows))
    }

    /// Linking, or a release, is in work from now.
    pub fn begin_stage(&mut self, name: &str, job: LineageJob) -> Result<(), StoreError> {
        self.record.stages.push(StageRecord {
            name: name.to_owned(),
            progress: Progress::Working,
            milliseconds: 0,
            why: None,
        });
        self.begin_work(job)
    }

    /// Records what became of the stage that was in work.
    pub fn end_stage(&mut self, progress: Progress, why: Option<String>) -> Result<(), StoreError> {
        let milliseconds = self.milliseconds();
        let Some(stage) = self.record.stages.last_mut() else { return Ok(()) };
        (stage.progress, stage.why, stage.milliseconds) = (progress, why.clone(), milliseconds);
        self.end_work(progress, why, None)
    }

    /// The run is over.
    pub fn end(&mut self, exit: u8, why: Option<String>) -> Result<(), StoreError> {
        if self.record.work.is_some() {
            self.fail_work(why.as_deref());
        }
        self.record.ended = Some(Timestamp::now());
        self.record.exit = Some(exit);
        self.record.why = why;
        self.store.record(&self.record)?;
        if let Some(path) = &self.monitoring.textfile {
            let written = textfile::write(self.store, path);
            self.note(written);
        }
        Ok(())
    }

    /// The work that was under way when the run stopped.
    fn fail_work(&mut self, why: Option<&str>) {
        let failed = |progress: &mut Progress, reason: &mut Option<String>| {
            if *progress == Progress::Working {
                *progress = Progress::Failed;
                *reason = why.map(str::to_owned);
            }
        };
        let record = &mut self.record;
        record.sources.iter_mut().for_each(|source| failed(&mut source.progress, &mut source.why));
        record.stages.iter_mut().for_each(|stage| failed(&mut stage.progress, &mut stage.why));
        self.tell(Happening::Failed(why));
        self.record.work = None;
    }

    fn begin_work(&mut self, job: LineageJob) -> Result<(), StoreError> {
        self.record.work = Some(job);
        self.begun = Some(Instant::now());
        // The record first: a run that is killed in between has an end without a beginning, and none stays open.
        self.store.record(&self.record)?;
        self.tell(Happening::Begun);
        Ok(())
    }

    fn end_work(
        &mut self,
        progress: Progress,
        why: Option<String>,
        rows: Option<u64>,
    ) -> Result<(), StoreError> {
        match progress {
            Progress::Published => self.tell(Happening::Published(rows)),
            Progress::Drafted | Progress::Unchanged | Progress::Kept | Progress::Withdrawn => {
                self.tell(Happening::Published(None));
            }
            _ => self.tell(Happening::Failed(why.as_deref())),
        }
        self.record.work = None;
        self.store.record(&self.record)
    }

    fn milliseconds(&self) -> u64 {
        let took = self.begun.map(|begun| begun.elapsed()).unwrap_or_default();
        u64::try_from(took.as_millis()).unwrap_or(u64::MAX)
    }

    fn tell(&mut self, happening: Happening<'_>) {
        if let (Some(path), Some(job)) = (&self.monitoring.lineage, &self.record.work) {
            let written = lineage::append(path, &self.record, job, &happening);
            self.note(written);
        }
    }

    fn note(&mut self, written: Result<(), StoreError>) {
        if let Err(error) = written {
            self.trouble.get_or_insert(error);
        }
    }
}
