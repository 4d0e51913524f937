//! A release checked again by someone who doubts it: the files are those that were protected, the numbers
//! in them are what the pattern lets out, and the certificates show what the promise requires, by adding up
//! alone.

use std::path::Path;

use arrow::{array::AsArray, datatypes::Int64Type};
use minster_attack::{Interval, Refusal, certify, certify_rounded, interval};
use minster_model::{
    NodeId, Period, Purpose, TableName, counted,
    table::{CountTable, Pattern},
};
use minster_store::{DatasetKeys, Floors, Release, ReleaseLog, Store, StoreError};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde::Serialize;

use crate::{
    definition::release_definition::{CHILDREN, Kind, MeasureRow, Table},
    error::AggregateError,
    publish::explained::Names,
    publish::protected_table::shown_cells,
    publish::row_order::{self, RowOrder},
    publish::{
        files,
        restricted_report::{self, COUNTS, Explanation, Report, Reported, ReportedRounding},
    },
};

/// Which release.
pub struct Which<'a> {
    /// The store.
    pub store: &'a Store,
    /// Its name.
    pub release: &'a TableName,
    /// Its period.
    pub period: &'a Period,
    /// The purpose of the data that it was made from.
    pub purpose: &'a Purpose,
}

/// One thing that was checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// The statement that must hold.
    pub what: String,
    /// Whether it does.
    pub passed: bool,
    /// The evidence that was found. Never a count that is withheld.
    pub evidence: String,
}

/// A column of a table's file with the numbers that it should have.
type Numbers = (String, Option<Vec<Option<u64>>>);

/// Why a release's cells are withheld.
#[derive(Debug, Clone, Serialize)]
pub struct Explained {
    /// Each withheld cell.
    pub cells: Vec<Explanation>,
    /// The categories of each, in the same order.
    pub categories: Vec<Vec<Category>>,
    /// The names of its tables, columns and categories.
    #[serde(skip)]
    pub names: Names,
    #[serde(skip)]
    sets: Vec<Reported>,
}

impl Explained {
    /// The values that the published numbers and the policy leave open of a withheld count: its exact feasibility
    /// interval, by two integer programs. Nothing for a sum, where numbers are rounded, and where the steps allowed
    /// do not settle it.
    pub fn interval(&self, of: &Explanation) -> Option<Interval> {
        let set = self.sets.iter().find(|set| set.name == of.set && set.name == COUNTS)?;
        if set.rounded.is_some() {
            return None;
        }
        let table = set.set.tables.iter().position(|table| table.name() == of.table)?;
        interval(&set.set, &set.patterns, table, of.cell).ok().flatten()
    }
}

/// The category that a cell has in one dimension.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Category {
    /// The released column.
    pub column: String,
    /// Its category, group or total there.
    pub code: String,
    /// Whether that is the total.
    pub total: bool,
}

/// Checks a release against its restricted report, and its rules against what its purpose asks for.
///
/// # Errors
/// Where the report or the release cannot be opened. A statement that does not hold is a [`Check`] that did not pass.
pub fn verify_release(
    which: &Which<'_>,
    vault: &mut dyn ReleaseLog,
) -> Result<Vec<Check>, AggregateError> {
    let floors = vault.floors(which.purpose).map_err(StoreError::from)?;
    let report = open(which, vault)?;
    let refused = vault.refused(which.purpose).map_err(StoreError::from)?;
    let refused = refused.get(&report.definition.audience()).cloned();
    let release = which
        .store
        .published_release(which.release.as_str(), which.period.as_str(), &report.sha256)
        .ok_or_else(|| {
            AggregateError::Report("its report is about a release whose folder is gone; put the folder back from a copy".to_owned())
        })?;
    let mut checks = vec![files(&report, &release)?];
    let path = release.folder.join("manifest.json");
    let manifest = std::fs::read(&path).map_err(|source| unreadable(&path, source))?;
    checks.push(rules(&report, &manifest, &floors));
    checks.push(readers(&report, &manifest, refused));
    let in_row_order = is_in_row_order(&manifest);
    for (place, _) in report.definition.tables.iter().enumerate() {
        checks.push(numbers(&report, place, &release.folder, in_row_order)?);
    }
    checks.extend(report.sets.iter().map(certificates));
    Ok(checks)
}

/// Says of each withheld cell why.
///
/// # Errors
/// Where the report cannot be opened.
pub fn explain(which: &Which<'_>, keys: &mut dyn DatasetKeys) -> Result<Explained, AggregateError> {
    let report = open(which, keys)?;
    let categories = |of: &Explanation| {
        let set = report.sets.iter().find(|set| set.name == of.set)?;
        let table = set.set.tables.iter().find(|table| table.name() == of.table)?;
        // Tables published before are another definition's: their columns have the dataset's names.
        let own = |table: &&Table| {
            let name = table.name.as_str();
            of.table == name || of.table.starts_with(&format!("{name} ("))
        };
        let own = report.definition.tables.iter().find(own);
        let own = own.filter(|own| own.dimensions.len() == table.dimensions().len());
        let category = |(place, node): (usize, NodeId)| {
            let dimension = &table.dimensions()[place];
            let column = own.map_or(dimension.name(), |own| own.dimensions[place].as_str());
            let code = dimension.code(node).to_owned();
            Category { column: column.to_owned(), code, total: dimension.is_total(node) }
        };
        Some(table.coordinates(of.cell).into_iter().enumerate().map(category).collect())
    };
    let categories = report.cells.iter().map(|of| categories(of).unwrap_or_default()).collect();
    let names = Names::of_report(&report);
    Ok(Explained { cells: report.cells, categories, names, sets: report.sets })
}

pub(super) fn open(
    which: &Which<'_>,
    keys: &mut dyn DatasetKeys,
) -> Result<Report, AggregateError> {
    let (name, period) = (which.release.as_str(), which.period.as_str());
    let current = which.store.current_release(name, period);
    let current = current.ok_or_else(|| {
        AggregateError::Report(format!(
            "none of {period} is current: it was never let out, or was withdrawn; `minster release {name}` lets a draft out"
        ))
    })?;
    let dataset = restricted_report::dataset(which.release, &current, which.period, which.purpose)?;
    Report::open(which.store, &dataset, keys)
}

/// The folder holds what was protected, byte for byte.
fn files(report: &Report, release: &Release) -> Result<Check, AggregateError> {
    let files = Release::files_in(&release.folder).unwrap_or_default();
    let entries = std::fs::read_dir(&release.folder)
        .map_err(|source| unreadable(&release.folder, source))?
        .count();
    let passed = Release::sha256_of(&files) == report.sha256 && entries == files.len();
    let evidence = match passed {
        true => format!("{} files, SHA-256 {}", files.len(), report.sha256),
        false => "a file was changed, added or removed since".to_owned(),
    };
    Ok(Check { what: "the files are those that were protected".into(), passed, evidence })
}

/// The release says by which rules it was protected, it was protected by these, and they are as strict as its purpose asks.
fn rules(report: &Report, manifest: &[u8], floors: &Floors) -> Check {
    let (said, rules) = (Release::rules(manifest), report.definition.release_rules());
    let policy = report.definition.policy();
    let is_other = |of: &Reported| of.name == COUNTS && of.set.policy != policy;
    let (passed, evidence) = match floors.broken_by(said.as_ref()) {
        Some(what) => (false, format!("its purpose asks for more: {what}")),
        None if said.as_ref() != Some(&rules) => {
            (false, "the release says other rules than those that it was defined by".to_owned())
        }
        None if report.sets.iter().any(is_other) => {
            (false, "its certificates are of other rules than it says".to_owned())
        }
        None => (true, format!("threshold {}, method {}", rules.threshold, rules.method)),
    };
    let what = "its rules are as strict as its purpose asks, and those that it says".to_owned();
    Check { what, passed, evidence }
}

/// The release says for whom it is, it was defined for them, and its purpose allows them. One of before format 4 said nothing.
fn readers(report: &Report, manifest: &[u8], refused: Option<String>) -> Check {
    let manifest: serde_json::Value = serde_json::from_slice(manifest).unwrap_or_default();
    let defined = report.definition.audience();
    let (passed, evidence) = match (&manifest["audience"], refused) {
        (serde_json::Value::Null, _) if manifest["format"].as_u64() < Some(files::FORMAT) => {
            (true, "an earlier version of minster made it, and releases said nothing of their readers then".to_owned())
        }
        (said, _) if said.as_str() != Some(defined.as_str()) => {
            (false, "the release says other readers than those that it was defined for".to_owned())
        }
        (_, Some(why)) => (false, why),
        (_, None) => (true, format!("for {defined}")),
    };
    Check { what: "it is for readers whom its purpose allows".to_owned(), passed, evidence }
}

/// A table's file shows what its pattern lets out, sums included.
fn numbers(
    report: &Report,
    place: usize,
    folder: &Path,
    in_row_order: Option<bool>,
) -> Result<Check, AggregateError> {
    let table = &report.definition.tables[place];
    let path = folder.join(format!("{}.parquet", table.name));
    let mut expected = vec![(CHILDREN.to_owned(), published(report, COUNTS, place))];
    for measure in &table.measures {
        if let Kind::Sum { of, .. } = measure.kind() {
            expected.push((measure.name.to_string(), published_sums(report, place, of.as_str())));
        }
    }
    if let Some(shown) = in_row_order.and_then(|sorted| shown(report, place, sorted)) {
        for (_, numbers) in &mut expected {
            let of = |numbers: &Vec<Option<u64>>| shown.iter().map(|&at| numbers[at]).collect();
            *numbers = numbers.as_ref().map(of);
        }
    }
    let expected = in_rows(table, expected);
    let wrong = |_| AggregateError::Report(format!("{} is not a released table", path.display()));
    let file = std::fs::File::open(&path).map_err(|source| unreadable(&path, source))?;
    let reader = ParquetRecordBatchReaderBuilder::try_new(file)
        .and_then(ParquetRecordBatchReaderBuilder::build)
        .map_err(|error| wrong(error.to_string()))?;
    let mut found: Vec<Vec<Option<u64>>> = vec![Vec::new(); expected.len()];
    for batch in reader {
        let batch = batch.map_err(|error| wrong(error.to_string()))?;
        for ((name, _), found) in expected.iter().zip(&mut found) {
            let column = batch.column_by_name(name);
            let values = column.and_then(|column| column.as_primitive_opt::<Int64Type>());
            let values = values.ok_or_else(|| wrong(String::new()))?;
            found.extend(values.iter().map(|value| value.map(i64::unsigned_abs)));
        }
    }
    let differing: usize = expected
        .iter()
        .zip(&found)
        .map(|((_, expected), found)| match expected {
            Some(expected) if expected.len() == found.len() => {
                expected.iter().zip(found).filter(|(expected, found)| expected != found).count()
            }
            _ => found.len().max(1),
        })
        .sum();
    // A row of a month alone has no count.
    let rows = table.written_in_rows().map_or(1, |(first, _)| 1 + table.measures.len() - first);
    let counts = found.first().into_iter().flatten().step_by(rows);
    let (cells, withheld) = (counts.clone().count(), counts.filter(|of| of.is_none()).count());
    let evidence = match differing {
        0 => {
            let columns = counted(expected.len(), "column", "columns");
            format!("{cells} cells, {withheld} withheld, {columns} of numbers")
        }
        differing => format!("{differing} numbers are other than the pattern lets out"),
    };
    let what = format!("{}: its counts and sums are what its pattern lets out", table.name);
    Ok(Check { what, passed: differing == 0, evidence })
}

/// The numbers by the columns of the file, where the measures of an `each` are rows: the other numbers stand in a row before them.
fn in_rows(table: &Table, columns: Vec<Numbers>) -> Vec<Numbers> {
    let Some((first, MeasureRow { measure, .. })) = table.written_in_rows() else { return columns };
    let (rows, others) = (&table.measures[first..], &table.measures[..first]);
    let is_other =
        |name: &str| name == CHILDREN || others.iter().any(|measure| measure.name.as_str() == name);
    let (others, own): (Vec<Numbers>, Vec<Numbers>) =
        columns.into_iter().partition(|(name, _)| is_other(name));
    let before = |(name, numbers): Numbers| {
        let each = |number| std::iter::once(number).chain(std::iter::repeat_n(None, rows.len()));
        (name, numbers.map(|numbers| numbers.into_iter().flat_map(each).collect()))
    };
    let mut columns: Vec<Numbers> = others.into_iter().map(before).collect();
    if !own.is_empty() {
        let lists: Option<Vec<Vec<Option<u64>>>> = own.into_iter().map(|(_, of)| of).collect();
        let merged = lists.map(|lists| {
            let cells = lists.first().map_or(0, Vec::len);
            let of_cell = |cell: usize| {
                let own = lists.iter().filter_map(move |of| of.get(cell).copied());
                std::iter::once(None).chain(own)
            };
            (0..cells).flat_map(of_cell).collect()
        });
        columns.push((measure.to_string(), merged));
    }
    columns
}

/// The cells that a table's files have, in the order of their rows: that of the cells in a release of before format 3.
fn shown(report: &Report, place: usize, in_row_order: bool) -> Option<Vec<usize>> {
    let counts = report.sets.iter().find(|of| of.name == COUNTS)?.set.tables.get(place)?;
    let (definition, table) = (&report.definition, report.definition.tables.get(place)?);
    let mut shown = shown_cells(definition, table, counts);
    if in_row_order {
        let published = published(report, COUNTS, place)?;
        row_order(report, place, (table, counts), &published).sort(counts.dimensions(), &mut shown);
    }
    Some(shown)
}

/// The order of a table's rows, by what is published of it.
pub(super) fn row_order(
    report: &Report,
    place: usize,
    (table, counts): (&Table, &CountTable),
    published: &[Option<u64>],
) -> RowOrder {
    let sums: Vec<Vec<Option<u64>>> = row_order::sums_of(table)
        .filter_map(|of| published_sums(report, place, of.as_str()))
        .collect();
    let sums: Vec<&[Option<u64>]> = sums.iter().map(Vec::as_slice).collect();
    RowOrder::new(&report.definition, table, counts.dimensions(), published, &sums)
}

/// Whether a release's rows stand in the order that its format has; none where its manifest cannot be read.
fn is_in_row_order(manifest: &[u8]) -> Option<bool> {
    let manifest: serde_json::Value = serde_json::from_slice(manifest).ok()?;
    Some(manifest["format"].as_u64()? >= files::ROWS_IN_ORDER)
}

/// The numbers that a pattern lets out of one table.
pub(super) fn published(report: &Report, set: &str, place: usize) -> Option<Vec<Option<u64>>> {
    let of = report.sets.iter().find(|of| of.name == set)?;
    let (table, pattern) = (of.set.tables.get(place)?, of.patterns.get(place)?);
    if let Some(rounded) = &of.rounded {
        return Some(rounded.numbers.get(place)?.iter().copied().map(Some).collect());
    }
    let shown = |(count, withheld): (u64, &bool)| (!withheld).then_some(count);
    Some(table.cell_counts().into_iter().zip(&pattern.withheld).map(shown).collect())
}

/// The sums of a column that its pattern lets out of one table of the definition.
pub(super) fn published_sums(
    report: &Report,
    place: usize,
    column: &str,
) -> Option<Vec<Option<u64>>> {
    // A set of sums holds the tables in the definition's order, those without the sum left out.
    let tables = report.definition.tables[..place].iter();
    let sums_too = tables.filter(|table| restricted_report::sums(table, column));
    published(report, column, sums_too.count())
}

/// The certificates show what the promise requires.
fn certificates(of: &Reported) -> Check {
    let Reported { name, set, patterns, certificates, rounded } = of;
    let certified = match rounded {
        None => certify(set, patterns, certificates),
        Some(ReportedRounding { rule, numbers }) => {
            certify_rounded(set, numbers, *rule, certificates)
        }
    };
    let cells: usize = set.tables.iter().map(CountTable::cell_count).sum();
    let count = |pattern: &Pattern| pattern.withheld.iter().filter(|withheld| **withheld).count();
    let withheld: usize = patterns.iter().map(count).sum();
    let to_respondents =
        set.respondents().map(|column| format!(", to each {column} that knows its own cells too"));
    let what = format!(
        "{name}: for every cell that is unsafe the certificates leave open what the rule does{}",
        to_respondents.unwrap_or_default()
    );
    let (passed, evidence) = match certified {
        Ok(certified) => (
            true,
            format!(
                "{cells} cells of {}, {withheld} withheld; {} requirements met by {} certificates and the truth",
                counted(set.tables.len(), "table", "tables"),
                certified.requirements,
                certified.alternatives.len()
            ),
        ),
        Err(Refusal::Unprotected(failures)) => {
            (false, format!("{} requirements are met by no certificate", failures.len()))
        }
        Err(refusal) => (false, refusal.to_string()),
    };
    Check { what, passed, evidence }
}

fn unreadable(path: &Path, source: std::io::Error) -> AggregateError {
    AggregateError::Report(format!("cannot read {}: {source}", path.display()))
}
