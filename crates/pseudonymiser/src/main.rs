//! `minster-ingest`: plan, run, sources.
#![forbid(unsafe_code)]

mod arguments;
mod log;

use std::{
    io::{self, Write},
    path::Path,
    process::ExitCode,
    sync::Arc,
};

use clap::Parser;
use minster_model::pipeline::textfile_of;
use minster_pseudonymiser::{Checked, Event, IngestError, Ingestion, Options};
use minster_sandbox::{Access, REFUSED, allow_calls, allow_files};
use minster_store::{record_attempt, record_beginning};

use crate::{
    arguments::{Arguments, Command, Config, Json, Quarantine, Sources},
    log::{Format, Log},
};

fn main() -> ExitCode {
    // Raw rows pass through this process: what dies of it leaves no copy of them.
    minster_sandbox::no_dumps();
    let arguments = Arguments::parse();
    let format = match &arguments.command {
        Command::Run { log, .. } => *log,
        _ => Format::Text,
    };
    let log = Arc::new(Log::new(format));
    // Once it has shut itself in, it may not read the configuration any more.
    let textfile = match &arguments.command {
        Command::Run { config: Config { path }, .. } => {
            textfile_of(path, |text| toml::from_str(text).ok())
        }
        _ => None,
    };
    if let Some(Err(trouble)) = textfile.as_ref().map(|of| record_beginning(of, "minster-ingest")) {
        log.tell(&Event::Trouble(trouble.to_string()));
    }
    let code = run(arguments.command, &log).unwrap_or_else(|error| {
        log.failed(&error);
        error.exit_code()
    });
    if let Some(Err(trouble)) = textfile.map(|of| record_attempt(&of, "minster-ingest", code)) {
        log.tell(&Event::Trouble(trouble.to_string()));
    }
    ExitCode::from(code)
}

fn run(command: Command, log: &Arc<Log>) -> Result<u8, IngestError> {
    match command {
        Command::Plan { config: Config { path }, form: Json { json } } => {
            let planned = Ingestion::load(&path)?.describe()?;
            match json {
                true => print_json(&planned)?,
                false => print(&planned.text())?,
            }
            Ok(minster_model::exit::DONE)
        }
        Command::Run {
            config,
            form: Json { json },
            log: _,
            again,
            parts,
            accept,
            lock_held,
            run,
        } => {
            if lock_held {
                end_with_parent();
            }
            let ingestion = Ingestion::load(&config.path)?;
            let telling = Arc::clone(log);
            let told = Arc::new(move |event: &Event<'_>| telling.tell(event));
            let accept = accept.into_iter().collect();
            let options =
                Options { lock_held, run, again, parts, accept, told, ..Default::default() };
            // Once it has shut itself in, it connects to nothing any more.
            let vault = ingestion.call();
            shut_in(&ingestion, log);
            let report = ingestion.run_with(&options, vault);
            log.finish();
            let report = report?;
            log.ended(report.exit_code());
            match json {
                true => print_json(&report)?,
                false => print(&report.text())?,
            }
            Ok(report.exit_code())
        }
        Command::Try { pipeline, config, form: Json { json } } => {
            let tried =
                Ingestion::load(pipeline.as_ref().unwrap_or(&config.path))?.try_definitions()?;
            match json {
                true => print_json(&tried)?,
                false => print(&tried.text())?,
            }
            Ok(tried.exit_code())
        }
        Command::Schema => {
            let schema = minster_sources::schema();
            let text = serde_json::to_string_pretty(&schema)
                .map_err(|error| IngestError::Output(error.into()))?;
            print(&(text + "\n"))?;
            Ok(minster_model::exit::DONE)
        }
        Command::Quarantine(Quarantine::List { config, form: Json { json } }) => {
            let quarantined = Ingestion::load(&config.path)?.quarantined()?;
            match json {
                true => print_json(&quarantined)?,
                false => print(&quarantined.text())?,
            }
            Ok(match quarantined.groups.is_empty() {
                true => minster_model::exit::DONE,
                false => minster_model::exit::QUARANTINED,
            })
        }
        Command::Sources(Sources::Check { files, definitions, period, form: Json { json } }) => {
            let checked = Checked::make(&files, &definitions, period.as_ref())?;
            match json {
                true => print_json(&checked)?,
                false => print(&checked.text())?,
            }
            Ok(checked.exit_code())
        }
        Command::Sources(Sources::Describe { config, form: Json { json } }) => {
            let described = Ingestion::load(&config.path)?.described();
            match json {
                true => print_json(&described)?,
                false => print(&described.text())?,
            }
            Ok(minster_model::exit::DONE)
        }
        Command::Sources(Sources::New { file, values }) => {
            let year = jiff::Timestamp::now().strftime("%Y").to_string();
            print(&minster_pseudonymiser::draft(&file, &year, &values)?)?;
            Ok(minster_model::exit::DONE)
        }
    }
}

/// The system's own files, which libraries read: time, devices, how many cores there are.
const OF_THE_SYSTEM: [&str; 7] = ["/etc", "/usr", "/lib", "/lib64", "/proc", "/sys", "/dev"];

/// From here on the process reads the deliveries, writes the store and the monitors' files, and asks the vault by the connection
/// that it has; a file or archive that takes it over can do no more. Where the kernel has no such thing, the run goes on.
fn shut_in(ingestion: &Ingestion, log: &Log) {
    let (read, written) = (ingestion.reads(), ingestion.writes());
    let read = read.into_iter().chain(OF_THE_SYSTEM.map(Path::new)).map(|of| (of, Access::Read));
    let written = written.into_iter().map(|of| (of, Access::Write));
    let terminal = ["/dev/null", "/dev/tty"].map(|of| (Path::new(of), Access::Write));
    let files = allow_files(&read.chain(written).chain(terminal).collect::<Vec<_>>());
    let calls = allow_calls();
    if [files, calls].contains(&REFUSED) {
        let why = format!("the program is not shut in: Landlock: {files}; seccomp: {calls}");
        log.tell(&Event::Trouble(why));
    }
}

/// The lock is the caller's: if it is killed, this process must not go on without one. Where the
/// system refuses, the store's own steps still leave nothing half published.
fn end_with_parent() {
    let _ = rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL));
}

fn print_json(report: &impl serde::Serialize) -> Result<(), IngestError> {
    let text = serde_json::to_string(report).map_err(|error| IngestError::Output(error.into()))?;
    print(&(text + "\n"))
}

/// Writes to standard output. A reader who has seen enough, as `head` has, closes it: the work is done all the same.
fn print(text: &str) -> Result<(), IngestError> {
    match io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(IngestError::Output(error)),
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
