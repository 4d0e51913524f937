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

mod cases;
pub mod checkpoint;
mod ending;
mod event;
mod lines;
mod retention;
mod verify;

use std::{
    fs::File,
    io::{Seek, SeekFrom},
    path::{Path, PathBuf},
};

pub use cases::{CaseEvent, MetCase};
pub use ending::{DestroyedFiles, EndEvent};
pub use event::{AboutRole, Asker, Entry, Event, RegistryHead, ResumedRun, RunCounts, UidCount};
use jiff::{SignedDuration, Timestamp};
pub(crate) use lines::read_lines;
pub use retention::{ArchiveEvent, Disposed, DisposedPart, Held};
use ring::hmac;
use serde::{Deserialize, Serialize};
pub(crate) use verify::follow;
pub use verify::{Reach, Verified, reach, verify};

use crate::{
    VaultFault,
    disk::Disk,
    keys::{hex, unhex},
};

/// The log's file in the vault's folder.
pub const FILE: &str = "log.jsonl";
pub(crate) const FIRST: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// The clock may go back by so much, as when the system sets it right: the entry then has the time of the one before.
/// Where it went back further, nothing is logged, and so nothing answered.
pub const SKEW: SignedDuration = SignedDuration::from_mins(5);

/// A place in the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Position {
    /// How many entries stand up to it.
    pub entries: u64,
    /// The last one's hash, hexadecimal.
    pub head: String,
}

/// The log, open for appending.
pub struct Log {
    disk: Disk,
    file: File,
    path: PathBuf,
    key: hmac::Key,
    entries: u64,
    head: String,
    length: u64,
    /// The last entry's time.
    last: Option<Timestamp>,
    clock: Clock,
}

/// The way with a clock that is behind the log's last entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// Nothing is logged.
    Follow,
    /// It is taken as it is: two custodians are about to accept it.
    Accept,
}

impl Log {
    /// Opens the log, verifies its chain and seals, hands each sealed entry to `each`, and cuts back a last
    /// line that a crash left unfinished. `bound` is the place that `store.json` names: the log must have it, and
    /// an entry without a seal, as the first release wrote it, stands before it or nowhere. Such an entry changes
    /// nothing.
    pub fn open(
        path: &Path,
        key: hmac::Key,
        disk: Disk,
        bound: Option<&Position>,
        clock: Clock,
        mut each: impl FnMut(&Entry),
    ) -> Result<Self, VaultFault> {
        let mut file = disk.open_append(path)?;
        file.seek(SeekFrom::Start(0)).map_err(VaultFault::io("read", path))?;
        let mut last: Option<Timestamp> = None;
        let walked = verify::walk(path, &file, |entry, line| {
            let broken =
                |why| VaultFault::LogBroken { path: path.to_owned(), entry: entry.number, why };
            if bound.is_some_and(|bound| bound.entries == entry.number && bound.head != hash(line))
            {
                return Err(broken(
                    "store.json names another entry here: the log was written anew",
                ));
            }
            let Some(mac) = &entry.mac else {
                return match bound.is_some_and(|bound| entry.number > bound.entries) {
                    true => Err(broken("it has no seal of this vault")),
                    false => Ok(()),
                };
            };
            let genuine = unsealed(line)
                .zip(unhex(mac))
                .is_some_and(|(plain, mac)| hmac::verify(&key, &plain, &mac).is_ok());
            if !genuine {
                return Err(broken("it was not written by this vault"));
            }
            let time = entry.time.parse().map_err(|_| broken("it has no time"))?;
            last = match entry.event {
                // From here on the clock that two custodians accepted counts.
                Event::Restored { clock: true, .. } => Some(time),
                _ => last.max(Some(time)),
            };
            each(entry);
            Ok(())
        })?;
        let (entries, head, whole) = (walked.entries, walked.head, walked.length);
        if bound.is_some_and(|bound| bound.entries > entries) {
            let why = "it ends before an entry that store.json names: it was cut, or an older copy put back";
            return Err(VaultFault::LogBroken { path: path.to_owned(), entry: entries + 1, why });
        }
        let length = file.seek(SeekFrom::End(0)).map_err(VaultFault::io("read", path))?;
        let path = path.to_owned();
        let mut log = Self { disk, file, path, key, entries, head, length: whole, last, clock };
        log.time()?;
        if whole < length {
            let repaired = log.disk.truncate(&log.file, whole);
            repaired.map_err(VaultFault::io("repair", &log.path))?;
            let event = Event::Repaired { what: None, bytes: length - whole };
            each(&log.append(None, event)?);
        }
        Ok(log)
    }

    /// Adds an entry; it is durable when this returns.
    pub fn append(&mut self, asker: Option<&Asker>, event: Event) -> Result<Entry, VaultFault> {
        let time = self.time()?;
        let entry = Entry {
            number: self.entries + 1,
            time: time.to_string(),
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
        self.last = Some(time);
        Ok(entry)
    }

    /// The time of the next entry: never before the last one's.
    fn time(&self) -> Result<Timestamp, VaultFault> {
        let now = Timestamp::now();
        let now = now.round(jiff::Unit::Second).unwrap_or(now);
        match self.last {
            _ if self.clock == Clock::Accept => Ok(now),
            Some(last) if last.duration_since(now) > SKEW => {
                Err(VaultFault::Clock { path: self.path.clone(), now, last })
            }
            last => Ok(last.map_or(now, |last| last.max(now))),
        }
    }

    /// The last entry's time, where it lies further ahead of the clock than it may.
    pub(crate) fn ahead(&self) -> Option<Timestamp> {
        self.last.filter(|last| last.duration_since(Timestamp::now()) > SKEW)
    }

    /// As if an entry had been added that far ahead of the clock.
    #[cfg(test)]
    pub(crate) fn run_ahead(&mut self, by: SignedDuration) {
        self.last = Some(Timestamp::now() + by);
    }

    /// The place of the last entry.
    pub fn position(&self) -> Position {
        Position { entries: self.entries, head: self.head.clone() }
    }

    /// Bytes in it.
    pub(crate) fn length(&self) -> u64 {
        self.length
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

#[cfg(test)]
mod tests {
    use super::*;

    fn log(path: &Path) -> Result<Log, VaultFault> {
        with(path, Clock::Follow)
    }

    fn with(path: &Path, clock: Clock) -> Result<Log, VaultFault> {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &[7; 32]);
        Log::open(path, key, Disk::new(), None, clock, |_| {})
    }

    /// The log's last entry is of that long after now.
    fn after(seconds: i64) -> (tempfile::TempDir, Log, Timestamp) {
        let folder = tempfile::tempdir().unwrap();
        let mut log = log(&folder.path().join(FILE)).unwrap();
        let ahead = Timestamp::now() + SignedDuration::from_secs(seconds);
        let ahead = ahead.round(jiff::Unit::Second).unwrap();
        log.last = Some(ahead);
        // `append` refuses more than the skew, so the line is made as it makes one.
        let entry = Entry {
            number: 1,
            time: ahead.to_string(),
            prev: FIRST.into(),
            asker: None,
            event: Event::Stopped,
            mac: None,
        };
        let line = seal(&log.key, &serde_json::to_string(&entry).unwrap()) + "\n";
        std::fs::write(&log.path, line).unwrap();
        (folder, log, ahead)
    }

    #[test]
    fn a_clock_that_went_back_far_stops_the_log() {
        let (folder, mut running, _) = after(3600);
        assert!(matches!(log(&folder.path().join(FILE)), Err(VaultFault::Clock { .. })));
        let length = std::fs::metadata(folder.path().join(FILE)).unwrap().len();
        let outcome = running.append(None, Event::Stopped);
        assert!(matches!(outcome, Err(VaultFault::Clock { .. })));
        assert_eq!(std::fs::metadata(folder.path().join(FILE)).unwrap().len(), length);
    }

    #[test]
    fn a_clock_that_was_set_right_by_little_does_not_turn_the_log_s_time_back() {
        let (folder, _, ahead) = after(60);
        let mut log = log(&folder.path().join(FILE)).unwrap();
        let entry = log.append(None, Event::Stopped).unwrap();
        assert_eq!(entry.time, ahead.to_string());
    }

    #[test]
    fn a_clock_that_two_custodians_accepted_counts_from_then_on() {
        let (folder, _, ahead) = after(3600);
        let path = folder.path().join(FILE);
        let mut accepting = with(&path, Clock::Accept).unwrap();
        assert_eq!(accepting.ahead(), Some(ahead));
        accepting.append(None, Event::Stopped).unwrap();
        assert!(log(&path).is_err(), "cut short before the last entry, it is not accepted");
        let restored = Event::Restored { proposal: "p".into(), loss: None, clock: true };
        accepting.append(None, restored).unwrap();
        log(&path).unwrap().append(None, Event::Stopped).unwrap();
        assert_eq!(log(&path).unwrap().ahead(), None);
    }
}
