//! `minster report quality`: what is wrong with each delivery, for the people who can mend it. It reads manifests and
//! reasons, which need no key, and the linkage report, which the vault opens; it shows counts and places, never a row's value.

mod advice;
mod deliveries;
mod finding;
pub(crate) mod page;
mod text;

use clap::Args;
use minster_model::{Period, Purpose, SourceName};
use serde::Serialize;

use self::deliveries::Delivery;
use crate::{arguments::Config, failure::Failure, pipeline::Loaded, report::Form};

/// The form that is asked for.
#[derive(Args)]
pub(crate) struct Arguments {
    /// The source; all of them, where none is given.
    source: Option<SourceName>,
    /// The period; all of them, where none is given.
    #[arg(long)]
    period: Option<Period>,
    #[command(flatten)]
    config: Config,
    #[command(flatten)]
    form: Form,
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

/// The text that is to be printed.
pub(crate) fn report(arguments: &Arguments) -> Result<String, Failure> {
    let loaded = Loaded::read(&arguments.config.path)?;
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
    arguments.form.of(&quality, page::page, text::text)
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
