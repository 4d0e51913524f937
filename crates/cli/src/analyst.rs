//! The analyst's work on a period: its data, its settings, and what is told while it goes on.

use std::{
    io::{self, IsTerminal, Write},
    time::Duration,
};

use indicatif::ProgressBar;
use minster_aggregator::{ColumnMeanings, SharedColumns};
use minster_matcher::CHILDREN;
use minster_model::{DatasetRef, Day, Period, TableName, periods::LinkedPeriod};
use minster_store::{Store, StoreError};

use crate::{dictionary, failure::Failure, pipeline::Loaded, stages};

/// The data and settings that previews, drafts and releases are made from.
pub(crate) struct Analyst<'a> {
    loaded: &'a Loaded,
    store: &'a Store,
    period: &'a Period,
    pub(crate) dataset: DatasetRef,
    children: TableName,
    columns: SharedColumns,
    days: Option<(Day, Day)>,
    meanings: ColumnMeanings,
}

impl<'a> Analyst<'a> {
    pub(crate) fn begin(
        loaded: &'a Loaded,
        period: &'a Period,
        store: &'a Store,
    ) -> Result<Self, Failure> {
        let dataset = stages::children(loaded, period)?;
        let children = CHILDREN.parse().map_err(|_| Failure::Name)?;
        let days = loaded.pipeline.periods.find(period).and_then(LinkedPeriod::days);
        let columns = loaded.columns()?;
        let meanings = ColumnMeanings::new();
        Ok(Self { loaded, store, period, dataset, children, columns, days, meanings })
    }

    /// The same with the dictionary's words, for what is written into files. A word about it where they cannot be had: then a
    /// release has its numbers without them.
    pub(crate) fn with_meanings(mut self) -> Self {
        match dictionary::meanings(self.loaded, self.period) {
            Ok(meanings) => self.meanings = meanings,
            // The work itself says that there is no dataset.
            Err(Failure::Store(why)) if matches!(*why, StoreError::NoDataset { .. }) => {}
            Err(why) => {
                let note = "the files of a new release will have no meanings of columns and codes";
                let _ = writeln!(io::stderr(), "note: {note}: {why}");
            }
        }
        self
    }

    pub(crate) fn work<T>(&self, work: impl FnOnce(&minster_aggregator::Job<'_>) -> T) -> T {
        let bar = spinner("protect");
        let done = work(&minster_aggregator::Job {
            store: self.store,
            dataset: &self.dataset,
            children: &self.children,
            period: self.period,
            days: self.days,
            columns: &self.columns,
            meanings: &self.meanings,
            run: &self.loaded.run,
            lookups: &self.loaded.pipeline.lookups,
            boundaries: &self.loaded.pipeline.boundaries,
            notice: &|text| bar.suspend(|| drop(writeln!(io::stderr(), "note: {text}"))),
        });
        bar.finish_and_clear();
        done
    }
}

/// A sign that work goes on. On a terminal alone.
pub(crate) fn spinner(what: &'static str) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new_spinner().with_message(what);
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}
