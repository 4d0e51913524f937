//! Files that leave, and the manifest that names them with their hashes. The same tables give the same bytes.

use minster_attack::ReleasableSet;
use minster_formats::{CsvFile, FormatError, check_lengths, csv_of, dfe, parquet_of, tidy};
use minster_model::{Period, rounding::Rounding};
use minster_store::sha256_hex;

use crate::{
    definition::{
        location::location,
        release_definition::{Definition, Table},
    },
    error::AggregateError,
    publish::{
        CONFIDENTIAL, LOW, NOT_APPLICABLE,
        content::{self, BesideTables},
        public_table::PublicTable,
        restricted_report,
    },
};

/// The format of a release's manifest: from it on, the release says for whom it is.
pub(crate) const FORMAT: u64 = 4;
/// From this format on, `files` lists what stands beside CSV and Parquet, and rows of unnamed categories are the last.
pub(crate) const ROWS_IN_ORDER: u64 = 3;

/// A release's files, by name. No true count is in what it takes: only tables that withstood the attack have its type.
pub(crate) fn files(
    definition: &Definition,
    period: &Period,
    rounding: Option<Rounding>,
    public: &[&PublicTable],
    beside: &BesideTables<'_>,
) -> Result<Vec<(String, Vec<u8>)>, AggregateError> {
    let failed = |error| failed(definition, error);
    let policy = policy(definition, rounding);
    let policy_sha256 = sha256_hex(policy.to_string().as_bytes());
    let release = content::release(definition, period, rounding, public, beside);
    check_lengths(&release, definition.formats()).map_err(failed)?;
    let (mut listed, mut tidied, mut csv_files) = (Vec::new(), Vec::new(), Vec::new());
    for (table, content) in public.iter().zip(&release.tables) {
        let columns = tidy::columns(&release, content);
        let bytes = csv_of(&columns).map_err(failed)?;
        let sha256 = sha256_hex(&bytes);
        let (cells, withheld) = table.size();
        let Table { name, title, .. } = table.definition();
        listed.push(serde_json::json!({
            "name": name, "title": title, "cells": cells, "withheld": withheld,
            "csv_sha256": sha256,
        }));
        tidied.push((content, columns));
        csv_files.push(CsvFile { bytes, sha256 });
    }
    let others =
        minster_formats::files(&release, definition.formats(), &csv_files).map_err(failed)?;
    let hashes: Vec<_> = others
        .iter()
        .map(|(name, bytes)| serde_json::json!({ "name": name, "sha256": sha256_hex(bytes) }))
        .collect();
    let mut manifest = serde_json::json!({
        "format": FORMAT,
        "release": definition.name,
        "title": definition.title,
        "period": period,
        "audience": definition.audience(),
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
        "files": hashes,
    });
    if release.dfe.is_some() {
        let (rows, levels) = dfe::left_out(&release);
        manifest["dfe"] = serde_json::json!({ "rows_left_out": rows, "levels_left_out": levels });
    }
    // Each Parquet file names the manifest, so the manifest's hash is taken before it names them.
    let manifest_sha256 = sha256_hex(manifest.to_string().as_bytes());
    let footer = [
        ("minster.release", definition.name.to_string()),
        ("minster.period", period.to_string()),
        ("minster.audience", definition.audience().to_string()),
        ("minster.policy_sha256", policy_sha256),
        ("minster.manifest_sha256", manifest_sha256.clone()),
    ];
    let mut files = Vec::new();
    for (place, ((table, columns), csv)) in tidied.into_iter().zip(csv_files).enumerate() {
        let parquet = parquet_of(&columns, &footer).map_err(failed)?;
        manifest["tables"][place]["parquet_sha256"] = sha256_hex(&parquet).into();
        files.push((format!("{}.csv", table.name), csv.bytes));
        files.push((format!("{}.parquet", table.name), parquet));
    }
    files.extend(others);
    manifest["sha256_without_parquet"] = manifest_sha256.into();
    files.push(("manifest.json".to_owned(), format!("{manifest:#}\n").into_bytes()));
    Ok(files)
}

fn failed(definition: &Definition, error: FormatError) -> AggregateError {
    match error {
        FormatError::Dfe(what) => definition.rule(location!["dfe"], what),
        FormatError::TooLong { .. } => definition.rule(location!["formats"], error.to_string()),
        other => AggregateError::Write(other.to_string()),
    }
}

fn policy(definition: &Definition, rounding: Option<Rounding>) -> serde_json::Value {
    let policy = definition.policy();
    serde_json::json!({
        "profile": definition.profile,
        "method": definition.method,
        "rounding": rounding,
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
    sha256_hex(policy(definition, counts.rounding()).to_string().as_bytes())
}
