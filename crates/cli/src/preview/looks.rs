//! How often a day somebody looked before a release: the run ledger has the time, the period and the exit code of each
//! look. It has no name of a definition, no column and no number.

use std::io::{self, Write as _};

use jiff::{Timestamp, civil::Date, tz::Offset};
use minster_model::{Period, exit};
use minster_store::{Progress, RunRecord, StageRecord, Store};

use crate::{failure::Failure, pipeline::Loaded};

/// The program's name in the run ledger.
const PROGRAM: &str = "minster-preview";

/// A kind of look, and how many of a period a day (UTC) has.
pub(crate) struct Look {
    name: &'static str,
    most: usize,
    /// Said where the day has had so many of a period.
    used_up: fn(usize, Period) -> Failure,
}

pub(crate) const PREVIEW: Look = Look {
    name: "preview",
    most: 100,
    used_up: |most, period| Failure::PreviewsUsedUp { most, period },
};
pub(crate) const RISK: Look =
    Look { name: "risk", most: 20, used_up: |most, period| Failure::RisksUsedUp { most, period } };

/// Looks, if the day has a look left, and counts it whatever comes of it: a refusal tells something, too. The caller holds
/// the run lock.
pub(crate) fn count<T>(
    loaded: &Loaded,
    store: &Store,
    look: Look,
    period: &Period,
    work: impl FnOnce() -> Result<T, Failure>,
) -> Result<T, Failure> {
    let (stage, now) = (format!("{} {period}", look.name), Timestamp::now());
    let purpose = &loaded.pipeline.purpose;
    let is_one = |run: &&RunRecord| {
        run.program == PROGRAM
            && run.purpose == *purpose
            && day(run.started) == day(now)
            && run.stages.iter().any(|of| of.name == stage)
    };
    let before = store.runs()?.iter().filter(is_one).count();
    if before >= look.most {
        return Err((look.used_up)(look.most, period.clone()));
    }
    let mut record = RunRecord::begin(loaded.run.clone(), PROGRAM, purpose.clone(), now);
    let progress = Progress::Working;
    record.stages.push(StageRecord { name: stage, progress, milliseconds: 0, why: None });
    let mut record = store.begin_record(record)?;
    let done = work();
    let (progress, exit) = match &done {
        Ok(_) => (Progress::Unchanged, exit::DONE),
        Err(failure) if failure.exit_code() == exit::REFUSED => (Progress::Refused, exit::REFUSED),
        Err(failure) => (Progress::Failed, failure.exit_code()),
    };
    let ended = Timestamp::now();
    let milliseconds = ended.duration_since(now).as_millis();
    record.stages.iter_mut().for_each(|of| {
        of.progress = progress;
        of.milliseconds = u64::try_from(milliseconds).unwrap_or_default();
    });
    (record.ended, record.exit) = (Some(ended), Some(exit));
    store.record(&record)?;
    let looks = before + 1;
    let word = if looks == 1 { "look" } else { "looks" };
    let _ = writeln!(
        io::stderr(),
        "note: {looks} {word} at a {} of {period} today (UTC), of at most {}",
        look.name,
        look.most
    );
    done
}

fn day(at: Timestamp) -> Date {
    Offset::UTC.to_datetime(at).date()
}
