//! A vault that serves in a folder of its own.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
};

use minster_model::{DatasetClass, DatasetRef, KeyVersion, Kind, Pseudonym, Role};
use minster_vault::{
    VaultFault,
    approvals::{CustodianKey, KeyForm, SigningKey},
    custody::{Secret, Wanted},
    disk::Disk,
    folder::{self, Plan},
    purposes,
    server::{Limits, Server},
    session::Session,
    vault::Vault,
};
use minster_vault_api::{
    Approval, CarriedOut, Client, Denial, IdentifierBatch, PROTOCOL, Proposed, ProposedAction,
    RecordedManifest, Request, Response, RunKey, RunManifest, SealedRunKey, Token, VaultError,
};

/// Two purposes as a file names them.
pub(crate) const PURPOSES: &str = r#"
[[purpose]]
name = "education"
text = "Statistics on education"
legal_basis = "UK GDPR Article 6(1)(e)"
notice = { version = 1, day = "2026-09-01", sentence = "We count children." }
audiences = ["council-teams", "partners", "public"]
sources = ["census", "cin"]
kinds = ["upn", "former-upn", "nhs-number", "la-child-id", "linkage:name", "linkage:birth-date-digits", "match-key:name"]
roles = ["ingest", "linker", "analyst", "custodian", "auditor"]
budget = { run = 20_000, day = 50_000 }
expires = "2099-12-31"

[[purpose]]
name = "health"
text = "Statistics on health"
legal_basis = "UK GDPR Article 9(2)(j)"
notice = { version = 1, day = "2026-09-01", sentence = "We count children." }
audiences = ["council-teams", "partners", "public"]
sources = ["census"]
kinds = ["upn", "former-upn", "nhs-number", "la-child-id", "linkage:name", "linkage:birth-date-digits", "match-key:name"]
roles = ["ingest", "linker"]
budget = { run = 20_000, day = 50_000 }
expires = "2099-12-31"
"#;

/// The kinds that both name.
pub(crate) const KINDS: &str = "kinds = [\"upn\", \"former-upn\", \"nhs-number\", \"la-child-id\", \"linkage:name\", \
    \"linkage:birth-date-digits\", \"match-key:name\"]\n";

/// A vault's folder, its key file and two custodians' keys.
pub(crate) struct Site {
    folder: tempfile::TempDir,
}

impl Site {
    /// A vault with two purposes and two custodians, ann and ben.
    pub(crate) fn new() -> Self {
        Self::with(PURPOSES)
    }

    pub(crate) fn with(purposes: &str) -> Self {
        let site = Self::empty();
        site.init(purposes, &Disk::new()).unwrap();
        site
    }

    /// The custodians' keys alone.
    pub(crate) fn empty() -> Self {
        let site = Self { folder: tempfile::tempdir().unwrap() };
        for name in ["ann", "ben", "cat"] {
            SigningKey::create(&site.path(name), &KeyForm::Clear).unwrap();
        }
        site
    }

    pub(crate) fn init(&self, purposes: &str, disk: &Disk) -> Result<String, VaultFault> {
        let custody = Wanted::KeyFile(self.path("key"));
        let purposes = purposes::parse_all(purposes, Path::new("purposes.toml")).unwrap();
        let custodians = ["ann", "ben"].map(|name| self.custodian(name)).to_vec();
        folder::init(&self.vault(), &Plan { custody: &custody, purposes, custodians }, disk)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn vault(&self) -> PathBuf {
        self.path("vault")
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.vault().join("log.jsonl")
    }

    pub(crate) fn secret(&self) -> Secret {
        Secret::key_file(self.path("key"))
    }

    pub(crate) fn custodian(&self, name: &str) -> CustodianKey {
        let public = self.path(&format!("{name}.pub"));
        CustodianKey::parse(&format!("{name}={}", public.display())).unwrap()
    }

    /// Opens the vault in this process.
    pub(crate) fn open(&self, disk: Disk) -> Result<Vault, VaultFault> {
        Vault::new(folder::open_folder(&self.vault(), &self.secret(), disk)?, None, true)
    }

    pub(crate) fn serve(&self) -> Serving {
        self.serve_on(Disk::new(), None).unwrap()
    }

    pub(crate) fn serve_on(
        &self,
        disk: Disk,
        checkpoints: Option<&Path>,
    ) -> Result<Serving, VaultFault> {
        self.serve_within(disk, checkpoints, Limits::default())
    }

    pub(crate) fn serve_within(
        &self,
        disk: Disk,
        checkpoints: Option<&Path>,
        limits: Limits,
    ) -> Result<Serving, VaultFault> {
        let opened = folder::open_folder(&self.vault(), &self.secret(), disk)?;
        let socket = self.path("sock");
        let server =
            Server::bind(Vault::new(opened, checkpoints, true)?, &socket)?.with_limits(limits);
        let stop = Arc::new(AtomicBool::new(false));
        let watched = Arc::clone(&stop);
        let thread = std::thread::spawn(move || drop(server.serve(&watched)));
        Ok(Serving { socket, stop, thread: Some(thread) })
    }

    /// A custodian's signature under a proposal.
    pub(crate) fn sign(&self, name: &str, text: &str) -> Approval {
        let (_, signature) =
            SigningKey::read(&self.path(name), &KeyForm::Clear).unwrap().sign(text).unwrap();
        let proposal = minster_vault::approvals::Proposal::id(text);
        Approval { proposal, custodian: name.into(), signature }
    }
}

/// The whole ceremony of an action that two custodians must approve.
pub(crate) fn carried_out(
    site: &Site,
    serving: &Serving,
    action: ProposedAction,
) -> Result<CarriedOut, VaultError> {
    let mut client = serving.client(Role::Custodian)?;
    let (reference, reason) = ("C/1".into(), "as the case says".into());
    let proposed = Proposed { action, reference, reason, expires: minster_tests::soon() };
    let text = client.propose(proposed)?;
    for name in ["ann", "ben"] {
        client.approve(site.sign(name, &text))?;
    }
    client.enact(&minster_vault::approvals::Proposal::id(&text))
}

/// New keys for a purpose.
pub(crate) fn rotated(site: &Site, serving: &Serving, purpose: &str) -> KeyVersion {
    let action = ProposedAction::Rotate { purpose: purpose.parse().unwrap() };
    match carried_out(site, serving, action).unwrap() {
        CarriedOut::Rotated(version) => version,
        other => panic!("{other:?}"),
    }
}

/// The end of a version of the keys of education, whose datasets may be lost.
pub(crate) fn retired(
    site: &Site,
    serving: &Serving,
    version: u32,
    give_up: &[&str],
) -> Result<CarriedOut, VaultError> {
    let (purpose, version) = ("education".parse().unwrap(), KeyVersion(version));
    let give_up = give_up.iter().map(|&name| name.to_owned()).collect();
    carried_out(site, serving, ProposedAction::Retire { purpose, version, give_up })
}

/// A vault that serves until it is dropped.
pub(crate) struct Serving {
    socket: PathBuf,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Serving {
    pub(crate) fn client(&self, role: Role) -> Result<Client, VaultError> {
        Client::connect(&self.socket, role, "test")
    }

    /// Pseudonyms of identifiers in a run of their own, as the linker turns the run's tokens back.
    pub(crate) fn ask(
        &self,
        purpose: &str,
        kind: &str,
        identifiers: &[&str],
    ) -> Result<Vec<Pseudonym>, VaultError> {
        let mut client = self.client(Role::Ingest)?;
        let opened = client.open_run(manifest(purpose, "census", 1_000_000))?;
        let tokens = client.pseudonymise(&self::kind(kind), batch(identifiers))?;
        client.close_run(&[])?;
        Ok(turned_back(&self.run_key(purpose, &opened.run_key), &tokens))
    }

    /// A run's key, as the linker is given it.
    pub(crate) fn run_key(&self, purpose: &str, sealed: &SealedRunKey) -> RunKey {
        let mut linker = self.client(Role::Linker).unwrap();
        let dataset =
            DatasetRef { purpose: purpose.parse().unwrap(), ..dataset(DatasetClass::Source) };
        let (_, wrapped) = linker.create_key(&dataset).unwrap();
        let sha256 = self.recorded(&dataset);
        linker.unwrap_key(&dataset, &wrapped, Some(sealed), &sha256).unwrap().run.unwrap()
    }

    /// The hash of a dataset's manifest, which its writer has recorded.
    pub(crate) fn recorded(&self, dataset: &DatasetRef) -> String {
        let mut writer = self.client(minster_vault_api::writer(dataset.class)).unwrap();
        let sha256 = "d".repeat(64);
        let manifest = RecordedManifest { dataset: dataset.clone(), sha256: sha256.clone() };
        writer.record_manifest(manifest, None).unwrap();
        sha256
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        self.thread.take().unwrap().join().unwrap();
    }
}

/// The pseudonyms that stand behind tokens.
pub(crate) fn turned_back(key: &RunKey, tokens: &[Token]) -> Vec<Pseudonym> {
    let cipher = key.cipher();
    let back = |token: &Token| {
        let mut bytes = *token.as_bytes();
        cipher.to_pseudonyms(&mut bytes);
        Pseudonym::from_bytes(bytes)
    };
    tokens.iter().map(back).collect()
}

pub(crate) fn kind(name: &str) -> Kind {
    name.parse().unwrap()
}

pub(crate) fn manifest(purpose: &str, source: &str, ceiling: u64) -> RunManifest {
    RunManifest {
        run: "r1".parse().unwrap(),
        purpose: purpose.parse().unwrap(),
        source: source.parse().unwrap(),
        period: "2024-25".parse().unwrap(),
        inputs: vec![],
        ceiling,
        reads: Vec::new(),
    }
}

pub(crate) fn batch(identifiers: &[impl AsRef<[u8]>]) -> IdentifierBatch {
    let mut batch = IdentifierBatch::default();
    identifiers.iter().for_each(|identifier| batch.push(identifier.as_ref()));
    batch
}

pub(crate) fn dataset(class: DatasetClass) -> DatasetRef {
    DatasetRef {
        class,
        name: "census".parse().unwrap(),
        period: "2024-25".parse().unwrap(),
        purpose: "education".parse().unwrap(),
    }
}

pub(crate) fn denial<T>(outcome: Result<T, VaultError>) -> Denial {
    match outcome {
        Err(VaultError::Denied(denial)) => denial,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("not denied"),
    }
}

/// Copies a vault's folder, with its modes.
pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    fs::set_permissions(to, fs::Permissions::from_mode(0o700)).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), &target).unwrap();
            fs::set_permissions(&target, fs::Permissions::from_mode(0o600)).unwrap();
        }
    }
}

/// The vault's answer to a custodian of this user who carries a proposal out, without a socket between them.
pub(crate) fn enact_at(vault: &Vault, proposal: &str) -> Response {
    let mut session = Session::new(vault, rustix::process::getuid().as_raw());
    let (role, program) = (Role::Custodian, "test".into());
    session.answer(Request::Hello { protocol: PROTOCOL, role, program });
    session.answer(Request::Enact { proposal: proposal.to_owned() })
}
