//! The lines of an archive: what the columns of a table are, then a line a row.

use std::collections::BTreeMap;

use arrow::{
    array::{Array, AsArray, RecordBatch},
    datatypes::DataType,
    util::display::{ArrayFormatter, FormatOptions},
};
use minster_model::Pseudonym;
use minster_store::{Manifest, StoreError, TableEntry};
use serde::Serialize;

use super::owners::Persons;
use crate::{
    access::{Definitions, Sink},
    failure::Failure,
};

/// The lines of one dataset.
pub(super) struct Lines<'a> {
    manifest: &'a Manifest,
    dataset: String,
    /// The table whose columns were told last.
    told: Option<String>,
}

#[derive(Serialize)]
struct Columns<'a> {
    dataset: &'a str,
    table: &'a str,
    columns: Vec<Column<'a>>,
}

#[derive(Serialize)]
struct Column<'a> {
    name: &'a str,
    #[serde(rename = "type")]
    data_type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'a str>,
    #[serde(skip_serializing_if = "String::is_empty")]
    meaning: String,
}

#[derive(Serialize)]
struct Row<'a> {
    of: Vec<String>,
    dataset: &'a str,
    table: &'a str,
    cells: BTreeMap<&'a str, String>,
}

impl<'a> Lines<'a> {
    pub(super) fn new(manifest: &'a Manifest) -> Self {
        let of = &manifest.dataset;
        let dataset = format!("{}/{}/{}", of.class.as_str(), of.name, of.period);
        Self { manifest, dataset, told: None }
    }

    /// Says what the columns of a table are, before its first row.
    pub(super) fn table(
        &mut self,
        table: &TableEntry,
        definitions: &mut Definitions<'_>,
        to: &mut impl Sink,
    ) -> Result<(), Failure> {
        let name = table.name.as_str();
        if self.told.as_deref() == Some(name) {
            return Ok(());
        }
        self.told = Some(name.to_owned());
        let columns = table.columns.iter().map(|column| Column {
            name: &column.name,
            data_type: &column.data_type,
            kind: column.kind.as_ref().map(|kind| kind.as_str()),
            meaning: definitions.column(self.manifest, name, &column.name).meaning,
        });
        let columns = Columns { dataset: &self.dataset, table: name, columns: columns.collect() };
        line(&columns, to)
    }

    pub(super) fn row(
        &self,
        table: &TableEntry,
        batch: &RecordBatch,
        row: usize,
        of: Persons,
        to: &mut impl Sink,
    ) -> Result<(), Failure> {
        let fields = batch.schema_ref().fields();
        let mut cells = BTreeMap::new();
        for (field, column) in fields.iter().zip(batch.columns()) {
            if let Some(text) = cell(column, row)? {
                cells.insert(field.name().as_str(), text);
            }
        }
        let of = of.iter().map(ToString::to_string).collect();
        let (dataset, table) = (self.dataset.as_str(), table.name.as_str());
        line(&Row { of, dataset, table, cells }, to)
    }
}

fn line(line: &impl Serialize, to: &mut impl Sink) -> Result<(), Failure> {
    let unwritable = |error: serde_json::Error| failed(error.to_string());
    let mut text = serde_json::to_string(line).map_err(unwritable)?;
    text.push('\n');
    to.text(&text)
}

fn failed(why: String) -> Failure {
    StoreError::Table { path: "a row".into(), verb: "written", why }.into()
}

/// A cell as text: the digits of a pseudonym, and of all else what the dataset has. Nothing for a blank.
pub(super) fn cell(column: &dyn Array, row: usize) -> Result<Option<String>, Failure> {
    if column.is_null(row) {
        return Ok(None);
    }
    if *column.data_type() == DataType::FixedSizeBinary(Pseudonym::LEN as i32)
        && let Ok(bytes) = column.as_fixed_size_binary().value(row).try_into()
    {
        return Ok(Some(Pseudonym::from_bytes(bytes).to_string()));
    }
    let options = FormatOptions::new();
    let text = ArrayFormatter::try_new(column, &options)
        .and_then(|formatter| formatter.value(row).try_to_string());
    text.map(Some).map_err(|error| failed(error.to_string()))
}
