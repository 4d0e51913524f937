use std::{
    collections::{BTreeMap, HashMap},
    fmt::Write as _,
    path::PathBuf,
};

use minster_model::{DatasetRef, Period, TableName};
use minster_store::{DatasetKeys, Store};
use serde::Serialize;

use crate::{AggregateError, Definition, lookup, protect, release, tabulate};

/// What to release from.
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
}

/// What was released.
#[derive(Debug, Clone, Serialize)]
pub struct ReleaseReport {
    /// The release.
    pub name: TableName,
    /// Its folder.
    pub folder: PathBuf,
    /// SHA-256 of its content.
    pub sha256: String,
    /// Its tables.
    pub tables: Vec<TableReport>,
}

/// One released table.
#[derive(Debug, Clone, Serialize)]
pub struct TableReport {
    /// The table.
    pub name: TableName,
    /// Its cells, margins included.
    pub cells: usize,
    /// Of them, withheld.
    pub withheld: usize,
}

/// Tabulates, protects, attacks and releases one definition.
pub fn aggregate(
    job: &Job<'_>,
    definition_text: &str,
    keys: &mut dyn DatasetKeys,
) -> Result<ReleaseReport, AggregateError> {
    let definition = Definition::parse(definition_text)?;
    let mut lookups = HashMap::new();
    for name in definition.dimensions.iter().filter_map(|dimension| dimension.lookup.as_ref()) {
        let path = job.lookups.get(name).ok_or_else(|| {
            definition.rule(format!("there is no look-up {name} under [lookups]"))
        })?;
        lookups.insert(name.clone(), lookup::read(path)?);
    }
    let dataset = job.store.dataset(job.dataset, keys)?;
    let tabulated = tabulate::tabulate(&definition, &dataset, job.children, &lookups)?;
    let releasable = protect(tabulated.set)?;
    let released = release::write(
        job.store,
        &definition,
        definition_text,
        job.period,
        &releasable,
        &tabulated.sums,
    )?;
    let tables =
        definition.tables.iter().zip(releasable.patterns()).map(|(table, pattern)| TableReport {
            name: table.name.clone(),
            cells: pattern.withheld.len(),
            withheld: pattern.withheld.iter().filter(|withheld| **withheld).count(),
        });
    Ok(ReleaseReport {
        name: definition.name.clone(),
        folder: released.folder.canonicalize().unwrap_or(released.folder),
        sha256: released.sha256,
        tables: tables.collect(),
    })
}

impl ReleaseReport {
    /// For people.
    pub fn text(&self) -> String {
        let mut text = format!("release {} in {}\n", self.name, self.folder.display());
        for TableReport { name, cells, withheld } in &self.tables {
            let name = name.as_str();
            let _ = writeln!(text, "  {name:<28} {cells:>6} cells, {withheld} withheld");
        }
        text
    }
}
