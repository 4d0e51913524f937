//! The rows of one person in a dataset, for that person. A row leaves that is another person's, or may be.

use std::collections::{BTreeSet, HashSet};

use arrow::{
    array::{Array, AsArray, BooleanArray, FixedSizeBinaryArray, RecordBatch},
    compute::filter_record_batch,
    datatypes::DataType,
};
use minster_model::{Kind, Pseudonym};

use crate::{
    Dataset, Gone, StoreError, StoredDataset, TableEntry,
    disposal::{OfTable, SEALED_ROWS, rows_of},
};

/// A person, as the vault names them.
pub struct OnePerson<'a> {
    /// Pseudonyms of the person's own numbers; of linked datasets, the person's ids too.
    pub pseudonyms: &'a HashSet<Pseudonym>,
    /// Kinds of numbers that are such a person's own: a child's.
    pub alike: &'a BTreeSet<Kind>,
    /// Kinds of numbers that are some person's own: an adopter's too.
    pub own_kinds: &'a BTreeSet<Kind>,
}

/// A person's rows in a dataset.
#[derive(Debug, Default)]
pub struct PersonsRows {
    /// By table; no table without a row.
    pub tables: Vec<TableRows>,
    /// Rows that are left out: they name the person, and are another's.
    pub of_others: u64,
    /// Rows that are left out: they say of two persons' numbers that they are one person's.
    pub in_doubt: u64,
    /// Rows that are left out: they hang on a case that is another person's too.
    pub shared_cases: u64,
}

/// A person's rows in a table.
#[derive(Debug)]
pub struct TableRows {
    /// The table.
    pub table: TableEntry,
    /// The rows, in their order. Columns of numbers are in them still.
    pub batches: Vec<RecordBatch>,
    /// Cells with another person's number.
    pub cells_of_others: u64,
}

/// A row, to the person who is named in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whose {
    /// The person's; so many cells name others.
    Persons(u64),
    Others,
    InDoubt,
}

impl Dataset {
    /// The rows of one person. Memory is bounded by these rows and by the numbers of the dataset.
    ///
    /// # Errors
    /// Where it cannot be read, or where nothing says whether its rows are about others too.
    pub fn rows_of(&self, person: &OnePerson<'_>) -> Result<PersonsRows, StoreError> {
        let OnePerson { pseudonyms, own_kinds, .. } = person;
        let (found, shared_cases) = rows_of(self, &Gone { list: "", pseudonyms, own_kinds })?;
        let mut rows = PersonsRows { shared_cases, ..PersonsRows::default() };
        for table in &self.manifest().tables {
            let Some(of_table) = found.get(&table.name) else { continue };
            self.add_table(table, of_table, person, &mut rows)?;
        }
        Ok(rows)
    }

    fn add_table(
        &self,
        table: &TableEntry,
        found: &OfTable,
        person: &OnePerson<'_>,
        rows: &mut PersonsRows,
    ) -> Result<(), StoreError> {
        let mut at = 0u64;
        let mut of_table =
            TableRows { table: table.clone(), batches: Vec::new(), cells_of_others: 0 };
        for batch in self.table(&table.name, None)? {
            let batch = batch?;
            let places = at..at + batch.num_rows() as u64;
            at = places.end;
            if !found.touches(&places) {
                continue;
            }
            let numbers = Numbers::of(&batch, table, person);
            let mut stays = vec![false; batch.num_rows()];
            for (row, place) in places.enumerate() {
                if !found.has(place) {
                    continue;
                }
                match numbers.whose(row, person) {
                    Whose::Persons(cells) => {
                        stays[row] = true;
                        of_table.cells_of_others += cells;
                    }
                    Whose::Others => rows.of_others += 1,
                    Whose::InDoubt => rows.in_doubt += 1,
                }
            }
            let kept = filter_record_batch(&batch, &BooleanArray::from(stays));
            let kept = kept.map_err(|error| StoreError::Table {
                path: table.name.as_str().into(),
                verb: "read",
                why: error.to_string(),
            })?;
            if kept.num_rows() > 0 {
                of_table.batches.push(kept);
            }
        }
        if !of_table.batches.is_empty() {
            rows.tables.push(of_table);
        }
        Ok(())
    }
}

/// The columns of a batch with persons' own numbers, in their order, each with its kind.
struct Numbers<'a>(Vec<(&'a Kind, &'a FixedSizeBinaryArray)>);

impl<'a> Numbers<'a> {
    fn of(batch: &'a RecordBatch, table: &'a TableEntry, person: &OnePerson<'_>) -> Self {
        let width = DataType::FixedSizeBinary(Pseudonym::LEN as i32);
        let kind = |name: &str| {
            let column = table.columns.iter().find(|column| column.name == name)?;
            column.kind.as_ref().filter(|kind| person.own_kinds.contains(*kind))
        };
        let schema = batch.schema_ref();
        let columns = schema.fields().iter().zip(batch.columns());
        let numbers = columns.filter(|(field, _)| *field.data_type() == width).filter_map(
            |(field, column)| Some((kind(field.name())?, column.as_fixed_size_binary())),
        );
        Self(numbers.collect())
    }

    /// A row is the person's if no other child's number stands in it; an adopter's may. A row with numbers of two children is in doubt:
    /// nothing says which of its columns owns it. A former number that is another's may be that of another identity.
    fn whose(&self, row: usize, person: &OnePerson<'_>) -> Whose {
        let number = |column: &FixedSizeBinaryArray| {
            let bytes = (!column.is_null(row)).then(|| column.value(row))?;
            bytes.try_into().ok().map(Pseudonym::from_bytes)
        };
        let all = self.0.iter().filter_map(|(kind, column)| Some((*kind, number(column)?)));
        let all: Vec<(&Kind, bool)> =
            all.map(|(kind, number)| (kind, person.pseudonyms.contains(&number))).collect();
        let others = all.iter().filter(|(_, is_persons)| !is_persons);
        let alike = || all.iter().filter(|(kind, _)| person.alike.contains(*kind));
        if alike().all(|(_, is_persons)| *is_persons) {
            return Whose::Persons(others.count() as u64);
        }
        match alike().any(|(_, is_persons)| *is_persons) {
            true => Whose::InDoubt,
            false => Whose::Others,
        }
    }
}

/// Rows that ingestion set aside from a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowsSetAside {
    /// How many the manifest names.
    pub rows: u64,
    /// Whether the sealed file with them is there.
    pub is_there: bool,
}

impl StoredDataset {
    /// The rows that were set aside from the delivery; none where its manifest cannot be read, or names none.
    pub fn set_aside(&self) -> Option<RowsSetAside> {
        let rows = self.manifest.as_ref().ok()?.totals().quarantined;
        let is_there = self.folder.join(SEALED_ROWS).exists();
        (rows > 0).then_some(RowsSetAside { rows, is_there })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::{
        array::ArrayRef,
        datatypes::{Field, Schema},
    };

    use super::*;
    use crate::ColumnEntry;

    const CHILDS: [u8; 3] = [1, 2, 3];

    /// The owner of a row with these numbers, by kind; 1, 2 and 3 are the child's.
    fn whose(row: &[(&str, Option<u8>)]) -> Whose {
        let kinds = |all: &[&str]| -> BTreeSet<Kind> {
            all.iter().map(|kind| kind.parse().unwrap()).collect()
        };
        let alike = kinds(&["upn", "la-child-id"]);
        let own_kinds = kinds(&["upn", "la-child-id", "adopter-family"]);
        let pseudonym = |n: u8| Pseudonym::from_bytes([n; 16]);
        let pseudonyms = CHILDS.map(pseudonym).into();
        let person = OnePerson { pseudonyms: &pseudonyms, alike: &alike, own_kinds: &own_kinds };
        let name = |at: usize| format!("c{at}");
        let column = |(at, (kind, _)): (usize, &(&str, Option<u8>))| ColumnEntry {
            name: name(at),
            data_type: "FixedSizeBinary(16)".into(),
            kind: Some(kind.parse().unwrap()),
        };
        let columns = row.iter().enumerate().map(column).collect();
        let table = TableEntry { name: "t".parse().unwrap(), rows: 1, columns, key: None };
        let fields: Vec<Field> = (0..row.len())
            .map(|at| Field::new(name(at), DataType::FixedSizeBinary(16), true))
            .collect();
        let cell = |(_, n): &(&str, Option<u8>)| -> ArrayRef {
            let value = n.map(|n| [n; 16]);
            let cells = [value.as_ref().map(|bytes| bytes.as_slice())];
            Arc::new(
                FixedSizeBinaryArray::try_from_sparse_iter_with_size(cells.into_iter(), 16)
                    .unwrap(),
            )
        };
        let cells = row.iter().map(cell).collect();
        let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), cells).unwrap();
        Numbers::of(&batch, &table, &person).whose(0, &person)
    }

    #[test]
    fn a_row_is_the_childs_unless_another_childs_number_says_otherwise() {
        let (own, other) = (Some(1), Some(9));
        for (row, expected) in [
            (&[("upn", own), ("la-child-id", Some(2))][..], Whose::Persons(0)),
            (&[("upn", None), ("la-child-id", Some(2))], Whose::Persons(0)),
            // A sibling's number, or a former number that nobody knows: of an adopted child it may be the other identity's.
            (&[("upn", own), ("upn", other)], Whose::InDoubt),
            (&[("la-child-id", own), ("adopter-family", other)], Whose::Persons(1)),
            (&[("adopter-family", other), ("la-child-id", own)], Whose::Persons(1)),
            // The sibling's row, or one with this child's number by mistake; columns come in the order of their names.
            (&[("upn", other), ("upn", own)], Whose::InDoubt),
            (&[("la-child-id", other), ("upn", own)], Whose::InDoubt),
            (&[("la-child-id", other)], Whose::Others),
            (&[("upn", own), ("la-child-id", other)], Whose::InDoubt),
            (&[("upn", own), ("upn", Some(3)), ("la-child-id", other)], Whose::InDoubt),
            // A row that hangs on the child's has nobody's number.
            (&[("upn", None)], Whose::Persons(0)),
        ] {
            assert_eq!(whose(row), expected, "{row:?}");
        }
    }
}
