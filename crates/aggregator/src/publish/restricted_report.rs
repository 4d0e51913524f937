//! The restricted report of a release: why each cell is withheld, between which values the certificates
//! leave it, what withholding it cost, and the certificates themselves. Encrypted as a dataset is, for the
//! analyst and the auditor; the public gets none of it.

use std::{collections::BTreeMap, sync::Arc};

use arrow::{
    array::{
        Array, ArrayRef, AsArray, Float64Array, RecordBatch, StringArray, UInt32Array, UInt64Array,
    },
    datatypes::{Field, Float64Type, Schema, UInt32Type, UInt64Type},
};
use minster_attack::ReleasableSet;
use minster_disclosure::cost;
use minster_model::{
    DatasetClass, DatasetRef, Period, Purpose, RunId, TableName,
    policy::Costs,
    rounding::Rounding,
    table::{AlternativeTable, CountTable, Pattern, TableSet},
};
use minster_store::{Dataset, DatasetKeys, DatasetWriter, Origin, Store, TableEntry, sha256_hex};
use serde::{Deserialize, Serialize};

use crate::{
    definition::release_definition::{Definition, Table},
    earlier_releases::sample::Sample,
    error::AggregateError,
    protect::protect_sums::ReleasableSums,
    publish::{
        counted_sample,
        reasons::{Reason, reasons},
    },
};

/// The name of the set of counts; a set of sums has its column's.
pub(crate) const COUNTS: &str = "children";

/// The report's words on one withheld cell.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Explanation {
    /// The set: [`COUNTS`](crate::explain), or the column that is summed.
    pub set: String,
    /// The table.
    pub table: String,
    /// The cell's number.
    pub cell: usize,
    /// Why it is withheld.
    pub reason: Reason,
    /// The least that a certificate shows it at.
    pub low: u64,
    /// The most.
    pub high: u64,
    /// The cost of withholding it.
    pub cost: f64,
}

/// One set of tables with its pattern and certificates.
#[derive(Debug, Clone)]
pub(crate) struct Reported {
    pub(crate) name: String,
    pub(crate) set: TableSet,
    pub(crate) patterns: Vec<Pattern>,
    pub(crate) certificates: Vec<AlternativeTable>,
    /// Where every number is rounded or perturbed.
    pub(crate) rounded: Option<ReportedRounding>,
}

/// Numbers that are published rounded or perturbed: one list a table, empty for one that was published
/// before.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ReportedRounding {
    pub(crate) rule: Rounding,
    pub(crate) numbers: Vec<Vec<u64>>,
}

/// The whole report, opened.
pub(crate) struct Report {
    pub(crate) definition: Definition,
    /// SHA-256 of the release.
    pub(crate) sha256: String,
    pub(crate) sets: Vec<Reported>,
    pub(crate) cells: Vec<Explanation>,
}

/// The dataset that holds a release's report: each release has one of its own, and keeps it, for what it withheld
/// is asked for as long as the public has its numbers. `sha256` is the release's, or its first half.
pub(crate) fn dataset(
    release: &TableName,
    sha256: &str,
    period: &Period,
    purpose: &Purpose,
) -> Result<DatasetRef, AggregateError> {
    /// A name is no longer than 64.
    const NAME: usize = 47;
    let (name, sha256) = (release.as_str(), sha256.get(..16).ok_or_else(unreadable)?);
    let name = format!("{}-{sha256}", &name[..name.len().min(NAME)]);
    let name = name.parse().map_err(|_| unwritable())?;
    let (period, purpose) = (period.clone(), purpose.clone());
    Ok(DatasetRef { class: DatasetClass::Report, name, period, purpose })
}

/// SHA-256 of what a definition means: a comment more or less is the same definition.
pub(crate) fn sha256_of(definition: &Definition) -> Result<String, AggregateError> {
    Ok(sha256_hex(&serde_json::to_vec(definition).map_err(|_| unwritable())?))
}

/// The parts that a report is written from.
pub(crate) struct Reporting<'a> {
    pub(crate) store: &'a Store,
    pub(crate) run: &'a RunId,
    pub(crate) period: &'a Period,
    pub(crate) integrated: &'a Dataset,
    pub(crate) definition: &'a Definition,
    pub(crate) sha256: &'a str,
}

impl Reporting<'_> {
    /// Writes it, encrypted under a key of its own.
    pub(crate) fn write(
        &self,
        counts: &ReleasableSet,
        sums: &ReleasableSums,
        sample: &Sample,
        keys: &mut dyn DatasetKeys,
    ) -> Result<(), AggregateError> {
        let manifest = self.integrated.manifest();
        let purpose = &manifest.dataset.purpose;
        let dataset = dataset(&self.definition.name, self.sha256, self.period, purpose)?;
        let (key, wrapped) = keys.create(&dataset).map_err(minster_store::StoreError::from)?;
        let writer = self.store.stage(&dataset, self.run, key, wrapped)?;
        let sets: Vec<Reported> = std::iter::once((COUNTS, counts))
            .chain(sums.sets().map(|(column, set)| (column.as_str(), set)))
            .map(|(name, set)| reported(name, set))
            .collect();
        let tables = vec![
            about(&writer, self.definition, self.sha256)?,
            write_sets(&writer, &sets)?,
            write_certificates(&writer, &sets)?,
            write_cells(&writer, &sets, self.definition)?,
            counted_sample::write(&writer, sample)?,
        ];
        let origin = Origin::datasets(
            sha256_of(self.definition)?,
            vec![(manifest.dataset.clone(), self.integrated.manifest_sha256().to_owned())],
        );
        let (version, check) = (manifest.key_version, manifest.key_check.clone());
        writer.publish(version, check, origin, tables, keys)?;
        Ok(())
    }
}

fn reported(name: &str, of: &ReleasableSet) -> Reported {
    let numbers = |(place, table): (usize, &CountTable)| match table.published_pattern() {
        Some(_) => Vec::new(),
        None => of.published_cells(place).into_iter().flatten().collect(),
    };
    let rounded = of.rounding().map(|rule| ReportedRounding {
        rule,
        numbers: of.tables().iter().enumerate().map(numbers).collect(),
    });
    Reported {
        rounded,
        name: name.to_owned(),
        set: TableSet { tables: of.tables().to_vec(), policy: of.policy() },
        patterns: of.patterns().to_vec(),
        certificates: of.certificates().to_vec(),
    }
}

fn about(
    writer: &DatasetWriter,
    definition: &Definition,
    sha256: &str,
) -> Result<TableEntry, AggregateError> {
    let definition = serde_json::to_string(definition).map_err(|_| unwritable())?;
    write(
        writer,
        "about",
        vec![
            ("release_sha256", Arc::new(StringArray::from(vec![sha256]))),
            ("definition", Arc::new(StringArray::from(vec![definition]))),
        ],
    )
}

fn write_sets(writer: &DatasetWriter, sets: &[Reported]) -> Result<TableEntry, AggregateError> {
    let json = |of: &Reported| -> serde_json::Result<[String; 3]> {
        Ok([
            serde_json::to_string(&of.set)?,
            serde_json::to_string(&of.patterns)?,
            serde_json::to_string(&of.rounded)?,
        ])
    };
    let texts: Vec<[String; 3]> =
        sets.iter().map(json).collect::<Result<_, _>>().map_err(|_| unwritable())?;
    let column = |at: usize| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(texts.iter().map(|of| &of[at])))
    };
    write(
        writer,
        "sets",
        vec![
            ("set", Arc::new(StringArray::from_iter_values(sets.iter().map(|of| &of.name)))),
            ("tables", column(0)),
            ("patterns", column(1)),
            ("rounded", column(2)),
        ],
    )
}

fn write_certificates(
    writer: &DatasetWriter,
    sets: &[Reported],
) -> Result<TableEntry, AggregateError> {
    let mut rows = Vec::new();
    for of in sets {
        for (number, alternative) in of.certificates.iter().enumerate() {
            for &(table, inner, count) in &alternative.counts {
                rows.push((of.name.as_str(), number as u32, table as u32, inner as u64, count));
            }
        }
    }
    write(
        writer,
        "certificates",
        vec![
            ("set", Arc::new(StringArray::from_iter_values(rows.iter().map(|row| row.0)))),
            ("world", Arc::new(UInt32Array::from_iter_values(rows.iter().map(|row| row.1)))),
            ("table", Arc::new(UInt32Array::from_iter_values(rows.iter().map(|row| row.2)))),
            ("inner", Arc::new(UInt64Array::from_iter_values(rows.iter().map(|row| row.3)))),
            ("count", Arc::new(UInt64Array::from_iter_values(rows.iter().map(|row| row.4)))),
        ],
    )
}

fn write_cells(
    writer: &DatasetWriter,
    sets: &[Reported],
    definition: &Definition,
) -> Result<TableEntry, AggregateError> {
    let rows: Vec<Explanation> = sets
        .iter()
        .flat_map(|of| of.explain(definition.costs, own(&of.name, definition)))
        .collect();
    let reason = |row: &Explanation| {
        serde_json::to_value(row.reason)
            .ok()
            .and_then(|value| value.as_str().map(str::to_owned))
            .unwrap_or_default()
    };
    write(
        writer,
        "cells",
        vec![
            ("set", Arc::new(StringArray::from_iter_values(rows.iter().map(|row| &row.set)))),
            ("table", Arc::new(StringArray::from_iter_values(rows.iter().map(|row| &row.table)))),
            ("cell", Arc::new(UInt64Array::from_iter_values(rows.iter().map(|r| r.cell as u64)))),
            ("reason", Arc::new(StringArray::from_iter_values(rows.iter().map(reason)))),
            ("low", Arc::new(UInt64Array::from_iter_values(rows.iter().map(|row| row.low)))),
            ("high", Arc::new(UInt64Array::from_iter_values(rows.iter().map(|row| row.high)))),
            ("cost", Arc::new(Float64Array::from_iter_values(rows.iter().map(|row| row.cost)))),
        ],
    )
}

/// How many tables of a set are the definition's own; others were published before.
fn own(set: &str, definition: &Definition) -> usize {
    match set {
        COUNTS => definition.tables.len(),
        column => definition.tables.iter().filter(|table| sums(table, column)).count(),
    }
}

/// Whether a table measures the sum of a column.
pub(crate) fn sums(table: &Table, column: &str) -> bool {
    let summed = table.measures.iter().flat_map(|measure| measure.summed());
    summed.into_iter().any(|of| of.as_str() == column)
}

pub(super) fn write(
    writer: &DatasetWriter,
    name: &str,
    columns: Vec<(&str, ArrayRef)>,
) -> Result<TableEntry, AggregateError> {
    let field =
        |(name, array): &(&str, ArrayRef)| Field::new(*name, array.data_type().clone(), false);
    let schema = Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>()));
    let arrays = columns.into_iter().map(|(_, array)| array).collect();
    let batch = RecordBatch::try_new(Arc::clone(&schema), arrays).map_err(|_| unwritable())?;
    let mut table = writer.table(&name.parse().map_err(|_| unwritable())?, schema)?;
    table.write(&batch)?;
    Ok(table.finish()?)
}

impl Reported {
    /// Why each cell is withheld, and what the certificates show of it.
    ///
    /// Only cells of the definition's own tables, which come first; others were published before.
    fn explain(&self, costs: Costs, own: usize) -> Vec<Explanation> {
        let counts: Vec<Vec<u64>> = self.set.tables.iter().map(CountTable::cell_counts).collect();
        // How far each cell moves in any certificate, down and up.
        let mut moves: BTreeMap<(usize, usize), (i64, i64)> = BTreeMap::new();
        for alternative in &self.certificates {
            let mut moved: BTreeMap<(usize, usize), i64> = BTreeMap::new();
            for &(table, inner, count) in &alternative.counts {
                let Some(of) = self.set.tables.get(table) else { continue };
                let change = count as i64 - of.inner().get(inner).map_or(0, |&c| c as i64);
                for cell in of.cells_above(inner) {
                    *moved.entry((table, cell)).or_default() += change;
                }
            }
            for (cell, change) in moved {
                let (down, up) = moves.entry(cell).or_default();
                (*down, *up) = ((*down).min(change), (*up).max(change));
            }
        }
        let mut explained = Vec::new();
        let tables = self.set.tables.iter().zip(&self.patterns).take(own);
        for (place, (table, pattern)) in tables.enumerate() {
            for (cell, reason) in reasons(table, pattern, self.set.policy, &counts[place]) {
                let count = counts[place][cell];
                let (down, up) = moves.get(&(place, cell)).copied().unwrap_or_default();
                explained.push(Explanation {
                    set: self.name.clone(),
                    table: table.name().to_owned(),
                    cell,
                    reason,
                    low: count.saturating_add_signed(down),
                    high: count.saturating_add_signed(up),
                    cost: cost(table, cell, count, costs),
                });
            }
        }
        explained
    }
}

impl Report {
    /// Opens a release's report.
    pub(crate) fn open(
        store: &Store,
        dataset: &DatasetRef,
        keys: &mut dyn DatasetKeys,
    ) -> Result<Self, AggregateError> {
        let dataset = store.dataset(dataset, keys)?;
        let mut report: Option<Self> = None;
        for batch in table(&dataset, "about")? {
            let batch = batch?;
            let (sha256, text) = (texts(&batch, 0)?, texts(&batch, 1)?);
            if batch.num_rows() == 1 {
                let definition = serde_json::from_str(text.value(0)).map_err(|_| unreadable())?;
                let sha256 = sha256.value(0).to_owned();
                report = Some(Self { definition, sha256, sets: Vec::new(), cells: Vec::new() });
            }
        }
        let mut report = report.ok_or_else(unreadable)?;
        for batch in table(&dataset, "sets")? {
            let batch = batch?;
            let (names, sets) = (texts(&batch, 0)?, texts(&batch, 1)?);
            let (patterns, rounded) = (texts(&batch, 2)?, texts(&batch, 3)?);
            for row in 0..batch.num_rows() {
                let set = serde_json::from_str(sets.value(row)).map_err(|_| unreadable())?;
                let patterns =
                    serde_json::from_str(patterns.value(row)).map_err(|_| unreadable())?;
                let rounded = serde_json::from_str(rounded.value(row)).map_err(|_| unreadable())?;
                let (name, certificates) = (names.value(row).to_owned(), Vec::new());
                report.sets.push(Reported { name, set, patterns, certificates, rounded });
            }
        }
        report.read_certificates(&dataset)?;
        report.read_cells(&dataset)?;
        Ok(report)
    }

    fn read_certificates(&mut self, dataset: &Dataset) -> Result<(), AggregateError> {
        for batch in table(dataset, "certificates")? {
            let batch = batch?;
            let names = texts(&batch, 0)?;
            let numbers = |at: usize| batch.column(at).as_primitive_opt::<UInt32Type>();
            let wide = |at: usize| batch.column(at).as_primitive_opt::<UInt64Type>();
            let (alternatives, tables) = (numbers(1).zip(numbers(2))).ok_or_else(unreadable)?;
            let (inner, counts) = (wide(3).zip(wide(4))).ok_or_else(unreadable)?;
            for row in 0..batch.num_rows() {
                let of = self.sets.iter_mut().find(|of| of.name == names.value(row));
                let certificates = &mut of.ok_or_else(unreadable)?.certificates;
                let number = alternatives.value(row) as usize;
                if number > certificates.len() {
                    return Err(unreadable());
                }
                if number == certificates.len() {
                    certificates.push(AlternativeTable { counts: Vec::new() });
                }
                certificates[number].counts.push((
                    tables.value(row) as usize,
                    inner.value(row) as usize,
                    counts.value(row),
                ));
            }
        }
        Ok(())
    }

    fn read_cells(&mut self, dataset: &Dataset) -> Result<(), AggregateError> {
        for batch in table(dataset, "cells")? {
            let batch = batch?;
            let (sets, tables, reasons) = (texts(&batch, 0)?, texts(&batch, 1)?, texts(&batch, 3)?);
            let wide = |at: usize| {
                batch.column(at).as_primitive_opt::<UInt64Type>().ok_or_else(unreadable)
            };
            let costs = batch.column(6).as_primitive_opt::<Float64Type>().ok_or_else(unreadable)?;
            let (cells, low, high) = (wide(2)?, wide(4)?, wide(5)?);
            for row in 0..batch.num_rows() {
                let reason = serde_json::Value::from(reasons.value(row));
                self.cells.push(Explanation {
                    set: sets.value(row).to_owned(),
                    table: tables.value(row).to_owned(),
                    cell: cells.value(row) as usize,
                    reason: serde_json::from_value(reason).map_err(|_| unreadable())?,
                    low: low.value(row),
                    high: high.value(row),
                    cost: costs.value(row),
                });
            }
        }
        Ok(())
    }
}

pub(super) fn table(
    dataset: &Dataset,
    name: &str,
) -> Result<minster_store::TableReader, AggregateError> {
    Ok(dataset.table(&name.parse().map_err(|_| unreadable())?, None)?)
}

fn texts(batch: &RecordBatch, at: usize) -> Result<&StringArray, AggregateError> {
    let column = batch.columns().get(at).ok_or_else(unreadable)?;
    column.as_any().downcast_ref::<StringArray>().ok_or_else(unreadable)
}

fn unwritable() -> AggregateError {
    AggregateError::Write("the restricted report failed".to_owned())
}

pub(super) fn unreadable() -> AggregateError {
    AggregateError::Report("its report is not one that this release of the program understands; install the one that made it, or a later one".to_owned())
}
