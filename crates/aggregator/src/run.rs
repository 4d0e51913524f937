use std::{collections::BTreeMap, fmt::Write as _, path::PathBuf};

use minster_model::{DatasetRef, Period, RunId, TableName, cube::TableSet};
use minster_store::{Dataset, DatasetKeys, Origin, Release, Store};
use serde::Serialize;

use crate::{
    AggregateError, Definition, Method, differences,
    ledger::{self, Entry, Ledger},
    lookup, protect, protect_rounded,
    release::{self, Releasable},
    report::{self, Reporting},
    sums::protect_sums,
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
    /// The run, which the restricted report is named after.
    pub run: &'a RunId,
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

/// Counts a definition's tables, all margins, and protects nothing: for benches, and for whoever may see
/// the dataset.
///
/// # Errors
/// As [`aggregate`], before anything is protected.
pub fn tabulate(
    definition: &Definition,
    dataset: &Dataset,
    children: &TableName,
    lookups: &BTreeMap<String, PathBuf>,
) -> Result<TableSet, AggregateError> {
    let lookups = lookup::of(definition, lookups)?;
    Ok(tabulate::tabulate(definition, dataset, children, &lookups)?.set)
}

/// Tabulates, protects, attacks and releases one definition. What was released before of the period
/// counts: the same definition keeps the release that stands, another is protected together with it.
pub fn aggregate(
    job: &Job<'_>,
    definition_text: &str,
    keys: &mut dyn DatasetKeys,
) -> Result<ReleaseReport, AggregateError> {
    release(job, definition_text, keys).map_err(|error| error.located(definition_text))
}

fn release(
    job: &Job<'_>,
    definition_text: &str,
    keys: &mut dyn DatasetKeys,
) -> Result<ReleaseReport, AggregateError> {
    let definition = Definition::parse(definition_text)?;
    let dataset = job.store.dataset(job.dataset, keys)?;
    let tabulate = |definition: &Definition| -> Result<Tabulated, AggregateError> {
        let lookups = lookup::of(definition, job.lookups)?;
        tabulate::tabulate(definition, &dataset, job.children, &lookups)
    };
    let ledger = Ledger::read(job.store, job.period, dataset.manifest())?;
    let mut tabulated = tabulate(&definition)?;
    let before = ledger.same(&definition);
    let standing = match before {
        // Numbers that are rounded are made again, and compared.
        Some(_) if definition.method != Method::Suppress => ledger::Standing::default(),
        Some(entry) => match entry.standing(&tabulated)? {
            Some(standing) => standing,
            None => return keep(job, entry),
        },
        None => {
            ledger.nested(&definition)?;
            ledger.standing(&definition, tabulate)?
        }
    };
    match before {
        Some(_) if definition.method != Method::Suppress => {}
        Some(_) => tabulated.set.tables = standing.counts.clone(),
        None => {
            for table in &mut tabulated.set.tables {
                let others = ledger.others(&definition, job.period);
                let threshold = definition.policy().threshold;
                let (guarded, close) = differences::guard(table.clone(), threshold, others)?;
                if close > 0 && definition.method != Method::Suppress {
                    // Noise that depends on the children is made for this; a base is not.
                    if definition.method != Method::CellKey {
                        return Err(AggregateError::Refused(format!(
                            "{close} cells of the table {} differ by less than the threshold from what was published about other children; withhold, or use noise that depends on the children",
                            table.name()
                        )));
                    }
                    continue;
                }
                if close > 0 {
                    (job.notice)(&format!(
                        "{close} cells of the table {} are withheld because they differ by less than the threshold from what was published about other children",
                        table.name()
                    ));
                }
                *table = guarded;
            }
            tabulated.set.tables.extend(standing.counts.iter().cloned());
        }
    }
    for crowded in minster_disclosure::crowding(&tabulated.set) {
        (job.notice)(&crowded.to_string());
    }
    let counts = match definition.method {
        Method::Suppress => protect(tabulated.set, definition.prices)?,
        method => protect_rounded(tabulated.set, method, definition.prices, &tabulated.keys)?,
    };
    let measured = tabulated.measured.as_slice();
    let own = before.is_some();
    let sums = protect_sums(&definition, &counts, measured, &standing.sums, own)?;
    let releasable = Releasable { counts: &counts, sums: &sums, measured };
    if let Some(entry) = before
        && !entry.is_same(&releasable)?
    {
        return keep(job, entry);
    }
    let files = release::files(&definition, job.period, &releasable)?;
    let sha256 = Release::sha256_of(&files);
    let standing = match before {
        None => {
            let integrated = dataset.manifest();
            Entry::new(&definition, job.period, &releasable, integrated, sha256.clone())?
                .enter(job.store)?;
            Standing::New
        }
        Some(entry) if entry.sha256 == sha256 => Standing::Same,
        Some(entry) => return keep(job, entry),
    };
    // A run that was killed between the two leaves a release without its report.
    if standing == Standing::New || !has_report(job, &definition, &dataset)? {
        let (store, run, period) = (job.store, job.run, job.period);
        let sha256 = &sha256;
        let integrated = &dataset;
        let definition = &definition;
        Reporting { store, run, period, integrated, definition, sha256 }
            .write(&counts, &sums, keys)?;
    }
    let released =
        job.store.publish_release(definition.name.as_str(), job.period.as_str(), &files)?;
    let tables =
        definition.tables.iter().zip(counts.patterns()).map(|(table, pattern)| TableReport {
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

fn has_report(
    job: &Job<'_>,
    definition: &Definition,
    integrated: &Dataset,
) -> Result<bool, AggregateError> {
    let purpose = &integrated.manifest().dataset.purpose;
    let dataset = report::dataset(&definition.name, job.period, purpose)?;
    let Ok((manifest, _)) = job.store.manifest(&dataset) else { return Ok(false) };
    let of = report::sha256_of(definition)?;
    Ok(
        matches!(manifest.origin, Origin::Datasets { definition_sha256, .. } if definition_sha256 == of),
    )
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
