//! `minster-audit`: for someone with no secret. Each check says what was seen, PASS or FAIL, and how to
//! look oneself; what could not be looked at is said, never passed over.
//!
//! It links no Polars, and nothing of the programs that it audits but the store's format and the messages on the vault's
//! socket: an auditor reads it and builds it alone, in minutes. It asks the others as programs for the rest:
//! `minster-vault log verify` and `minster verify`.
#![forbid(unsafe_code)]

mod arguments;
mod check;
mod checks;
mod failure;
mod meaning;
mod records;
mod report;
mod site;

use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::Parser;
use minster_model::exit;

use crate::{
    arguments::{Arguments, Audit, Command},
    failure::Failure,
    records::Records,
    report::Report,
    site::Site,
};

fn main() -> ExitCode {
    minster_sandbox::no_dumps();
    let arguments = Arguments::parse();
    let done = match arguments.command {
        Some(command) => other(&command),
        None => audit(arguments.audit),
    };
    let code = done.unwrap_or_else(|failure| {
        let _ = writeln!(io::stderr(), "error: {failure}");
        failure.exit_code()
    });
    ExitCode::from(code)
}

fn audit(arguments: Audit) -> Result<u8, Failure> {
    let json = arguments.json;
    // Before an hour of checks: a folder that is not the auditor's, and a key that does not sign, are said now.
    let records = arguments.records.as_deref().map(Records::open).transpose()?;
    let before = records.as_ref().map(Records::newest).transpose()?.flatten();
    let site = Site::of(arguments)?;
    let checks = checks::all(&site);
    let report = Report::of(&site, checks, before.as_ref());
    print(&if json { report.json()? } else { report.text() })?;
    if let Some(records) = &records {
        let filed = records.file(&report)?;
        let _ = writeln!(
            io::stderr(),
            "filed: {}, with its page, its text and its JSON",
            filed.display()
        );
    }
    Ok(report.exit)
}

fn other(command: &Command) -> Result<u8, Failure> {
    match command {
        Command::Key { folder, name } => {
            let verifier = records::make_key(folder, name)?;
            print(&format!("{verifier}\n"))?;
        }
        Command::List { programs, installed_in, key } => {
            print(&records::list(programs, installed_in.as_deref(), key)?)?;
        }
        Command::Verify { note, verifier } => print(&records::verify(note, verifier)?)?,
    }
    Ok(exit::DONE)
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
