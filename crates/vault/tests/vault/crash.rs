//! The process is killed at each of its writes. Every answer stands; a write without an answer leaves no trace
//! that matters.

use std::collections::BTreeMap;

use minster_model::{DatasetClass, KeyVersion, Role};
use minster_vault::{
    custody::{Secret, Wanted},
    disk::Disk,
    folder,
    session::Session,
    vault::Vault,
};
use minster_vault_api::{
    PROTOCOL, Proposed, ProposedAction, RecordedManifest, Request, Response, RunKey, RunManifest,
    SealedRunKey,
};

use crate::common::{PURPOSES, Site, batch, dataset, kind, manifest, turned_back};

/// Does `work` on disks that end at each step in turn, until it comes to its end.
pub(crate) fn at_every_write(mut work: impl FnMut(Disk) -> bool) -> usize {
    for step in 0..1000 {
        let disk = Disk::ending_at(step);
        let done = work(disk.clone());
        if disk.steps() <= step {
            assert!(done, "nothing was in its way");
            return step;
        }
    }
    panic!("it never ends");
}

/// One conversation without the socket, and the sealed key of its run.
struct Talk<'a>(Session<'a>, Option<SealedRunKey>);

impl<'a> Talk<'a> {
    fn new(vault: &'a Vault, role: Role) -> Self {
        let mut session = Session::new(vault, rustix::process::getuid().as_raw());
        session.answer(Request::Hello { protocol: PROTOCOL, role, program: "test".into() });
        Self(session, None)
    }

    fn open(&mut self) -> bool {
        let manifest = RunManifest { ..manifest("education", "census", 1000) };
        match self.0.answer(Request::OpenRun(manifest)) {
            Response::RunOpened(opened) => self.1 = Some(opened.run_key),
            _ => return false,
        }
        true
    }

    fn tokens(&mut self, identifiers: &[&str]) -> Option<Vec<u8>> {
        let identifiers = batch(identifiers);
        match self.0.answer(Request::Pseudonymise { kind: kind("upn"), identifiers }) {
            Response::Tokens(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// The key of a run, as the linker is given it.
    fn run_key(&mut self, sealed: Option<SealedRunKey>, writer: &mut Self) -> RunKey {
        let source = dataset(DatasetClass::Source);
        let Response::KeyCreated(_, wrapped) = self.0.answer(Request::CreateKey(source.clone()))
        else {
            panic!("no key");
        };
        let sha256 = "d".repeat(64);
        let manifest = RecordedManifest { dataset: source.clone(), sha256: sha256.clone() };
        match writer.0.answer(Request::RecordManifest { manifest, carried_from: None }) {
            Response::ManifestRecorded => {}
            _ => panic!("no record"),
        }
        match self.0.answer(Request::UnwrapKey(source, wrapped, sealed, sha256)) {
            Response::KeyUnwrapped(unwrapped) => unwrapped.run.unwrap(),
            _ => panic!("no run's key"),
        }
    }
}

/// A run that tells a birth date, and whether it was closed.
fn told(vault: &Vault) -> bool {
    let mut talk = Talk::new(vault, Role::Ingest);
    let (identifiers, born) = (batch(&["Q330400024001"]), batch(&["2008-03-15"]));
    talk.open()
        && talk.tokens(&["Q330400024001"]).is_some()
        && matches!(
            talk.0.answer(Request::TellBirths { kind: kind("upn"), identifiers, born }),
            Response::BirthsTold
        )
        && matches!(talk.0.answer(Request::CloseRun(vec![])), Response::RunClosed)
}

/// Whether another delivery's slip is repaired by it, and its run closed.
fn repaired(vault: &Vault) -> Option<bool> {
    let mut talk = Talk::new(vault, Role::Ingest);
    talk.0.answer(Request::OpenRun(manifest("education", "cin", 10)));
    let (faulty, born) = (batch(&["Q330400024010"]), batch(&["2008-03-15"]));
    match talk.0.answer(Request::Repair { kind: kind("upn"), faulty, born }) {
        Response::Repaired { found, .. } => {
            let closed = matches!(talk.0.answer(Request::CloseRun(vec![])), Response::RunClosed);
            closed.then_some(found == [true])
        }
        _ => None,
    }
}

#[test]
fn a_birth_date_that_a_closed_run_told_stands() {
    let purposes = PURPOSES.replacen("expires", "repairs = { run = 5, day = 50 }\nexpires", 1);
    let steps = at_every_write(|disk| {
        let site = Site::with(&purposes);
        let (closed, done) = match site.open(disk) {
            Ok(vault) => (told(&vault), repaired(&vault) == Some(true)),
            Err(_) => (false, false),
        };
        let vault = site.open(Disk::new()).unwrap();
        let stands = repaired(&vault).unwrap();
        // The run's last write may be done and its answer not heard.
        assert!(stands || !closed, "it was closed");
        drop(vault);
        minster_vault::log::verify(&site.log(), None).unwrap();
        done
    });
    assert!(steps > 10, "{steps}");
}

#[test]
fn init_is_done_or_can_be_done_again() {
    let steps = at_every_write(|disk| {
        let site = Site::empty();
        let done = site.init(PURPOSES, &disk).is_ok();
        if !site.vault().join("store.json").exists() {
            assert!(!done);
            site.init(PURPOSES, &Disk::new()).unwrap();
        }
        site.open(Disk::new()).unwrap();
        done
    });
    assert!(steps > 10, "{steps}");
}

#[test]
fn init_does_not_remove_what_a_vault_that_lost_its_root_still_tells() {
    let site = Site::new();
    drop(site.serve());
    std::fs::remove_file(site.vault().join("store.json")).unwrap();
    std::fs::remove_dir_all(site.vault().join("registry")).unwrap();
    assert!(site.init(PURPOSES, &Disk::new()).is_err());
    assert!(site.log().exists());
}

#[test]
fn an_answer_is_given_again_the_same() {
    let steps = at_every_write(|disk| {
        let site = Site::new();
        let mut answers = Vec::new();
        let mut sealed = None;
        let mut all;
        if let Ok(vault) = site.open(disk) {
            let mut talk = Talk::new(&vault, Role::Ingest);
            all = talk.open();
            sealed = talk.1.clone();
            for identifiers in [&["a", "b"][..], &["b", "c"], &["d"], &["a", "d"]] {
                match talk.tokens(identifiers) {
                    Some(bytes) => answers.push((identifiers, bytes)),
                    None => all = false,
                }
            }
            all &= matches!(talk.0.answer(Request::CloseRun(vec![])), Response::RunClosed);
        } else {
            all = false;
        }
        let vault = site.open(Disk::new()).unwrap();
        let mut talk = Talk::new(&vault, Role::Ingest);
        assert!(talk.open());
        if !answers.is_empty() {
            let mut linker = Talk::new(&vault, Role::Linker);
            let sealed_now = talk.1.clone();
            let then = linker.run_key(sealed, &mut talk);
            let now = linker.run_key(sealed_now, &mut talk);
            for (identifiers, bytes) in &answers {
                let (mut before, mut after) = (bytes.clone(), talk.tokens(identifiers).unwrap());
                assert_ne!(before, after, "another run has other tokens");
                then.cipher().to_pseudonyms(&mut before);
                now.cipher().to_pseudonyms(&mut after);
                assert_eq!(before, after);
            }
        }
        let registry = vault.status().unwrap().purposes[0].identifiers;
        let answered: std::collections::BTreeSet<_> =
            answers.iter().flat_map(|(identifiers, _)| identifiers.iter()).collect();
        assert!(registry >= answered.len() as u64, "the log names what was answered");
        drop(talk);
        drop(vault);
        minster_vault::log::verify(&site.log(), None).unwrap();
        all
    });
    assert!(steps > 15, "{steps}");
}

#[test]
fn a_rotation_is_whole_or_did_not_happen() {
    let education = "education".parse().unwrap();
    let steps = at_every_write(|disk| {
        let site = Site::new();
        let serving = site.serve();
        let before = serving.ask("education", "upn", &["a", "b"]).unwrap();
        let mut custodian = serving.client(Role::Custodian).unwrap();
        let action = ProposedAction::Rotate { purpose: "education".parse().unwrap() };
        let (reference, reason) = ("KEYS/1".into(), "new keys".into());
        let proposed = Proposed { action, reference, reason, expires: minster_tests::soon() };
        let text = custodian.propose(proposed).unwrap();
        for name in ["ann", "ben"] {
            custodian.approve(site.sign(name, &text)).unwrap();
        }
        drop((custodian, serving));
        let rotated = site.open(disk).is_ok_and(|vault| {
            let mut talk = Talk::new(&vault, Role::Custodian);
            let proposal = minster_vault::approvals::Proposal::id(&text);
            matches!(talk.0.answer(Request::Enact { proposal }), Response::Enacted(_))
        });
        let serving = site.serve();
        let after = serving.ask("education", "upn", &["a", "b"]).unwrap();
        let status = serving.client(Role::Auditor).unwrap().status().unwrap();
        let version = status.purposes[0].key_version;
        if rotated {
            assert_eq!(version, KeyVersion(2));
        }
        if version == KeyVersion(2) {
            let mut linker = serving.client(Role::Linker).unwrap();
            let pairs = linker.crosswalk(&education, KeyVersion(1)).unwrap();
            let mut expected: Vec<_> = before.into_iter().zip(after).collect();
            expected.sort_unstable();
            assert_eq!(pairs, expected);
        } else {
            assert_eq!(after, before);
        }
        rotated
    });
    assert!(steps > 5, "{steps}");
}

#[test]
fn an_approval_that_was_confirmed_counts() {
    let steps = at_every_write(|disk| {
        let site = Site::new();
        let made = site.serve().ask("education", "upn", &["a"]).unwrap();
        let proposed = Proposed {
            action: ProposedAction::Reidentify {
                purpose: "education".parse().unwrap(),
                pseudonyms: made.clone(),
            },
            reference: "C/1".into(),
            reason: "r".into(),
            expires: minster_tests::soon(),
        };
        let mut text = None;
        let (mut approved, mut told) = (Vec::new(), false);
        if let Ok(vault) = site.open(disk) {
            let mut talk = Talk::new(&vault, Role::Custodian);
            if let Response::Proposal(made) = talk.0.answer(Request::Propose(proposed)) {
                for name in ["ann", "ben"] {
                    let approval = site.sign(name, &made);
                    if let Response::Approved { .. } = talk.0.answer(Request::Approve(approval)) {
                        approved.push(name);
                    }
                }
                let proposal = minster_vault::approvals::Proposal::id(&made);
                let answer = talk.0.answer(Request::Reidentify { proposal });
                told = matches!(answer, Response::Identifiers(_));
                text = Some(made);
            }
        }
        let vault = site.open(Disk::new()).unwrap();
        let mut talk = Talk::new(&vault, Role::Custodian);
        if let Some(text) = text {
            let proposal = minster_vault::approvals::Proposal::id(&text);
            for name in ["ann", "ben"] {
                let again = talk.0.answer(Request::Approve(site.sign(name, &text)));
                let counts = matches!(again, Response::Approved { .. });
                assert!(!(counts && approved.contains(&name)), "{name}'s approval was lost");
            }
            let again = talk.0.answer(Request::Reidentify { proposal });
            assert!(!(told && matches!(again, Response::Identifiers(_))), "told twice");
        }
        told
    });
    assert!(steps > 5, "{steps}");
}

#[test]
fn a_change_of_custody_leaves_one_way_that_opens() {
    let steps = at_every_write(|disk| {
        let site = Site::new();
        let (old, new) = (site.secret(), Secret::key_file(site.path("key2")));
        let wanted = Wanted::KeyFile(site.path("key2"));
        let done = folder::rekey(&site.vault(), &old, &wanted, disk).is_ok();
        let opens = |secret| folder::open_folder(&site.vault(), secret, Disk::new()).is_ok();
        let by = [opens(&old), site.path("key2").exists() && opens(&new)];
        assert_eq!(by.iter().filter(|opens| **opens).count(), 1, "{by:?}");
        assert!(!done || by[1]);
        done
    });
    assert!(steps > 3, "{steps}");
}

/// The program itself, killed at moments of the system's choosing.
#[test]
fn a_killed_program_serves_again() {
    use std::{process::Command, time::Duration};
    let site = Site::new();
    let serve = || {
        Command::new(env!("CARGO_BIN_EXE_minster-vault"))
            .args(["serve", "--single-user"])
            .args(["--dir".as_ref(), site.vault().as_os_str()])
            .args(["--socket".as_ref(), site.path("s").as_os_str()])
            .args(["--key-file".as_ref(), site.path("key").as_os_str()])
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap()
    };
    let connect = || {
        for _ in 0..500 {
            let client = minster_vault_api::Client::connect(&site.path("s"), Role::Ingest, "test");
            if let Ok(client) = client {
                return client;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("it does not serve");
    };
    let mut told = Vec::new();
    for round in 0..10u64 {
        let mut child = serve();
        let mut client = connect();
        let sealed = client.open_run(manifest("education", "census", 20_000)).unwrap().run_key;
        let killer = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(3 + round * 7));
            child.kill().unwrap();
            child.wait().unwrap();
        });
        for n in 0.. {
            let name = format!("{}", (round * 31 + n) % 400);
            match client.pseudonymise(&kind("upn"), batch(&[&name])) {
                Ok(tokens) => told.push((name, sealed.clone(), tokens)),
                Err(_) => break,
            }
        }
        killer.join().unwrap();
        drop(client);
        std::fs::remove_file(site.path("s")).unwrap();
    }
    assert!(!told.is_empty());
    minster_vault::log::verify(&site.log(), None).unwrap_or_else(|_| {
        site.open(Disk::new()).unwrap();
        minster_vault::log::verify(&site.log(), None).unwrap()
    });
    let serving = site.serve();
    let (mut keys, mut known) = (BTreeMap::new(), BTreeMap::new());
    for (name, sealed, tokens) in told {
        let key =
            keys.entry(sealed.0.clone()).or_insert_with(|| serving.run_key("education", &sealed));
        let pseudonym = turned_back(key, &tokens)[0];
        assert_eq!(*known.entry(name).or_insert(pseudonym), pseudonym, "the same in every run");
    }
}
