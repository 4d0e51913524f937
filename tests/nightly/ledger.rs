//! The run ledger, the lock, and how long the past is kept.

use std::{
    fs,
    time::{Duration, SystemTime},
};

use minster_tests::{Site, files, text};
use serde_json::Value;

use crate::{Night, progress};

#[test]
fn every_run_is_in_the_ledger() {
    let night = Night::new();
    night.report(0);
    night.report(0);
    fs::write(night.at("help/unknown.csv"), "a\n").unwrap();
    assert_eq!(night.ingest(&[]).status.code(), Some(2));
    let runs = night.runs();
    let exits: Vec<_> = runs.iter().map(|run| run["exit"].as_u64().unwrap()).collect();
    assert_eq!(exits, [2, 0, 0], "the latest first");
    assert!(runs[0]["why"].as_str().unwrap().contains("unknown.csv"));
    assert_eq!(progress(&runs[1]), ["unchanged", "unchanged"]);
    assert_eq!(progress(&runs[2]), ["published", "published"]);
    let counts = &runs[2]["sources"][0]["counts"];
    assert_eq!((&counts["read"], &counts["accepted"]), (&20.into(), &20.into()));

    let config = night.site.path("pipeline.toml");
    let run = runs[2]["run"].as_str().unwrap();
    let shown = night.site.run("minster", &["runs", "show", run, "--config", &config]);
    let words = text(&shown);
    assert!(words.contains("20 read = 20 accepted + 0 quarantined"), "{words}");
    let listed = text(&night.site.run("minster", &["runs", "list", "--config", &config]));
    assert!(listed.contains(run) && listed.contains("minster-ingest"), "{listed}");
    let none = night.site.run("minster", &["runs", "show", "nothing", "--config", &config]);
    assert_eq!(none.status.code(), Some(2), "{}", text(&none));
}

#[test]
fn the_whole_job_is_recorded_and_its_second_run_changes_nothing() {
    let site = Site::new();
    site.make_council(1500, 1);
    let config = site.path("config/pipeline.toml");
    assert_eq!(site.released().status.code(), Some(3));
    let stood = (
        files(&site.folder().join("store/datasets")),
        files(&site.folder().join("store/releases")),
    );
    let second = site.job();
    assert_eq!(second.status.code(), Some(3), "{}", text(&second));
    let stands = (
        files(&site.folder().join("store/datasets")),
        files(&site.folder().join("store/releases")),
    );
    assert!(stands == stood);
    let list = site.run("minster", &["runs", "list", "--json", "--config", &config]);
    let list: Value = serde_json::from_slice(&list.stdout).unwrap();
    let runs = list["runs"].as_array().unwrap();
    assert_eq!(runs.len(), 5, "two programs, twice, and the person who let the draft out");
    let of = |place: usize, program: &str| {
        let run = &runs[place]["run"];
        let mut of_run = runs.iter().filter(|record| record["run"] == *run);
        of_run.find(|record| record["program"] == program).unwrap()
    };
    let stages = |record: &Value| -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let stages = record["stages"].as_array().unwrap().iter();
        stages.map(|stage| (text(&stage["name"]), text(&stage["progress"]))).collect()
    };
    let named = |stages: &[[&str; 2]]| -> Vec<(String, String)> {
        stages.iter().map(|[name, progress]| ((*name).to_owned(), (*progress).to_owned())).collect()
    };
    let first = [["link", "published"], ["draft children", "drafted"]];
    assert_eq!(stages(of(3, "minster")), named(&first));
    assert_eq!(stages(of(2, "minster-release")), named(&[["release children", "published"]]));
    let second = [["link", "unchanged"], ["draft children", "unchanged"]];
    assert_eq!(stages(of(0, "minster")), named(&second));
    assert!(progress(of(0, "minster-ingest")).iter().all(|progress| *progress == "unchanged"));
}

/// Killed in the middle, a run is shown as cut short, and the next one takes up at the source in work.
#[test]
fn a_killed_run_is_resumed_at_the_source_that_was_in_work() {
    let site = Site::new();
    site.make_council(1500, 4);
    let config = site.path("config/pipeline.toml");
    let record = || -> Option<Value> {
        let folder = fs::read_dir(site.folder().join("store/runs")).ok()?;
        let path =
            folder.flatten().map(|entry| entry.path()).find(|path| path.extension().is_some())?;
        serde_json::from_slice(&fs::read(path).ok()?).ok()
    };
    let mut run = site.command("minster-ingest", &["run", "--config", &config]).spawn().unwrap();
    // Two sources are done, a third is in work.
    loop {
        let done = record().map_or(0, |record| {
            let list = record["sources"].as_array().cloned().unwrap_or_default();
            let of = |progress: &str| list.iter().filter(|of| of["progress"] == progress).count();
            if of("working") == 1 { of("published") } else { 0 }
        });
        assert!(run.try_wait().unwrap().is_none(), "it was over before it could be killed");
        if done >= 2 {
            break;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    run.kill().unwrap();
    let told = |file: &str, figure: &str| {
        let text = fs::read_to_string(site.folder().join(file)).unwrap_or_default();
        let line = text.lines().find(|line| line.starts_with(figure)).map(str::to_owned);
        line.and_then(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
    };
    let begun = "minster_attempt_last_begun_timestamp_seconds{program=\"minster-ingest\"} ";
    assert!(told("minster-begun-minster-ingest.prom", begun).is_some(), "it began");
    let ended = "minster_attempt_last_timestamp_seconds{program=\"minster-ingest\"} ";
    assert_eq!(told("minster-attempt-minster-ingest.prom", ended), None, "and did not end");
    run.wait().unwrap();
    let cut = record().unwrap();
    assert!(cut["ended"].is_null() && cut["exit"].is_null());
    let before = cut["sources"].as_array().unwrap();
    let before = before.iter().filter(|source| source["progress"] == "published").count();

    let listed = text(&site.run("minster", &["runs", "list", "--config", &config]));
    assert!(listed.contains("it was interrupted"), "{listed}");
    let next = site.run("minster-ingest", &["run", "--json", "--config", &config]);
    assert_eq!(next.status.code(), Some(3), "{}", text(&next));
    let report: Value = serde_json::from_slice(&next.stdout).unwrap();
    let progress = progress(&report);
    assert!(progress[..before].iter().all(|progress| *progress == "unchanged"), "{progress:?}");
    assert_eq!(progress.last(), Some(&"published"));
    // The kill may have fallen between two sources; the record says so.
    let open = usize::from(!cut["work"].is_null());
    each_work_ends(&site.folder().join("lineage.jsonl"), open);
}

/// Each piece of work that lineage was told of has an end: one that was under way at the kill failed.
fn each_work_ends(lineage: &std::path::Path, killed: usize) {
    let events = fs::read_to_string(lineage).unwrap();
    let events: Vec<Value> =
        events.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |kinds: &[&str]| -> Vec<String> {
        let own = events.iter().filter(|of| kinds.contains(&of["eventType"].as_str().unwrap()));
        let mut ids: Vec<_> = own.map(|of| of["run"]["runId"].to_string()).collect();
        ids.sort();
        ids
    };
    // Killed just before it told lineage of its beginning, a piece of work has an end alone.
    let ends = of(&["COMPLETE", "FAIL"]);
    let open: Vec<String> = of(&["START"]).into_iter().filter(|id| !ends.contains(id)).collect();
    assert!(open.is_empty(), "{open:?}");
    let failed: Vec<&Value> = events.iter().filter(|of| of["eventType"] == "FAIL").collect();
    assert_eq!(failed.len(), killed, "{failed:?}");
    for event in failed {
        let message = &event["run"]["facets"]["errorMessage"]["message"];
        assert_eq!(message, "the run was stopped before this was done");
    }
}

#[test]
fn two_runs_at_once_do_not_mix() {
    let night = Night::new();
    night.report(0);
    let lock = fs::File::options().write(true).open(night.at("store/lock")).unwrap();
    lock.lock().unwrap();
    let before = files(&night.at("store"));
    let ran = night.ingest(&[]);
    assert_eq!(ran.status.code(), Some(8), "{}", text(&ran));
    assert!(files(&night.at("store")) == before, "not even a record is written");
}

fn snapshots(night: &Night) -> usize {
    let place = fs::read_dir(night.at("store/datasets/source/missing/2024-25")).unwrap();
    place.filter(|entry| entry.as_ref().unwrap().file_type().unwrap().is_dir()).count()
}

#[test]
fn superseded_snapshots_are_kept_as_long_as_is_said() {
    let night = Night::new();
    let keep = |snapshots: u32| {
        night.configure(move |whole| {
            whole + &format!("[retention]\nsnapshots = {snapshots}\nsnapshot_days = 30\n")
        });
    };
    keep(2);
    for children in 1..=5 {
        night.deliver_missing(children);
        night.report(0);
        assert_eq!(snapshots(&night), (children as usize).min(3));
    }
    keep(1);
    night.report(0);
    assert_eq!(snapshots(&night), 2, "a run without news sweeps too");
    // Older than it may be.
    let place = night.at("store/datasets/source/missing/2024-25");
    let current = fs::read_link(place.join("current")).unwrap();
    for entry in fs::read_dir(&place).unwrap().flatten() {
        if entry.file_type().unwrap().is_dir() {
            let manifest = fs::File::open(entry.path().join("manifest.json")).unwrap();
            manifest.set_modified(SystemTime::now() - Duration::from_secs(31 * 86_400)).unwrap();
        }
    }
    night.report(0);
    assert_eq!(snapshots(&night), 2, "the newest one that was superseded stays, however old");
    assert!(place.join(&current).is_dir(), "what stands stays, however old");
    // With several, the others go by their age.
    keep(3);
    for children in 6..=8 {
        night.deliver_missing(children);
        night.report(0);
    }
    // The snapshots before them are older than they may be, and went.
    assert_eq!(snapshots(&night), 3);
    for entry in fs::read_dir(&place).unwrap().flatten() {
        if entry.file_type().unwrap().is_dir() {
            let manifest = fs::File::open(entry.path().join("manifest.json")).unwrap();
            manifest.set_modified(SystemTime::now() - Duration::from_secs(40 * 86_400)).unwrap();
        }
    }
    night.report(0);
    assert_eq!(snapshots(&night), 2);
}

#[test]
fn records_of_runs_go_when_their_time_is_over() {
    let night = Night::new();
    night.report(0);
    let folder = night.at("store/runs");
    let path = fs::read_dir(&folder).unwrap().next().unwrap().unwrap().path();
    let mut record: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    let name = path.file_name().unwrap().to_str().unwrap().to_owned();
    let run = record["run"].as_str().unwrap().to_owned();
    let first = record["sequence"].as_u64().unwrap();
    record["started"] = "2024-01-01T02:00:00Z".into();
    let mut place = |run: &str, sequence: u64, name: &str| {
        record["run"] = run.into();
        record["sequence"] = sequence.into();
        fs::write(folder.join(name), record.to_string()).unwrap();
    };
    place(&run, first, &name);
    // The newest thirty stay, however old their times are.
    for later in 1..=30 {
        let copy = format!("night-{later}");
        place(&copy, first + later, &name.replace(&run, &copy));
    }
    night.report(0);
    let names = fs::read_dir(&folder).unwrap().flatten().map(|entry| entry.file_name());
    let left: Vec<String> = names.map(|name| name.into_string().unwrap()).collect();
    assert_eq!(left.len(), 30, "this night's, and 29 before it: {left:?}");
    let stays = |night: &str| left.iter().any(|name| name.starts_with(&format!("{night}.")));
    assert!(!path.exists() && !stays("night-1") && stays("night-2"), "{left:?}");
}

/// The clock was set back between two runs, or a run's name is given twice: the later one stands.
#[test]
fn a_run_of_the_same_name_supersedes_the_one_before() {
    let night = Night::new();
    let run = ["--run", "20261127t020000-1"];
    assert_eq!(night.ingest(&run).status.code(), Some(0));
    night.deliver_missing(9);
    assert_eq!(night.ingest(&run).status.code(), Some(0));
    assert_eq!(snapshots(&night), 1);
    assert_eq!(night.runs().len(), 1);
    assert_eq!(night.runs()[0]["sources"][1]["counts"]["accepted"], 9);
}
