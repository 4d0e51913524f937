//! What ships for a server, as systemd's own programs read it: users, folders and units in an empty root.
#![allow(clippy::print_stderr, reason = "a test that is left out says so")]

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use minster_tests::text;

const UNITS: [&str; 3] = ["minster-vault.service", "minster-ingest.service", "minster.service"];

fn packaging() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("packaging")
}

/// Nothing where the program is not installed: the test says so.
fn systemd(program: &str, arguments: &[&str]) -> Option<Output> {
    match Command::new(program).args(arguments).output() {
        Ok(output) => Some(output),
        Err(_) => {
            eprintln!("LEFT OUT: there is no {program}");
            None
        }
    }
}

/// An empty root, with our users' and folders' files where the pages put them.
fn root() -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for (folder, file) in [("sysusers.d", "minster.sysusers"), ("tmpfiles.d", "minster.tmpfiles")] {
        let folder = root.path().join("etc").join(folder);
        fs::create_dir_all(&folder).unwrap();
        fs::copy(packaging().join("systemd").join(file), folder.join("minster.conf")).unwrap();
    }
    root
}

#[test]
fn an_empty_root_gets_every_user_and_folder_that_the_units_name() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("LEFT OUT: users and folders are made by root alone");
        return;
    }
    let root = root();
    let folder = root.path().to_str().unwrap();
    let Some(made) = systemd("systemd-sysusers", &["--root", folder]) else { return };
    assert!(made.status.success(), "{}", text(&made));
    // It makes no user whose description it does not understand, and ends with 0 all the same.
    assert!(!text(&made).contains("not a valid"), "{}", text(&made));
    let users = fs::read_to_string(root.path().join("etc/passwd")).unwrap();
    let Some(made) = systemd("systemd-tmpfiles", &["--root", folder, "--create", "minster.conf"])
    else {
        return;
    };
    assert!(made.status.success(), "{}", text(&made));
    for unit in UNITS {
        let unit = fs::read_to_string(packaging().join("systemd").join(unit)).unwrap();
        let values = |key: &str| -> Vec<String> {
            let lines = unit.lines().filter_map(|line| line.strip_prefix(key)?.strip_prefix('='));
            lines.flat_map(|line| line.split_whitespace().map(str::to_owned)).collect()
        };
        let user = values("User").remove(0);
        assert!(users.lines().any(|line| line.starts_with(&format!("{user}:"))), "{user}");
        // The unit does not start where such a folder is missing.
        for path in values("ReadWritePaths").into_iter().chain(values("ReadOnlyPaths")) {
            let path = root.path().join(path.trim_start_matches('/'));
            assert!(path.is_dir(), "{}", path.display());
        }
    }
    let store = fs::metadata(root.path().join("var/lib/minster/store")).unwrap();
    assert_eq!(store.permissions().mode() & 0o7777, 0o2770);
}

#[test]
fn systemd_understands_each_unit_and_finds_little_that_it_exposes() {
    for unit in UNITS {
        let path = packaging().join("systemd").join(unit);
        let path = path.to_str().unwrap();
        // A tenth of a point is 1.
        let arguments = ["security", "--offline=yes", "--threshold=10", "--no-pager", path];
        let Some(judged) = systemd("systemd-analyze", &arguments) else { return };
        assert!(judged.status.success(), "{}", text(&judged));
        let Some(read) = systemd("systemd-analyze", &["verify", "--man=no", path]) else { return };
        // The programs are not installed here.
        let wrong = text(&read);
        let wrong =
            wrong.lines().find(|line| line.contains(unit) && !line.contains("not executable"));
        assert_eq!(wrong, None);
    }
}

#[test]
fn cron_finds_the_programs_that_its_line_calls() {
    let cron = fs::read_to_string(packaging().join("cron/minster")).unwrap();
    let path = cron.lines().find_map(|line| line.strip_prefix("PATH=")).unwrap();
    // Debian has `runuser` there, and cron's own path does not.
    let folders: Vec<&str> = path.split(':').collect();
    assert!(folders.contains(&"/usr/sbin") && folders.contains(&"/usr/bin"), "{path}");
    let night = cron.lines().find(|line| line.starts_with("0 2")).unwrap();
    assert_eq!(night.matches("runuser -u ").count(), 3, "{night}");
}
