//! The files that monitors read: the textfile, lineage, JSON logs.

use std::fs;

use minster_tests::text;
use serde_json::Value;

use crate::Night;

fn metric(text: &str, name: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().parse().ok()
}

#[test]
fn the_textfile_tells_of_the_last_run_and_the_last_success() {
    let night = Night::new();
    night.report(0);
    let read = || fs::read_to_string(night.at("minster.prom")).unwrap();
    let first = read();
    let success = "minster_run_last_success_timestamp_seconds{program=\"minster-ingest\"}";
    let accepted =
        "minster_source_rows{source=\"early_help\",period=\"2024-25\",outcome=\"accepted\"}";
    let exit = "minster_run_last_exit_code{program=\"minster-ingest\"}";
    assert_eq!(metric(&first, accepted), Some(20.0), "{first}");
    assert_eq!(metric(&first, exit), Some(0.0));
    let bytes = fs::metadata(night.at("help/early_help.csv")).unwrap().len();
    let of_bytes = "minster_source_bytes{source=\"early_help\",period=\"2024-25\"}";
    assert_eq!(metric(&first, of_bytes), Some((bytes.div_ceil(4096) * 4096) as f64));
    // Every sample belongs to a family that was announced.
    for line in first.lines().filter(|line| !line.starts_with('#')) {
        let name = line.split('{').next().unwrap();
        assert!(first.contains(&format!("# TYPE {name} gauge\n")), "{line}");
    }

    fs::write(night.at("help/unknown.csv"), "a\n").unwrap();
    night.ingest(&[]);
    let second = read();
    assert_eq!(metric(&second, exit), Some(2.0));
    assert_eq!(metric(&second, success), metric(&first, success), "the success before");
    assert_eq!(metric(&second, accepted), Some(20.0), "the source as it was last read");
}

#[test]
fn a_monitor_that_cannot_be_written_stops_no_run() {
    let night = Night::new();
    night.configure(|whole| whole.replace("\"minster.prom\"", "\"nowhere/minster.prom\""));
    let ran = night.ingest(&[]);
    assert_eq!(ran.status.code(), Some(0), "{}", text(&ran));
    assert!(text(&ran).contains("nowhere"), "{}", text(&ran));
}

#[test]
fn lineage_has_a_start_and_an_end_for_each_source_that_was_in_work() {
    let night = Night::new();
    night.report(0);
    night.deliver_missing(6);
    night.report(0);
    night.configure(|whole| whole.replace("on_failure = \"stop\"", "on_failure = \"go-on\""));
    fs::write(night.at("help/early_help.csv"), "other\n1\n").unwrap();
    night.report(10);
    let lines = fs::read_to_string(night.at("lineage.jsonl")).unwrap();
    let events: Vec<Value> =
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for event in &events {
        for required in ["eventTime", "producer", "schemaURL"] {
            assert!(event[required].is_string(), "{event}");
        }
        let id = event["run"]["runId"].as_str().unwrap();
        assert_eq!(id.len(), 36);
        assert_eq!(&id[14..15], "8", "a UUID of version 8");
        assert_eq!(event["job"]["namespace"], "minster/children-statistics");
        assert!(event["inputs"][0]["name"].is_string() && event["outputs"][0]["name"].is_string());
    }
    let told = |id: &Value| -> Vec<&str> {
        let of_run = events.iter().filter(|event| event["run"]["runId"] == *id);
        of_run.map(|event| event["eventType"].as_str().unwrap()).collect()
    };
    let starts: Vec<&Value> = events.iter().filter(|event| event["eventType"] == "START").collect();
    assert_eq!(starts.len(), 6);
    for start in &starts {
        let told = told(&start["run"]["runId"]);
        assert!(told == ["START", "COMPLETE"] || told == ["START", "FAIL"], "{told:?}");
    }
    let published = &events[1];
    assert_eq!(published["outputs"][0]["outputFacets"]["outputStatistics"]["rowCount"], 20);
    let failed = events.iter().find(|event| event["eventType"] == "FAIL").unwrap();
    assert!(
        failed["run"]["facets"]["errorMessage"]["message"]
            .as_str()
            .unwrap()
            .contains("early_help.csv")
    );
}

#[test]
fn a_log_in_json_has_an_object_a_line() {
    let night = Night::new();
    night.configure(|whole| whole.replace("on_failure = \"stop\"", "on_failure = \"go-on\""));
    fs::write(night.at("missing/other.csv"), "a\n").unwrap();
    let ran = night.ingest(&["--log", "json"]);
    assert_eq!(ran.status.code(), Some(10));
    let lines = String::from_utf8(ran.stderr).unwrap();
    let events: Vec<Value> =
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let names: Vec<&str> = events.iter().map(|event| event["event"].as_str().unwrap()).collect();
    assert_eq!(
        names,
        [
            "run-begun",
            "planned",
            "source-begun",
            "source-ended",
            "source-begun",
            "source-ended",
            "run-ended"
        ]
    );
    for event in &events {
        for required in ["time", "level", "run"] {
            assert!(event[required].is_string(), "{event}");
        }
    }
    assert_eq!(events[5]["level"], "warning");
    assert_eq!(events[3]["counts"]["accepted"], 20);

    night.configure(|whole| whole);
    let ran = night.ingest(&["--log", "json"]);
    let lines = String::from_utf8(ran.stderr).unwrap();
    let last: Value = serde_json::from_str(lines.lines().last().unwrap()).unwrap();
    assert_eq!((last["level"].as_str(), last["exit"].as_u64()), (Some("error"), Some(2)));
}

#[test]
fn an_attempt_that_begins_no_run_is_told_all_the_same() {
    let night = Night::new();
    night.report(0);
    let config = night.site.path("pipeline.toml");
    let told = |program: &str, ran: std::process::Output, expected: i32| {
        assert_eq!(ran.status.code(), Some(expected), "{program}: {}", text(&ran));
        let read = |what: &str, figure: &str| {
            let file = night.at(&format!("minster-{what}-{program}.prom"));
            let said = fs::read_to_string(&file).unwrap();
            if what == "begun" {
                fs::remove_file(file).unwrap();
            }
            metric(&said, &format!("minster_attempt_last_{figure}{{program=\"{program}\"}}"))
                .unwrap()
        };
        assert_eq!(read("attempt", "exit_code"), f64::from(expected));
        let [begun, ended] =
            [("begun", "begun_timestamp_seconds"), ("attempt", "timestamp_seconds")]
                .map(|(what, figure)| read(what, figure));
        assert!(begun <= ended, "{program} began at {begun} and ended at {ended}");
    };
    // Each failure is told of by both programs of a night. Linking needs no definition of a source.
    let ran = |ingested: i32, linked: i32| {
        told("minster-ingest", night.ingest(&[]), ingested);
        let link = night.site.run("minster", &["link", "--config", &config]);
        told("minster", link, linked);
    };
    ran(0, 0);
    // A definition that is none, an unknown word in the configuration, a vault that is not there, a store in use.
    let definition = night.at("config/sources/early_help.toml");
    let whole = fs::read_to_string(&definition).unwrap();
    fs::write(&definition, "name = 7\n").unwrap();
    ran(2, 0);
    fs::write(&definition, whole).unwrap();
    night.configure(|whole| format!("unknown = 1\n{whole}"));
    ran(2, 2);
    night.configure(|whole| whole.replace("vault.sock", "nowhere.sock"));
    night.deliver_missing(7);
    ran(6, 6);
    night.configure(|whole| whole);
    // A file where the store's folder of runs was: nothing can be written there.
    let (runs, aside) = (night.at("store/runs"), night.at("aside"));
    fs::rename(&runs, &aside).unwrap();
    fs::write(&runs, "").unwrap();
    ran(7, 7);
    fs::remove_file(&runs).unwrap();
    fs::rename(&aside, &runs).unwrap();
    // The configuration is gone, or no TOML: the file is the one that the environment names.
    let whole = fs::read_to_string(&config).unwrap();
    let named = night.site.path("minster.prom");
    for text in ["= no TOML", ""] {
        fs::remove_file(&config).unwrap();
        if !text.is_empty() {
            fs::write(&config, text).unwrap();
        }
        for (program, command) in [("minster-ingest", "run"), ("minster", "link")] {
            let mut attempt = night.site.command(program, &[command, "--config", &config]);
            told(program, attempt.env("MINSTER_TEXTFILE", &named).output().unwrap(), 2);
        }
        fs::write(&config, &whole).unwrap();
    }
    let _held = minster_store::Store::open(&night.at("store")).unwrap().lock().unwrap();
    ran(8, 8);
}

/// Forty days ahead for one night: the next failure is told, and nothing is taken for old.
#[test]
fn a_clock_that_was_ahead_one_night_hides_no_later_failure_and_takes_nothing() {
    let night = Night::new();
    night.configure(|whole| {
        whole + "[retention]\nsnapshots = 2\nsnapshot_days = 30\nrun_days = 30\n"
    });
    night.report(0);
    night.deliver_missing(6);
    night.report(0);
    let snapshots = || {
        let place = fs::read_dir(night.at("store/datasets/source/missing/2024-25")).unwrap();
        place.filter(|entry| entry.as_ref().unwrap().file_type().unwrap().is_dir()).count()
    };
    assert_eq!((snapshots(), night.runs().len()), (2, 2));
    if !night.site.clock_of_programs(40) {
        return;
    }
    night.report(0);
    assert_eq!((snapshots(), night.runs().len()), (2, 3));
    assert!(night.site.clock_of_programs(0));
    fs::write(night.at("help/unknown.csv"), "a\n").unwrap();
    night.ingest(&[]);
    let told = fs::read_to_string(night.at("minster.prom")).unwrap();
    let exit = "minster_run_last_exit_code{program=\"minster-ingest\"}";
    assert_eq!(metric(&told, exit), Some(2.0), "{told}");
}
