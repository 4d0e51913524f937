//! The ceremony for a vault that does not start.

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use clap::Args;
use minster_vault::{
    VaultFault,
    approvals::NEEDED,
    custody::Secret,
    disk::Disk,
    harden,
    restoring::{self, Restoration, SignedRestoration, Wish},
    unseen::{shown, shown_lines},
};

use crate::{
    Failure,
    approve::{KeyFile, ask_to_sign},
    arguments::Json,
    custody::Opening,
    print, tell,
};

#[derive(Args)]
pub(crate) struct Restore {
    /// The vault's folder.
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
    /// The auditor's folder of checkpoints, as it is now.
    #[arg(long, value_name = "DIR")]
    checkpoints: Option<PathBuf>,
    /// Accept that entries, or checkpoints of entries, after this one are lost.
    #[arg(long, value_name = "NUMBER")]
    accept_loss_after: Option<u64>,
    /// Accept a clock that shows an earlier time than the log's last entry.
    #[arg(long)]
    accept_clock: bool,
    /// A case number, never a name: it is logged.
    #[arg(long, value_name = "CASE", required_unless_present = "signed")]
    reference: Option<String>,
    /// The reason, in one line. The custodians read it.
    #[arg(long, value_name = "TEXT", required_unless_present = "signed")]
    reason: Option<String>,
    /// The last day on which it may be carried out, YYYY-MM-DD.
    #[arg(long, value_name = "DATE", required_unless_present = "signed")]
    expires: Option<String>,
    /// The text that was printed and that the custodians signed.
    #[arg(long = "text", value_name = "FILE", requires = "signed", conflicts_with_all = ["accept_loss_after", "accept_clock"])]
    text: Option<PathBuf>,
    /// A custodian's signature, as `minster-vault custodian sign` made it. It is given once for each of them.
    #[arg(long = "signature", id = "signed", value_name = "FILE", requires = "text")]
    signatures: Vec<PathBuf>,
    #[command(flatten)]
    opening: Opening,
    #[command(flatten)]
    form: Json,
}

#[derive(Args)]
pub(crate) struct Sign {
    /// The text that `minster-vault restore` printed.
    #[arg(long, value_name = "FILE")]
    text: PathBuf,
    /// Your name as a custodian.
    #[arg(long)]
    name: String,
    #[command(flatten)]
    key: KeyFile,
    /// A new file for the signature.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Sign without asking.
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    form: Json,
}

pub(crate) fn restore(arguments: Restore) -> Result<(), Failure> {
    harden::process();
    let Restore { dir, checkpoints, text, signatures, opening, form, .. } = arguments;
    let (secret, checkpoints) = (Secret::from(opening), checkpoints.as_deref());
    if let Some(path) = text {
        let text = read(&path)?;
        let wrong = |path: &Path| usage(format!("{} is no signature", path.display()));
        let mut signed = Vec::new();
        for path in &signatures {
            let one: SignedRestoration =
                serde_json::from_str(&read(path)?).map_err(|_| wrong(path))?;
            signed.push(one);
        }
        restoring::restore(&dir, &secret, checkpoints, &text, &signed, Disk::new())?;
        let words = "accepted, and logged: the vault can serve again";
        return tell(&form, &serde_json::json!({ "format": 1, "restored": true }), words);
    }
    let wish = Wish {
        loss_after: arguments.accept_loss_after,
        clock: arguments.accept_clock,
        reference: arguments.reference.unwrap_or_default(),
        reason: arguments.reason.unwrap_or_default(),
        expires: arguments.expires.unwrap_or_default(),
    };
    let text = restoring::propose(&dir, &secret, checkpoints, wish, Disk::new())?;
    if !form.json {
        print(&text)?;
    }
    let words = format!(
        "{NEEDED} custodians sign it with `minster-vault custodian sign`; then give it back with --text, and their signatures"
    );
    tell(&form, &serde_json::json!({ "format": 1, "text": text, "needed": NEEDED }), &words)
}

pub(crate) fn sign(arguments: &Sign) -> Result<(), Failure> {
    let Sign { text: path, name, key, out, yes, form } = arguments;
    let text = read(path)?;
    let signed = key.open()?.sign_restoration(name, &text)?;
    let mut err = io::stderr().lock();
    let vault = Restoration::read(&text).map(|of| of.store_id().to_owned()).unwrap_or_default();
    writeln!(err, "{}of vault {}", shown_lines(&text), shown(&vault))?;
    if !yes {
        ask_to_sign(&mut err, name)?;
    }
    drop(err);
    let line = serde_json::to_string(&signed).map_err(io::Error::from)? + "\n";
    let mut file = fs::OpenOptions::new().write(true).create_new(true).open(out)?;
    file.write_all(line.as_bytes())?;
    let words = format!("signed: give {} to whoever restores the vault", out.display());
    tell(form, &serde_json::json!({ "format": 1, "signature": out }), &words)
}

fn read(path: &Path) -> Result<String, Failure> {
    let io = |source| VaultFault::Io { what: "read", path: path.to_owned(), source };
    Ok(fs::read_to_string(path).map_err(io)?)
}

fn usage(why: impl Into<String>) -> Failure {
    VaultFault::Usage(why.into()).into()
}
