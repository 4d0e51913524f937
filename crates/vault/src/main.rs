//! `minster-vault`: init, serve, status, log verify.
#![forbid(unsafe_code)]

use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
    sync::{Arc, atomic::AtomicBool},
};

use clap::{Args, Parser, Subcommand};
use minster_model::{Purpose, Role, exit};
use minster_vault::{
    VaultFault,
    custody::Secret,
    folder, harden,
    log::{self, Event, Log},
    server::Server,
    session::Vault,
};
use minster_vault_api::{Client, StatusReport, VaultError};

/// Holds the keys that turn identifiers into pseudonyms, in a process of its own.
#[derive(Parser)]
#[command(name = "minster-vault", version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make a vault in an empty folder.
    #[command(
        after_help = "Example:\n  minster-vault init --dir /var/lib/minster-vault --purpose education\n  (asks for a passphrase; --key-file FILE makes a key file instead)"
    )]
    Init {
        /// The vault's folder.
        #[arg(long)]
        dir: PathBuf,
        /// A purpose that has a key; may be given several times.
        #[arg(long = "purpose", default_value = "children-statistics")]
        purposes: Vec<Purpose>,
        #[command(flatten)]
        custody: CustodyArguments,
    },
    /// Open the vault and answer on a socket, until SIGTERM or Ctrl-C.
    #[command(
        after_help = "Example:\n  minster-vault serve --dir /var/lib/minster-vault --socket /run/minster-vault/vault.sock"
    )]
    Serve {
        /// The vault's folder.
        #[arg(long)]
        dir: PathBuf,
        /// Where to listen.
        #[arg(long)]
        socket: PathBuf,
        #[command(flatten)]
        custody: CustodyArguments,
    },
    /// Say what a serving vault holds: purposes, versions, custody. No secret.
    #[command(
        after_help = "Example:\n  minster-vault status --socket /run/minster-vault/vault.sock --json"
    )]
    Status {
        /// Where it listens.
        #[arg(long)]
        socket: PathBuf,
        /// The role to ask in; your uid must hold it.
        #[arg(long, default_value = "auditor")]
        role: String,
        /// One JSON object.
        #[arg(long)]
        json: bool,
    },
    /// The log of who asked what.
    #[command(subcommand)]
    Log(LogCommand),
}

#[derive(Subcommand)]
enum LogCommand {
    /// Verify the log's chain; needs no secret.
    #[command(after_help = "Example:\n  minster-vault log verify --dir /var/lib/minster-vault")]
    Verify {
        /// The vault's folder.
        #[arg(long)]
        dir: PathBuf,
    },
}

#[derive(Args)]
struct CustodyArguments {
    /// A file with the key that seals the root; `init` makes it where it is missing. Keep it on another disk.
    #[arg(long, conflicts_with = "passphrase_file")]
    key_file: Option<PathBuf>,
    /// A file whose first line is the passphrase. Without either, the passphrase is asked for.
    #[arg(long)]
    passphrase_file: Option<PathBuf>,
}

impl From<CustodyArguments> for Secret {
    fn from(arguments: CustodyArguments) -> Self {
        match (arguments.key_file, arguments.passphrase_file) {
            (Some(path), _) => Self::KeyFile(path),
            (_, Some(path)) => Self::PassphraseFile(path),
            _ => Self::Prompt,
        }
    }
}

#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Vault(#[from] VaultFault),
    #[error(transparent)]
    Client(#[from] VaultError),
    #[error("{0} is not a role: ingest, linker, analyst, custodian or auditor")]
    Role(String),
    #[error("the log cannot be written")]
    Log,
    #[error("signals cannot be handled: {0}")]
    Signals(io::Error),
    #[error("the output cannot be written: {0}")]
    Output(#[from] io::Error),
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let _ = writeln!(io::stderr(), "error: {failure}");
            ExitCode::from(match failure {
                Failure::Vault(fault) => fault.exit_code(),
                Failure::Client(_) => exit::VAULT,
                Failure::Role(_) => exit::USAGE,
                Failure::Log | Failure::Signals(_) | Failure::Output(_) => exit::FAULT,
            })
        }
    }
}

fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Init { dir, purposes, custody } => {
            harden();
            let store_id = folder::init(&dir, &custody.into(), &purposes)?;
            writeln!(
                io::stderr(),
                "vault {store_id} made in {}; every role is this user's: give each program a uid of \
                 its own in vault.toml before service",
                dir.display()
            )?;
        }
        Command::Serve { dir, socket, custody } => serve(&dir, &socket, &custody.into())?,
        Command::Status { socket, role, json } => {
            let asked = Role::ALL.into_iter().find(|known| known.as_str() == role);
            let asked = asked.ok_or(Failure::Role(role))?;
            let status = Client::connect(&socket, asked, "minster-vault")?.status()?;
            print_status(&status, json)?;
        }
        Command::Log(LogCommand::Verify { dir }) => {
            let (entries, head) = log::verify(&dir.join("log.jsonl"))?;
            writeln!(io::stdout(), "{entries} entries, chain whole, last {head}")?;
        }
    }
    Ok(())
}

fn serve(dir: &std::path::Path, socket: &std::path::Path, secret: &Secret) -> Result<(), Failure> {
    let hardening = harden();
    let opened = folder::open_folder(dir, secret)?;
    let log = Log::open(&dir.join("log.jsonl"))?;
    let vault = Vault::new(opened, log);
    vault.record(None, Event::Started { hardening }).map_err(|_| Failure::Log)?;
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGTERM, signal_hook::consts::SIGINT] {
        signal_hook::flag::register(signal, Arc::clone(&stop)).map_err(Failure::Signals)?;
    }
    let server = Server::bind(vault, socket)?;
    writeln!(io::stderr(), "the vault answers on {}", socket.display())?;
    server.serve(&stop)?;
    Ok(())
}

fn print_status(status: &StatusReport, json: bool) -> io::Result<()> {
    let mut out = io::stdout().lock();
    if json {
        let object = serde_json::json!({ "format": 1, "status": status });
        return writeln!(out, "{object:#}");
    }
    writeln!(out, "vault      {}", status.store_id)?;
    writeln!(out, "custody    {}", status.custody)?;
    writeln!(out, "quarantine {}", status.recipient)?;
    writeln!(out, "log        {} entries, last {}", status.log_entries, status.log_head)?;
    for purpose in &status.purposes {
        let until = match (&purpose.expires, purpose.expired) {
            (Some(date), true) => format!("EXPIRED {date}: it has no key"),
            (Some(date), false) => format!("until {date}"),
            (None, _) => "without end".to_owned(),
        };
        let (name, version) = (&purpose.purpose, purpose.key_version);
        writeln!(out, "purpose    {name} {version} check {} {until}", purpose.key_check)?;
    }
    Ok(())
}
