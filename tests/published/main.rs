//! The analyst's work with releases that were let out: to find them, explain them, follow them back, and build them again.
#![allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]

mod back;
mod explain;
mod search;
mod site;

use std::{fs, process::Output};

use minster_tests::{Site, text};
use serde_json::Value;

/// A release about the same children as the example's, with a title that is no HTML.
pub(crate) const OTHER: &str = r#"
name = "other"
title = "Girls & boys <b>by</b> sex"
threshold = 5
zeros = "may-be-withheld"
insider = 0
population = "spine"
publisher = "The council"
formats = ["workbook", "data-package"]

[[dimension]]
name = "sex"
column = "sex"
total = "All"
codes = ["F", "M"]

[[table]]
name = "by_sex"
dimensions = ["sex"]
"#;

/// A council whose two releases were let out.
pub(crate) fn released() -> Site {
    let site = Site::new();
    site.make_council(1500, 5);
    fs::write(site.folder().join("config/tables/other.toml"), OTHER).unwrap();
    site.released();
    site
}

pub(crate) fn run(site: &Site, line: &str) -> Output {
    site.run("minster", &line.split(' ').collect::<Vec<_>>())
}

/// Runs a command that ends well; gives what it prints.
pub(crate) fn done(site: &Site, line: &str) -> String {
    ends(site, line, 0)
}

/// Runs a command that ends with this code; gives all that it prints.
pub(crate) fn ends(site: &Site, line: &str, code: i32) -> String {
    let output = run(site, line);
    assert_eq!(output.status.code(), Some(code), "{line}: {}", text(&output));
    text(&output)
}

/// The object that a command prints with `--json`.
pub(crate) fn json(site: &Site, line: &str) -> Value {
    let output = run(site, &format!("{line} --json"));
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", text(&output)))
}
