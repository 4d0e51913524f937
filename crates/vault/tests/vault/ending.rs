//! The end of a purpose: two custodians begin it, nothing is answered from then on, the store's side tells what it removed, and the
//! vault destroys its part with a certificate.

use std::fs;

use jiff::{Span, civil::Date};
use minster_model::{DatasetClass, Role};
use minster_vault::{session::Session, vault::Vault};
use minster_vault_api::{
    CarriedOut, CaseDecision, CaseOutcome, Denial, PROTOCOL, ProposedAction, Publication,
    Publishing, RemovedDataset, RemovedFiles, Request, Response, Right, StoreRemoval,
    note::Verifier,
};
use serde_json::Value;

use crate::{
    cases::{decided, opened, today},
    common::{PURPOSES, Serving, Site, batch, carried_out, copy, dataset, denial, kind, rotated},
    crash::at_every_write,
    retention::{SCHEDULE, disposed, education, files, filled, held, id, list, proposed, upn},
};

pub(crate) fn end(early: bool, store_lost: bool) -> ProposedAction {
    ProposedAction::EndPurpose { purpose: education(), early, store_lost }
}

/// Education, as it is named.
pub(crate) fn named_anew() -> String {
    let (text, _) = PURPOSES.split_once("[[purpose]]\nname = \"health\"").unwrap();
    text.to_owned()
}

/// Has education end on a day: two custodians name it anew.
fn until(site: &Site, serving: &Serving, last: Date) {
    let text = named_anew().replace("2099-12-31", &last.to_string());
    carried_out(site, serving, ProposedAction::Purpose(text)).unwrap();
}

pub(crate) fn removal(manifest: &str) -> StoreRemoval {
    let removed = RemovedDataset {
        dataset: dataset(DatasetClass::Source),
        manifest: manifest.repeat(64),
        waiting: String::new(),
        rows: 12,
        snapshots: 2,
        sha256: "a".repeat(64),
    };
    let runs = RemovedFiles { what: "records of runs".into(), files: 3, sha256: "b".repeat(64) };
    StoreRemoval { datasets: vec![removed], files: vec![runs], unread: 0, drafts: 0 }
}

/// A certificate, once its signature was verified.
pub(crate) fn verified(serving: &Serving, note: &str) -> Value {
    let verifier = serving.client(Role::Auditor).unwrap().status().unwrap().verifier;
    let verifier: Verifier = verifier.parse().unwrap();
    serde_json::from_str(verifier.open(note).unwrap()).unwrap()
}

/// Why the end of education cannot be proposed.
pub(crate) fn refused(serving: &Serving, action: ProposedAction) -> String {
    let mut client = serving.client(Role::Custodian).unwrap();
    denial(proposed(&mut client, action)).to_string()
}

/// The files of the vault that are education's: by name, or because the children's texts would stand in what they seal.
fn of_education(site: &Site) -> Vec<String> {
    let all = files(site).into_iter().map(|(path, _)| path);
    all.filter(|path| {
        path.contains("/education") || path.contains("/cases/") || path.contains("/disposals/")
    })
    .collect()
}

/// Children, new keys, a disposal that nobody applied, a release, and a proposal about pseudonyms.
pub(crate) fn lived(site: &Site, serving: &Serving) {
    filled(serving);
    rotated(site, serving, "education");
    let mut analyst = serving.client(Role::Analyst).unwrap();
    for (sha256, what) in
        [("1", Publishing::LetOut), ("2", Publishing::LetOut), ("2", Publishing::Withdrawn)]
    {
        analyst.publish(&publication(sha256, what)).unwrap();
    }
    serving.recorded(&dataset(DatasetClass::Source));
    let pseudonyms = vec!["0".repeat(32).parse().unwrap()];
    let action = ProposedAction::Reidentify { purpose: education(), pseudonyms };
    proposed(&mut serving.client(Role::Custodian).unwrap(), action).unwrap();
    serving.ask("health", "upn", &["CANARY-UPN-010"]).unwrap();
}

pub(crate) fn publication(sha256: &str, what: Publishing) -> Publication {
    let is_out = what == Publishing::LetOut;
    Publication {
        purpose: education(),
        release: "children".parse().unwrap(),
        period: "2024-25".parse().unwrap(),
        sha256: sha256.repeat(64),
        what,
        rules: None,
        entry: is_out.then(|| "e".repeat(64)),
        audience: is_out.then_some(minster_model::Audience::Public),
    }
}

#[test]
fn a_purpose_that_two_custodians_end_is_destroyed_with_a_certificate() {
    let site = Site::new();
    let serving = site.serve();
    lived(&site, &serving);
    let health = serving.ask("health", "upn", &[&upn(10)]).unwrap();
    until(&site, &serving, today().saturating_sub(Span::new().days(1)));
    let mut client = serving.client(Role::Custodian).unwrap();
    let text = proposed(&mut client, end(false, false)).unwrap();
    // The text says in words what is destroyed, and what is not.
    for words in [
        "the registry with",
        "every dataset of the purpose",
        "\"early\": false",
        "1 release, which the public has",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert!(!text.contains("CANARY"));
    let enact = |client: &mut minster_vault_api::Client| client.enact(&id(&text));
    assert!(matches!(denial(enact(&mut client)), Denial::Proposal { .. }));
    client.approve(site.sign("ann", &text)).unwrap();
    let one = denial(enact(&mut client)).to_string();
    assert!(one.contains("1 of 2 custodians"), "{one}");
    client.approve(site.sign("ben", &text)).unwrap();
    let early = denial(client.finish_end(&education()));
    assert!(early.to_string().contains("nobody ended the purpose"), "{early}");
    assert_eq!(enact(&mut client).unwrap(), CarriedOut::EndBegun);

    // The vault waits for the store's word.
    let waits = denial(client.finish_end(&education())).to_string();
    assert!(waits.contains("minster end-purpose"), "{waits}");
    assert!(denial(client.end_certificate(&education())).to_string().contains("not finished"));
    assert!(site.vault().join("registry/education").exists());
    let mut linker = serving.client(Role::Linker).unwrap();
    let order = linker.end_order(&education()).unwrap();
    assert_eq!((order.end.removals, order.releases), (0, 1));
    linker.tell_removal(&education(), removal("d")).unwrap();
    linker.tell_removal(&education(), removal("d")).unwrap();
    assert_eq!(linker.end_order(&education()).unwrap().end.removals, 1, "the same is told once");
    assert!(denial(linker.finish_end(&education())).to_string().contains("may not ask"));

    assert!(of_education(&site).len() > 4, "{:?}", of_education(&site));
    let note = client.finish_end(&education()).unwrap();
    assert_eq!(of_education(&site), Vec::<String>::new());
    let told = verified(&serving, &note);
    assert_eq!(told["purpose"], "education");
    assert_eq!(told["orders"][0]["approved_by"], serde_json::json!(["ann", "ben"]));
    assert_eq!(told["orders"][0]["reference"], "RET/2026/1");
    assert_eq!(told["key_versions_refused"], 2);
    assert_eq!(told["releases_that_stand"][0]["sha256"], "1".repeat(64));
    assert_eq!(
        (told["releases_that_stand"].as_array().unwrap().len(), &told["releases_withdrawn"]),
        (1, &1.into())
    );
    assert_eq!(told["store"][0]["removal"]["files"][0]["files"], 3);
    assert_eq!(told["datasets_of_the_log_without_word"], serde_json::json!([]));
    let kinds: Vec<&str> =
        told["vault"].as_array().unwrap().iter().map(|of| of["what"].as_str().unwrap()).collect();
    for kind in [
        "registry of numbers",
        "birth dates beside numbers",
        "facts of persons",
        "blocked numbers",
        "pairs of old and new pseudonyms",
        "texts of proposals",
    ] {
        assert!(kinds.contains(&kind), "{kind}: {kinds:?}");
    }
    let registry = told["vault"]
        .as_array()
        .unwrap()
        .iter()
        .find(|of| of["what"] == "registry of numbers")
        .unwrap();
    assert!(registry["records"].as_u64().unwrap() >= 30, "{registry}");
    assert!(!note.contains("CANARY"));

    // The same once more, after a restart too; to an auditor as well. Another purpose is as it was.
    assert_eq!(client.finish_end(&education()).unwrap(), note);
    drop((client, linker, serving));
    let serving = site.serve();
    assert_eq!(serving.client(Role::Auditor).unwrap().end_certificate(&education()).unwrap(), note);
    assert_eq!(serving.ask("health", "upn", &[&upn(10)]).unwrap(), health);
    assert_eq!(of_education(&site), Vec::<String>::new());
    let status = serving.client(Role::Auditor).unwrap().status().unwrap();
    let of = status.purposes.iter().find(|of| of.purpose == education()).unwrap();
    assert_eq!(of.identifiers, 0);
    assert!(of.end.as_ref().unwrap().destroyed.is_some());
    assert!(of.versions.iter().all(|version| version.retired));
    // Nothing is told into a certificate that is out.
    let mut linker = serving.client(Role::Linker).unwrap();
    assert!(linker.tell_removal(&education(), removal("e")).is_err());
    drop((linker, serving));
    minster_vault::log::verify(&site.log(), None).unwrap();
    // The texts that named and ended it are all that is left of its proposals.
    assert!(files(&site).iter().filter(|(path, _)| path.contains("/proposals/")).count() >= 2);
}

#[test]
fn a_purpose_ends_early_only_where_the_signed_text_says_so() {
    let site = Site::new();
    let serving = site.serve();
    filled(&serving);
    let why = refused(&serving, end(false, false));
    assert!(why.contains("its last day is 2099-12-31") && why.contains("--early"), "{why}");
    let mut client = serving.client(Role::Custodian).unwrap();
    let early = proposed(&mut client, end(true, false)).unwrap();
    assert!(early.contains("\"early\": true"), "{early}");
    let yesterday = today().saturating_sub(Span::new().days(1));
    until(&site, &serving, yesterday);
    let why = refused(&serving, end(true, false));
    assert!(why.contains("propose it without `--early`"), "{why}");
    // A text that says nothing of it is worth nothing once the purpose was named anew with a later day.
    let late = proposed(&mut client, end(false, false)).unwrap();
    until(&site, &serving, today());
    for name in ["ann", "ben"] {
        client.approve(site.sign(name, &late)).unwrap();
        client.approve(site.sign(name, &early)).unwrap();
    }
    let why = denial(client.enact(&id(&late))).to_string();
    assert!(why.contains("not over"), "its last day is not over: {why}");
    assert_eq!(client.enact(&id(&early)).unwrap(), CarriedOut::EndBegun);
    let again = denial(client.enact(&id(&late))).to_string();
    assert!(again.contains("its end began"), "{again}");
}

#[test]
fn what_is_held_back_keeps_its_purpose() {
    let site = Site::new();
    let serving = site.serve();
    filled(&serving);
    let lift = |hold: &str| ProposedAction::LiftHold { hold: hold.to_owned() };
    // A hold on somebody of whom the purpose knows nothing keeps nothing of it.
    let other = held(&site, &serving, "CANARY-UPN-999");
    assert!(proposed(&mut serving.client(Role::Custodian).unwrap(), end(true, false)).is_ok());
    let hold = held(&site, &serving, &upn(3));
    let why = refused(&serving, end(true, false));
    assert!(why.contains(&format!("kept by 1 legal hold ({hold})")), "{why}");
    assert!(why.contains("lift --hold") && !why.contains(&other), "{why}");
    carried_out(&site, &serving, lift(&hold)).unwrap();
    let moratorium = ProposedAction::Moratorium {
        category: "plan".into(),
        ordered_by: "INQUIRY/1".into(),
        schedule: SCHEDULE.into(),
    };
    let mut client = serving.client(Role::Custodian).unwrap();
    let text = proposed(&mut client, moratorium).unwrap();
    for name in ["ann", "ben"] {
        client.approve(site.sign(name, &text)).unwrap();
    }
    // A proposal that was approved before the hold is looked at again as it is carried out, and before anything is destroyed.
    let ending = proposed(&mut client, end(true, false)).unwrap();
    for name in ["ann", "ben"] {
        client.approve(site.sign(name, &ending)).unwrap();
    }
    client.enact(&id(&text)).unwrap();
    let why = denial(client.enact(&id(&ending))).to_string();
    assert!(why.contains(&format!("1 moratorium ({})", id(&text))), "{why}");
    carried_out(&site, &serving, lift(&id(&text))).unwrap();
    let restriction = opened(&serving, Right::Restriction, &upn(2));
    let why = refused(&serving, end(true, false));
    assert!(
        why.contains("1 case of children's rights wait") && why.contains(&restriction.case),
        "{why}"
    );
    decided(&site, &serving, &restriction, CaseDecision::Grant, &upn(2)).unwrap();
    let why = refused(&serving, end(true, false));
    assert!(why.contains(&format!("1 restriction ({})", restriction.case)), "{why}");
    decided(&site, &serving, &restriction, CaseDecision::Lift, &upn(2)).unwrap();
    assert_eq!(client.enact(&id(&ending)).unwrap(), CarriedOut::EndBegun);
    // A hold that comes after that stops the store's side and the vault.
    let late = held(&site, &serving, &upn(4));
    let mut linker = serving.client(Role::Linker).unwrap();
    for why in [denial(linker.end_order(&education())), denial(client.finish_end(&education()))] {
        assert!(why.to_string().contains(&late), "{why}");
    }
    assert!(site.vault().join("registry/education").exists());
    carried_out(&site, &serving, lift(&late)).unwrap();
    linker.tell_removal(&education(), removal("d")).unwrap();
    client.finish_end(&education()).unwrap();
}

/// A child asked for erasure, and the end of the purpose does it: the case is settled, and its answer can be sent.
#[test]
fn an_open_erasure_is_done_by_the_end_and_an_approved_access_comes_first() {
    let site = Site::new();
    let serving = site.serve();
    filled(&serving);
    let erasure = opened(&serving, Right::Erasure, &upn(1));
    let access = ProposedAction::Access {
        kind: kind("upn"),
        identifier: batch(&[upn(1)]),
        recipient: age_recipient(),
        schedule: SCHEDULE.replace("years = 40 }\n", "years = 40 }\ntwo_identities = true\n"),
    };
    let mut client = serving.client(Role::Custodian).unwrap();
    let text = proposed(&mut client, access).unwrap();
    for name in ["ann", "ben"] {
        assert!(client.compare_subject(&id(&text), batch(&[upn(1)])).unwrap());
        client.approve(site.sign(name, &text)).unwrap();
    }
    let why = refused(&serving, end(true, false));
    assert!(why.contains(&id(&text)) && why.contains("minster access"), "{why}");
    drop((client, serving));
    // Its day is over, in another copy of the council.
    let site = Site::new();
    let serving = site.serve();
    filled(&serving);
    let case = opened(&serving, Right::Erasure, &upn(1));
    assert_ne!(case.case, erasure.case);
    assert!(site.vault().join("cases").join(&case.case).exists());
    carried_out(&site, &serving, end(true, true)).unwrap();
    let mut client = serving.client(Role::Custodian).unwrap();
    client.finish_end(&education()).unwrap();
    assert!(!site.vault().join("cases").join(&case.case).exists());
    let now = client.cases(true).unwrap().into_iter().find(|of| of.case == case.case).unwrap();
    assert_eq!(now.outcome, Some(CaseOutcome::Erased));
    client.close_case(&case.case, &today().to_string()).unwrap();
}

fn age_recipient() -> String {
    age::x25519::Identity::generate().to_public().to_string()
}

/// A list that was signed and never applied, and what it was proposed with, go too.
#[test]
fn an_open_disposal_goes_with_its_purpose() {
    let site = Site::new();
    let serving = site.serve();
    filled(&serving);
    let (of, _) = disposed(&site, &serving, "2026-01-01");
    assert!(!list(&serving, &of).1.is_empty());
    carried_out(&site, &serving, end(true, true)).unwrap();
    assert!(serving.client(Role::Linker).unwrap().disposal_list(&of).is_err());
    let note = serving.client(Role::Custodian).unwrap().finish_end(&education()).unwrap();
    assert!(note.contains("disposal lists") && note.contains("blocked numbers"), "{note}");
    assert_eq!(of_education(&site), Vec::<String>::new());
}

/// The process is killed at each write of the end. Afterwards the purpose stands whole, and can be ended; or it is gone whole.
#[test]
fn a_killed_end_goes_on() {
    let site = Site::new();
    let serving = site.serve();
    lived(&site, &serving);
    carried_out(&site, &serving, end(true, false)).unwrap();
    serving.client(Role::Linker).unwrap().tell_removal(&education(), removal("d")).unwrap();
    drop(serving);
    copy(&site.vault(), &site.path("before"));
    let steps = at_every_write(|disk| {
        fs::remove_dir_all(site.vault()).unwrap();
        copy(&site.path("before"), &site.vault());
        let done = site.open(disk).is_ok_and(|vault| finished(&vault));
        let serving = site.serve();
        let status = serving.client(Role::Auditor).unwrap().status().unwrap();
        let of = status.purposes.iter().find(|of| of.purpose == education()).unwrap();
        let is_gone = of.end.as_ref().unwrap().destroyed.is_some();
        assert!(is_gone || !done);
        // A vault that starts has finished what the log says.
        assert_eq!(is_gone, of_education(&site).is_empty(), "{:?}", of_education(&site));
        let note = serving.client(Role::Custodian).unwrap().finish_end(&education()).unwrap();
        assert_eq!(verified(&serving, &note)["vault"].as_array().unwrap().len(), 6);
        assert_eq!(of_education(&site), Vec::<String>::new());
        assert!(serving.ask("health", "upn", &[&upn(10)]).is_ok());
        done
    });
    assert!(steps > 10, "{steps}");
}

fn finished(vault: &Vault) -> bool {
    let mut session = Session::new(vault, rustix::process::getuid().as_raw());
    let (role, program) = (Role::Custodian, "test".into());
    session.answer(Request::Hello { protocol: PROTOCOL, role, program });
    matches!(session.answer(Request::FinishEnd { purpose: education() }), Response::Note(_))
}
