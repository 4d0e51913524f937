//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use minster_model::{Kind, Purpose, Role, SourceName};
use minster_vault::{
    approvals::CustodianKey,
    custody::{Secret, TokenKey, Wanted},
};

use crate::{
    ask,
    exact_only::{CountExactOnly, ExactOnly},
    quarantine::Quarantine,
    review::{Review, Reviewers},
};

/// Holds the keys that turn identifiers into pseudonyms, in a process of its own.
///
/// Custodians: docs/custodians.md leads through every ceremony.
#[derive(Parser)]
#[command(name = "minster-vault", version, arg_required_else_help = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Make a vault in an empty folder.
    #[command(after_help = "Examples:
  minster-vault init --dir /var/lib/minster-vault --purposes config/purposes.toml \\
      --custodian ann=ann.pub --custodian ben=ben.pub
    asks for a passphrase

  … --recipient age1… --recipient age1… --recipient age1… --threshold 2
    two of three custodians, each with an age identity, open the vault together

  … --pkcs11-module /usr/lib/softhsm/libsofthsm2.so --token vault --pin-file pin
    a key that never leaves the token opens it

  … --credential minster-root
    systemd hands the key over (LoadCredentialEncrypted=)

  … --key-file /media/stick/key
    a key file opens it; made where it is missing. Keep it on another disk.")]
    Init(Init),
    /// Open the vault and answer on a socket, until SIGTERM or Ctrl-C.
    #[command(after_help = "Example:
  minster-vault serve --dir /var/lib/minster-vault --socket /run/minster-vault/vault.sock \\
      --checkpoints /srv/auditor/checkpoints")]
    Serve(Serve),
    /// Change how the vault is opened. No pseudonym changes. The vault must not be serving.
    #[command(after_help = "Example, from a passphrase to two of three custodians:
  minster-vault rekey --dir /var/lib/minster-vault \\
      --new-recipient age1… --new-recipient age1… --new-recipient age1… --new-threshold 2")]
    Rekey(Rekey),
    /// Say what a serving vault holds: purposes, versions, custody, counters. No secret.
    #[command(after_help = "Example:
  minster-vault status --socket /run/minster-vault/vault.sock --json")]
    Status {
        #[command(flatten)]
        caller: Caller,
        /// One JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Print purposes, key versions and check values, signed by the vault.
    #[command(after_help = "Example:
  minster-vault statement --socket /run/minster-vault/vault.sock > statement.note")]
    Statement(Caller),
    /// Write a signed checkpoint of the log into the auditor's folder.
    #[command(after_help = "Example:
  minster-vault checkpoint --socket /run/minster-vault/vault.sock --out checkpoints")]
    Checkpoint {
        #[command(flatten)]
        caller: Caller,
        /// The auditor's folder.
        #[arg(long)]
        out: PathBuf,
    },
    /// Custodians' signing keys.
    #[command(subcommand)]
    Custodian(Custodian),
    /// Put a proposal before the custodians; prints its text, which they sign.
    #[command(after_help = "Examples:
  minster-vault request --socket S --reference SAR/2026/14 --reason \"subject access\" \\
      --expires 2026-12-31 reidentify --purpose children-statistics --pseudonyms list.txt > proposal.json
  minster-vault request … subject --kind upn            (asks for the number)
  minster-vault request … purpose --definition new.toml
  minster-vault request … load --purpose P --source school_census --ceiling 400000
  minster-vault request … resume --purpose P
  minster-vault request … exact-only add --numbers numbers.txt")]
    Request {
        #[command(flatten)]
        caller: Caller,
        #[command(flatten)]
        case: Case,
        #[command(subcommand)]
        what: What,
    },
    /// Show a proposal and sign it as a custodian.
    #[command(after_help = "Example:
  minster-vault approve --socket S --proposal proposal.json --name ann --key /media/stick/ann")]
    Approve(ask::Approve),
    /// Carry out an approved proposal to name a purpose, allow a load, resume after an alarm, or change the list of exact-only
    /// identities.
    #[command(after_help = "Example:
  minster-vault enact --socket S --proposal proposal.json")]
    Enact {
        #[command(flatten)]
        caller: Caller,
        /// The proposal's text (a file), or its short name.
        #[arg(long)]
        proposal: String,
    },
    /// Print the identifiers behind an approved proposal's pseudonyms. Once.
    #[command(after_help = "Example:
  minster-vault reidentify --socket S --proposal proposal.json

Prints one line a pseudonym: pseudonym, kind, identifier, with tabs between.")]
    Reidentify {
        #[command(flatten)]
        caller: Caller,
        /// The proposal's text (a file), or its short name.
        #[arg(long)]
        proposal: String,
    },
    /// Print all pseudonyms of an approved proposal's child. Once.
    #[command(after_help = "Example:
  minster-vault subject --socket S --proposal proposal.json --kind upn

Prints one line a purpose and key version: purpose, version, pseudonym, yes or no for whether it was ever
answered, with tabs between.")]
    Subject {
        #[command(flatten)]
        caller: Caller,
        /// The proposal's text (a file), or its short name.
        #[arg(long)]
        proposal: String,
        #[command(flatten)]
        child: Child,
    },
    /// Say how many numbers are on the list of exact-only identities, by kind; none of them is shown.
    ExactOnly(CountExactOnly),
    /// Rows that ingestion set aside.
    #[command(subcommand)]
    Quarantine(Quarantine),
    /// Make a new version of a purpose's keys. `minster rekey` then carries the datasets over.
    #[command(after_help = "Example:
  minster-vault rotate --socket S --purpose children-statistics")]
    Rotate {
        #[command(flatten)]
        caller: Caller,
        /// The purpose.
        #[arg(long)]
        purpose: Purpose,
    },
    /// End an old version of a purpose's keys: no answer is given for it again.
    #[command(after_help = "Example:
  minster-vault retire --socket S --purpose children-statistics --version 1")]
    Retire {
        #[command(flatten)]
        caller: Caller,
        /// The purpose.
        #[arg(long)]
        purpose: Purpose,
        /// The version.
        #[arg(long)]
        version: u32,
    },
    /// Clerical review.
    #[command(subcommand)]
    Review(Review),
    /// The log of who asked what.
    #[command(subcommand)]
    Log(LogCommand),
}

#[derive(Args)]
pub(crate) struct Init {
    /// The vault's folder.
    #[arg(long)]
    pub(crate) dir: PathBuf,
    /// The purposes that have a key from the start. Later ones need two custodians' approval.
    #[arg(long)]
    pub(crate) purposes: Option<PathBuf>,
    /// A custodian, NAME=FILE of the public key that `custodian new` made. Two must approve what needs
    /// approval; a vault with fewer than two can approve nothing.
    #[arg(long = "custodian", value_name = "NAME=FILE", value_parser = CustodianKey::parse)]
    pub(crate) custodians: Vec<CustodianKey>,
    #[command(flatten)]
    pub(crate) custody: NewCustody,
}

#[derive(Args)]
pub(crate) struct Serve {
    /// The vault's folder.
    #[arg(long)]
    pub(crate) dir: PathBuf,
    /// Where to listen.
    #[arg(long)]
    pub(crate) socket: PathBuf,
    /// The auditor's folder: signed checkpoints of the log are exported there. It should be on a disk
    /// that whoever holds the vault's cannot write.
    #[arg(long)]
    pub(crate) checkpoints: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) opening: Opening,
}

#[derive(Args)]
pub(crate) struct Rekey {
    /// The vault's folder.
    #[arg(long)]
    pub(crate) dir: PathBuf,
    #[command(flatten)]
    pub(crate) opening: Opening,
    /// Open it with this key file from now on; made where it is missing.
    #[arg(long, group = "new")]
    new_key_file: Option<PathBuf>,
    /// Open it with the passphrase in this file from now on; `-` asks for it.
    #[arg(long, group = "new")]
    new_passphrase_file: Option<PathBuf>,
    /// Open it with this systemd credential from now on.
    #[arg(long, group = "new")]
    new_credential: Option<String>,
    /// Open it with the identities of these age recipients from now on.
    #[arg(long = "new-recipient", group = "new")]
    new_recipients: Vec<String>,
    /// How many of the new recipients must open it together.
    #[arg(long, requires = "new_recipients", default_value_t = 1)]
    new_threshold: usize,
    /// Open it with a PKCS#11 token from now on: its module.
    #[arg(long, group = "new", requires = "new_token")]
    new_pkcs11_module: Option<PathBuf>,
    /// The new token's label.
    #[arg(long)]
    new_token: Option<String>,
    /// The label of the key on the new token; made where it is missing.
    #[arg(long, default_value = "minster-vault")]
    new_token_key: String,
    /// A file with the new token's PIN; asked for where absent.
    #[arg(long)]
    new_pin_file: Option<PathBuf>,
}

/// How a vault is opened. Which of these it needs, `store.json` says.
#[derive(Args)]
pub(crate) struct Opening {
    /// The key file.
    #[arg(long)]
    key_file: Option<PathBuf>,
    /// A file whose first line is the passphrase, or the token's PIN; asked for where absent.
    #[arg(long, alias = "pin-file")]
    passphrase_file: Option<PathBuf>,
    /// A file with an age identity; as many as must open it together.
    #[arg(long = "identity")]
    identities: Vec<PathBuf>,
}

/// How a new vault is to be opened; a passphrase that is asked for where nothing is said.
#[derive(Args)]
pub(crate) struct NewCustody {
    /// With a key file; made where it is missing. Keep it on another disk.
    #[arg(long, group = "custody")]
    key_file: Option<PathBuf>,
    /// With the passphrase in the first line of this file.
    #[arg(long, group = "custody")]
    passphrase_file: Option<PathBuf>,
    /// With a systemd credential of this name, 64 hexadecimal digits.
    #[arg(long, group = "custody")]
    credential: Option<String>,
    /// With the identity of this age recipient; may be given several times.
    #[arg(long = "recipient", group = "custody")]
    recipients: Vec<String>,
    /// How many recipients must open it together.
    #[arg(long, requires = "recipients", default_value_t = 1)]
    threshold: usize,
    /// With a PKCS#11 token: its module.
    #[arg(long, group = "custody", requires = "token")]
    pkcs11_module: Option<PathBuf>,
    /// The token's label.
    #[arg(long)]
    token: Option<String>,
    /// The label of the key on the token; made where it is missing.
    #[arg(long, default_value = "minster-vault")]
    token_key: String,
    /// A file with the token's PIN; asked for where absent.
    #[arg(long)]
    pin_file: Option<PathBuf>,
}

/// Who asks, and where.
#[derive(Args)]
pub(crate) struct Caller {
    /// Where the vault listens.
    #[arg(long)]
    pub(crate) socket: PathBuf,
    /// The role to ask in; your uid must hold it. Where absent: the one the question needs.
    #[arg(long, value_parser = role)]
    pub(crate) role: Option<Role>,
}

/// The case that a proposal belongs to.
#[derive(Args)]
pub(crate) struct Case {
    /// A case number, never a name: it is logged.
    #[arg(long)]
    pub(crate) reference: String,
    /// Why, in one line. The custodians read it; it is sealed and not logged.
    #[arg(long)]
    pub(crate) reason: String,
    /// The last day on which it may be approved and carried out, YYYY-MM-DD.
    #[arg(long)]
    pub(crate) expires: String,
}

#[derive(Subcommand)]
pub(crate) enum What {
    /// Tell which identifiers stand behind pseudonyms.
    Reidentify {
        /// Their purpose.
        #[arg(long)]
        purpose: Purpose,
        /// A file with one pseudonym a line.
        #[arg(long)]
        pseudonyms: PathBuf,
    },
    /// Tell all pseudonyms of one child, for an access request.
    Subject(Child),
    /// Name a new purpose.
    Purpose {
        /// A file with one `[[purpose]]`, as in purposes.toml.
        #[arg(long)]
        definition: PathBuf,
    },
    /// Let one run of a source ask for more different identifiers than its purpose's budget.
    Load {
        /// The purpose.
        #[arg(long)]
        purpose: Purpose,
        /// The source.
        #[arg(long)]
        source: SourceName,
        /// Different identifiers.
        #[arg(long)]
        ceiling: u64,
    },
    /// Let these custodians, and no others, approve from now on.
    Custodians {
        /// A custodian, NAME=FILE of the public key; all of them, those who stay too.
        #[arg(long = "custodian", value_name = "NAME=FILE", value_parser = CustodianKey::parse, required = true)]
        custodians: Vec<CustodianKey>,
    },
    /// Answer a purpose again that an alarm stopped.
    Resume {
        /// The purpose.
        #[arg(long)]
        purpose: Purpose,
    },
    /// Let these reviewers, and no others, judge pairs of a purpose from now on.
    Reviewers(Reviewers),
    /// Change the list of exact-only identities: children whose rows are linked by their current number alone.
    #[command(subcommand)]
    ExactOnly(ExactOnly),
}

/// One child's number. It is read from a file or asked for: a command line is seen by others.
#[derive(Args)]
pub(crate) struct Child {
    /// What the number is, as the source definitions call it.
    #[arg(long)]
    pub(crate) kind: Kind,
    /// A file whose first line is the number; asked for where absent.
    #[arg(long)]
    pub(crate) identifier_file: Option<PathBuf>,
}

#[derive(Subcommand)]
pub(crate) enum Custodian {
    /// Make a signing key: OUT for you alone, OUT.pub for `init`.
    #[command(after_help = "Example:\n  minster-vault custodian new --out /media/stick/ann")]
    New {
        /// Where to.
        #[arg(long)]
        out: PathBuf,
    },
    /// Appoint the first custodians of a vault that has fewer than two. The vault must not be serving.
    #[command(after_help = "Example:
  minster-vault custodian appoint --dir /var/lib/minster-vault --key-file key \\
      --custodian ann=ann.pub --custodian ben=ben.pub")]
    Appoint {
        /// The vault's folder.
        #[arg(long)]
        dir: PathBuf,
        /// A custodian, NAME=FILE of the public key.
        #[arg(long = "custodian", value_name = "NAME=FILE", value_parser = CustodianKey::parse, required = true)]
        custodians: Vec<CustodianKey>,
        #[command(flatten)]
        opening: Opening,
    },
}

#[derive(Subcommand)]
pub(crate) enum LogCommand {
    /// Verify the log; needs no secret.
    #[command(after_help = "Example:
  minster-vault log verify --log copy-of/log.jsonl --checkpoints /srv/auditor/checkpoints

Verifies the chain, the custodians' signatures, and that the log agrees with every checkpoint. What was
appended after the last checkpoint can be cut away unseen; the answer says where that is.
Exit: 0 all is well; 9 it is not")]
    Verify(Verify),
}

#[derive(Args)]
pub(crate) struct Verify {
    /// The vault's folder.
    #[arg(long, required_unless_present = "log")]
    pub(crate) dir: Option<PathBuf>,
    /// The log itself, or a copy of it.
    #[arg(long, conflicts_with = "dir")]
    pub(crate) log: Option<PathBuf>,
    /// The auditor's folder of checkpoints.
    #[arg(long)]
    pub(crate) checkpoints: Option<PathBuf>,
    /// One JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

impl From<Opening> for Secret {
    fn from(opening: Opening) -> Self {
        let Opening { key_file, passphrase_file, identities } = opening;
        Self { key_file, passphrase_file, identities }
    }
}

impl From<NewCustody> for Wanted {
    fn from(new: NewCustody) -> Self {
        match new {
            NewCustody { key_file: Some(path), .. } => Self::KeyFile(path),
            NewCustody { credential: Some(name), .. } => Self::Credential(name),
            NewCustody {
                pkcs11_module: Some(module),
                token: Some(token),
                token_key,
                pin_file,
                ..
            } => Self::Token(TokenKey { module, token, key: token_key }, pin_file),
            NewCustody { recipients, threshold, .. } if !recipients.is_empty() => {
                Self::Recipients(recipients, threshold)
            }
            NewCustody { passphrase_file, .. } => Self::Passphrase(passphrase_file),
        }
    }
}

impl Rekey {
    /// The custody that is wanted; a passphrase that is asked for where nothing is said.
    pub(crate) fn wanted(self) -> (PathBuf, Secret, Wanted) {
        let asked = self.new_passphrase_file.filter(|path| path.as_os_str() != "-");
        let wanted = NewCustody {
            key_file: self.new_key_file,
            passphrase_file: asked,
            credential: self.new_credential,
            recipients: self.new_recipients,
            threshold: self.new_threshold,
            pkcs11_module: self.new_pkcs11_module,
            token: self.new_token,
            token_key: self.new_token_key,
            pin_file: self.new_pin_file,
        };
        (self.dir, self.opening.into(), wanted.into())
    }
}

fn role(text: &str) -> Result<Role, String> {
    let known = Role::ALL.into_iter().find(|known| known.as_str() == text);
    known.ok_or_else(|| "a role is ingest, linker, analyst, custodian or auditor".into())
}
