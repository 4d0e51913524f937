//! Disposal at the vault: it leaves nothing of its persons but a keyed tombstone, its list is applied to all datasets, and its receipt stays.

use std::{collections::BTreeSet, fs};

use minster_model::{DatasetClass, Pseudonym, Role};
use minster_vault::{disk::Disk, registry::Births};
use minster_vault_api::{
    CarriedOut, Denial, DisposalCounts, DisposalReceipt, DisposedDataset, ProposedAction,
    RecordedManifest, Response, Token, note::Verifier,
};

use crate::{
    common::{
        Serving, Site, batch, carried_out, copy, dataset, denial, enact_at, kind, manifest,
        retired, rotated,
    },
    crash::at_every_write,
    retention::{
        ask, child, dispose, disposed, education, facts, files, filled, held, id, list, plan,
        proposed, run, upn,
    },
    told::packed,
};

/// The middle one of three birth dates of a child, and one that was told beside the number alone, leave too.
#[test]
fn no_birth_date_of_a_person_who_left_stays_in_the_books() {
    let site = Site::new();
    let serving = site.serve();
    filled(&serving);
    let days = ["1988-01-31", "1989-05-05"];
    let more: Vec<_> =
        days.iter().map(|day| facts(&[("upn", &upn(0))], &[], &[], Some(day))).collect();
    run(&serving, "census", &more).unwrap();
    let mut client = serving.client(Role::Ingest).unwrap();
    client.open_run(manifest("education", "census", 10_000)).unwrap();
    let numbers = [upn(0), upn(0), upn(0), upn(0), upn(10)];
    client.pseudonymise(&kind("upn"), batch(&[upn(0), upn(10)])).unwrap();
    let born = ["1988-01-31", "1989-05-05", "1990-06-01", "1907-12-24", "2010-06-01"];
    client.tell_births(&kind("upn"), batch(&numbers), batch(&born)).unwrap();
    client.close_run(&[]).unwrap();
    drop(client);
    disposed(&site, &serving, "2026-01-01");
    drop(serving);
    let opened = minster_vault::folder::open_folder(&site.vault(), &site.secret(), Disk::new());
    let opened = opened.unwrap();
    let (keys, head) = (opened.folder.keys, opened.state.purposes[&education()].births.clone());
    let path = site.vault().join("births/education");
    let births = Births::open(&path, &keys, &education(), head.as_ref(), Disk::new()).unwrap().0;
    let (links, beside) = (keys.link_key(&kind("upn")), keys.beside_key(&education()));
    let is_told = |(number, day): (&String, &&str)| {
        births.is_told(&beside.beside(&links.link(number.as_bytes()), day.as_bytes()), u32::MAX)
    };
    let told: Vec<bool> = numbers.iter().zip(&born).map(is_told).collect();
    assert_eq!(told, [false, false, false, false, true]);
}

#[test]
fn a_disposal_leaves_nothing_of_its_persons_but_a_tombstone() {
    let site = Site::new();
    let serving = site.serve();
    filled(&serving);
    let gone: BTreeSet<Pseudonym> = (0..6)
        .flat_map(|n| [ask(&serving, "upn", &upn(n)), ask(&serving, "la-child-id", &child(n))])
        .flatten()
        .collect();
    let kept = ask(&serving, "upn", &upn(10)).unwrap();
    let (of, counts) = disposed(&site, &serving, "2026-01-01");
    assert_eq!(counts, DisposalCounts { persons: 6, numbers: 12, beside: 6, no_longer_due: 0 });
    let (head, listed) = list(&serving, &of);
    assert_eq!((head.list.as_str(), head.pseudonyms), (of.as_str(), 12));
    assert_eq!(head.kinds, [kind("la-child-id"), kind("upn")]);
    assert_eq!(listed, gone.iter().copied().collect::<Vec<_>>(), "ascending, each once");
    for n in 0..6 {
        assert_eq!(ask(&serving, "upn", &upn(n)), None, "blocked");
        assert_eq!(ask(&serving, "la-child-id", &child(n)), None, "blocked");
    }
    assert_eq!(ask(&serving, "upn", &upn(10)), Some(kept), "the others stay as they were");
    let now = plan(&serving, "2036-01-01");
    assert_eq!((now.due, now.unscheduled), (Some(6), Some(0)), "nothing is known of the six");
    assert!(now.undetermined.is_empty(), "{:?}", now.undetermined);
    // Nobody undoes a disposal.
    let action = ProposedAction::Reidentify { purpose: education(), pseudonyms: listed.clone() };
    let mut client = serving.client(Role::Custodian).unwrap();
    let text = proposed(&mut client, action).unwrap();
    for name in ["ann", "ben"] {
        client.approve(site.sign(name, &text)).unwrap();
    }
    let found = client.reidentify(&id(&text)).unwrap();
    assert!(found.iter().all(|one| one.found.is_none()));
    drop((client, serving));
    // After a restart it is the same.
    let serving = site.serve();
    assert_eq!(ask(&serving, "upn", &upn(3)), None);
    assert_eq!(ask(&serving, "upn", &upn(10)), Some(kept));
    assert_eq!(list(&serving, &of).1, listed);
    drop(serving);
    minster_vault::log::verify(&site.log(), None).unwrap();
    for (path, bytes) in files(&site) {
        assert!(!bytes.windows(6).any(|part| part == b"CANARY"), "{path}");
    }
    let anew = files(&site).into_iter().filter(|(path, _)| path.ends_with(".anew")).count();
    assert_eq!(anew, 0);
}

/// A match key that stood beside a person alone may stand in a row without a number: its pseudonym has a successor under new keys,
/// and nothing leads back from it.
#[test]
fn a_match_key_beside_a_person_who_left_goes_over_to_new_keys_and_names_nobody() {
    let site = Site::new();
    let serving = site.serve();
    filled(&serving);
    let key = serving.ask("education", "match-key:name", &["CANARY-KEY-002"]).unwrap()[0];
    let (of, _) = disposed(&site, &serving, "2026-01-01");
    let (_, listed) = list(&serving, &of);
    assert!(!listed.contains(&key));
    let action = ProposedAction::Reidentify { purpose: education(), pseudonyms: vec![key] };
    let mut client = serving.client(Role::Custodian).unwrap();
    let text = proposed(&mut client, action).unwrap();
    for name in ["ann", "ben"] {
        client.approve(site.sign(name, &text)).unwrap();
    }
    assert!(client.reidentify(&id(&text)).unwrap()[0].found.is_none());
    let mut linker = serving.client(Role::Linker).unwrap();
    let bytes = linker.disposal_list(&of).unwrap();
    let sha256 = minster_vault::approvals::sha256(std::str::from_utf8(&bytes).unwrap());
    let unchanged = DisposedDataset {
        dataset: dataset(DatasetClass::Source),
        before: "d".repeat(64),
        after: "d".repeat(64),
        rows: 0,
        cells: 0,
        files: 0,
    };
    let mut receipt = DisposalReceipt {
        list: of,
        sha256,
        datasets: vec![],
        shredded: 0,
        snapshots: 0,
        shared_ids: 0,
    };
    // Nothing was done to the dataset, and the receipt is silent about it.
    let silent = denial(linker.report_disposal(&education(), receipt.clone()));
    assert!(silent.to_string().contains("source/census/2024-25"), "{silent}");
    receipt.datasets.push(unchanged);
    linker.report_disposal(&education(), receipt).unwrap();
    rotated(&site, &serving, "education");
    let pairs = linker.crosswalk(&education(), minster_model::KeyVersion(1)).unwrap();
    assert!(pairs.iter().any(|(old, _)| *old == key));
    assert!(pairs.iter().all(|(old, _)| !listed.contains(old)));
}

/// A blocked number has no place in the registry, and a caller who tries such numbers out pays for them.
#[test]
fn blocked_numbers_are_not_registered_again_and_count_in_the_budget() {
    let site = Site::new();
    let serving = site.serve();
    filled(&serving);
    let pseudonym = serving.ask("education", "upn", &[&upn(0)]).unwrap()[0];
    disposed(&site, &serving, "2026-01-01");
    let identifiers = |serving: &Serving| {
        let status = serving.client(Role::Auditor).unwrap().status().unwrap();
        status.purposes.iter().find(|of| of.purpose == education()).unwrap().identifiers
    };
    let before = identifiers(&serving);
    let mut client = serving.client(Role::Ingest).unwrap();
    let opened = client.open_run(manifest("education", "census", 3)).unwrap();
    let numbers = [upn(0), upn(1), upn(2)];
    let tokens = client.pseudonymise_some(&kind("upn"), batch(&numbers)).unwrap();
    assert!(tokens.iter().all(Option::is_none));
    let more = client.pseudonymise_some(&kind("upn"), batch(&[upn(3)]));
    assert!(matches!(denial(more), Denial::OverBudget { .. }));
    // A holder of the pseudonym and of the run's key tells nothing of them either.
    let mut bytes = *pseudonym.as_bytes();
    serving.run_key("education", &opened.run_key).cipher().to_tokens(&mut bytes);
    let row = [facts(&[("upn", &upn(0))], &[], &[], Some("1990-06-01"))];
    let told = client.tell_facts(packed(&row, |_| Token::from_bytes(bytes)));
    assert!(matches!(denial(told), Denial::OutOfOrder { .. }), "nothing is told of them");
    client.close_run(&[]).unwrap();
    assert_eq!(identifiers(&serving), before);
}

#[test]
fn a_run_that_was_open_when_records_were_disposed_of_is_begun_anew() {
    let site = Site::new();
    let serving = site.serve();
    filled(&serving);
    let mut client = serving.client(Role::Ingest).unwrap();
    client.open_run(manifest("education", "census", 100)).unwrap();
    let token = client.pseudonymise(&kind("upn"), batch(&[upn(10)])).unwrap()[0];
    let row = [facts(&[("upn", &upn(10))], &[], &[], Some("2010-06-01"))];
    client.tell_facts(packed(&row, |_| token)).unwrap();
    disposed(&site, &serving, "2026-01-01");
    let told = client.tell_facts(packed(&row, |_| token));
    assert!(matches!(denial(told), Denial::OutOfOrder { .. }));
    let more = client.pseudonymise(&kind("upn"), batch(&[upn(11)]));
    assert!(matches!(denial(more), Denial::OutOfOrder { .. }));
}

#[test]
fn what_is_not_due_any_more_stays() {
    let site = Site::new();
    let serving = site.serve();
    filled(&serving);
    let mut client = serving.client(Role::Custodian).unwrap();
    let text = proposed(&mut client, dispose("2026-01-01")).unwrap();
    for name in ["ann", "ben"] {
        client.approve(site.sign(name, &text)).unwrap();
    }
    held(&site, &serving, &upn(5));
    // A plan that came to light since, and a further number of child 1, of which the custodians did not know.
    let new = [
        facts(&[("la-child-id", &child(0))], &[], &["plan"], None),
        facts(&[("la-child-id", &child(99)), ("upn", &upn(1))], &[], &[], None),
    ];
    run(&serving, "cin", &new).unwrap();
    let CarriedOut::Disposed(counts) = client.enact(&id(&text)).unwrap() else { panic!() };
    assert_eq!((counts.persons, counts.numbers, counts.no_longer_due), (3, 6, 6));
    for n in [0, 1, 5] {
        assert!(ask(&serving, "upn", &upn(n)).is_some(), "{n}");
    }
    assert!(matches!(denial(client.enact(&id(&text))), Denial::Proposal { .. }), "once");
}

#[test]
fn a_disposal_needs_one_version_of_the_keys_and_no_open_list() {
    let site = Site::new();
    let serving = site.serve();
    filled(&serving);
    let mut client = serving.client(Role::Custodian).unwrap();
    let later = proposed(&mut client, dispose("2999-01-01"));
    assert!(denial(later).to_string().contains("before its day"));
    rotated(&site, &serving, "education");
    let why = denial(proposed(&mut client, dispose("2026-01-01"))).to_string();
    assert!(why.contains("retire it"), "{why}");
    retired(&site, &serving, 1, &[]).unwrap();
    let (of, _) = disposed(&site, &serving, "2026-01-01");
    let second = denial(proposed(&mut client, dispose("2026-01-01"))).to_string();
    assert!(second.contains("is not applied yet"), "{second}");
    let rotate = carried_out(&site, &serving, ProposedAction::Rotate { purpose: education() });
    assert!(denial(rotate).to_string().contains(&of), "the list's pseudonyms are of this version");
}

/// The store's part: manifests are recorded for an open list alone, and a receipt closes it.
#[test]
fn a_list_is_closed_by_a_receipt_and_older_snapshots_count_no_more() {
    let site = Site::new();
    let serving = site.serve();
    filled(&serving);
    let of = dataset(DatasetClass::Source);
    let recorded = |sha: &str| RecordedManifest { dataset: of.clone(), sha256: sha.repeat(64) };
    let mut ingest = serving.client(Role::Ingest).unwrap();
    ingest.create_key(&of).unwrap();
    ingest.record_manifest(recorded("a"), None).unwrap();
    ingest.record_manifest(recorded("b"), None).unwrap();
    let mut linker = serving.client(Role::Linker).unwrap();
    let linked = dataset(DatasetClass::Integrated);
    linker.create_key(&linked).unwrap();
    let of_linked =
        |sha: &str| RecordedManifest { dataset: linked.clone(), sha256: sha.repeat(64) };
    linker.record_manifest(of_linked("1"), None).unwrap();
    linker.record_manifest(of_linked("2"), None).unwrap();
    let early = linker.record_disposed(recorded("c"), &"b".repeat(64), &"0".repeat(16));
    assert!(matches!(denial(early), Denial::NotRecorded { .. }), "no list is open");
    let (list_id, _) = disposed(&site, &serving, "2026-01-01");
    let sha256 = minster_vault::approvals::sha256(
        std::str::from_utf8(&linker.disposal_list(&list_id).unwrap()).unwrap(),
    );
    let old = linker.record_disposed(recorded("c"), &"a".repeat(64), &list_id);
    assert!(matches!(denial(old), Denial::NotRecorded { .. }), "from another than the newest");
    let other = ingest.record_disposed(recorded("c"), &"b".repeat(64), &list_id);
    assert!(matches!(denial(other), Denial::RoleForbids { .. }));
    let report = dataset(DatasetClass::Report);
    let report = RecordedManifest { dataset: report, sha256: "e".repeat(64) };
    let other = denial(linker.record_disposed(report, &"e".repeat(64), &list_id));
    assert!(other.to_string().contains("of its class"), "{other}");
    linker.record_disposed(recorded("c"), &"b".repeat(64), &list_id).unwrap();
    let twice = denial(linker.record_disposed(recorded("f"), &"c".repeat(64), &list_id));
    assert!(twice.to_string().contains("applied to the dataset already"), "{twice}");
    let told = |dataset: &minster_model::DatasetRef, before: &str, after: &str| DisposedDataset {
        dataset: dataset.clone(),
        before: before.repeat(64),
        after: after.repeat(64),
        rows: 6,
        cells: 0,
        files: 1,
    };
    let receipt = |after: &str, sha256: &str| DisposalReceipt {
        list: list_id.clone(),
        sha256: sha256.into(),
        datasets: vec![told(&of, "b", after), told(&linked, "2", "2")],
        shredded: 0,
        snapshots: 1,
        shared_ids: 0,
    };
    let mut refused = |datasets: Vec<DisposedDataset>| {
        let receipt = DisposalReceipt { datasets, ..receipt("c", &sha256) };
        denial(linker.report_disposal(&education(), receipt)).to_string()
    };
    assert!(refused(vec![]).contains("does not tell of"));
    assert!(refused(vec![told(&of, "b", "c")]).contains("does not tell of integrated/"));
    assert!(
        refused(vec![told(&of, "a", "c"), told(&linked, "2", "2")]).contains("other of source/")
    );
    assert!(
        refused(vec![told(&of, "c", "c"), told(&linked, "2", "2")]).contains("other of source/")
    );
    assert!(refused(vec![told(&of, "b", "c"), told(&linked, "1", "2")]).contains("other of integ"));
    assert!(refused(vec![told(&of, "b", "c"); 2]).contains("other of source/"));
    let early = linker.disposal_receipt(&list_id);
    assert!(matches!(denial(early), Denial::Proposal { .. }), "there is none yet");
    let wrong = linker.report_disposal(&education(), receipt("b", &sha256));
    assert!(matches!(denial(wrong), Denial::OtherManifest { .. }), "not what stands");
    let wrong = linker.report_disposal(&education(), receipt("c", &"0".repeat(64)));
    assert!(matches!(denial(wrong), Denial::OutOfOrder { .. }), "another list");
    let note = linker.report_disposal(&education(), receipt("c", &sha256)).unwrap();
    let verifier: Verifier = linker.status().unwrap().verifier.parse().unwrap();
    let text = verifier.open(&note).unwrap();
    assert!(text.contains(&list_id) && text.contains("\"rows\": 6"), "{text}");
    assert!(matches!(denial(linker.disposal_list(&list_id)), Denial::Proposal { .. }));
    assert!(!site.vault().join("disposals").join(&list_id).exists(), "the list is destroyed");
    let again = linker.report_disposal(&education(), receipt("c", &sha256));
    assert!(matches!(denial(again), Denial::OutOfOrder { .. }));
    // A linker who lost the receipt is given the same again; nobody else is.
    assert_eq!(linker.disposal_receipt(&list_id).unwrap(), note);
    assert_eq!(serving.client(Role::Custodian).unwrap().disposal_receipt(&list_id).unwrap(), note);
    assert!(matches!(denial(ingest.disposal_receipt(&list_id)), Denial::RoleForbids { .. }));
    // A copy of the store is not recorded as new, by nobody who writes, and not after the dataset was begun anew.
    for sha in ["a", "b"] {
        let replayed = denial(ingest.record_manifest(recorded(sha), None)).to_string();
        assert!(replayed.contains("of before a disposal"), "{replayed}");
    }
    let replayed = denial(linker.record_manifest(of_linked("1"), None)).to_string();
    assert!(replayed.contains("of before a disposal"), "{replayed}");
    let gone = ProposedAction::Snapshot { dataset: of.clone(), sha256: None };
    carried_out(&site, &serving, gone).unwrap();
    let replayed = denial(ingest.record_manifest(recorded("b"), None)).to_string();
    assert!(replayed.contains("of before a disposal"), "{replayed}");
    ingest.record_manifest(recorded("9"), None).unwrap();
    // A snapshot of before has no way back, not even by two custodians.
    for sha in ["a", "b"] {
        let sha256 = Some(sha.repeat(64));
        let back = ProposedAction::Snapshot { dataset: of.clone(), sha256 };
        assert!(matches!(denial(carried_out(&site, &serving, back)), Denial::Proposal { .. }));
    }
}

/// The process is killed at each write of a disposal. Afterwards all of the purpose's files are of before, or all of after.
#[test]
fn a_killed_disposal_is_whole_or_not_at_all() {
    let site = Site::new();
    let serving = site.serve();
    filled(&serving);
    let mut client = serving.client(Role::Custodian).unwrap();
    let text = proposed(&mut client, dispose("2026-01-01")).unwrap();
    for name in ["ann", "ben"] {
        client.approve(site.sign(name, &text)).unwrap();
    }
    drop((client, serving));
    copy(&site.vault(), &site.path("before"));
    let steps = at_every_write(|disk| {
        fs::remove_dir_all(site.vault()).unwrap();
        copy(&site.path("before"), &site.vault());
        let done = site.open(disk).is_ok_and(|vault| {
            matches!(enact_at(&vault, &id(&text)), Response::Enacted(CarriedOut::Disposed(_)))
        });
        let serving = site.serve();
        let blocked = ask(&serving, "upn", &upn(0)).is_none();
        assert!(blocked || !done);
        for n in 0..6 {
            assert_eq!(ask(&serving, "upn", &upn(n)).is_none(), blocked, "{n}");
            assert_eq!(ask(&serving, "la-child-id", &child(n)).is_none(), blocked, "{n}");
        }
        let now = plan(&serving, "2026-01-01");
        assert_eq!(now.due, Some(if blocked { 0 } else { 6 }));
        match blocked {
            true => assert_eq!(list(&serving, &id(&text)).1.len(), 12),
            // It can be carried out all the same.
            false => assert!(serving.client(Role::Custodian).unwrap().enact(&id(&text)).is_ok()),
        }
        drop(serving);
        let anew = files(&site).into_iter().filter(|(path, _)| path.ends_with(".anew")).count();
        assert_eq!(anew, 0);
        done
    });
    assert!(steps > 20, "{steps}");
}
