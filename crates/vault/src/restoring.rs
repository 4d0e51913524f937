//! The ceremony for a vault that does not start because checkpoints or the end of its log are lost, or because its log's
//! last entry lies ahead of the clock.
//!
//! The vault's folder is opened, not served. A text says what is to be accepted and where the log stands; two custodians
//! sign it; the log then tells of it as of any other proposal, so that an auditor sees it without a secret.

use std::path::Path;

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

use crate::{
    VaultFault,
    approvals::{NEEDED, last_day, sha256},
    custody::Secret,
    disk::Disk,
    folder::{self, Opened},
    keys::{hex, random},
    log::{self, Event, Position, checkpoint::Accepted},
    purposes::today,
    session::check_reference,
    unseen::is_unseen,
};

const FORMAT: u32 = 1;

/// The text that two custodians sign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Restoration {
    format: u32,
    #[serde(rename = "restore_vault")]
    store_id: String,
    nonce: String,
    made: String,
    expires: Date,
    reference: String,
    reason: String,
    /// Where the log stands. It must stand there still when this is carried out.
    log: Position,
    /// Entries after this one may be lost, or nobody can show that they are not.
    accept_loss_after: Option<u64>,
    /// The highest counter of the checkpoints that are there.
    counter: u64,
    /// The time of the log's last entry, which lies ahead of the clock.
    accept_clock_before: Option<String>,
}

/// The loss that a person asks to be accepted, and why.
#[derive(Debug, Clone)]
pub struct Wish {
    /// Loss of what stands after this entry.
    pub loss_after: Option<u64>,
    /// A clock that shows an earlier time than the log.
    pub clock: bool,
    /// The case, which is logged.
    pub reference: String,
    /// Why, in a line.
    pub reason: String,
    /// The last day on which it may be carried out.
    pub expires: String,
}

/// A custodian's signature under a restoration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedRestoration {
    /// Which text: its SHA-256, hexadecimal.
    pub sha256: String,
    /// The custodian's name.
    pub custodian: String,
    /// Hexadecimal.
    pub signature: String,
}

/// The loss, as the folder and its checkpoints show it.
struct Facts {
    loss: Option<Accepted>,
    clock: Option<Timestamp>,
}

impl Restoration {
    /// The exact text that is signed.
    fn text(&self) -> Result<String, VaultFault> {
        serde_json::to_string_pretty(self)
            .map(|text| text + "\n")
            .map_err(|_| VaultFault::Crypto("a restoration could not be written"))
    }

    /// A restoration from its exact text.
    pub fn read(text: &str) -> Option<Self> {
        let restoration: Self = serde_json::from_str(text).ok()?;
        let same = restoration.text().is_ok_and(|again| again == text);
        (restoration.format == FORMAT && same).then_some(restoration)
    }

    /// The vault that it is about.
    pub fn store_id(&self) -> &str {
        &self.store_id
    }
}

/// The text to sign, where what is wished is what is lost.
pub fn propose(
    folder: &Path,
    secret: &Secret,
    checkpoints: Option<&Path>,
    wish: Wish,
    disk: Disk,
) -> Result<String, VaultFault> {
    let usage = |why: &str| VaultFault::Usage(why.to_owned());
    let Wish { loss_after, clock, reference, reason, expires } = wish;
    check_reference(&reference).map_err(usage)?;
    let expires = last_day(&expires).map_err(VaultFault::Usage)?;
    if reason.trim().is_empty() || reason.len() > 200 || reason.chars().any(is_unseen) {
        return Err(usage("it needs a reason of one line"));
    }
    if loss_after.is_some() && checkpoints.is_none() {
        return Err(usage(
            "name the folder of checkpoints as it is now, empty or not: --checkpoints",
        ));
    }
    let opened = folder::open_to_restore(folder, secret, disk)?;
    let facts = facts(&opened, checkpoints)?;
    let there = facts.loss.map(|loss| loss.after);
    if loss_after.is_some() && loss_after != there {
        return Err(VaultFault::Usage(match there {
            Some(there) => format!(
                "the last checkpoint that is there and agrees with the log covers entry {there}: look at both, and give \
                 --accept-loss-after {there} if the rest is lost"
            ),
            None => {
                "no checkpoint and no entry of the log is missing: nothing is to be accepted".into()
            }
        }));
    }
    if clock && facts.clock.is_none() {
        return Err(usage("the clock is not behind the log: nothing is to be accepted"));
    }
    if loss_after.is_none() && !clock {
        return Err(usage("say what is to be accepted: --accept-loss-after, --accept-clock"));
    }
    Restoration {
        format: FORMAT,
        store_id: opened.folder.keys.store_id().to_owned(),
        nonce: hex(&random::<16>()?),
        made: Timestamp::now().to_string(),
        expires,
        reference,
        reason,
        log: opened.log.position(),
        accept_loss_after: loss_after,
        counter: facts.loss.map_or(0, |loss| loss.counter),
        accept_clock_before: facts.clock.filter(|_| clock).map(|last| last.to_string()),
    }
    .text()
}

/// Carries out what two custodians signed: it is logged, and the vault starts again.
pub fn restore(
    folder: &Path,
    secret: &Secret,
    checkpoints: Option<&Path>,
    text: &str,
    signed: &[SignedRestoration],
    disk: Disk,
) -> Result<(), VaultFault> {
    let usage = |why: &str| VaultFault::Usage(why.to_owned());
    let restoration = Restoration::read(text)
        .ok_or_else(|| usage("the text is not what `minster-vault restore` printed"))?;
    let mut opened = folder::open_to_restore(folder, secret, disk)?;
    if restoration.store_id != opened.folder.keys.store_id() {
        return Err(usage("it is about another vault"));
    }
    if restoration.expires < today() {
        return Err(usage("its last day is over: make it anew"));
    }
    let facts = facts(&opened, checkpoints)?;
    let same = opened.log.position() == restoration.log
        && (restoration.accept_loss_after.is_none()
            || facts.loss.map(|loss| (Some(loss.after), loss.counter))
                == Some((restoration.accept_loss_after, restoration.counter)));
    if !same {
        return Err(usage("the log or its checkpoints changed since it was made: make it anew"));
    }
    let (hash, id) = (sha256(text), sha256(text)[..16].to_owned());
    let mut by: Vec<&SignedRestoration> = Vec::new();
    for one in signed {
        let key = opened.state.custodians.iter().find(|key| key.name == one.custodian);
        let right = key.is_some_and(|key| {
            crate::keys::unhex(&one.signature)
                .is_some_and(|signature| key.verify(&restoration.store_id, &hash, &signature))
        });
        if !right {
            let why =
                format!("the signature of {} is not a custodian's under this text", one.custodian);
            return Err(VaultFault::Usage(why));
        }
        if by.iter().all(|before| before.custodian != one.custodian) {
            by.push(one);
        }
    }
    if by.len() < NEEDED {
        return Err(VaultFault::Usage(format!("{NEEDED} different custodians must sign it")));
    }
    let mut events = vec![Event::Proposed {
        proposal: id.clone(),
        sha256: hash,
        action: "restore".into(),
        purpose: None,
        count: restoration.accept_loss_after.unwrap_or_default(),
        reference: restoration.reference,
        expires: restoration.expires.to_string(),
        about: None,
        case: None,
    }];
    events.extend(by.into_iter().map(|one| Event::Approved {
        proposal: id.clone(),
        custodian: one.custodian.clone(),
        signature: one.signature.clone(),
    }));
    events.push(Event::Restored {
        proposal: id.clone(),
        loss: restoration
            .accept_loss_after
            .map(|after| Accepted { after, counter: restoration.counter }),
        clock: restoration.accept_clock_before.is_some(),
    });
    for event in events {
        opened.log.append(None, event)?;
    }
    Ok(())
}

fn facts(opened: &Opened, checkpoints: Option<&Path>) -> Result<Facts, VaultFault> {
    let Opened { folder, log, state } = opened;
    let path = folder.path.join(log::FILE);
    let reach = match checkpoints {
        Some(to) => log::reach(&path, to, folder.signer.verifier(), &state.accepted)?,
        None => log::Reach::default(),
    };
    let lost = checkpoints.is_some()
        && (reach.beyond > 0 || state.exported.is_some_and(|exported| exported > reach.covered));
    let counter = reach.counter.max(state.checkpoints);
    let loss = lost.then_some(Accepted { after: reach.covered, counter });
    Ok(Facts { loss, clock: log.ahead() })
}
