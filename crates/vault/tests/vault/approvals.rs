//! Actions that two custodians must approve, and everything that is refused.

use std::fs;

use minster_model::{Pseudonym, Role};
use minster_vault::disk::Disk;
use minster_vault_api::{Approval, Client, Denial, Proposed, ProposedAction};

use crate::common::{PURPOSES, Serving, Site, batch, denial, kind, manifest};

fn proposed(action: ProposedAction) -> Proposed {
    Proposed {
        action,
        reference: "SAR/2026/14".into(),
        reason: "subject access".into(),
        expires: minster_tests::soon(),
    }
}

fn about(pseudonyms: &[Pseudonym]) -> ProposedAction {
    ProposedAction::Reidentify {
        purpose: "education".parse().unwrap(),
        pseudonyms: pseudonyms.to_vec(),
    }
}

fn custodian(serving: &Serving) -> Client {
    serving.client(Role::Custodian).unwrap()
}

fn id(text: &str) -> String {
    minster_vault::approvals::Proposal::id(text)
}

fn in_days(days: i64) -> String {
    let today = minster_vault::purposes::today();
    today.saturating_add(jiff::Span::new().days(days)).to_string()
}

fn why(denial: Denial) -> String {
    assert!(matches!(denial, Denial::Proposal { .. }), "{denial}");
    denial.to_string()
}

#[test]
fn two_custodians_let_the_requester_see_who_it_is_once() {
    let site = Site::new();
    let serving = site.serve();
    let made = serving.ask("education", "upn", &["CANARY1", "CANARY2"]).unwrap();
    let unknown = Pseudonym::from_bytes([9; 16]);
    let mut client = custodian(&serving);
    let text = client.propose(proposed(about(&[made[1], unknown]))).unwrap();
    assert!(text.contains("SAR/2026/14") && text.contains(&made[1].to_string()));
    let id = id(&text);

    assert!(why(denial(client.reidentify(&id))).contains("0 of 2"));
    assert_eq!(client.approve(site.sign("ann", &text)).unwrap(), 1);
    assert!(why(denial(client.approve(site.sign("ann", &text)))).contains("has approved"));
    assert!(why(denial(client.reidentify(&id))).contains("1 of 2"));
    let stranger = Approval { custodian: "cat".into(), ..site.sign("cat", &text) };
    assert!(why(denial(client.approve(stranger))).contains("no custodian"));
    let lent = Approval { custodian: "ben".into(), ..site.sign("ann", &text) };
    assert!(why(denial(client.approve(lent))).contains("not this custodian's"));
    let other = client.propose(proposed(about(&made))).unwrap();
    let moved = Approval { proposal: id.clone(), ..site.sign("ben", &other) };
    assert!(why(denial(client.approve(moved))).contains("not this custodian's"));
    assert_eq!(client.approve(site.sign("ben", &text)).unwrap(), 2);

    let found = client.reidentify(&id).unwrap();
    let (kind, identifiers) = found[0].found.as_ref().unwrap();
    assert_eq!((kind.as_str(), identifiers.iter().next().unwrap()), ("upn", &b"CANARY2"[..]));
    assert!(found[1].found.is_none());
    assert!(why(denial(client.reidentify(&id))).contains("once"));
    drop((client, serving));

    let serving = site.serve();
    let again = denial(custodian(&serving).reidentify(&id));
    assert!(why(again).contains("once"), "not after a restart either");
    let log = fs::read_to_string(site.log()).unwrap();
    assert!(!log.contains("CANARY") && !log.contains(&made[1].to_string()));
    assert!(!log.contains("subject access"), "reasons are sealed");
    assert!(log.contains("\"reidentified\"") && log.contains("SAR/2026/14"));
}

#[test]
fn only_custodians_ask_approve_and_see() {
    let site = Site::new();
    let serving = site.serve();
    let made = serving.ask("education", "upn", &["a"]).unwrap();
    let text = custodian(&serving).propose(proposed(about(&made))).unwrap();
    for role in [Role::Ingest, Role::Linker, Role::Analyst, Role::Auditor] {
        let mut client = serving.client(role).unwrap();
        let forbids = |denial| assert!(matches!(denial, Denial::RoleForbids { .. }), "{role}");
        forbids(denial(client.propose(proposed(about(&made)))));
        forbids(denial(client.approve(site.sign("ann", &text))));
        forbids(denial(client.reidentify(&id(&text)).map(drop)));
        let purpose = || "education".parse().unwrap();
        forbids(denial(client.propose(proposed(ProposedAction::Rotate { purpose: purpose() }))));
        let (version, give_up) = (minster_model::KeyVersion(1), vec![]);
        let retire = ProposedAction::Retire { purpose: purpose(), version, give_up };
        forbids(denial(client.propose(proposed(retire))));
    }
}

#[test]
fn an_expired_or_malformed_proposal_is_refused() {
    let site = Site::new();
    let serving = site.serve();
    let made = serving.ask("education", "upn", &["a"]).unwrap();
    let mut client = custodian(&serving);
    let good = || proposed(about(&made));
    for (bad, word) in [
        (Proposed { expires: "2020-01-01".into(), ..good() }, "over"),
        (Proposed { expires: "soon".into(), ..good() }, "date"),
        (Proposed { expires: in_days(93), ..good() }, "more than 92 days ahead"),
        (Proposed { reason: "a\u{202e}b".into(), ..good() }, "not seen"),
        (Proposed { reason: "a\u{9b}2Jb".into(), ..good() }, "not seen"),
        (Proposed { reference: "Jane Doe".into(), ..good() }, "reference"),
        (Proposed { reference: "9434765919".into(), ..good() }, "nine digits"),
        (Proposed { reference: "Q330400024001".into(), ..good() }, "nine digits"),
        (Proposed { reason: " ".into(), ..good() }, "reason"),
        (Proposed { reason: "a\nb".into(), ..good() }, "reason"),
        (proposed(about(&[])), "pseudonyms"),
    ] {
        assert!(why(denial(client.propose(bad))).contains(word), "{word}");
    }
    client.propose(Proposed { expires: in_days(92), ..good() }).unwrap();
    let nowhere = ProposedAction::Reidentify {
        purpose: "unnamed".parse().unwrap(),
        pseudonyms: made.clone(),
    };
    assert!(matches!(denial(client.propose(proposed(nowhere))), Denial::NoSuchPurpose { .. }));
    assert!(
        why(denial(client.approve(Approval {
            proposal: "0".repeat(16),
            custodian: "ann".into(),
            signature: vec![0; 64],
        })))
        .contains("no such one")
    );
}

#[test]
fn a_changed_or_missing_text_is_not_carried_out() {
    let site = Site::new();
    let serving = site.serve();
    let made = serving.ask("education", "upn", &["a"]).unwrap();
    let mut client = custodian(&serving);
    let texts: Vec<String> =
        (0..2).map(|_| client.propose(proposed(about(&made))).unwrap()).collect();
    for text in &texts {
        for name in ["ann", "ben"] {
            client.approve(site.sign(name, text)).unwrap();
        }
    }
    let file = |text: &str| site.vault().join("proposals").join(id(text));
    let mut bytes = fs::read(file(&texts[0])).unwrap();
    bytes[40] ^= 1;
    fs::write(file(&texts[0]), bytes).unwrap();
    fs::rename(file(&texts[0]), file(&texts[1])).unwrap();
    for text in &texts {
        assert!(why(denial(client.reidentify(&id(text)))).contains("missing or was changed"));
    }
}

#[test]
fn a_new_purpose_needs_two_custodians() {
    let site = Site::new();
    let definition = PURPOSES
        .split("[[purpose]]")
        .nth(1)
        .map(|one| format!("[[purpose]]{}", one.replace("\"education\"", "\"transport\"")))
        .map(|one| one.replacen("version = 1", "version = 2", 1))
        .unwrap();
    let serving = site.serve();
    let mut client = custodian(&serving);
    assert!(matches!(
        denial(serving.ask("transport", "upn", &["a"])),
        Denial::NoSuchPurpose { .. }
    ));
    let text = client.propose(proposed(ProposedAction::Purpose(definition))).unwrap();
    client.approve(site.sign("ann", &text)).unwrap();
    assert!(why(denial(client.enact(&id(&text)))).contains("1 of 2"));
    client.approve(site.sign("ben", &text)).unwrap();
    client.enact(&id(&text)).unwrap();
    let made = serving.ask("transport", "upn", &["a"]).unwrap();
    drop((client, serving));
    let serving = site.serve();
    assert_eq!(serving.ask("transport", "upn", &["a"]).unwrap(), made);
    let bad = proposed(ProposedAction::Purpose("[[purpose]]\nname = \"x\"\n".into()));
    assert!(matches!(denial(custodian(&serving).propose(bad)), Denial::Proposal { .. }));
}

#[test]
fn a_larger_first_load_is_allowed_for_one_run() {
    let site = Site::with(&PURPOSES.replace("run = 20_000, day = 50_000", "run = 2, day = 2"));
    let serving = site.serve();
    let mut engineer = serving.client(Role::Ingest).unwrap();
    let load = ProposedAction::Load {
        purpose: "education".parse().unwrap(),
        source: "census".parse().unwrap(),
        ceiling: 4,
    };
    let text = engineer.propose(proposed(load)).unwrap();
    let mut client = custodian(&serving);
    client.approve(site.sign("ann", &text)).unwrap();
    client.approve(site.sign("ben", &text)).unwrap();
    engineer.enact(&id(&text)).unwrap();
    assert_eq!(engineer.open_run(manifest("education", "cin", 4)).unwrap().ceiling, 2);
    engineer.close_run(&[]).unwrap();
    assert_eq!(engineer.open_run(manifest("education", "census", 9)).unwrap().ceiling, 4);
    engineer.pseudonymise(&kind("upn"), batch(&["a", "b", "c", "d"])).unwrap();
    engineer.close_run(&[]).unwrap();
    assert_eq!(engineer.open_run(manifest("education", "census", 9)).unwrap().ceiling, 2);
}

#[test]
fn a_child_s_pseudonyms_are_found_under_the_same_approval() {
    let site = Site::new();
    let serving = site.serve();
    let educated = serving.ask("education", "upn", &["Q330400024001"]).unwrap()[0];
    let mut client = custodian(&serving);
    let subject =
        ProposedAction::Subject { kind: kind("upn"), identifier: batch(&["Q330400024001"]) };
    let text = client.propose(proposed(subject)).unwrap();
    assert!(!text.contains("Q3304"), "the text that is passed around holds a keyed tag");
    let id = id(&text);
    for name in ["ann", "ben"] {
        client.compare_subject(&id, batch(&["Q330400024001"])).unwrap();
        client.approve(site.sign(name, &text)).unwrap();
    }
    let other = denial(client.find_subject(&id, &kind("upn"), batch(&["Q330400024002"])));
    assert!(why(other).contains("another identifier"));
    let found = client.find_subject(&id, &kind("upn"), batch(&["Q330400024001"])).unwrap();
    assert_eq!(found.len(), 2, "one a purpose");
    assert!(found.iter().any(|one| one.pseudonym == educated && one.answered));
    assert!(found.iter().any(|one| one.purpose.as_str() == "health" && !one.answered));
    assert!(
        why(denial(client.find_subject(&id, &kind("upn"), batch(&["Q330400024001"]))))
            .contains("once")
    );
    assert!(!fs::read_to_string(site.log()).unwrap().contains("Q3304"));
}

fn about_one_child(number: &str) -> Proposed {
    proposed(ProposedAction::Subject { kind: kind("upn"), identifier: batch(&[number]) })
}

#[test]
fn whoever_approves_an_access_request_names_the_child_too() {
    let site = Site::new();
    let serving = site.serve();
    let mut client = custodian(&serving);
    let text = client.propose(about_one_child("Q330400024001")).unwrap();
    let other = client.propose(about_one_child("Q330400024002")).unwrap();
    let id = id(&text);
    let unnamed = |denial| assert!(why(denial).contains("types the child's number first"));
    unnamed(denial(client.approve(site.sign("ann", &text))));
    assert!(!client.compare_subject(&id, batch(&["Q330400024002"])).unwrap());
    unnamed(denial(client.approve(site.sign("ann", &text))));
    // The number of another proposal's child is none of this one's.
    assert!(client.compare_subject(&self::id(&other), batch(&["Q330400024002"])).unwrap());
    unnamed(denial(client.approve(site.sign("ann", &text))));
    assert!(client.compare_subject(&id, batch(&["Q330400024001"])).unwrap());
    // Ann named it in her conversation, and Ben has one of his own.
    unnamed(denial(custodian(&serving).approve(site.sign("ben", &text))));
    assert_eq!(client.approve(site.sign("ann", &text)).unwrap(), 1);
    let log = fs::read_to_string(site.log()).unwrap();
    assert_eq!(log.matches("\"compared-subject\"").count(), 3);
    assert!(!log.contains("Q3304"));
}

#[test]
fn numbers_are_not_tried_out_by_comparing_them_with_a_proposal() {
    let site = Site::new();
    let serving = site.serve();
    let mut client = custodian(&serving);
    let text = client.propose(about_one_child("Q330400024001")).unwrap();
    let id = id(&text);
    for wrong in 0..5 {
        assert!(!client.compare_subject(&id, batch(&[format!("wrong{wrong}")])).unwrap());
    }
    drop((client, serving));
    let serving = site.serve();
    let right = custodian(&serving).compare_subject(&id, batch(&["Q330400024001"]));
    assert!(why(denial(right)).contains("5 wrong numbers"), "not after a restart either");
    let mut ingest = serving.client(Role::Ingest).unwrap();
    let compared = denial(ingest.compare_subject(&id, batch(&["Q330400024001"])));
    assert!(matches!(compared, Denial::RoleForbids { .. }), "{compared}");
}

#[test]
fn open_proposals_are_listed_with_those_who_signed_and_those_who_may() {
    let site = Site::new();
    let serving = site.serve();
    let made = serving.ask("education", "upn", &["a", "b"]).unwrap();
    let mut client = custodian(&serving);
    assert!(client.proposals().unwrap().is_empty());
    let later = client.propose(proposed(about(&made))).unwrap();
    let tomorrow = minster_vault::purposes::today().tomorrow().unwrap();
    let rotate = ProposedAction::Rotate { purpose: "health".parse().unwrap() };
    let sooner = Proposed { expires: tomorrow.to_string(), ..proposed(rotate) };
    let sooner = client.propose(sooner).unwrap();
    client.approve(site.sign("ben", &later)).unwrap();
    let open = serving.client(Role::Auditor).unwrap().proposals().unwrap();
    let names: Vec<_> = open.iter().map(|one| (one.proposal.clone(), one.days_left)).collect();
    assert_eq!(names, [(id(&sooner), 1), (id(&later), 30)]);
    let of = &open[1];
    assert_eq!((of.action.as_str(), of.count, of.missing), ("reidentify", 2, 1));
    assert_eq!(
        (&of.signed[..], &of.may_sign[..]),
        (&["ben".to_owned()][..], &["ann".to_owned()][..])
    );
    assert_eq!(of.purpose.as_ref().unwrap().as_str(), "education");
    assert_eq!((of.reference.as_str(), &of.expires), ("SAR/2026/14", &minster_tests::soon()));
    assert_eq!(of.requester, Some(rustix::process::getuid().as_raw()));
    client.approve(site.sign("ann", &later)).unwrap();
    let full = client.proposals().unwrap().remove(1);
    assert_eq!((full.missing, full.may_sign.len()), (0, 0));
    client.reidentify(&id(&later)).unwrap();
    assert_eq!(client.proposals().unwrap().len(), 1, "one that was carried out is open no more");
    for role in [Role::Ingest, Role::Linker, Role::Analyst] {
        let denied = denial(serving.client(role).unwrap().proposals());
        assert!(matches!(denied, Denial::RoleForbids { .. }), "{role}");
        let denied = denial(serving.client(role).unwrap().read_log(0));
        assert!(matches!(denied, Denial::RoleForbids { .. }), "{role}");
    }
}

#[test]
fn the_log_is_read_through_the_socket_as_it_stands() {
    let site = Site::new();
    let serving = site.serve();
    serving.ask("education", "upn", &["a"]).unwrap();
    for role in [Role::Custodian, Role::Auditor] {
        let mut client = serving.client(role).unwrap();
        let page = client.read_log(0).unwrap();
        assert_eq!(page.lines, fs::read(site.log()).unwrap());
        assert!(client.read_log(page.next).unwrap().lines.is_empty());
        assert!(matches!(denial(client.read_log(7)), Denial::Fault { .. }));
        let copy = site.path("copy");
        fs::write(&copy, page.lines).unwrap();
        minster_vault::log::verify(&copy, None).unwrap();
    }
}

#[test]
fn a_proposal_is_carried_out_by_the_uid_that_made_it() {
    let site = Site::new();
    let serving = site.serve();
    let made = serving.ask("education", "upn", &["a"]).unwrap();
    let text = custodian(&serving).propose(proposed(about(&made))).unwrap();
    for name in ["ann", "ben"] {
        custodian(&serving).approve(site.sign(name, &text)).unwrap();
    }
    drop(serving);
    // The socket tells the uid, and a test has but one: the conversation is held without the socket.
    let vault = site.open(Disk::new()).unwrap();
    let answer = |uid| {
        let mut session = minster_vault::session::Session::new(&vault, uid);
        session.answer(minster_vault_api::Request::Hello {
            protocol: minster_vault_api::PROTOCOL,
            role: Role::Custodian,
            program: "test".into(),
        });
        session.answer(minster_vault_api::Request::Reidentify { proposal: id(&text) })
    };
    let own = rustix::process::getuid().as_raw();
    assert!(!matches!(answer(own + 1), minster_vault_api::Response::Identifiers(_)));
    assert!(matches!(answer(own), minster_vault_api::Response::Identifiers(_)));
}

#[test]
fn a_custodian_who_leaves_approves_no_more() {
    let site = Site::new();
    let serving = site.serve();
    let made = serving.ask("education", "upn", &["a"]).unwrap();
    let mut client = custodian(&serving);
    let open = client.propose(proposed(about(&made))).unwrap();
    client.approve(site.sign("ann", &open)).unwrap();
    let keys = |names: &[&str]| {
        let keys = names.iter().map(|name| site.custodian(name));
        ProposedAction::Custodians(keys.map(|key| (key.name, key.key)).collect())
    };
    assert!(why(denial(client.propose(proposed(keys(&["ben"]))))).contains("two or more"));
    assert!(why(denial(client.propose(proposed(keys(&["ben", "ben"]))))).contains("two or more"));
    let text = client.propose(proposed(keys(&["ben", "cat"]))).unwrap();
    for name in ["ann", "ben"] {
        client.approve(site.sign(name, &text)).unwrap();
    }
    client.enact(&id(&text)).unwrap();
    assert!(why(denial(client.approve(site.sign("ann", &open)))).contains("no custodian"));
    assert_eq!(client.approve(site.sign("ben", &open)).unwrap(), 1, "ann's counts no more");
    assert_eq!(client.approve(site.sign("cat", &open)).unwrap(), 2);
    client.reidentify(&id(&open)).unwrap();
    drop((client, serving));
    minster_vault::log::verify(&site.log(), None).unwrap();
    assert_eq!(site.open(Disk::new()).unwrap().status().unwrap().custodians, ["ben", "cat"]);
}
