//! The log: one JSON line an entry, each naming the SHA-256 of the line before it. An entry is durable
//! before the answer leaves. It holds counts, names and purposes; never an identifier.
//!
//! The chain shows that an entry was changed, removed, reordered or inserted. It cannot show that its
//! tail was cut, or that someone with the folder wrote all of it anew.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader, Seek, SeekFrom, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use minster_model::{DatasetRef, Kind, Purpose, Role, RunId, SourceName};
use minster_vault_api::InputFile;
use serde::{Deserialize, Serialize};

use crate::{VaultFault, keys::hex};

/// What happened.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
#[allow(missing_docs, reason = "the fields are named for what they are")]
pub enum Event {
    /// The vault began to serve.
    Started { hardening: String },
    /// The vault stopped serving.
    Stopped,
    /// A last line that a crash had cut short was removed.
    Repaired { bytes: u64 },
    /// A run was opened.
    OpenedRun {
        run: RunId,
        purpose: Purpose,
        source: SourceName,
        inputs: Vec<InputFile>,
        ceiling: u64,
    },
    /// Pseudonyms were made.
    Pseudonymised { run: RunId, purpose: Purpose, kind: Kind, count: u64, so_far: u64 },
    /// A run was closed.
    ClosedRun { run: RunId, asked: u64 },
    /// A dataset key was made.
    CreatedKey { dataset: DatasetRef },
    /// A dataset key was unwrapped.
    UnwrappedKey { dataset: DatasetRef },
    /// Something was refused.
    Denied { what: String },
}

/// Who asked.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Asker {
    /// The caller's uid, from the socket.
    pub uid: u32,
    /// The role it asked in.
    pub role: Role,
    /// What it calls itself.
    pub program: String,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    number: u64,
    time: String,
    prev: String,
    asker: Option<Asker>,
    #[serde(flatten)]
    event: Event,
}

/// The log, open for appending.
pub struct Log {
    file: File,
    path: PathBuf,
    entries: u64,
    head: String,
}

const FIRST: &str = "0000000000000000000000000000000000000000000000000000000000000000";

impl Log {
    /// Opens the log, verifies its chain and cuts back a last line that a crash left unfinished.
    pub fn open(path: &Path) -> Result<Self, VaultFault> {
        let mut file = fs::OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .mode(0o600)
            .open(path)
            .map_err(VaultFault::io("open", path))?;
        let (entries, head, whole) = walk(path, &file)?;
        let length = file.seek(SeekFrom::End(0)).map_err(VaultFault::io("read", path))?;
        let mut log = Self { file, path: path.to_owned(), entries, head };
        if whole < length {
            log.file.set_len(whole).map_err(VaultFault::io("repair", path))?;
            log.append(None, Event::Repaired { bytes: length - whole })?;
        }
        Ok(log)
    }

    /// Adds an entry; it is durable when this returns.
    pub fn append(&mut self, asker: Option<&Asker>, event: Event) -> Result<(), VaultFault> {
        let time = jiff::Timestamp::now().round(jiff::Unit::Second);
        let entry = Entry {
            number: self.entries + 1,
            time: time.map(|time| time.to_string()).unwrap_or_default(),
            prev: self.head.clone(),
            asker: asker.cloned(),
            event,
        };
        let mut line = serde_json::to_vec(&entry).map_err(|error| VaultFault::File {
            path: self.path.clone(),
            why: error.to_string(),
        })?;
        let head = hash(&line);
        line.push(b'\n');
        let before = self.file.metadata().map_err(VaultFault::io("read", &self.path))?.len();
        if let Err(error) = self.file.write_all(&line).and_then(|()| self.file.sync_data()) {
            // Half a line would break the chain for whoever writes next.
            let _ = self.file.set_len(before);
            return Err(VaultFault::io("write", &self.path)(error));
        }
        self.entries += 1;
        self.head = head;
        Ok(())
    }

    /// How many entries stand, and the hash of the last.
    pub fn head(&self) -> (u64, &str) {
        (self.entries, &self.head)
    }
}

/// Verifies a log's chain without any secret; gives the number of entries and the last one's hash.
pub fn verify(path: &Path) -> Result<(u64, String), VaultFault> {
    let file = File::open(path).map_err(VaultFault::io("open", path))?;
    let length = file.metadata().map_err(VaultFault::io("read", path))?.len();
    let (entries, head, whole) = walk(path, &file)?;
    if whole < length {
        let why = "the last line is cut short";
        return Err(VaultFault::LogBroken { path: path.to_owned(), entry: entries + 1, why });
    }
    Ok((entries, head))
}

/// Entries, the last one's hash, and the length of all whole lines.
fn walk(path: &Path, file: &File) -> Result<(u64, String, u64), VaultFault> {
    let mut reader = BufReader::new(file);
    let (mut entries, mut head, mut whole) = (0, FIRST.to_owned(), 0);
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = reader.read_until(b'\n', &mut line).map_err(VaultFault::io("read", path))?;
        if line.pop_if(|last| *last == b'\n').is_none() {
            return Ok((entries, head, whole));
        }
        entries += 1;
        let broken = |why| VaultFault::LogBroken { path: path.to_owned(), entry: entries, why };
        let entry: Entry =
            serde_json::from_slice(&line).map_err(|_| broken("it is not an entry"))?;
        if entry.number != entries {
            return Err(broken("its number is not the next"));
        }
        if entry.prev != head {
            return Err(broken("it does not follow the entry before it"));
        }
        head = hash(&line);
        whole += read as u64;
    }
}

fn hash(line: &[u8]) -> String {
    hex(ring::digest::digest(&ring::digest::SHA256, line).as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn three() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.jsonl");
        let mut log = Log::open(&path).unwrap();
        for kind in ["a", "b", "c"] {
            log.append(None, Event::Denied { what: kind.into() }).unwrap();
        }
        (folder, path)
    }

    #[test]
    fn a_changed_removed_or_moved_entry_shows() {
        let (_folder, path) = three();
        assert_eq!(verify(&path).unwrap().0, 3);
        let text = fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        for order in [vec![0, 2], vec![1, 2], vec![1, 0, 2], vec![0, 1, 1, 2]] {
            let text: String = order.iter().map(|&line| format!("{}\n", lines[line])).collect();
            fs::write(&path, text).unwrap();
            assert!(matches!(verify(&path), Err(VaultFault::LogBroken { .. })), "{order:?}");
        }
        fs::write(&path, text.replacen("\"a\"", "\"x\"", 1)).unwrap();
        assert!(matches!(verify(&path), Err(VaultFault::LogBroken { entry: 2, .. })));
    }

    #[test]
    fn a_line_cut_short_is_repaired_and_said() {
        let (_folder, path) = three();
        let text = fs::read(&path).unwrap();
        fs::write(&path, &text[..text.len() - 10]).unwrap();
        assert!(verify(&path).is_err());
        assert_eq!(Log::open(&path).unwrap().head().0, 3, "two whole ones and the repair");
        assert!(fs::read_to_string(&path).unwrap().contains("repaired"));
        verify(&path).unwrap();
    }
}
