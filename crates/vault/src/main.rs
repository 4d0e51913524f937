//! `minster-vault`: the custodians' and the service's program.
#![forbid(unsafe_code)]

#[path = "program/approve.rs"]
mod approve;
#[path = "program/archive.rs"]
mod archive;
#[path = "program/arguments.rs"]
mod arguments;
#[path = "program/cases.rs"]
mod cases;
#[path = "program/client.rs"]
mod client;
#[path = "program/custody.rs"]
mod custody;
#[path = "program/ending.rs"]
mod ending;
#[path = "program/exact_only.rs"]
mod exact_only;
#[path = "program/looking.rs"]
mod looking;
#[path = "program/metrics.rs"]
mod metrics;
#[path = "program/offline.rs"]
mod offline;
#[path = "program/proposals.rs"]
mod proposals;
#[path = "program/quarantine.rs"]
mod quarantine;
#[path = "program/rectification.rs"]
mod rectification;
#[path = "program/restore.rs"]
mod restore;
#[path = "program/retention.rs"]
mod retention;
#[path = "program/review.rs"]
mod review;
#[path = "program/unlock.rs"]
mod unlock;

use std::{
    io::{self, Write},
    process::ExitCode,
};

use archive::Archive;
use arguments::{Arguments, Command, Custodian, Json, LogCommand};
use clap::Parser;
use minster_model::exit;
use minster_vault::VaultFault;
use minster_vault_api::VaultError;
use quarantine::Quarantine;
use retention::Retention;
use review::Review;

/// Why a command stopped.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Vault(#[from] VaultFault),
    #[error(transparent)]
    Client(#[from] VaultError),
    #[error("the log cannot be written")]
    Log,
    #[error("signals cannot be handled: {0}")]
    Signals(io::Error),
    #[error("the output cannot be written: {0}")]
    Output(#[from] io::Error),
}

impl Failure {
    fn exit_code(&self) -> u8 {
        match self {
            Self::Vault(fault) => fault.exit_code(),
            Self::Client(_) => exit::VAULT,
            Self::Log | Self::Signals(_) | Self::Output(_) => exit::FAULT,
        }
    }
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let _ = writeln!(io::stderr(), "error: {failure}");
            ExitCode::from(failure.exit_code())
        }
    }
}

fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Init(init) => offline::init(init),
        Command::Serve(serve) => offline::serve(serve),
        Command::Rekey(rekey) => offline::rekey(rekey),
        Command::Restore(restore) => restore::restore(restore),
        Command::Custodian(Custodian::Sign(sign)) => restore::sign(&sign),
        Command::Log(LogCommand::Verify(verify)) => offline::verify(verify),
        Command::Metrics(metrics) => metrics::metrics(&metrics),
        Command::Unlock(unlock) => unlock::unlock(&unlock),
        Command::Custodian(Custodian::Identity { out, key, form }) => {
            unlock::identity(&out, &key, &form)
        }
        Command::Log(LogCommand::Show(show)) => looking::show(&show),
        Command::Proposals { caller, form } => looking::proposals(&caller, &form),
        Command::Custodian(Custodian::New { out, key, form }) => {
            offline::new_custodian(&out, &key, &form)
        }
        Command::Custodian(Custodian::Seal { key, out, key_passphrase_file, form }) => {
            offline::seal_custodian(&key, &out, key_passphrase_file.as_deref(), &form)
        }
        Command::Custodian(Custodian::Appoint { dir, custodians, opening, form }) => {
            offline::appoint(&dir, custodians, opening, &form)
        }
        Command::Status { caller, form } => client::status(&caller, &form),
        Command::Statement { caller, form } => client::statement(&caller, &form),
        Command::Checkpoint { caller, out, form } => client::checkpoint(&caller, &out, &form),
        Command::Request { caller, case, form, what } => {
            client::request(&caller, case, what, &form)
        }
        Command::Approve(approve) => approve::approve(&approve),
        Command::Enact { caller, proposal, form } => client::enact(&caller, &proposal, &form),
        Command::Reidentify { caller, proposal, form } => {
            client::reidentify(&caller, &proposal, &form)
        }
        Command::Subject { caller, proposal, child, form } => {
            client::subject(&caller, &proposal, &child, &form)
        }
        Command::EndPurpose(command) => ending::run(&command),
        Command::Case(command) => cases::run(command),
        Command::Cases(list) => cases::list(&list),
        Command::ExactOnly(count) => exact_only::count(&count),
        Command::Archive(Archive::Open(open)) => archive::open(&open),
        Command::Archive(Archive::List { caller, form }) => archive::list(&caller, &form),
        Command::Retention(Retention::Plan(plan)) => retention::plan(&plan),
        Command::Retention(Retention::Apply(apply)) => retention::apply(&apply),
        Command::Review(Review::Sign(sign)) => review::sign(&sign),
        Command::Quarantine(Quarantine::Open(open)) => quarantine::open(open),
    }
}

/// Writes to standard output. A reader who has seen enough, as `head` has, closes it: the work is done all the same.
fn print(text: &str) -> Result<(), Failure> {
    match io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::Output(error)),
        _ => Ok(()),
    }
}

/// Says what was done: in words on standard error, or as one JSON object on standard output.
fn tell(form: &Json, object: &serde_json::Value, words: &str) -> Result<(), Failure> {
    if form.json {
        return print(&format!("{object}\n"));
    }
    // It is done, whether or not anyone reads of it.
    let _ = writeln!(io::stderr(), "{words}");
    Ok(())
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
