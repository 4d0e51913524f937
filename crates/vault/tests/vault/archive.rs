//! Records that are made inaccessible: no row leaves a dataset before its archive is made, the vault keeps what opens it, and two
//! custodians open it once, for a recipient.

use std::{fs, io::Read};

use age::x25519::Identity;
use minster_model::{DatasetClass, Role};
use minster_vault_api::{
    AccessCounts, BundlePart, CarriedOut, Client, Denial, DisposalReceipt, DisposedDataset,
    IdentifierBatch, PartUse, ProposedAction, RecordedManifest, Response, note::Verifier,
};

use crate::{
    common::{Serving, Site, batch, carried_out, copy, dataset, denial, enact_at, kind},
    crash::at_every_write,
    ending::{end, removal},
    retention::{SCHEDULE, child, education, files, filled, id, list, proposed, upn},
};

/// Somebody to whom what is opened is encrypted.
struct Reader(Identity);

impl Reader {
    fn new() -> Self {
        Self(Identity::generate())
    }

    fn recipient(&self) -> String {
        self.0.to_public().to_string()
    }

    /// The text of an encrypted file; nothing where this reader cannot open it.
    fn read(&self, sealed: &[u8]) -> Option<Vec<u8>> {
        let identities = std::iter::once(&self.0 as &dyn age::Identity);
        let mut plain = Vec::new();
        let decryptor = age::Decryptor::new(sealed).ok()?;
        decryptor.decrypt(identities).ok()?.read_to_end(&mut plain).ok()?;
        Some(plain)
    }
}

/// The schedule whose other records are made inaccessible, and, where a recipient is named, handed over before.
fn schedule(city: Option<&str>) -> String {
    let (plans, others) = SCHEDULE.split_once("name = \"other\"").unwrap();
    let city = city.map_or(String::new(), |to| format!("\ncity_archives = \"{to}\""));
    let others = others.replace("\"destroyed\"", &format!("\"made-inaccessible\"{city}"));
    format!("{plans}name = \"other\"{others}")
}

fn dispose(city: Option<&str>) -> ProposedAction {
    let (schedule, until) = (schedule(city), "2026-01-01".into());
    ProposedAction::Dispose { purpose: education(), schedule, until }
}

/// Proposes something, and has two custodians sign it.
fn signed(site: &Site, client: &mut Client, action: ProposedAction) -> String {
    let text = proposed(client, action).unwrap();
    for name in ["ann", "ben"] {
        client.approve(site.sign(name, &text)).unwrap();
    }
    text
}

/// Disposes of the six who are due; gives the list.
fn disposed(site: &Site, serving: &Serving, city: Option<&str>) -> String {
    let mut client = serving.client(Role::Custodian).unwrap();
    let text = signed(site, &mut client, dispose(city));
    assert!(matches!(client.enact(&id(&text)).unwrap(), CarriedOut::Disposed(_)));
    id(&text)
}

/// The lines of an archive: a row of each code.
fn rows(codes: &[String]) -> String {
    let columns = "{\"dataset\":\"source/census/2024-25\",\"table\":\"pupils\",\"columns\":[]}\n";
    let row = |code: &String| {
        format!(
            "{}\n",
            serde_json::json!({ "of": [code], "table": "pupils", "cells": { "upn": code } })
        )
    };
    columns.to_owned() + &codes.iter().map(row).collect::<String>()
}

/// Has the vault encrypt a part's file.
fn sealed(linker: &mut Client, of: &str, part: u32, files: Vec<BundlePart>, rows: u64) -> Vec<u8> {
    linker.begin_archive(of, part).unwrap();
    let mut whole = linker.write_bundle(files).unwrap();
    let ended = linker.end_archive(AccessCounts { datasets: 1, rows }).unwrap();
    whole.extend(ended.bytes);
    assert_eq!(minster_vault_sha256(&whole), ended.sha256);
    whole
}

fn minster_vault_sha256(bytes: &[u8]) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, bytes);
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The archive of a list, with a row of each of its codes.
fn archived(serving: &Serving, of: &str) -> (Vec<u8>, String) {
    let (head, codes) = list(serving, of);
    let codes: Vec<String> =
        codes[head.pseudonyms as usize..][..12].iter().map(ToString::to_string).collect();
    let text = rows(&codes);
    let mut linker = serving.client(Role::Linker).unwrap();
    let part = BundlePart::Text(text.clone().into_bytes());
    (sealed(&mut linker, of, 0, vec![part], 12), text)
}

/// The bytes that the vault gives for an archive's file.
fn opened(client: &mut Client, proposal: &str, file: &[u8]) -> Result<Vec<u8>, Denial> {
    let mut whole = client.begin_opening(proposal).map_err(|error| denial(Err::<(), _>(error)))?;
    for piece in file.chunks(1000) {
        whole.extend(client.open_piece(piece).map_err(|error| denial(Err::<(), _>(error)))?);
    }
    let ended = client.end_opening().map_err(|error| denial(Err::<(), _>(error)))?;
    whole.extend(ended.bytes);
    assert_eq!(minster_vault_sha256(&whole), ended.sha256);
    Ok(whole)
}

fn open(of: &str, number: Option<&str>, reader: &Reader) -> ProposedAction {
    let person = number.map(|number| (kind("upn"), batch(&[number])));
    ProposedAction::OpenArchive { archive: of.into(), person, recipient: reader.recipient() }
}

/// The receipt of a disposal that took rows out of one dataset.
fn receipt(of: &str, list: &[u8], after: &str) -> DisposalReceipt {
    DisposalReceipt {
        list: of.into(),
        sha256: minster_vault_sha256(list),
        datasets: vec![DisposedDataset {
            dataset: dataset(DatasetClass::Source),
            before: "d".repeat(64),
            after: after.repeat(64),
            rows: 12,
            cells: 0,
            files: 0,
        }],
        shredded: 0,
        snapshots: 0,
        shared_ids: 0,
    }
}

#[test]
fn no_row_leaves_a_dataset_before_its_sealed_file_is_made() {
    let site = Site::new();
    let serving = site.serve();
    filled(&serving);
    serving.recorded(&dataset(DatasetClass::Source));
    let city = Reader::new();
    let mut client = serving.client(Role::Custodian).unwrap();
    let text = signed(&site, &mut client, dispose(Some(&city.recipient())));
    // The signed text says which records are kept, and who is given them.
    assert!(text.contains("\"inaccessible\"") && text.contains(&city.recipient()), "{text}");
    client.enact(&id(&text)).unwrap();
    let of = id(&text);
    let (head, codes) = list(&serving, &of);
    let parts: Vec<_> = head.parts.iter().map(|part| (part.of, part.pseudonyms)).collect();
    assert_eq!(parts, [(PartUse::Archive, 12), (PartUse::CityArchives, 12)]);
    assert_eq!((head.pseudonyms, codes.len()), (12, 36));
    let mut linker = serving.client(Role::Linker).unwrap();
    let manifest =
        RecordedManifest { dataset: dataset(DatasetClass::Source), sha256: "e".repeat(64) };
    let early = |linker: &mut Client| {
        let taken_out = linker.record_disposed(manifest.clone(), &"d".repeat(64), &of);
        let whole = linker.disposal_list(&of).unwrap();
        let told = linker.report_disposal(&education(), receipt(&of, &whole, "d"));
        (denial(taken_out).to_string(), denial(told).to_string())
    };
    let (taken_out, told) = early(&mut linker);
    assert!(taken_out.contains("archive") && told.contains("archive"), "{taken_out}, {told}");
    archived(&serving, &of);
    let (taken_out, told) = early(&mut linker);
    assert!(taken_out.contains("City Archives") && told.contains("City Archives"), "{taken_out}");
    // It may be made again as long as no row has left: a program may be stopped before it stands on the disk.
    let (file, _) = archived(&serving, &of);
    let bundle = vec![BundlePart::File("t.csv".into()), BundlePart::Text(b"\"a\"\n".to_vec())];
    let bundle = sealed(&mut linker, &of, 1, bundle, 1);
    let parts = linker.disposal_parts(&of).unwrap();
    assert_eq!(parts.made[0].as_ref().unwrap().sha256, minster_vault_sha256(&file));
    assert!(!parts.has_begun);
    let wrong_count = {
        linker.begin_archive(&of, 0).unwrap();
        denial(linker.end_archive(AccessCounts { datasets: 1, rows: 1 }))
    };
    assert!(wrong_count.to_string().contains("0 rows, and 1 were told"), "{wrong_count}");
    linker.record_disposed(manifest.clone(), &"d".repeat(64), &of).unwrap();
    assert!(linker.disposal_parts(&of).unwrap().has_begun);
    let late = denial(linker.begin_archive(&of, 0)).to_string();
    assert!(late.contains("put the file back"), "{late}");
    assert!(denial(linker.begin_archive(&of, 2)).to_string().contains("put the file back"));
    // The bundle is the City Archives' alone, and has the numbers; the vault keeps them no longer than the list.
    assert!(Reader::new().read(&bundle).is_none());
    let plain = city.read(&bundle).unwrap();
    let text = String::from_utf8_lossy(&plain);
    assert!(text.contains("numbers.csv") && text.contains("CANARY-UPN-003"), "{text}");
    let kept = |name: &str| site.vault().join("archives").join(format!("{of}.{name}")).exists();
    assert!(kept("0") && kept("1"));
    let whole = linker.disposal_list(&of).unwrap();
    let note = linker.report_disposal(&education(), receipt(&of, &whole, "e")).unwrap();
    let verifier: Verifier = linker.status().unwrap().verifier.parse().unwrap();
    let told: serde_json::Value = serde_json::from_str(verifier.open(&note).unwrap()).unwrap();
    let told = told["sealed_files"].as_array().unwrap();
    assert_eq!(told[0]["file"]["sha256"], minster_vault_sha256(&file));
    assert_eq!((&told[1]["of"], &told[1]["file"]["rows"]), (&"city-archives".into(), &1.into()));
    assert!(kept("0") && !kept("1"));
    drop((linker, client, serving));
    drop(site.serve());
    assert!(kept("0"), "a restart sweeps no archive's key");
    for (path, bytes) in files(&site) {
        assert!(!bytes.windows(6).any(|part| part == b"CANARY"), "{path}");
    }
    minster_vault::log::verify(&site.log(), None).unwrap();
}

#[test]
fn an_archive_is_opened_by_two_custodians_once_for_its_recipient_alone() {
    let site = Site::new();
    let serving = site.serve();
    filled(&serving);
    let of = disposed(&site, &serving, None);
    let reader = Reader::new();
    let mut client = serving.client(Role::Custodian).unwrap();
    let early = denial(proposed(&mut client, open(&of, None, &reader))).to_string();
    assert!(early.contains("run `minster dispose`"), "{early}");
    let (file, text) = archived(&serving, &of);
    let unknown = denial(proposed(&mut client, open(&"0".repeat(16), None, &reader))).to_string();
    assert!(unknown.contains("archive list"), "{unknown}");
    let told = client.archives().unwrap();
    assert_eq!((told.len(), told[0].opened), (1, 0));
    assert_eq!(told[0].persons[0].persons, Some(6));

    // One is not enough, and nobody enacts it in another way.
    let one = proposed(&mut client, open(&of, None, &reader)).unwrap();
    client.approve(site.sign("ann", &one)).unwrap();
    let why = opened(&mut client, &id(&one), &file).unwrap_err().to_string();
    assert!(why.contains("1 of 2 custodians"), "{why}");
    client.approve(site.sign("ben", &one)).unwrap();
    assert!(denial(client.enact(&id(&one))).to_string().contains("minster-vault archive open"));
    for role in [Role::Linker, Role::Ingest, Role::Analyst, Role::Auditor] {
        let other = denial(serving.client(role).unwrap().begin_opening(&id(&one)));
        assert!(matches!(other, Denial::RoleForbids { .. }), "{role:?}");
    }
    // Another file, a changed one and one without its end give no whole file, and do not use the signatures up.
    let other = Reader::new();
    let mut changed = file.clone();
    let last = changed.len() - 1;
    changed[last] ^= 1;
    for wrong in [&changed[..], &file[..last], &file[..300], b"no archive\n"] {
        assert!(opened(&mut client, &id(&one), wrong).is_err(), "{}", wrong.len());
    }
    let whole = opened(&mut client, &id(&one), &file).unwrap();
    assert!(other.read(&whole).is_none());
    let plain = String::from_utf8(reader.read(&whole).unwrap()).unwrap();
    assert!(plain.ends_with(&text), "{plain}");
    for n in 0..6 {
        assert!(plain.contains(&upn(n)) && plain.contains(&child(n)), "{n}");
    }
    assert!(plain.contains("1990-06-01") && !plain.contains(&upn(10)));
    let twice = opened(&mut client, &id(&one), &file).unwrap_err().to_string();
    assert!(twice.contains("once"), "{twice}");

    // For one person: nobody signs without the number, and the other rows stay sealed.
    let third = proposed(&mut client, open(&of, Some(&upn(3)), &reader)).unwrap();
    assert!(!third.contains("CANARY"), "{third}");
    let blind = denial(client.approve(site.sign("ann", &third))).to_string();
    assert!(blind.contains("types the child's number"), "{blind}");
    let number: IdentifierBatch = batch(&[upn(3)]);
    for name in ["ann", "ben"] {
        client.compare_subject(&id(&third), number.clone()).unwrap();
        client.approve(site.sign(name, &third)).unwrap();
    }
    let plain = reader.read(&opened(&mut client, &id(&third), &file).unwrap()).unwrap();
    let plain = String::from_utf8(plain).unwrap();
    assert!(plain.contains(&upn(3)) && plain.contains(&child(3)));
    assert_eq!(plain.matches("CANARY").count(), 2, "{plain}");
    assert_eq!(plain.matches("\"of\"").count(), 2, "{plain}");
    // A person who is not in it: the file says so to its recipient.
    let absent = proposed(&mut client, open(&of, Some(&upn(10)), &reader)).unwrap();
    for name in ["ann", "ben"] {
        client.compare_subject(&id(&absent), batch(&[upn(10)])).unwrap();
        client.approve(site.sign(name, &absent)).unwrap();
    }
    let plain = reader.read(&opened(&mut client, &id(&absent), &file).unwrap()).unwrap();
    assert!(!String::from_utf8(plain).unwrap().contains("\"of\""));
    assert_eq!(client.archives().unwrap()[0].opened, 3);
    drop((client, serving));
    // A sealed side that was changed is named.
    let path = site.vault().join("archives").join(format!("{of}.0"));
    let kept = fs::read(&path).unwrap();
    let serving = site.serve();
    let mut client = serving.client(Role::Custodian).unwrap();
    let text = signed(&site, &mut client, open(&of, None, &reader));
    fs::write(&path, &kept[1..]).unwrap();
    let why = opened(&mut client, &id(&text), &file).unwrap_err().to_string();
    assert!(why.contains("put archives/"), "{why}");
    fs::write(&path, &kept).unwrap();
    opened(&mut client, &id(&text), &file).unwrap();
    minster_vault::log::verify(&site.log(), None).unwrap();
    let log = fs::read_to_string(site.log()).unwrap();
    assert!(!log.contains("CANARY") && log.contains("\"step\":\"opened\""));
}

#[test]
fn a_recipient_that_is_none_is_refused_before_anybody_signs() {
    let site = Site::new();
    let serving = site.serve();
    filled(&serving);
    let mut client = serving.client(Role::Custodian).unwrap();
    // It looks like one, and its check characters are wrong.
    let almost = format!("age1{}", "q".repeat(58));
    let why = denial(proposed(&mut client, dispose(Some(&almost)))).to_string();
    assert!(why.contains("other") && why.contains("age recipient"), "{why}");
    let why = denial(proposed(&mut client, dispose(Some("city@example.org")))).to_string();
    assert!(why.contains("city_archives"), "{why}");
}

/// Its key is destroyed with the purpose: a copy of the file opens for nobody.
#[test]
fn the_end_of_a_purpose_destroys_its_archives() {
    let site = Site::new();
    let serving = site.serve();
    filled(&serving);
    let of = disposed(&site, &serving, None);
    let (file, _) = archived(&serving, &of);
    let mut client = serving.client(Role::Custodian).unwrap();
    let text = signed(&site, &mut client, open(&of, None, &Reader::new()));
    let signed_end = proposed(&mut client, end(true, false)).unwrap();
    assert!(signed_end.contains("the keys of its 1 sealed archive"), "{signed_end}");
    carried_out(&site, &serving, end(true, false)).unwrap();
    assert!(client.archives().unwrap().is_empty());
    assert!(opened(&mut client, &id(&text), &file).is_err());
    let mut linker = serving.client(Role::Linker).unwrap();
    linker.tell_removal(&education(), removal("d")).unwrap();
    let certificate = client.finish_end(&education()).unwrap();
    assert!(certificate.contains("keys and numbers of sealed archives"), "{certificate}");
    assert_eq!(fs::read_dir(site.vault().join("archives")).unwrap().count(), 0);
}

/// The process is killed at each write of a disposal: afterwards the list has its archive's key, or nothing was done.
#[test]
fn a_killed_disposal_has_its_archives_key_or_was_not_done() {
    let site = Site::new();
    let serving = site.serve();
    filled(&serving);
    let mut client = serving.client(Role::Custodian).unwrap();
    let text = signed(&site, &mut client, dispose(None));
    drop((client, serving));
    copy(&site.vault(), &site.path("before"));
    let reader = Reader::new();
    let steps = at_every_write(|disk| {
        fs::remove_dir_all(site.vault()).unwrap();
        copy(&site.path("before"), &site.vault());
        let done = site.open(disk).is_ok_and(|vault| {
            matches!(enact_at(&vault, &id(&text)), Response::Enacted(CarriedOut::Disposed(_)))
        });
        let serving = site.serve();
        let mut client = serving.client(Role::Custodian).unwrap();
        if client.disposal_list(&id(&text)).is_err() {
            assert!(!done);
            client.enact(&id(&text)).unwrap();
        }
        let (file, plain) = archived(&serving, &id(&text));
        let opening = signed(&site, &mut client, open(&id(&text), None, &reader));
        let whole = opened(&mut client, &id(&opening), &file).unwrap();
        assert!(reader.read(&whole).unwrap().ends_with(plain.as_bytes()));
        done
    });
    assert!(steps > 20, "{steps}");
}
