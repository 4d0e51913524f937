//! The stages of a run, each in its own role towards the vault.

use std::{
    ffi::OsString,
    io::{self, Write},
    path::Path,
    process::{Command, Stdio},
};

use minster_aggregator::{AggregateError, Outcome, ReleaseReport};
use minster_matcher::{Integrated, Listed, MatchError, RestrictedNumbers, integrated};
use minster_model::{DatasetRef, Period, Purpose, Role, SourceName, TableName, exit};
use minster_store::{Journal, LineageJob, Progress, Store};
use minster_vault_api::{Client, ExactOnlyList};
use serde::Deserialize;
use serde_json::Value;

use crate::{
    analyst::{Analyst, spinner},
    definitions::{DefinitionFile, Definitions, Faulty},
    failure::Failure,
    person, pipeline,
    pipeline::{Loaded, settled},
    summary::{Ingested, Refused, Summary},
};

const REFUSED: &str = "refused by disclosure control";
const FAULTY: &str = "the definition is faulty; `minster aggregate` says why";

/// Runs minster-ingest with these arguments; gives its exit code, which must be "done".
pub(crate) fn ingest_program(arguments: &[OsString]) -> Result<u8, Failure> {
    let status = ingest_command()?.args(arguments).status().map_err(Failure::NoIngest)?;
    match code(status) {
        code @ (exit::DONE | exit::QUARANTINED | exit::LEFT_OUT) => Ok(code),
        code => Err(Failure::Ingest { code }),
    }
}

/// Runs minster-audit with these arguments; gives its exit code, whatever it is.
pub(crate) fn audit_program(arguments: &[String]) -> Result<u8, Failure> {
    let status = command("minster-audit").map_err(Failure::NoAudit)?.args(arguments).status();
    status.map(code).map_err(Failure::NoAudit)
}

/// The plan of minster-ingest, in JSON: what it would read.
pub(crate) fn ingest_plan(config: &Path) -> Result<Value, Failure> {
    let output = ingest_command()?
        .args(["plan", "--json", "--config"])
        .arg(config)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(Failure::NoIngest)?;
    match code(output.status) {
        exit::DONE => serde_json::from_slice(&output.stdout).map_err(|_| Failure::IngestReport),
        code => Err(Failure::Plan { code }),
    }
}

/// Ingests the deliveries; gives minster-ingest's report.
pub(crate) fn ingest(
    loaded: &Loaded,
    config: &Path,
    store: &Store,
    again: bool,
    accept: &[SourceName],
) -> Result<Ingested, Failure> {
    let matching = pipeline::read(&loaded.pipeline.matching)?;
    let parts = {
        let mut vault = Client::connect_to(&loaded.pipeline.vault, Role::Linker, "minster")?;
        let listed = listed_by(&mut vault, &loaded.pipeline.purpose)?;
        let job = job(loaded, store, (&matching, &listed), again);
        minster_matcher::needs_parts(&job, &mut vault).map_err(|error| failed(loaded, error))?
    };
    let output = ingest_command()?
        .arg("run")
        .args(["--json", "--lock-held", "--run", loaded.run.as_str()])
        .args(again.then_some("--again"))
        .args(parts.then_some("--parts"))
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
) -> Result<Vec<Integrated>, Failure> {
    let pipeline = &loaded.pipeline;
    let inputs: Vec<_> =
        pipeline.sources.iter().map(|delivery| delivery.dataset(&pipeline.purpose)).collect();
    let periods = pipeline.periods.iter().map(|period| children(loaded, &period.name));
    let datasets = periods.collect::<Result<Vec<_>, _>>()?;
    journal.begin_stage("link", LineageJob::link(&inputs, &datasets))?;
    let bar = spinner("link");
    let matching = pipeline::read(&pipeline.matching)?;
    let mut vault = Client::connect_to(&pipeline.vault, Role::Linker, "minster")?;
    let store = &settled(store, &pipeline.purpose, &mut vault)?;
    let listed = listed_by(&mut vault, &pipeline.purpose)?;
    let mut job = job(loaded, store, (&matching, &listed), again);
    let purposes = vault.status()?.purposes.into_iter();
    job.households = purposes.filter(|of| of.purpose == *job.purpose).any(|of| of.households);
    let linked = minster_matcher::link(&job, &mut vault);
    bar.finish_and_clear();
    let linked = linked.map_err(|error| failed(loaded, error))?;
    if !pipeline.keep_linkage_parts {
        for dataset in &inputs {
            let shredded = store.shred(&dataset.linkage());
            shredded.map_err(|error| failed(loaded, error.into()))?;
        }
    }
    let progress = match linked.iter().any(|linked| linked.manifest.run == loaded.run) {
        true => Progress::Published,
        false => Progress::Unchanged,
    };
    journal.end_stage(progress, None)?;
    Ok(linked)
}

/// The numbers that custodians listed, and the children whose processing is restricted, as the linker is told them.
pub(crate) fn listed_by(vault: &mut Client, purpose: &Purpose) -> Result<Listed, Failure> {
    let ExactOnlyList { numbers, digest, versions } = vault.exact_only(purpose)?;
    let versions = versions.iter().map(|of| (of.version, of.iter().collect())).collect();
    let restricted = vault.restricted(purpose)?;
    let restricted = RestrictedNumbers {
        versions: restricted.pseudonyms().collect(),
        digest: restricted.digest,
    };
    Ok(Listed { numbers, digest, versions, restricted })
}

/// The job of linking. It allows no households: linking asks the vault for that.
pub(crate) fn job<'a>(
    loaded: &'a Loaded,
    store: &'a Store,
    (matching, listed): (&'a str, &'a Listed),
    again: bool,
) -> minster_matcher::Job<'a> {
    let Loaded { pipeline, run, .. } = loaded;
    let (purpose, periods) = (&pipeline.purpose, &pipeline.periods);
    let households = false;
    minster_matcher::Job { store, purpose, periods, run, matching, listed, again, households }
}

pub(crate) fn failed(loaded: &Loaded, source: MatchError) -> Failure {
    Failure::Match { path: loaded.pipeline.matching.clone(), source: Box::new(source) }
}

/// The integrated dataset of a period.
pub(crate) fn children(loaded: &Loaded, period: &Period) -> Result<DatasetRef, Failure> {
    integrated(&loaded.pipeline.purpose, period).map_err(|error| failed(loaded, error))
}

/// Drafts every definition, or that of one release, for each period that it is of, as the analyst. One that is faulty,
/// or that disclosure control refuses, leaves the others be.
pub(crate) fn draft(
    loaded: &Loaded,
    only: Option<&TableName>,
    store: &Store,
    journal: &mut Journal<'_>,
    summary: &mut Summary,
) -> Result<(), Failure> {
    let mut definitions = Definitions::read(loaded)?;
    if let Some(name) = only {
        definitions = definitions.only(name)?;
        // Another release's fault does not make this one's draft a failure.
        for other in std::mem::take(&mut definitions.faulty) {
            let _ = writeln!(io::stderr(), "note: {}", other.text());
        }
    }
    for faulty in definitions.faulty {
        let period = &loaded.period_or_last(None)?.name;
        let dataset = children(loaded, period)?;
        let lineage = LineageJob::draft(&dataset, &faulty.stem);
        journal.begin_stage(&format!("draft {}", faulty.stem), lineage)?;
        journal.end_stage(Progress::Failed, Some(FAULTY.to_owned()))?;
        summary.faulty.push(faulty);
    }
    let mut vault = Client::connect_to(&loaded.pipeline.vault, Role::Analyst, "minster")?;
    let store = &settled(store, &loaded.pipeline.purpose, &mut vault)?;
    for period in loaded.pipeline.periods.iter() {
        draft_period(loaded, &period.name, &definitions.whole, store, journal, summary)?;
        if only.is_none() {
            forget_others(&period.name, store, summary)?;
        }
    }
    Ok(())
}

fn draft_period(
    loaded: &Loaded,
    period: &Period,
    definitions: &[DefinitionFile],
    store: &Store,
    journal: &mut Journal<'_>,
    summary: &mut Summary,
) -> Result<(), Failure> {
    let mut vault = Client::connect_to(&loaded.pipeline.vault, Role::Analyst, "minster")?;
    let mut lacking = None;
    let analyst = Analyst::begin(loaded, period, store)?.with_meanings();
    for DefinitionFile { path, text, definition } in definitions {
        if !definition.is_of(period) {
            continue;
        }
        let failed = |source| Failure::Aggregate { path: path.clone(), source: Box::new(source) };
        let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        let lineage = LineageJob::draft(&analyst.dataset, &stem);
        journal.begin_stage(&stage("draft", &stem, loaded, period), lineage)?;
        let drafted = analyst.work(|job| minster_aggregator::draft(job, text, &mut vault));
        match conclude(drafted, &file, journal, summary)? {
            Ok(()) => {}
            // It does not fit the data, or names a look-up that is not there.
            Err(why) if why.exit_code() == exit::USAGE => {
                journal.end_stage(Progress::Failed, Some(FAULTY.to_owned()))?;
                store.forget_draft(&definition.name, period)?;
                let why = match loaded.pipeline.periods.iter().len() {
                    1 => why.to_string(),
                    _ => format!("{period}: {why}"),
                };
                summary.faulty.push(Faulty::new(path, why));
            }
            // The definition of the release that is lacking may come later, and be drafted again.
            Err(error @ AggregateError::LedgerLacks { .. }) => {
                journal.end_stage(Progress::Failed, Some(error.to_string()))?;
                lacking.get_or_insert(failed(error));
            }
            Err(other) => return Err(failed(other)),
        }
    }
    lacking.map_or(Ok(()), Err)
}

/// A draft whose definition is no more, or is faulty, is none.
fn forget_others(period: &Period, store: &Store, summary: &Summary) -> Result<(), Failure> {
    for draft in store.drafts(period)? {
        let is_it = |of: &ReleaseReport| of.name == draft && of.period == *period;
        if !summary.releases.iter().any(is_it) {
            store.forget_draft(&draft, period)?;
        }
    }
    Ok(())
}

/// Lets drafts out, as the analyst: this one, or all, of a period or of all.
pub(crate) fn release(
    loaded: &Loaded,
    (name, asked): (Option<&TableName>, Option<&Period>),
    store: &Store,
    journal: &mut Journal<'_>,
    summary: &mut Summary,
) -> Result<(), Failure> {
    let by = person::caller();
    let mut vault = Client::connect_to(&loaded.pipeline.vault, Role::Analyst, "minster")?;
    let store = &settled(store, &loaded.pipeline.purpose, &mut vault)?;
    let mut drafts: Vec<(TableName, &Period)> = Vec::new();
    match name {
        Some(name) => {
            let has = |period: &Period| Ok(store.drafts(period)?.contains(name));
            drafts.push((name.clone(), loaded.period(asked, name, has)?));
        }
        None => {
            for period in loaded.pipeline.periods.iter() {
                if asked.is_none_or(|asked| *asked == period.name) {
                    let names = store.drafts(&period.name)?.into_iter();
                    drafts.extend(names.map(|name| (name, &period.name)));
                }
            }
        }
    }
    for (release, period) in drafts {
        let analyst = Analyst::begin(loaded, period, store)?.with_meanings();
        let lineage = LineageJob::release(&analyst.dataset, release.as_str());
        journal.begin_stage(&stage("release", release.as_str(), loaded, period), lineage)?;
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
    (release, asked, reason): (&TableName, Option<&Period>, &str),
    store: &Store,
    journal: &mut Journal<'_>,
    summary: &mut Summary,
) -> Result<(), Failure> {
    let pipeline = &loaded.pipeline;
    let period = loaded.period(asked, release, |period| {
        Ok(store.current_release(release.as_str(), period.as_str()).is_some())
    })?;
    let dataset = children(loaded, period)?;
    let mut vault = Client::connect_to(&pipeline.vault, Role::Analyst, "minster")?;
    let lineage = LineageJob::release(&dataset, release.as_str());
    journal.begin_stage(&stage("withdraw", release.as_str(), loaded, period), lineage)?;
    let which = (release, period, &pipeline.purpose);
    let by = person::caller();
    let withdrawn = minster_aggregator::withdraw(store, which, &by, reason, &mut vault);
    let failed = |source| Failure::Release { release: release.clone(), source: Box::new(source) };
    conclude(withdrawn, release.as_str(), journal, summary)?.map_err(failed)
}

/// The name of a stage; with the period, where the pipeline has several.
fn stage(what: &str, name: &str, loaded: &Loaded, period: &Period) -> String {
    match loaded.pipeline.periods.iter().len() {
        1 => format!("{what} {name}"),
        _ => format!("{what} {name} {period}"),
    }
}

/// Puts what became of a draft or release into the journal and the summary. The error that stops a run is returned.
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
            let refused =
                Refused { release: name.to_owned(), code: why.code(), why: why.to_string() };
            summary.refused.push(refused);
            Ok(Ok(()))
        }
        Err(other) => Ok(Err(other)),
    }
}

/// The columns of the pipeline's deliveries, as minster-ingest describes them.
pub(crate) fn described<T: serde::de::DeserializeOwned>(config: &Path) -> Result<T, Failure> {
    let output = ingest_command()?
        .args(["sources", "describe", "--json", "--config"])
        .arg(config)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(Failure::NoIngest)?;
    match code(output.status) {
        exit::DONE => serde_json::from_slice(&output.stdout).map_err(|_| Failure::IngestReport),
        code => Err(Failure::Describe { code }),
    }
}

/// Beside this program, else on the path.
fn ingest_command() -> Result<Command, Failure> {
    command("minster-ingest").map_err(Failure::NoIngest)
}

/// A program beside this one, or else one that the system finds.
fn command(name: &str) -> io::Result<Command> {
    let beside = std::env::current_exe()?.with_file_name(name);
    Ok(Command::new(if beside.exists() { beside } else { name.into() }))
}

fn code(status: std::process::ExitStatus) -> u8 {
    status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(exit::FAULT)
}
