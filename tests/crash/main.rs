//! Killed at any moment: what was released stands whole, and the next run completes with the same bytes.
#![allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]

use std::time::{Duration, Instant};

/// Every moment of a run once, in no order: a step that shares no divisor with the number of kills.
fn scattered(kill: u32, kills: u32) -> u32 {
    kill * 73 % kills
}

use minster_tests::{Site, files, text};

#[test]
fn a_killed_run_leaves_the_last_release_whole() {
    let purposes =
        std::fs::read_to_string(minster_tests::root().join("config/purposes.toml")).unwrap();
    // Two hundred runs in a day, each of which asks for all parts anew.
    let day = purposes.replace("day = 10_000_000 }", "day = 1_000_000_000 }");
    assert_ne!(day, purposes);
    let site = Site::with_purposes(&day);
    site.make_council(1500, 1);
    let begun = Instant::now();
    assert_eq!(site.job().status.code(), Some(3));
    let whole = begun.elapsed();
    assert!(site.release().status.success());
    let releases = site.folder().join("store/releases");
    let before = files(&releases);
    assert!(before.len() >= 5);

    const KILLS: u32 = 200;
    let config = site.path("config/pipeline.toml");
    for kill in 0..KILLS {
        // Everything again, so that there is something to kill.
        let mut run = site
            .command("minster", &["run", "--again", "--config", &config])
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(whole * scattered(kill, KILLS) / KILLS);
        run.kill().unwrap();
        run.wait().unwrap();
        let current = releases.join("children/2024-25/current");
        assert!(current.join("manifest.json").exists(), "kill {kill}");
        assert!(files(&releases) == before, "kill {kill}");
        for (path, bytes) in files(&site.folder().join("store/datasets")) {
            if path.ends_with("manifest.json") {
                let whole = serde_json::from_slice::<serde_json::Value>(&bytes).is_ok();
                assert!(whole, "kill {kill}: {}", path.display());
            }
        }
    }
    // The killed run's minster-ingest ends with it; its lock and staging are gone.
    std::thread::sleep(Duration::from_millis(200));
    let next = site.job();
    assert_eq!(next.status.code(), Some(3), "{}", text(&next));
    assert!(files(&releases) == before);
    let again = site.run("minster", &["run", "--again", "--config", &config]);
    assert_eq!(again.status.code(), Some(3), "{}", text(&again));
    assert!(files(&releases) == before);
    assert_eq!(files(&site.folder().join("store/staging")).len(), 0);
}
