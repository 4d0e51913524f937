//! The stages of a run, each in its own role towards the vault.

use std::{
    ffi::OsString,
    io::{self, IsTerminal, Write},
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use indicatif::ProgressBar;
use minster_aggregator::{AggregateError, Outcome, ReleaseReport};
use minster_matcher::{CHILDREN, LinkageReport, integrated};
use minster_model::{DatasetRef, Role, SourceName, TableName, exit};
use minster_store::{Journal, LineageJob, Progress, Store};
use minster_vault_api::Client;
use serde::Deserialize;
use serde_json::Value;

use crate::{
    failure::Failure,
    person, pipeline,
    pipeline::Loaded,
    summary::{Ingested, Summary},
};

const REFUSED: &str = "refused by disclosure control";

/// Runs minster-ingest with these arguments; gives its exit code, which must be "done".
pub(crate) fn ingest_program(arguments: &[OsString]) -> Result<u8, Failure> {
    let status = ingest_command()?.args(arguments).status().map_err(Failure::NoIngest)?;
    match code(status) {
        code @ (exit::DONE | exit::QUARANTINED | exit::LEFT_OUT) => Ok(code),
        code => Err(Failure::Ingest { code }),
    }
}

/// Ingests the deliveries; gives minster-ingest's report.
pub(crate) fn ingest(
    loaded: &Loaded,
    config: &Path,
    again: bool,
    accept: &[SourceName],
) -> Result<Ingested, Failure> {
    let output = ingest_command()?
        .arg("run")
        .args(["--json", "--lock-held", "--run", loaded.run.as_str()])
        .args(again.then_some("--again"))
        .args(accept.iter().flat_map(|source| ["--accept", source.as_str()]))
        .arg("--config")
        .arg(config)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(Failure::NoIngest)?;
    match code(output.status) {
        exit::DONE | exit::QUARANTINED | exit::LEFT_OUT => {
            let wrong = |_| Failure::IngestReport;
            let report: Value = serde_json::from_slice(&output.stdout).map_err(wrong)?;
            let sources = Vec::deserialize(&report["sources"]).map_err(wrong)?;
            Ok(Ingested { report, sources })
        }
        code => Err(Failure::Ingest { code }),
    }
}

/// Links the datasets, as the linker.
pub(crate) fn link(
    loaded: &Loaded,
    store: &Store,
    journal: &mut Journal<'_>,
    again: bool,
) -> Result<LinkageReport, Failure> {
    let pipeline = &loaded.pipeline;
    let dataset = children(loaded)?;
    let inputs: Vec<_> =
        pipeline.sources.iter().map(|delivery| delivery.dataset(&pipeline.purpose)).collect();
    journal.begin_stage("link", LineageJob::link(&inputs, &dataset))?;
    let bar = spinner("link");
    let matching = pipeline::read(&pipeline.matching)?;
    let mut vault = Client::connect(&pipeline.vault.socket, Role::Linker, "minster")?;
    let job = minster_matcher::Job {
        store,
        purpose: &pipeline.purpose,
        period: &pipeline.period,
        run: &loaded.run,
        deliveries: &inputs,
        matching: &matching,
        again,
    };
    let linked = minster_matcher::link(&job, &mut vault);
    bar.finish_and_clear();
    let path = pipeline.matching.clone();
    let (manifest, report) =
        linked.map_err(|source| Failure::Match { path, source: Box::new(source) })?;
    let progress = match manifest.run == loaded.run {
        true => Progress::Published,
        false => Progress::Unchanged,
    };
    journal.end_stage(progress, None)?;
    Ok(report)
}

/// The integrated dataset.
fn children(loaded: &Loaded) -> Result<DatasetRef, Failure> {
    let pipeline = &loaded.pipeline;
    let path = pipeline.matching.clone();
    integrated(&pipeline.purpose, &pipeline.period)
        .map_err(|source| Failure::Match { path, source: Box::new(source) })
}

/// Drafts every definition, as the analyst. One that disclosure control refuses leaves the others be.
pub(crate) fn draft(
    loaded: &Loaded,
    store: &Store,
    journal: &mut Journal<'_>,
    summary: &mut Summary,
) -> Result<(), Failure> {
    let analyst = Analyst::begin(loaded, store)?;
    let mut vault = Client::connect(&loaded.pipeline.vault.socket, Role::Analyst, "minster")?;
    for (path, definition) in loaded.tables()? {
        let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        let lineage = LineageJob::draft(&analyst.dataset, &stem);
        journal.begin_stage(&format!("draft {stem}"), lineage)?;
        let drafted = analyst.work(|job| minster_aggregator::draft(job, &definition, &mut vault));
        let failed = |source| Failure::Aggregate { path, source: Box::new(source) };
        conclude(drafted, &file, journal, summary)?.map_err(failed)?;
    }
    // A draft whose definition is no more is none.
    let period = &loaded.pipeline.period;
    for draft in store.drafts(period)? {
        if !summary.releases.iter().any(|release| release.name == draft) {
            store.forget_draft(&draft, period)?;
        }
    }
    Ok(())
}

/// Lets drafts out, as the analyst: this one, or all.
pub(crate) fn release(
    loaded: &Loaded,
    name: Option<&TableName>,
    store: &Store,
    journal: &mut Journal<'_>,
    summary: &mut Summary,
) -> Result<(), Failure> {
    let analyst = Analyst::begin(loaded, store)?;
    let (by, period) = (person::caller(), &loaded.pipeline.period);
    let mut vault = Client::connect(&loaded.pipeline.vault.socket, Role::Analyst, "minster")?;
    let names = match name {
        Some(name) => vec![name.clone()],
        None => store.drafts(period)?,
    };
    for release in names {
        let lineage = LineageJob::release(&analyst.dataset, release.as_str());
        journal.begin_stage(&format!("release {release}"), lineage)?;
        let let_out =
            analyst.work(|job| minster_aggregator::let_out(job, &release, &by, &mut vault));
        if name.is_some()
            && let Ok(ReleaseReport { outcome: Outcome::Kept, .. }) = &let_out
        {
            return Err(Failure::Stands { release });
        }
        let failed = |source| Failure::Release { release: release.clone(), source };
        conclude(let_out, release.as_str(), journal, summary)?
            .map_err(|source| failed(Box::new(source)))?;
    }
    Ok(())
}

/// Withdraws a release, as the analyst.
pub(crate) fn withdraw(
    loaded: &Loaded,
    (release, reason): (&TableName, &str),
    store: &Store,
    journal: &mut Journal<'_>,
    summary: &mut Summary,
) -> Result<(), Failure> {
    let pipeline = &loaded.pipeline;
    let dataset = children(loaded)?;
    let mut vault = Client::connect(&pipeline.vault.socket, Role::Analyst, "minster")?;
    let lineage = LineageJob::release(&dataset, release.as_str());
    journal.begin_stage(&format!("withdraw {release}"), lineage)?;
    let which = (release, &pipeline.period, &pipeline.purpose);
    let by = person::caller();
    let withdrawn = minster_aggregator::withdraw(store, which, &by, reason, &mut vault);
    let failed = |source| Failure::Release { release: release.clone(), source: Box::new(source) };
    conclude(withdrawn, release.as_str(), journal, summary)?.map_err(failed)
}

/// What drafts and releases are made from.
struct Analyst<'a> {
    loaded: &'a Loaded,
    store: &'a Store,
    dataset: DatasetRef,
    children: TableName,
}

impl<'a> Analyst<'a> {
    fn begin(loaded: &'a Loaded, store: &'a Store) -> Result<Self, Failure> {
        let dataset = children(loaded)?;
        let children = CHILDREN.parse().map_err(|_| Failure::Name)?;
        Ok(Self { loaded, store, dataset, children })
    }

    fn work<T>(&self, work: impl FnOnce(&minster_aggregator::Job<'_>) -> T) -> T {
        let bar = spinner("protect");
        let done = work(&minster_aggregator::Job {
            store: self.store,
            dataset: &self.dataset,
            children: &self.children,
            period: &self.loaded.pipeline.period,
            run: &self.loaded.run,
            lookups: &self.loaded.pipeline.lookups,
            notice: &|text| bar.suspend(|| drop(writeln!(io::stderr(), "note: {text}"))),
        });
        bar.finish_and_clear();
        done
    }
}

/// Puts what became of a draft or release into the journal and the summary. What stops the run is handed back.
fn conclude(
    done: Result<ReleaseReport, AggregateError>,
    name: &str,
    journal: &mut Journal<'_>,
    summary: &mut Summary,
) -> Result<Result<(), AggregateError>, Failure> {
    match done {
        Ok(report) => {
            let progress = match report.outcome {
                Outcome::Draft | Outcome::Waiting(_) => Progress::Drafted,
                Outcome::Released => Progress::Published,
                Outcome::Same | Outcome::Lost => Progress::Unchanged,
                Outcome::Kept => Progress::Kept,
                Outcome::Withdrawn => Progress::Withdrawn,
            };
            journal.end_stage(progress, None)?;
            summary.releases.push(report);
            Ok(Ok(()))
        }
        Err(AggregateError::Refused(why)) => {
            // Which cell cannot be protected is the analyst's to know, not the monitors'.
            journal.end_stage(Progress::Refused, Some(REFUSED.to_owned()))?;
            summary.refused.push(format!("{name}: {why}"));
            Ok(Ok(()))
        }
        Err(other) => Ok(Err(other)),
    }
}

/// Beside this program, else on the path.
fn ingest_command() -> Result<Command, Failure> {
    let beside =
        std::env::current_exe().map_err(Failure::NoIngest)?.with_file_name("minster-ingest");
    Ok(Command::new(if beside.exists() { beside } else { "minster-ingest".into() }))
}

fn code(status: std::process::ExitStatus) -> u8 {
    status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(exit::FAULT)
}

/// On a terminal alone.
fn spinner(what: &'static str) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new_spinner().with_message(what);
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}
