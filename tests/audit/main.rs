//! `minster audit` on a healthy installation, then with a fault planted for each check: it fails, with
//! exit 9, and what was planted is never told.
//!
//! One site serves all, one fault after another, and one test waits for the other: the audit sees every
//! process of the machine.
#![allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]

mod copied;
mod data;
mod intruders;
mod later;
mod plant;
mod planted;
mod separate_users;
mod verdicts;

use std::{fs, os::unix::fs::PermissionsExt, path::Path, sync::Mutex};

use minster_tests::{Site, first_purpose, only_first, programs, root, text};
use procfs::process::{LimitValue, Process};

use data::{datasets, keys, leakage, log, snapshots};
use verdicts::Audit;

/// Numbers of the right form that are nobody's.
const UPN: &str = "Q330400024001";
const NHS: &str = "943 476 5919";

static ALONE: Mutex<()> = Mutex::new(());

#[test]
fn each_check_passes_and_sees_its_fault() {
    let _alone = ALONE.lock();
    let site = site();
    healthy(&site);
    snapshots(&site);
    keys(&site);
    leakage(&site);
    datasets(&site);
    log(&site);
    symbols(&site);
    graph(&site);
    folders(&site);
    processes(&site);
}

/// The vault's own programs end a purpose and a key, and the data stay.
#[test]
fn data_of_a_purpose_that_is_over_or_a_key_that_was_retired_fail() {
    let _alone = ALONE.lock();
    let site = Site::new();
    site.make_council(300, 1);
    assert_eq!(site.released().status.code(), Some(3));
    let today = Audit::with(&site, &[]);
    today.passes("keys.manifests").passes("keys.purposes");

    site.appoint();
    site.enacted("rotate --purpose children-statistics");
    Audit::with(&site, &[]).passes("keys.manifests");
    // Nobody converts the datasets: the vault names each, and custodians give it up.
    let mut retire = "retire --purpose children-statistics --version 1".to_owned();
    let request = "request --socket vault.sock --reference C/1 --reason test --expires SOON";
    let words: Vec<&str> = request.split(' ').chain(retire.split(' ')).collect();
    let refused = text(&site.run("minster-vault", &words));
    let (_, named) = refused.split_once("would be lost: ").unwrap();
    for name in named.split_once(". Convert").unwrap().0.split(", ") {
        retire = format!("{retire} --give-up {name}");
    }
    site.enacted(&retire);
    let audit = Audit::with(&site, &[]);
    audit.fails("keys.manifests", &[]).passes("keys.purposes").passes("keys.statement");
    assert!(audit.evidence("keys.manifests").contains("this key was retired"));

    let purposes = first_purpose();
    let over = purposes.replace("2030-12-31", "2020-12-31");
    assert_ne!(over, purposes);
    fs::write(site.path("over.toml"), over).unwrap();
    site.enacted("purpose --definition over.toml");
    let audit = Audit::with(&site, &[]);
    audit.fails("keys.purposes", &[]);
    assert!(audit.evidence("keys.purposes").contains("was over on 2020-12-31"));
}

/// A small council's data, two purposes, a checkpoint that covers what happened.
fn site() -> Site {
    let purposes = fs::read_to_string(root().join("config/purposes.toml")).unwrap();
    let floors = "release = { threshold = 5 }\nbudget = ";
    let purposes = purposes.replacen("budget = ", floors, 1);
    // A key is made for rows of a source that the purpose names alone.
    let purposes = purposes.replacen("sources = [", "sources = [\"planted\", \"elsewhere\", ", 1);
    let other = only_first(&purposes).replace("children-statistics", "other");
    let site = Site::with_purposes(&(purposes + &other));
    site.make_council(300, 2);
    assert_eq!(site.released().status.code(), Some(3));
    let (socket, auditor) = (site.path("vault.sock"), site.path("auditor"));
    let checkpoint =
        site.run("minster-vault", &["checkpoint", "--socket", &socket, "--out", &auditor]);
    assert!(checkpoint.status.success(), "{}", text(&checkpoint));
    site
}

fn healthy(site: &Site) {
    let source = root().display().to_string();
    let audit = Audit::of(site, &["--source", &source]);
    for (id, (verdict, evidence)) in &audit.verdicts {
        match id.as_str() {
            // One user runs everything here, and no run is under way. The access to other processes is the
            // system's to grant.
            "run.users" | "roles.pairs" | "roles.used" => assert_eq!(verdict, "FAIL", "{evidence}"),
            // Other things that the machine keeps are not this test's.
            "files.secrets" => assert!(!evidence.contains(site.folder().to_str().unwrap())),
            "build.installed" | "roles.table" => assert_eq!(verdict, "NOT CHECKED", "{evidence}"),
            "run.open-files" => assert_ne!(verdict, "FAIL", "{evidence}"),
            "run.environment" | "run.core" | "run.mapped" => {
                assert!(
                    !evidence
                        .contains(&format!("WRONG: minster-vault (process {}", site.vault_pid()))
                );
            }
            _ => assert_eq!(verdict, "PASS", "{id}: {evidence}"),
        }
    }
    assert_eq!(audit.verdicts.len(), 41);
    assert!(audit.evidence("run.users").contains("one user runs all"));
    audit.fails("run.users", &[]);

    // A part that is not given is named.
    let bare = Audit::with(site, &[]);
    bare.is_left("build.graph", "--source").is_left("run.vault-folder", "--vault-dir");
    // The vault tells its auditor the log.
    bare.passes("log.chain").is_left("log.checkpoints", "--checkpoints");
    bare.passes("leakage.logs").passes("keys.statement");
    assert!(bare.evidence("keys.statement").contains("told by the vault itself"));
    let config = site.path("config/pipeline.toml");
    let said = text(&site.run("minster", &["audit", "--config", &config]));
    assert!(
        said.contains("PASS         No release holds a child's number [leakage.releases]"),
        "{said}"
    );
    assert!(
        said.contains("by hand: minster-vault log verify") && said.contains("41 checks: "),
        "{said}"
    );

    // The log says that data were opened, and for what.
    let log = fs::read_to_string(site.path("vault/log.jsonl")).unwrap();
    let scans: Vec<&str> = log.lines().filter(|line| line.contains("scanned-key")).collect();
    assert!(scans.len() >= 11 && scans.iter().all(|line| line.contains("minster-audit")));
}

fn symbols(site: &Site) {
    let folder = site.folder().join("programs");
    fs::create_dir(&folder).unwrap();
    let place = |name: &str, program: &Path| {
        let _ = fs::remove_file(folder.join(name));
        std::os::unix::fs::symlink(program, folder.join(name)).unwrap();
    };
    let right = || {
        for name in ["minster", "minster-ingest", "minster-vault"] {
            place(name, &programs().join(name));
        }
    };
    let given = ["--programs", folder.to_str().unwrap()];
    for (name, other, because) in [
        ("minster", "minster-ingest", "name minster_identifiers"),
        ("minster-ingest", "minster-vault", "name minster_vault"),
        ("minster-vault", "minster", "name minster_aggregator"),
        ("minster", "minster-synth", "not the program that it is named for"),
    ] {
        right();
        place(name, &programs().join(other));
        let (id, audit) = (format!("build.symbols.{name}"), Audit::of(site, &given));
        assert!(audit.fails(&id, &[]).evidence(&id).contains(because), "{}", audit.evidence(&id));
    }
    right();
    fs::remove_file(folder.join("minster")).unwrap();
    Audit::of(site, &given).is_left("build.symbols.minster", "--programs");
    fs::write(folder.join("minster"), "#!/bin/sh\n").unwrap();
    Audit::of(site, &given).fails("build.symbols.minster", &[]);
}

fn graph(site: &Site) {
    let copy = site.folder().join("source");
    for part in ["benches", "crates", "tests"] {
        minster_tests::copy(&root().join(part), &copy.join(part));
    }
    for file in ["Cargo.toml", "Cargo.lock"] {
        fs::copy(root().join(file), copy.join(file)).unwrap();
    }
    let manifest = copy.join("crates/cli/Cargo.toml");
    let text = fs::read_to_string(&manifest).unwrap();
    let arrow = "[dependencies]\nminster-identifiers.workspace = true\n";
    fs::write(&manifest, text.replace("[dependencies]\n", arrow)).unwrap();
    let audit = Audit::of(site, &["--source", copy.to_str().unwrap()]);
    audit.fails("build.graph", &[]);
    assert!(audit.evidence("build.graph").contains("minster links minster_identifiers"));
    fs::remove_dir_all(copy).unwrap();
}

fn folders(site: &Site) {
    let open = |what: &str, mode: u32, id: &str| {
        let path = site.folder().join(what);
        let was = fs::metadata(&path).unwrap().permissions();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        Audit::of(site, &[]).fails(id, &[]);
        fs::set_permissions(&path, was).unwrap();
        Audit::of(site, &[]).passes(id);
    };
    open("vault", 0o755, "run.vault-folder");
    open("vault/log.jsonl", 0o644, "run.vault-folder");
    open("store", 0o750, "run.store");
    open(".", 0o777, "run.socket");
    let (socket, aside) = (site.path("vault.sock"), site.path("aside.sock"));
    fs::rename(&socket, &aside).unwrap();
    fs::write(&socket, "").unwrap();
    Audit::of(site, &[]).fails("run.socket", &[]).is_left("keys.statement", "does not answer");
    fs::rename(&aside, &socket).unwrap();
    let above = site.folder().to_str().unwrap();
    Audit::of(site, &["--vault-dir", above]).fails("run.store", &[]);
}

fn processes(site: &Site) {
    let folder = site.folder().join("running");
    fs::create_dir(&folder).unwrap();
    let secret = "0123456789abcdef".repeat(4);
    let age = "AGE-SECRET-KEY-1QQQQ";
    for (name, value) in [("X", secret.as_str()), ("Y", age), ("VAULT_PASSPHRASE", "open-sesame")] {
        let running = plant::Running::start(&folder, "minster-ingest", &[(name, value)], None);
        let audit = Audit::of(site, &[]);
        audit.fails("run.environment", &[value]).passes("run.open-files").fails("run.users", &[]);
        assert!(audit.evidence("run.environment").contains(&format!("process {}", running.pid())));
    }
    for file in ["vault/log.jsonl", "custody.key"] {
        let file = site.folder().join(file);
        let running = plant::Running::start(&folder, "minster", &[], Some(&file));
        let audit = Audit::of(site, &[]);
        audit.fails("run.open-files", &[]);
        assert!(audit.evidence("run.open-files").contains(&format!("process {}", running.pid())));
    }
    // A vault that may be dumped.
    let running = plant::Running::start(&folder, "minster-vault", &[], None);
    let limits = Process::new(running.pid() as i32).unwrap().limits().unwrap();
    let core = limits.max_core_file_size;
    let is_none = |limit| matches!(limit, LimitValue::Value(0));
    if !is_none(core.soft_limit) || !is_none(core.hard_limit) {
        Audit::of(site, &[]).fails("run.core", &[]);
    }
}
