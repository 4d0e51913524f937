//! `minster report processing`, `dpia` and `month`: the records of the data protection officer, from the configuration, the
//! vault's log and status, the manifests and the ledger of runs. They need the auditor's role at the vault. No number of a child,
//! name or reason stands in them, and small counts are hidden.

mod dpia;
mod log;
mod measures;
mod month;
mod month_page;
mod page;
mod processing;
mod rights;

use clap::Args;
use minster_model::{Role, pipeline::Controller};
use minster_retention::Schedule;
use minster_store::Store;
use minster_vault_api::{Client, PurposeDefinition, StatusReport};
use serde::Deserialize;

use self::{
    log::Month,
    measures::{Measure, measures},
};
use crate::{
    arguments::Config, failure::Failure, pipeline, pipeline::Loaded, report::Form, stages,
};

/// The form that is asked for.
#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    config: Config,
    #[command(flatten)]
    form: Form,
}

/// The month that is asked for, and the form.
#[derive(Args)]
pub(crate) struct MonthArguments {
    /// The month, as in 2026-11: the days of the vault's log, UTC.
    #[arg(long, value_name = "YYYY-MM")]
    month: Month,
    #[command(flatten)]
    config: Config,
    #[command(flatten)]
    form: Form,
}

/// The record of processing activities (UK GDPR, Article 30).
pub(crate) fn processing(arguments: &Arguments) -> Result<String, Failure> {
    let site = Site::read(&arguments.config)?;
    arguments.form.of(&processing::Record::of(&site), processing::page, processing::text)
}

/// Facts for a data protection impact assessment.
pub(crate) fn dpia(arguments: &Arguments) -> Result<String, Failure> {
    let site = Site::read(&arguments.config)?;
    arguments.form.of(&dpia::Facts::of(&site)?, dpia::page, dpia::text)
}

/// The officer's month.
pub(crate) fn month(arguments: &MonthArguments) -> Result<String, Failure> {
    let loaded = Loaded::read(&arguments.config.path)?;
    let mut vault = Client::connect_to(&loaded.pipeline.vault, Role::Auditor, "minster")?;
    let entries = log::read(&mut vault)?;
    let runs = Store::inspect(&loaded.pipeline.store)?.runs()?;
    let today = jiff::tz::Offset::UTC.to_datetime(jiff::Timestamp::now()).date();
    let report = month::Report::of(&arguments.month, &entries, &runs, today);
    arguments.form.of(&report, month_page::page, month_page::text)
}

/// An installation, as its records tell of it.
struct Site {
    loaded: Loaded,
    controller: Option<Controller>,
    purposes: Vec<PurposeDefinition>,
    status: StatusReport,
    schedule: Option<Schedule>,
    deliveries: Vec<Delivery>,
}

/// The columns of the pipeline's deliveries, as minster-ingest describes them.
#[derive(Deserialize)]
struct Described {
    deliveries: Vec<Delivery>,
}

/// A delivery's columns.
#[derive(Deserialize)]
struct Delivery {
    source: String,
    period: String,
    columns: Vec<Kept>,
    used: Vec<Used>,
    dropped: Vec<Dropped>,
}

/// A column that match keys, or parts for scored matching, are made of.
#[derive(Deserialize)]
struct Used {
    table: String,
    file: String,
    used_for: Vec<String>,
}

/// A column that passes.
#[derive(Deserialize)]
struct Kept {
    table: String,
    name: String,
    treatment: String,
}

/// A column that does not.
#[derive(Deserialize)]
struct Dropped {
    table: String,
    file: String,
}

impl Site {
    fn read(config: &Config) -> Result<Self, Failure> {
        let loaded = Loaded::read(&config.path)?;
        let mut vault = Client::connect_to(&loaded.pipeline.vault, Role::Auditor, "minster")?;
        let (purposes, status) = (vault.purposes()?, vault.status()?);
        drop(vault);
        let schedule = loaded.pipeline.schedule.as_ref().map(|path| {
            let wrong = |why| Failure::Schedule { path: path.clone(), source: Box::new(why) };
            pipeline::read(path)?.parse::<Schedule>().map_err(wrong)
        });
        let Described { deliveries } = stages::described(&config.path)?;
        Ok(Self {
            controller: loaded.pipeline.controller.clone(),
            schedule: schedule.transpose()?,
            loaded,
            purposes,
            status,
            deliveries,
        })
    }
}
