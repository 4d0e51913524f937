//! A custodian's share for a vault that started locked.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use clap::Args;
use minster_model::{Role, pipeline::VaultAddress};
use minster_vault::{
    approvals::KeyForm,
    custody::{self, new_identity},
};
use minster_vault_api::{Client, LockedReport, Share, ShareKind, Unlocking, VaultState};

use crate::{
    Failure,
    approve::KeyOpening,
    arguments::{Caller, Json},
    client::{address, usage},
    print, tell,
};

/// How long the last custodian's command waits for the vault to open.
const PATIENCE: Duration = Duration::from_secs(600);

/// A share.
#[derive(Args)]
pub(crate) struct Unlock {
    #[command(flatten)]
    caller: Caller,
    /// The file with your age identity, if the vault is opened by custodians' identities.
    #[arg(long, value_name = "FILE")]
    identity: Option<PathBuf>,
    #[command(flatten)]
    key: KeyOpening,
    /// A file whose first line is the vault's passphrase, or the token's PIN. Without it, the program asks.
    #[arg(long, alias = "pin-file", value_name = "FILE", conflicts_with = "identity")]
    passphrase_file: Option<PathBuf>,
    #[command(flatten)]
    form: Json,
}

pub(crate) fn unlock(of: &Unlock) -> Result<(), Failure> {
    minster_vault::harden::process();
    let address: VaultAddress = address(&of.caller);
    let role = of.caller.role.unwrap_or(Role::Custodian);
    let mut client = Client::greet(&address, role, "minster-vault")?;
    let report = match client.state()? {
        VaultState::Locked(report) => report,
        VaultState::Open(_) => return told(&of.form, None),
    };
    // A person takes a while to type, and the vault waits for no stranger: it is asked anew, with the share at hand.
    drop(client);
    let share = of.share(&report)?;
    let mut client = Client::greet(&address, role, "minster-vault")?;
    let unlocking = client.unlock(share)?;
    if unlocking.given >= unlocking.needed {
        // It verifies its log and its registries first. One that cannot start says why itself, and stops.
        let begun = Instant::now();
        while let VaultState::Locked(_) = Client::state_of(&address, role, "minster-vault")? {
            if begun.elapsed() >= PATIENCE {
                return Err(usage(
                    "the shares were right, and the vault did not open: it was started anew, or takes long. What it wrote to \
                     standard error says why",
                ));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
    told(&of.form, Some(unlocking))
}

impl Unlock {
    fn share(&self, report: &LockedReport) -> Result<Share, Failure> {
        let asked = match report.share {
            ShareKind::Identity => {
                let Some(path) = &self.identity else {
                    let why = format!(
                        "the vault is opened by {}: name your age identity with --identity",
                        report.custody
                    );
                    return Err(usage(why));
                };
                let form = self.key.form();
                let share = custody::read_share(path, &form)?;
                self.key.warn(&path.display().to_string());
                return Ok(share);
            }
            ShareKind::Passphrase => "Passphrase of the vault: ",
            ShareKind::Pin => "PIN of the token: ",
        };
        if self.identity.is_some() {
            return Err(usage(format!(
                "the vault is opened by {}; leave --identity out",
                report.custody
            )));
        }
        Ok(custody::typed_share(self.passphrase_file.as_deref(), asked)?)
    }
}

fn told(form: &Json, unlocking: Option<Unlocking>) -> Result<(), Failure> {
    let (open, words) = match unlocking {
        None => (true, "the vault is open already".to_owned()),
        Some(Unlocking { given, needed }) if given < needed => {
            (false, format!("{given} of {needed} shares are given; the vault stays locked"))
        }
        Some(Unlocking { needed, .. }) => {
            (true, format!("{needed} of {needed} shares are given; the vault is open"))
        }
    };
    let (given, needed) = unlocking.map(|of| (of.given, of.needed)).unzip();
    let object = serde_json::json!({ "format": 1, "open": open, "given": given, "needed": needed });
    tell(form, &object, &words)
}

/// The state of a vault that is locked, for people.
pub(crate) fn locked_text(of: &LockedReport) -> String {
    let LockedReport { custody, needed, given_by, wrong, single_user, share: _ } = of;
    let mut out = String::new();
    let _ = writeln!(
        out,
        "LOCKED     {} of {needed} shares are given; `minster-vault unlock` gives one",
        given_by.len()
    );
    let _ = writeln!(out, "custody    {custody}");
    for uid in given_by {
        let _ = writeln!(out, "share      of uid {uid}");
    }
    let _ = writeln!(out, "wrong      {wrong} shares");
    if *single_user {
        let _ = writeln!(out, "DANGER     one uid may give all shares (--single-user)");
    }
    out
}

pub(crate) fn identity(out: &Path, key: &KeyOpening, form: &Json) -> Result<(), Failure> {
    let sealed: KeyForm = key.form();
    let recipient = new_identity(out, &sealed)?;
    key.warn(&out.display().to_string());
    if !form.json {
        print(&format!("{recipient}\n"))?;
    }
    let words = format!(
        "{} is yours alone; the recipient goes to the person who makes the vault",
        out.display()
    );
    let object = serde_json::json!({ "format": 1, "identity": out, "recipient": recipient });
    tell(form, &object, &words)
}
