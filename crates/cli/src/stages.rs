//! The stages of a run, each in its own role towards the vault.

use std::{
    ffi::OsString,
    io::{self, IsTerminal, Write},
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use indicatif::ProgressBar;
use minster_aggregator::AggregateError;
use minster_matcher::{CHILDREN, LinkageReport, integrated};
use minster_model::{Role, exit};
use minster_store::Store;
use minster_vault_api::Client;

use crate::{failure::Failure, pipeline, pipeline::Loaded, summary::Summary};

/// Runs minster-ingest with these arguments; gives its exit code, which must be "done".
pub(crate) fn ingest_program(arguments: &[OsString]) -> Result<u8, Failure> {
    let status = ingest_command()?.args(arguments).status().map_err(Failure::NoIngest)?;
    match code(status) {
        code @ (exit::DONE | exit::QUARANTINED) => Ok(code),
        code => Err(Failure::Ingest { code }),
    }
}

/// Ingests every delivery; gives minster-ingest's report.
pub(crate) fn ingest(loaded: &Loaded, config: &Path) -> Result<serde_json::Value, Failure> {
    let output = ingest_command()?
        .arg("run")
        .args(["--json", "--lock-held", "--run", loaded.run.as_str()])
        .arg("--config")
        .arg(config)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(Failure::NoIngest)?;
    match code(output.status) {
        exit::DONE | exit::QUARANTINED => {
            serde_json::from_slice(&output.stdout).map_err(|_| Failure::IngestReport)
        }
        code => Err(Failure::Ingest { code }),
    }
}

/// Links the datasets, as the linker.
pub(crate) fn link(loaded: &Loaded, store: &Store) -> Result<LinkageReport, Failure> {
    let bar = spinner("link");
    let pipeline = &loaded.pipeline;
    let matching = pipeline::read(&pipeline.matching)?;
    let deliveries: Vec<_> = pipeline
        .sources
        .iter()
        .map(|delivery| (delivery.name.clone(), delivery.period.clone()))
        .collect();
    let mut vault = Client::connect(&pipeline.vault.socket, Role::Linker, "minster")?;
    let job = minster_matcher::Job {
        store,
        purpose: &pipeline.purpose,
        period: &pipeline.period,
        run: &loaded.run,
        deliveries: &deliveries,
        matching: &matching,
    };
    let linked = minster_matcher::link(&job, &mut vault);
    bar.finish_and_clear();
    let path = pipeline.matching.clone();
    linked
        .map(|(_, report)| report)
        .map_err(|source| Failure::Match { path, source: Box::new(source) })
}

/// Releases every definition, as the analyst. One that disclosure control refuses leaves the others be.
pub(crate) fn aggregate(
    loaded: &Loaded,
    store: &Store,
    summary: &mut Summary,
) -> Result<(), Failure> {
    let pipeline = &loaded.pipeline;
    let name =
        |source| Failure::Match { path: pipeline.matching.clone(), source: Box::new(source) };
    let dataset = integrated(&pipeline.purpose, &pipeline.period).map_err(name)?;
    let children = CHILDREN.parse().map_err(|_| Failure::Name)?;
    let mut vault = Client::connect(&pipeline.vault.socket, Role::Analyst, "minster")?;
    for (path, definition) in loaded.tables()? {
        let bar = spinner("protect");
        let job = minster_aggregator::Job {
            store,
            dataset: &dataset,
            children: &children,
            period: &pipeline.period,
            run: &loaded.run,
            lookups: &pipeline.lookups,
            notice: &|text| bar.suspend(|| drop(writeln!(io::stderr(), "note: {text}"))),
        };
        let released = minster_aggregator::aggregate(&job, &definition, &mut vault);
        bar.finish_and_clear();
        match released {
            Ok(report) => summary.releases.push(report),
            Err(AggregateError::Refused(why)) => {
                let file = path.file_name().unwrap_or_default().to_string_lossy();
                summary.refused.push(format!("{file}: {why}"));
            }
            Err(source) => {
                return Err(Failure::Aggregate { path, source: Box::new(source) });
            }
        }
    }
    Ok(())
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
