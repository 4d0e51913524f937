use std::{collections::BTreeMap, path::PathBuf};

use minster_model::{DatasetRef, Period, RunId, TableName};
use minster_store::Store;

/// The data that releases are made from, and the rest that they need.
pub struct Job<'a> {
    /// The store.
    pub store: &'a Store,
    /// The integrated dataset.
    pub dataset: &'a DatasetRef,
    /// Its table of children.
    pub children: &'a TableName,
    /// The period that the release is of.
    pub period: &'a Period,
    /// The pipeline's look-ups.
    pub lookups: &'a BTreeMap<String, PathBuf>,
    /// The run, which the restricted report is named after.
    pub run: &'a RunId,
    /// Told what is worth knowing before the work begins.
    pub notice: &'a dyn Fn(&str),
}
