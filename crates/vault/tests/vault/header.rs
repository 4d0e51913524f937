//! The clear part of `store.json`: changed, it opens nothing.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use minster_model::KeyVersion;
use minster_vault::{
    VaultFault,
    custody::{Secret, Wanted},
    disk::Disk,
    folder,
};
use serde_json::{Value, json};

use crate::{
    common::{Site, copy},
    custody::identity,
};

pub(crate) fn store(site: &Site) -> PathBuf {
    site.vault().join("store.json")
}

pub(crate) fn read(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

pub(crate) fn write(path: &Path, value: &Value) {
    fs::write(path, serde_json::to_vec_pretty(value).unwrap()).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

fn opened(site: &Site, secret: &Secret) -> Result<folder::Opened, VaultFault> {
    folder::open_folder(&site.vault(), secret, Disk::new())
}

/// A store that the release before wrote: made, put under another key file, served once.
fn of_format_2() -> Site {
    let site = Site::empty();
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stores/format-2"), &site.vault());
    fs::rename(site.vault().join("key"), site.path("key")).unwrap();
    site
}

#[test]
fn a_changed_header_opens_nothing() {
    let site = Site::new();
    let good = read(&store(&site));
    let stranger = age::x25519::Identity::generate().to_public().to_string();
    let changes = [
        ("/header/store_id", json!("00000000000000000000000000000000")),
        ("/header/generation", json!(1)),
        ("/header/recipient", json!(stranger)),
        ("/header/log/entries", json!(0)),
        ("/header/log/head", json!("0".repeat(64))),
    ];
    for (field, value) in changes {
        let mut bad = good.clone();
        *bad.pointer_mut(field).unwrap() = value;
        write(&store(&site), &bad);
        let outcome = opened(&site, &site.secret()).err();
        assert!(matches!(outcome, Some(VaultFault::WrongSecret { .. })), "{field}: {outcome:?}");
        let logged = fs::read_to_string(site.log()).unwrap();
        assert_eq!(logged.lines().count(), 1, "{field}: nothing was logged");
    }
    for (field, value) in [
        ("/header/format", json!(2)),
        ("/header/format", json!(4)),
        ("/header/log", Value::Null),
        ("/header/custody", json!({ "kind": "credential", "name": "x" })),
    ] {
        let mut bad = good.clone();
        *bad.pointer_mut(field).unwrap() = value;
        write(&store(&site), &bad);
        let outcome = opened(&site, &site.secret()).err();
        assert!(matches!(outcome, Some(VaultFault::File { .. })), "{field}: {outcome:?}");
    }
    write(&store(&site), &good);
    opened(&site, &site.secret()).unwrap();
}

/// The threshold and the names of those who open the vault are bound as well.
#[test]
fn a_changed_list_of_recipients_opens_nothing() {
    let site = Site::new();
    let names: Vec<PathBuf> = (0..3).map(|n| site.path(&format!("age{n}"))).collect();
    let recipients: Vec<String> = names.iter().map(|name| identity(name)).collect();
    let wanted = Wanted::Recipients(recipients, 2);
    folder::rekey(&site.vault(), &site.secret(), &wanted, Disk::new()).unwrap();
    let secret = Secret { identities: names, ..Secret::default() };
    let good = read(&store(&site));
    let stranger = age::x25519::Identity::generate().to_public().to_string();
    for (field, value) in [
        ("/header/custody/threshold", json!(1)),
        ("/header/custody/recipients/0", json!(stranger)),
        ("/header/custody/wraps/2", good["header"]["custody"]["wraps"][1].clone()),
    ] {
        let mut bad = good.clone();
        *bad.pointer_mut(field).unwrap() = value;
        write(&store(&site), &bad);
        let outcome = opened(&site, &secret).err();
        assert!(matches!(outcome, Some(VaultFault::WrongSecret { .. })), "{field}: {outcome:?}");
    }
    write(&store(&site), &good);
    opened(&site, &secret).unwrap();
}

/// The holder of an old custody puts the file that it opens back, and says that it is the newest.
#[test]
fn an_edited_generation_does_not_bring_an_old_custody_back() {
    let site = Site::new();
    let old = read(&store(&site));
    let wanted = Wanted::KeyFile(site.path("key2"));
    folder::rekey(&site.vault(), &site.secret(), &wanted, Disk::new()).unwrap();
    let true_one = read(&store(&site));
    for generation in [1, 2, 9] {
        let mut bad = old.clone();
        bad["header"]["generation"] = json!(generation);
        write(&store(&site), &bad);
        let outcome = opened(&site, &site.secret()).err();
        assert!(matches!(outcome, Some(VaultFault::WrongSecret { .. })), "{outcome:?}");
    }
    write(&store(&site), &true_one);
    opened(&site, &Secret::key_file(site.path("key2"))).unwrap();
}

#[test]
fn a_store_of_the_second_format_is_sealed_anew_once() {
    let site = of_format_2();
    let before = fs::read(store(&site)).unwrap();
    for _ in 0..2 {
        let opened = opened(&site, &site.secret()).unwrap();
        let education = "education".parse().unwrap();
        let check = opened.folder.keys.check_value(&education, KeyVersion(1));
        assert_eq!(check, "97495d162f6daf66", "the keys are what they were");
        assert_eq!(opened.state.custodians.len(), 2);
        assert_eq!(opened.state.generation, 2);
    }
    let now = read(&store(&site));
    assert_eq!(now["header"]["format"], 3);
    let log = fs::read_to_string(site.log()).unwrap();
    let sealed: Vec<&str> = log.lines().filter(|line| line.contains("\"format\":3")).collect();
    assert_eq!(sealed.len(), 1, "{log}");
    minster_vault::log::verify(&site.log(), None).unwrap();

    // The old form put back is refused, whatever generation it claims: nothing bound that field then.
    let mut old: Value = serde_json::from_slice(&before).unwrap();
    for generation in [1, 2, 3] {
        old["generation"] = json!(generation);
        write(&store(&site), &old);
        let Some(VaultFault::File { why, .. }) = opened(&site, &site.secret()).err() else {
            panic!("generation {generation}")
        };
        assert!(why.contains("older copy"), "{why}");
    }
    write(&store(&site), &now);
    opened(&site, &site.secret()).unwrap();
}

#[test]
fn the_recipient_comes_from_the_sealed_identity_in_every_format() {
    let site = of_format_2();
    let mut bad = read(&store(&site));
    bad["recipient"] = json!(age::x25519::Identity::generate().to_public().to_string());
    write(&store(&site), &bad);
    let Some(VaultFault::File { why, .. }) = opened(&site, &site.secret()).err() else { panic!() };
    assert!(why.contains("stranger"), "{why}");
    assert_eq!(fs::read_to_string(site.log()).unwrap().lines().count(), 7, "nothing was logged");
}

/// A store of the format that bound no generation, edited upward: it would have locked the true one out.
#[test]
fn a_generation_beyond_the_log_s_is_refused_in_the_second_format() {
    let site = of_format_2();
    let good = read(&store(&site));
    let mut bad = good.clone();
    bad["generation"] = json!(7);
    write(&store(&site), &bad);
    let Some(VaultFault::File { why, .. }) = opened(&site, &site.secret()).err() else { panic!() };
    assert!(why.contains("later custody"), "{why}");
    write(&store(&site), &good);
    opened(&site, &site.secret()).unwrap();
}

#[test]
fn a_store_that_was_killed_while_it_was_sealed_anew_opens() {
    let steps = crate::crash::at_every_write(|disk| {
        let site = of_format_2();
        let done = folder::open_folder(&site.vault(), &site.secret(), disk).is_ok();
        let opened = opened(&site, &site.secret()).unwrap();
        assert_eq!((opened.state.generation, opened.state.custodians.len()), (2, 2));
        minster_vault::log::verify(&site.log(), None).unwrap();
        done
    });
    assert!(steps > 5, "{steps}");
}

/// The parameters are read before anything is verified: they must not cost a machine's memory.
#[test]
fn argon2_parameters_of_no_vault_are_refused_before_they_are_used() {
    let site = Site::new();
    let phrase = site.path("phrase");
    fs::write(&phrase, "correct horse battery staple\n").unwrap();
    fs::set_permissions(&phrase, fs::Permissions::from_mode(0o600)).unwrap();
    let wanted = Wanted::Passphrase(Some(phrase.clone()));
    folder::rekey(&site.vault(), &site.secret(), &wanted, Disk::new()).unwrap();
    let good = read(&store(&site));
    let secret = Secret::passphrase_file(&phrase);
    for (field, value) in [("memory", u32::MAX), ("passes", u32::MAX), ("lanes", 1 << 20)] {
        let mut bad = good.clone();
        bad["header"]["custody"][field] = json!(value);
        write(&store(&site), &bad);
        let Some(VaultFault::File { why, .. }) = opened(&site, &secret).err() else { panic!() };
        assert!(why.contains("KiB"), "{field}: {why}");
    }
    // Weaker ones within the bounds give another key.
    let mut bad = good.clone();
    bad["header"]["custody"]["passes"] = json!(1);
    write(&store(&site), &bad);
    let outcome = opened(&site, &secret).err();
    assert!(matches!(outcome, Some(VaultFault::WrongSecret { .. })), "{outcome:?}");
    write(&store(&site), &good);
    opened(&site, &secret).unwrap();
}

/// One line without a seal, in the place of the whole log, named custodians, budgets and purposes.
#[test]
fn one_unsealed_line_sets_nothing() {
    let forged = |site: &Site| {
        let line = fs::read_to_string(site.log()).unwrap().lines().next().unwrap().to_owned();
        let mut entry: Value = serde_json::from_str(&line).unwrap();
        entry.as_object_mut().unwrap().remove("mac");
        entry["custodians"] = json!([
            { "name": "eve", "key": site.custodian("cat").key },
            { "name": "eva", "key": site.custodian("ann").key },
        ]);
        fs::write(site.log(), format!("{entry}\n")).unwrap();
    };
    for site in [Site::new(), of_format_2()] {
        forged(&site);
        let outcome = opened(&site, &site.secret()).err();
        assert!(matches!(outcome, Some(VaultFault::LogBroken { entry: 1, .. })), "{outcome:?}");
    }
    // Nor do lines that the first release could have written stand in for the making.
    let innocent = json!({
        "number": 1, "time": "2026-11-25T01:11:59Z", "prev": "0".repeat(64), "asker": null,
        "event": "stopped",
    });
    for site in [Site::new(), of_format_2()] {
        fs::write(site.log(), format!("{innocent}\n")).unwrap();
        let outcome = opened(&site, &site.secret()).err();
        assert!(matches!(outcome, Some(VaultFault::LogBroken { entry: 1, .. })), "{outcome:?}");
        assert_eq!(fs::read_to_string(site.log()).unwrap().lines().count(), 1);
    }
}

/// `store.json` names the place where the log stood when it was sealed.
#[test]
fn a_log_that_store_json_does_not_name_is_refused() {
    let site = Site::new();
    let other = Site::new();
    let first = fs::read_to_string(site.log()).unwrap();
    site.serve().ask("education", "upn", &["a"]).unwrap();
    let wanted = Wanted::KeyFile(site.path("key2"));
    folder::rekey(&site.vault(), &site.secret(), &wanted, Disk::new()).unwrap();
    fs::remove_dir_all(site.vault().join("registry")).unwrap();
    fs::remove_dir_all(site.vault().join("births")).unwrap();
    let secret = Secret::key_file(site.path("key2"));
    for (bad, what) in [
        (first, "cut to its making"),
        (String::new(), "emptied"),
        (fs::read_to_string(other.log()).unwrap(), "another vault's"),
    ] {
        fs::write(site.log(), bad).unwrap();
        let outcome = opened(&site, &secret).err();
        assert!(matches!(outcome, Some(VaultFault::LogBroken { .. })), "{what}: {outcome:?}");
    }
    fs::remove_file(site.log()).unwrap();
    let outcome = opened(&site, &secret).err();
    assert!(matches!(outcome, Some(VaultFault::LogBroken { .. })), "{outcome:?}");
    assert!(!site.log().exists(), "no new one is begun");
}
