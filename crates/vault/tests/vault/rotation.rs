//! New versions of keys.

use std::{collections::BTreeMap, fs};

use minster_model::{DatasetClass, KeyVersion, Role};
use minster_vault_api::{Denial, ProposedAction};

use crate::common::{Site, batch, dataset, denial, kind, manifest, turned_back};

#[test]
fn a_new_version_comes_with_all_pairs_and_without_identifiers() {
    let site = Site::new();
    let serving = site.serve();
    let education = "education".parse().unwrap();
    let names: Vec<String> = (0..500).map(|n| format!("id{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let before = serving.ask("education", "upn", &names).unwrap();
    let health = serving.ask("health", "upn", &names).unwrap();
    let mut custodian = serving.client(Role::Custodian).unwrap();
    assert_eq!(custodian.rotate(&education).unwrap(), KeyVersion(2));

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
    drop((custodian, linker, serving));

    let serving = site.serve();
    assert_eq!(serving.ask("education", "upn", &names).unwrap(), after, "after a restart");
    let again = serving.client(Role::Linker).unwrap().crosswalk(&education, KeyVersion(1)).unwrap();
    assert_eq!(again.len(), 500);
}

#[test]
fn a_retired_version_is_answered_for_no_more() {
    let site = Site::new();
    let serving = site.serve();
    let education = "education".parse().unwrap();
    let old = serving.ask("education", "upn", &["a"]).unwrap();
    let source = dataset(DatasetClass::Source);
    let (_, wrapped) = serving.client(Role::Ingest).unwrap().create_key(&source).unwrap();
    let mut custodian = serving.client(Role::Custodian).unwrap();
    for version in [0, 1, 2] {
        let denied = denial(custodian.retire(&education, KeyVersion(version)));
        assert!(matches!(denied, Denial::Proposal { .. }), "v{version}: nothing follows it");
    }
    custodian.rotate(&education).unwrap();
    let mut linker = serving.client(Role::Linker).unwrap();
    linker.unwrap_key(&source, &wrapped, None).unwrap();
    // Before it is retired, an old pseudonym can be undone.
    let proposal = minster_vault_api::Proposed {
        action: ProposedAction::Reidentify { purpose: education.clone(), pseudonyms: old.clone() },
        reference: "C1".into(),
        reason: "r".into(),
        expires: "2099-01-01".into(),
    };
    let mut undo = |proposal| {
        let text = custodian.propose(proposal).unwrap();
        for name in ["ann", "ben"] {
            custodian.approve(site.sign(name, &text)).unwrap();
        }
        let id = minster_vault::approvals::Proposal::id(&text);
        custodian.reidentify(&id).unwrap()[0].found.is_some()
    };
    assert!(undo(proposal.clone()));
    serving.client(Role::Custodian).unwrap().retire(&education, KeyVersion(1)).unwrap();
    assert!(!undo(proposal));
    let denied = denial(linker.unwrap_key(&source, &wrapped, None));
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
    serving.client(Role::Custodian).unwrap().rotate(&"education".parse().unwrap()).unwrap();
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
        serving.client(Role::Custodian).unwrap().rotate(purpose).unwrap();
    }
    serving.client(Role::Custodian).unwrap().rotate(&education).unwrap();
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
