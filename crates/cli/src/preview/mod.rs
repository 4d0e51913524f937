//! `minster preview`: one definition is judged as a draft's is, its tables are printed, and nothing of them is kept.

pub(crate) mod looks;
mod text;

use std::path::{Path, PathBuf};

use clap::Args;
use minster_aggregator::{Definition, Preview};
use minster_model::{Period, Role};
use minster_vault_api::Client;

pub(crate) use self::text::text;
use crate::{analyst::Analyst, arguments, failure::Failure, pipeline, pipeline::Loaded, report};

#[derive(Args)]
pub(crate) struct Arguments {
    /// The definition. It need not stand among those of the pipeline.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The period; the last one that the definition is released for, where none is given.
    #[arg(long)]
    period: Option<Period>,
    #[command(flatten)]
    report: arguments::Report,
}

/// The text to print.
pub(crate) fn preview(arguments: &Arguments) -> Result<String, Failure> {
    let Arguments { file, period, report } = arguments;
    let loaded = Loaded::read(&report.config.path)?;
    let previewed = judged(&loaded, (file, &pipeline::read(file)?), period.as_ref())?;
    match report.form.json {
        true => report::json(&serde_json::json!({ "format": 1, "preview": previewed })),
        false => Ok(text(&previewed)),
    }
}

/// A look at a definition: its text, and the name by which a failure calls it.
pub(crate) fn judged(
    loaded: &Loaded,
    (file, definition): (&Path, &str),
    asked: Option<&Period>,
) -> Result<Preview, Failure> {
    let failed = |source| Failure::Aggregate { path: file.to_owned(), source: Box::new(source) };
    let period = loaded.period_of(
        &Definition::parse_with(definition, &loaded.columns()?).map_err(failed)?,
        asked,
    )?;
    let store = loaded.store()?;
    let _lock = store.lock()?;
    looks::count(loaded, &store, looks::PREVIEW, period, || {
        let analyst = Analyst::begin(loaded, period, &store)?;
        let mut vault = Client::connect_to(&loaded.pipeline.vault, Role::Analyst, "minster")?;
        let previewed =
            analyst.work(|job| minster_aggregator::preview(job, definition, &mut vault));
        previewed.map_err(failed)
    })
}
