//! A vault and a store that 0.2.0 made are opened by this release: each writer takes over, once and aloud, what stands, and a
//! release that 0.2.0 left between its log and its ledger locks nothing for ever.
//!
//! `release-0.2.0` was made by the programs of 0.2.0: two sources of a made-up council, linked; one release let out, and
//! another in the state in which a kill between log and ledger leaves it.
#![allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]

use std::{fs, os::unix::fs::PermissionsExt, path::Path, process::Output};

use minster_tests::{Site, copy, copy_whole, root, text};

const PUBLISH: Option<i32> = Some(7);

fn site() -> Site {
    let site = Site::empty();
    copy_whole(&root().join("tests/upgrade/release-0.2.0"), &site.folder().join("from"));
    for name in fs::read_dir(site.folder().join("from")).unwrap() {
        let path = name.unwrap().path();
        fs::rename(&path, site.folder().join(path.file_name().unwrap())).unwrap();
    }
    own(&site.folder().join("vault"));
    own(&site.folder().join("custody.key"));
    own(&site.folder().join("store"));
    // Its programs ran as root; who runs them now is the machine's to say.
    let settings = site.folder().join("vault/vault.toml");
    let roles = fs::read_to_string(&settings).unwrap();
    let uid = rustix::process::getuid().as_raw();
    fs::write(&settings, roles.replace("[0]", &format!("[{uid}]"))).unwrap();
    copy(&root().join("config"), &site.folder().join("config"));
    copy_whole(&site.folder().join("tables"), &site.folder().join("config/tables"));
    let pipeline = fs::read_to_string(site.folder().join("pipeline.toml")).unwrap();
    // One source alone: the other stays as 0.2.0 read it.
    let (head, _) = pipeline.split_once("[[source]]\nname = \"school_census\"").unwrap();
    let help = pipeline.split_once("[[source]]\nname = \"early_help\"").unwrap().1;
    let help = format!("{head}[[source]]\nname = \"early_help\"{help}");
    fs::write(site.folder().join("help.toml"), help).unwrap();
    site.serve();
    site
}

/// Git keeps no modes but one.
fn own(path: &Path) {
    let mode = if path.is_dir() { 0o700 } else { 0o600 };
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    if path.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            let path = entry.unwrap().path();
            if !path.is_symlink() {
                own(&path);
            }
        }
    }
}

fn ran(site: &Site, program: &str, arguments: &[&str]) -> Output {
    let config =
        if arguments.contains(&"--config") { &[][..] } else { &["--config", "pipeline.toml"] };
    site.run(program, &[arguments, config].concat())
}

fn good(output: &Output) -> String {
    assert!(matches!(output.status.code(), Some(0 | 3)), "{}", text(output));
    text(output)
}

fn says(output: &Output, words: &[&str]) {
    for word in words {
        assert!(text(output).contains(word), "{word}: {}", text(output));
    }
}

/// How often the log says that something was taken over.
fn taken_over(site: &Site) -> usize {
    let log = fs::read_to_string(site.path("vault/log.jsonl")).unwrap();
    log.matches("\"event\":\"took-over\"").count()
}

#[test]
fn a_store_of_0_2_0_is_taken_over_once_by_each_writer() {
    let site = site();
    let source = "store/datasets/source/school_census/2025-summer/current/manifest.json";
    let manifest = || fs::read_to_string(site.path(source)).unwrap();
    assert!(manifest().contains("\"format\": 1"));
    // The parts that 0.2.0 shredded after its match are not there to match by: numbers alone link.
    let matching = site.folder().join("config/matching.toml");
    let definition = fs::read_to_string(&matching).unwrap();
    let (before, scoring) = definition.split_once("[scoring]\n").unwrap();
    let (_, after) = scoring.split_once("\n[").unwrap();
    fs::write(&matching, format!("{before}[{after}")).unwrap();
    let early = ran(&site, "minster", &["link", "--again"]);
    assert_eq!(early.status.code(), PUBLISH, "{}", text(&early));
    says(&early, &["source/school_census/2025-summer", "`minster-ingest run`, once"]);
    says(&early, &["an earlier release made integrated/children/2024-25"]);
    assert_eq!(taken_over(&site), 1);

    let older = site.folder().join("older");
    let place = site.folder().join("store/datasets/source/early_help/2024-25");
    let current = || fs::canonicalize(place.join("current")).unwrap();
    copy_whole(&current(), &older);
    let said = good(&ran(&site, "minster-ingest", &["run", "--config", "help.toml"]));
    for word in ["an earlier release made", "source/early_help/", "source/school_census/"] {
        assert!(said.contains(word), "{word}: {said}");
    }
    assert_eq!(taken_over(&site), 2);
    good(&ran(&site, "minster", &["link", "--again"]));
    // The children whom 0.2.0 linked are the same, by the ids that it made. Printed counts are coarse; the sealed report is exact.
    let exact = ran(&site, "minster", &["report", "links", "--json"]);
    let exact: serde_json::Value = serde_json::from_slice(&exact.stdout).unwrap();
    assert_eq!((&exact["children"], &exact["ids"]["made"]), (&59.into(), &59.into()), "{exact}");
    assert!(manifest().contains("\"format\": 1"), "what 0.2.0 read was linked");
    assert_eq!(taken_over(&site), 2);

    // From now on it is as for any dataset.
    good(&ran(&site, "minster-ingest", &["run", "--again"]));
    copy_whole(&older, &current());
    let refused = ran(&site, "minster", &["link", "--again"]);
    assert_eq!(refused.status.code(), PUBLISH, "{}", text(&refused));
    says(&refused, &["source/early_help/2024-25", "an older snapshot stands"]);
    let said = good(&ran(&site, "minster-ingest", &["run", "--again"]));
    assert!(!said.contains("an earlier release made"), "{said}");
    good(&ran(&site, "minster", &["link"]));
    assert_eq!(taken_over(&site), 2, "once each");
    let log = ["log", "verify", "--log", &site.path("vault/log.jsonl")];
    good(&site.run("minster-vault", &log));
}

#[test]
fn a_release_that_0_2_0_left_between_log_and_ledger_locks_no_draft_for_ever() {
    let site = site();
    // Today's definition asks the linkage for more than that of 0.2.0: all is linked anew.
    good(&ran(&site, "minster-ingest", &["run", "--parts"]));
    good(&ran(&site, "minster", &["link"]));
    let lacking = ran(&site, "minster", &["aggregate"]);
    assert_eq!(lacking.status.code(), PUBLISH, "{}", text(&lacking));
    says(&lacking, &["by_year of 2024-25", "let the same release out once more", "report/by_sex"]);
    // This release protects other cells, so that it is another by now. Nobody saw the first: custodians have it forgotten.
    let refused = ran(&site, "minster", &["release", "by_year"]);
    assert_eq!(refused.status.code(), PUBLISH, "{}", text(&refused));
    site.appoint();
    let log = fs::read_to_string(site.path("vault/log.jsonl")).unwrap();
    let hash = |name: &str| {
        let entry = log.lines().rfind(|line| {
            line.contains("\"let-out\"") && line.contains(&format!("\"release\":\"{name}\""))
        });
        let (_, hash) = entry.unwrap().split_once("\"sha256\":\"").unwrap();
        hash[..64].to_owned()
    };
    let forget = |hash: &str| {
        format!(
            "forget-release --purpose children-statistics --release by_year --period 2024-25 --sha256 {hash}"
        )
    };
    let soon = minster_tests::soon();
    let case =
        format!("request --socket vault.sock --reference C/1 --reason test --expires {soon}");
    let other = forget(&hash("by_sex"));
    let words: Vec<&str> = case.split(' ').chain(other.split(' ')).collect();
    says(&site.run("minster-vault", &words), &["knows of no such release"]);
    site.enacted(&forget(&hash("by_year")));
    good(&ran(&site, "minster", &["aggregate"]));
    good(&ran(&site, "minster", &["release", "by_year"]));
    good(&ran(&site, "minster", &["run"]));
}
