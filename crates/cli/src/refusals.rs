//! `minster refusals`: what disclosure control refused of late, and what would help.

use std::fmt::Write as _;

use jiff::civil::Date;
use minster_aggregator::{KeptRefusal, RefusedStep};
use minster_model::RunId;
use minster_store::Store;

use crate::{arguments, failure::Failure, pipeline::Loaded, report};

/// The text to print.
pub(crate) fn refusals(report: &arguments::Report) -> Result<String, Failure> {
    let loaded = Loaded::read(&report.config.path)?;
    let store = Store::inspect(&loaded.pipeline.store)?;
    let kept = minster_aggregator::refusals(&store)
        .map_err(|source| Failure::Released { source: Box::new(source) })?;
    match report.form.json {
        true => report::json(&serde_json::json!({ "format": 1, "refusals": kept })),
        false => Ok(text(&kept)),
    }
}

fn text(kept: &[KeptRefusal]) -> String {
    if kept.is_empty() {
        return "nothing was refused of late\n".to_owned();
    }
    let texts: Vec<String> = kept.iter().map(one).collect();
    texts.join("\n")
}

fn one(of: &KeptRefusal) -> String {
    let KeptRefusal { release, period, code, first, last, .. } = of;
    let step = match of.step {
        RefusedStep::Draft => "the draft",
        RefusedStep::Revision => "the revision of what stands",
        RefusedStep::Release => "letting the draft out",
    };
    let mut text = format!("{release} of {period}: {step} was refused on {} [{code}]\n", day(last));
    let mut line = |name: &str, value: &str| {
        let _ = writeln!(text, "  {name:<11} {value}");
    };
    if !of.beside.is_empty() {
        line("beside", &of.beside.join(", "));
    }
    if !of.columns.is_empty() {
        line("columns", &of.columns.join(", "));
    }
    line("why", &of.why);
    line("definition", &format!("SHA-256 {}", of.definition_sha256));
    line("run", last.as_str());
    if first != last {
        line("first", &format!("{}, run {first}", day(first)));
    }
    text
}

/// The day of a run, by the clock that named it.
fn day(run: &RunId) -> String {
    let part = |from: usize, to: usize| -> Option<i16> { run.as_str().get(from..to)?.parse().ok() };
    let date =
        || Date::new(part(0, 4)?, part(4, 6)?.try_into().ok()?, part(6, 8)?.try_into().ok()?).ok();
    match date() {
        Some(date) => date.strftime("%-d %B %Y").to_string(),
        None => "a day that its run does not name".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_day_of_a_run_is_in_its_name() {
        let of = |run: &str| day(&run.parse().unwrap());
        assert_eq!(of("20261103t021517123-5b"), "3 November 2026");
        assert_eq!(of("by-hand"), "a day that its run does not name");
    }
}
