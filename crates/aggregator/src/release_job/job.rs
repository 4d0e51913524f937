use std::{collections::BTreeMap, path::PathBuf};

use minster_model::{DatasetRef, Day, Period, RunId, TableName, pipeline::BoundaryFile};
use minster_store::Store;

use crate::{definition::shared_columns::SharedColumns, publish::meanings::ColumnMeanings};

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
    /// The period's first and last day, where it has them.
    pub days: Option<(Day, Day)>,
    /// The derived columns that definitions share.
    pub columns: &'a SharedColumns,
    /// The pipeline's look-ups.
    pub lookups: &'a BTreeMap<String, PathBuf>,
    /// The pipeline's files of boundaries.
    pub boundaries: &'a BTreeMap<String, BoundaryFile>,
    /// The dictionary's words on the dataset's columns, which a new release tells.
    pub meanings: &'a ColumnMeanings,
    /// The run, which the restricted report is named after.
    pub run: &'a RunId,
    /// Told what is worth knowing before the work begins.
    pub notice: &'a dyn Fn(&str),
}
