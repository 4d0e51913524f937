//! Reads what linking says of rows: the children and the crosswalks of all periods.

use std::collections::{BTreeMap, HashMap};

use arrow::{
    array::{ArrayRef, AsArray, RecordBatch, StringArray},
    compute::cast,
    datatypes::{DataType, UInt32Type},
};
use minster_matcher::{CHILDREN, integrated};
use minster_store::Dataset;

use crate::Site;

/// A row about a person.
#[derive(Debug, Clone)]
pub(crate) struct RowLinked {
    /// Its place among the table's rows, from 1.
    row: u32,
    /// The child that it was linked to.
    pub(crate) child: u32,
    /// How.
    pub(crate) how: String,
}

/// Tables of one delivery with their rows, in order.
type Tables = BTreeMap<String, Vec<RowLinked>>;

/// All periods' children, and the rows about them.
#[derive(Default)]
pub(crate) struct Linked {
    /// For each child whether it is a pupil in a period.
    pub(crate) on_spine: Vec<bool>,
    /// By source and period of the delivery.
    pub(crate) tables: BTreeMap<(String, String), Tables>,
}

impl Linked {
    pub(crate) fn read(site: &mut Site) -> Self {
        let mut linked = Self::default();
        // A child has one pseudonym in all periods; here it is a number.
        let mut known: HashMap<Vec<u8>, u32> = HashMap::new();
        let periods: Vec<_> = site.pipeline.periods.iter().map(|one| one.name.clone()).collect();
        for period in periods {
            let dataset = integrated(&site.pipeline.purpose, &period).unwrap();
            let dataset = site.store.dataset(&dataset, &mut site.vault).unwrap();
            let mut number = |linked: &mut Self, pseudonym: &[u8]| {
                *known.entry(pseudonym.to_vec()).or_insert_with(|| {
                    linked.on_spine.push(false);
                    linked.on_spine.len() as u32 - 1
                })
            };
            for batch in batches(&dataset, CHILDREN) {
                let children = column(&batch, "child").as_fixed_size_binary();
                let on_spine = column(&batch, "on_spine").as_boolean();
                for row in 0..batch.num_rows() {
                    let child = number(&mut linked, children.value(row)) as usize;
                    linked.on_spine[child] |= on_spine.value(row);
                }
            }
            for batch in batches(&dataset, "crosswalk") {
                let texts = ["source", "period", "table", "linkage"].map(|name| text(&batch, name));
                let [sources, deliveries, tables, how] = &texts;
                let rows = column(&batch, "row").as_primitive::<UInt32Type>();
                let children = column(&batch, "child").as_fixed_size_binary();
                for row in 0..batch.num_rows() {
                    let of = (sources.value(row).to_owned(), deliveries.value(row).to_owned());
                    let child = number(&mut linked, children.value(row));
                    let how = how.value(row).to_owned();
                    let tables =
                        linked.tables.entry(of).or_default().entry(tables.value(row).to_owned());
                    tables.or_default().push(RowLinked { row: rows.value(row), child, how });
                }
            }
        }
        for rows in linked.tables.values_mut().flat_map(BTreeMap::values_mut) {
            rows.sort_by_key(|row| row.row);
            // A delivery that two periods name stands in both.
            rows.dedup_by_key(|row| row.row);
            assert!(rows.iter().zip(1..).all(|(row, place)| row.row == place), "a row is missing");
        }
        linked
    }
}

fn batches(dataset: &Dataset, table: &str) -> Vec<RecordBatch> {
    let table = dataset.table(&table.parse().unwrap(), None).unwrap();
    table.map(|batch| batch.unwrap()).collect()
}

fn column<'a>(batch: &'a RecordBatch, name: &str) -> &'a ArrayRef {
    batch.column_by_name(name).unwrap()
}

fn text(batch: &RecordBatch, name: &str) -> StringArray {
    cast(column(batch, name), &DataType::Utf8).unwrap().as_string::<i32>().clone()
}
