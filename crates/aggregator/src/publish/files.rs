//! Files that leave: Parquet with typed value columns and a status column for each, CSV beside it, a manifest.
//! The same tables give the same bytes.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray},
    datatypes::{Field, Schema},
};
use minster_attack::ReleasableSet;
use minster_model::Period;
use minster_store::sha256_hex;
use parquet::{
    arrow::{ArrowWriter, arrow_writer::ArrowWriterOptions},
    basic::{Compression, ZstdLevel},
    file::{metadata::KeyValue, properties::WriterProperties},
};

use crate::{
    definition::release_definition::{Definition, Table},
    error::AggregateError,
    publish::{
        columns::{CONFIDENTIAL, Column, LOW, NOT_APPLICABLE, Values, columns},
        csv,
        protected_table::ProtectedTable,
        restricted_report,
    },
};

/// A release's files, by name. Only tables that withstood the attack have the types that it takes.
pub(crate) fn files(
    definition: &Definition,
    period: &Period,
    counts: &ReleasableSet,
    tables: &[ProtectedTable],
) -> Result<Vec<(String, Vec<u8>)>, AggregateError> {
    let policy = policy(definition, counts);
    let policy_sha256 = sha256_hex(policy.to_string().as_bytes());
    let mut listed = Vec::new();
    let mut texts = Vec::new();
    for table in tables {
        let columns = columns(table);
        let csv = csv::csv(&columns)?;
        let (cells, withheld) = table.size();
        let Table { name, title, .. } = &table.definition;
        listed.push(serde_json::json!({
            "name": name, "title": title, "cells": cells, "withheld": withheld,
            "csv_sha256": sha256_hex(&csv),
        }));
        texts.push((name, columns, csv));
    }
    let mut manifest = serde_json::json!({
        "format": 2,
        "release": definition.name,
        "title": definition.title,
        "period": period,
        "population": definition.population,
        "where": definition.conditions,
        "policy": policy,
        "policy_sha256": policy_sha256,
        "status": {
            "": "published", CONFIDENTIAL: "confidential", NOT_APPLICABLE: "not applicable",
            LOW: "rounds to 0 but is not 0",
        },
        "definition_sha256": restricted_report::sha256_of(definition)?,
        "tables": listed,
    });
    // Each Parquet file names the manifest, so the manifest's hash is taken before it names them.
    let manifest_sha256 = sha256_hex(manifest.to_string().as_bytes());
    let footer = [
        ("minster.release", definition.name.to_string()),
        ("minster.period", period.to_string()),
        ("minster.policy_sha256", policy_sha256),
        ("minster.manifest_sha256", manifest_sha256.clone()),
    ];
    let mut files = Vec::new();
    for (place, (name, columns, csv)) in texts.into_iter().enumerate() {
        let parquet = parquet(&columns, &footer)?;
        manifest["tables"][place]["parquet_sha256"] = sha256_hex(&parquet).into();
        files.push((format!("{name}.csv"), csv));
        files.push((format!("{name}.parquet"), parquet));
    }
    manifest["sha256_without_parquet"] = manifest_sha256.into();
    files.push(("manifest.json".to_owned(), format!("{manifest:#}\n").into_bytes()));
    Ok(files)
}

fn policy(definition: &Definition, counts: &ReleasableSet) -> serde_json::Value {
    let policy = definition.policy();
    serde_json::json!({
        "profile": definition.profile,
        "method": definition.method,
        "rounding": counts.rounding(),
        "threshold": policy.threshold,
        "zeros": policy.zeros,
        "insider": policy.insider,
        "dominance": definition.dominance,
        "p_percent": definition.p_percent,
        "holder": definition.respondent,
    })
}

/// SHA-256 of the policy that a release follows, as its manifest says it.
pub(crate) fn policy_sha256(definition: &Definition, counts: &ReleasableSet) -> String {
    sha256_hex(policy(definition, counts).to_string().as_bytes())
}

fn parquet(columns: &[Column], footer: &[(&str, String)]) -> Result<Vec<u8>, AggregateError> {
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
    let metadata = footer.iter().map(|(key, value)| KeyValue::new((*key).into(), value.clone()));
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(level))
        .set_created_by("minster".into())
        .set_key_value_metadata(Some(metadata.collect()))
        .build();
    let options = ArrowWriterOptions::new().with_properties(properties);
    let mut writer = ArrowWriter::try_new_with_options(Vec::new(), batch.schema(), options)
        .map_err(|error| failed(error.to_string()))?;
    writer.write(&batch).map_err(|error| failed(error.to_string()))?;
    writer.into_inner().map_err(|error| failed(error.to_string()))
}
