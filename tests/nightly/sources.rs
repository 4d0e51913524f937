//! Which sources are read, and which stand as they are.

use std::{
    fs,
    io::Write,
    path::Path,
    time::{Duration, Instant},
};

use minster_tests::{Site, files, text};
use serde_json::Value;

use crate::{HELP, Night, progress};

#[test]
fn yesterdays_files_again_do_nothing() {
    let night = Night::new();
    assert_eq!(progress(&night.report(0)), ["published", "published"]);
    let (before, log) = (files(&night.at("store/datasets")), fs::read(night.at("vault/log")));
    assert_eq!(progress(&night.report(0)), ["unchanged", "unchanged"]);
    assert!(files(&night.at("store/datasets")) == before);
    assert_eq!(fs::read(night.at("vault/log")).ok(), log.ok(), "the vault is not asked");
}

#[test]
fn nothing_changed_needs_no_vault() {
    let night = Night::new();
    night.report(0);
    night.site.stop_vault();
    assert_eq!(progress(&night.report(0)), ["unchanged", "unchanged"]);
    night.deliver_missing(6);
    let ran = night.ingest(&[]);
    assert_eq!(ran.status.code(), Some(6), "{}", text(&ran));
}

#[test]
fn all_is_read_again_where_that_is_asked() {
    let night = Night::new();
    night.report(0);
    let ran = night.ingest(&["--again"]);
    let report: Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!(progress(&report), ["published", "published"]);
}

#[test]
fn a_corrected_return_supersedes_and_a_late_file_fits_in() {
    let night = Night::new();
    night.report(0);
    night.deliver_missing(7);
    let report = night.report(0);
    assert_eq!(progress(&report), ["unchanged", "published"]);
    assert_eq!(report["sources"][1]["counts"]["accepted"], 7);
    night.deliver_help("early_help_late.csv", 20..25, "HOUSING");
    let report = night.report(0);
    assert_eq!(progress(&report), ["published", "unchanged"]);
    assert_eq!(report["sources"][0]["counts"]["accepted"], 25);
    fs::remove_file(night.at("help/early_help_late.csv")).unwrap();
    let report = night.report(0);
    assert_eq!(report["sources"][0]["counts"]["accepted"], 20, "a file that was taken back");
}

#[test]
fn a_correction_as_long_as_what_it_corrects_is_read() {
    let night = Night::new();
    night.report(0);
    let path = night.at("missing/missing_episodes.csv");
    let text = fs::read_to_string(&path).unwrap();
    let mended = text.replacen("2025-02-03", "2025-02-01", 1);
    assert!(mended != text && mended.len() == text.len());
    fs::write(&path, mended).unwrap();
    assert_eq!(progress(&night.report(0)), ["unchanged", "published"]);
    assert_eq!(progress(&night.report(0)), ["unchanged", "unchanged"]);
}

/// The files are the same; what becomes of them is not.
#[test]
fn another_definition_setting_or_look_up_reads_a_source_again() {
    let night = Night::new();
    night.report(0);
    let definition = night.at("config/sources/early_help.toml");
    let whole = fs::read_to_string(&definition).unwrap();
    let other = whole.replace(
        r#"postcode = { treatment = "match-key", part = "postcode", linkage = "postcode" }"#,
        r#"postcode = { treatment = "generalise", to = "lookup", lookup = "ward", as = "ward" }"#,
    );
    let other = other.replace("\"birth-date\", \"postcode\"", "\"birth-date\"");
    assert_ne!(other, whole);
    fs::write(&definition, other).unwrap();
    let lookup = |ward: &str| {
        fs::write(night.at("wards.csv"), format!("postcode,ward\nAB1 2CD,{ward}\n")).unwrap();
    };
    lookup("W1");
    let looked_up = |whole: String| whole + "[lookups]\nward = \"wards.csv\"\n";
    night.configure(looked_up);
    assert_eq!(progress(&night.report(0)), ["published", "unchanged"]);
    assert_eq!(progress(&night.report(0)), ["unchanged", "unchanged"]);
    lookup("W2");
    assert_eq!(progress(&night.report(0)), ["published", "unchanged"]);
    night.configure(|whole| {
        let opaque =
            whole.replace("folder = \"help\"", "folder = \"help\"\nidentifier = \"opaque\"");
        looked_up(opaque)
    });
    assert_eq!(progress(&night.report(0)), ["published", "unchanged"]);
}

#[test]
fn a_new_column_stops_the_run_or_its_source_alone() {
    let night = Night::new();
    night.report(0);
    let stood = night.dataset("early_help");
    let changed = HELP.replace("reason", "reason,social_worker");
    fs::write(night.at("help/early_help.csv"), changed).unwrap();
    night.deliver_missing(6);

    let ran = night.ingest(&[]);
    assert_eq!(ran.status.code(), Some(2), "{}", text(&ran));
    assert!(text(&ran).contains("social_worker"), "{}", text(&ran));
    let counts = |night: &Night| night.runs()[0]["sources"].as_array().map_or(0, Vec::len);
    assert_eq!(counts(&night), 0, "nothing was begun");

    night.configure(|whole| whole.replace("on_failure = \"stop\"", "on_failure = \"go-on\""));
    let ran = night.ingest(&[]);
    assert_eq!(ran.status.code(), Some(10), "{}", text(&ran));
    let report: Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!(progress(&report), ["left-out", "published"]);
    let why = report["sources"][0]["why"].as_str().unwrap();
    for part in ["early_help.csv", "social_worker", "treatment = \"drop\""] {
        assert!(why.contains(part) && text(&ran).contains(part), "{part}: {}", text(&ran));
    }
    assert!(night.dataset("early_help") == stood, "what stood stands");

    // The source's own setting counts for more.
    night.configure(|whole| {
        let whole = whole.replace("on_failure = \"stop\"", "on_failure = \"go-on\"");
        whole.replace("folder = \"help\"", "folder = \"help\"\non_failure = \"stop\"")
    });
    assert_eq!(night.ingest(&[]).status.code(), Some(2));
}

/// The file is as defined until its middle: nothing of it is published, and the others go on.
#[test]
fn a_file_that_breaks_off_leaves_its_source_out() {
    let night = Night::new();
    night.report(0);
    let stood = night.dataset("early_help");
    night.configure(|whole| whole.replace("on_failure = \"stop\"", "on_failure = \"go-on\""));
    let whole = fs::read_to_string(night.at("help/early_help.csv")).unwrap();
    fs::write(night.at("help/early_help.csv"), whole + "EH99,,\"Ann" + &"x\n".repeat(600_000))
        .unwrap();
    night.deliver_missing(6);
    let report = night.report(10);
    assert_eq!(progress(&report), ["left-out", "published"]);
    assert!(night.dataset("early_help") == stood);
    assert_eq!(files(&night.at("store/staging")).len(), 0);
}

/// Linking without a source that never stood would say of every child that it is not in it.
#[test]
fn nothing_is_linked_without_a_source_that_never_stood() {
    let site = Site::new();
    site.make_council(1500, 1);
    let config = site.folder().join("config/pipeline.toml");
    let whole = fs::read_to_string(&config).unwrap();
    fs::write(&config, whole.replace("on_failure = \"stop\"", "on_failure = \"go-on\"")).unwrap();
    fs::write(site.folder().join("council/missing/2024-25/notes.txt"), "x").unwrap();
    let ran = site.job();
    assert_eq!(ran.status.code(), Some(2), "{}", text(&ran));
    assert!(text(&ran).contains("notes.txt"), "{}", text(&ran));
    assert!(!site.folder().join("store/releases").exists());
    fs::remove_file(site.folder().join("council/missing/2024-25/notes.txt")).unwrap();
    assert_eq!(site.job().status.code(), Some(3));
}

#[test]
fn a_file_that_is_still_being_written_is_waited_for() {
    let night = Night::new();
    night.configure(|whole| {
        whole.replace("quiet_seconds = 0", "quiet_seconds = 1\nwait_seconds = 30")
    });
    let path = night.at("help/early_help.csv");
    let begun = Instant::now();
    let writing = std::thread::spawn(move || append(&path, Duration::from_secs(2)));
    let report = night.report(0);
    let written = writing.join().unwrap();
    assert!(begun.elapsed() > Duration::from_secs(2));
    assert_eq!(report["sources"][0]["counts"]["accepted"], 20 + written);
}

#[test]
fn a_file_that_never_settles_is_left_out() {
    let night = Night::new();
    night.configure(|whole| {
        let whole = whole.replace("on_failure = \"stop\"", "on_failure = \"go-on\"");
        whole.replace("quiet_seconds = 0", "quiet_seconds = 1\nwait_seconds = 2")
    });
    let path = night.at("help/early_help.csv");
    let writing = std::thread::spawn(move || append(&path, Duration::from_secs(5)));
    let report = night.report(10);
    assert_eq!(progress(&report), ["left-out", "published"]);
    assert!(report["sources"][0]["why"].as_str().unwrap().contains("still being written"));
    writing.join().unwrap();
    assert_eq!(progress(&night.report(0)), ["published", "unchanged"]);
}

/// Adds rows for a while; says how many.
fn append(path: &Path, time: Duration) -> u32 {
    let mut file = fs::File::options().append(true).open(path).unwrap();
    let begun = Instant::now();
    let mut rows = 0;
    while begun.elapsed() < time {
        writeln!(file, "EHX{rows},,Cy,More{rows},01/02/2013,AB1 2CD,03/04/2025,,HEALTH").unwrap();
        rows += 1;
        std::thread::sleep(Duration::from_millis(50));
    }
    rows
}

#[test]
fn rows_that_are_mended_and_delivered_again_leave_the_quarantine() {
    let night = Night::new();
    // Two ways to be wrong: no birth date in the first three rows, one that is still to come in the others. Free text where
    // a code belongs is left out of its cell.
    night.deliver_help("early_help.csv", 0..20, "not a token: Zebedee Quux");
    let rows = fs::read_to_string(night.at("help/early_help.csv")).unwrap();
    let rows = rows.replacen("01/02/2012", "2012-99-99", 3);
    let rows = rows.replace("01/02/2012", "01/02/2031");
    fs::write(night.at("help/early_help.csv"), rows).unwrap();
    night.configure(|whole| {
        whole.replace("[arrival]", "[limits]\nquarantine_percent = 100\n[arrival]")
    });
    let report = night.report(3);
    assert_eq!(report["sources"][0]["counts"]["quarantined"], 20);
    let list = |exit: i32, json: bool| {
        let config = night.site.path("pipeline.toml");
        let mut arguments = vec!["quarantine", "list", "--config", &config];
        arguments.extend(json.then_some("--json"));
        let ran = night.site.run("minster-ingest", &arguments);
        assert_eq!(ran.status.code(), Some(exit), "{}", text(&ran));
        String::from_utf8(ran.stdout).unwrap()
    };
    let listed: Value = serde_json::from_str(&list(3, true)).unwrap();
    let groups = listed["groups"].as_array().unwrap();
    assert_eq!(groups.len(), 2);
    let rows: u64 = groups.iter().map(|group| group["rows"].as_u64().unwrap()).sum();
    assert_eq!(rows, 20);
    let of_dates = groups.iter().find(|group| group["reason"] == "date-form").unwrap();
    assert_eq!((of_dates["rows"].as_u64(), &of_dates["file"]), (Some(3), &"early_help.csv".into()));
    // As a spreadsheet shows them.
    assert_eq!(of_dates["first"], serde_json::json!([2, 3, 4]));
    let words = list(3, false);
    assert!(words.contains("cells E2, E3, E4\n") && words.contains("20 rows"), "{words}");
    assert!(!words.contains("not a token") && !words.contains("2012-99"), "{words}");

    night.deliver_help("early_help.csv", 0..20, "HEALTH");
    assert_eq!(night.report(0)["sources"][0]["counts"]["accepted"], 20);
    assert!(list(0, false).contains("nothing is in quarantine"));
    assert_eq!(
        fs::read(night.at("store/datasets/source/early_help/2024-25/current/quarantine.jsonl"))
            .unwrap(),
        b""
    );
}
