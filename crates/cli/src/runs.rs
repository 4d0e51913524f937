//! The run ledger: kept while stages run, and shown.

use std::{
    fmt::Write as _,
    io::{self, Write as _},
};

use jiff::Timestamp;
use minster_model::{RowCounts, RunId, counted};
use minster_store::{Journal, RunRecord, SourceRecord, StageRecord, Store};

use crate::{failure::Failure, pipeline::Loaded, report, summary::Summary};

/// Runs stages under the store's lock, and keeps the record of what they did. A person's step between nights has a
/// `program` of its own, so that a monitor does not take it for a night.
pub(crate) fn recorded(
    loaded: &Loaded,
    program: &str,
    work: impl FnOnce(&Store, &mut Journal<'_>) -> Result<Summary, Failure>,
) -> Result<Summary, Failure> {
    let store = loaded.store()?;
    let _lock = store.lock()?;
    let purpose = loaded.pipeline.purpose.clone();
    let record = RunRecord::begin(loaded.run.clone(), program, purpose, Timestamp::now());
    let mut journal = Journal::begin(&store, &loaded.pipeline.monitoring, record)?;
    let outcome = work(&store, &mut journal);
    let recorded = match &outcome {
        Ok(summary) => journal.end(summary.exit_code(), None),
        Err(failure) => journal.end(failure.exit_code(), Some(failure.to_string())),
    };
    if let Some(trouble) = journal.trouble() {
        let _ = writeln!(io::stderr(), "warning: a monitor's file is not written: {trouble}");
    }
    let summary = outcome?;
    recorded?;
    Ok(summary)
}

/// The latest runs, and no others.
pub(crate) fn list(loaded: &Loaded, most: usize) -> Result<Vec<RunRecord>, Failure> {
    let mut records = Store::inspect(&loaded.pipeline.store)?.runs()?;
    records.truncate(most);
    Ok(records)
}

/// One run, of both programs where both took part.
pub(crate) fn show(loaded: &Loaded, run: &RunId) -> Result<Vec<RunRecord>, Failure> {
    let mut records = Store::inspect(&loaded.pipeline.store)?.runs()?;
    records.retain(|record| record.run == *run);
    match records.is_empty() {
        true => Err(Failure::NoRun { run: run.clone() }),
        false => Ok(records),
    }
}

pub(crate) fn json(records: &[RunRecord]) -> Result<String, Failure> {
    let object = serde_json::json!({"format": 1, "runs": records});
    report::json(&object)
}

/// A line a run.
pub(crate) fn text(records: &[RunRecord]) -> String {
    let mut text = format!(
        "{:<26} {:<15} {:<20} {:>8} {:>4} {:>11} {:>11}\n",
        "run", "program", "started", "seconds", "exit", "read", "quarantined"
    );
    for record in records {
        let RowCounts { read, quarantined, .. } = record.totals();
        let exit = record.exit.map_or("-".to_owned(), |exit| exit.to_string());
        let _ = writeln!(
            text,
            "{:<26} {:<15} {:<20} {:>8} {exit:>4} {read:>11} {quarantined:>11}",
            record.run.as_str(),
            record.program,
            time(record.started),
            seconds(record),
        );
    }
    if records.iter().any(|record| record.ended.is_none()) {
        text += "-: it is running, or it was interrupted\n";
    }
    text
}

/// All that is known of a run.
pub(crate) fn whole_text(records: &[RunRecord]) -> String {
    let mut text = String::new();
    for record in records {
        let RunRecord { run, program, purpose, sources, stages, .. } = record;
        let _ = writeln!(text, "{run} {program} for {purpose}");
        let _ = writeln!(text, "  started {}", time(record.started));
        let _ = match (record.ended, record.exit) {
            (Some(ended), Some(exit)) => {
                writeln!(text, "  ended   {} after {} s, exit {exit}", time(ended), seconds(record))
            }
            _ => writeln!(
                text,
                "  not ended: it is running, or it was interrupted; the next run continues there"
            ),
        };
        if let Some(why) = &record.why {
            let _ = writeln!(text, "  {why}");
        }
        sources.iter().for_each(|source| source_text(source, &mut text));
        for StageRecord { name, progress, milliseconds, why } in stages {
            let took = *milliseconds as f64 / 1000.0;
            let _ = writeln!(text, "  {name:<31} {:<10} {took:.1} s", progress.as_str());
            if let Some(why) = why {
                let _ = writeln!(text, "    {why}");
            }
        }
    }
    text
}

fn source_text(source: &SourceRecord, text: &mut String) {
    let SourceRecord { name, period, progress, counts, reasons, why, .. } = source;
    let RowCounts { read, accepted, quarantined, duplicate, blocked } = counts;
    let _ = writeln!(
        text,
        "  {:<16} {:<14} {:<10} {:.1} s, {}, {} bytes",
        name.as_str(),
        period.as_str(),
        progress.as_str(),
        source.milliseconds as f64 / 1000.0,
        counted(source.files, "file", "files"),
        source.bytes
    );
    let _ = match why {
        Some(why) => writeln!(text, "    {why}"),
        None if *read > 0 => writeln!(
            text,
            "    {read} read = {accepted} accepted + {quarantined} quarantined + {duplicate} duplicate + \
             {blocked} blocked"
        ),
        None => Ok(()),
    };
    for (reason, rows) in reasons {
        let _ = writeln!(text, "    {rows:>8} {reason}");
    }
}

fn seconds(record: &RunRecord) -> String {
    record.duration().map_or("-".to_owned(), |took| format!("{:.1}", took.as_secs_f64()))
}

fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
