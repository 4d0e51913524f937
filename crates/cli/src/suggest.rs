//! `minster suggest`: coarser definitions that withhold fewer cells, with the lines that make them.

use std::{fmt::Write as _, path::PathBuf, time::Duration};

use clap::Args;
use minster_aggregator::{Bounds, Cells, Definition, Suggestion, Suggestions};
use minster_model::{Period, Role};
use minster_vault_api::Client;

use crate::{analyst::Analyst, arguments, failure::Failure, pipeline, pipeline::Loaded, report};

#[derive(Args)]
pub(crate) struct Arguments {
    /// The definition. It need not stand among those of the pipeline.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The period; the last one that the definition is released for, where none is given.
    #[arg(long)]
    period: Option<Period>,
    /// The largest number of definitions to try.
    #[arg(long, default_value_t = 24)]
    most: usize,
    /// The time after which no further one is begun.
    #[arg(long, default_value_t = 120)]
    seconds: u64,
    #[command(flatten)]
    report: arguments::Report,
}

/// The text to print.
pub(crate) fn suggest(arguments: &Arguments) -> Result<String, Failure> {
    let Arguments { file, period, most, seconds, report } = arguments;
    let loaded = Loaded::read(&report.config.path)?;
    let definition = pipeline::read(file)?;
    let failed = |source| Failure::Aggregate { path: file.clone(), source: Box::new(source) };
    let period = loaded.period_of(
        &Definition::parse_with(&definition, &loaded.columns()?).map_err(failed)?,
        period.as_ref(),
    )?;
    let store = loaded.store()?;
    let _lock = store.lock()?;
    let analyst = Analyst::begin(&loaded, period, &store)?;
    let mut vault = Client::connect_to(&loaded.pipeline.vault, Role::Analyst, "minster")?;
    let bounds = Bounds { most: *most, time: Duration::from_secs(*seconds) };
    let found =
        analyst.work(|job| minster_aggregator::suggest(job, &definition, bounds, &mut vault));
    let found = found.map_err(failed)?;
    match report.form.json {
        true => report::json(&serde_json::json!({ "format": 1, "suggestions": found })),
        false => Ok(text(&found)),
    }
}

fn text(found: &Suggestions) -> String {
    let Suggestions { name, period, now, better, no_better, refused, unfit, untried } = found;
    let mut text = match now {
        Some(now) => format!("{name} of {period} as it is: {}\n", cells(now)),
        None => format!("{name} of {period} as it is: refused by disclosure control\n"),
    };
    for (at, Suggestion { change, place, lines, cells: of }) in better.iter().enumerate() {
        let _ = writeln!(text, "\n{}. {change}: {}\n   {place}:", at + 1, cells(of));
        for line in lines.lines() {
            let _ = writeln!(text, "     {line}");
        }
    }
    if better.is_empty() {
        text += "\nNo coarser definition that was tried withholds fewer cells.\n";
    }
    let counts = [
        (*no_better, "withhold as many cells, or more"),
        (*refused, "are refused by disclosure control"),
        (*unfit, "do not fit the data"),
        (*untried, "were not tried, for want of time or beyond the number"),
    ];
    let others: Vec<String> = counts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    if !others.is_empty() {
        let _ = writeln!(text, "\nNot listed: {}.", others.join(", "));
    }
    text + "\nNothing of it is kept.\n"
}

fn cells(cells: &Cells) -> String {
    format!("{} cells, {} withheld", cells.cells, cells.withheld)
}
