//! The list of identities that are linked by their number alone: two custodians change it, the linker alone is told it, and
//! as pseudonyms.

use std::{collections::BTreeMap, fs};

use minster_model::{KeyVersion, Pseudonym, Role};
use minster_vault::{disk::Disk, session::Session, vault::Vault};
use minster_vault_api::{
    CarriedOut, Client, Denial, ExactOnlyList, ListChange, ListChanged, PROTOCOL, Proposed,
    ProposedAction, Request, Response, VaultError,
};

use crate::{
    common::{KINDS, PURPOSES, Serving, Site, batch, copy, denial, kind, retired, rotated},
    crash::at_every_write,
};

fn proposed(change: ListChange, numbers: &[(&str, &[&str])]) -> Proposed {
    let numbers = numbers.iter().map(|(of, numbers)| (kind(of), batch(numbers))).collect();
    Proposed {
        action: ProposedAction::ExactOnly { change, numbers },
        reference: "ADOPT/2026/3".into(),
        reason: "adoption order".into(),
        expires: minster_tests::soon(),
    }
}

fn id(text: &str) -> String {
    minster_vault::approvals::Proposal::id(text)
}

fn custodian(serving: &Serving) -> Client {
    serving.client(Role::Custodian).unwrap()
}

/// The whole ceremony.
fn change(
    site: &Site,
    client: &mut Client,
    change: ListChange,
    numbers: &[(&str, &[&str])],
) -> Result<ListChanged, VaultError> {
    let text = client.propose(proposed(change, numbers))?;
    for name in ["ann", "ben"] {
        client.approve(site.sign(name, &text))?;
    }
    match client.enact(&id(&text))? {
        CarriedOut::ListChanged(changed) => Ok(changed),
        other => panic!("{other:?}"),
    }
}

fn list(serving: &Serving, purpose: &str) -> ExactOnlyList {
    serving.client(Role::Linker).unwrap().exact_only(&purpose.parse().unwrap()).unwrap()
}

fn pseudonyms(list: &ExactOnlyList, version: u32) -> Vec<Pseudonym> {
    let found = list.versions.iter().find(|one| one.version == KeyVersion(version));
    found.unwrap().iter().collect()
}

fn sorted(mut all: Vec<Pseudonym>) -> Vec<Pseudonym> {
    all.sort_unstable();
    all
}

#[test]
fn the_linker_is_told_pseudonyms_of_what_two_custodians_listed() {
    let site = Site::new();
    let serving = site.serve();
    assert_eq!(list(&serving, "education"), ExactOnlyList::default());
    let mut client = custodian(&serving);
    let numbers: &[(&str, &[&str])] =
        &[("upn", &["CANARY1", "CANARY2"]), ("la-child-id", &["CANARY3"])];
    let done = change(&site, &mut client, ListChange::Add, numbers).unwrap();
    assert_eq!(done, ListChanged { added: 3, removed: 0, numbers: 3 });
    let told = list(&serving, "education");
    let mut made = serving.ask("education", "upn", &["CANARY1", "CANARY2"]).unwrap();
    made.extend(serving.ask("education", "la-child-id", &["CANARY3"]).unwrap());
    assert_eq!(pseudonyms(&told, 1), sorted(made));
    let other = list(&serving, "health");
    let health = serving.ask("health", "upn", &["CANARY1"]).unwrap();
    assert!(pseudonyms(&other, 1).contains(&health[0]));
    assert_ne!(other.digest, told.digest, "two purposes share nothing");

    let again = change(&site, &mut client, ListChange::Add, &[("upn", &["CANARY2", "CANARY4"])]);
    assert_eq!(again.unwrap(), ListChanged { added: 1, removed: 0, numbers: 4 });
    assert_ne!(list(&serving, "education").digest, told.digest);
    let taken = change(&site, &mut client, ListChange::Remove, &[("upn", &["CANARY4", "CANARY9"])]);
    assert_eq!(taken.unwrap(), ListChanged { added: 0, removed: 1, numbers: 3 });
    assert_eq!(list(&serving, "education"), told, "the same list again");
    // A number of another kind is another number.
    let none = change(&site, &mut client, ListChange::Remove, &[("nhs-number", &["CANARY1"])]);
    assert_eq!(none.unwrap(), ListChanged { added: 0, removed: 0, numbers: 3 });

    let counted: BTreeMap<String, u64> = (client.count_exact_only().unwrap().into_iter())
        .map(|one| (one.kind.to_string(), one.numbers))
        .collect();
    assert_eq!(counted, [("la-child-id".to_owned(), 1), ("upn".to_owned(), 2)].into());
    drop((client, serving));
    assert_eq!(list(&site.serve(), "education"), told, "it outlives the process");
    minster_vault::log::verify(&site.log(), None).unwrap();
    let log = fs::read_to_string(site.log()).unwrap();
    assert!(log.contains(r#""event":"changed-exact-only""#) && log.contains(r#""added":3"#));
    assert!(log.contains(r#""event":"read-exact-only""#));
    for (path, bytes) in files(&site) {
        assert!(!bytes.windows(6).any(|part| part == b"CANARY"), "{path}");
    }
}

/// Every file of the vault.
fn files(site: &Site) -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    let mut folders = vec![site.vault()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false => all.push((path.display().to_string(), fs::read(&path).unwrap())),
            }
        }
    }
    assert!(all.iter().any(|(path, _)| path.contains("exact-only")));
    all
}

#[test]
fn one_custodian_alone_lists_nothing() {
    let site = Site::new();
    let serving = site.serve();
    let mut client = custodian(&serving);
    let text = client.propose(proposed(ListChange::Add, &[("upn", &["CANARY1"])])).unwrap();
    assert!(!text.contains("CANARY") && text.contains(r#""upn": 1"#), "{text}");
    for _ in 0..2 {
        let refused = denial(client.enact(&id(&text))).to_string();
        assert!(refused.contains("of 2 custodians"), "{refused}");
        let _ = client.approve(site.sign("ann", &text));
    }
    assert_eq!(list(&serving, "education"), ExactOnlyList::default());
    client.approve(site.sign("ben", &text)).unwrap();
    client.enact(&id(&text)).unwrap();
    assert!(denial(client.enact(&id(&text))).to_string().contains("once"));
    assert_eq!(list(&serving, "education").numbers, 1);
}

#[test]
fn the_second_custodian_sees_whether_it_is_about_the_numbers_that_were_told() {
    let site = Site::new();
    let serving = site.serve();
    let mut client = custodian(&serving);
    let told: &[(&str, &[&str])] = &[("upn", &["a", "b"]), ("la-child-id", &["c"])];
    let id = id(&client.propose(proposed(ListChange::Add, told)).unwrap());
    let mut compare = |numbers: &[(&str, &[&str])]| {
        let numbers = numbers.iter().map(|(of, numbers)| (kind(of), batch(numbers))).collect();
        client.compare_exact_only(&id, numbers)
    };
    // In another order, they are the same.
    assert!(compare(&[("la-child-id", &["c"]), ("upn", &["b", "a"])]).unwrap());
    for other in [&[("upn", &["a", "b"][..])][..], &[("upn", &["a", "b", "c"])]] {
        assert!(!compare(other).unwrap());
    }
    let mut engineer = serving.client(Role::Ingest).unwrap();
    let refused = denial(engineer.compare_exact_only(&id, vec![(kind("upn"), batch(&["a"]))]));
    assert!(matches!(refused, Denial::RoleForbids { .. }), "{refused}");
    let log = fs::read_to_string(site.log()).unwrap();
    assert_eq!(log.matches(r#""event":"compared-exact-only""#).count(), 3);
}

#[test]
fn no_role_but_the_linker_is_told_the_list_and_none_but_custodians_change_or_count_it() {
    let site = Site::new();
    let serving = site.serve();
    change(&site, &mut custodian(&serving), ListChange::Add, &[("upn", &["a"])]).unwrap();
    for role in Role::ALL {
        let mut client = serving.client(role).unwrap();
        let forbidden = |denial: Denial| assert!(matches!(denial, Denial::RoleForbids { .. }));
        if role != Role::Linker {
            forbidden(denial(client.exact_only(&"education".parse().unwrap())));
        }
        if role != Role::Custodian {
            forbidden(denial(client.count_exact_only()));
            forbidden(denial(client.propose(proposed(ListChange::Add, &[("upn", &["b"])]))));
        }
    }
}

#[test]
fn numbers_of_a_kind_that_no_purpose_names_are_refused_and_not_repeated() {
    let named = PURPOSES.replace(KINDS, "kinds = [\"upn\", \"match-key:name\"]\n");
    let site = Site::with(&named);
    let serving = site.serve();
    let mut client = custodian(&serving);
    for unknown in ["la-child-id", "match-key:name", "linkage:name", "canary1"] {
        let refused = denial(client.propose(proposed(ListChange::Add, &[(unknown, &["a"])])));
        assert!(matches!(refused, Denial::Proposal { .. }), "{refused}");
        assert!(!refused.to_string().contains(unknown), "{refused}");
    }
    for bad in [&[][..], &[("upn", &[""][..])], &[("upn", &[])]] {
        let refused = denial(client.propose(proposed(ListChange::Add, bad)));
        assert!(matches!(refused, Denial::Proposal { .. }), "{refused}");
    }
    assert!(!fs::read_to_string(site.log()).unwrap().contains("canary1"));
    client.propose(proposed(ListChange::Add, &[("upn", &["a"])])).unwrap();
}

#[test]
fn a_purpose_is_told_nothing_of_kinds_that_it_does_not_name() {
    let (first, second) = PURPOSES.split_at(PURPOSES.rfind("[[purpose]]").unwrap());
    let kinds = first.replace(KINDS, "kinds = [\"upn\"]\n");
    let site = Site::with(&format!("{kinds}{second}"));
    let serving = site.serve();
    let numbers: &[(&str, &[&str])] = &[("upn", &["a"]), ("nhs-number", &["b"])];
    change(&site, &mut custodian(&serving), ListChange::Add, numbers).unwrap();
    let (few, all) = (list(&serving, "education"), list(&serving, "health"));
    assert_eq!((few.numbers, pseudonyms(&few, 1).len()), (2, 1));
    assert_eq!((all.numbers, pseudonyms(&all, 1).len()), (2, 2));
}

#[test]
fn every_version_of_keys_that_is_not_retired_has_its_pseudonyms() {
    let site = Site::new();
    let serving = site.serve();
    let mut client = custodian(&serving);
    change(&site, &mut client, ListChange::Add, &[("upn", &["a"])]).unwrap();
    let before = serving.ask("education", "upn", &["a"]).unwrap();
    let digest = list(&serving, "education").digest;
    rotated(&site, &serving, "education");
    let after = serving.ask("education", "upn", &["a"]).unwrap();
    let told = list(&serving, "education");
    assert_eq!(told.digest, digest, "it is the same list");
    assert_eq!((pseudonyms(&told, 1), pseudonyms(&told, 2)), (before, after.clone()));
    retired(&site, &serving, 1, &[]).unwrap();
    let told = list(&serving, "education");
    assert_eq!((told.versions.len(), pseudonyms(&told, 2)), (1, after));
}

#[test]
fn a_list_that_is_gone_or_put_back_is_not_told_and_not_changed() {
    let site = Site::new();
    let serving = site.serve();
    change(&site, &mut custodian(&serving), ListChange::Add, &[("upn", &["a"])]).unwrap();
    drop(serving);
    let (folder, old) = (site.vault().join("exact-only"), site.path("old"));
    copy(&folder, &old);
    let serving = site.serve();
    change(&site, &mut custodian(&serving), ListChange::Add, &[("upn", &["b"])]).unwrap();
    drop(serving);
    let names = |of: &std::path::Path| -> Vec<String> {
        let entries = fs::read_dir(of).unwrap().map(|entry| entry.unwrap().file_name());
        entries.map(|name| name.into_string().unwrap()).collect()
    };
    let [(before, now)] = [(names(&old), names(&folder))];
    assert_eq!((before.len(), now.len()), (1, 1), "what led to a list is removed");
    // The older list under the name of the newer one, and no list at all.
    for put_back in [Some(old.join(&before[0])), None] {
        fs::remove_file(folder.join(&now[0])).unwrap();
        if let Some(from) = &put_back {
            fs::copy(from, folder.join(&now[0])).unwrap();
        }
        let serving = site.serve();
        let mut linker = serving.client(Role::Linker).unwrap();
        let refused = denial(linker.exact_only(&"education".parse().unwrap()));
        assert!(refused.to_string().contains("missing or was changed"), "{refused}");
        let mut client = custodian(&serving);
        let refused = denial(change(&site, &mut client, ListChange::Remove, &[("upn", &["a"])]));
        assert!(refused.to_string().contains("missing or was changed"), "{refused}");
    }
}

#[test]
fn none_of_two_changes_at_once_is_lost() {
    let site = Site::new();
    let serving = site.serve();
    let mut client = custodian(&serving);
    let mut texts = Vec::new();
    for number in ["a", "b"] {
        let text = client.propose(proposed(ListChange::Add, &[("upn", &[number])])).unwrap();
        for name in ["ann", "ben"] {
            client.approve(site.sign(name, &text)).unwrap();
        }
        texts.push(text);
    }
    for text in texts {
        client.enact(&id(&text)).unwrap();
    }
    assert_eq!(list(&serving, "education").numbers, 2);
}

/// One conversation without the socket.
fn answer(vault: &Vault, role: Role, request: Request) -> Response {
    let mut session = Session::new(vault, rustix::process::getuid().as_raw());
    session.answer(Request::Hello { protocol: PROTOCOL, role, program: "test".into() });
    session.answer(request)
}

fn numbers(vault: &Vault) -> u64 {
    match answer(vault, Role::Linker, Request::ExactOnly { purpose: "education".parse().unwrap() })
    {
        Response::ExactOnly(list) => list.numbers,
        _ => panic!("the list is not told"),
    }
}

#[test]
fn a_change_that_is_cut_short_leaves_the_list_before_or_the_list_after() {
    let mut seen = [false; 2];
    let steps = at_every_write(|disk| {
        let site = Site::new();
        let serving = site.serve();
        let mut client = custodian(&serving);
        change(&site, &mut client, ListChange::Add, &[("upn", &["a"])]).unwrap();
        let text = client.propose(proposed(ListChange::Add, &[("upn", &["b"])])).unwrap();
        for name in ["ann", "ben"] {
            client.approve(site.sign(name, &text)).unwrap();
        }
        drop((client, serving));
        let done = site.open(disk).is_ok_and(|vault| {
            let enact = Request::Enact { proposal: id(&text) };
            matches!(
                answer(&vault, Role::Custodian, enact),
                Response::Enacted(CarriedOut::ListChanged(_))
            )
        });
        let vault = site.open(Disk::new()).unwrap();
        let stands = numbers(&vault);
        assert!(stands == 2 || stands == 1 && !done, "{stands}");
        seen[stands as usize - 1] = true;
        if stands == 1 {
            let again = answer(&vault, Role::Custodian, Request::Enact { proposal: id(&text) });
            assert!(
                matches!(again, Response::Enacted(CarriedOut::ListChanged(_))),
                "it is carried out again"
            );
            assert_eq!(numbers(&vault), 2);
        }
        drop(vault);
        minster_vault::log::verify(&site.log(), None).unwrap();
        done
    });
    assert!(steps > 5 && seen == [true, true], "{steps}");
}
