//! `minster-vault`: the custodians' and the service's program.
#![forbid(unsafe_code)]

#[path = "program/arguments.rs"]
mod arguments;
#[path = "program/ask.rs"]
mod ask;
#[path = "program/exact_only.rs"]
mod exact_only;
#[path = "program/keep.rs"]
mod keep;
#[path = "program/quarantine.rs"]
mod quarantine;
#[path = "program/review.rs"]
mod review;

use std::{
    io::{self, Write},
    process::ExitCode,
};

use arguments::{Arguments, Command, Custodian, LogCommand};
use clap::Parser;
use minster_model::exit;
use minster_vault::VaultFault;
use minster_vault_api::VaultError;
use quarantine::Quarantine;
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
        Command::Init(init) => keep::init(init),
        Command::Serve(serve) => keep::serve(serve),
        Command::Rekey(rekey) => keep::rekey(rekey),
        Command::Log(LogCommand::Verify(verify)) => keep::verify(verify),
        Command::Custodian(Custodian::New { out }) => keep::new_custodian(&out),
        Command::Custodian(Custodian::Appoint { dir, custodians, opening }) => {
            keep::appoint(&dir, custodians, opening)
        }
        Command::Status { caller, json } => ask::status(&caller, json),
        Command::Statement(caller) => ask::statement(&caller),
        Command::Checkpoint { caller, out } => ask::checkpoint(&caller, &out),
        Command::Request { caller, case, what } => ask::request(&caller, case, what),
        Command::Approve(approve) => ask::approve(&approve),
        Command::Enact { caller, proposal } => ask::enact(&caller, &proposal),
        Command::Reidentify { caller, proposal } => ask::reidentify(&caller, &proposal),
        Command::Subject { caller, proposal, child } => ask::subject(&caller, &proposal, &child),
        Command::ExactOnly(count) => exact_only::count(&count),
        Command::Review(Review::Sign(sign)) => review::sign(&sign),
        Command::Quarantine(Quarantine::Open(open)) => quarantine::open(open),
        Command::Rotate { caller, purpose } => ask::rotate(&caller, &purpose),
        Command::Retire { caller, purpose, version } => ask::retire(&caller, &purpose, version),
    }
}
