//! Requests that come at the same moment: each pair of kinds, many times over, against a vault and its log.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    sync::{
        Barrier,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use jiff::ToSpan;
use minster_model::{DatasetClass, KeyVersion, Role};
use minster_vault::{
    approvals::{KeyForm, Proposal, SigningKey, sha256},
    disk::Disk,
    log,
    purposes::today,
    session::Session,
    vault::Vault,
};
use minster_vault_api::{
    Denial, ListChange, PROTOCOL, Proposed, ProposedAction, Publication, Publishing,
    RecordedManifest, Request, Response, SignedDecisions, WrappedKey,
};

use crate::common::{PURPOSES, Site, batch, dataset, kind, manifest};

/// Rounds of each pair. `MINSTER_ROUNDS` asks for more of them.
fn rounds() -> usize {
    std::env::var("MINSTER_ROUNDS").map_or(2, |rounds| rounds.parse().unwrap())
}

/// A vault whose requests are answered in this process, without a socket.
struct Stage {
    site: Site,
    vault: Vault,
    uid: u32,
    counter: AtomicU64,
}

/// A second analyst: releases of the purpose need two persons.
const OTHER: u32 = 4_000_000_001;

impl Stage {
    fn new() -> Self {
        let site =
            Site::with(&PURPOSES.replacen("expires", "release = { persons = 2 }\nexpires", 1));
        let settings = site.vault().join("vault.toml");
        let text = fs::read_to_string(&settings).unwrap();
        let uid = rustix::process::getuid().as_raw();
        let both = format!("analyst = [{uid}, {OTHER}]");
        fs::write(&settings, text.replace(&format!("analyst = [{uid}]"), &both)).unwrap();
        let vault = site.open(Disk::new()).unwrap();
        Self { site, vault, uid, counter: AtomicU64::new(0) }
    }

    fn session(&self, uid: u32, role: Role) -> Session<'_> {
        let mut session = Session::new(&self.vault, uid);
        let hello = Request::Hello { protocol: PROTOCOL, role, program: "test".into() };
        assert!(matches!(session.answer(hello), Response::Welcome { .. }));
        session
    }

    fn next(&self) -> u64 {
        self.counter.fetch_add(1, Ordering::SeqCst)
    }

    /// A proposal that two custodians approved.
    fn approved(&self, action: ProposedAction) -> String {
        let text = self.proposed(action);
        let mut custodian = self.session(self.uid, Role::Custodian);
        for name in ["ann", "ben"] {
            let approval = self.site.sign(name, &text);
            assert!(matches!(
                custodian.answer(Request::Approve(approval)),
                Response::Approved { .. }
            ));
        }
        Proposal::id(&text)
    }

    fn proposed(&self, action: ProposedAction) -> String {
        let proposed = Proposed {
            action,
            reference: "R/1".into(),
            reason: "r".into(),
            expires: minster_tests::soon(),
        };
        let mut custodian = self.session(self.uid, Role::Custodian);
        match custodian.answer(Request::Propose(proposed)) {
            Response::Proposal(text) => text,
            Response::Denied(denial) => panic!("{denial}"),
            _ => panic!("no proposal"),
        }
    }

    fn enacted(&self, action: ProposedAction) {
        let proposal = self.approved(action);
        let answer = self.session(self.uid, Role::Custodian).answer(Request::Enact { proposal });
        assert!(matches!(answer, Response::Enacted(_)));
    }

    /// Lets the purpose answer, where an alarm of the round before stopped it.
    fn go_on(&self) {
        let status = self.vault.status().unwrap();
        if status.purposes.iter().any(|one| one.stopped) {
            self.enacted(ProposedAction::Resume { purpose: education() });
        }
    }

    fn reviewers(&self, names: &[&str]) -> ProposedAction {
        let reviewers = names.iter().map(|name| self.site.custodian(name));
        let reviewers = reviewers.map(|one| (one.name, one.key)).collect();
        ProposedAction::Reviewers { purpose: education(), reviewers }
    }

    fn custodians(&self) -> ProposedAction {
        let custodians = ["ann", "ben"].map(|name| self.site.custodian(name));
        ProposedAction::Custodians(custodians.map(|one| (one.name, one.key)).to_vec())
    }

    /// The last day on which the guest holds a role, where it does.
    fn last_day(&self) -> Option<String> {
        let roles = self.vault.status().unwrap().roles;
        roles.into_iter().find(|one| one.uid == GUEST).map(|one| one.until.unwrap())
    }

    /// A grant that differs from what the guest holds.
    fn granted(&self) -> ProposedAction {
        let day = |days: i64| today().saturating_add(days.days()).to_string();
        let other = self.last_day() == Some(day(1));
        let until = Some(day(if other { 2 } else { 1 }));
        ProposedAction::Grant { role: Role::Auditor, uid: GUEST, until }
    }

    fn version(&self) -> KeyVersion {
        let status = self.vault.status().unwrap();
        status.purposes.iter().find(|one| one.purpose == education()).unwrap().key_version
    }

    /// The request to record a manifest that none was recorded as before, and the manifest's hash.
    fn manifest(&self) -> (Request, String) {
        let sha256 = format!("{:064x}", self.next());
        let manifest =
            RecordedManifest { dataset: dataset(DatasetClass::Source), sha256: sha256.clone() };
        (Request::RecordManifest { manifest, carried_from: None }, sha256)
    }

    fn wrapped(&self) -> WrappedKey {
        let mut ingest = self.session(self.uid, Role::Ingest);
        match ingest.answer(Request::CreateKey(dataset(DatasetClass::Source))) {
            Response::KeyCreated(_, wrapped) => wrapped,
            _ => panic!("no key"),
        }
    }
}

fn education() -> minster_model::Purpose {
    "education".parse().unwrap()
}

const RAISED: u64 = 30_000;

/// The kinds of requests that grant something or change what is granted.
const KINDS: &[&str] = &[
    "load",
    "allow",
    "custodians",
    "reviewers",
    "review",
    "approve",
    "name",
    "rotate",
    "retire",
    "unwrap",
    "publish",
    "ask",
    "alarm",
    "list",
    "told",
    "reidentify",
    "record",
    "grant",
    "revoke",
];

/// The user whose role is granted and revoked.
const GUEST: u32 = 70_000;

/// A request that is to be sent in a conversation of its own, perhaps after another.
struct Ready {
    uid: u32,
    role: Role,
    first: Option<Request>,
    request: Request,
}

/// Prepares a request of a kind.
fn prepare(stage: &Stage, of: &str, place: usize) -> Ready {
    let with = |role, request| Ready { uid: stage.uid, role, first: None, request };
    let enact = |action| with(Role::Custodian, Request::Enact { proposal: stage.approved(action) });
    let load = || ProposedAction::Load {
        purpose: education(),
        source: "census".parse().unwrap(),
        ceiling: RAISED,
    };
    let numbers = |n: u64| vec![(kind("upn"), batch(&[format!("x{n}")]))];
    match of {
        "load" => {
            if place == 0 {
                stage.enacted(load());
            }
            with(Role::Ingest, Request::OpenRun(manifest("education", "census", RAISED)))
        }
        "allow" => enact(load()),
        "custodians" => enact(stage.custodians()),
        "reviewers" => enact(stage.reviewers(&["ann"])),
        "review" => {
            stage.enacted(stage.reviewers(&["cat"]));
            let key = SigningKey::read(&stage.site.path("cat"), &KeyForm::Clear).unwrap();
            let signature = key.sign_review(&education(), "cat", b"file");
            let decisions = SignedDecisions {
                purpose: education(),
                reviewer: "cat".into(),
                sha256: sha256("file"),
                signature,
                decisions: 1,
            };
            with(Role::Linker, Request::TakeReview(decisions))
        }
        "approve" => {
            let text = stage.proposed(stage.custodians());
            with(Role::Custodian, Request::Approve(stage.site.sign("ann", &text)))
        }
        "name" => enact(ProposedAction::Purpose(named())),
        "rotate" => enact(ProposedAction::Rotate { purpose: education() }),
        "retire" => {
            let version = stage.version();
            stage.enacted(ProposedAction::Rotate { purpose: education() });
            // The dataset of other requests does not stand under the old version: its newest
            // manifest is recorded after its newest key.
            stage.wrapped();
            let (request, _) = stage.manifest();
            let answer = stage.session(stage.uid, Role::Ingest).answer(request);
            assert!(matches!(answer, Response::ManifestRecorded));
            enact(ProposedAction::Retire { purpose: education(), version, give_up: vec![] })
        }
        "unwrap" => {
            let wrapped = stage.wrapped();
            let (request, sha256) = stage.manifest();
            let answer = stage.session(stage.uid, Role::Ingest).answer(request);
            assert!(matches!(answer, Response::ManifestRecorded));
            let request = Request::UnwrapKey(dataset(DatasetClass::Source), wrapped, None, sha256);
            with(Role::Linker, request)
        }
        "record" => with(Role::Ingest, stage.manifest().0),
        "publish" => {
            let uid = if place == 0 { stage.uid } else { OTHER };
            let publication = Publication {
                what: Publishing::LetOut,
                purpose: education(),
                period: "2024-25".parse().unwrap(),
                release: "d".parse().unwrap(),
                sha256: format!("{:064x}", stage.counter.load(Ordering::SeqCst) / 1_000),
                rules: None,
                entry: Some("e".repeat(64)),
                audience: Some(minster_model::Audience::Public),
            };
            Ready { uid, ..with(Role::Analyst, Request::Publish(publication)) }
        }
        "ask" | "alarm" => {
            let first = Some(Request::OpenRun(manifest("education", "cin", 1_000)));
            let n = stage.next() % 1_000;
            let school = |serial| format!("A330{n:04}24{serial:03}");
            let identifiers = match of {
                "ask" => vec![format!("a{n}")],
                _ => (0..500).map(school).collect(),
            };
            let identifiers = batch(&identifiers);
            let request = Request::Pseudonymise { kind: kind("upn"), identifiers };
            Ready { first, ..with(Role::Ingest, request) }
        }
        "list" => enact(ProposedAction::ExactOnly {
            change: ListChange::Add,
            numbers: numbers(stage.next()),
        }),
        "told" => with(Role::Linker, Request::ExactOnly { purpose: education() }),
        "reidentify" => {
            let pseudonyms = vec![minster_model::Pseudonym::from_bytes([9; 16])];
            let action = ProposedAction::Reidentify { purpose: education(), pseudonyms };
            with(Role::Custodian, Request::Reidentify { proposal: stage.approved(action) })
        }
        "grant" => enact(stage.granted()),
        "revoke" => {
            if stage.last_day().is_none() {
                stage.enacted(stage.granted());
            }
            enact(ProposedAction::Revoke { role: Role::Auditor, uid: GUEST })
        }
        other => panic!("{other}"),
    }
}

fn named() -> String {
    let one = PURPOSES.split("[[purpose]]").nth(1).unwrap();
    format!("[[purpose]]{}", one.replacen("expires", "release = { persons = 2 }\nexpires", 1))
}

/// Sends requests at one moment, while a further conversation keeps the log busy.
fn at_once(stage: &Stage, requests: Vec<Ready>) -> Vec<Response> {
    let barrier = &Barrier::new(requests.len());
    let over = &AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut auditor = stage.session(stage.uid, Role::Auditor);
            while !over.load(Ordering::SeqCst) {
                auditor.answer(Request::Statement);
            }
        });
        let threads: Vec<_> = requests
            .into_iter()
            .map(|Ready { uid, role, first, request }| {
                scope.spawn(move || {
                    let mut session = stage.session(uid, role);
                    if let Some(first) = first {
                        assert!(matches!(session.answer(first), Response::RunOpened(_)));
                    }
                    barrier.wait();
                    session.answer(request)
                })
            })
            .collect();
        let answers = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
        over.store(true, Ordering::SeqCst);
        answers
    })
}

/// The rules that entries keep, whatever came at the same moment as what.
fn check_log(site: &Site) {
    let text = fs::read_to_string(site.log()).unwrap();
    let (mut loads, mut stopped, mut newest) = (BTreeSet::new(), false, None);
    let mut guest = false;
    let mut agreed: BTreeMap<String, BTreeSet<u64>> = BTreeMap::new();
    for line in text.lines() {
        let entry: serde_json::Value = serde_json::from_str(line).unwrap();
        let uid = entry["asker"]["uid"].as_u64();
        match entry["event"].as_str().unwrap() {
            "opened-run" => {
                assert!(!stopped, "a run begins though an alarm stands: {line}");
                if let Some(load) = entry["load"].as_str() {
                    assert!(loads.insert(load.to_owned()), "a load is granted twice: {line}");
                }
            }
            "pseudonymised" => assert!(!stopped, "an answer though an alarm stands: {line}"),
            "alarm" => stopped = true,
            "resumed" => stopped = false,
            "recorded-manifest" => newest = Some(entry["manifest"]["sha256"].clone()),
            "unwrapped-key" => {
                assert_eq!(
                    newest.as_ref(),
                    entry.get("manifest"),
                    "an older one is opened: {line}"
                );
            }
            "agreed" => {
                let of = agreed.entry(entry["sha256"].to_string()).or_default();
                of.extend(uid);
                assert!(of.len() < 2, "two persons agreed, and it is not let out: {line}");
            }
            "granted-role" => guest = true,
            "revoked-role" => {
                assert!(guest, "a role is revoked that nobody holds: {line}");
                guest = false;
            }
            "let-out" => drop(agreed.remove(&entry["sha256"].to_string())),
            _ => {}
        }
    }
}

#[test]
fn every_pair_of_requests_at_one_moment_leaves_a_log_that_opens() {
    let stage = Stage::new();
    for (at, one) in KINDS.iter().enumerate() {
        for other in &KINDS[at..] {
            for _ in 0..rounds() {
                stage.go_on();
                stage.counter.fetch_add(1_000, Ordering::SeqCst);
                // A change of custodians takes the signatures from what was prepared before it.
                let second = prepare(&stage, other, usize::from(one == other));
                let first = prepare(&stage, one, 0);
                at_once(&stage, vec![first, second]);
            }
            check_log(&stage.site);
            let verified = log::verify(&stage.site.log(), None);
            verified.unwrap_or_else(|fault| panic!("{one} and {other}: {fault}"));
        }
    }
    let Stage { site, vault, .. } = stage;
    drop(vault);
    let serving = site.serve();
    let purpose = education();
    serving.client(Role::Linker).unwrap().exact_only(&purpose).unwrap();
}

/// A load that two custodians approved for one run is one run's, however many ask at the same moment.
#[test]
fn a_load_for_one_run_is_granted_to_one() {
    let stage = Stage::new();
    for _ in 0..5 * rounds() {
        let first = prepare(&stage, "load", 0);
        let mut all = vec![first];
        all.extend((1..8).map(|place| prepare(&stage, "load", place)));
        let raised = |answer: &Response| match answer {
            Response::RunOpened(run) => run.ceiling == RAISED,
            _ => panic!("no run"),
        };
        let granted = at_once(&stage, all).iter().filter(|answer| raised(answer)).count();
        assert_eq!(granted, 1);
    }
}

/// A step that two custodians approved is done once, however many ask for it at the same moment, and the list of exact-only
/// identities stays whole.
#[test]
fn a_change_of_the_list_is_carried_out_once_and_leaves_a_list() {
    let stage = Stage::new();
    for n in 0..5 * rounds() as u64 {
        let numbers = vec![(kind("upn"), batch(&[format!("y{n}")]))];
        let proposal =
            stage.approved(ProposedAction::ExactOnly { change: ListChange::Add, numbers });
        let enact = || {
            let request = Request::Enact { proposal: proposal.clone() };
            Ready { uid: stage.uid, role: Role::Custodian, first: None, request }
        };
        let answers = at_once(&stage, (0..6).map(|_| enact()).collect());
        let changed = |answer: &&Response| matches!(answer, Response::Enacted(_));
        assert_eq!(answers.iter().filter(changed).count(), 1);
        let told = stage
            .session(stage.uid, Role::Linker)
            .answer(Request::ExactOnly { purpose: education() });
        match told {
            Response::ExactOnly(list) => assert_eq!(list.numbers, n + 1),
            Response::Denied(Denial::Fault { what }) => panic!("{what}"),
            _ => panic!("no list"),
        }
    }
}
