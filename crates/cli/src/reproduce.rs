//! `minster reproduce`: a release is built again, and its files are compared byte by byte.

use std::fmt::Write as _;

use minster_aggregator::{Reproduced, Reproduction};
use minster_model::{Role, counted, exit};
use minster_vault_api::Client;

use crate::{
    analyst::Analyst,
    arguments::Released,
    failure::Failure,
    pipeline::{Loaded, settled},
    report,
};

/// The text to print, and the exit code.
pub(crate) fn reproduce(released: &Released) -> Result<(String, u8), Failure> {
    let Released { release, period, report } = released;
    let loaded = Loaded::read(&report.config.path)?;
    let store = loaded.store()?;
    let _lock = store.lock()?;
    let period = loaded.period(period.as_ref(), release, |period| {
        Ok(store.current_release(release.as_str(), period.as_str()).is_some())
    })?;
    let mut vault = Client::connect_to(&loaded.pipeline.vault, Role::Analyst, "minster")?;
    let store = &settled(&store, &loaded.pipeline.purpose, &mut vault)?;
    let analyst = Analyst::begin(&loaded, period, store)?;
    let again = analyst.work(|job| minster_aggregator::reproduce(job, release, &mut vault));
    let again = again.map_err(|source| Failure::Release {
        release: release.clone(),
        source: Box::new(source),
    })?;
    let code = match again.outcome {
        Reproduced::Same { .. } => exit::DONE,
        Reproduced::Differs { .. } => exit::AUDIT,
        Reproduced::Not { .. } => exit::NOT_CHECKED,
    };
    let text = match report.form.json {
        true => report::json(&serde_json::json!({ "format": 1, "reproduction": again }))?,
        false => text(&again),
    };
    Ok((text, code))
}

fn text(of: &Reproduction) -> String {
    let Reproduction { release, period, sha256, outcome, changed } = of;
    let mut text = String::new();
    match outcome {
        Reproduced::Same { files } => {
            let _ = writeln!(
                text,
                "{release} of {period} is the same again: {}, SHA-256 {sha256}",
                counted(files.len(), "file", "files")
            );
        }
        Reproduced::Differs { files, same } => {
            let all = files.len() + same.len();
            let _ = writeln!(
                text,
                "{release} of {period} is another now: {} of {} differ",
                files.len(),
                counted(all, "file", "files")
            );
            files.iter().for_each(|file| text += &format!("  DIFFERS  {file}\n"));
            same.iter().for_each(|file| text += &format!("  the same {file}\n"));
        }
        Reproduced::Not { why } => {
            let _ = writeln!(text, "{release} of {period} cannot be built again: {why}");
        }
    }
    for change in changed {
        let _ = writeln!(text, "since then: {change}");
    }
    text
}
