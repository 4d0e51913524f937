//! `minster`: plan, run, link, aggregate, release, audit. Holds pseudonymised data and tables; it links no code that
//! reads a raw identifier and none that makes a pseudonym: ingestion and the audit are programs of their own, started
//! here as git starts its sub-commands.
#![forbid(unsafe_code)]

mod access;
mod analyst;
mod approvals;
mod arguments;
mod columns;
mod definitions;
mod dictionary;
mod dispose;
mod end_purpose;
mod explain;
mod failure;
mod init;
mod lineage;
mod linkage;
mod links;
mod officer;
mod person;
mod pipeline;
mod plan;
mod preview;
mod purposes;
mod quality;
mod query;
mod refusals;
mod rekey;
mod report;
mod reproduce;
mod review;
mod risk;
mod runs;
mod site;
mod stages;
mod suggest;
mod summary;
mod verify;

use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::Parser;
use minster_model::{exit, pipeline::textfile_of};
use minster_store::{StoreError, record_attempt, record_beginning};

use crate::{
    arguments::{Arguments, Command, Config, Json, Released, Report, Reports, Runs},
    failure::Failure,
    pipeline::Loaded,
};

fn main() -> ExitCode {
    minster_sandbox::no_dumps();
    let command = Arguments::parse().command;
    let textfile =
        command.night().and_then(|config| textfile_of(config, |text| toml::from_str(text).ok()));
    told(textfile.as_ref().map(|of| record_beginning(of, "minster")));
    let code = run(command).unwrap_or_else(|failure| {
        let _ = writeln!(io::stderr(), "error: {failure}");
        failure.exit_code()
    });
    told(textfile.map(|of| record_attempt(&of, "minster", code)));
    ExitCode::from(code)
}

/// A monitor's file that cannot be written stops nothing.
fn told(written: Option<Result<(), StoreError>>) {
    if let Some(Err(trouble)) = written {
        let _ = writeln!(io::stderr(), "warning: a monitor's file is not written: {trouble}");
    }
}

fn run(command: Command) -> Result<u8, Failure> {
    match command {
        Command::Init { folder, form: Json { json } } => {
            let written = init::write(&folder)?;
            print(&if json { written.json()? } else { written.text() })?;
            Ok(exit::DONE)
        }
        Command::Plan(Report { config, form: Json { json } }) => {
            let loaded = Loaded::read(&config.path)?;
            match json {
                true => {
                    let ingest = stages::ingest_plan(&config.path)?;
                    let plan = plan::Plan::of(&loaded)?;
                    print(&plan.json(&ingest)?)?;
                    Ok(plan.exit_code())
                }
                false => {
                    let config = config.path.into();
                    stages::ingest_program(&["plan".into(), "--config".into(), config])?;
                    let plan = plan::Plan::of(&loaded)?;
                    print(&plan.text())?;
                    Ok(plan.exit_code())
                }
            }
        }
        Command::Ingest { arguments } => {
            stages::ingest_program(&arguments.into_iter().map(Into::into).collect::<Vec<_>>())
        }
        Command::Run { report: Report { config, form: Json { json } }, again, accept } => {
            let loaded = Loaded::read(&config.path)?;
            let summary = runs::recorded(&loaded, "minster", |store, journal| {
                let ingest = Some(stages::ingest(&loaded, &config.path, store, again, &accept)?);
                let linkage = stages::link(&loaded, store, journal, again)?;
                let config = config.path;
                let mut summary =
                    summary::Summary { ingest, linkage, config, ..Default::default() };
                risk::gate(&loaded, None, store, journal)?;
                stages::draft(&loaded, None, store, journal, &mut summary)?;
                Ok(summary)
            })?;
            finish(&summary, json)
        }
        Command::Link { report: Report { config, form: Json { json } }, again } => {
            let loaded = Loaded::read(&config.path)?;
            let summary = runs::recorded(&loaded, "minster", |store, journal| {
                let linkage = stages::link(&loaded, store, journal, again)?;
                Ok(summary::Summary { linkage, ..Default::default() })
            })?;
            finish(&summary, json)
        }
        Command::Aggregate { release, report: Report { config, form: Json { json } } } => {
            let loaded = Loaded::read(&config.path)?;
            // One draft for a person is no night.
            let program = if release.is_some() { "minster-draft" } else { "minster" };
            let summary = runs::recorded(&loaded, program, |store, journal| {
                let mut summary = summary::Summary { config: config.path, ..Default::default() };
                risk::gate(&loaded, None, store, journal)?;
                stages::draft(&loaded, release.as_ref(), store, journal, &mut summary)?;
                Ok(summary)
            })?;
            finish(&summary, json)
        }
        Command::Release {
            release,
            all: _,
            period,
            report: Report { config, form: Json { json } },
        } => {
            let loaded = Loaded::read(&config.path)?;
            let summary = runs::recorded(&loaded, "minster-release", |store, journal| {
                let mut summary = summary::Summary { config: config.path, ..Default::default() };
                let which = (release.as_ref(), period.as_ref());
                risk::gate(&loaded, period.as_ref(), store, journal)?;
                stages::release(&loaded, which, store, journal, &mut summary)?;
                Ok(summary)
            })?;
            finish(&summary, json)
        }
        Command::Withdraw {
            release,
            reason,
            period,
            report: Report { config, form: Json { json } },
        } => {
            let loaded = Loaded::read(&config.path)?;
            let summary = runs::recorded(&loaded, "minster-release", |store, journal| {
                let mut summary = summary::Summary { config: config.path, ..Default::default() };
                let which = (&release, period.as_ref(), reason.as_str());
                stages::withdraw(&loaded, which, store, journal, &mut summary)?;
                Ok(summary)
            })?;
            finish(&summary, json)
        }
        Command::Report(Reports::Quality(arguments)) => {
            print(&quality::report(&arguments)?)?;
            Ok(exit::DONE)
        }
        Command::Report(Reports::Linkage(arguments)) => {
            print(&linkage::report(&arguments)?)?;
            Ok(exit::DONE)
        }
        Command::Report(Reports::Links(arguments)) => {
            print(&links::links(&arguments)?)?;
            Ok(exit::DONE)
        }
        Command::Report(Reports::Processing(arguments)) => {
            print(&officer::processing(&arguments)?)?;
            Ok(exit::DONE)
        }
        Command::Report(Reports::Dpia(arguments)) => {
            print(&officer::dpia(&arguments)?)?;
            Ok(exit::DONE)
        }
        Command::Report(Reports::Month(arguments)) => {
            print(&officer::month(&arguments)?)?;
            Ok(exit::DONE)
        }
        Command::Purposes(arguments) => {
            let (text, code) = purposes::purposes(&arguments)?;
            print(&text)?;
            Ok(code)
        }
        Command::Review(command) => {
            print(&review::run(&command)?)?;
            Ok(exit::DONE)
        }
        Command::Runs(Runs::List { report: Report { config, form: Json { json } }, most }) => {
            let records = runs::list(&Loaded::read(&config.path)?, most)?;
            print(&if json { runs::json(&records)? } else { runs::text(&records) })?;
            Ok(exit::DONE)
        }
        Command::Runs(Runs::Show { run, report: Report { config, form: Json { json } } }) => {
            let records = runs::show(&Loaded::read(&config.path)?, &run)?;
            print(&if json { runs::json(&records)? } else { runs::whole_text(&records) })?;
            Ok(exit::DONE)
        }
        Command::Dictionary { period, config: Config { path } } => {
            print(&dictionary::dictionary(&path, period.as_ref())?)?;
            Ok(exit::DONE)
        }
        Command::Columns(arguments) => {
            print(&columns::columns(&arguments)?)?;
            Ok(exit::DONE)
        }
        Command::Preview(arguments) => {
            print(&preview::preview(&arguments)?)?;
            Ok(exit::DONE)
        }
        Command::Query(arguments) => {
            print(&query::query(&arguments)?)?;
            Ok(exit::DONE)
        }
        Command::Suggest(arguments) => {
            print(&suggest::suggest(&arguments)?)?;
            Ok(exit::DONE)
        }
        Command::Refusals(report) => {
            print(&refusals::refusals(&report)?)?;
            Ok(exit::DONE)
        }
        Command::Lineage(released) => {
            let (text, code) = lineage::lineage(&released)?;
            print(&text)?;
            Ok(code)
        }
        Command::Reproduce(released) => {
            let (text, code) = reproduce::reproduce(&released)?;
            print(&text)?;
            Ok(code)
        }
        Command::Site(arguments) => {
            let (text, code) = site::site(&arguments)?;
            print(&text)?;
            Ok(code)
        }
        Command::Risk(arguments) => {
            print(&risk::report(&arguments)?)?;
            Ok(exit::DONE)
        }
        Command::Rekey(Report { config, form: Json { json } }) => {
            let rekeyed = rekey::rekey(&Loaded::read(&config.path)?)?;
            print(&if json { rekeyed.json()? } else { rekeyed.text() })?;
            Ok(exit::DONE)
        }
        Command::Dispose(arguments) => {
            let disposed = dispose::dispose(&arguments)?;
            let json = arguments.report.form.json;
            print(&if json { disposed.json()? } else { disposed.text() })?;
            Ok(exit::DONE)
        }
        Command::EndPurpose(Report { config, form: Json { json } }) => {
            let ended = end_purpose::end_purpose(&Loaded::read(&config.path)?)?;
            print(&if json { ended.json()? } else { ended.text() })?;
            Ok(exit::DONE)
        }
        Command::Access(arguments) => {
            let given = access::access(&arguments)?;
            let json = arguments.report.form.json;
            print(&if json { given.json()? } else { given.text() })?;
            Ok(exit::DONE)
        }
        Command::Verify(Released { release, period, report }) => {
            let Report { config, form: Json { json } } = report;
            let which = (&release, period.as_ref());
            let checks = verify::verify(&Loaded::read(&config.path)?, which)?;
            print(&if json { verify::json(&checks)? } else { verify::text(&checks) })?;
            Ok(verify::exit_code(&checks))
        }
        Command::Explain(arguments) => {
            print(&explain::explain(&arguments)?)?;
            Ok(exit::DONE)
        }
        Command::Audit { arguments } => stages::audit_program(&arguments),
        Command::Schema => {
            print(&minster_aggregator::Definition::schema())?;
            Ok(exit::DONE)
        }
    }
}

fn finish(summary: &summary::Summary, json: bool) -> Result<u8, Failure> {
    print(&if json { summary.json()? } else { summary.text() })?;
    Ok(summary.exit_code())
}

/// Writes to standard output. A reader who has seen enough, as `head` has, closes it: the work is done all the same.
fn print(text: &str) -> Result<(), Failure> {
    match io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::Output(error)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;
    use minster_tests::command_line;

    use super::Arguments;

    #[test]
    fn the_help_is_the_one_that_is_kept() {
        command_line::help(Arguments::command());
    }

    #[test]
    fn completions_and_manual_pages_are_made() {
        command_line::assets(Arguments::command());
    }
}
