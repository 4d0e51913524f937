//! `minster audit` on a healthy installation, then with a fault planted for each check: it fails, with
//! exit 9, and what was planted is never told.
//!
//! One site serves all, one fault after another, and one test waits for the other: the audit sees every
//! process of the machine.
#![allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]
#![allow(clippy::print_stderr, reason = "a test that is left out says so")]

mod apart;
mod plant;

use std::{
    collections::BTreeMap, fs, os::unix::fs::PermissionsExt, path::Path, process::Output,
    sync::Mutex,
};

use minster_tests::{Site, copy_whole, programs, root, text};
use procfs::process::{LimitValue, Process};
use serde_json::Value;

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

/// Each program has a user of its own, as in service.
#[test]
fn where_every_program_has_its_user_nothing_fails() {
    let _alone = ALONE.lock();
    let Some(site) = apart::Site::new() else {
        eprintln!("LEFT OUT: only root can run programs as several users");
        return;
    };
    let audit = Audit::read(&site.audit(apart::ROOT));
    for (id, (verdict, evidence)) in &audit.verdicts {
        // Whether something runs now is the machine's to say.
        let expected: &[&str] = match id.as_str() {
            "run.open-files" => &["PASS", "NOT CHECKED"],
            _ => &["PASS"],
        };
        assert!(expected.contains(&verdict.as_str()), "{id} {verdict}: {evidence}");
    }
    assert_eq!(audit.code, 0);
    intruders(&site);

    // Someone without the role is told so, and what they may not read is no pass.
    let audit = Audit::read(&site.audit(apart::STORE));
    assert_eq!(audit.code, 0);
    audit
        .is_left("keys.statement", "does not hold the role auditor")
        .is_left("keys.manifests", "no statement");
    audit
        .is_left("leakage.datasets", "does not hold the role")
        .is_left("keys.disjoint", "not opened");
    audit.is_left("run.vault-folder", "ermission denied").is_left("run.environment", "as root");
    audit.is_left("log.chain", "ermission denied").passes("run.users").passes("leakage.releases");
}

/// The traces that only root can plant.
fn intruders(site: &apart::Site) {
    let by_root = || Audit::read(&site.audit(apart::ROOT));
    let usurped = site.usurped();
    let audit = by_root();
    audit.fails("run.socket", &[]);
    assert!(audit.evidence("run.socket").contains("but uid 41003 listens"));
    drop(usurped);
    by_root().passes("run.socket").passes("run.core");

    // The vault itself forbids dumps as it starts; its limit is raised while it runs.
    let limit = |most| {
        let most = rustix::process::Rlimit { current: most, maximum: most };
        rustix::process::prlimit(Some(site.vault_pid()), rustix::process::Resource::Core, most)
    };
    match limit(None) {
        Ok(was) => {
            assert_eq!((was.current, was.maximum), (Some(0), Some(0)));
            by_root().fails("run.core", &[]);
            limit(Some(0)).unwrap();
            by_root().passes("run.core");
        }
        Err(_) => eprintln!("LEFT OUT: the system does not let root raise another's limit"),
    }

    let mut other = site.of_vault_user("minster-ingest");
    let audit = by_root();
    audit.fails("run.users", &[]);
    assert!(audit.evidence("run.users").contains(&format!("process {}", other.id())));
    other.kill().unwrap();
    other.wait().unwrap();
    by_root().passes("run.users");

    let planted = site.at("own/vault/planted");
    fs::write(&planted, "").unwrap();
    fs::set_permissions(&planted, fs::Permissions::from_mode(0o600)).unwrap();
    let audit = by_root();
    audit.fails("run.vault-folder", &[]);
    assert!(audit.evidence("run.vault-folder").contains("planted: uid 0"));
    fs::remove_file(planted).unwrap();
    by_root().passes("run.vault-folder");
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

    let purposes = fs::read_to_string(root().join("config/purposes.toml")).unwrap();
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
    let other = purposes.replace("children-statistics", "other");
    let site = Site::with_purposes(&(purposes + &other));
    site.make_council(300, 2);
    assert_eq!(site.released().status.code(), Some(3));
    let (socket, auditor) = (site.path("vault.sock"), site.path("auditor"));
    let checkpoint =
        site.run("minster-vault", &["checkpoint", "--socket", &socket, "--out", &auditor]);
    assert!(checkpoint.status.success(), "{}", text(&checkpoint));
    site
}

/// The result of an audit: its exit code, verdicts and evidence.
struct Audit {
    code: i32,
    verdicts: BTreeMap<String, (String, String)>,
    whole: String,
}

impl Audit {
    /// With everything that an auditor can give, `more` overruling.
    fn of(site: &Site, more: &[&str]) -> Self {
        let (vault, auditor) = (site.path("vault"), site.path("auditor"));
        let usual = [["--vault-dir", &vault], ["--checkpoints", &auditor]];
        let usual = usual.iter().filter(|[option, _]| !more.contains(option)).flatten().copied();
        Self::with(site, &usual.chain(more.iter().copied()).collect::<Vec<_>>())
    }

    fn with(site: &Site, more: &[&str]) -> Self {
        let config = site.path("config/pipeline.toml");
        let arguments = [&["audit", "--json", "--config", &config], more].concat();
        Self::read(&site.run("minster", &arguments))
    }

    fn read(output: &Output) -> Self {
        let told: Value =
            serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", text(output)));
        let code = output.status.code().unwrap();
        assert_eq!(told["exit"], code);
        let word = |check: &Value, key: &str| check[key].as_str().unwrap().to_owned();
        let checks = told["checks"].as_array().unwrap();
        let verdicts = checks.iter().map(|check| {
            assert!(!word(check, "by_hand").is_empty() && !word(check, "title").is_empty());
            assert!(!check["evidence"].as_array().unwrap().is_empty(), "{check}");
            (word(check, "id"), (word(check, "verdict"), check["evidence"].to_string()))
        });
        Self { code, verdicts: verdicts.collect(), whole: text(output) }
    }

    fn verdict(&self, id: &str) -> &str {
        &self.verdicts[id].0
    }

    fn evidence(&self, id: &str) -> &str {
        &self.verdicts[id].1
    }

    /// The check fails, and says so by its exit code; nothing of `hidden` is told.
    fn fails(&self, id: &str, hidden: &[&str]) -> &Self {
        assert_eq!((self.verdict(id), self.code), ("FAIL", 9), "{id}: {}", self.evidence(id));
        for value in hidden {
            assert!(!self.whole.contains(value), "{id} tells {value}");
        }
        self
    }

    fn passes(&self, id: &str) -> &Self {
        assert_eq!(self.verdict(id), "PASS", "{id}: {}", self.evidence(id));
        self
    }

    fn is_left(&self, id: &str, asks_for: &str) -> &Self {
        assert_eq!(self.verdict(id), "NOT CHECKED", "{id}: {}", self.evidence(id));
        assert!(self.evidence(id).contains(asks_for), "{id}: {}", self.evidence(id));
        self
    }
}

fn healthy(site: &Site) {
    let source = root().display().to_string();
    let audit = Audit::of(site, &["--source", &source]);
    for (id, (verdict, evidence)) in &audit.verdicts {
        match id.as_str() {
            // One user runs everything here, and no run is under way. The access to other processes is the
            // system's to grant.
            "run.users" => assert_eq!(verdict, "FAIL", "{evidence}"),
            "run.open-files" => assert_ne!(verdict, "FAIL", "{evidence}"),
            "run.environment" | "run.core" => {
                assert!(
                    !evidence
                        .contains(&format!("WRONG: minster-vault (process {}", site.vault_pid()))
                );
            }
            _ => assert_eq!(verdict, "PASS", "{id}: {evidence}"),
        }
    }
    assert_eq!(audit.verdicts.len(), 23);
    assert!(audit.evidence("run.users").contains("one user runs all"));
    audit.fails("run.users", &[]);

    // A part that is not given is named.
    let bare = Audit::with(site, &[]);
    bare.is_left("build.graph", "--source").is_left("run.vault-folder", "--vault-dir");
    bare.is_left("log.chain", "--log").is_left("log.checkpoints", "--log");
    bare.is_left("leakage.logs", "--vault-dir").passes("keys.statement");
    assert!(bare.evidence("keys.statement").contains("told by the vault itself"));
    let config = site.path("config/pipeline.toml");
    let said = text(&site.run("minster", &["audit", "--config", &config]));
    assert!(
        said.contains("PASS         No release holds a child's number [leakage.releases]"),
        "{said}"
    );
    assert!(
        said.contains("by hand: minster-vault log verify") && said.contains("23 checks: "),
        "{said}"
    );

    // The log says that data were opened, and for what.
    let log = fs::read_to_string(site.path("vault/log.jsonl")).unwrap();
    let scans: Vec<&str> = log.lines().filter(|line| line.contains("scanned-key")).collect();
    assert!(scans.len() >= 11 && scans.iter().all(|line| line.contains("minster-audit")));
}

/// What someone who may write into the store does to a dataset.
fn snapshots(site: &Site) {
    let place = site.folder().join("store/datasets/source/early_help/2024-25");
    let current = || fs::canonicalize(place.join("current")).unwrap();
    let (older, newest) = (site.folder().join("older"), site.folder().join("newest"));
    copy_whole(&current(), &older);
    let ingest = ["run", "--again", "--config", &site.path("config/pipeline.toml")];
    let ingested = site.run("minster-ingest", &ingest);
    assert_eq!(ingested.status.code(), Some(3), "{}", text(&ingested));
    Audit::of(site, &[]).passes("log.datasets");
    copy_whole(&current(), &newest);
    let table = "plans.parquet";
    let faults: [(&str, &dyn Fn()); 5] = [
        ("not the newest", &|| copy_whole(&older, &current())),
        ("not the newest", &|| {
            let manifest = fs::read_to_string(current().join("manifest.json")).unwrap();
            fs::write(current().join("manifest.json"), manifest + " ").unwrap();
        }),
        ("is gone", &|| fs::remove_file(current().join("quarantine.jsonl")).unwrap()),
        (table, &|| {
            fs::copy(older.join(table), current().join(table)).unwrap();
        }),
        ("none of those", &|| fs::write(current().join("more"), "").unwrap()),
    ];
    for (because, plant) in faults {
        plant();
        let audit = Audit::of(site, &[]);
        audit.fails("log.datasets", &[]);
        let evidence = audit.evidence("log.datasets");
        assert!(evidence.contains(because) && evidence.contains("early_help"), "{evidence}");
        copy_whole(&newest, &current());
    }
    fs::rename(&place, site.folder().join("aside")).unwrap();
    let audit = Audit::of(site, &[]);
    assert!(audit.fails("log.datasets", &[]).evidence("log.datasets").contains("it is gone"));
    fs::rename(site.folder().join("aside"), &place).unwrap();
    Audit::of(site, &[]).passes("log.datasets");
}

fn keys(site: &Site) {
    let manifest =
        site.folder().join("store/datasets/source/early_help/2024-25/current/manifest.json");
    let whole = fs::read_to_string(&manifest).unwrap();
    let value = whole.split("\"key_check\": \"").nth(1).unwrap().split('"').next().unwrap();
    let changed = |from: &str, to: &str| fs::write(&manifest, whole.replace(from, to)).unwrap();

    changed(value, &"0".repeat(value.len()));
    let audit = Audit::of(site, &[]);
    audit.fails("keys.manifests", &[]).passes("keys.purposes").passes("keys.statement");
    changed("\"key_version\": 1", "\"key_version\": 2");
    Audit::of(site, &[]).fails("keys.manifests", &[]);
    changed("children-statistics", "unnamed");
    let audit = Audit::of(site, &[]);
    audit.fails("keys.purposes", &[]).fails("keys.manifests", &[]);
    assert!(audit.evidence("keys.purposes").contains("unnamed is not named in the vault"));
    // Another dataset's key does not open it.
    let other = site.folder().join("store/datasets/source/sen2/2024-25/current/manifest.json");
    let other = fs::read_to_string(other).unwrap();
    let wrapped = |text: &str| {
        text.split("\"wrapped_key\": \"").nth(1).unwrap().split('"').next().unwrap().to_owned()
    };
    changed(&wrapped(&whole), &wrapped(&other));
    Audit::of(site, &[]).fails("leakage.datasets", &[]);
    fs::write(&manifest, &whole).unwrap();

    let note =
        text(&site.run("minster-vault", &["statement", "--socket", &site.path("vault.sock")]));
    let file = site.path("statement.note");
    fs::write(&file, &note).unwrap();
    Audit::of(site, &["--statement", &file]).passes("keys.statement").passes("keys.manifests");
    fs::write(&file, note.replace("2030-12-31", "2040-12-31")).unwrap();
    let audit = Audit::of(site, &["--statement", &file]);
    audit.fails("keys.statement", &[]).is_left("keys.manifests", "no statement");
    // Another's key, and none.
    let another = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    fs::write(&file, &note).unwrap();
    Audit::of(site, &["--statement", &file, "--verifier", another]).fails("keys.statement", &[]);
    Audit::of(site, &["--statement", &file, "--verifier", "none"]).fails("keys.statement", &[]);
}

fn leakage(site: &Site) {
    let store = site.folder().join("store");
    let releases = store.join("releases/children/2024-25");
    let planted = |file: &Path, text: &str, id: &str, options: &[&str]| {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
        let audit = Audit::of(site, options);
        fs::remove_file(file).unwrap();
        audit.fails(id, &[UPN, NHS, &UPN.to_lowercase(), &NHS.replace(' ', "")]);
    };
    let current = releases.join("current/planted.csv");
    planted(&current, &format!("ward,child\nW01,{UPN}\n"), "leakage.releases", &[]);
    planted(
        &current,
        &format!("ward,child\nW01,{}\n", UPN.to_lowercase()),
        "leakage.releases",
        &[],
    );
    planted(&current, &format!("ward,child\nW01,{NHS}\n"), "leakage.releases", &[]);
    planted(&releases.join(format!("{UPN}.csv")), "", "leakage.releases", &[]);
    planted(&releases.join("no.parquet"), UPN, "leakage.releases", &[]);
    let table = releases.join("planted.parquet");
    plant::clear_table(&table, UPN);
    assert!(!fs::read(&table).unwrap().windows(UPN.len()).any(|window| window == UPN.as_bytes()));
    Audit::of(site, &[]).fails("leakage.releases", &[UPN]).passes("leakage.files");
    fs::remove_file(table).unwrap();

    let reasons = "datasets/source/early_help/2024-25/current/quarantine.jsonl";
    let was = fs::read_to_string(store.join(reasons)).unwrap();
    planted(
        &store.join(reasons),
        &format!("{was}{{\"column\":\"{UPN}\"}}\n"),
        "leakage.files",
        &[],
    );
    fs::write(store.join(reasons), was).unwrap();
    planted(&store.join("staging/source.x/rows.tmp"), &format!("{UPN}\n"), "leakage.files", &[]);
    planted(&store.join("ledger/2024-25/x.json"), &format!("[\"{NHS}\"]"), "leakage.files", &[]);
    let also = site.path("output.log");
    let line = format!("error: row 3: {UPN} is not known\n");
    planted(Path::new(&also), &line, "leakage.logs", &["--also", &also]);
    Audit::of(site, &["--also", &also]).is_left("leakage.logs", "cannot be read");

    // Chance is no leak: strings of the form, right and wrong as chance has it.
    let by_chance: String = (0..600)
        .map(|at| format!("A{:012}\n", at * 7_919_201_731u64 % 1_000_000_000_000))
        .collect();
    fs::write(&current, by_chance).unwrap();
    let audit = Audit::of(site, &[]);
    audit.passes("leakage.releases");
    assert!(audit.evidence("leakage.releases").contains("600 strings of their form"));
    fs::remove_file(&current).unwrap();
    Audit::of(site, &[]).passes("leakage.releases").passes("leakage.files").passes("leakage.logs");
}

fn datasets(site: &Site) {
    let clean = plant::dataset(site, "planted", "children-statistics", &["W01", "W02"], [1; 16]);
    let audit = Audit::of(site, &[]);
    audit.passes("leakage.datasets").passes("keys.manifests").passes("keys.disjoint");
    fs::remove_dir_all(clean).unwrap();

    let leaking = plant::dataset(site, "planted", "children-statistics", &["W01", UPN], [1; 16]);
    let audit = Audit::of(site, &[]);
    audit.fails("leakage.datasets", &[UPN]).passes("keys.manifests").passes("leakage.files");
    assert!(audit.evidence("leakage.datasets").contains("source/planted/2024-25"));

    let other = plant::dataset(site, "elsewhere", "other", &["W01"], [2; 16]);
    let audit = Audit::of(site, &[]);
    audit.passes("keys.disjoint").passes("keys.purposes");
    assert!(audit.evidence("keys.disjoint").contains("none is in both"));
    fs::remove_dir_all(other).unwrap();
    let other = plant::dataset(site, "elsewhere", "other", &["W01"], [1; 16]);
    let audit = Audit::of(site, &[]);
    audit.fails("keys.disjoint", &["01010101"]);
    assert!(audit.evidence("keys.disjoint").contains("1 are in both"));
    fs::remove_dir_all(other).unwrap();
    fs::remove_dir_all(leaking).unwrap();
}

fn log(site: &Site) {
    let copy = site.path("copy.jsonl");
    let whole = fs::read_to_string(site.path("vault/log.jsonl")).unwrap();
    let of = |text: &str| {
        fs::write(&copy, text).unwrap();
        Audit::of(site, &["--log", &copy])
    };
    of(&whole).passes("log.chain").passes("log.checkpoints");
    let lines: Vec<&str> = whole.lines().collect();
    let changed =
        whole.replacen("\"program\":\"minster-ingest\"", "\"program\":\"minster-ingesT\"", 1);
    assert_ne!(changed, whole);
    of(&changed).fails("log.chain", &[]).fails("log.checkpoints", &[]);
    of(&[&lines[..3], &lines[4..]].concat().join("\n")).fails("log.chain", &[]);
    let mut moved = lines.clone();
    moved.swap(3, 4);
    of(&(moved.join("\n") + "\n")).fails("log.chain", &[]);
    of(&([&lines[..4], &lines[3..]].concat().join("\n") + "\n")).fails("log.chain", &[]);
    // Readers see the releases that somebody let out.
    of(&whole).passes("log.releases");
    let table = site.folder().join("store/releases/children/2024-25/current/sen_by_ward.csv");
    let text = fs::read_to_string(&table).unwrap();
    fs::write(&table, text.replacen(",c", ",", 1)).unwrap();
    of(&whole).fails("log.releases", &[]);
    fs::write(&table, text).unwrap();
    let (children, planted) =
        (site.folder().join("store/releases/children"), "store/releases/more");
    copy_whole(&children, &site.folder().join(planted));
    let audit = of(&whole);
    audit.fails("log.releases", &[]);
    assert!(audit.evidence("log.releases").contains("more of 2024-25: the log does not say"));
    fs::remove_dir_all(site.folder().join(planted)).unwrap();
    // Whole, but shorter than what a checkpoint covers.
    let cut = lines[..5].join("\n") + "\n";
    let audit = of(&cut);
    audit.passes("log.chain").fails("log.checkpoints", &[]);
    assert!(
        audit.evidence("log.checkpoints").contains("its tail was cut"),
        "{}",
        audit.evidence("log.checkpoints")
    );
    Audit::of(site, &["--log", &site.path("none")]).is_left("log.chain", "none");
    // A checkpoint that was changed, and one of another vault's log.
    let folder = site.folder().join("auditor");
    let note = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let note = note.filter(|path| path.file_name().unwrap() != "verifier.txt").max().unwrap();
    let was = fs::read_to_string(&note).unwrap();
    fs::write(&note, was.replacen("\n", "\n1", 1)).unwrap();
    Audit::of(site, &[]).passes("log.chain").fails("log.checkpoints", &[]);
    fs::write(&note, was).unwrap();
    let other = Site::new();
    Audit::of(site, &["--log", &other.path("vault/log.jsonl")])
        .passes("log.chain")
        .fails("log.checkpoints", &[]);
    fs::remove_file(copy).unwrap();
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
