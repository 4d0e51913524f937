//! The vault's log, entry by entry, as far as checks ask. Its chain is verified elsewhere.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::{BufRead, BufReader, Read},
};

use jiff::Timestamp;
use minster_model::Purpose;
use serde_json::Value;

use crate::site::Site;

/// A longer line is no entry.
const LONGEST: u64 = 64 << 20;

/// The statements of the log.
#[derive(Default)]
pub(super) struct Events {
    /// Entries.
    pub(super) entries: u64,
    /// SHA-256 of every manifest that was ever recorded.
    pub(super) manifests: BTreeSet<String>,
    /// SHA-256 of every entry of the ledger of releases that was announced, be it by the first of two persons.
    pub(super) announced: BTreeSet<String>,
    /// Those that stand in the ledger: of releases that were let out.
    pub(super) let_out: BTreeSet<String>,
    /// SHA-256 of the releases that were withdrawn.
    pub(super) withdrawn: BTreeSet<String>,
    /// Releases that were let out without saying an entry: by a program of an earlier release.
    pub(super) without_entry: u64,
    /// Entries that are earlier than the one before, by number: by so many seconds, and whether custodians had accepted it.
    pub(super) backwards: Vec<(u64, i64, bool)>,
    /// When the last entry was written.
    pub(super) last: Option<Timestamp>,
    /// Entries that the checkpoints in the folder that the vault keeps cover for certain, by the log.
    pub(super) exported: u64,
    /// The last entry for which a checkpoint was signed for that folder.
    pub(super) signed_for_folder: u64,
    /// When each entry was written, in seconds of the epoch.
    pub(super) times: Vec<i64>,
    /// The askers, each with its role and how often.
    pub(super) askers: BTreeMap<(u32, String), u64>,
    /// Disposal lists that were signed and not applied since: purpose, list and time.
    pub(super) unapplied: BTreeMap<String, (Option<Purpose>, Timestamp)>,
    /// Disposal lists with an archive.
    pub(super) sealed: BTreeSet<String>,
    /// The sealed archives, by purpose and list, each with SHA-256 of its file.
    pub(super) archives: BTreeMap<(String, String), String>,
    /// Whether the vault serves a single user, by the last start.
    pub(super) single_user: bool,
}

/// Reads all of it.
///
/// # Errors
/// Says why there is none, or which entry cannot be read.
pub(super) fn read(site: &Site) -> Result<Events, String> {
    let path = site.log().path()?;
    let file = File::open(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let (mut reader, mut line, mut events) = (BufReader::new(file), Vec::new(), Events::default());
    loop {
        line.clear();
        let read = reader.by_ref().take(LONGEST).read_until(b'\n', &mut line);
        match read {
            Ok(0) => return Ok(events),
            Ok(_) => {}
            Err(error) => return Err(format!("{}: {error}", path.display())),
        }
        let entry: Value = serde_json::from_slice(&line).map_err(|_| {
            format!("entry {} of the log is none; see log.chain", events.entries + 1)
        })?;
        events.see(&entry);
    }
}

impl Events {
    fn see(&mut self, entry: &Value) {
        self.entries += 1;
        let time: Option<Timestamp> = entry["time"].as_str().and_then(|time| time.parse().ok());
        let event = entry["event"].as_str().unwrap_or_default();
        if let (Some(before), Some(time)) = (self.last, time)
            && time < before
        {
            let seconds = before.duration_since(time).as_secs();
            let accepted = event == "restored" && entry["clock"] == true;
            self.backwards.push((self.entries, seconds, accepted));
        }
        self.last = time.or(self.last);
        self.times.push(self.last.map_or(0, Timestamp::as_second));
        if let (Some(uid), Some(role)) =
            (entry["asker"]["uid"].as_u64(), entry["asker"]["role"].as_str())
            && let Ok(uid) = u32::try_from(uid)
        {
            *self.askers.entry((uid, role.to_owned())).or_default() += 1;
        }
        let text = |value: &Value| value.as_str().map(str::to_owned);
        match event {
            "recorded-manifest" | "recorded-disposed" => {
                self.manifests.extend(text(&entry["manifest"]["sha256"]));
            }
            "took-over" => {
                let taken = entry["manifests"].as_array().into_iter().flatten();
                self.manifests.extend(taken.filter_map(|of| text(&of["sha256"])));
            }
            "accepted-snapshot" => self.manifests.extend(text(&entry["sha256"])),
            "agreed" => self.announced.extend(text(&entry["entry"])),
            "let-out" => match text(&entry["entry"]) {
                Some(entry) => {
                    self.announced.insert(entry.clone());
                    self.let_out.insert(entry);
                }
                None => self.without_entry += 1,
            },
            "withdrew" => self.withdrawn.extend(text(&entry["sha256"])),
            "checkpointed" => {
                if let Some(exported) = entry["exported"].as_u64() {
                    self.exported = self.exported.max(exported);
                    self.signed_for_folder = self.entries;
                }
            }
            "disposed" => {
                if entry["parts"][0]["of"] == "archive" {
                    self.sealed.extend(text(&entry["proposal"]));
                }
                let purpose = entry["purpose"].as_str().and_then(|purpose| purpose.parse().ok());
                if let (Some(list), Some(time)) = (text(&entry["proposal"]), time) {
                    self.unapplied.insert(list, (purpose, time));
                }
            }
            "archive" if entry["step"] == "made" => {
                let list = text(&entry["list"]).filter(|list| self.sealed.contains(list));
                // The archive is the first part of its list; the others are bundles, which are handed over.
                if let (Some(purpose), Some(list), Some(sha256), Some(0)) = (
                    text(&entry["purpose"]),
                    list,
                    text(&entry["made"]["sha256"]),
                    entry["part"].as_u64(),
                ) {
                    self.archives.insert((purpose, list), sha256);
                }
            }
            // No file of a purpose that is over must be there.
            "purpose-end" if entry["step"] == "begun" => {
                let over = text(&entry["purpose"]);
                self.archives.retain(|(purpose, _), _| Some(purpose) != over.as_ref());
            }
            "applied-disposal" => {
                if let Some(list) = entry["receipt"]["list"].as_str() {
                    self.unapplied.remove(list);
                }
            }
            "started" => self.single_user = entry["single_user"] == true,
            _ => {}
        }
    }
}
