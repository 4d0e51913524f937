//! `minster risk`: how identifying a period's pseudonymised rows are, and what coarser treatments would change. A run asks
//! the same of its bounds before it drafts anything.

mod advice;
mod assessment;
mod bounds;
mod coding;
mod page;
mod policy;
mod text;

use std::path::{Path, PathBuf};

use clap::Args;
use minster_model::{Period, Role};
use minster_store::{Dataset, Journal, LineageJob, Progress, ReleaseLog, Store};
use minster_vault_api::{Client, Previews};

use self::{
    assessment::{Assessment, Lookups, Measured, Shown},
    coding::CodingError,
    policy::{Coarser, Policy},
};
use crate::{
    analyst::spinner, arguments::Config, failure::Failure, pipeline::Loaded, preview::looks,
    report::Form, stages,
};

#[derive(Args)]
pub(crate) struct Arguments {
    /// The period; the pipeline's last one, where none is given.
    #[arg(long)]
    period: Option<Period>,
    /// Another policy than that of the pipeline.
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Show exact counts and measures. For those alone who have a right to small numbers: keep the report as restricted as the
    /// integrated dataset.
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
    let period = &loaded.period_or_last(arguments.period.as_ref())?.name;
    let path = arguments.policy.as_ref().or(loaded.pipeline.risk.as_ref());
    let path = path.ok_or(Failure::NoRisk)?;
    let policy = Policy::read(path)?;
    let lookups = lookups(&loaded, path, &policy)?;
    if arguments.exact {
        let purpose = &loaded.pipeline.purpose;
        let mut vault = Client::connect_to(&loaded.pipeline.vault, Role::Analyst, "minster")?;
        if vault.floors(purpose)?.previews == Previews::Shapes {
            return Err(Failure::NotExact { purpose: purpose.clone() });
        }
    }
    let store = loaded.store()?;
    // Each report has other columns or groups: beside each other they tell more, so they are counted, whatever comes of them.
    let _lock = store.lock()?;
    let assessment = looks::count(&loaded, &store, looks::RISK, period, || {
        let bar = spinner("measure");
        let (dataset, measured) = measured(&loaded, &store, period, path, &policy)?;
        let about = (&loaded.pipeline.purpose, period, &dataset.manifest().run);
        let shown = Shown { exact: arguments.exact };
        let assessment = measured.assessment(about, &lookups, shown);
        bar.finish_and_clear();
        assessment.map_err(|why| wrong(path, why))
    })?;
    arguments.form.of(&assessment, page::page, Assessment::text)
}

/// Stops a run whose data break a bound. Nothing is measured where the policy has none.
pub(crate) fn gate(
    loaded: &Loaded,
    asked: Option<&Period>,
    store: &Store,
    journal: &mut Journal<'_>,
) -> Result<(), Failure> {
    let Some(path) = &loaded.pipeline.risk else { return Ok(()) };
    let policy = Policy::read(path)?;
    if !policy.has_bounds() {
        return Ok(());
    }
    // A treatment that does not fit is told of before the report is needed.
    lookups(loaded, path, &policy)?;
    for period in loaded.pipeline.periods.iter().map(|of| &of.name) {
        if asked.is_some_and(|asked| asked != period) {
            continue;
        }
        let dataset = stages::children(loaded, period)?;
        let name = match loaded.pipeline.periods.iter().len() {
            1 => "risk".to_owned(),
            _ => format!("risk {period}"),
        };
        journal.begin_stage(&name, LineageJob::risk(&dataset))?;
        let (_, measured) = measured(loaded, store, period, path, &policy)?;
        let broken = bounds::broken(&policy, &measured);
        if !broken.is_empty() {
            let broken = broken.join("; ");
            journal.end_stage(Progress::Refused, Some(broken.clone()))?;
            return Err(Failure::Risky { path: path.clone(), period: period.clone(), broken });
        }
        journal.end_stage(Progress::Unchanged, None)?;
    }
    Ok(())
}

/// Opens a period's data as the analyst, and measures them.
fn measured<'a>(
    loaded: &Loaded,
    store: &Store,
    period: &Period,
    path: &Path,
    policy: &'a Policy,
) -> Result<(Dataset, Measured<'a>), Failure> {
    let mut vault = Client::connect_to(&loaded.pipeline.vault, Role::Analyst, "minster")?;
    let dataset = store.dataset(&stages::children(loaded, period)?, &mut vault)?;
    let quasi = policy.quasi.iter().map(|of| &of.column);
    let columns: Vec<_> = quasi.chain(policy.sensitive.iter().map(|of| &of.column)).collect();
    let coded = coding::read(&dataset, &policy.rows, &columns);
    let measured = coded.and_then(|coded| Measured::of(policy, coded));
    Ok((dataset, measured.map_err(|why| wrong(path, why))?))
}

fn wrong(path: &Path, why: CodingError) -> Failure {
    match why {
        CodingError::Store(error) => error.into(),
        other => Failure::Risk { path: path.to_owned(), why: other.to_string() },
    }
}

/// The look-ups that the policy names.
fn lookups(loaded: &Loaded, path: &Path, policy: &Policy) -> Result<Lookups, Failure> {
    let files = &loaded.pipeline.lookups;
    let mut lookups = Lookups::new();
    for of in policy.quasi.iter().flat_map(|of| &of.coarser) {
        let Coarser::Lookup(name) = of else { continue };
        let file = files.get(name).ok_or_else(|| {
            let known = files.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
            let why = format!("there is no look-up {name} under [lookups]; there are: {known}");
            Failure::Risk { path: path.to_owned(), why }
        })?;
        let pairs = minster_aggregator::read_lookup(file).map_err(|source| Failure::Aggregate {
            path: path.to_owned(),
            source: Box::new(source),
        })?;
        lookups.insert(name.clone(), pairs);
    }
    Ok(lookups)
}
