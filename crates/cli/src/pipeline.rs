use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

use minster_aggregator::{Definition, SharedColumns};
use minster_model::{Period, Purpose, RunId, TableName, periods::LinkedPeriod, pipeline::Pipeline};
use minster_store::{Store, name_by_clock};
use minster_vault_api::Client;

use crate::failure::Failure;

/// A pipeline whose paths are resolved.
pub(crate) struct Loaded {
    pub(crate) pipeline: Pipeline,
    pub(crate) run: RunId,
    /// Its file.
    pub(crate) path: PathBuf,
}

impl Loaded {
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let failed = |error| Failure::Pipeline { path: path.to_owned(), source: Box::new(error) };
        let text = std::fs::read_to_string(path)
            .map_err(|source| Failure::NoPipeline { path: path.to_owned(), source })?;
        let pipeline: Pipeline = toml::from_str(&text).map_err(failed)?;
        let whole = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let pipeline = pipeline
            .resolve(whole.parent().unwrap_or(Path::new(".")))
            .map_err(|why| failed(serde::de::Error::custom(why)))?;
        let run = name_by_clock(jiff::Timestamp::now()).map_err(|_| Failure::Name)?;
        Ok(Self { pipeline, run, path: path.to_owned() })
    }

    pub(crate) fn store(&self) -> Result<Store, Failure> {
        Ok(Store::open(&self.pipeline.store)?.keeping(self.pipeline.retention))
    }

    /// The period that is asked for, else the last one.
    pub(crate) fn period_or_last(&self, asked: Option<&Period>) -> Result<&LinkedPeriod, Failure> {
        let periods = &self.pipeline.periods;
        let found = match asked {
            Some(asked) => periods.find(asked),
            None => periods.iter().next_back(),
        };
        let names = || periods.iter().map(|period| period.name.to_string()).collect::<Vec<_>>();
        found.ok_or_else(|| Failure::NoPeriod { known: names().join(", ") })
    }

    /// The period that is asked for, else the last one that a definition is released for.
    pub(crate) fn period_of(
        &self,
        definition: &Definition,
        asked: Option<&Period>,
    ) -> Result<&Period, Failure> {
        if asked.is_some() {
            return Ok(&self.period_or_last(asked)?.name);
        }
        let mut periods = self.pipeline.periods.iter().map(|period| &period.name);
        let known = || {
            let names = self.pipeline.periods.iter().map(|period| period.name.to_string());
            names.collect::<Vec<_>>().join(", ")
        };
        let last = periods.rfind(|period| definition.is_of(period));
        last.ok_or_else(|| Failure::NoPeriod { known: known() })
    }

    /// The derived columns that definitions share; none where the pipeline names no file.
    pub(crate) fn columns(&self) -> Result<SharedColumns, Failure> {
        let Some(path) = &self.pipeline.columns else { return Ok(SharedColumns::default()) };
        SharedColumns::parse(&read(path)?, path)
            .map_err(|source| Failure::Aggregate { path: path.clone(), source: Box::new(source) })
    }

    /// The period that is asked for, else the only one of which `has` is true, else the only or the last one.
    pub(crate) fn period(
        &self,
        asked: Option<&Period>,
        release: &TableName,
        has: impl Fn(&Period) -> Result<bool, Failure>,
    ) -> Result<&Period, Failure> {
        if asked.is_some() {
            return Ok(&self.period_or_last(asked)?.name);
        }
        let periods = &self.pipeline.periods;
        let mut with = Vec::new();
        for period in periods.iter() {
            if has(&period.name)? {
                with.push(&period.name);
            }
        }
        match (with.as_slice(), periods.iter().next_back()) {
            ([one], _) => Ok(one),
            ([], Some(last)) => Ok(&last.name),
            _ => Err(Failure::WhichPeriod {
                release: release.clone(),
                periods: with.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
            }),
        }
    }
}

/// The store beside the vault's log of manifests, and notes about what was done or differs. The caller holds the run lock.
pub(crate) fn settled(
    store: &Store,
    purpose: &Purpose,
    vault: &mut Client,
) -> Result<Store, Failure> {
    let (store, settled) = store.settled(purpose, vault)?;
    for note in settled.notes() {
        let _ = writeln!(io::stderr(), "note: {note}");
    }
    Ok(store)
}

pub(crate) fn read(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path)
        .map_err(|source| Failure::Config { path: path.to_owned(), source })
}
