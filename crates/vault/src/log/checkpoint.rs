//! Signed checkpoints of the log, exported to a folder that the auditor holds.
//!
//! A checkpoint is a signed note (C2SP): the log's origin, how many entries it covers, the last one's
//! hash, a counter and the time. An auditor who holds one can show later that the log was cut below it,
//! written anew, or put back from an older copy. Entries since the last export can be cut
//! unseen: a serving vault exports when it starts and stops, after [`Exporter::EVERY`] entries, and
//! [`Exporter::SECONDS`] after an entry that none covers.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Instant,
};

use jiff::Timestamp;
use minster_vault_api::note::Verifier;
use serde::{Deserialize, Serialize};

use crate::{
    VaultFault,
    disk::{self, Disk, Folder},
    state::State,
};

/// A longer note is none.
const LONGEST: u64 = 64 << 10;

/// The content of a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The store's random name.
    pub store_id: String,
    /// Entries it covers.
    pub entries: u64,
    /// The last one's hash, hexadecimal.
    pub head: String,
    /// How many checkpoints were signed, this one included.
    pub counter: u64,
    /// When (RFC 3339, UTC).
    pub time: String,
}

impl Checkpoint {
    /// The text that is signed.
    pub fn text(&self) -> String {
        let Self { store_id, entries, head, counter, time } = self;
        format!("minster-vault/{store_id}/log\n{entries}\n{head}\ncounter {counter}\ntime {time}\n")
    }

    /// A checkpoint from a note's verified text.
    pub fn read(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        let store_id = lines.next()?.strip_prefix("minster-vault/")?.strip_suffix("/log")?;
        let checkpoint = Self {
            store_id: store_id.to_owned(),
            entries: lines.next()?.parse().ok()?,
            head: lines.next()?.to_owned(),
            counter: lines.next()?.strip_prefix("counter ")?.parse().ok()?,
            time: lines.next()?.strip_prefix("time ")?.to_owned(),
        };
        (checkpoint.text() == text).then_some(checkpoint)
    }
}

/// A loss that two custodians accepted: checkpoints of entries after this one, up to this counter, may be missing, or the
/// log may not have what they cover.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accepted {
    /// The last entry that a checkpoint covers for certain.
    pub after: u64,
    /// The highest counter of those before.
    pub counter: u64,
}

impl Accepted {
    /// Whether a checkpoint is one of the lost.
    pub fn excuses(&self, checkpoint: &Checkpoint) -> bool {
        checkpoint.entries > self.after && checkpoint.counter <= self.counter
    }
}

/// A checkpoint and the file that it is in.
pub type Held = (PathBuf, Checkpoint);

/// Takes out those whose loss was accepted; gives how many, and refuses the others where a longer log has a lower counter.
pub(super) fn without_lost(
    held: Vec<Held>,
    accepted: &[Accepted],
) -> Result<(Vec<Held>, u64), VaultFault> {
    let all = held.len();
    let excused = |one: &Checkpoint| accepted.iter().any(|loss| loss.excuses(one));
    let left: Vec<Held> = held.into_iter().filter(|(_, one)| !excused(one)).collect();
    if let Some(pair) = left.windows(2).find(|pair| pair[0].1.counter >= pair[1].1.counter) {
        let why = "a longer log has a lower counter: it was signed by a copy of the vault".into();
        return Err(VaultFault::Checkpoint { path: pair[1].0.clone(), why });
    }
    let lost = (all - left.len()) as u64;
    Ok((left, lost))
}

/// The file that holds the key with which checkpoints are verified.
pub const VERIFIER: &str = "verifier.txt";

/// Reads every checkpoint of a folder, the oldest first, each with a good signature.
pub fn read_folder(folder: &Path) -> Result<(Verifier, Vec<Held>), VaultFault> {
    let path = folder.join(VERIFIER);
    let text = read(&path)?;
    let bad = |path: &Path, why: String| VaultFault::Checkpoint { path: path.to_owned(), why };
    let verifier: Verifier = text.parse().map_err(|error| bad(&path, format!("{error}")))?;
    let mut checkpoints = Vec::new();
    for entry in fs::read_dir(folder).map_err(VaultFault::io("read", folder))? {
        let path = entry.map_err(VaultFault::io("read", folder))?.path();
        if path.extension().is_none_or(|extension| extension != "note") {
            continue;
        }
        let note = read(&path)?;
        let text = verifier.open(&note).map_err(|error| bad(&path, error.to_string()))?;
        let checkpoint = Checkpoint::read(text)
            .ok_or_else(|| bad(&path, "it is signed, but is no checkpoint".into()))?;
        checkpoints.push((path, checkpoint));
    }
    checkpoints.sort_by_key(|(_, checkpoint)| (checkpoint.entries, checkpoint.counter));
    Ok((verifier, checkpoints))
}

fn read(path: &Path) -> Result<String, VaultFault> {
    let bytes = disk::read_regular(path, LONGEST).map_err(VaultFault::io("read", path))?;
    String::from_utf8(bytes)
        .map_err(|_| VaultFault::Checkpoint { path: path.to_owned(), why: "it is no text".into() })
}

/// Exports checkpoints to a folder.
pub struct Exporter {
    folder: Folder,
    disk: Disk,
    covered: u64,
    /// When the last one was signed.
    signed: Option<Timestamp>,
    waiting_since: Option<Instant>,
}

impl Exporter {
    /// Entries that may wait for a checkpoint.
    pub const EVERY: u64 = 256;
    /// Seconds that an entry may wait for a checkpoint.
    pub const SECONDS: u64 = 60;

    /// Exports a vault's own checkpoints. Its log says what it knows of the folder: once one was used, a folder
    /// that lacks its verifier or the last checkpoint that is known to be there is refused, and so is none at all.
    /// A crash may have kept back the very last one; the next covers what it would have.
    pub fn of_vault(
        folder: Option<&Path>,
        verifier: &Verifier,
        state: &State,
        disk: Disk,
    ) -> Result<Option<Self>, VaultFault> {
        let lost = |path: &Path, why: &str, exported| {
            Err(VaultFault::CheckpointsLost { path: path.to_owned(), why: why.into(), exported })
        };
        let exported = state.exported;
        let Some(folder) = folder else {
            return match exported {
                Some(exported) => lost(Path::new("--checkpoints"), "it names no folder", exported),
                None => Ok(None),
            };
        };
        if let Some(exported) = exported
            && fs::symlink_metadata(folder.join(VERIFIER)).is_err()
        {
            return lost(folder, "it has no verifier.txt: it was emptied or replaced", exported);
        }
        let exporter = Self::with(folder, verifier, &state.accepted, disk)?;
        match exported {
            Some(exported) if exporter.covered < exported => {
                let why = format!("its last checkpoint covers {} entries", exporter.covered);
                lost(folder, &why, exported)
            }
            _ => Ok(Some(exporter)),
        }
    }

    /// Exports to `folder`; writes the verifier's key there the first time, and refuses a folder of
    /// another vault.
    pub fn new(folder: &Path, verifier: &Verifier, disk: Disk) -> Result<Self, VaultFault> {
        Self::with(folder, verifier, &[], disk)
    }

    fn with(
        folder: &Path,
        verifier: &Verifier,
        accepted: &[Accepted],
        disk: Disk,
    ) -> Result<Self, VaultFault> {
        let path = folder.join(VERIFIER);
        let (mut covered, mut signed) = (0, None);
        if fs::symlink_metadata(folder).is_err() {
            disk.make_folder_for_a_group(folder)?;
        }
        let held = Folder::open(folder).map_err(VaultFault::io("open the folder", folder))?;
        if fs::symlink_metadata(&path).is_ok() {
            let (theirs, checkpoints) = read_folder(folder)?;
            if theirs != *verifier {
                let why = "it belongs to another vault".into();
                return Err(VaultFault::Checkpoint { path, why });
            }
            let (checkpoints, _) = without_lost(checkpoints, accepted)?;
            covered = checkpoints.last().map_or(0, |(_, last)| last.entries);
            signed = checkpoints.last().and_then(|(_, last)| last.time.parse().ok());
        } else {
            disk.replace_in(&held, VERIFIER, format!("{verifier}\n").as_bytes())?;
        }
        Ok(Self { folder: held, disk, covered, signed, waiting_since: None })
    }

    /// Whether it is time for another, the log having so many entries.
    pub fn due(&mut self, entries: u64) -> bool {
        if entries <= self.covered {
            self.waiting_since = None;
            return false;
        }
        let since = *self.waiting_since.get_or_insert_with(Instant::now);
        entries - self.covered >= Self::EVERY || since.elapsed().as_secs() >= Self::SECONDS
    }

    /// Writes one.
    pub fn export(&mut self, note: &str, entries: u64) -> Result<(), VaultFault> {
        // One of the same length may be there whose loss was accepted: it stays.
        let free = |name: &String| fs::symlink_metadata(self.folder.path().join(name)).is_err();
        let again = (2..).map(|n| format!("{entries:012}-{n}.note"));
        let name = std::iter::once(format!("{entries:012}.note")).chain(again).find(free);
        self.disk.replace_in(&self.folder, &name.unwrap_or_default(), note.as_bytes())?;
        self.covered = entries;
        (self.signed, self.waiting_since) = (Some(Timestamp::now()), None);
        Ok(())
    }

    /// Seconds since the last one was signed.
    pub(crate) fn age(&self) -> Option<u64> {
        let age = Timestamp::now().duration_since(self.signed?).as_secs();
        Some(u64::try_from(age).unwrap_or_default())
    }

    /// Entries that an exported checkpoint covers.
    pub fn covered(&self) -> u64 {
        self.covered
    }
}
