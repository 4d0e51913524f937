//! A reviewer signs decisions.

use std::{
    fs,
    io::{self, Write},
    path::PathBuf,
};

use clap::{Args, Subcommand};
use minster_model::Purpose;
use minster_vault::{
    VaultFault,
    approvals::{CustodianKey, SigningKey},
};

use crate::Failure;

#[derive(Subcommand)]
pub(crate) enum Review {
    /// Sign a file of decisions, as `minster review export` made and you filled in. Needs no vault.
    Sign(Sign),
}

/// Who may judge pairs.
#[derive(Args)]
pub(crate) struct Reviewers {
    /// The purpose.
    #[arg(long)]
    pub(crate) purpose: Purpose,
    /// A reviewer, NAME=FILE of the public key; all of them, those who stay too. None, and the purpose has none.
    #[arg(long = "reviewer", value_name = "NAME=FILE", value_parser = CustodianKey::parse)]
    pub(crate) reviewers: Vec<CustodianKey>,
}

/// Signs a file of decisions.
#[derive(Args)]
#[command(after_help = "Example:
  minster-vault review sign --purpose children-statistics --decisions rae.csv --name rae --key /media/stick/rae \\
      > rae.csv.sig

`minster review import` takes both files. A file that is changed after it was signed is refused.")]
pub(crate) struct Sign {
    /// The purpose.
    #[arg(long)]
    purpose: Purpose,
    /// The file, as you give it back.
    #[arg(long)]
    decisions: PathBuf,
    /// Your name as a reviewer.
    #[arg(long)]
    name: String,
    /// Your key file, as `custodian new` makes one.
    #[arg(long)]
    key: PathBuf,
}

pub(crate) fn sign(sign: &Sign) -> Result<(), Failure> {
    let Sign { purpose, decisions, name, key } = sign;
    let io = |source| VaultFault::Io { what: "read", path: decisions.clone(), source };
    let file = fs::read(decisions).map_err(io)?;
    let signature = SigningKey::read(key)?.sign_review(purpose, name, &file);
    Ok(writeln!(io::stdout(), "{}", base16ct::lower::encode_string(&signature))?)
}
