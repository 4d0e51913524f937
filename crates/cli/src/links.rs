//! `minster report links`: how the rows of a period were linked, exactly, and where the rows stand that a person should look at. It
//! opens the report beside the integrated dataset, as whoever opens the dataset.

use std::fmt::Write as _;

use clap::Args;
use minster_matcher::{LinkageReport, integrated, review::RowPlace};
use minster_model::{Period, Role};
use minster_store::Store;
use minster_vault_api::Client;

use crate::{arguments, failure::Failure, pipeline::Loaded, report, stages::failed};

/// The wishes of the caller.
#[derive(Args)]
pub(crate) struct Arguments {
    /// The period; the pipeline's last one, where none is given.
    #[arg(long)]
    period: Option<Period>,
    #[command(flatten)]
    report: arguments::Report,
}

/// The text that is to be printed.
pub(crate) fn links(arguments: &Arguments) -> Result<String, Failure> {
    let Arguments { period, report } = arguments;
    let loaded = Loaded::read(&report.config.path)?;
    let pipeline = &loaded.pipeline;
    let period = loaded.period_or_last(period.as_ref())?;
    let store = Store::inspect(&pipeline.store)?;
    let dataset =
        integrated(&pipeline.purpose, &period.name).map_err(|source| failed(&loaded, source))?;
    let mut vault = Client::connect_to(&pipeline.vault, Role::Linker, "minster")?;
    let found = LinkageReport::read(&store, &dataset, &mut vault)?;
    let found = found.ok_or_else(|| Failure::LinkedByEarlier { period: period.name.clone() })?;
    match report.form.json {
        true => report::json(&found),
        false => Ok(text(&found)),
    }
}

/// For people: the report, and the places of what is for review.
fn text(found: &LinkageReport) -> String {
    let mut text = found.text();
    for entry in found.review.iter().filter(|entry| !entry.first.is_empty()) {
        let _ = writeln!(text, "\n{}: accepted rows, the first of each table", entry.code.code());
        for RowPlace { source, period, table, row } in &entry.first {
            let _ = writeln!(text, "  {source}/{table} of {period}: row {row}");
        }
    }
    text
}
