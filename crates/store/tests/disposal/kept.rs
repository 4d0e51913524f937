//! Rows that leave a dataset and are kept elsewhere: those of the persons whose records are kept, and nothing that leads to others.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use arrow::{
    array::{Array, AsArray},
    datatypes::DataType,
};
use minster_model::{Kind, Pseudonym};
use minster_store::{Disk, Gone, Kept, StoreError};

use crate::site::{Site, TABLES, Table, UNITS, dataset, of_token};

/// The rows that are kept, by table: the last byte that each number was made of.
fn kept(tables: &[Table<'_>], gone: &[u8], kept: &[u8]) -> BTreeMap<String, Vec<Vec<Option<u8>>>> {
    let mut site = Site::new(tables, 0);
    let store = site.store(Disk::default());
    let own_kinds: BTreeSet<Kind> = ["upn", "family"].map(|kind| kind.parse().unwrap()).into();
    let of = |all: &[u8]| all.iter().map(|n| of_token(*n)).collect::<HashSet<Pseudonym>>();
    let (all, persons) = (of(gone), of(kept));
    let gone = Gone { list: "l1", pseudonyms: &all, own_kinds: &own_kinds };
    let kept = Kept { gone: &gone, persons: &persons };
    let opened = store.dataset(&dataset(), &mut site.log).unwrap();
    let rows = opened.kept_rows(&kept).unwrap();
    let names: BTreeMap<Pseudonym, u8> = (0..=255).map(|n| (of_token(n), n)).collect();
    let mut found: BTreeMap<String, Vec<Vec<Option<u8>>>> = BTreeMap::new();
    let mut count = 0;
    opened
        .each_kept(&rows, &kept, |table, batch| {
            for row in 0..batch.num_rows() {
                let width = DataType::FixedSizeBinary(16);
                let columns = batch.columns().iter().filter(|one| *one.data_type() == width);
                let number = |column: &arrow::array::ArrayRef| {
                    let column = column.as_fixed_size_binary();
                    let bytes = (!column.is_null(row)).then(|| column.value(row))?;
                    Some(names[&Pseudonym::from_bytes(bytes.try_into().unwrap())])
                };
                found
                    .entry(table.name.to_string())
                    .or_default()
                    .push(columns.map(number).collect());
                count += 1;
            }
            Ok::<_, StoreError>(())
        })
        .unwrap();
    assert_eq!(rows.len(), count);
    found
}

#[test]
fn rows_that_are_kept_are_those_of_the_kept_alone() {
    // Child 1 is kept, child 2 is destroyed, child 3 stays. A case of both is kept, with what hangs on it.
    let found = kept(&TABLES, &[1, 2], &[1]);
    assert_eq!(found["pupils"], [[Some(1), Some(11), Some(91)], [Some(1), Some(11), Some(91)]]);
    assert_eq!(found["addresses"], [[Some(11)], [Some(11)]]);
    assert_eq!(found["cases"], [[Some(1), Some(21)], [Some(1), Some(22)]]);
    assert_eq!(found["plans"], [[Some(22), Some(32)], [Some(21), Some(31)]]);
    assert_eq!(found["needs"], [[Some(31)], [Some(32)], [Some(31)]]);
    // Where nobody else leaves, what hangs on a case of a child who stays does so too.
    let alone = kept(&TABLES, &[1], &[1]);
    assert_eq!(alone["plans"], [[Some(21), Some(31)]]);
    // Nothing is kept of those who are destroyed.
    assert!(kept(&TABLES, &[1, 2], &[]).is_empty());
    let units = kept(&UNITS, &[1, 2], &[1]);
    assert_eq!(units["persons"], [[Some(1), Some(91)], [None, Some(93)]]);
    // A row of the unit with the other's own number is that one's.
    assert_eq!(units["plans"], [[None]]);
}

#[test]
fn a_row_of_two_persons_is_kept_without_the_other() {
    let mother = Table {
        name: "mother",
        columns: &[("child", Some("upn")), ("mother", Some("upn"))],
        rows: &[
            &[Some(4), Some(1)],
            &[Some(1), Some(5)],
            &[Some(4), Some(5)],
            &[Some(1), Some(1)],
            &[Some(5), Some(5)],
        ],
        units: None,
        files: [5, 0],
    };
    // 1 is kept, 5 is destroyed, 4 stays.
    let found = kept(&[mother], &[1, 5], &[1]);
    assert_eq!(found["mother"], [[None, Some(1)], [Some(1), None], [Some(1), Some(1)]]);
}
