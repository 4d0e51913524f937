//! A reviewer signs decisions.

use std::{fs, path::PathBuf};

use clap::{Args, Subcommand};
use minster_model::Purpose;
use minster_vault::{VaultFault, approvals::CustodianKey};

use crate::{Failure, approve::KeyFile, arguments::Json, print};

#[derive(Subcommand)]
pub(crate) enum Review {
    /// Sign the file of `minster review export` after you filled it in. The command needs no vault.
    Sign(Sign),
}

/// The people who may judge pairs.
#[derive(Args)]
pub(crate) struct Reviewers {
    /// The purpose.
    #[arg(long)]
    pub(crate) purpose: Purpose,
    /// A reviewer, NAME=FILE of the public key. Name all of them, also those who stay; without any, the purpose has none.
    #[arg(long = "reviewer", value_name = "NAME=FILE", value_parser = CustodianKey::parse)]
    pub(crate) reviewers: Vec<CustodianKey>,
}

/// Signs a file of decisions.
#[derive(Args)]
#[command(after_help = "Example:
  minster-vault review sign --purpose children-statistics --decisions rae.csv \\
      --name rae --key /media/stick/rae > rae.csv.sig

`minster review import` takes both files. A file that is changed after it was signed is refused.")]
pub(crate) struct Sign {
    /// The purpose.
    #[arg(long)]
    purpose: Purpose,
    /// The file, as you give it back.
    #[arg(long, value_name = "FILE")]
    decisions: PathBuf,
    /// Your name as a reviewer.
    #[arg(long)]
    name: String,
    #[command(flatten)]
    key: KeyFile,
    #[command(flatten)]
    form: Json,
}

pub(crate) fn sign(sign: &Sign) -> Result<(), Failure> {
    let Sign { purpose, decisions, name, key, form } = sign;
    let io = |source| VaultFault::Io { what: "read", path: decisions.clone(), source };
    let file = fs::read(decisions).map_err(io)?;
    let signature = key.open()?.sign_review(purpose, name, &file);
    let digits = base16ct::lower::encode_string(&signature);
    if !form.json {
        return print(&format!("{digits}\n"));
    }
    let object = serde_json::json!({
        "format": 1, "purpose": purpose, "reviewer": name, "signature": digits,
    });
    print(&format!("{object}\n"))
}
