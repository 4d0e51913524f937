//! Debian's Chromium without a window: it opens a page, whose script leaves an answer behind.

use std::{fs, process::Command};

use regex::Regex;
use serde_json::Value;

use crate::left_out;

/// The answer that a page leaves as JSON in its element `answer`, which is a `pre`. Without Chromium there is none, and a word of it.
///
/// # Panics
///
/// Where the page leaves no answer although there is a browser.
pub fn answer(page: &str) -> Option<Value> {
    if Command::new("chromium").arg("--version").output().is_err() {
        left_out("the page in a browser: there is no chromium");
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("page.html");
    fs::write(&file, page).unwrap();
    let profile = folder.path().join("profile");
    let ran = Command::new("chromium")
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=600000"])
        .arg(format!("--user-data-dir={}", profile.display()))
        .args(["--dump-dom", &format!("file://{}", file.display())])
        .output()
        .unwrap();
    let shown = String::from_utf8_lossy(&ran.stdout);
    let answer = Regex::new("(?s)<pre id=\"answer\">(.*?)</pre>").unwrap();
    let answer = answer
        .captures(&shown)
        .unwrap_or_else(|| panic!("the page left no answer: {}", crate::text(&ran)));
    // A browser writes these as entities.
    let answer = answer[1].replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    Some(serde_json::from_str(&answer).unwrap())
}
