//! Counts of the integrated dataset, and a digest of its rows.

use std::fmt::Write as _;

use arrow::{
    array::{Array, BooleanArray, Int64Array, StringViewArray},
    util::display::{ArrayFormatter, FormatOptions},
};
use minster_matcher::{CHILDREN, integrated};
use minster_store::sha256_hex;

use crate::Site;

/// Prints a line a count: the rows, of each flag how many have it, of each number its sum, and how many are girls. The
/// last line is the digest of all rows as text: equal datasets have equal ones, whatever they are encrypted with.
pub(crate) fn print(site: &mut Site) {
    let period = &site.pipeline.periods.iter().next().unwrap().name;
    let dataset = integrated(&site.pipeline.purpose, period).unwrap();
    let dataset = site.store.dataset(&dataset, &mut site.vault).unwrap();
    let mut tables = dataset.manifest().tables.iter();
    let table = tables.find(|table| table.name.as_str() == CHILDREN).unwrap();
    let names: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
    let mut sums = vec![None; names.len()];
    let (mut children, mut girls, mut digest) = (0, 0, String::new());
    for batch in dataset.table(&table.name, None).unwrap() {
        let batch = batch.unwrap();
        children += batch.num_rows();
        for (sum, column) in sums.iter_mut().zip(batch.columns()) {
            let of_batch = if let Some(flags) = column.as_any().downcast_ref::<BooleanArray>() {
                flags.true_count() as i64
            } else if let Some(whole) = column.as_any().downcast_ref::<Int64Array>() {
                whole.iter().flatten().sum()
            } else {
                continue;
            };
            *sum = Some(sum.unwrap_or(0) + of_batch);
        }
        let sex = batch.column_by_name("sex").unwrap();
        let sex = sex.as_any().downcast_ref::<StringViewArray>().unwrap();
        girls += sex.iter().filter(|sex| *sex == Some("F")).count();
        // A batch's digest joins those before it, so that no dataset stands in memory as text.
        let options = FormatOptions::new();
        let columns: Vec<_> = (batch.columns().iter())
            .map(|column| ArrayFormatter::try_new(column, &options).unwrap())
            .collect();
        for row in 0..batch.num_rows() {
            for column in &columns {
                write!(digest, "{}\t", column.value(row)).unwrap();
            }
            digest.push('\n');
        }
        digest = sha256_hex(digest.as_bytes());
    }
    println!("count children {children}");
    println!("count girls {girls}");
    for (name, sum) in names.iter().zip(sums) {
        if let Some(sum) = sum {
            println!("count {name} {sum}");
        }
    }
    println!("digest {digest}");
}
