//! `minster report quality`: what is wrong with each delivery, for the people who can mend it. It reads manifests and reports,
//! which need no key, and shows counts and places; never a row's value.

mod advice;
mod deliveries;
mod finding;
pub(crate) mod page;
mod text;

use std::{
    fs,
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use clap::Args;
use jiff::Timestamp;
use minster_model::{Period, Purpose, SourceName};
use serde::Serialize;

use self::deliveries::Delivery;
use crate::{failure::Failure, pipeline::Loaded};

/// What is asked for.
#[derive(Args)]
pub(crate) struct Arguments {
    /// One source alone.
    source: Option<SourceName>,
    /// One period alone.
    #[arg(long)]
    period: Option<Period>,
    /// The pipeline.
    #[arg(long)]
    config: PathBuf,
    /// One JSON object.
    #[arg(long)]
    json: bool,
    /// Write a page for a browser or a printer instead; it needs no other file.
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
    html: Option<PathBuf>,
}

/// The report.
#[derive(Serialize)]
struct Quality {
    /// The report's format.
    format: u32,
    purpose: Purpose,
    /// The pipeline's periods.
    period: String,
    /// The worst first.
    deliveries: Vec<Delivery>,
}

/// What is to be printed.
pub(crate) fn report(arguments: &Arguments) -> Result<String, Failure> {
    let loaded = Loaded::read(&arguments.config)?;
    let periods = loaded.pipeline.periods.iter();
    let periods: Vec<String> = periods.map(|period| period.name.to_string()).collect();
    let quality = Quality {
        format: 1,
        purpose: loaded.pipeline.purpose.clone(),
        period: periods.join(", "),
        deliveries: deliveries::all(&loaded, |source, period| {
            arguments.source.as_ref().is_none_or(|wanted| wanted == source)
                && arguments.period.as_ref().is_none_or(|wanted| wanted == period)
        })?,
    };
    if let Some(path) = &arguments.html {
        write(path, &page::page(&quality).into_string())
            .map_err(|source| Failure::Page { path: path.clone(), source })?;
        let _ = writeln!(io::stderr(), "written: {}", path.display());
        return Ok(String::new());
    }
    match arguments.json {
        true => serde_json::to_string(&quality).map(|text| text + "\n").map_err(Failure::Summary),
        false => Ok(text::text(&quality)),
    }
}

/// The page stays inside the council: until its owner hands it on, nobody else reads it.
pub(crate) fn write(path: &Path, page: &str) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(page.as_bytes())
}

/// A share as a person reads it: one that is not nothing is never shown as nothing.
fn percent(count: u64, of: u64) -> String {
    if of == 0 {
        return "-".to_owned();
    }
    match 100.0 * count as f64 / of as f64 {
        share if count > 0 && share < 0.1 => "< 0.1 %".to_owned(),
        share => format!("{share:.1} %"),
    }
}

/// The day of an instant, as people here count days.
fn day(at: Timestamp) -> String {
    const DAY: &str = "%-d %B %Y";
    let local = at.in_tz("Europe/London").map(|local| local.strftime(DAY).to_string());
    local.unwrap_or_else(|_| at.strftime(DAY).to_string())
}

#[cfg(test)]
mod tests {
    use super::percent;

    #[test]
    fn a_share_that_is_not_nothing_is_not_shown_as_nothing() {
        assert_eq!(percent(0, 40), "0.0 %");
        assert_eq!(percent(1, 40), "2.5 %");
        assert_eq!(percent(1, 1_000_000), "< 0.1 %");
        assert_eq!(percent(0, 0), "-");
    }
}
