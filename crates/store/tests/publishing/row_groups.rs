//! Row groups, written by several threads and read with each number once.

use std::{sync::Arc, thread};

use arrow::{
    array::{Array, ArrayRef, AsArray, FixedSizeBinaryArray, Int64Array, RecordBatch},
    compute::cast,
    datatypes::{DataType, Field, Int32Type, Schema},
};
use minster_model::{KeyVersion, TableName};
use minster_store::{DatasetKeys, RowGroupWriter, RowGroups, Store, StoreError, TableEntry};
use minster_vault_api::SealedRunKey;

use super::{OneKey, counts, dataset, origin, run_key};

/// Rows about so many children, one after another; the first row has no number.
fn rows(rows: usize, children: usize, of_run: bool) -> RecordBatch {
    let number = |row: usize| {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&(row % children).to_be_bytes());
        if of_run {
            run_key().cipher().to_tokens(&mut bytes);
        }
        (row > 0).then_some(bytes)
    };
    let numbers = (0..rows).map(number);
    let numbers = FixedSizeBinaryArray::try_from_sparse_iter_with_size(numbers, 16).unwrap();
    let places = Int64Array::from_iter_values(0..rows as i64);
    let fields = vec![
        Field::new("child", DataType::FixedSizeBinary(16), true),
        Field::new("place", DataType::Int64, false),
    ];
    let columns: Vec<ArrayRef> = vec![Arc::new(numbers), Arc::new(places)];
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap()
}

fn name() -> TableName {
    "pupils".parse().unwrap()
}

/// Publishes a table of some row groups.
fn publish(
    store: &Store,
    groups: &[RecordBatch],
    of_run: bool,
    write: impl FnOnce(RowGroupWriter, &[RecordBatch]) -> Result<TableEntry, StoreError>,
) -> Result<(), StoreError> {
    let _lock = store.lock().unwrap();
    let (key, wrapped) = OneKey.create(&dataset("p")).unwrap();
    let mut writer = store.stage(&dataset("p"), &"r1".parse().unwrap(), key, wrapped).unwrap();
    if of_run {
        writer = writer.of_run(SealedRunKey("sealed".into()));
    }
    let table = writer.table(&name(), groups[0].schema()).unwrap().in_row_groups().unwrap();
    let table = write(table, groups)?;
    let origin = origin(counts(table.rows));
    writer.publish(KeyVersion(1), "check".into(), origin, vec![table], &mut OneKey)?;
    Ok(())
}

fn backwards(table: RowGroupWriter, groups: &[RecordBatch]) -> Result<TableEntry, StoreError> {
    let writer = &table;
    thread::scope(|scope| {
        for (place, rows) in groups.iter().enumerate().rev() {
            let write =
                move || writer.write(place, [Ok::<_, StoreError>(rows.clone())].into_iter());
            scope.spawn(write).join().unwrap().unwrap();
        }
    });
    table.finish(groups.iter().map(|group| group.num_rows() as u64).sum())
}

/// The rows of all row groups, and whether each row group has its numbers once.
fn read(groups: &RowGroups) -> (Vec<RecordBatch>, Vec<bool>) {
    let (mut all, mut coded) = (Vec::new(), Vec::new());
    for group in 0..groups.rows().len() {
        let mut is_coded = false;
        for batch in groups.read(group).unwrap() {
            let batch = batch.unwrap();
            is_coded = batch.column(0).as_dictionary_opt::<Int32Type>().is_some();
            let plain = |column: &ArrayRef| match column.data_type() {
                DataType::Dictionary(_, values) => cast(column, values).unwrap(),
                _ => Arc::clone(column),
            };
            let columns: Vec<ArrayRef> = batch.columns().iter().map(plain).collect();
            let names = ["child", "place"];
            let fields: Vec<Field> = names
                .iter()
                .zip(&columns)
                .map(|(name, column)| Field::new(*name, column.data_type().clone(), true))
                .collect();
            all.push(RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap());
        }
        coded.push(is_coded);
    }
    (all, coded)
}

#[test]
fn row_groups_given_in_any_order_stand_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("store")).unwrap();
    let all = rows(30, 7, false);
    let groups = [all.slice(0, 10), all.slice(10, 15), all.slice(25, 5)];
    publish(&store, &groups, false, backwards).unwrap();
    let standing = store.dataset(&dataset("p"), &mut OneKey).unwrap();
    let opened = standing.row_groups_coded(&name(), None).unwrap();
    assert_eq!(opened.rows().collect::<Vec<_>>(), [10, 15, 5]);
    let read: Vec<RecordBatch> =
        standing.table(&name(), None).unwrap().map(Result::unwrap).collect();
    assert_eq!(arrow::compute::concat_batches(&all.schema(), &read).unwrap(), all);
}

#[test]
fn a_row_group_that_was_never_given_stops_the_table() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("store")).unwrap();
    let groups = [rows(3, 2, false)];
    // The first, or the last.
    for given in [1, 0] {
        let without_one = |table: RowGroupWriter, groups: &[RecordBatch]| {
            table.write(given, [Ok::<_, StoreError>(groups[0].clone())].into_iter())?;
            table.finish(6)
        };
        let error = publish(&store, &groups, false, without_one).unwrap_err().to_string();
        assert!(error.contains("a row group is missing"), "{error}");
    }
}

/// A row group of few children has each number once in its file; one of many has some of them in clear order. Both read the
/// same as without the wish, tokens as pseudonyms.
#[test]
fn numbers_read_once_are_those_of_each_row() {
    let folder = tempfile::tempdir().unwrap();
    for of_run in [false, true] {
        let store = Store::open(&folder.path().join(of_run.to_string())).unwrap();
        // The writer gives up a dictionary of more than a megabyte.
        let groups = [rows(150_000, 900, of_run), rows(150_000, 140_000, of_run)];
        publish(&store, &groups, of_run, backwards).unwrap();
        let standing = store.dataset(&dataset("p"), &mut OneKey).unwrap();
        let plain = standing.row_groups_coded(&name(), None).unwrap();
        let coded = standing.row_groups_coded(&name(), None).unwrap();
        let coded = coded.with_coded_numbers("child").unwrap();
        let (expected, none) = read(&plain);
        assert_eq!(none, [false, false]);
        assert_eq!(read(&coded), (expected.clone(), vec![true, false]));
        let pseudonyms = rows(150_000, 900, false);
        let first = pseudonyms.slice(0, expected[0].num_rows());
        assert_eq!(expected[0].column(0).as_ref(), first.column(0).as_ref());
        // Other columns, and names that are not there, change nothing.
        for other in ["place", "nowhere"] {
            let groups = standing.row_groups_coded(&name(), None).unwrap();
            let groups = groups.with_coded_numbers(other).unwrap();
            assert_eq!(read(&groups), (expected.clone(), vec![false, false]));
        }
    }
}
