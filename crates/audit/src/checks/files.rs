//! Modes, owners, access control lists and hard links of all that stands below the store, the vault's folder and the
//! checkpoints; and copies of the vault's folder where they must not be.

use std::{
    collections::BTreeMap,
    fs::{self, Metadata},
    io::Read,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use super::{
    acl::{self, Who},
    events,
};
use crate::{
    check::{Check, Gathered, quoted},
    site::Site,
};

/// Named at most; the rest is counted.
const TOLD: usize = 20;
/// Beginnings of a custody, a log, a folder of settings: files of a vault, whatever they are called.
const HEAD: usize = 64 << 10;

pub(super) fn checks(site: &Site) -> Vec<Check> {
    vec![store(site), checkpoints(site), copies(site)]
}

/// The allowed modes and owners of a file of one place.
pub(super) struct Rule {
    /// Users that may own it; nobody else.
    pub(super) owners: Vec<u32>,
    /// The group that may have rights, as the mode or a list gives them.
    pub(super) group: Option<u32>,
    /// A group that may read by a list, and no more.
    pub(super) readers: Option<u32>,
    /// Whether anybody may read: a folder of checkpoints holds nothing secret.
    pub(super) all_read: bool,
}

/// Looks at all below a folder, the folder too; faults are told, others counted.
pub(super) fn look_below(folder: &Path, rule: &Rule, check: &mut Gathered) {
    let mut faults = Faults::default();
    walk(folder, rule, &mut faults, check);
    faults.told.iter().take(TOLD).for_each(|fault| check.wrong(fault));
    if faults.told.len() > TOLD {
        check.wrong(format!(
            "and {} more faults below {}",
            faults.told.len() - TOLD,
            folder.display()
        ));
    }
    if faults.seen > 0 {
        check.fine(format!(
            "{} files and folders at or below {}, of uids {}",
            faults.seen,
            folder.display(),
            faults.owners.keys().map(u32::to_string).collect::<Vec<_>>().join(", ")
        ));
    }
}

#[derive(Default)]
struct Faults {
    seen: u64,
    owners: BTreeMap<u32, u64>,
    told: Vec<String>,
}

/// Links are looked at, and not followed.
fn walk(path: &Path, rule: &Rule, faults: &mut Faults, check: &mut Gathered) {
    let metadata = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        // Gone meanwhile: programs replace their files.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return,
        Err(error) => return check.unread(path.display(), &error),
    };
    faults.seen += 1;
    *faults.owners.entry(metadata.uid()).or_default() += 1;
    let told = of(&metadata, rule);
    faults.told.extend(told.map(|what| format!("{}: {what}", path.display())));
    if !metadata.is_symlink() {
        match acl::named(path) {
            Ok(entries) => {
                let allowed = |entry: &&acl::Entry| match entry.who {
                    Who::User(_) => false,
                    Who::Group(group) => {
                        rule.group == Some(group)
                            || rule.readers == Some(group) && entry.rights & 2 == 0
                    }
                };
                for entry in entries.iter().filter(|entry| !allowed(entry)) {
                    faults.told.push(format!("{}: {}", path.display(), entry.told()));
                }
            }
            Err(error) => {
                check.unread(format!("{}: its access control list", path.display()), &error)
            }
        }
    }
    if metadata.is_dir() {
        match fs::read_dir(path) {
            Ok(entries) => {
                let mut below: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
                below.sort();
                below.iter().for_each(|path| walk(path, rule, faults, check));
            }
            Err(error) => check.unread(path.display(), &error),
        }
    }
}

/// The faults of one.
fn of(metadata: &Metadata, rule: &Rule) -> impl Iterator<Item = String> {
    let (mode, links) = (metadata.mode(), metadata.nlink());
    let mut wrong = Vec::new();
    if !rule.owners.contains(&metadata.uid()) {
        wrong.push(format!(
            "it is uid {}'s, and belongs to none of the programs' users",
            metadata.uid()
        ));
    }
    // A link's own mode means nothing.
    if !metadata.is_symlink() {
        let others = if rule.all_read { 0o002 } else { 0o007 };
        if mode & others != 0 {
            wrong.push(format!("mode {:o}: all users can get at it", mode & 0o7777));
        }
        let of_group = if rule.all_read { 0o020 } else { 0o070 };
        if mode & of_group != 0 && rule.group != Some(metadata.gid()) {
            wrong.push(format!("mode {:o}: group {} can get at it", mode & 0o7777, metadata.gid()));
        }
        if mode & 0o4000 != 0 || mode & 0o2000 != 0 && !metadata.is_dir() {
            wrong.push(format!("mode {:o}: whoever runs it runs as its owner", mode & 0o7777));
        }
    }
    if metadata.is_file() && links > 1 {
        wrong.push(format!("{links} names lead to it: a hard link is kept elsewhere"));
    }
    if !(metadata.is_file() || metadata.is_dir() || metadata.is_symlink()) {
        wrong.push("it is no file, no folder and no link".to_owned());
    }
    wrong.into_iter()
}

fn store(site: &Site) -> Check {
    let store = &site.pipeline.store;
    let shown = quoted(store);
    let by_hand = format!(
        "find {shown} ! -type l \\( -perm /o=rwx -o -perm /u=s -o -type f -links +1 \\); find {shown} -printf '%U\\n' | sort -n | uniq -c; \
         getfacl -Rps {shown}"
    );
    let title = "Every file and folder of the store is its programs' alone";
    let mut check = Check::begin("files.store", title, by_hand);
    match fs::metadata(store) {
        Ok(folder) => {
            // Shared with a group, its folders are of the group's users; the store's owner alone else.
            let shared = folder.mode() & 0o2000 != 0;
            let group = shared.then(|| folder.gid());
            let mut owners = match group {
                Some(group) => members(group, folder.uid()),
                None => vec![folder.uid()],
            };
            // Those whom the vault let write, too: a server may know its users from elsewhere than its own files.
            if shared && let Ok(events) = events::read(site) {
                let writes = |role: &str| ["ingest", "linker", "analyst"].contains(&role);
                let of_log = events.askers.keys().filter(|(_, role)| writes(role));
                owners.extend(of_log.map(|(uid, _)| *uid));
            }
            let rule = Rule { owners, group, readers: site.auditors(), all_read: false };
            look_below(store, &rule, &mut check);
        }
        Err(error) => check.unread(store.display(), &error),
    }
    check.end()
}

/// The users of a group, by the system's own lists; and the owner.
pub(super) fn members(group: u32, owner: u32) -> Vec<u32> {
    let [passwd, groups] =
        ["/etc/passwd", "/etc/group"].map(|path| fs::read_to_string(path).unwrap_or_default());
    let fields = |line: &str| line.split(':').map(str::to_owned).collect::<Vec<_>>();
    let named: Vec<String> = groups
        .lines()
        .map(fields)
        .filter(|of| of.get(2).is_some_and(|gid| gid.parse() == Ok(group)))
        .flat_map(|of| {
            of.get(3).map(|names| names.split(',').map(str::to_owned).collect::<Vec<_>>())
        })
        .flatten()
        .collect();
    let users = passwd.lines().map(fields).filter_map(|of| {
        let (name, uid, gid) = (of.first()?, of.get(2)?.parse().ok()?, of.get(3)?.parse::<u32>());
        (gid == Ok(group) || named.contains(name)).then_some(uid)
    });
    let mut users: Vec<u32> = users.chain([owner]).collect();
    users.sort_unstable();
    users.dedup();
    users
}

fn checkpoints(site: &Site) -> Check {
    let folder = site.arguments.checkpoints.as_deref();
    let shown = folder.map_or("CHECKPOINTS".to_owned(), quoted);
    let by_hand = format!(
        "find {shown} -perm /o=w -o -perm /g=w -o -type f -links +1 prints nothing; ls -ln {shown}"
    );
    let title = "Nobody but the vault's user can change a checkpoint";
    let mut check = Check::begin("files.checkpoints", title, by_hand);
    match folder.map(|folder| (folder, fs::metadata(folder))) {
        None => check.missing("give --checkpoints DIR"),
        Some((folder, Err(error))) => check.unread(folder.display(), &error),
        Some((folder, Ok(metadata))) => {
            let rule = Rule {
                owners: vec![metadata.uid()],
                group: None,
                readers: Some(metadata.gid()),
                all_read: true,
            };
            look_below(folder, &rule, &mut check);
        }
    }
    check.end()
}

/// Files of a vault in the store, in the checkpoints and in what else was named.
fn copies(site: &Site) -> Check {
    let mut places = vec![site.pipeline.store.clone()];
    places.extend(site.arguments.checkpoints.clone());
    places.extend(site.arguments.also.iter().cloned());
    let shown: Vec<String> = places.iter().map(|path| quoted(path)).collect();
    let by_hand = format!(
        "find {} \\( -name store.json -o -name store.copy -o -name vault.toml -o -name log.jsonl -o -name registry \\) prints nothing",
        shown.join(" ")
    );
    let title = "No copy of the vault's folder stands in the store or beside the checkpoints";
    let mut check = Check::begin("files.copies", title, by_hand);
    let mut seen = 0;
    for place in &places {
        find_copies(place, &mut seen, &mut check);
    }
    check.fine(format!("{seen} files were looked at, by what they begin with"));
    check.end()
}

fn find_copies(path: &Path, seen: &mut u64, check: &mut Gathered) {
    let kind = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata.file_type(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return,
        Err(error) => return check.unread(path.display(), &error),
    };
    if kind.is_dir() {
        match fs::read_dir(path) {
            Ok(entries) => {
                let mut below: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
                below.sort();
                below.iter().for_each(|path| find_copies(path, seen, check));
            }
            Err(error) => check.unread(path.display(), &error),
        }
        return;
    }
    if !kind.is_file() {
        return;
    }
    *seen += 1;
    let mut head = Vec::new();
    let read = fs::File::open(path).and_then(|file| file.take(HEAD as u64).read_to_end(&mut head));
    match read {
        Ok(_) => {
            if let Some(what) = of_vault(&head) {
                check.wrong(format!("{}: it is a vault's {what}", path.display()));
            }
        }
        Err(error) => check.unread(path.display(), &error),
    }
}

/// The file of a vault's folder that begins so.
fn of_vault(head: &[u8]) -> Option<&'static str> {
    let text = String::from_utf8_lossy(head);
    let has = |words: &[&str]| words.iter().all(|word| text.contains(word));
    if text.trim_start().starts_with('{') {
        let first = text.lines().next().unwrap_or_default();
        if first.contains("\"event\":\"")
            && first.contains("\"prev\":\"")
            && first.contains("\"number\":")
        {
            return Some("log");
        }
        if has(&["\"sealed_root\"", "\"sealed_identity\""]) {
            return Some("sealed root key (store.json)");
        }
    }
    if head.starts_with(b"minster registry ")
        || head.starts_with(b"minster births ")
        || head.starts_with(b"minster facts ")
    {
        return Some("registry");
    }
    if has(&["[roles]", "ingest", "custodian"]) && !text.contains('{') {
        return Some("role table (vault.toml)");
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_a_vault_are_known_by_what_they_hold() {
        let log = br#"{"number":1,"time":"t","prev":"0","asker":null,"event":"made"}"#;
        assert_eq!(of_vault(log), Some("log"));
        assert_eq!(
            of_vault(b"# who\n[roles]\ningest = [1]\ncustodian = []\n"),
            Some("role table (vault.toml)")
        );
        for other in [&b"{\"format\":2,\"dataset\":{}}"[..], b"PAR1", b""] {
            assert_eq!(of_vault(other), None);
        }
    }
}
