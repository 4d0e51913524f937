//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use minster_model::Role;
use minster_vault::approvals::CustodianKey;

use crate::{
    approve::{Approve, KeyOpening},
    archive::Archive,
    cases::{CaseCommand, List},
    custody::{NewCustody, Opening, Rekey},
    ending::EndCommand,
    exact_only::CountExactOnly,
    looking::Show,
    metrics::Metrics,
    proposals::{Case, Child, What},
    quarantine::Quarantine,
    restore::{Restore, Sign},
    retention::Retention,
    review::Review,
    unlock::Unlock,
};

/// Holds the keys that turn identifiers into pseudonyms, in a process of its own.
#[derive(Parser)]
#[command(
    name = "minster-vault",
    version = env!("MINSTER_VERSION"),
    arg_required_else_help = true,
    after_help = "Example:
  minster-vault status

docs/custodians.md leads through every ceremony."
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Make a vault in an empty folder.
    #[command(after_help = "Examples:
  minster-vault init --dir /var/lib/minster-vault \\
      --purposes config/purposes.toml \\
      --custodian ann=ann.pub --custodian ben=ben.pub
    asks for a passphrase

  ... --recipient age1... --recipient age1... --recipient age1... --threshold 2
    two of three custodians, each with an age identity, open the vault together

  ... --pkcs11-module /usr/lib/libsofthsm2.so --token vault --pin-file pin
    a key that never leaves the token opens it

  ... --credential minster-root
    systemd hands the key over (LoadCredentialEncrypted=)

  ... --key-file /media/stick/key
    a key file opens it; it is made where it is missing")]
    Init(Init),
    /// Open the vault and answer on a socket, until SIGTERM or Ctrl-C.
    #[command(after_help = "Example:
  minster-vault serve --dir /var/lib/minster-vault \\
      --checkpoints /srv/auditor/checkpoints

  ... --await-custodians
    starts locked, as at boot; `minster-vault unlock` opens it")]
    Serve(Serve),
    /// Give your share to a vault that started locked. Enough custodians open it, each from an account of their own.
    #[command(after_help = "Example:
  minster-vault unlock --identity /media/stick/ann.identity

The program asks for the identity's passphrase, or for the passphrase or PIN that the vault's custody needs. \
The share goes to the vault's memory, and to no disk. Five wrong ones of one uid are taken, and no more.")]
    Unlock(Unlock),
    /// Change how the vault is opened. No pseudonym changes. The vault must not be serving.
    #[command(after_help = "Example, from a passphrase to two of three custodians:
  minster-vault rekey --dir /var/lib/minster-vault --new-recipient age1... \\
      --new-recipient age1... --new-recipient age1... --new-threshold 2")]
    Rekey(Rekey),
    /// Let two custodians accept what keeps the vault from starting: lost checkpoints, a log whose end is lost, a clock behind
    /// the log.
    #[command(after_help = "Examples:
  minster-vault restore --dir /var/lib/minster-vault \\
      --checkpoints /srv/auditor/checkpoints --accept-loss-after 512 \\
      --reference INC/9 --reason \"disk lost\" --expires 2026-12-31 > loss.json
    prints the text that two custodians sign

  minster-vault restore --dir /var/lib/minster-vault \\
      --checkpoints /srv/auditor/checkpoints --text loss.json \\
      --signature ann.sig --signature ben.sig
    carries it out; the log tells of it")]
    Restore(Restore),
    /// Show what a serving vault holds: purposes, versions, custody, counters. No secret is shown.
    #[command(after_help = "Example:
  minster-vault status --json")]
    Status {
        #[command(flatten)]
        caller: Caller,
        #[command(flatten)]
        form: Json,
    },
    /// Print figures for monitors in Prometheus' text format: budgets used, alarms, days left, the age of the last checkpoint.
    #[command(after_help = "Example:
  minster-vault metrics --out /var/lib/minster/monitoring/minster-vault.prom

No figure tells of a child. Any role may ask. If the vault does not answer, minster_vault_up is 0 and the exit code 6; if it refuses, \
minster_vault_refused is 1 too.")]
    Metrics(Metrics),
    /// Print purposes, key versions and check values, signed by the vault.
    #[command(after_help = "Example:
  minster-vault statement > statement.note")]
    Statement {
        #[command(flatten)]
        caller: Caller,
        #[command(flatten)]
        form: Json,
    },
    /// Write a signed checkpoint of the log into the auditor's folder.
    #[command(after_help = "Example:
  minster-vault checkpoint --out /srv/auditor/checkpoints")]
    Checkpoint {
        #[command(flatten)]
        caller: Caller,
        /// The auditor's folder.
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
        #[command(flatten)]
        form: Json,
    },
    /// Make custodians' signing keys, and appoint the first custodians.
    #[command(
        subcommand,
        after_help = "Example:
  minster-vault custodian new --out /media/stick/ann"
    )]
    Custodian(Custodian),
    /// Put a proposal before the custodians. It prints the text that they sign.
    #[command(after_help = "Examples:
  minster-vault request --reference SAR/2026/14 --reason \"subject access\" \\
      --expires 2026-12-31 reidentify --purpose children-statistics \\
      --pseudonyms list.txt > proposal.json
  minster-vault request ... subject --kind upn
  minster-vault request ... purpose --definition new.toml
  minster-vault request ... rotate --purpose children-statistics
  minster-vault request ... exact-only add --numbers numbers.txt")]
    Request {
        #[command(flatten)]
        caller: Caller,
        #[command(flatten)]
        case: Case,
        #[command(flatten)]
        form: Json,
        #[command(subcommand)]
        what: What,
    },
    /// Show a proposal, and sign it as a custodian.
    #[command(after_help = "Example:
  minster-vault approve --proposal proposal.json \\
      --name ann --key /media/stick/ann")]
    Approve(Approve),
    /// List the proposals that are open: who signed, who may still sign, and how many days are left.
    #[command(after_help = "Example:
  minster-vault proposals

Auditors add --role auditor.")]
    Proposals {
        #[command(flatten)]
        caller: Caller,
        #[command(flatten)]
        form: Json,
    },
    /// Carry out an approved proposal: a purpose, a load, custodians, reviewers, a purpose that goes on, new keys, the end of old
    /// ones, or exact-only identities.
    #[command(after_help = "Example:
  minster-vault enact --proposal proposal.json")]
    Enact {
        #[command(flatten)]
        caller: Caller,
        #[command(flatten)]
        proposal: ProposalName,
        #[command(flatten)]
        form: Json,
    },
    /// Print the identifiers behind an approved proposal's pseudonyms. It works once.
    #[command(after_help = "Example:
  minster-vault reidentify --proposal proposal.json

It prints one line a pseudonym: pseudonym, kind, identifier, with tabs between.")]
    Reidentify {
        #[command(flatten)]
        caller: Caller,
        #[command(flatten)]
        proposal: ProposalName,
        #[command(flatten)]
        form: Json,
    },
    /// Print all pseudonyms of an approved proposal's child. It works once.
    #[command(after_help = "Example:
  minster-vault subject --proposal proposal.json --kind upn

It prints one line a purpose and key version: purpose, version, pseudonym, and yes or no for whether the \
vault ever answered it, with tabs between.")]
    Subject {
        #[command(flatten)]
        caller: Caller,
        #[command(flatten)]
        proposal: ProposalName,
        #[command(flatten)]
        child: Child,
        #[command(flatten)]
        form: Json,
    },
    /// Count the numbers on the list of exact-only identities, by kind. No number is shown.
    ExactOnly(CountExactOnly),
    /// Open rows that ingestion set aside.
    #[command(
        subcommand,
        after_help = "Example:
  minster-vault quarantine open --sealed quarantine.age --reference DQ/2026/3 \\
      --reason \"check letters of one school\" --out rows.jsonl"
    )]
    Quarantine(Quarantine),
    /// Show what is due under the retention schedule, and carry out a disposal.
    #[command(
        subcommand,
        after_help = "Example:
  minster-vault retention plan --purpose children-statistics \\
      --schedule config/retention.toml"
    )]
    Retention(Retention),
    /// Open or list sealed archives of records that were made inaccessible.
    #[command(
        subcommand,
        after_help = "Example:
  minster-vault archive list"
    )]
    Archive(Archive),
    /// Finish the end of a purpose that two custodians approved, and show its certificate.
    #[command(
        subcommand,
        after_help = "Example:
  minster-vault end-purpose finish --purpose children-statistics \\
      --out certificate.note"
    )]
    EndPurpose(EndCommand),
    /// Open or close a case of a child's rights: access, rectification, erasure, restriction, objection.
    #[command(
        subcommand,
        after_help = "Example:
  minster-vault case open --right erasure --purpose children-statistics \\
      --received 2026-11-30 --reference ERASE/2026/1 --kind upn"
    )]
    Case(CaseCommand),
    /// List the cases of children's rights that are open: whose turn it is, and how many days are left.
    #[command(after_help = "Example:
  minster-vault cases

Auditors add --role auditor.")]
    Cases(List),
    /// Sign decisions of clerical review.
    #[command(
        subcommand,
        after_help = "Example:
  minster-vault review sign --purpose children-statistics --decisions rae.csv \\
      --name rae --key /media/stick/rae > rae.csv.sig"
    )]
    Review(Review),
    /// Show and verify the log of all questions to the vault.
    #[command(
        subcommand,
        after_help = "Example:
  minster-vault log verify --log log.jsonl \\
      --checkpoints /srv/auditor/checkpoints"
    )]
    Log(LogCommand),
}

#[derive(Args)]
pub(crate) struct Init {
    /// The vault's folder.
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: PathBuf,
    /// The purposes that have a key from the start. A later purpose needs two custodians' approval.
    #[arg(long, value_name = "FILE")]
    pub(crate) purposes: Option<PathBuf>,
    /// A custodian, NAME=FILE of the public key that `minster-vault custodian new` made. Weighty steps need the approval of two; a vault
    /// with fewer approves nothing.
    #[arg(long = "custodian", value_name = "NAME=FILE", value_parser = CustodianKey::parse)]
    pub(crate) custodians: Vec<CustodianKey>,
    #[command(flatten)]
    pub(crate) custody: NewCustody,
    #[command(flatten)]
    pub(crate) form: Json,
}

#[derive(Args)]
pub(crate) struct Serve {
    /// The vault's folder.
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: PathBuf,
    #[command(flatten)]
    pub(crate) socket: Socket,
    /// The auditor's folder, which gets signed checkpoints of the log. It should be on a disk that the vault's user cannot
    /// rewrite.
    #[arg(long, value_name = "DIR")]
    pub(crate) checkpoints: Option<PathBuf>,
    /// Start locked, and answer nothing until enough custodians gave their shares with `minster-vault unlock`.
    #[arg(long, conflicts_with_all = ["key_file", "passphrase_file", "identities"])]
    pub(crate) await_custodians: bool,
    /// One person runs everything, as in a trial: one uid may hold roles that undo a protection together, and with
    /// --await-custodians give all shares. The log and the status say so.
    #[arg(long)]
    pub(crate) single_user: bool,
    #[command(flatten)]
    pub(crate) opening: Opening,
}

/// The vault's socket.
#[derive(Args)]
pub(crate) struct Socket {
    /// The vault's socket.
    #[arg(
        long = "socket",
        value_name = "FILE",
        env = "MINSTER_SOCKET",
        hide_env_values = true,
        default_value = "/run/minster-vault/vault.sock"
    )]
    pub(crate) path: PathBuf,
}

/// A caller's place and role.
#[derive(Args)]
pub(crate) struct Caller {
    #[command(flatten)]
    pub(crate) socket: Socket,
    /// The role to ask in; your uid must hold it. Without it, the question's own role is taken.
    #[arg(long, value_parser = role)]
    pub(crate) role: Option<Role>,
    /// The vault's user: nothing is told to a socket on which another listens. Without it, root and your own user are
    /// believed.
    #[arg(long, value_name = "UID", env = "MINSTER_VAULT_UID", hide_env_values = true)]
    pub(crate) vault_uid: Option<u32>,
    /// The vault's key, the line in verifier.txt: nothing is told to a vault that does not hold it.
    #[arg(long, value_name = "KEY", env = "MINSTER_VERIFIER", hide_env_values = true)]
    pub(crate) verifier: Option<String>,
}

/// A proposal that the vault knows.
#[derive(Args)]
pub(crate) struct ProposalName {
    /// The file with the proposal's text, or its short name.
    #[arg(long = "proposal")]
    pub(crate) name: String,
}

/// The form of what is printed.
#[derive(Args)]
pub(crate) struct Json {
    /// Print one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Subcommand)]
pub(crate) enum Custodian {
    /// Make a signing key: OUT for you alone, under a passphrase, and OUT.pub for `minster-vault init`.
    #[command(after_help = "Example:
  minster-vault custodian new --out /media/stick/ann

The program asks for the passphrase.")]
    New {
        /// A new file for the key.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        #[command(flatten)]
        key: KeyOpening,
        #[command(flatten)]
        form: Json,
    },
    /// Make an age identity, under a passphrase, for a share of the vault, and print its recipient for `minster-vault init`.
    #[command(after_help = "Example:
  minster-vault custodian identity --out /media/stick/ann.identity")]
    Identity {
        /// A new file for the identity.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        #[command(flatten)]
        key: KeyOpening,
        #[command(flatten)]
        form: Json,
    },
    /// Put a signing key that stands in clear under a passphrase, in a new file. It is the same key.
    #[command(after_help = "Example:
  minster-vault custodian seal --key /media/stick/ann \\
      --out /media/stick/ann.sealed

Destroy the file in clear afterwards, and all copies of it.")]
    Seal {
        /// The key file in clear.
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        /// A new file for the sealed key.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// A file whose first line is the new passphrase. Without it, the program asks.
        #[arg(long, value_name = "FILE")]
        key_passphrase_file: Option<PathBuf>,
        #[command(flatten)]
        form: Json,
    },
    /// Sign what `minster-vault restore` printed, without a serving vault.
    #[command(after_help = "Example:
  minster-vault custodian sign --text loss.json --name ann \\
      --key /media/stick/ann --out ann.sig")]
    Sign(Sign),
    /// Appoint the first custodians of a vault that has fewer than two. The vault must not be serving.
    #[command(after_help = "Example:
  minster-vault custodian appoint --dir /var/lib/minster-vault \\
      --key-file key --custodian ann=ann.pub --custodian ben=ben.pub")]
    Appoint {
        /// The vault's folder.
        #[arg(long, value_name = "DIR")]
        dir: PathBuf,
        /// A custodian, NAME=FILE of the public key.
        #[arg(long = "custodian", value_name = "NAME=FILE", value_parser = CustodianKey::parse, required = true)]
        custodians: Vec<CustodianKey>,
        #[command(flatten)]
        opening: Opening,
        #[command(flatten)]
        form: Json,
    },
}

#[derive(Subcommand)]
pub(crate) enum LogCommand {
    /// Verify the log. The command needs no secret.
    #[command(after_help = "Example:
  minster-vault log verify --log log.jsonl \\
      --checkpoints /srv/auditor/checkpoints

The command verifies the chain, the custodians' signatures, and each checkpoint. Entries after the last \
checkpoint can be cut away unseen; the answer says where that is.

Exit: 0 all is well; 9 it is not")]
    Verify(Verify),
    /// Show the log of a serving vault, one entry a line, to a custodian or an auditor.
    #[command(after_help = "Examples:
  minster-vault log show --last 20
  minster-vault log show --event alarm --event resumed

  minster-vault log show --lines > log.jsonl
    a copy, as it stands

Custodians add --role custodian.")]
    Show(Show),
}

#[derive(Args)]
pub(crate) struct Verify {
    /// The vault's folder.
    #[arg(long, required_unless_present = "log", value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
    /// The log itself, or a copy of it.
    #[arg(long, conflicts_with = "dir", value_name = "FILE")]
    pub(crate) log: Option<PathBuf>,
    /// The auditor's folder of checkpoints.
    #[arg(long, value_name = "DIR")]
    pub(crate) checkpoints: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) form: Json,
}

pub(crate) fn role(text: &str) -> Result<Role, String> {
    let known = Role::ALL.into_iter().find(|known| known.as_str() == text);
    known.ok_or_else(|| "a role is ingest, linker, analyst, custodian or auditor".into())
}
