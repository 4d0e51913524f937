//! From nothing to drafts, with what `minster init` writes.

use std::fs;

use minster_tests::{Site, files, root, text};

#[test]
fn a_new_configuration_is_the_examples_and_runs() {
    let site = Site::new();
    let written = site.run("minster", &["init"]);
    assert!(written.status.success(), "{}", text(&written));
    let under = |folder: &std::path::Path| {
        let below = |(path, bytes): (std::path::PathBuf, Vec<u8>)| {
            (path.strip_prefix(folder).unwrap().to_owned(), bytes)
        };
        files(folder).into_iter().map(below).collect::<Vec<_>>()
    };
    let config = site.folder().join("config");
    assert!(under(&config) == under(&root().join("config")), "it is not the example's");

    let council = ["--pupils", "3000", "--seed", "1", "--attendance-days", "3"];
    let places = ["--out", "council", "--truth", "truth"];
    let made = site.run("minster-synth", &[council.as_slice(), &places].concat());
    assert!(made.status.success(), "{}", text(&made));
    let plan = site.run("minster", &["plan"]);
    assert_eq!(plan.status.code(), Some(0), "{}", text(&plan));
    assert!(text(&plan).contains("drafted: children, threshold 5"), "{}", text(&plan));
    let run = site.run("minster", &["run"]);
    assert_eq!(run.status.code(), Some(3), "{}", text(&run));
    let next = "minster release children --config config/pipeline.toml";
    assert!(text(&run).contains(next), "{}", text(&run));
    let let_out = site.run("minster", &["release", "children"]);
    assert_eq!(let_out.status.code(), Some(0), "{}", text(&let_out));
}

#[test]
fn no_file_is_overwritten() {
    let site = Site::new();
    let kept = site.folder().join("config/pipeline.toml");
    fs::create_dir(site.folder().join("config")).unwrap();
    fs::write(&kept, "the council's own").unwrap();
    for arguments in [["init"].as_slice(), &["init", "config"]] {
        let refused = site.run("minster", arguments);
        assert_eq!(refused.status.code(), Some(2), "{}", text(&refused));
    }
    assert_eq!(fs::read_to_string(&kept).unwrap(), "the council's own");
    assert_eq!(files(&site.folder().join("config")).len(), 1);
}

#[test]
fn a_setting_of_the_environment_stands_for_the_option() {
    let site = Site::new();
    assert!(site.run("minster", &["init", "elsewhere"]).status.success());
    let away = site.run("minster", &["runs", "list"]);
    assert_eq!(away.status.code(), Some(2), "{}", text(&away));
    assert!(text(&away).contains("cannot read the pipeline config/pipeline.toml"));
    fs::create_dir_all(site.folder().join("store/runs")).unwrap();
    let mut runs = site.command("minster", &["runs", "list"]);
    let found = runs.env("MINSTER_CONFIG", "elsewhere/pipeline.toml").output().unwrap();
    assert_eq!(found.status.code(), Some(0), "{}", text(&found));
    let mut status = site.command("minster-vault", &["status"]);
    let status = status.env("MINSTER_SOCKET", site.path("vault.sock")).output().unwrap();
    assert_eq!(status.status.code(), Some(0), "{}", text(&status));
}

#[test]
fn the_version_says_which_commit() {
    let site = Site::new();
    let head = std::process::Command::new("git")
        .args(["rev-parse", "--short=12", "HEAD"])
        .current_dir(root())
        .output();
    let head = head.ok().filter(|output| output.status.success());
    let commit = match head {
        Some(output) => format!("commit {}", String::from_utf8(output.stdout).unwrap().trim()),
        None => match std::env::var("MINSTER_COMMIT") {
            Ok(commit) => format!("commit {commit}"),
            Err(_) => "commit unknown: built outside of git".to_owned(),
        },
    };
    for program in ["minster", "minster-ingest", "minster-vault", "minster-audit", "minster-synth"]
    {
        let version = text(&site.run(program, &["--version"]));
        let number = env!("CARGO_PKG_VERSION");
        assert_eq!(version, format!("{program} {number} ({commit})\n"));
    }
}
