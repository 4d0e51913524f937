//! `minster lineage`: from a release back to its data, their sources' files, its rules and its persons.

use std::fmt::Write as _;

use minster_aggregator::{Lineage, LineageStep, Person, StepStands};
use minster_model::{Role, exit};
use minster_vault_api::Client;

use crate::{
    approvals,
    arguments::{LineageArguments, Released},
    failure::Failure,
    pipeline::Loaded,
    report,
    report::plain,
};

/// The text to print, and the exit code.
pub(crate) fn lineage(arguments: &LineageArguments) -> Result<(String, u8), Failure> {
    let LineageArguments { released: Released { release, period, report }, approvals } = arguments;
    let loaded = Loaded::read(&report.config.path)?;
    let pipeline = &loaded.pipeline;
    let store = loaded.store()?;
    let _lock = store.lock()?;
    let period = loaded.period(period.as_ref(), release, |period| {
        Ok(store.current_release(release.as_str(), period.as_str()).is_some())
    })?;
    let mut vault = Client::connect_to(&pipeline.vault, Role::Analyst, "minster")?;
    let which = (release, period, &pipeline.purpose);
    let lineage = minster_aggregator::lineage(&store, which, &mut vault).map_err(|source| {
        Failure::Release { release: release.clone(), source: Box::new(source) }
    })?;
    let approvals = match approvals {
        true => {
            drop(vault);
            let mut vault = Client::connect_to(&pipeline.vault, Role::Auditor, "minster")?;
            Some(approvals::read(&mut vault, which)?)
        }
        false => None,
    };
    let code = if lineage.missing.is_empty() { exit::DONE } else { exit::NOT_CHECKED };
    let text = match report.form.json {
        true => {
            let mut told = serde_json::json!({ "format": 1, "lineage": lineage });
            if let Some(approvals) = &approvals {
                told["approvals"] = serde_json::json!(approvals);
            }
            report::json(&told)?
        }
        false => text(&lineage) + &approvals.map(|of| approvals::text(&of)).unwrap_or_default(),
    };
    Ok((text, code))
}

fn text(of: &Lineage) -> String {
    let Lineage { release, period, purpose, sha256, .. } = of;
    let mut text = String::new();
    let _ = writeln!(text, "{release} of {period}, for {purpose}");
    let mut line = |name: &str, value: &str| {
        let _ = writeln!(text, "  {name:<11} {value}");
    };
    let files = match of.files_stand {
        true => "; the store has these",
        false => "",
    };
    line("files", &format!("SHA-256 {sha256}, in the vault's log{files}"));
    line("definition", &format!("SHA-256 {}", of.definition_sha256));
    match &of.policy_sha256 {
        Some(sha256) => line("policy", &format!("SHA-256 {sha256}")),
        None => line("policy", "not written down"),
    }
    line("let out", &of.let_out.as_ref().map_or("nobody wrote down by whom".to_owned(), person));
    if let Some(by) = &of.withdrawn {
        line("withdrawn", &person(by));
    }
    line("persons", "`--approvals` has all who agreed, for an auditor");
    line("datasets", "by their manifests; their files are not read here");
    for step in &of.steps {
        text += &step_text(step);
    }
    for missing in &of.missing {
        let _ = writeln!(text, "\nMISSING {missing}");
    }
    text
}

fn person(by: &Person) -> String {
    let user = by.user.as_deref().map(|user| format!(" ({})", plain(user))).unwrap_or_default();
    format!("{} by uid {}{user}", plain(&by.at), by.uid)
}

fn step_text(step: &LineageStep) -> String {
    let LineageStep { dataset, manifest_sha256, stands, .. } = step;
    let mut text = format!("\n{}/{}/{}\n", dataset.class.as_str(), dataset.name, dataset.period);
    let stands = match stands {
        StepStands::Current => "it stands",
        StepStands::Superseded => "it is kept, and a newer snapshot stands",
        StepStands::CarriedOver => {
            "carried over to new keys or without rows disposed of; that snapshot is there"
        }
        StepStands::Gone => "it is gone",
    };
    let mut line = |name: &str, value: &str| {
        let _ = writeln!(text, "  {name:<11} {value}");
    };
    line("manifest", &format!("SHA-256 {manifest_sha256}; {stands}"));
    if let Some(sha256) = &step.carried_to {
        line("now", &format!("manifest SHA-256 {sha256}, in the vault's log"));
    }
    if let Some(run) = &step.run {
        let program = step.program.as_deref().map_or("an earlier release".to_owned(), plain);
        line("made by", &format!("run {run}, program {program}"));
    }
    if let Some(sha256) = &step.definition_sha256 {
        line("definition", &format!("SHA-256 {sha256}"));
    }
    if let Some(sha256) = &step.recipe_sha256 {
        line("settings", &format!("SHA-256 {sha256}"));
    }
    for sha256 in &step.made_of {
        line("made of", &format!("manifest {}", &sha256[..sha256.len().min(16)]));
    }
    for input in &step.inputs {
        line(
            "file",
            &format!("{}, SHA-256 {}, {} bytes", plain(&input.name), input.sha256, input.bytes),
        );
    }
    text
}
