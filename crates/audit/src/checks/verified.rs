//! Each release that readers see, verified again by `minster verify`: it has the aggregator's code, which this program has not.

use std::process::Command;

use minster_model::exit;
use serde_json::Value;

use super::releases::{Current, current};
use crate::{
    check::{Check, Gathered, quoted},
    site::Site,
};

pub(super) fn check(site: &Site) -> Check {
    let config = quoted(&site.arguments.config);
    let by_hand =
        format!("minster verify NAME --period PERIOD --config {config}, for each release");
    let title = "Every release that readers see passes `minster verify`";
    let mut check = Check::begin("releases.verify", title, by_hand);
    let store = &site.pipeline.store;
    let Some(releases) = current(store, &mut check) else { return check.end() };
    for Current { name, period, .. } in &releases {
        verify(site, name, period, &mut check);
    }
    if releases.is_empty() {
        check.fine(match store.join("releases").exists() {
            true => "no release is current",
            false => "nothing was released yet",
        });
    }
    check.end()
}

fn verify(site: &Site, name: &str, period: &str, check: &mut Gathered) {
    let program = site.program("minster");
    let mut command = Command::new(&program);
    command.args(["verify", name, "--period", period, "--json", "--config"]);
    let output = match command.arg(&site.arguments.config).output() {
        Ok(output) => output,
        Err(error) => {
            return check.missing(format!(
                "{} cannot be started: {error}; give --programs DIR",
                program.display()
            ));
        }
    };
    let code = output.status.code().and_then(|code| u8::try_from(code).ok());
    let said = String::from_utf8_lossy(&output.stderr);
    let said =
        said.lines().next().unwrap_or("it said nothing").trim_start_matches("error: ").to_owned();
    let told: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    let checks = told["checks"].as_array().cloned().unwrap_or_default();
    match code {
        Some(exit::DONE) if !checks.is_empty() => {
            check.fine(format!(
                "{name} of {period}: {} checks of its files, numbers and certificates pass",
                checks.len()
            ));
        }
        Some(exit::AUDIT) => {
            for failed in checks.iter().filter(|of| of["passed"] == false) {
                let text = |key: &str| failed[key].as_str().unwrap_or_default().to_owned();
                check.wrong(format!("{name} of {period}: {}: {}", text("what"), text("evidence")));
            }
            if checks.is_empty() {
                check.wrong(format!("{name} of {period}: {said}"));
            }
        }
        // The vault did not answer, or the store is closed to this user: nothing is known of the release.
        Some(exit::VAULT | exit::USAGE | exit::LOCKED) => match said.contains("ermission denied") {
            true => check.for_root(format!("{name} of {period}: {said}")),
            false => check.missing(format!("{name} of {period}: {said}")),
        },
        _ => check.wrong(format!("{name} of {period}: {said}")),
    }
}
