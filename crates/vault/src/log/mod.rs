//! The log: one JSON line an entry, each naming the SHA-256 of the line before it. An entry is durable
//! before the answer leaves.
//!
//! | who | sees that | by |
//! |---|---|---|
//! | anyone | an entry was changed, removed, reordered or inserted | the chain |
//! | the vault, when it opens | someone without the root key wrote entries | each entry's HMAC |
//! | whoever holds exported checkpoints | the tail was cut, all was written anew, an older copy was put back | the [`checkpoint`]s' signatures and heads |
//!
//! Entries after the last exported checkpoint can be cut away unseen; [`checkpoint`] bounds that.

pub mod checkpoint;
mod event;
mod verify;

use std::{
    fs::File,
    io::{Seek, SeekFrom},
    path::{Path, PathBuf},
};

pub use event::{Asker, Entry, Event, RegistryHead};
use ring::hmac;
pub use verify::{Verified, verify};

use crate::{
    VaultFault,
    disk::Disk,
    keys::{hex, unhex},
};

/// The log's file in the vault's folder.
pub const FILE: &str = "log.jsonl";
pub(crate) const FIRST: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// The log, open for appending.
pub struct Log {
    disk: Disk,
    file: File,
    path: PathBuf,
    key: hmac::Key,
    entries: u64,
    head: String,
    length: u64,
}

impl Log {
    /// Opens the log, verifies its chain and seals, hands each entry to `each`, and cuts back a last
    /// line that a crash left unfinished.
    pub fn open(
        path: &Path,
        key: hmac::Key,
        disk: Disk,
        mut each: impl FnMut(&Entry),
    ) -> Result<Self, VaultFault> {
        let mut file = disk.open_append(path)?;
        file.seek(SeekFrom::Start(0)).map_err(VaultFault::io("read", path))?;
        let mut sealed = false;
        let walked = verify::walk(path, &file, |entry, line| {
            let broken =
                |why| VaultFault::LogBroken { path: path.to_owned(), entry: entry.number, why };
            match &entry.mac {
                Some(mac) => {
                    sealed = true;
                    let genuine = unsealed(line)
                        .zip(unhex(mac))
                        .is_some_and(|(plain, mac)| hmac::verify(&key, &plain, &mac).is_ok());
                    if !genuine {
                        return Err(broken("it was not written by this vault"));
                    }
                }
                None if sealed => return Err(broken("it has no seal of this vault")),
                None => {}
            }
            each(entry);
            Ok(())
        })?;
        let (entries, head, whole) = (walked.entries, walked.head, walked.length);
        let length = file.seek(SeekFrom::End(0)).map_err(VaultFault::io("read", path))?;
        let mut log = Self { disk, file, path: path.to_owned(), key, entries, head, length: whole };
        if whole < length {
            log.disk.truncate(&log.file, whole).map_err(VaultFault::io("repair", path))?;
            let event = Event::Repaired { what: None, bytes: length - whole };
            each(&log.append(None, event)?);
        }
        Ok(log)
    }

    /// Adds an entry; it is durable when this returns.
    pub fn append(&mut self, asker: Option<&Asker>, event: Event) -> Result<Entry, VaultFault> {
        let time = jiff::Timestamp::now().round(jiff::Unit::Second);
        let entry = Entry {
            number: self.entries + 1,
            time: time.map(|time| time.to_string()).unwrap_or_default(),
            prev: self.head.clone(),
            asker: asker.cloned(),
            event,
            mac: None,
        };
        let plain = serde_json::to_string(&entry).map_err(|error| VaultFault::File {
            path: self.path.clone(),
            why: error.to_string(),
        })?;
        let mut line = seal(&self.key, &plain);
        let head = hash(line.as_bytes());
        line.push('\n');
        if let Err(error) = self.disk.append(&mut self.file, line.as_bytes()) {
            // Half a line would break the chain for whoever writes next.
            let _ = self.disk.truncate(&self.file, self.length);
            return Err(VaultFault::io("write", &self.path)(error));
        }
        self.length += line.len() as u64;
        self.entries += 1;
        self.head = head;
        Ok(entry)
    }

    /// How many entries stand, and the hash of the last.
    pub fn head(&self) -> (u64, &str) {
        (self.entries, &self.head)
    }
}

/// The line with its seal as the last field.
fn seal(key: &hmac::Key, plain: &str) -> String {
    let mac = hex(hmac::sign(key, plain.as_bytes()).as_ref());
    format!("{},\"mac\":\"{mac}\"}}", plain.strip_suffix('}').unwrap_or(plain))
}

/// The line without its seal.
fn unsealed(line: &[u8]) -> Option<Vec<u8>> {
    let at = line.windows(8).rposition(|window| window == b",\"mac\":\"")?;
    Some([&line[..at], b"}"].concat())
}

pub(crate) fn hash(line: &[u8]) -> String {
    hex(ring::digest::digest(&ring::digest::SHA256, line).as_ref())
}
