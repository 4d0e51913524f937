use std::{
    collections::{BTreeMap, HashMap},
    fmt::Write as _,
    path::PathBuf,
};

use minster_model::{DatasetRef, Period, TableName};
use minster_store::{DatasetKeys, Release, Store};
use serde::Serialize;

use crate::{
    AggregateError, Definition,
    ledger::{self, Entry, Ledger},
    lookup, protect, release,
    tabulate::{self, Tabulated},
};

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
    /// Told what is worth knowing before the work begins.
    pub notice: &'a dyn Fn(&str),
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
    /// How it came to stand.
    pub standing: Standing,
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

/// How a release came to stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// It is new.
    New,
    /// It was published before, and the data still say the same.
    Same,
    /// It was published before; the data have changed since, and it was kept.
    Kept,
}

/// Tabulates, protects, attacks and releases one definition. What was released before of the period
/// counts: the same definition keeps the release that stands, another is protected together with it.
pub fn aggregate(
    job: &Job<'_>,
    definition_text: &str,
    keys: &mut dyn DatasetKeys,
) -> Result<ReleaseReport, AggregateError> {
    let definition = Definition::parse(definition_text)?;
    let dataset = job.store.dataset(job.dataset, keys)?;
    let tabulate = |definition: &Definition| -> Result<Tabulated, AggregateError> {
        let mut lookups = HashMap::new();
        for name in definition.dimensions.iter().filter_map(|dimension| dimension.lookup.as_ref()) {
            let path = job.lookups.get(name).ok_or_else(|| {
                definition.rule(format!("there is no look-up {name} under [lookups]"))
            })?;
            lookups.insert(name.clone(), lookup::read(path)?);
        }
        tabulate::tabulate(definition, &dataset, job.children, &lookups)
    };
    let ledger = Ledger::read(job.store, job.period)?;
    let tabulated = tabulate(&definition)?;
    let before = ledger.same(&definition);
    let mut set = tabulated.set.clone();
    match before {
        Some(entry) => match entry.standing(&tabulated)? {
            Some(tables) => set.tables = tables,
            None => return keep(job, entry),
        },
        None => set.tables.extend(ledger.standing(&definition, tabulate)?),
    }
    for crowded in minster_disclosure::crowding(&set) {
        (job.notice)(&crowded.to_string());
    }
    let releasable = protect(set, definition.prices)?;
    let sums = &tabulated.sums;
    let files = release::files(&definition, job.period, &releasable, sums)?;
    let sha256 = Release::sha256_of(&files);
    let standing = match before {
        None => {
            ledger.difference(&definition, &releasable)?;
            Entry::new(&definition, job.period, &releasable, sums, sha256)?.enter(job.store)?;
            Standing::New
        }
        Some(entry) if entry.sha256 == sha256 => Standing::Same,
        Some(entry) => return keep(job, entry),
    };
    let released =
        job.store.publish_release(definition.name.as_str(), job.period.as_str(), &files)?;
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
        standing,
        tables: tables.collect(),
    })
}

/// The release that stands, although the data have changed: a second one would show by whom.
fn keep(job: &Job<'_>, entry: &Entry) -> Result<ReleaseReport, AggregateError> {
    let released = ledger::release_of(job.store, entry)?;
    let tables = entry.sizes().map(|(name, cells, withheld)| TableReport {
        name: name.clone(),
        cells,
        withheld,
    });
    Ok(ReleaseReport {
        name: entry.definition.name.clone(),
        folder: released.folder.canonicalize().unwrap_or(released.folder),
        sha256: released.sha256,
        standing: Standing::Kept,
        tables: tables.collect(),
    })
}

impl ReleaseReport {
    /// For people.
    pub fn text(&self) -> String {
        let mut text = format!("release {} in {}\n", self.name, self.folder.display());
        if self.standing == Standing::Kept {
            text += "  stands as it was published: the data have changed since, and a second release of the\n  period would show whom the change is about\n";
        }
        for TableReport { name, cells, withheld } in &self.tables {
            let name = name.as_str();
            let _ = writeln!(text, "  {name:<28} {cells:>6} cells, {withheld} withheld");
        }
        text
    }
}
