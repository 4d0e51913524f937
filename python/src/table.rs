//! A table of a release, read from its Parquet file: texts, numbers, and beside each number its status.

use std::{collections::BTreeSet, sync::Arc};

use arrow_array::{Array, ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow_schema::{DataType, SchemaRef};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::{
    manifest::{Manifest, TableEntry},
    release::Fault,
};

/// A table has fewer rows than this: a small file of a stranger cannot become a large table.
const MOST_ROWS: i64 = 20_000_000;
/// The count of children, whose status has a name without the count's.
const CHILDREN: (&str, &str) = ("children", "status");
/// The statuses without a number beside them, and the one beside a 0.
const WITHOUT_NUMBER: [&str; 2] = ["c", "z"];
const LOW: &str = "low";

/// A table.
#[derive(Clone)]
pub(crate) struct Table {
    pub(crate) name: String,
    pub(crate) title: String,
    pub(crate) schema: SchemaRef,
    pub(crate) batches: Arc<Vec<RecordBatch>>,
    /// The columns of numbers, each with the column of its statuses.
    pub(crate) measures: Vec<(String, String)>,
}

impl Table {
    /// Reads a table, and looks that it is of this release and that each number has its status.
    pub(crate) fn read(
        manifest: &Manifest,
        entry: &TableEntry,
        bytes: bytes::Bytes,
    ) -> Result<Self, Fault> {
        let wrong = |what: String| Fault::Table { table: entry.name.clone(), what };
        let unread = |fault: &dyn std::fmt::Display| wrong(format!("its Parquet file: {fault}"));
        let builder = ParquetRecordBatchReaderBuilder::try_new(bytes).map_err(|f| unread(&f))?;
        let file = builder.metadata().file_metadata();
        if !(0..MOST_ROWS).contains(&file.num_rows()) {
            return Err(wrong(format!("it has more rows than {MOST_ROWS}")));
        }
        let footer = file.key_value_metadata().cloned().unwrap_or_default();
        for (key, expected) in [
            ("minster.release", &manifest.release),
            ("minster.period", &manifest.period),
            ("minster.manifest_sha256", &manifest.own_sha256),
        ] {
            let found = footer.iter().find(|of| of.key == key).and_then(|of| of.value.as_ref());
            if found != Some(expected) {
                return Err(wrong(format!("its Parquet file is of another release: by its {key}")));
            }
        }
        let schema = builder.schema().clone();
        let reader = builder.build().map_err(|f| unread(&f))?;
        let batches: Vec<_> = reader.collect::<Result<_, _>>().map_err(|f| unread(&f))?;
        let mut table = Self {
            name: entry.name.clone(),
            title: entry.title.clone(),
            schema,
            batches: Arc::new(batches),
            measures: Vec::new(),
        };
        table.measures = table.measures_of().map_err(wrong)?;
        table.check_statuses(&manifest.statuses).map_err(wrong)?;
        Ok(table)
    }

    /// Each column of numbers with the column of its statuses.
    fn measures_of(&self) -> Result<Vec<(String, String)>, String> {
        let mut measures = Vec::new();
        for field in self.schema.fields() {
            let name = field.name();
            match field.data_type() {
                DataType::Utf8 => continue,
                DataType::Int64 | DataType::Float64 => {}
                other => return Err(format!("the column {name} is of the type {other}")),
            }
            let status = match name == CHILDREN.0 {
                true => CHILDREN.1.to_owned(),
                false => format!("{name}_status"),
            };
            let beside = self.schema.field_with_name(&status);
            if !beside.is_ok_and(|field| *field.data_type() == DataType::Utf8) {
                return Err(format!("the column {name} has no column {status} beside it"));
            }
            measures.push((name.clone(), status));
        }
        match measures.is_empty() {
            true => Err("it has no column of numbers".into()),
            false => Ok(measures),
        }
    }

    /// An empty number has the status of one, and no other number has it.
    fn check_statuses(&self, known: &BTreeSet<String>) -> Result<(), String> {
        let mut first = 0;
        for batch in self.batches.iter() {
            for (measure, status) in &self.measures {
                let column = |name: &str| batch.column_by_name(name).ok_or("a column is gone");
                let (numbers, statuses) = (column(measure)?, column(status)?);
                let statuses = statuses.as_any().downcast_ref::<StringArray>();
                let statuses = statuses.ok_or("statuses are texts")?;
                for row in 0..batch.num_rows() {
                    let status = if statuses.is_null(row) { "" } else { statuses.value(row) };
                    let empty = numbers.is_null(row);
                    let fits = empty == WITHOUT_NUMBER.contains(&status)
                        && (status != LOW || is_zero(numbers, row));
                    if !fits || !known.contains(status) {
                        return Err(format!(
                            "row {}: {measure} does not go with its status",
                            first + row + 1
                        ));
                    }
                }
            }
            first += batch.num_rows();
        }
        Ok(())
    }

    pub(crate) fn rows(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }
}

fn is_zero(numbers: &ArrayRef, row: usize) -> bool {
    let numbers = numbers.as_any();
    let whole = numbers.downcast_ref::<Int64Array>().map(|of| of.value(row) == 0);
    whole
        .or_else(|| numbers.downcast_ref::<Float64Array>().map(|of| of.value(row) == 0.0))
        .unwrap_or(false)
}
