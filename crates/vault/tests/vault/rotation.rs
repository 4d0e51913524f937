//! New versions of keys.

use std::{collections::BTreeMap, fs};

use minster_model::{DatasetClass, KeyVersion, Role};
use minster_vault::approvals::Proposal;
use minster_vault_api::{CarriedOut, Client, Denial, Proposed, ProposedAction};

use crate::common::{
    Serving, Site, batch, dataset, denial, kind, manifest, retired, rotated, turned_back,
};

#[test]
fn a_new_version_comes_with_all_pairs_and_without_identifiers() {
    let site = Site::new();
    let serving = site.serve();
    let education = "education".parse().unwrap();
    let names: Vec<String> = (0..500).map(|n| format!("id{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let before = serving.ask("education", "upn", &names).unwrap();
    let health = serving.ask("health", "upn", &names).unwrap();
    assert_eq!(rotated(&site, &serving, "education"), KeyVersion(2));

    let after = serving.ask("education", "upn", &names).unwrap();
    assert!(before.iter().all(|old| !after.contains(old)));
    let mut linker = serving.client(Role::Linker).unwrap();
    let pairs: BTreeMap<_, _> =
        linker.crosswalk(&education, KeyVersion(1)).unwrap().into_iter().collect();
    assert_eq!(pairs.len(), 500);
    assert!(before.iter().zip(&after).all(|(old, new)| pairs[old] == *new));
    assert_eq!(serving.ask("health", "upn", &names).unwrap(), health, "other purposes stay");
    assert!(linker.crosswalk(&education, KeyVersion(2)).is_err(), "no version follows");
    assert!(matches!(
        denial(serving.client(Role::Analyst).unwrap().crosswalk(&education, KeyVersion(1))),
        Denial::RoleForbids { .. }
    ));
    drop((linker, serving));

    let serving = site.serve();
    assert_eq!(serving.ask("education", "upn", &names).unwrap(), after, "after a restart");
    let again = serving.client(Role::Linker).unwrap().crosswalk(&education, KeyVersion(1)).unwrap();
    assert_eq!(again.len(), 500);
}

#[test]
fn a_retired_version_is_answered_for_no_more() {
    let site = Site::new();
    let serving = site.serve();
    let education: minster_model::Purpose = "education".parse().unwrap();
    let old = serving.ask("education", "upn", &["a"]).unwrap();
    let source = dataset(DatasetClass::Source);
    let (_, wrapped) = serving.client(Role::Ingest).unwrap().create_key(&source).unwrap();
    let sha256 = serving.recorded(&source);
    let mut custodian = serving.client(Role::Custodian).unwrap();
    rotated(&site, &serving, "education");
    let mut linker = serving.client(Role::Linker).unwrap();
    linker.unwrap_key(&source, &wrapped, None, &sha256).unwrap();
    // Before it is retired, an old pseudonym can be undone.
    let proposal = Proposed {
        action: ProposedAction::Reidentify { purpose: education.clone(), pseudonyms: old.clone() },
        reference: "C1".into(),
        reason: "r".into(),
        expires: minster_tests::soon(),
    };
    let mut undo = |proposal| {
        let text = custodian.propose(proposal).unwrap();
        for name in ["ann", "ben"] {
            custodian.approve(site.sign(name, &text)).unwrap();
        }
        let id = Proposal::id(&text);
        custodian.reidentify(&id).unwrap()[0].found.is_some()
    };
    assert!(undo(proposal.clone()));
    let done = retired(&site, &serving, 1, &["source/census/2024-25"]).unwrap();
    assert_eq!(done, CarriedOut::Retired(KeyVersion(1)));
    assert!(!undo(proposal));
    let denied = denial(linker.unwrap_key(&source, &wrapped, None, &sha256));
    assert!(matches!(denied, Denial::Retired { version: KeyVersion(1), .. }), "{denied}");
    assert!(matches!(denial(linker.crosswalk(&education, KeyVersion(1))), Denial::Retired { .. }));
    let left = fs::read_dir(site.vault().join("crosswalks")).unwrap().count();
    assert_eq!(left, 0, "the pairs that lead back to it are gone");
    let status = linker.status().unwrap();
    let versions = &status.purposes.iter().find(|p| p.purpose == education).unwrap().versions;
    assert_eq!(versions.iter().map(|v| v.retired).collect::<Vec<_>>(), [true, false]);
}

#[test]
fn a_run_goes_over_to_the_new_version_in_its_next_batch() {
    let site = Site::new();
    let serving = site.serve();
    let mut client = serving.client(Role::Ingest).unwrap();
    let opened = client.open_run(manifest("education", "census", 10)).unwrap();
    let old = client.pseudonymise(&kind("upn"), batch(&["a"])).unwrap();
    let turned = |sealed, tokens: &[_]| turned_back(&serving.run_key("education", sealed), tokens);
    rotated(&site, &serving, "education");
    // A run that began under the old version must not mix the two.
    let denied = denial(client.pseudonymise(&kind("upn"), batch(&["a", "b"])));
    assert!(matches!(denied, Denial::OutOfOrder { .. }), "{denied}");
    client.close_run(&[]).unwrap();
    let renewed = client.open_run(manifest("education", "census", 10)).unwrap();
    assert_ne!(opened.key_check, renewed.key_check);
    let new = client.pseudonymise(&kind("upn"), batch(&["a"])).unwrap();
    assert_ne!(turned(&opened.run_key, &old), turned(&renewed.run_key, &new));
}

/// Each page is sealed under its name, and the log knows how many pairs there are.
#[test]
fn pairs_that_are_gone_cut_or_another_s_are_refused_and_not_answered_as_none() {
    let site = Site::new();
    let named = |name: &str| name.parse::<minster_model::Purpose>().unwrap();
    let (education, health) = (named("education"), named("health"));
    let serving = site.serve();
    for purpose in [&education, &health] {
        serving.ask(purpose.as_str(), "upn", &["a", "b", "c"]).unwrap();
        rotated(&site, &serving, purpose.as_str());
    }
    rotated(&site, &serving, "education");
    let mut linker = serving.client(Role::Linker).unwrap();
    let page = |name: &str| site.vault().join("crosswalks").join(name);
    let good = fs::read(page("education.v1.0")).unwrap();
    let of_next = fs::read(page("education.v2.0")).unwrap();
    let of_other = fs::read(page("health.v1.0")).unwrap();
    assert_eq!(good.len(), of_next.len());
    let mut changed = good.clone();
    changed[good.len() / 2] ^= 1;
    let bad = [
        ("missing", None),
        ("emptied", Some(&[][..])),
        ("cut", Some(&good[..good.len() - 1])),
        ("without its last pair", Some(&good[..good.len() - 32])),
        ("changed", Some(&changed[..])),
        ("the next version's", Some(&of_next[..])),
        ("another purpose's", Some(&of_other[..])),
    ];
    for (what, bytes) in bad {
        match bytes {
            Some(bytes) => fs::write(page("education.v1.0"), bytes).unwrap(),
            None => fs::remove_file(page("education.v1.0")).unwrap(),
        }
        let denied = denial(linker.crosswalk(&education, KeyVersion(1)));
        let known = matches!(denied, Denial::BrokenCrosswalk { from: KeyVersion(1), page: 0, .. });
        assert!(known, "{what}: {denied}");
        fs::write(page("education.v1.0"), &good).unwrap();
    }
    assert_eq!(linker.crosswalk(&education, KeyVersion(1)).unwrap().len(), 3);
    assert_eq!(linker.crosswalk(&education, KeyVersion(2)).unwrap().len(), 3);
}

fn proposed(action: ProposedAction) -> Proposed {
    let expires = minster_tests::soon();
    Proposed { action, reference: "KEYS/1".into(), reason: "new keys".into(), expires }
}

fn version(serving: &Serving) -> KeyVersion {
    let status = serving.client(Role::Auditor).unwrap().status().unwrap();
    status.purposes.iter().find(|one| one.purpose.as_str() == "education").unwrap().key_version
}

/// One custodian, in haste or by force, neither changes keys nor destroys what stands under the old ones.
#[test]
fn one_custodian_neither_makes_new_keys_nor_ends_old_ones() {
    let site = Site::new();
    let serving = site.serve();
    let mut client = serving.client(Role::Custodian).unwrap();
    let purpose = || "education".parse().unwrap();
    let by_one = |client: &mut Client, action| {
        let text = client.propose(proposed(action)).unwrap();
        client.approve(site.sign("ann", &text)).unwrap();
        denial(client.enact(&Proposal::id(&text))).to_string()
    };
    let denied = by_one(&mut client, ProposedAction::Rotate { purpose: purpose() });
    assert!(denied.contains("1 of 2 custodians"), "{denied}");
    assert_eq!(version(&serving), KeyVersion(1));
    rotated(&site, &serving, "education");
    let retire =
        ProposedAction::Retire { purpose: purpose(), version: KeyVersion(1), give_up: vec![] };
    let denied = by_one(&mut client, retire);
    assert!(denied.contains("1 of 2 custodians"), "{denied}");
    let status = client.status().unwrap();
    let of = status.purposes.iter().find(|one| one.purpose == purpose()).unwrap();
    assert!(of.versions.iter().all(|one| !one.retired));
}

#[test]
fn a_version_is_not_ended_while_a_dataset_stands_under_it() {
    let site = Site::new();
    let serving = site.serve();
    let refused =
        |version, give_up: &[&str]| denial(retired(&site, &serving, version, give_up)).to_string();
    for version in [0, 2] {
        let why = refused(version, &[]);
        assert!(why.contains("have the versions v1 to v1"), "{why}");
    }
    let why = refused(1, &[]);
    assert!(why.contains("the version in use") && why.contains("request rotate"), "{why}");
    let source = dataset(DatasetClass::Source);
    let linkage = dataset(DatasetClass::Linkage);
    let mut ingest = serving.client(Role::Ingest).unwrap();
    ingest.create_key(&source).unwrap();
    ingest.create_key(&linkage).unwrap();
    let mut linker = serving.client(Role::Linker).unwrap();
    linker.create_key(&dataset(DatasetClass::Integrated)).unwrap();
    rotated(&site, &serving, "education");
    let why = refused(1, &[]);
    let both = "would be lost: integrated/census/2024-25, source/census/2024-25. Convert";
    assert!(why.contains(both) && why.contains("minster rekey"), "{why}");
    let why = refused(1, &["source/census/2024-25"]);
    assert!(why.contains("lost: integrated/census/2024-25."), "{why}");
    let why = refused(1, &["source/cin/2024-25"]);
    assert!(why.contains("no dataset source/cin/2024-25 stands under v1"), "{why}");
    // As `minster rekey` converts the one; custodians give the other up, and sign that.
    linker.create_key(&source).unwrap();
    drop((ingest, linker));
    drop(serving);
    let serving = site.serve();
    let why = denial(retired(&site, &serving, 1, &[])).to_string();
    assert!(why.contains("lost: integrated/census/2024-25."), "after a restart: {why}");
    retired(&site, &serving, 1, &["integrated/census/2024-25"]).unwrap();
    let why = denial(retired(&site, &serving, 1, &[])).to_string();
    assert!(why.contains("v1 is retired already"), "{why}");
    let log = fs::read_to_string(site.log()).unwrap();
    assert!(log.contains("\"given_up\":[\"integrated/census/2024-25\"]"));
    minster_vault::log::verify(&site.log(), None).unwrap();
}

/// Custodians approved the step from one version to the next, and no further one.
#[test]
fn new_keys_that_were_approved_before_others_came_are_not_made() {
    let site = Site::new();
    let serving = site.serve();
    serving.ask("education", "upn", &["a"]).unwrap();
    let mut client = serving.client(Role::Custodian).unwrap();
    let action = ProposedAction::Rotate { purpose: "education".parse().unwrap() };
    let text = client.propose(proposed(action)).unwrap();
    for name in ["ann", "ben"] {
        client.approve(site.sign(name, &text)).unwrap();
    }
    rotated(&site, &serving, "education");
    let why = denial(client.enact(&Proposal::id(&text))).to_string();
    assert!(why.contains("v2 by now") && why.contains("propose it anew"), "{why}");
    assert_eq!(version(&serving), KeyVersion(2));
    let pages = fs::read_dir(site.vault().join("crosswalks")).unwrap();
    let pages: Vec<_> = pages.map(|page| page.unwrap().file_name()).collect();
    assert_eq!(pages, ["education.v1.0"], "no page of a second step");
}
