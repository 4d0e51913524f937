//! Signed checkpoints of the log, exported to a folder that the auditor holds.
//!
//! A checkpoint is a signed note (C2SP): the log's origin, how many entries it covers, the last one's
//! hash, a counter and the time. Whoever holds one can show later that the log was cut below it,
//! written anew, or put back from an older copy. Entries since the last export can be cut
//! unseen: a serving vault exports when it starts and stops, after [`Exporter::EVERY`] entries, and
//! [`Exporter::SECONDS`] after an entry that none covers.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Instant,
};

use minster_vault_api::note::Verifier;

use crate::{VaultFault, disk::Disk};

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

/// The file that holds the key with which checkpoints are verified.
pub const VERIFIER: &str = "verifier.txt";

/// Reads every checkpoint of a folder, the oldest first, each with a good signature.
pub fn read_folder(folder: &Path) -> Result<(Verifier, Vec<(PathBuf, Checkpoint)>), VaultFault> {
    let path = folder.join(VERIFIER);
    let text = fs::read_to_string(&path).map_err(VaultFault::io("read", &path))?;
    let bad = |path: &Path, why: String| VaultFault::Checkpoint { path: path.to_owned(), why };
    let verifier: Verifier = text.parse().map_err(|error| bad(&path, format!("{error}")))?;
    let mut checkpoints = Vec::new();
    for entry in fs::read_dir(folder).map_err(VaultFault::io("read", folder))? {
        let path = entry.map_err(VaultFault::io("read", folder))?.path();
        if path.extension().is_none_or(|extension| extension != "note") {
            continue;
        }
        let note = fs::read_to_string(&path).map_err(VaultFault::io("read", &path))?;
        let text = verifier.open(&note).map_err(|error| bad(&path, error.to_string()))?;
        let checkpoint = Checkpoint::read(text)
            .ok_or_else(|| bad(&path, "it is signed, but is no checkpoint".into()))?;
        checkpoints.push((path, checkpoint));
    }
    checkpoints.sort_by_key(|(_, checkpoint)| checkpoint.entries);
    if let Some(pair) = checkpoints.windows(2).find(|pair| pair[0].1.counter >= pair[1].1.counter) {
        let why = "a longer log has a lower counter: it was signed by a copy of the vault".into();
        return Err(bad(&pair[1].0, why));
    }
    Ok((verifier, checkpoints))
}

/// Exports checkpoints to a folder.
pub struct Exporter {
    folder: PathBuf,
    disk: Disk,
    covered: u64,
    waiting_since: Option<Instant>,
}

impl Exporter {
    /// Entries that may wait for a checkpoint.
    pub const EVERY: u64 = 256;
    /// Seconds that an entry may wait for a checkpoint.
    pub const SECONDS: u64 = 60;

    /// Exports to `folder`; writes the verifier's key there the first time, and refuses a folder of
    /// another vault.
    pub fn new(folder: &Path, verifier: &Verifier, disk: Disk) -> Result<Self, VaultFault> {
        let path = folder.join(VERIFIER);
        let mut covered = 0;
        if path.exists() {
            let (theirs, checkpoints) = read_folder(folder)?;
            if theirs != *verifier {
                let why = "it belongs to another vault".into();
                return Err(VaultFault::Checkpoint { path, why });
            }
            covered = checkpoints.last().map_or(0, |(_, last)| last.entries);
        } else {
            if !folder.exists() {
                disk.make_folder(folder)?;
            }
            disk.replace(&path, format!("{verifier}\n").as_bytes())?;
        }
        Ok(Self { folder: folder.to_owned(), disk, covered, waiting_since: None })
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
        self.disk.replace(&self.folder.join(format!("{entries:012}.note")), note.as_bytes())?;
        self.covered = entries;
        self.waiting_since = None;
        Ok(())
    }

    /// Entries that an exported checkpoint covers.
    pub fn covered(&self) -> u64 {
        self.covered
    }
}
