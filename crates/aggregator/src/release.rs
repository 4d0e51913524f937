//! What leaves: Parquet with a typed value column and a status column, CSV beside it, a manifest. The
//! same tables give the same bytes.

use std::{collections::BTreeMap, sync::Arc};

use arrow::{
    array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray},
    datatypes::{Field, Schema},
};
use minster_attack::ReleasableSet;
use minster_model::{ColumnName, Period, cube::CountTable};
use minster_store::sha256_hex;
use parquet::{
    arrow::{ArrowWriter, arrow_writer::ArrowWriterOptions},
    basic::{Compression, ZstdLevel},
    file::properties::WriterProperties,
};

use crate::{AggregateError, Definition, Measure, Table, tabulate::CHILDREN};

/// The sums of each table: by summed column, over its inner cells.
pub type Sums = Vec<BTreeMap<ColumnName, Vec<i64>>>;

/// Withheld: confidential, in the notation of the Government Statistical Service.
pub const CONFIDENTIAL: &str = "c";
/// Not applicable: a rate of no children.
pub const NOT_APPLICABLE: &str = "z";

/// A release's files, by name. Only tables that withstood the attack have the type that it takes; those
/// of the set beyond the definition's were published before.
pub fn files(
    definition: &Definition,
    period: &Period,
    releasable: &ReleasableSet,
    sums: &Sums,
) -> Result<Vec<(String, Vec<u8>)>, AggregateError> {
    let mut files = Vec::new();
    let mut listed = Vec::new();
    for (place, (table, cube)) in definition.tables.iter().zip(releasable.tables()).enumerate() {
        let counts = releasable.published_cells(place);
        let columns = columns(table, cube, &counts, &sums[place])?;
        let csv = csv(&columns)?;
        let parquet = parquet(&columns)?;
        let withheld = counts.iter().filter(|count| count.is_none()).count();
        listed.push(serde_json::json!({
            "name": table.name, "title": table.title, "cells": counts.len(), "withheld": withheld,
            "csv_sha256": sha256_hex(&csv), "parquet_sha256": sha256_hex(&parquet),
        }));
        files.push((format!("{}.csv", table.name), csv));
        files.push((format!("{}.parquet", table.name), parquet));
    }
    // The definition's meaning: a comment more or less is the same definition.
    let meaning = serde_json::to_vec(definition)
        .map_err(|_| AggregateError::Write("the manifest failed".into()))?;
    let manifest = serde_json::json!({
        "format": 1,
        "release": definition.name,
        "title": definition.title,
        "period": period,
        "population": definition.population,
        "policy": { "threshold": definition.threshold, "zeros": definition.zeros },
        "status": { "": "published", CONFIDENTIAL: "confidential", NOT_APPLICABLE: "not applicable" },
        "definition_sha256": sha256_hex(&meaning),
        "tables": listed,
    });
    files.push(("manifest.json".to_owned(), format!("{manifest:#}\n").into_bytes()));
    Ok(files)
}

/// A table's CSV, given what is published of its counts.
pub(crate) fn csv_of(
    table: &Table,
    cube: &CountTable,
    counts: &[Option<u64>],
    sums: &BTreeMap<ColumnName, Vec<i64>>,
) -> Result<Vec<u8>, AggregateError> {
    csv(&columns(table, cube, counts, sums)?)
}

/// One column of a released table.
struct Released {
    name: String,
    values: Values,
}

enum Values {
    Text(Vec<String>),
    Whole(Vec<Option<i64>>),
    Number(Vec<Option<f64>>),
}

fn columns(
    table: &Table,
    cube: &CountTable,
    counts: &[Option<u64>],
    sums: &BTreeMap<ColumnName, Vec<i64>>,
) -> Result<Vec<Released>, AggregateError> {
    let mut columns = Vec::new();
    let coordinates: Vec<Vec<usize>> =
        (0..cube.cell_count()).map(|cell| cube.coordinates(cell)).collect();
    for (place, (dimension, name)) in cube.dimensions().iter().zip(&table.dimensions).enumerate() {
        let codes = coordinates.iter().map(|nodes| dimension.code(nodes[place]).to_owned());
        columns.push(Released { name: name.to_string(), values: Values::Text(codes.collect()) });
    }
    let whole = |count: &Option<u64>| count.and_then(|count| i64::try_from(count).ok());
    columns.push(Released {
        name: CHILDREN.to_owned(),
        values: Values::Whole(counts.iter().map(whole).collect()),
    });
    let status = |shown: bool, applies: bool| match (shown, applies) {
        (false, _) => CONFIDENTIAL.to_owned(),
        (true, false) => NOT_APPLICABLE.to_owned(),
        (true, true) => String::new(),
    };
    columns.push(Released {
        name: "status".to_owned(),
        values: Values::Text(counts.iter().map(|count| status(count.is_some(), true)).collect()),
    });
    let totals: BTreeMap<&ColumnName, Vec<i64>> =
        sums.iter().map(|(name, inner)| (name, all_cells(cube, inner))).collect();
    for measure in &table.measures {
        // A sum or rate is shown where the count is, and nowhere else.
        let shown = counts.iter().map(Option::is_some);
        let values = measured(measure, &totals, counts);
        let applies: Vec<bool> = values.iter().map(Option::is_some).collect();
        let statuses = shown.zip(applies).map(|(shown, applies)| status(shown, applies)).collect();
        let values: Vec<Option<f64>> = values
            .into_iter()
            .zip(counts)
            .map(|(value, count)| value.filter(|_| count.is_some()))
            .collect();
        let name = measure.name.to_string();
        columns.push(Released { name: name.clone(), values: Values::Number(values) });
        columns.push(Released { name: format!("{name}_status"), values: Values::Text(statuses) });
    }
    Ok(columns)
}

/// One value a cell; none where a rate has nothing to be divided by.
fn measured(
    measure: &Measure,
    totals: &BTreeMap<&ColumnName, Vec<i64>>,
    counts: &[Option<u64>],
) -> Vec<Option<f64>> {
    let sums = &totals[&measure.sum];
    let divisor = |cell: usize| match &measure.per {
        None => Some(1.0),
        Some(per) if per.as_str() == CHILDREN => counts[cell].map(|count| count as f64),
        Some(per) => totals.get(per).map(|totals| totals[cell] as f64),
    };
    let value = |cell: usize| {
        let divisor = divisor(cell).filter(|divisor| *divisor != 0.0)?;
        let value = sums[cell] as f64 * measure.times / divisor;
        // One decimal is what such tables show; a whole sum stays whole.
        Some((value * 10.0).round() / 10.0)
    };
    (0..counts.len()).map(value).collect()
}

/// Every cell's sum from inner sums.
fn all_cells(cube: &CountTable, inner: &[i64]) -> Vec<i64> {
    let mut totals = vec![0; cube.cell_count()];
    cube.add_up(|ordinal, cells| cells.iter().for_each(|&cell| totals[cell] += inner[ordinal]));
    totals
}

fn csv(columns: &[Released]) -> Result<Vec<u8>, AggregateError> {
    let failed = |_| AggregateError::Write("CSV failed".to_owned());
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(columns.iter().map(|column| column.name.as_str())).map_err(failed)?;
    let rows = match columns.first().map(|column| &column.values) {
        Some(Values::Text(texts)) => texts.len(),
        _ => 0,
    };
    for row in 0..rows {
        let cells = columns.iter().map(|column| match &column.values {
            Values::Text(texts) => harmless(&texts[row]),
            Values::Whole(values) => values[row].map(|value| value.to_string()).unwrap_or_default(),
            Values::Number(values) => {
                values[row].map(|value| value.to_string()).unwrap_or_default()
            }
        });
        writer.write_record(cells).map_err(failed)?;
    }
    writer.into_inner().map_err(|_| AggregateError::Write("CSV failed".to_owned()))
}

/// A spreadsheet runs a cell that begins like a formula: an apostrophe keeps it text (OWASP, CSV
/// injection).
fn harmless(text: &str) -> String {
    match text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        true => format!("'{text}"),
        false => text.to_owned(),
    }
}

fn parquet(columns: &[Released]) -> Result<Vec<u8>, AggregateError> {
    let failed = |error: String| AggregateError::Write(error);
    let mut fields = Vec::new();
    let mut arrays: Vec<ArrayRef> = Vec::new();
    for column in columns {
        let array: ArrayRef = match &column.values {
            Values::Text(texts) => Arc::new(StringArray::from(texts.clone())),
            Values::Whole(values) => Arc::new(Int64Array::from(values.clone())),
            Values::Number(values) => Arc::new(Float64Array::from(values.clone())),
        };
        fields.push(Field::new(&column.name, array.data_type().clone(), true));
        arrays.push(array);
    }
    let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)
        .map_err(|error| failed(error.to_string()))?;
    let level = ZstdLevel::try_new(3).map_err(|error| failed(error.to_string()))?;
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(level))
        .set_created_by("minster".into())
        .build();
    let options = ArrowWriterOptions::new().with_properties(properties);
    let mut writer = ArrowWriter::try_new_with_options(Vec::new(), batch.schema(), options)
        .map_err(|error| failed(error.to_string()))?;
    writer.write(&batch).map_err(|error| failed(error.to_string()))?;
    writer.into_inner().map_err(|error| failed(error.to_string()))
}
