use std::{
    collections::HashMap,
    fs::File,
    io::{BufRead, BufReader},
    path::Path,
};

use minster_model::Purpose;
use minster_vault_api::{Publication, SignedDecisions, note::Verifier};

use super::{
    AboutRole, Entry, Event, FIRST,
    checkpoint::{self, Accepted},
    hash,
};
use crate::{VaultFault, approvals, disk, state::changes_end};

/// The facts that a verifier learns without a secret.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Verified {
    /// Entries of the log.
    pub entries: u64,
    /// The last one's hash, hexadecimal.
    pub head: String,
    /// Checkpoints that the log agrees with.
    pub checkpoints: u64,
    /// Entries that the last of them covers: what stands after can be cut unseen.
    pub covered: u64,
    /// Checkpoints, not agreeing, whose loss two custodians accepted.
    pub lost: u64,
    /// How often two custodians accepted a loss, or a clock behind the log.
    pub restorations: u64,
    /// Custodians' signatures that are right.
    pub approvals: u64,
    /// Releases that were let out and withdrawn, in order.
    pub publications: Vec<Publication>,
}

/// Verifies a log without any secret: its chain, the custodians' signatures in it, and the exported
/// checkpoints where a folder of them is named.
pub fn verify(path: &Path, checkpoints: Option<&Path>) -> Result<Verified, VaultFault> {
    let file = File::open(path).map_err(VaultFault::io("open", path))?;
    let length = file.metadata().map_err(VaultFault::io("read", path))?.len();
    let (verifier, held) = match checkpoints {
        Some(folder) => {
            let (verifier, held) = checkpoint::read_folder(folder)?;
            (Some(verifier), held)
        }
        None => (None, Vec::new()),
    };
    let mut witness = Witness::default();
    let mut heads = HashMap::new();
    let walked = walk(path, &file, |entry, line| {
        if held.iter().any(|(_, checkpoint)| checkpoint.entries == entry.number) {
            heads.insert(entry.number, hash(line));
        }
        witness.see(entry).map_err(|why| VaultFault::LogBroken {
            path: path.to_owned(),
            entry: entry.number,
            why,
        })
    })?;
    if walked.length < length {
        let why = "the last line is cut short";
        return Err(VaultFault::LogBroken {
            path: path.to_owned(),
            entry: walked.entries + 1,
            why,
        });
    }
    let (held, lost) = checkpoint::without_lost(held, &witness.accepted)?;
    for (note, checkpoint) in &held {
        let bad = |why: &str| VaultFault::Checkpoint { path: note.clone(), why: why.into() };
        if witness.store_id.as_ref().is_some_and(|id| *id != checkpoint.store_id) {
            return Err(bad("it is of another vault's log"));
        }
        match heads.get(&checkpoint.entries) {
            Some(head) if *head == checkpoint.head => {}
            Some(_) => {
                return Err(bad("the log was written anew: its entry here has another hash"));
            }
            None => {
                return Err(bad(
                    "the log ends before it: its tail was cut, or an older copy put back",
                ));
            }
        }
    }
    let named = verifier.as_ref().map(ToString::to_string);
    if let (Some(theirs), Some(ours)) = (&named, &witness.verifier)
        && theirs != ours
    {
        let why = "the log names another key than the checkpoints are verified with";
        return Err(VaultFault::LogBroken { path: path.to_owned(), entry: 1, why });
    }
    Ok(Verified {
        entries: walked.entries,
        head: walked.head,
        checkpoints: held.len() as u64,
        covered: held.last().map_or(0, |(_, last)| last.entries),
        lost,
        restorations: witness.restorations,
        approvals: witness.approvals,
        publications: witness.publications,
    })
}

/// How far checkpoints show a log to be whole.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reach {
    /// Entries that the last checkpoint covers with which the log agrees.
    pub covered: u64,
    /// Checkpoints beyond it, with which it does not.
    pub beyond: u64,
    /// The highest counter of all.
    pub counter: u64,
}

/// How far a vault's log agrees with the checkpoints of a folder, those left out whose loss was accepted before.
pub fn reach(
    path: &Path,
    checkpoints: &Path,
    verifier: &Verifier,
    accepted: &[Accepted],
) -> Result<Reach, VaultFault> {
    if std::fs::symlink_metadata(checkpoints.join(checkpoint::VERIFIER)).is_err() {
        return Ok(Reach::default());
    }
    let (theirs, held) = checkpoint::read_folder(checkpoints)?;
    if theirs != *verifier {
        let why = "it belongs to another vault".into();
        return Err(VaultFault::Checkpoint { path: checkpoints.to_owned(), why });
    }
    let counter = held.iter().map(|(_, one)| one.counter).max().unwrap_or_default();
    let lost = |one: &checkpoint::Checkpoint| accepted.iter().any(|loss| loss.excuses(one));
    let held: Vec<_> = held.into_iter().filter(|(_, one)| !lost(one)).collect();
    let mut covered = 0;
    let file = File::open(path).map_err(VaultFault::io("open", path))?;
    walk(path, &file, |entry, line| {
        let agrees =
            held.iter().any(|(_, one)| one.entries == entry.number && one.head == hash(line));
        covered = if agrees { entry.number } else { covered };
        Ok(())
    })?;
    let beyond = held.iter().filter(|(_, one)| one.entries > covered).count() as u64;
    Ok(Reach { covered, beyond, counter })
}

/// Keys and proposals as the log itself gives them, so that its approvals can be verified.
#[derive(Default)]
struct Witness {
    store_id: Option<String>,
    verifier: Option<String>,
    custodians: Vec<approvals::CustodianKey>,
    proposals: HashMap<String, Open>,
    /// Whether the roles of `vault.toml` were taken over.
    has_roles: bool,
    reviewers: HashMap<Purpose, Vec<approvals::CustodianKey>>,
    approvals: u64,
    accepted: Vec<Accepted>,
    restorations: u64,
    publications: Vec<Publication>,
}

/// A proposal that is open.
struct Open {
    sha256: String,
    by: Vec<String>,
    about: Option<AboutRole>,
    requester: Option<u32>,
}

impl Witness {
    fn see(&mut self, entry: &Entry) -> Result<(), &'static str> {
        match &entry.event {
            Event::Made { store_id, verifier, custodians, .. } => {
                if self.store_id.is_some() {
                    return Err("the vault is made a second time");
                }
                self.store_id = Some(store_id.clone());
                self.verifier = Some(verifier.clone());
                self.custodians.clone_from(custodians);
            }
            Event::Appointed { custodians } => {
                if self.custodians.len() >= approvals::NEEDED {
                    return Err("custodians are appointed where there are some");
                }
                self.custodians.clone_from(custodians);
            }
            Event::Proposed { proposal, sha256, about, .. } => {
                let requester = entry.asker.as_ref().map(|asker| asker.uid);
                let (sha256, by, about) = (sha256.clone(), Vec::new(), *about);
                self.proposals.insert(proposal.clone(), Open { sha256, by, about, requester });
            }
            Event::TookOverRoles { .. } => {
                if self.has_roles && self.custodians.len() >= approvals::NEEDED {
                    return Err(
                        "the roles of vault.toml are taken over again where two custodians approve changes",
                    );
                }
                self.has_roles = true;
            }
            Event::Approved { proposal, custodian, signature } => {
                let store_id = self.store_id.as_deref().unwrap_or_default();
                let key = self.custodians.iter().find(|key| key.name == *custodian);
                let key = key.ok_or("an approval by someone who is no custodian")?;
                let Open { sha256, by, .. } =
                    self.proposals.get_mut(proposal).ok_or("an approval of no proposal")?;
                let right = crate::keys::unhex(signature)
                    .is_some_and(|signature| key.verify(store_id, sha256, &signature));
                if !right {
                    return Err("a custodian's signature is wrong");
                }
                if by.contains(custodian) {
                    return Err("a custodian approves twice");
                }
                by.push(custodian.clone());
                self.approvals += 1;
            }
            Event::TookReview { purpose, reviewer, sha256, signature, decisions } => {
                let approved = self.reviewers.get(purpose).into_iter().flatten();
                let key = approved.into_iter().find(|key| key.name == *reviewer);
                let key = key.ok_or("decisions of someone who is no reviewer")?;
                let (purpose, reviewer) = (purpose.clone(), reviewer.clone());
                let (sha256, decisions) = (sha256.clone(), *decisions);
                let signature = crate::keys::unhex(signature).unwrap_or_default();
                let signed = SignedDecisions { purpose, reviewer, sha256, signature, decisions };
                if !key.verify_review(&signed) {
                    return Err("a reviewer's signature is wrong");
                }
            }
            Event::LetOut(publication) | Event::Withdrew(publication) => {
                self.publications.push(publication.clone());
            }
            // Where readers have it all the same, the audit must miss it.
            Event::ForgotRelease { purpose, release, period, sha256, .. } => {
                self.publications.retain(|of| {
                    (&of.purpose, &of.release, &of.period, &of.sha256)
                        != (purpose, release, period, sha256)
                });
            }
            _ => {}
        }
        if let Some(proposal) = entry.event.carries_out() {
            let Open { by, .. } =
                self.proposals.remove(proposal).ok_or("something was done without a proposal")?;
            if by.len() < approvals::NEEDED {
                return Err("something was done without two custodians' approval");
            }
        }
        if let Event::Restored { loss, .. } = &entry.event {
            self.accepted.extend(loss);
            self.restorations += 1;
        }
        if let Event::ChangedReviewers { purpose, reviewers, .. } = &entry.event {
            self.reviewers.insert(purpose.clone(), reviewers.clone());
        }
        if let Event::ChangedCustodians { custodians, .. } = &entry.event {
            self.custodians.clone_from(custodians);
            // Signatures of those before count no more under what is still open.
            self.proposals.values_mut().for_each(|open| open.by.clear());
        }
        if matches!(entry.event, Event::GrantedRole { .. } | Event::RevokedRole { .. }) {
            let ends = |open: &Open| changes_end(&entry.event, open.about.as_ref(), open.requester);
            self.proposals.retain(|_, open| !ends(open));
        }
        Ok(())
    }
}

pub(super) struct Walked {
    pub(super) entries: u64,
    pub(super) head: String,
    /// The bytes of all whole lines.
    pub(super) length: u64,
}

/// Follows the chain of a log, if it is there, and hands each sealed entry on. Nobody looks whether the seals are the vault's.
///
/// # Errors
/// A chain that is broken.
pub(crate) fn follow(path: &Path, mut each: impl FnMut(&Entry)) -> Result<(), VaultFault> {
    let file = match disk::open_regular(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        opened => opened.map_err(VaultFault::io("read", path))?,
    };
    let followed = walk(path, &file, |entry, _| {
        if entry.mac.is_some() {
            each(entry);
        }
        Ok(())
    });
    followed.map(drop)
}

/// Follows the chain; hands each entry and its line on. The first release's entries have no seal: they stand before all
/// others, and tell of nothing that anything follows from.
pub(super) fn walk(
    path: &Path,
    file: &File,
    mut each: impl FnMut(&Entry, &[u8]) -> Result<(), VaultFault>,
) -> Result<Walked, VaultFault> {
    let mut reader = BufReader::new(file);
    let mut walked = Walked { entries: 0, head: FIRST.to_owned(), length: 0 };
    let mut line = Vec::new();
    let mut sealed = false;
    loop {
        line.clear();
        let read = reader.read_until(b'\n', &mut line).map_err(VaultFault::io("read", path))?;
        if line.pop_if(|last| *last == b'\n').is_none() {
            return Ok(walked);
        }
        walked.entries += 1;
        let broken =
            |why| VaultFault::LogBroken { path: path.to_owned(), entry: walked.entries, why };
        let entry: Entry =
            serde_json::from_slice(&line).map_err(|_| broken("it is not an entry"))?;
        if entry.number != walked.entries {
            return Err(broken("its number is not the next"));
        }
        if entry.prev != walked.head {
            return Err(broken("it does not follow the entry before it"));
        }
        if entry.mac.is_none() && (sealed || !entry.event.is_of_the_first_release()) {
            return Err(broken("it has no seal of this vault"));
        }
        sealed |= entry.mac.is_some();
        each(&entry, &line)?;
        walked.head = hash(&line);
        walked.length += read as u64;
    }
}
