//! The log's manifests: the newest of a dataset opens, and no other; its writer alone records one.

use std::fs;

use minster_model::{DatasetClass, DatasetRef, KeyVersion, Role};
use minster_vault::{
    approvals::Proposal,
    disk::Disk,
    folder,
    log::{self, Event},
};
use minster_vault_api::{
    Client, Denial, ManifestFault, NewestManifests, Proposed, ProposedAction, RecordedManifest,
    VaultError, WrappedKey, writer,
};

use crate::common::{Serving, Site, carried_out, dataset, denial, retired, rotated};

const CLASSES: [DatasetClass; 4] =
    [DatasetClass::Source, DatasetClass::Integrated, DatasetClass::Report, DatasetClass::Linkage];

fn manifest(dataset: &DatasetRef, digit: &str) -> RecordedManifest {
    RecordedManifest { dataset: dataset.clone(), sha256: digit.repeat(64) }
}

fn record(serving: &Serving, role: Role, of: &DatasetRef, digit: &str) -> Result<(), VaultError> {
    serving.client(role)?.record_manifest(manifest(of, digit), None)
}

/// A dataset's key, and a client of a role that reads such datasets.
fn reader(serving: &Serving, of: &DatasetRef) -> (Client, WrappedKey) {
    let (_, wrapped) = serving.client(writer(of.class)).unwrap().create_key(of).unwrap();
    (serving.client(Role::Linker).unwrap(), wrapped)
}

/// The fault in a manifest, as the vault says; none where it gives the key.
fn fault(
    client: &mut Client,
    of: &DatasetRef,
    wrapped: &WrappedKey,
    digit: &str,
) -> Option<ManifestFault> {
    match client.unwrap_key(of, wrapped, None, &digit.repeat(64)) {
        Ok(_) => None,
        Err(VaultError::Denied(Denial::OtherManifest { dataset, fault })) => {
            assert_eq!(dataset, *of);
            Some(fault)
        }
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn the_newest_manifest_of_a_dataset_opens_and_no_other() {
    let site = Site::new();
    let serving = site.serve();
    for class in CLASSES {
        let of = dataset(class);
        let (mut linker, wrapped) = reader(&serving, &of);
        assert_eq!(fault(&mut linker, &of, &wrapped, "a"), Some(ManifestFault::Unrecorded));
        record(&serving, writer(class), &of, "a").unwrap();
        assert_eq!(fault(&mut linker, &of, &wrapped, "a"), None);
        assert_eq!(fault(&mut linker, &of, &wrapped, "b"), Some(ManifestFault::Unknown));
        record(&serving, writer(class), &of, "b").unwrap();
        assert_eq!(fault(&mut linker, &of, &wrapped, "b"), None);
        assert_eq!(fault(&mut linker, &of, &wrapped, "a"), Some(ManifestFault::Older));
        // Nothing is known of another period.
        let other = DatasetRef { period: "2023-24".parse().unwrap(), ..of.clone() };
        assert_eq!(fault(&mut linker, &other, &wrapped, "b"), Some(ManifestFault::Unrecorded));
    }
    drop(serving);
    let serving = site.serve();
    for class in CLASSES {
        let of = dataset(class);
        let (mut linker, wrapped) = reader(&serving, &of);
        assert_eq!(fault(&mut linker, &of, &wrapped, "b"), None, "after a restart");
        assert_eq!(fault(&mut linker, &of, &wrapped, "a"), Some(ManifestFault::Older));
    }
    // Each refusal has an entry: whoever tried shows.
    let log = fs::read_to_string(site.log()).unwrap();
    assert!(log.contains("an older snapshot stands in the place of the newest"));
    log::verify(&site.log(), None).unwrap();
}

#[test]
fn the_linker_scans_superseded_snapshots_and_none_that_the_log_does_not_know() {
    let site = Site::new();
    let serving = site.serve();
    let of = dataset(DatasetClass::Source);
    let (_, wrapped) = reader(&serving, &of);
    record(&serving, Role::Ingest, &of, "a").unwrap();
    record(&serving, Role::Ingest, &of, "b").unwrap();
    let mut linker = serving.client(Role::Linker).unwrap();
    for digit in ["a", "b"] {
        linker.scan_key(&of, &wrapped, None, &digit.repeat(64)).unwrap();
    }
    let denied = denial(linker.scan_key(&of, &wrapped, None, &"c".repeat(64)));
    let fault = ManifestFault::Unknown;
    assert_eq!(denied, Denial::OtherManifest { dataset: of, fault });
}

#[test]
fn a_dataset_s_writer_alone_records_its_manifests() {
    let site = Site::new();
    let serving = site.serve();
    for class in CLASSES {
        let of = dataset(class);
        for role in Role::ALL {
            let recorded = record(&serving, role, &of, "a");
            assert_eq!(recorded.is_ok(), role == writer(class), "{role} {of}");
        }
        for bad in ["", "a", "A", "g"] {
            let (mut client, dataset) = (serving.client(writer(class)).unwrap(), of.clone());
            let sha256 = if bad.len() == 1 && bad != "a" { bad.repeat(64) } else { bad.into() };
            let denied = denial(client.record_manifest(RecordedManifest { dataset, sha256 }, None));
            assert!(matches!(denied, Denial::NotRecorded { .. }), "{bad}: {denied}");
        }
        let told = |role: Role| serving.client(role).unwrap().manifests(&of.purpose);
        assert!(denial(told(Role::Custodian)).to_string().contains("manifests"));
        for role in [Role::Ingest, Role::Linker, Role::Analyst, Role::Auditor] {
            let NewestManifests { newest, due } = told(role).unwrap();
            assert!(newest.contains(&manifest(&of, "a")) && due.is_empty(), "{role}");
        }
    }
    // A manifest that was superseded never comes back.
    let of = dataset(DatasetClass::Integrated);
    record(&serving, Role::Linker, &of, "b").unwrap();
    let denied = denial(record(&serving, Role::Linker, &of, "a"));
    assert!(denied.to_string().contains("a newer one was recorded since"), "{denied}");
    record(&serving, Role::Linker, &of, "b").unwrap();
    let newest = serving.client(Role::Auditor).unwrap().manifests(&of.purpose).unwrap().newest;
    assert_eq!(newest.iter().filter(|one| one.dataset == of).count(), 1);
    assert!(newest.contains(&manifest(&of, "b")));
}

#[test]
fn the_linker_carries_others_datasets_over_to_newer_keys_and_does_nothing_else_to_them() {
    let site = Site::new();
    let serving = site.serve();
    let of = dataset(DatasetClass::Source);
    let mut linker = serving.client(Role::Linker).unwrap();
    let mut carry = |serving: &Serving, digit: &str, from: &str| {
        linker.create_key(&of).unwrap();
        let mut linker = serving.client(Role::Linker).unwrap();
        linker.record_manifest(manifest(&of, digit), Some(from.repeat(64)))
    };
    reader(&serving, &of);
    let why = denial(carry(&serving, "c", "a")).to_string();
    assert!(why.contains("from another than the newest"), "none is recorded: {why}");
    record(&serving, Role::Ingest, &of, "a").unwrap();
    let why = denial(carry(&serving, "c", "a")).to_string();
    assert!(why.contains("no newer keys"), "{why}");
    rotated(&site, &serving, "education");
    let why = denial(carry(&serving, "c", "b")).to_string();
    assert!(why.contains("from another than the newest"), "{why}");
    let mut ingest = serving.client(Role::Ingest).unwrap();
    let denied = denial(ingest.record_manifest(manifest(&of, "c"), Some("a".repeat(64))));
    assert!(matches!(denied, Denial::RoleForbids { role: Role::Ingest, .. }), "{denied}");
    carry(&serving, "c", "a").unwrap();
    let why = denial(carry(&serving, "d", "c")).to_string();
    assert!(why.contains("no newer keys"), "once a version: {why}");
}

#[test]
fn a_dataset_that_is_given_up_with_its_keys_is_known_no_more() {
    let site = Site::new();
    let serving = site.serve();
    let (of, other) = (dataset(DatasetClass::Source), dataset(DatasetClass::Integrated));
    for of in [&of, &other] {
        reader(&serving, of);
        record(&serving, writer(of.class), of, "a").unwrap();
    }
    rotated(&site, &serving, "education");
    let mut linker = serving.client(Role::Linker).unwrap();
    linker.create_key(&other).unwrap();
    linker.record_manifest(manifest(&other, "b"), Some("a".repeat(64))).unwrap();
    retired(&site, &serving, 1, &["source/census/2024-25"]).unwrap();
    let newest = linker.manifests(&of.purpose).unwrap().newest;
    assert_eq!(newest, [manifest(&other, "b")]);
}

/// Entries as 0.2.0 wrote them are taken over once, by each writer, and a dataset that came later is never taken over.
#[test]
fn datasets_of_an_earlier_release_are_taken_over_once() {
    let site = Site::new();
    let mut opened = folder::open_folder(&site.vault(), &site.secret(), Disk::new()).unwrap();
    for class in CLASSES {
        // The entry of a release that recorded no manifests: it says nothing of them.
        let event = Event::CreatedKey { dataset: dataset(class), records: false };
        opened.log.append(None, event).unwrap();
    }
    drop(opened);
    assert!(!fs::read_to_string(site.log()).unwrap().contains("records"));
    let serving = site.serve();
    let (of, report) = (dataset(DatasetClass::Source), dataset(DatasetClass::Report));
    let due = |role: Role| serving.client(role).unwrap().manifests(&of.purpose).unwrap().due;
    assert_eq!(due(Role::Ingest), std::slice::from_ref(&of));
    assert_eq!(due(Role::Linker), [dataset(DatasetClass::Integrated)]);
    assert_eq!(due(Role::Analyst), std::slice::from_ref(&report));
    assert_eq!(due(Role::Auditor), []);
    let (mut linker, wrapped) = reader(&serving, &of);
    assert_eq!(fault(&mut linker, &of, &wrapped, "b"), Some(ManifestFault::NotTakenOver));
    let take = |role: Role, manifests: Vec<RecordedManifest>| {
        serving.client(role).unwrap().take_over(&of.purpose, manifests)
    };
    let both = vec![manifest(&of, "a"), manifest(&of, "b")];
    assert!(matches!(denial(take(Role::Linker, both.clone())), Denial::NotRecorded { .. }));
    assert!(matches!(denial(take(Role::Auditor, both.clone())), Denial::OutOfOrder { .. }));
    let new = DatasetRef { period: "2030-31".parse().unwrap(), ..of.clone() };
    serving.client(Role::Ingest).unwrap().create_key(&new).unwrap();
    let denied = denial(take(Role::Ingest, vec![manifest(&new, "a")]));
    assert!(matches!(denied, Denial::NotRecorded { .. }), "{denied}");
    take(Role::Ingest, both).unwrap();
    assert_eq!(fault(&mut linker, &of, &wrapped, "b"), None);
    assert_eq!(fault(&mut linker, &of, &wrapped, "a"), Some(ManifestFault::Older));
    assert_eq!(due(Role::Ingest), []);
    assert!(matches!(denial(take(Role::Ingest, vec![])), Denial::OutOfOrder { .. }));
    // A writer that found nothing is done as well: what is put there later is not believed.
    take(Role::Analyst, vec![]).unwrap();
    assert_eq!(due(Role::Analyst), []);
    let (mut again, wrapped) = reader(&serving, &report);
    assert_eq!(fault(&mut again, &report, &wrapped, "a"), Some(ManifestFault::Unrecorded));
    drop((linker, again));
    drop(serving);
    let serving = site.serve();
    let due = |role: Role| serving.client(role).unwrap().manifests(&of.purpose).unwrap().due;
    assert_eq!((due(Role::Ingest), due(Role::Analyst)), (vec![], vec![]), "after a restart");
    assert_eq!(due(Role::Linker).len(), 1);
    let status = serving.client(Role::Auditor).unwrap().status().unwrap();
    assert!(status.purposes.iter().any(|one| one.key_version == KeyVersion(1)));
    log::verify(&site.log(), None).unwrap();
}

/// The newest snapshot is lost: two custodians take an older one for it, or begin the dataset anew.
#[test]
fn two_custodians_take_an_older_snapshot_for_the_newest() {
    let site = Site::new();
    let serving = site.serve();
    let of = dataset(DatasetClass::Integrated);
    let (mut linker, wrapped) = reader(&serving, &of);
    let accept = |digit: Option<&str>| {
        let sha256 = digit.map(|digit| digit.repeat(64));
        let action = ProposedAction::Snapshot { dataset: of.clone(), sha256 };
        carried_out(&site, &serving, action)
    };
    let why = denial(accept(None)).to_string();
    assert!(why.contains("has no manifest of the dataset"), "{why}");
    for digit in ["a", "b", "c"] {
        record(&serving, Role::Linker, &of, digit).unwrap();
    }
    for (digit, why) in [("c", "the newest snapshot already"), ("d", "never had this manifest")] {
        let denied = denial(accept(Some(digit))).to_string();
        assert!(denied.contains(why), "{denied}");
    }
    let action = ProposedAction::Snapshot { dataset: of.clone(), sha256: Some("a".repeat(64)) };
    let (reference, reason, expires) = ("C/1".into(), "r".into(), minster_tests::soon());
    let mut custodian = serving.client(Role::Custodian).unwrap();
    let text = custodian.propose(Proposed { action, reference, reason, expires }).unwrap();
    custodian.approve(site.sign("ann", &text)).unwrap();
    assert!(custodian.enact(&Proposal::id(&text)).is_err(), "one custodian is not enough");
    assert_eq!(fault(&mut linker, &of, &wrapped, "a"), Some(ManifestFault::Older));
    custodian.approve(site.sign("ben", &text)).unwrap();
    custodian.enact(&Proposal::id(&text)).unwrap();
    assert_eq!(fault(&mut linker, &of, &wrapped, "a"), None);
    for digit in ["b", "c"] {
        let found = fault(&mut linker, &of, &wrapped, digit);
        assert_eq!(found, Some(ManifestFault::Older), "{digit}");
    }
    accept(None).unwrap();
    assert_eq!(fault(&mut linker, &of, &wrapped, "a"), Some(ManifestFault::Unrecorded));
    assert_eq!(linker.manifests(&of.purpose).unwrap().newest, []);
    record(&serving, Role::Linker, &of, "e").unwrap();
    drop((linker, custodian));
    drop(serving);
    let serving = site.serve();
    let mut linker = serving.client(Role::Linker).unwrap();
    assert_eq!(fault(&mut linker, &of, &wrapped, "e"), None, "after a restart");
    log::verify(&site.log(), None).unwrap();
}

/// An older snapshot is under the version of keys that it was made under, whatever came after it.
#[test]
fn an_older_snapshot_of_earlier_keys_keeps_these_from_being_ended() {
    let site = Site::new();
    let serving = site.serve();
    let of = dataset(DatasetClass::Integrated);
    let (linker, _) = reader(&serving, &of);
    drop(linker);
    record(&serving, Role::Linker, &of, "a").unwrap();
    rotated(&site, &serving, "education");
    let (linker, _) = reader(&serving, &of);
    drop(linker);
    record(&serving, Role::Linker, &of, "b").unwrap();
    let action = ProposedAction::Snapshot { dataset: of.clone(), sha256: Some("a".repeat(64)) };
    carried_out(&site, &serving, action).unwrap();
    let why = denial(retired(&site, &serving, 1, &[])).to_string();
    assert!(why.contains("datasets stand under v1"), "{why}");
    // It is carried over to the newer keys as any other.
    let mut linker = serving.client(Role::Linker).unwrap();
    linker.create_key(&of).unwrap();
    linker.record_manifest(manifest(&of, "c"), Some("a".repeat(64))).unwrap();
    retired(&site, &serving, 1, &[]).unwrap();
}
