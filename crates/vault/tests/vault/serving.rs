//! The service: runs, budgets, roles, purposes.

use std::{fs, os::unix::fs::PermissionsExt};

use minster_model::{DatasetClass, DatasetRef, Role};
use minster_vault::{VaultFault, disk::Disk, folder};
use minster_vault_api::{
    Client, Denial, InputFile, NamedFile, PROTOCOL, Proposed, ProposedAction, Request, Response,
    RunManifest, frame,
};

use crate::common::{PURPOSES, Site, batch, dataset, denial, kind, manifest, turned_back};

#[test]
fn a_run_gets_its_tokens_and_the_log_no_identifier() {
    let site = Site::new();
    let serving = site.serve();
    let mut client = serving.client(Role::Ingest).unwrap();
    let opened = client.open_run(manifest("education", "census", 10)).unwrap();
    let upn = kind("upn");
    let one = client.pseudonymise(&upn, batch(&["Q330400024001", "CANARY"])).unwrap();
    assert_eq!(one[1], client.pseudonymise(&upn, batch(&["CANARY"])).unwrap()[0]);
    client.close_run(&[]).unwrap();
    let one = turned_back(&serving.run_key("education", &opened.run_key), &one);
    let other = serving.ask("health", "upn", &["Q330400024001", "CANARY"]).unwrap();
    assert!(one.iter().all(|pseudonym| !other.contains(pseudonym)), "two purposes share none");
    let kinds = serving.ask("education", "former-upn", &["CANARY"]).unwrap();
    assert_ne!(kinds[0], one[1], "two kinds share none");
    drop(serving);
    let text = fs::read_to_string(site.log()).unwrap();
    assert!(!text.contains("CANARY") && !text.contains("Q3304"));
    assert!(text.contains("\"count\":2") && text.contains("\"education\""));
    for purpose in ["education", "health"] {
        let bytes = fs::read(site.vault().join("registry").join(purpose)).unwrap();
        assert!(!bytes.windows(6).any(|window| window == b"CANARY"));
    }
}

#[test]
fn pseudonyms_outlive_a_restart_whatever_the_batches_were() {
    let site = Site::new();
    let identifiers: Vec<String> = (0..9_000).map(|n| format!("id{n}")).collect();
    let all: Vec<&str> = identifiers.iter().map(String::as_str).collect();
    let serving = site.serve();
    let whole = serving.ask("education", "upn", &all).unwrap();
    assert_eq!(serving.ask("education", "upn", &all[8_900..]).unwrap(), whole[8_900..]);
    drop(serving);
    let serving = site.serve();
    assert_eq!(serving.ask("education", "upn", &all[..100]).unwrap(), whole[..100]);
    let twice = serving.ask("education", "upn", &["new", "new", "id1"]).unwrap();
    assert_eq!((twice[0], twice[2]), (twice[1], whole[1]));
    let status = serving.client(Role::Auditor).unwrap().status().unwrap();
    let education = status.purposes.iter().find(|p| p.purpose.as_str() == "education").unwrap();
    assert_eq!(education.identifiers, 9_001);
}

#[test]
fn a_budget_counts_different_identifiers_of_a_run_and_of_a_day() {
    let site = Site::with(&PURPOSES.replace("run = 20_000, day = 50_000", "run = 3, day = 5"));
    let serving = site.serve();
    let upn = kind("upn");
    let mut client = serving.client(Role::Ingest).unwrap();
    assert_eq!(client.open_run(manifest("education", "census", 100)).unwrap().ceiling, 3);
    client.pseudonymise(&upn, batch(&["a", "b", "a"])).unwrap();
    client.pseudonymise(&upn, batch(&["a", "b", "b"])).unwrap();
    let denied = denial(client.pseudonymise(&upn, batch(&["c", "d"])));
    assert_eq!(denied, Denial::OverBudget { ceiling: 3 });
    client.pseudonymise(&upn, batch(&["c"])).unwrap();
    client.close_run(&[]).unwrap();
    assert_eq!(client.open_run(manifest("education", "census", 2)).unwrap().ceiling, 2);
    client.pseudonymise(&upn, batch(&["a", "d"])).unwrap();
    client.close_run(&[]).unwrap();
    client.open_run(manifest("education", "census", 3)).unwrap();
    let denied = denial(client.pseudonymise(&upn, batch(&["e", "f"])));
    assert!(matches!(denied, Denial::OverDay { budget: 5, .. }), "{denied}");
    client.pseudonymise(&upn, batch(&["a", "b", "c"])).unwrap();
    drop(client);
    drop(serving);
    let serving = site.serve();
    let denied = denial(serving.ask("education", "upn", &["x", "y"]));
    assert!(matches!(denied, Denial::OverDay { .. }), "a restart gives no new day: {denied}");
}

#[test]
fn each_role_has_its_own_questions() {
    let site = Site::new();
    let serving = site.serve();
    let (source, integrated) = (dataset(DatasetClass::Source), dataset(DatasetClass::Integrated));
    let (report, linkage) = (dataset(DatasetClass::Report), dataset(DatasetClass::Linkage));
    let (_, of_linkage) = serving.client(Role::Ingest).unwrap().create_key(&linkage).unwrap();
    let (_, of_source) = serving.client(Role::Ingest).unwrap().create_key(&source).unwrap();
    let (_, of_integrated) = serving.client(Role::Linker).unwrap().create_key(&integrated).unwrap();
    let (_, of_report) = serving.client(Role::Analyst).unwrap().create_key(&report).unwrap();
    let of = [&source, &integrated, &report, &linkage].map(|dataset| serving.recorded(dataset));
    let sha256 = of[0].as_str();
    let mut engineer = serving.client(Role::Ingest).unwrap();
    let run = engineer.open_run(manifest("education", "census", 1)).unwrap().run_key;
    let elsewhere =
        engineer.close_run(&[]).and_then(|()| engineer.open_run(manifest("education", "cin", 1)));
    let elsewhere = elsewhere.unwrap().run_key;
    for role in Role::ALL {
        let mut client = serving.client(role).unwrap();
        let is = |roles: &[Role]| roles.contains(&role);
        use Role::{Analyst, Auditor, Custodian, Ingest, Linker};
        let opens = client.open_run(manifest("education", "census", 1)).is_ok();
        assert_eq!(opens, is(&[Ingest]), "{role}");
        assert_eq!(client.create_key(&source).is_ok(), is(&[Ingest, Linker]), "{role}");
        assert_eq!(client.create_key(&integrated).is_ok(), is(&[Linker]), "{role}");
        assert_eq!(client.create_key(&report).is_ok(), is(&[Analyst, Linker]), "{role}");
        for run in [None, Some(&run)] {
            let opened = client.unwrap_key(&source, &of_source, run, sha256);
            assert_eq!(opened.is_ok(), is(&[Linker]), "{role}");
            assert!(opened.is_err() || opened.unwrap().run.is_some() == run.is_some(), "{role}");
        }
        // A run's key opens with the source's datasets alone, and with its own source's.
        assert!(
            client.unwrap_key(&source, &of_source, Some(&elsewhere), sha256).is_err(),
            "{role}"
        );
        assert!(
            client.unwrap_key(&integrated, &of_integrated, Some(&run), sha256).is_err(),
            "{role}"
        );
        let reads = client.unwrap_key(&integrated, &of_integrated, None, sha256).is_ok();
        assert_eq!(reads, is(&[Linker, Analyst]), "{role}");
        let reads = client.unwrap_key(&report, &of_report, None, sha256).is_ok();
        assert_eq!(reads, is(&[Analyst, Auditor, Linker]), "{role}");
        for (dataset, wrapped) in [(&source, &of_source), (&integrated, &of_integrated)] {
            assert_eq!(
                client.scan_key(dataset, wrapped, None, sha256).is_ok(),
                is(&[Linker]),
                "{role}"
            );
        }
        let scans = client.scan_key(&source, &of_source, Some(&run), sha256).is_ok();
        assert_eq!(scans, is(&[Linker]), "{role}");
        // Parts hang together and can be attacked by it: the linker alone reads them.
        assert_eq!(client.create_key(&linkage).is_ok(), is(&[Ingest]), "{role}");
        for run in [None, Some(&run)] {
            let opened = client.unwrap_key(&linkage, &of_linkage, run, sha256);
            assert_eq!(opened.is_ok(), is(&[Linker]), "{role}");
            assert!(opened.is_err() || opened.unwrap().run.is_some() == run.is_some(), "{role}");
        }
        assert!(client.scan_key(&linkage, &of_linkage, None, sha256).is_err(), "{role}");
        assert!(client.unwrap_key(&source, &of_linkage, None, sha256).is_err(), "{role}");
        let action = ProposedAction::Rotate { purpose: "health".parse().unwrap() };
        let (reference, reason) = ("KEYS/1".into(), "new keys".into());
        let expires = minster_tests::soon();
        let rotates = client.propose(Proposed { action, reference, reason, expires });
        assert_eq!(rotates.is_ok(), is(&[Custodian]), "{role}");
        assert_eq!(client.checkpoint().is_ok(), is(&[Custodian, Auditor]), "{role}");
        assert!(client.unwrap_key(&source, &of_integrated, None, sha256).is_err());
        client.status().unwrap();
    }
}

#[test]
fn parts_for_scored_matching_have_a_budget_of_their_own() {
    let purposes = PURPOSES.replacen(
        "budget = { run = 20_000, day = 50_000 }",
        "budget = { run = 3, day = 5 }\nlinkage = { run = 6, day = 10 }",
        1,
    );
    let site = Site::with(&purposes);
    let serving = site.serve();
    let mut client = serving.client(Role::Ingest).unwrap();
    let (name, digits) = (kind("linkage:name"), kind("linkage:birth-date-digits"));
    let opened = client.open_run(manifest("education", "census", 100)).unwrap();
    let one = client.pseudonymise(&name, batch(&["ANNA", "ANA", "ANN"])).unwrap();
    let other = client.pseudonymise(&digits, batch(&["ANNA"])).unwrap();
    let key = serving.run_key("education", &opened.run_key);
    let (one, other) = (turned_back(&key, &one), turned_back(&key, &other));
    // One text of two kinds has two tokens.
    assert!(one[0] != one[1] && one[0] != other[0]);
    let denied = denial(client.pseudonymise(&name, batch(&["A", "B", "C"])));
    assert!(matches!(denied, Denial::OverParts { budget: 6, .. }), "{denied}");
    // The budget of identifiers is another one, and is as it was.
    client.pseudonymise(&kind("upn"), batch(&["a", "b", "c"])).unwrap();
    client.close_run(&[]).unwrap();
    let opened = client.open_run(manifest("education", "cin", 100)).unwrap();
    // Another source has the same parts, else nothing could be matched.
    let again = client.pseudonymise(&name, batch(&["ANNA", "ANA", "ANN"])).unwrap();
    let mut linker = serving.client(Role::Linker).unwrap();
    let of_cin = DatasetRef { name: "cin".parse().unwrap(), ..dataset(DatasetClass::Linkage) };
    let (_, wrapped) = client.create_key(&of_cin).unwrap();
    let sha256 = serving.recorded(&of_cin);
    let opened = linker.unwrap_key(&of_cin, &wrapped, Some(&opened.run_key), &sha256);
    let key = opened.unwrap().run.unwrap();
    assert_eq!(turned_back(&key, &again), one);
    let denied = denial(client.pseudonymise(&name, batch(&["A", "B", "C", "D"])));
    assert!(
        matches!(denied, Denial::OverParts { .. } | Denial::OverDay { budget: 10, .. }),
        "{denied}"
    );
    client.pseudonymise(&name, batch(&["A", "B", "C"])).unwrap();
    client.close_run(&[]).unwrap();
    drop((client, linker));
    drop(serving);
    let serving = site.serve();
    let denied = denial(serving.ask("education", "linkage:name", &["X"]));
    assert!(matches!(denied, Denial::OverDay { .. }), "a restart gives no new day: {denied}");
    // A purpose that says nothing of parts makes none.
    let denied = denial(serving.ask("health", "linkage:name", &["X"]));
    assert!(matches!(denied, Denial::KindNotAllowed { .. }), "{denied}");
    // No registry knows a part: nobody can ask what stands behind one.
    let status = serving.client(Role::Custodian).unwrap().status().unwrap();
    let known = status.purposes.iter().map(|purpose| purpose.identifiers).max();
    assert_eq!(known, Some(3));
}

#[test]
fn a_purpose_opens_to_its_own_sources_and_roles_alone() {
    let over = "\n[[purpose]]\nname = \"old\"\ntext = \"t\"\nlegal_basis = \"b\"\n\
        notice = { version = 1, day = \"2026-09-01\", sentence = \"We count children.\" }\naudiences = [\"council-teams\", \"partners\", \"public\"]\nsources = []\nkinds = []\n\
        roles = [\"ingest\"]\nbudget = { run = 1, day = 1 }\nexpires = \"2020-12-31\"\n";
    let site = Site::with(&format!("{PURPOSES}{over}"));
    let serving = site.serve();
    let mut client = serving.client(Role::Ingest).unwrap();
    for purpose in ["unnamed", "old"] {
        let denied = denial(client.open_run(manifest(purpose, "census", 1)));
        assert!(matches!(denied, Denial::NoSuchPurpose { .. }), "{denied}");
    }
    let denied = denial(client.open_run(manifest("health", "cin", 1)));
    assert!(matches!(denied, Denial::SourceNotAllowed { .. }), "{denied}");
    client.open_run(manifest("health", "census", 1)).unwrap();
    let mut integrated = dataset(DatasetClass::Integrated);
    integrated.purpose = "health".parse().unwrap();
    let (_, wrapped) = serving.client(Role::Linker).unwrap().create_key(&integrated).unwrap();
    let sha256 = serving.recorded(&integrated);
    let mut analyst = serving.client(Role::Analyst).unwrap();
    let denied = denial(analyst.unwrap_key(&integrated, &wrapped, None, &sha256));
    assert!(matches!(denied, Denial::PurposeForbids { role: Role::Analyst, .. }), "{denied}");
}

#[test]
fn a_run_is_closed_with_the_files_that_it_was_opened_for() {
    let site = Site::new();
    let serving = site.serve();
    let mut client = serving.client(Role::Ingest).unwrap();
    let named = |name: &str, bytes| NamedFile { name: name.into(), bytes };
    let read = |name: &str, bytes| InputFile { name: name.into(), sha256: "5e".into(), bytes };
    let inputs = vec![named("a.csv", 7), named("b.csv", 8)];
    let manifest = RunManifest { inputs, ..manifest("education", "census", 1) };
    let whole = [read("a.csv", 7), read("b.csv", 8)];
    for other in [&whole[..1], &[], &[read("a.csv", 7), read("b.csv", 9)], &[read("c.csv", 7)]] {
        client.open_run(manifest.clone()).unwrap();
        assert!(matches!(denial(client.close_run(other)), Denial::OutOfOrder { .. }));
    }
    client.open_run(manifest).unwrap();
    client.close_run(&whole).unwrap();
    let log = fs::read_to_string(site.log()).unwrap();
    let closed: Vec<&str> = log.lines().filter(|line| line.contains("closed-run")).collect();
    assert_eq!(closed.len(), 1);
    assert!(closed[0].contains(r#"{"name":"b.csv","sha256":"5e","bytes":8}"#), "{closed:?}");
}

/// A delivery that is left out leaves no run open: ingestion has one connection, and asks for the next by it.
#[test]
fn a_run_that_is_left_is_not_closed_and_the_conversation_goes_on_with_another() {
    let site = Site::new();
    let serving = site.serve();
    let mut client = serving.client(Role::Ingest).unwrap();
    let ask = |client: &mut Client| client.pseudonymise(&kind("upn"), batch(&["a"]));
    client.open_run(manifest("education", "census", 10)).unwrap();
    ask(&mut client).unwrap();
    let second = client.open_run(manifest("education", "cin", 10));
    assert!(denial(second).to_string().contains("a run is open"));
    client.leave_run().unwrap();
    assert!(matches!(denial(ask(&mut client)), Denial::OutOfOrder { .. }));
    client.open_run(manifest("education", "cin", 10)).unwrap();
    ask(&mut client).unwrap();
    client.close_run(&[]).unwrap();
    let log = fs::read_to_string(site.log()).unwrap();
    let of = |event: &str| log.matches(&format!("\"event\":\"{event}\"")).count();
    assert_eq!((of("opened-run"), of("closed-run")), (2, 1));
    for role in Role::ALL.into_iter().filter(|role| *role != Role::Ingest) {
        let left = serving.client(role).unwrap().leave_run();
        assert!(matches!(denial(left), Denial::RoleForbids { .. }), "{role}");
    }
}

#[test]
fn a_uid_without_the_role_is_refused() {
    let site = Site::new();
    let toml = site.vault().join("vault.toml");
    let uid = rustix::process::getuid().as_raw();
    let text = fs::read_to_string(&toml).unwrap();
    fs::write(&toml, text.replace(&format!("linker = [{uid}]"), "linker = [4242]")).unwrap();
    let serving = site.serve();
    assert!(matches!(denial(serving.client(Role::Linker)), Denial::NotInRole { .. }));
    serving.client(Role::Ingest).unwrap();
}

#[test]
fn messages_out_of_order_or_of_another_release_are_refused() {
    let site = Site::new();
    let serving = site.serve();
    let mut client = serving.client(Role::Ingest).unwrap();
    assert!(matches!(
        denial(client.pseudonymise(&kind("upn"), batch(&["a"]))),
        Denial::OutOfOrder { .. }
    ));
    assert!(matches!(denial(client.close_run(&[])), Denial::OutOfOrder { .. }));
    let stream = std::os::unix::net::UnixStream::connect(site.path("sock")).unwrap();
    let hello = Request::Hello { protocol: 1, role: Role::Ingest, program: "old".into() };
    frame::write(&mut &stream, &hello).unwrap();
    let answer: Response = frame::read(&mut &stream).unwrap();
    assert!(matches!(answer, Response::Denied(Denial::Protocol { vault: PROTOCOL })));
    frame::write(&mut &stream, &Request::Status).unwrap();
    let answer: Response = frame::read(&mut &stream).unwrap();
    assert!(matches!(answer, Response::Denied(Denial::OutOfOrder { .. })));
}

#[test]
fn a_vault_that_others_may_read_is_refused() {
    let site = Site::new();
    let dir = site.vault();
    let files = ["store.json", "vault.toml", "log.jsonl"].map(|name| dir.join(name));
    for path in files.iter().chain([&dir, &site.path("key")]) {
        let before = fs::metadata(path).unwrap().permissions();
        fs::set_permissions(path, fs::Permissions::from_mode(before.mode() | 0o040)).unwrap();
        let outcome = folder::open_folder(&dir, &site.secret(), Disk::new());
        assert!(matches!(outcome, Err(VaultFault::Exposed { .. })), "{}", path.display());
        fs::set_permissions(path, before).unwrap();
    }
    folder::open_folder(&dir, &site.secret(), Disk::new()).unwrap();
}

#[test]
fn a_socket_in_a_folder_that_others_may_write_is_refused() {
    let site = Site::new();
    let shared = site.path("sock").parent().unwrap().to_owned();
    fs::set_permissions(&shared, fs::Permissions::from_mode(0o777)).unwrap();
    let outcome = site.serve_on(Disk::new(), None);
    assert!(matches!(outcome.err(), Some(VaultFault::Exposed { .. })));
}

#[test]
fn one_process_at_a_time() {
    let site = Site::new();
    let serving = site.serve();
    let second = folder::open_folder(&site.vault(), &site.secret(), Disk::new());
    assert!(matches!(second, Err(VaultFault::Served { .. })));
    drop(serving);
}
