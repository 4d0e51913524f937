//! Rows that leave a dataset and are kept elsewhere: of persons whose records are made inaccessible, or handed over before their end.

use std::collections::{BTreeSet, HashSet};

use arrow::{
    array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch},
    compute::{filter_record_batch, nullif},
    datatypes::DataType,
    error::ArrowError,
};
use minster_model::{DatasetClass, Kind, Pseudonym, TableName};

use super::{
    Gone,
    search::{Leaving, leaving},
};
use crate::{Dataset, StoreError, TableEntry};

/// Persons of a disposal whose rows are kept elsewhere.
pub struct Kept<'a> {
    /// All persons who leave.
    pub gone: &'a Gone<'a>,
    /// Those of them whose rows are kept: pseudonyms of their own numbers; of linked datasets, their ids too.
    pub persons: &'a HashSet<Pseudonym>,
}

/// The places of such rows, by table.
pub struct KeptRows(Vec<(TableName, BTreeSet<u64>)>);

impl KeptRows {
    /// How many there are.
    pub fn len(&self) -> u64 {
        self.0.iter().map(|(_, rows)| rows.len() as u64).sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Dataset {
    /// Finds the rows that a disposal takes away and that are about one of these persons: those that would stay if only the others left,
    /// and those of persons who stay, in which a number of these becomes blank.
    ///
    /// # Errors
    /// Where it cannot be read, or where nothing says whether its rows are about others too.
    pub fn kept_rows(&self, kept: &Kept<'_>) -> Result<KeptRows, StoreError> {
        let Kept { gone: Gone { list, pseudonyms, own_kinds }, persons } = kept;
        let of = |pseudonyms: &HashSet<Pseudonym>| -> Result<Leaving, StoreError> {
            match pseudonyms.is_empty() {
                true => Ok(Leaving::new()),
                false => leaving(self, &Gone { list, pseudonyms, own_kinds }),
            }
        };
        let others: HashSet<Pseudonym> = pseudonyms.difference(persons).copied().collect();
        let (all, without, own) = (of(pseudonyms)?, of(&others)?, of(persons)?);
        let mut found = Vec::new();
        for (table, leaves) in &all {
            let stays = |row: &&u64| without.get(table).is_none_or(|of| !of.rows.contains(*row));
            let mut rows: BTreeSet<u64> = leaves.rows.iter().filter(stays).copied().collect();
            // Those that hang on rows of these alone, whatever else hangs on rows of others.
            let hang = own.get(table).into_iter().flat_map(|of| &of.rows);
            rows.extend(hang.filter(|row| leaves.rows.contains(row)));
            let blank = own.get(table).into_iter().flat_map(|of| of.cells.values().flatten());
            rows.extend(blank.filter(|row| !leaves.rows.contains(row)));
            if !rows.is_empty() {
                found.push((table.clone(), rows));
            }
        }
        Ok(KeptRows(found))
    }

    /// Hands on these rows, batch by batch. Cells with a number of a person who is none of these are blank.
    ///
    /// # Errors
    /// Where the dataset cannot be read, and those of `each`.
    pub fn each_kept<E: From<StoreError>>(
        &self,
        rows: &KeptRows,
        kept: &Kept<'_>,
        mut each: impl FnMut(&TableEntry, &RecordBatch) -> Result<(), E>,
    ) -> Result<(), E> {
        let is_linked = self.manifest().dataset.class == DatasetClass::Integrated;
        for (name, places) in &rows.0 {
            let table = self.manifest().tables.iter().find(|table| table.name == *name);
            let Some(table) = table else { continue };
            let mut at = 0u64;
            for batch in self.table(name, None)? {
                let batch = batch?;
                let of_batch = at..at + batch.num_rows() as u64;
                at = of_batch.end;
                if places.range(of_batch.clone()).next().is_none() {
                    continue;
                }
                let wanted: BooleanArray =
                    of_batch.map(|row| Some(places.contains(&row))).collect();
                let chosen = filter_record_batch(&batch, &wanted)
                    .and_then(|batch| alone(&batch, table, kept, is_linked));
                let chosen = chosen.map_err(|error| StoreError::Table {
                    path: name.as_str().into(),
                    verb: "read",
                    why: error.to_string(),
                })?;
                each(table, &chosen)?;
            }
        }
        Ok(())
    }
}

/// A batch whose numbers of other persons are blank. Nobody wrote down which columns of linked datasets hold ids.
fn alone(
    batch: &RecordBatch,
    table: &TableEntry,
    kept: &Kept<'_>,
    is_linked: bool,
) -> Result<RecordBatch, ArrowError> {
    let names_person = |kind: Option<&Kind>| match kind {
        Some(kind) => kept.gone.own_kinds.contains(kind),
        None => is_linked,
    };
    let schema = batch.schema();
    let columns = schema.fields().iter().zip(batch.columns()).map(|(field, column)| {
        let kind = table.columns.iter().find(|of| of.name == *field.name());
        let kind = kind.and_then(|of| of.kind.as_ref());
        let is_number = *field.data_type() == DataType::FixedSizeBinary(Pseudonym::LEN as i32);
        match is_number && names_person(kind) {
            true => without_others(column, kept.persons),
            false => Ok(column.clone()),
        }
    });
    // A column that was never blank may be so now.
    let columns = columns.collect::<Result<Vec<ArrayRef>, _>>()?;
    let fields = schema.fields().iter().map(|field| field.as_ref().clone().with_nullable(true));
    let schema = arrow::datatypes::Schema::new(fields.collect::<Vec<_>>());
    RecordBatch::try_new(schema.into(), columns)
}

fn without_others(column: &ArrayRef, persons: &HashSet<Pseudonym>) -> Result<ArrayRef, ArrowError> {
    let numbers = column.as_fixed_size_binary();
    let is_others = |row: usize| {
        let number = (!numbers.is_null(row)).then(|| numbers.value(row));
        let number = number.and_then(|bytes| bytes.try_into().ok()).map(Pseudonym::from_bytes);
        Some(number.is_some_and(|number| !persons.contains(&number)))
    };
    nullif(column, &(0..numbers.len()).map(is_others).collect::<BooleanArray>())
}
