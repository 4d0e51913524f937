//! Every file of a vault, and every clear field of the JSON among them, is changed, removed, emptied or put back from an
//! older copy. Each time the vault refuses, or the list below says why that is harmless.

use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use minster_model::{DatasetClass, Role};
use minster_vault::{VaultFault, disk::Disk, folder, vault::Vault};
use minster_vault_api::{ListChange, ProposedAction, StatusReport};
use serde_json::{Value, json};

use crate::{
    common::{PURPOSES, Site, batch, carried_out, copy, dataset, kind, manifest, rotated},
    told::{facts, tell},
};

/// Changes with which the vault opens: file, kind of change (a star is any), and why that is harmless.
const HARMLESS: &[(&str, &str, &str)] = &[
    ("vault/store.json", "removed", "its copy takes its place, and the log says so"),
    ("vault/store.json", "emptied", "its copy takes its place, and the log says so"),
    ("vault/store.json", "cut", "its copy takes its place, and the log says so"),
    ("vault/store.json", "first byte", "its copy takes its place, and the log says so"),
    ("vault/store.json", "last byte", "its copy takes its place, and the log says so"),
    ("vault/store.copy", "*", "it is written again from store.json, and the log says so"),
    ("vault/births/health", "removed", "it holds no record yet, and is begun again"),
    ("vault/births/health", "emptied", "it holds no record yet, and is begun again"),
    ("vault/births/health", "cut", "it holds no record yet, and is begun again"),
    ("vault/facts/health", "removed", "it holds no record yet, and is begun again"),
    ("vault/facts/health", "emptied", "it holds no record yet, and is begun again"),
    ("vault/facts/health", "cut", "it holds no record yet, and is begun again"),
    ("vault/tombstones/education", "removed", "it holds no record yet, and is begun again"),
    ("vault/tombstones/education", "emptied", "it holds no record yet, and is begun again"),
    ("vault/tombstones/education", "cut", "it holds no record yet, and is begun again"),
    ("vault/tombstones/health", "removed", "it holds no record yet, and is begun again"),
    ("vault/tombstones/health", "emptied", "it holds no record yet, and is begun again"),
    ("vault/tombstones/health", "cut", "it holds no record yet, and is begun again"),
    ("vault/vault.toml", "middle byte", "a uid; the log has taken the table over (roles.rs)"),
    (
        "vault/proposals",
        "*",
        "a text that is gone or changed is carried out by nobody (approvals.rs)",
    ),
    ("vault/crosswalks", "*", "the linker is refused pairs that are gone or changed (rotation.rs)"),
    ("vault/exact-only", "*", "the linker is refused a list that is gone or changed"),
    ("auditor/verifier.txt", "last byte", "the end of its line"),
    ("auditor/older note", "removed", "a later checkpoint covers what it covers"),
    ("auditor/last note", "removed", "a crash can have kept it back; the next is written at once"),
];

const WHO: (&str, &str) = ("Q330400024001", "2008-03-15");

/// A session in which every kind of file is written to.
fn session(site: &Site, checkpoints: &Path, period: &str, number: &str) {
    let serving = site.serve_on(Disk::new(), Some(checkpoints)).unwrap();
    let mut client = serving.client(Role::Ingest).unwrap();
    let mut run = manifest("education", "census", 1000);
    run.period = period.parse().unwrap();
    client.open_run(run).unwrap();
    client.pseudonymise(&kind("upn"), batch(&[WHO.0, number])).unwrap();
    client.tell_births(&kind("upn"), batch(&[WHO.0, number]), batch(&[WHO.1, WHO.1])).unwrap();
    tell(&mut client, &[facts(&[("upn", number)], &[], &[], Some(WHO.1))]).unwrap();
    client.close_run(&[]).unwrap();
    serving.recorded(&dataset(DatasetClass::Source));
    serving.ask("health", "upn", &[number]).unwrap();
    let numbers = vec![(kind("upn"), batch(&[number]))];
    let list = ProposedAction::ExactOnly {
        change: ListChange::Add,
        numbers: numbers.into_iter().collect(),
    };
    carried_out(site, &serving, list).unwrap();
    let ceiling = ProposedAction::Load {
        purpose: "education".parse().unwrap(),
        source: "cin".parse().unwrap(),
        ceiling: 30_000,
    };
    carried_out(site, &serving, ceiling).unwrap();
    rotated(site, &serving, "education");
}

/// A vault that lived, and what it was before its last session.
struct Lived {
    site: Site,
    good: PathBuf,
    older: PathBuf,
    before: Option<StatusReport>,
}

impl Lived {
    fn new() -> Self {
        let site = Site::with(&PURPOSES.replacen(
            "expires",
            "repairs = { run = 5, day = 50 }\nexpires",
            1,
        ));
        let checkpoints = site.path("now/auditor");
        let (good, older) = (site.path("good"), site.path("older"));
        session(&site, &checkpoints, "2023-24", "Q330400024002");
        Self::keep(&site, &older);
        session(&site, &checkpoints, "2024-25", "Q330400024003");
        Self::keep(&site, &good);
        let mut lived = Self { site, good, older, before: None };
        lived.put_back();
        lived.before = Some(lived.open().unwrap());
        lived.put_back();
        lived
    }

    fn keep(site: &Site, to: &Path) {
        copy(&site.vault(), &to.join("vault"));
        copy(&site.path("now/auditor"), &to.join("auditor"));
    }

    fn path(&self, name: &str) -> PathBuf {
        match name.strip_prefix("vault/") {
            Some(name) => self.site.vault().join(name),
            None => self.site.path("now").join(name),
        }
    }

    fn put_back(&self) {
        for (name, at) in [("vault", self.site.vault()), ("auditor", self.site.path("now/auditor"))]
        {
            fs::remove_dir_all(&at).unwrap();
            copy(&self.good.join(name), &at);
        }
    }

    fn open(&self) -> Result<StatusReport, VaultFault> {
        let opened = folder::open_folder(&self.site.vault(), &self.site.secret(), Disk::new())?;
        let vault = Vault::new(opened, Some(&self.path("auditor")), true)?;
        Ok(vault.status().unwrap())
    }

    /// Every file, as `vault/…` or `auditor/…`.
    fn files(&self) -> Vec<String> {
        fn walk(at: &Path, name: &str, files: &mut Vec<String>) {
            for entry in fs::read_dir(at).unwrap() {
                let entry = entry.unwrap();
                let name = format!("{name}/{}", entry.file_name().display());
                match entry.path().is_dir() {
                    true => walk(&entry.path(), &name, files),
                    false => files.push(name),
                }
            }
        }
        let mut files = Vec::new();
        for name in ["vault", "auditor"] {
            walk(&self.good.join(name), name, &mut files);
        }
        files.sort();
        files
    }
}

/// The name that the list above has for a file.
fn place(file: &str, last: &str) -> String {
    let parts: Vec<&str> = file.split('/').collect();
    match parts.as_slice() {
        [_, _] if file == last => "auditor/last note".into(),
        ["auditor", note] if note.ends_with(".note") => "auditor/older note".into(),
        ["vault", folder @ ("proposals" | "crosswalks" | "exact-only"), _] => {
            format!("vault/{folder}")
        }
        _ => file.to_owned(),
    }
}

/// The list's entry for a change, where it is on it.
fn excused(place: &str, change: &str) -> Option<usize> {
    HARMLESS.iter().position(|(file, of, _)| *file == place && (*of == "*" || *of == change))
}

fn write(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

#[test]
fn every_file_changed_removed_emptied_or_put_back_is_refused_or_harmless() {
    let lived = Lived::new();
    let files = lived.files();
    for wanted in [
        "vault/store.json",
        "vault/store.copy",
        "vault/vault.toml",
        "vault/log.jsonl",
        "vault/registry/education",
        "vault/births/education",
        "auditor/verifier.txt",
    ] {
        assert!(files.iter().any(|file| file == wanted), "{wanted}: {files:?}");
    }
    for folder in ["vault/proposals/", "vault/crosswalks/", "vault/exact-only/"] {
        assert!(files.iter().any(|file| file.starts_with(folder)), "{folder}: {files:?}");
    }
    let last = files.iter().rfind(|file| file.ends_with(".note")).unwrap();
    let (mut refused, mut used, mut open) = (0, BTreeSet::new(), Vec::new());
    for file in &files {
        let good = fs::read(lived.path(file)).unwrap();
        let flipped = |at: usize| {
            let mut bytes = good.clone();
            bytes[at] ^= 1;
            Some(bytes)
        };
        let mut changes = vec![
            ("removed", None),
            ("emptied", Some(Vec::new())),
            ("first byte", flipped(0)),
            ("middle byte", flipped(good.len() / 2)),
            ("last byte", flipped(good.len() - 1)),
            ("cut", Some(good[..good.len() / 2].to_vec())),
        ];
        if let Ok(older) = fs::read(lived.older.join(file))
            && older != good
        {
            changes.push(("older copy", Some(older)));
        }
        for (change, bytes) in changes {
            match bytes {
                Some(bytes) => write(&lived.path(file), &bytes),
                None => fs::remove_file(lived.path(file)).unwrap(),
            }
            let outcome = lived.open();
            let excuse = excused(&place(file, last), change);
            match (outcome, excuse) {
                (Err(fault), _) => {
                    let told = fault.to_string();
                    assert!(told.len() > 20, "{file}, {change}: {told}");
                    refused += 1;
                }
                (Ok(status), Some(excuse)) => {
                    used.insert(excuse);
                    let before = lived.before.as_ref().unwrap();
                    let facts = |of: &StatusReport| {
                        let StatusReport { store_id, recipient, verifier, .. } = of.clone();
                        (store_id, recipient, verifier, of.custodians.clone(), of.purposes.clone())
                    };
                    assert_eq!(facts(&status), facts(before), "{file}, {change}");
                }
                (Ok(_), None) => open.push(format!("{file}, {change}")),
            }
            lived.put_back();
        }
    }
    assert!(open.is_empty(), "the vault opens: {open:#?}");
    assert!(refused > 50, "{refused}");
    let unused: Vec<_> =
        (0..HARMLESS.len()).filter(|at| !used.contains(at)).map(|at| HARMLESS[at]).collect();
    assert!(unused.is_empty(), "the list has what never happens: {unused:?}");
}

/// Every leaf of a JSON value, as a pointer.
fn leaves(value: &Value, at: &str, all: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            map.iter().for_each(|(key, value)| leaves(value, &format!("{at}/{key}"), all));
        }
        Value::Array(list) => {
            (0..).zip(list).for_each(|(n, value)| leaves(value, &format!("{at}/{n}"), all));
        }
        _ => all.push(at.to_owned()),
    }
}

/// A value changed, emptied and taken out.
fn changed(value: &Value, pointer: &str) -> Vec<Value> {
    let leaf = value.pointer(pointer).unwrap();
    let others = match leaf {
        Value::String(text) => {
            let mut other = text.clone();
            let end = if other.pop() == Some('0') { '1' } else { '0' };
            other.push(end);
            vec![json!(other), json!(""), Value::Null]
        }
        Value::Number(number) => {
            let number = number.as_u64().unwrap();
            vec![json!(number + 1), json!(0), Value::Null]
        }
        Value::Bool(is) => vec![json!(!is), Value::Null],
        _ => vec![json!("x"), json!(1)],
    };
    let mut all: Vec<Value> = others
        .into_iter()
        .filter(|other| other != leaf)
        .map(|other| {
            let mut value = value.clone();
            *value.pointer_mut(pointer).unwrap() = other;
            value
        })
        .collect();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let mut without = value.clone();
    if let Some(Value::Object(map)) = without.pointer_mut(parent) {
        map.remove(key);
        all.push(without);
    }
    all
}

#[test]
fn every_clear_field_of_store_json_is_bound() {
    let lived = Lived::new();
    let path = lived.path("vault/store.json");
    let good: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    let mut all = Vec::new();
    leaves(&good, "", &mut all);
    assert_eq!(all.len(), 9, "{all:?}");
    for pointer in all {
        for bad in changed(&good, &pointer) {
            write(&path, &serde_json::to_vec(&bad).unwrap());
            let fault = lived.open().expect_err(&pointer);
            let known = matches!(fault, VaultFault::File { .. } | VaultFault::WrongSecret { .. });
            assert!(known, "{pointer}: {fault}");
        }
        lived.put_back();
    }
}

#[test]
fn every_field_of_the_log_is_bound() {
    let lived = Lived::new();
    let path = lived.path("vault/log.jsonl");
    let lines: Vec<Value> = fs::read_to_string(&path)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let good = fs::read_to_string(&path).unwrap();
    let mut tried = 0;
    for (at, line) in good.lines().enumerate() {
        let mut all = Vec::new();
        leaves(&lines[at], "", &mut all);
        for pointer in all {
            // In its text, so that all else stays as it was: the leaf's last name and its value.
            let (parent, key) = pointer.rsplit_once('/').unwrap();
            if matches!(lines[at].pointer(parent), Some(Value::Array(_))) {
                continue;
            }
            let of = |value: &Value| format!("{}:{value}", json!(key));
            let old = of(lines[at].pointer(&pointer).unwrap());
            assert!(line.contains(&old), "{line}: {old}");
            for bad in changed(&lines[at], &pointer) {
                let new = bad.pointer(&pointer).map(of).unwrap_or_else(|| "\"x\":0".into());
                let text = good.replacen(line, &line.replacen(&old, &new, 1), 1);
                write(&path, text.as_bytes());
                let fault = lived.open().expect_err(&pointer);
                assert!(matches!(fault, VaultFault::LogBroken { .. }), "{at} {pointer}: {fault}");
                tried += 1;
            }
        }
    }
    assert!(tried > 500, "{tried}");
}
