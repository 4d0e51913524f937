//! The vault as its callers see it: over its socket, in a folder of its own.
#![allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
};

use minster_model::{DatasetClass, DatasetRef, Role};
use minster_vault::{
    VaultFault,
    custody::Secret,
    folder,
    log::{self, Log},
    server::Server,
    session::Vault,
};
use minster_vault_api::{Client, Denial, IdentifierBatch, RunManifest, VaultError};

struct Serving {
    folder: tempfile::TempDir,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Serving {
    fn start(settings: impl Fn(String) -> String) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("vault");
        let secret = Secret::KeyFile(folder.path().join("key"));
        folder::init(&dir, &secret, &["education".parse().unwrap(), "health".parse().unwrap()])
            .unwrap();
        let toml = dir.join("vault.toml");
        fs::write(&toml, settings(fs::read_to_string(&toml).unwrap())).unwrap();
        let vault = Vault::new(
            folder::open_folder(&dir, &secret).unwrap(),
            Log::open(&dir.join("log.jsonl")).unwrap(),
        );
        let server = Server::bind(vault, &folder.path().join("sock")).unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let watched = Arc::clone(&stop);
        let thread = std::thread::spawn(move || server.serve(&watched).unwrap());
        Self { folder, stop, thread: Some(thread) }
    }

    fn client(&self, role: Role) -> Result<Client, VaultError> {
        Client::connect(&self.folder.path().join("sock"), role, "test")
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("vault/log.jsonl")
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        self.thread.take().unwrap().join().unwrap();
    }
}

fn manifest(purpose: &str, ceiling: u64) -> RunManifest {
    RunManifest {
        run: "r1".parse().unwrap(),
        purpose: purpose.parse().unwrap(),
        source: "census".parse().unwrap(),
        inputs: vec![],
        ceiling,
    }
}

fn batch(identifiers: &[&str]) -> IdentifierBatch {
    let mut batch = IdentifierBatch::default();
    identifiers.iter().for_each(|identifier| batch.push(identifier.as_bytes()));
    batch
}

fn dataset(class: DatasetClass) -> DatasetRef {
    DatasetRef {
        class,
        name: "census".parse().unwrap(),
        period: "2024-25".parse().unwrap(),
        purpose: "education".parse().unwrap(),
    }
}

fn denial<T>(outcome: Result<T, VaultError>) -> Denial {
    match outcome {
        Err(VaultError::Denied(denial)) => denial,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("not denied"),
    }
}

#[test]
fn a_run_gets_its_pseudonyms_and_the_log_no_identifier() {
    let serving = Serving::start(|settings| settings);
    let upn = "upn".parse().unwrap();
    let mut client = serving.client(Role::Ingest).unwrap();
    client.open_run(manifest("education", 10)).unwrap();
    let one = client.pseudonymise(&upn, batch(&["Q330400024001", "CANARY"])).unwrap();
    assert_eq!(one[1], client.pseudonymise(&upn, batch(&["CANARY"])).unwrap()[0]);
    client.close_run().unwrap();
    client.open_run(manifest("health", 10)).unwrap();
    let other = client.pseudonymise(&upn, batch(&["Q330400024001", "CANARY"])).unwrap();
    assert!(one.iter().all(|pseudonym| !other.contains(pseudonym)), "two purposes share none");
    let text = fs::read_to_string(serving.log()).unwrap();
    assert!(!text.contains("CANARY") && !text.contains("Q3304"));
    assert!(text.contains("\"count\":2") && text.contains("\"education\""));
    log::verify(&serving.log()).unwrap();
}

#[test]
fn a_large_batch_is_the_small_ones() {
    let serving = Serving::start(|settings| settings);
    let upn = "upn".parse().unwrap();
    let identifiers: Vec<String> = (0..20_000).map(|n| format!("id{n}")).collect();
    let identifiers: Vec<&str> = identifiers.iter().map(String::as_str).collect();
    let mut client = serving.client(Role::Ingest).unwrap();
    client.open_run(manifest("education", 100_000)).unwrap();
    let whole = client.pseudonymise(&upn, batch(&identifiers)).unwrap();
    for part in [0..100, 19_900..20_000] {
        assert_eq!(
            whole[part.clone()],
            client.pseudonymise(&upn, batch(&identifiers[part])).unwrap()
        );
    }
}

#[test]
fn a_ceiling_holds_and_nothing_is_answered_beyond_it() {
    let serving = Serving::start(|settings| settings.replace("10_000_000", "3"));
    let mut client = serving.client(Role::Ingest).unwrap();
    assert_eq!(client.open_run(manifest("education", 100)).unwrap().ceiling, 3);
    let upn = "upn".parse().unwrap();
    client.pseudonymise(&upn, batch(&["a", "b"])).unwrap();
    let denied = denial(client.pseudonymise(&upn, batch(&["c", "d"])));
    assert_eq!(denied, Denial::OverBudget { ceiling: 3 });
}

#[test]
fn each_role_has_its_own_questions() {
    let serving = Serving::start(|settings| settings);
    let (source, integrated) = (dataset(DatasetClass::Source), dataset(DatasetClass::Integrated));
    let (_, of_source) = serving.client(Role::Ingest).unwrap().create_key(&source).unwrap();
    let (_, of_integrated) = serving.client(Role::Linker).unwrap().create_key(&integrated).unwrap();
    let report = dataset(DatasetClass::Report);
    let (_, of_report) = serving.client(Role::Analyst).unwrap().create_key(&report).unwrap();
    for role in Role::ALL {
        let mut client = serving.client(role).unwrap();
        assert_eq!(client.create_key(&report).is_ok(), role == Role::Analyst, "{role}");
        let reads = [Role::Analyst, Role::Auditor].contains(&role);
        assert_eq!(client.unwrap_key(&report, &of_report).is_ok(), reads, "{role}");
        assert_eq!(
            client.open_run(manifest("education", 1)).is_ok(),
            role == Role::Ingest,
            "{role}"
        );
        assert_eq!(client.create_key(&source).is_ok(), role == Role::Ingest, "{role}");
        assert_eq!(client.create_key(&integrated).is_ok(), role == Role::Linker, "{role}");
        assert_eq!(client.unwrap_key(&source, &of_source).is_ok(), role == Role::Linker, "{role}");
        let reads = [Role::Linker, Role::Analyst].contains(&role);
        assert_eq!(client.unwrap_key(&integrated, &of_integrated).is_ok(), reads, "{role}");
        assert!(client.unwrap_key(&source, &of_integrated).is_err());
        client.status().unwrap();
    }
}

#[test]
fn a_purpose_that_is_not_named_or_is_over_has_no_key() {
    let serving = Serving::start(|settings| {
        settings + "\n[[purpose]]\nname = \"old\"\ntext = \"\"\nexpires = \"2020-12-31\"\n"
    });
    let mut client = serving.client(Role::Ingest).unwrap();
    for purpose in ["unnamed", "old"] {
        let denied = denial(client.open_run(manifest(purpose, 1)));
        assert!(matches!(denied, Denial::NoSuchPurpose { .. }), "{denied}");
    }
}

#[test]
fn a_uid_without_the_role_is_refused() {
    let serving = Serving::start(|settings| {
        let uid = rustix::process::getuid().as_raw();
        settings.replace(&format!("linker = [{uid}]"), "linker = [4242]")
    });
    assert!(matches!(denial(serving.client(Role::Linker)), Denial::NotInRole { .. }));
    serving.client(Role::Ingest).unwrap();
}

#[test]
fn what_others_may_read_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (dir, key) = (folder.path().join("vault"), folder.path().join("key"));
    let secret = Secret::KeyFile(key.clone());
    folder::init(&dir, &secret, &[]).unwrap();
    for path in [&dir, &key, &dir.join("store.json"), &dir.join("vault.toml")] {
        let before = fs::metadata(path).unwrap().permissions();
        fs::set_permissions(path, fs::Permissions::from_mode(before.mode() | 0o040)).unwrap();
        let outcome = folder::open_folder(&dir, &secret);
        assert!(matches!(outcome, Err(VaultFault::Exposed { .. })), "{}", path.display());
        fs::set_permissions(path, before).unwrap();
    }
    folder::open_folder(&dir, &secret).unwrap();
}

#[test]
fn the_root_opens_with_its_own_secret_and_unchanged_alone() {
    let folder = tempfile::tempdir().unwrap();
    let (dir, pass, other) =
        (folder.path().join("vault"), folder.path().join("p"), folder.path().join("q"));
    for (path, text) in [(&pass, "correct horse battery\n"), (&other, "another phrase entirely\n")]
    {
        fs::write(path, text).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    }
    let secret = Secret::PassphraseFile(pass);
    folder::init(&dir, &secret, &[]).unwrap();
    assert!(matches!(folder::init(&dir, &secret, &[]), Err(VaultFault::NotEmpty { .. })));
    let wrong = folder::open_folder(&dir, &Secret::PassphraseFile(other));
    assert!(matches!(wrong, Err(VaultFault::WrongSecret { .. })));
    let store = dir.join("store.json");
    let good = fs::read_to_string(&store).unwrap();
    let at = good.find("sealed_root").unwrap() + 30;
    let mut bad = good.clone().into_bytes();
    bad[at] = if bad[at] == b'0' { b'1' } else { b'0' };
    fs::write(&store, bad).unwrap();
    let changed = folder::open_folder(&dir, &secret);
    assert!(matches!(changed, Err(VaultFault::WrongSecret { .. })));
    fs::write(&store, good).unwrap();
    let opened = folder::open_folder(&dir, &secret).unwrap();
    assert!(matches!(folder::open_folder(&dir, &secret), Err(VaultFault::Served { .. })));
    drop(opened);
}

#[test]
fn a_key_file_in_the_vault_s_folder_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("vault");
    let outcome = folder::init(&dir, &Secret::KeyFile(dir.join("key")), &[]);
    assert!(matches!(outcome, Err(VaultFault::Exposed { .. })));
}
