//! `minster report linkage`: how well the children of a period were linked, as GUILD and RECORD ask a linker to say. It opens
//! the datasets that stand as the linker, and shows coarse counts, and codes beside counts that are not small.

mod flow;
mod page;
mod text;
mod words;

use clap::Args;
use minster_matcher::report::{Appraisal, Share, appraise};
use minster_model::{Period, Role, periods::LinkedPeriod};
use minster_store::Store;
use minster_vault_api::Client;

use crate::{
    arguments::Config,
    failure::Failure,
    pipeline,
    pipeline::Loaded,
    report::Form,
    stages::{failed, job, listed_by},
};

/// The form that is asked for.
#[derive(Args)]
pub(crate) struct Arguments {
    /// The period; the pipeline's last one, where none is given.
    #[arg(long)]
    period: Option<Period>,
    /// Show exact counts of rows and children. Keep the report as restricted as the integrated dataset then.
    #[arg(long)]
    exact: bool,
    #[command(flatten)]
    config: Config,
    #[command(flatten)]
    form: Form,
}

/// The text that is to be printed.
pub(crate) fn report(arguments: &Arguments) -> Result<String, Failure> {
    let loaded = Loaded::read(&arguments.config.path)?;
    let period = loaded.period_or_last(arguments.period.as_ref())?;
    let appraisal = of_period(&loaded, period)?;
    let shown = if arguments.exact { appraisal } else { appraisal.coarse() };
    arguments.form.of(&shown, page::page, text::text)
}

fn of_period(loaded: &Loaded, period: &LinkedPeriod) -> Result<Appraisal, Failure> {
    let pipeline = &loaded.pipeline;
    let store = Store::inspect(&pipeline.store)?;
    let matching = pipeline::read(&pipeline.matching)?;
    let mut vault = Client::connect_to(&pipeline.vault, Role::Linker, "minster")?;
    let listed = listed_by(&mut vault, &pipeline.purpose)?;
    let job = job(loaded, &store, (&matching, &listed), false);
    appraise(&job, period, &mut vault).map_err(|source| failed(loaded, source))
}

/// A share in a hundred, as precise as its distance from 0 and 1 asks for: 99.96 % is not 100 %.
fn percent(share: f64) -> String {
    let percent = 100.0 * share;
    let near = percent.min(100.0 - percent);
    match near {
        near if near <= 0.0 || near >= 0.1 => format!("{percent:.1} %"),
        near if near >= 0.01 => format!("{percent:.2} %"),
        _ if percent < 50.0 => "< 0.01 %".to_owned(),
        _ => "> 99.99 %".to_owned(),
    }
}

/// A share with its interval: `95.5 % (94.1 to 96.6)`.
fn interval(share: &Share) -> String {
    let bare = |share: f64| percent(share).replace(" %", "");
    format!("{} ({} to {})", percent(share.share), bare(share.low), bare(share.high))
}

/// A count, or what stands for one that is hidden.
fn count(count: Option<u64>) -> String {
    count.map_or("hidden".to_owned(), |count| count.to_string())
}

#[cfg(test)]
mod tests {
    use super::percent;

    #[test]
    fn a_share_that_is_not_all_is_not_shown_as_all() {
        assert_eq!(percent(1.0), "100.0 %");
        assert_eq!(percent(0.9996), "99.96 %");
        assert_eq!(percent(0.999_99), "> 99.99 %");
        assert_eq!(percent(0.0), "0.0 %");
        assert_eq!(percent(0.000_01), "< 0.01 %");
        assert_eq!(percent(0.5), "50.0 %");
    }
}
