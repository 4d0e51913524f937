//! Killed at any moment: what was released stands whole, and the next run completes with the same bytes.
#![allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]

use std::time::{Duration, Instant};

use minster_tests::{Site, files, text};

#[test]
fn a_killed_run_leaves_the_last_release_whole() {
    let site = Site::new();
    site.make_council(1500, 4);
    let begun = Instant::now();
    assert_eq!(site.job().status.code(), Some(3));
    let whole = begun.elapsed();
    let releases = site.folder().join("store/releases");
    let before = files(&releases);
    assert!(before.len() >= 5);

    const KILLS: u32 = 14;
    for kill in 0..KILLS {
        let config = site.path("config/pipeline.toml");
        let mut run = site
            .command("minster", &["run", "--config", &config])
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(whole * kill / KILLS);
        run.kill().unwrap();
        run.wait().unwrap();
        let current = releases.join("children/2024-25/current");
        assert!(current.join("manifest.json").exists(), "kill {kill}");
        assert!(files(&releases) == before, "kill {kill}");
    }
    // The killed run's minster-ingest ends with it; its lock and staging are gone.
    std::thread::sleep(Duration::from_millis(200));
    let next = site.job();
    assert_eq!(next.status.code(), Some(3), "{}", text(&next));
    assert!(files(&releases) == before);
    assert_eq!(files(&site.folder().join("store/staging")).len(), 0);
}
