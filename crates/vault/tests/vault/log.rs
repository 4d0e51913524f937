//! The log before its auditor and its attackers.

use std::{
    fs,
    path::{Path, PathBuf},
};

use minster_model::Role;
use minster_vault::{
    VaultFault,
    disk::Disk,
    log::{Verified, checkpoint::Checkpoint, verify},
};
use minster_vault_api::note::Verifier;

use crate::common::{Site, copy};

/// A vault that served under checkpoints, some of it after the last.
fn lived() -> (Site, PathBuf) {
    let site = Site::new();
    let checkpoints = site.path("auditor");
    let serving = site.serve_on(Disk::new(), Some(&checkpoints)).unwrap();
    serving.ask("education", "upn", &["a", "b"]).unwrap();
    drop(serving);
    (site, checkpoints)
}

fn checked(site: &Site, checkpoints: &Path) -> Result<Verified, VaultFault> {
    verify(&site.log(), Some(checkpoints))
}

fn lines(path: &Path) -> Vec<String> {
    fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect()
}

fn write(path: &Path, lines: &[String]) {
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    fs::write(path, text).unwrap();
}

#[test]
fn a_whole_log_agrees_with_its_checkpoints() {
    let (site, checkpoints) = lived();
    let verified = checked(&site, &checkpoints).unwrap();
    assert_eq!(verified.checkpoints, 2, "at the start and at the stop");
    assert_eq!(verified.covered, verified.entries, "the last thing written is a checkpoint");
}

#[test]
fn an_entry_changed_removed_reordered_or_inserted_shows() {
    let (site, checkpoints) = lived();
    let good = lines(&site.log());
    let n = good.len();
    let mut changed = good.clone();
    let of_run = good.iter().position(|line| line.contains("opened-run")).unwrap();
    changed[of_run] = changed[of_run].replace("census", "cemsus");
    assert_ne!(changed, good);
    let mut swapped = good.clone();
    swapped.swap(1, 2);
    let mut inserted = good.clone();
    inserted.insert(2, good[2].clone());
    let removed: Vec<String> = (0..n).filter(|&at| at != 2).map(|at| good[at].clone()).collect();
    for bad in [changed, swapped, inserted, removed] {
        write(&site.log(), &bad);
        assert!(matches!(checked(&site, &checkpoints), Err(VaultFault::LogBroken { .. })));
        assert!(matches!(site.open(Disk::new()).err(), Some(VaultFault::LogBroken { .. })));
    }
}

#[test]
fn a_tail_that_was_cut_shows_below_the_last_checkpoint() {
    let (site, checkpoints) = lived();
    let good = lines(&site.log());
    for keep in 1..good.len() {
        write(&site.log(), &good[..keep]);
        assert!(
            matches!(checked(&site, &checkpoints), Err(VaultFault::Checkpoint { .. })),
            "{keep}"
        );
        let outcome = site.serve_on(Disk::new(), Some(&checkpoints));
        assert!(outcome.is_err(), "{keep}: the vault does not serve either");
    }
    // Without checkpoints only the registry tells, and only if something was answered.
    write(&site.log(), &good[..1]);
    verify(&site.log(), None).unwrap();
}

/// A thief of the disk writes the whole log anew, with a chain that fits.
#[test]
fn a_log_written_anew_shows() {
    let (site, checkpoints) = lived();
    let good = lines(&site.log());
    let mut anew: Vec<String> = Vec::new();
    let mut prev = "0".repeat(64);
    for line in &good {
        let mut entry: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(line).unwrap();
        entry.insert("prev".into(), prev.clone().into());
        if entry["event"] == "pseudonymised" {
            entry.insert("count".into(), 1.into());
        }
        let line = serde_json::to_string(&entry).unwrap();
        let hash = ring::digest::digest(&ring::digest::SHA256, line.as_bytes());
        prev = base16ct::lower::encode_string(hash.as_ref());
        anew.push(line);
    }
    write(&site.log(), &anew);
    verify(&site.log(), None).unwrap();
    assert!(matches!(checked(&site, &checkpoints), Err(VaultFault::Checkpoint { .. })));
    assert!(
        matches!(site.open(Disk::new()).err(), Some(VaultFault::LogBroken { .. })),
        "the vault knows its own seal"
    );
    // Nor does leaving the seals out help.
    let unsealed: Vec<String> = anew
        .iter()
        .map(|line| {
            let mut entry: serde_json::Map<String, serde_json::Value> =
                serde_json::from_str(line).unwrap();
            entry.remove("mac");
            serde_json::to_string(&entry).unwrap()
        })
        .collect();
    for few in [&unsealed[..1], &unsealed] {
        write(&site.log(), few);
        assert!(matches!(site.open(Disk::new()).err(), Some(VaultFault::LogBroken { .. })));
        assert!(matches!(verify(&site.log(), None), Err(VaultFault::LogBroken { .. })));
    }
}

#[test]
fn an_older_copy_of_the_whole_folder_put_back_shows() {
    let site = Site::new();
    let checkpoints = site.path("auditor");
    let older = site.path("older");
    drop(site.serve_on(Disk::new(), Some(&checkpoints)).unwrap());
    copy(&site.vault(), &older);
    let copied = site.path("copied");
    copy(&checkpoints, &copied);
    let serving = site.serve_on(Disk::new(), Some(&checkpoints)).unwrap();
    serving.ask("education", "upn", &["a"]).unwrap();
    drop(serving);
    fs::remove_dir_all(site.vault()).unwrap();
    copy(&older, &site.vault());
    assert!(matches!(checked(&site, &checkpoints), Err(VaultFault::Checkpoint { .. })));
    let Err(VaultFault::Checkpoint { why, .. }) =
        site.serve_on(Disk::new(), Some(&checkpoints)).map(drop)
    else {
        panic!("it serves")
    };
    assert!(why.contains("older copy"), "{why}");
    // A copy that goes on elsewhere signs the same lengths again: the counters give it away.
    let serving = site.serve_on(Disk::new(), Some(&copied)).unwrap();
    serving.ask("education", "upn", &["b", "c"]).unwrap();
    drop(serving);
    for note in fs::read_dir(&copied).unwrap() {
        let note = note.unwrap();
        let target = checkpoints.join(note.file_name());
        if !target.exists() {
            fs::copy(note.path(), target).unwrap();
        }
    }
    assert!(checked(&site, &checkpoints).is_err());
}

#[test]
fn a_checkpoint_that_was_changed_or_is_another_vault_s_shows() {
    let (site, checkpoints) = lived();
    let note = fs::read_dir(&checkpoints)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|extension| extension == "note"))
        .unwrap();
    let good = fs::read_to_string(&note).unwrap();
    fs::write(
        &note,
        good.replacen("counter 1", "counter 7", 1).replacen("counter 2", "counter 7", 1),
    )
    .unwrap();
    assert!(matches!(checked(&site, &checkpoints), Err(VaultFault::Checkpoint { .. })));
    fs::write(&note, good).unwrap();
    checked(&site, &checkpoints).unwrap();
    let other = Site::new();
    assert!(matches!(
        other.serve_on(Disk::new(), Some(&checkpoints)).err(),
        Some(VaultFault::Checkpoint { .. })
    ));
    assert!(verify(&other.log(), Some(&checkpoints)).is_err());
}

#[test]
fn the_auditor_asks_for_a_checkpoint_and_a_statement() {
    let site = Site::new();
    let serving = site.serve();
    let mut client = serving.client(Role::Auditor).unwrap();
    let verifier: Verifier = client.status().unwrap().verifier.parse().unwrap();
    let counters: Vec<u64> = (0..2)
        .map(|_| {
            let note = client.checkpoint().unwrap();
            Checkpoint::read(verifier.open(&note).unwrap()).unwrap().counter
        })
        .collect();
    assert_eq!(counters, [1, 2]);
    let note = client.statement().unwrap();
    let statement = minster_vault_api::Statement::read(verifier.open(&note).unwrap()).unwrap();
    assert_eq!(statement.purposes.len(), 2);
    assert!(verifier.open(&note.replace("education", "educatiom")).is_err());
}

#[test]
fn a_line_cut_short_is_repaired_and_said() {
    let site = Site::new();
    site.serve().ask("education", "upn", &["a", "b"]).unwrap();
    let text = fs::read(site.log()).unwrap();
    fs::write(site.log(), &text[..text.len() - 10]).unwrap();
    assert!(verify(&site.log(), None).is_err());
    site.open(Disk::new()).unwrap();
    assert!(fs::read_to_string(site.log()).unwrap().contains("repaired"));
    verify(&site.log(), None).unwrap();
}
