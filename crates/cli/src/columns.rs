//! `minster columns`: what an analyst can divide by, choose by or sum. The meanings come from the dictionary; the blanks are
//! counted in the data.

use std::fmt::Write as _;

use arrow::array::{Array, RecordBatch};
use clap::Args;
use minster_model::{Period, Role, TableName};
use minster_store::{Dataset, StoreError};
use minster_vault_api::Client;
use serde::Serialize;

use crate::{
    arguments,
    dictionary::{
        self, Explanation,
        package::{Field, FieldType, Resource},
    },
    failure::Failure,
    pipeline::Loaded,
    report,
};

/// Counts from 1 to one less are not shown.
const SMALL: u64 = 5;

#[derive(Args)]
pub(crate) struct Arguments {
    /// The period; the pipeline's last one, where none is given.
    #[arg(long)]
    period: Option<Period>,
    #[command(flatten)]
    report: arguments::Report,
}

/// The tables of an integrated dataset.
#[derive(Serialize)]
struct Columns {
    format: u32,
    period: Period,
    tables: Vec<Table>,
}

#[derive(Serialize)]
struct Table {
    name: String,
    meaning: String,
    columns: Vec<Column>,
}

#[derive(Serialize)]
struct Column {
    name: String,
    #[serde(rename = "type")]
    kind: &'static str,
    meaning: String,
    period: String,
    codes: Vec<Code>,
    /// Rows without a value; none where fewer than five rows are blank, or are not.
    blanks: Option<u64>,
}

#[derive(Serialize)]
struct Code {
    code: String,
    label: String,
}

/// The text to print.
pub(crate) fn columns(arguments: &Arguments) -> Result<String, Failure> {
    let Arguments { period, report } = arguments;
    let loaded = Loaded::read(&report.config.path)?;
    let period = &loaded.period_or_last(period.as_ref())?.name;
    let Explanation { dataset, tables, .. } =
        dictionary::explain(&loaded, &report.config.path, period)?;
    let mut vault = Client::connect_to(&loaded.pipeline.vault, Role::Analyst, "minster")?;
    let dataset = loaded.store()?.dataset(&dataset, &mut vault)?;
    let tables = tables.iter().map(|of| Table::of(of, &dataset));
    let tables = tables.collect::<Result<_, StoreError>>()?;
    let columns = Columns { format: 1, period: period.clone(), tables };
    match report.form.json {
        true => report::json(&columns),
        false => Ok(columns.text()),
    }
}

impl Table {
    fn of(explained: &Resource, dataset: &Dataset) -> Result<Self, StoreError> {
        let entries = &dataset.manifest().tables;
        let name = entries.iter().map(|of| &of.name).find(|name| name.as_str() == explained.name);
        let counted = name.map(|name| count(dataset, name)).transpose()?;
        let (rows, blanks) = counted.unwrap_or_default();
        let columns = explained.fields().iter().enumerate().map(|(at, field)| {
            let blank = blanks.get(at).copied().unwrap_or_default();
            Column::of(field, shown(blank, rows))
        });
        Ok(Self {
            name: explained.name.clone(),
            meaning: explained.description.clone(),
            columns: columns.collect(),
        })
    }
}

/// The rows of a table, and of each column those without a value.
fn count(dataset: &Dataset, table: &TableName) -> Result<(u64, Vec<u64>), StoreError> {
    let (mut rows, mut blanks) = (0, Vec::new());
    for batch in dataset.table(table, None)? {
        let batch: RecordBatch = batch?;
        rows += batch.num_rows() as u64;
        blanks.resize(batch.num_columns(), 0);
        for (blank, column) in blanks.iter_mut().zip(batch.columns()) {
            *blank += column.logical_null_count() as u64;
        }
    }
    Ok((rows, blanks))
}

/// A count of blank rows; none where it, or the count of the other rows, is small.
fn shown(blank: u64, rows: u64) -> Option<u64> {
    let is_small = |count: u64| (1..SMALL).contains(&count);
    (!is_small(blank) && !is_small(rows.saturating_sub(blank))).then_some(blank)
}

impl Column {
    fn of(field: &Field, blanks: Option<u64>) -> Self {
        let codes = field.categories.iter();
        Self {
            name: field.name.clone(),
            kind: match field.field_type {
                FieldType::String => "text",
                FieldType::Pseudonym => "pseudonym",
                FieldType::Integer => "whole number",
                FieldType::Number => "number",
                FieldType::Boolean => "yes or no",
                FieldType::Date => "day",
            },
            meaning: field.description.clone(),
            period: field.period.clone(),
            codes: codes
                .map(|of| Code { code: of.value.clone(), label: of.label.clone() })
                .collect(),
            blanks,
        }
    }

    fn text(&self, width: usize, text: &mut String) {
        let Self { name, kind, meaning, codes, blanks, period: _ } = self;
        let blanks = match blanks {
            Some(0) => "no blank".to_owned(),
            Some(blanks) => format!("{blanks} blank"),
            None => "blanks hidden".to_owned(),
        };
        let _ = writeln!(text, "  {name:<width$}  {kind:<12}  {blanks}\n    {meaning}");
        for Code { code, label } in codes {
            let _ = match code == label {
                true => writeln!(text, "      {code}"),
                false => writeln!(text, "      {code}: {label}"),
            };
        }
    }
}

impl Columns {
    fn text(&self) -> String {
        let Self { period, tables, format: _ } = self;
        let mut text = format!(
            "The columns of {period}. A count of blanks is hidden where it, or the rest, is 1 to 4.\n"
        );
        for Table { name, meaning, columns } in tables {
            let _ = writeln!(text, "\n{name}, of {period}: {meaning}");
            let width = columns.iter().map(|of| of.name.len()).max().unwrap_or_default();
            columns.iter().for_each(|of| of.text(width, &mut text));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_small_count_shows_neither_of_blanks_nor_of_the_rest() {
        let of = |blank: u64| shown(blank, 100);
        assert_eq!([0, 5, 95, 100].map(of), [Some(0), Some(5), Some(95), Some(100)]);
        assert_eq!([1, 4, 96, 99].map(of), [None; 4]);
        // A table of three rows says nothing at all.
        assert_eq!([0, 1, 3].map(|blank| shown(blank, 3)), [None; 3]);
    }
}
