use std::{collections::BTreeMap, fmt::Write as _, path::PathBuf};

use minster_attack::ReleasableSet;
use minster_model::{
    DatasetRef, Period, RunId, TableName,
    cube::{CountTable, TableSet},
};
use minster_store::{Dataset, DatasetKeys, Origin, Release, Store};
use serde::Serialize;

use crate::{
    AggregateError, Definition, Method, differences,
    everyone::Everyone,
    ledger::{self, Entry, Ledger},
    lookup, occurring,
    populations::Related,
    protect, protect_rounded,
    release::{self, Releasable},
    report::{self, Reporting},
    sums::protect_sums,
    tabulate::{self, Tabulated, Who},
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
    Ok(tabulate::tabulate(definition, dataset, children, &lookups, Who::Untold)?.set)
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
        tabulate::tabulate(definition, &dataset, job.children, &lookups, Who::Told)
    };
    let ledger = Ledger::read(job.store, job.period, dataset.manifest())?;
    let tabulated = tabulate(&definition)?;
    occurring::check(&definition, &dataset, job.children, &lookup::of(&definition, job.lookups)?)?;
    let Some(entry) = ledger.same(&definition) else {
        return first(job, &definition, &dataset, &ledger, tabulated, tabulate, keys);
    };
    match again(job, &definition, &dataset, entry, tabulated, keys) {
        // What is no longer to be released stands as it was published.
        Err(AggregateError::Refused(_)) => keep(job, entry),
        other => other,
    }
}

/// Releases what was not published before.
fn first(
    job: &Job<'_>,
    definition: &Definition,
    dataset: &Dataset,
    ledger: &Ledger,
    tabulated: Tabulated,
    mut tabulate: impl FnMut(&Definition) -> Result<Tabulated, AggregateError>,
    keys: &mut dyn DatasetKeys,
) -> Result<ReleaseReport, AggregateError> {
    let children = tabulated.children;
    ledger.one_method(definition, children)?;
    let same = ledger.standing(definition, children, &mut tabulate)?;
    let others: Vec<&Entry> = ledger.of_others(definition, children).collect();
    let related = related(job, definition, dataset, &tabulated, &same, &others, &mut tabulate)?;
    // What cannot be attacked together is compared number by number.
    let is_apart = |entry: &&Entry| related.as_ref().is_none_or(|related| !related.has(entry));
    let apart: Vec<&Entry> = others.iter().copied().filter(is_apart).collect();
    Ledger::nested(definition, &apart, false)?;
    let Tabulated { mut set, measured, keys: record_keys, .. } = tabulated;
    if definition.method == Method::Suppress {
        for table in &mut set.tables {
            *table = beside_others(job, definition, table.clone(), &apart)?;
        }
    }
    if let Some(related) = &related {
        related.keeping(&mut set.tables)?;
    }
    let mut standing = ledger::Standing::default();
    same.into_iter().for_each(|(_, tables)| standing.extend(tables));
    set.tables.extend(standing.counts.iter().cloned());
    for crowded in minster_disclosure::crowding(&set) {
        (job.notice)(&crowded.to_string());
    }
    let counts = match definition.method {
        Method::Suppress => protect(set, definition.prices)?,
        method => protect_rounded(set, method, definition.prices, &record_keys)?,
    };
    let withholds = counts.patterns().iter().any(|pattern| pattern.withheld.contains(&true));
    Ledger::nested(definition, &apart, withholds || counts.rounding().is_some())?;
    if let Some(related) = &related {
        related.verify(&counts)?;
    }
    let sums = protect_sums(
        definition,
        &counts,
        &measured,
        &standing.sums,
        &apart,
        related.as_ref(),
        false,
    )?;
    let releasable = Releasable { counts: &counts, sums: &sums, measured: &measured };
    let files = release::files(definition, job.period, &releasable)?;
    let sha256 = Release::sha256_of(&files);
    // A report of what was never released does no harm; a release without its report does.
    report(job, definition, dataset, &sha256).write(&counts, &sums, keys)?;
    let manifest = dataset.manifest();
    Entry::new(definition, job.period, &releasable, children, manifest, sha256)?
        .enter(job.store)?;
    publish(job, definition, &counts, &files, Standing::New)
}

/// The releases about other children that a new one can be attacked together with, and must be: those of which
/// the data still say the same.
fn related<'a>(
    job: &Job<'_>,
    definition: &'a Definition,
    dataset: &Dataset,
    tabulated: &Tabulated,
    same: &[(&'a Entry, ledger::Standing)],
    others: &[&'a Entry],
    mut tabulate: impl FnMut(&Definition) -> Result<Tabulated, AggregateError>,
) -> Result<Option<Related<'a>>, AggregateError> {
    if definition.method != Method::Suppress {
        return Ok(None);
    }
    let mut unchanged = Vec::new();
    for entry in others.iter().filter(|entry| entry.definition.method == Method::Suppress) {
        let now = tabulate(&entry.definition)?;
        if now.children == entry.children
            && let Some(standing) = entry.standing(&now)?
        {
            unchanged.push((*entry, standing));
        }
    }
    let everyone = Everyone { dataset, children: job.children, lookups: job.lookups };
    Related::new(definition, tabulated, same.to_vec(), unchanged, &everyone)
}

/// Publishes again what was published before, if it is still the same.
fn again(
    job: &Job<'_>,
    definition: &Definition,
    dataset: &Dataset,
    entry: &Entry,
    tabulated: Tabulated,
    keys: &mut dyn DatasetKeys,
) -> Result<ReleaseReport, AggregateError> {
    let Tabulated { ref measured, keys: ref record_keys, .. } = tabulated;
    let (counts, standing) = match definition.method {
        Method::Suppress => {
            let Some(standing) = entry.standing(&tabulated)? else { return keep(job, entry) };
            let mut set = tabulated.set.clone();
            set.tables = standing.counts.clone();
            (protect(set, definition.prices)?, standing)
        }
        // Numbers that are rounded are made again, and compared.
        method => {
            let set = tabulated.set.clone();
            let counts = protect_rounded(set, method, definition.prices, record_keys)?;
            (counts, ledger::Standing::default())
        }
    };
    let sums = protect_sums(definition, &counts, measured, &standing.sums, &[], None, true)?;
    let releasable = Releasable { counts: &counts, sums: &sums, measured };
    let files = release::files(definition, job.period, &releasable)?;
    if entry.sha256 != Release::sha256_of(&files) {
        return keep(job, entry);
    }
    // Another definition of the same name may have put its own report in its place.
    if !has_report(job, definition, dataset)? {
        report(job, definition, dataset, &entry.sha256).write(&counts, &sums, keys)?;
    }
    publish(job, definition, &counts, &files, Standing::Same)
}

/// The table with what it must not say beside releases about other children.
fn beside_others(
    job: &Job<'_>,
    definition: &Definition,
    table: CountTable,
    others: &[&Entry],
) -> Result<CountTable, AggregateError> {
    let before = others.iter().flat_map(|entry| &entry.tables);
    let before = before.map(|table| (table.dimensions.as_slice(), table.counts.as_slice()));
    let (guarded, close) = differences::guard(table, definition.policy().threshold, before)?;
    if close > 0 {
        (job.notice)(&format!(
            "{close} cells of the table {} are withheld because they differ by less than the threshold from what was published about other children, or were withheld there",
            guarded.name()
        ));
    }
    Ok(guarded)
}

fn report<'a>(
    job: &'a Job<'_>,
    definition: &'a Definition,
    integrated: &'a Dataset,
    sha256: &'a str,
) -> Reporting<'a> {
    let (store, run, period) = (job.store, job.run, job.period);
    Reporting { store, run, period, integrated, definition, sha256 }
}

fn publish(
    job: &Job<'_>,
    definition: &Definition,
    counts: &ReleasableSet,
    files: &[(String, Vec<u8>)],
    standing: Standing,
) -> Result<ReleaseReport, AggregateError> {
    let released =
        job.store.publish_release(definition.name.as_str(), job.period.as_str(), files)?;
    let tables =
        definition.tables.iter().zip(counts.patterns()).map(|(table, pattern)| TableReport {
            name: table.name.clone(),
            cells: pattern.withheld.len(),
            withheld: pattern.withheld.iter().filter(|withheld| **withheld).count(),
        });
    Ok(reported(definition, released, standing, tables.collect()))
}

fn reported(
    definition: &Definition,
    released: Release,
    standing: Standing,
    tables: Vec<TableReport>,
) -> ReleaseReport {
    ReleaseReport {
        name: definition.name.clone(),
        folder: released.folder.canonicalize().unwrap_or(released.folder),
        sha256: released.sha256,
        standing,
        tables,
    }
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
    Ok(reported(&entry.definition, released, Standing::Kept, tables.collect()))
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
