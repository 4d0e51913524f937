//! The folder of checkpoints, into which another user may put files.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt, symlink},
    path::{Path, PathBuf},
};

use minster_vault::{VaultFault, disk::Disk};

use crate::common::{Site, copy};

/// A vault that served under checkpoints.
fn lived() -> (Site, PathBuf) {
    let site = Site::new();
    let checkpoints = site.path("auditor");
    drop(site.serve_on(Disk::new(), Some(&checkpoints)).unwrap());
    (site, checkpoints)
}

fn notes(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut notes: Vec<_> = entries.filter(|path| path.extension().is_some()).collect();
    notes.retain(|path| path.extension().unwrap() == "note");
    notes.sort();
    notes
}

/// The auditor is another user than the vault's. The folder above hands its group down.
#[test]
fn checkpoints_are_for_the_folder_s_group_to_read_and_for_nobody_to_change() {
    let site = Site::new();
    let above = site.path("srv");
    fs::create_dir(&above).unwrap();
    let group = if rustix::process::getuid().is_root() {
        65_534
    } else {
        fs::metadata(&above).unwrap().gid()
    };
    std::os::unix::fs::chown(&above, None, Some(group)).unwrap();
    fs::set_permissions(&above, fs::Permissions::from_mode(0o2750)).unwrap();
    let checkpoints = above.join("checkpoints");
    drop(site.serve_on(Disk::new(), Some(&checkpoints)).unwrap());
    let of = |path: &Path| {
        let metadata = fs::metadata(path).unwrap();
        (metadata.mode() & 0o777, metadata.gid())
    };
    assert_eq!(of(&checkpoints), (0o750, group));
    let files = notes(&checkpoints).into_iter().chain([checkpoints.join("verifier.txt")]);
    let files: Vec<_> = files.map(|path| of(&path)).collect();
    assert!(files.len() > 1 && files.iter().all(|file| *file == (0o640, group)), "{files:?}");
    // Nothing of the vault's own folder is for a group.
    let own = fs::read_dir(site.vault()).unwrap().map(|entry| entry.unwrap().path());
    assert!(own.map(|path| of(&path).0 & 0o077).all(|others| others == 0));
}

/// The names that the vault used to write aside under were known before.
#[test]
fn a_link_in_the_folder_of_checkpoints_leads_no_write_elsewhere() {
    let (site, checkpoints) = lived();
    let root = site.vault().join("store.json");
    let good = fs::read(&root).unwrap();
    for entries in 0..40 {
        for name in [format!("{entries:012}.next"), "verifier.next".into()] {
            let _ = symlink(&root, checkpoints.join(name));
        }
    }
    drop(site.serve_on(Disk::new(), Some(&checkpoints)).unwrap());
    assert_eq!(fs::read(&root).unwrap(), good, "the root key stands");
    assert!(notes(&checkpoints).len() > 2, "and checkpoints were written");
    // A link in the place of a note is no note, and is not followed.
    let note = notes(&checkpoints).pop().unwrap();
    let aside = site.path("aside");
    fs::rename(&note, &aside).unwrap();
    symlink(&aside, &note).unwrap();
    let outcome = site.serve_on(Disk::new(), Some(&checkpoints)).map(drop);
    assert!(outcome.is_err_and(|fault| fault.to_string().contains("symbolic link")));
}

#[test]
fn a_folder_of_checkpoints_that_is_a_link_or_holds_a_pipe_is_refused() {
    let site = Site::new();
    let (real, link) = (site.path("real"), site.path("link"));
    fs::create_dir(&real).unwrap();
    symlink(site.vault(), &link).unwrap();
    assert!(site.serve_on(Disk::new(), Some(&link)).is_err());
    // Reading a pipe would wait for ever.
    for name in ["verifier.txt", "000000000001.note"] {
        let (site, checkpoints) = lived();
        let path = checkpoints.join(name);
        let _ = fs::remove_file(&path);
        let status = std::process::Command::new("mkfifo").arg(&path).status().unwrap();
        assert!(status.success());
        let outcome = site.serve_on(Disk::new(), Some(&checkpoints)).map(drop);
        assert!(
            outcome.is_err_and(|fault| fault.to_string().contains("no regular file")),
            "{name}"
        );
    }
}

/// Once a folder was used, the log knows up to where.
#[test]
fn an_emptied_shorter_or_replaced_folder_of_checkpoints_is_refused() {
    let (site, checkpoints) = lived();
    let serve = |folder: Option<&Path>| site.serve_on(Disk::new(), folder).map(drop);
    let held = notes(&checkpoints);
    assert_eq!(held.len(), 2);
    let whole = site.path("whole");
    copy(&checkpoints, &whole);
    let put_back = || {
        let _ = fs::remove_dir_all(&checkpoints);
        copy(&whole, &checkpoints);
    };
    let refused = |folder: Option<&Path>, what: &str| {
        let outcome = serve(folder).err();
        assert!(matches!(outcome, Some(VaultFault::CheckpointsLost { .. })), "{what}: {outcome:?}");
    };
    fs::remove_dir_all(&checkpoints).unwrap();
    refused(Some(&checkpoints), "removed");
    fs::create_dir(&checkpoints).unwrap();
    refused(Some(&checkpoints), "emptied");
    put_back();
    for note in &held {
        fs::remove_file(note).unwrap();
    }
    refused(Some(&checkpoints), "without notes");
    put_back();
    fs::remove_file(checkpoints.join("verifier.txt")).unwrap();
    refused(Some(&checkpoints), "without its verifier");
    put_back();
    refused(None, "none named");
    refused(Some(&site.path("fresh")), "a new one");
    let (_other, theirs) = lived();
    let outcome = serve(Some(&theirs)).err();
    assert!(matches!(outcome, Some(VaultFault::Checkpoint { .. })), "another vault's: {outcome:?}");
    // The very last may have been kept back by a crash; whatever is older, a later one covers.
    put_back();
    fs::remove_file(&held[1]).unwrap();
    serve(Some(&checkpoints)).unwrap();
    assert_eq!(notes(&checkpoints).len(), 3, "its place was taken by two later ones");
    serve(Some(&checkpoints)).unwrap();
}
