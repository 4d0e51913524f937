//! `minster report linkage`: how well the children of a period were linked, as GUILD and RECORD ask a linker to say. It opens
//! the datasets that stand as the linker, and shows counts, and codes beside counts that are not small.

mod flow;
mod page;
mod text;
mod words;

use std::{
    io::{self, Write},
    path::PathBuf,
};

use clap::Args;
use minster_matcher::{
    Job, MatchError,
    report::{Appraisal, Share, appraise},
};
use minster_model::{Period, Role, periods::LinkedPeriod};
use minster_store::Store;
use minster_vault_api::Client;

use crate::{failure::Failure, pipeline, pipeline::Loaded, quality, stages::listed_by};

/// What is asked for.
#[derive(Args)]
pub(crate) struct Arguments {
    /// The period; else the pipeline's last.
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

/// What is to be printed.
pub(crate) fn report(arguments: &Arguments) -> Result<String, Failure> {
    let loaded = Loaded::read(&arguments.config)?;
    let appraisal = of_period(&loaded, period(&loaded, arguments.period.as_ref())?)?;
    if let Some(path) = &arguments.html {
        quality::write(path, &page::page(&appraisal).into_string())
            .map_err(|source| Failure::Page { path: path.clone(), source })?;
        let _ = writeln!(io::stderr(), "written: {}", path.display());
        return Ok(String::new());
    }
    match arguments.json {
        true => serde_json::to_string(&appraisal).map(|text| text + "\n").map_err(Failure::Summary),
        false => Ok(text::text(&appraisal)),
    }
}

fn period<'a>(loaded: &'a Loaded, asked: Option<&Period>) -> Result<&'a LinkedPeriod, Failure> {
    let periods = &loaded.pipeline.periods;
    let found = match asked {
        Some(asked) => periods.find(asked),
        None => periods.iter().next_back(),
    };
    let names = || periods.iter().map(|period| period.name.to_string()).collect::<Vec<_>>();
    found.ok_or_else(|| Failure::NoPeriod { known: names().join(", ") })
}

fn of_period(loaded: &Loaded, period: &LinkedPeriod) -> Result<Appraisal, Failure> {
    let pipeline = &loaded.pipeline;
    let failed = |source: MatchError| Failure::Match {
        path: pipeline.matching.clone(),
        source: Box::new(source),
    };
    let store = Store::as_it_stands(&pipeline.store)?;
    let matching = pipeline::read(&pipeline.matching)?;
    let mut vault = Client::connect(&pipeline.vault.socket, Role::Linker, "minster")?;
    let listed = listed_by(&mut vault, &pipeline.purpose)?;
    let job = Job {
        store: &store,
        purpose: &pipeline.purpose,
        periods: &pipeline.periods,
        run: &loaded.run,
        matching: &matching,
        listed: &listed,
        again: false,
        households: false,
    };
    appraise(&job, period, &mut vault).map_err(failed)
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
