//! Small tables for this crate's own tests.

use minster_model::{
    policy::{Policy, Zeros},
    table::{CountTable, Hierarchy, TableSet},
};

/// So many categories under one total.
pub(crate) fn flat(name: &str, size: usize) -> Hierarchy {
    Hierarchy::flat(name, "all", (0..size).map(|leaf| format!("{name}{leaf}"))).unwrap()
}

/// Categories, each with the place of the one above it.
pub(crate) fn tree(name: &str, nodes: &[(&str, Option<usize>)]) -> Hierarchy {
    let nodes = nodes.iter().map(|(code, parent)| ((*code).to_owned(), *parent));
    Hierarchy::new(name, nodes.collect()).unwrap()
}

/// One table, of which counts below 5 are small and zeros are published.
pub(crate) fn set(dimensions: Vec<Hierarchy>, inner: Vec<u64>) -> TableSet {
    let table = CountTable::new("t", dimensions, inner, vec![]).unwrap();
    TableSet { tables: vec![table], policy: Policy::new(5, Zeros::Published) }
}
