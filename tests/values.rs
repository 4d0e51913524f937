//! Every value of a dataset, as text. Here and not in the library: it would link what programs link.

use std::path::Path;

use arrow::util::display::{ArrayFormatter, FormatOptions};
use minster_model::{DatasetClass, DatasetRef, Role};
use minster_store::{Dataset, Manifest, Store, TableEntry};
use minster_tests::{Site, files};
use minster_vault_api::Client;

/// A table of a dataset. In the place of an identifier stands text without meaning.
#[derive(Debug)]
pub(crate) struct Values {
    /// The source.
    pub(crate) source: String,
    /// The table.
    pub(crate) table: String,
    /// Its columns.
    pub(crate) columns: Vec<String>,
    /// Its rows.
    pub(crate) rows: Vec<Vec<String>>,
}

impl Values {
    /// A column's cells, in order.
    pub(crate) fn column(&self, name: &str) -> Vec<&str> {
        let place = self.columns.iter().position(|column| column == name).unwrap();
        self.rows.iter().map(|row| row[place].as_str()).collect()
    }
}

/// All tables of the sources' datasets that stand in a site's store.
pub(crate) fn values(site: &Site) -> Vec<Values> {
    let folder = site.folder().join("store/datasets/source");
    if !folder.exists() {
        return Vec::new();
    }
    let store = Store::open(&site.folder().join("store")).unwrap();
    let socket = site.path("vault.sock");
    let mut vault = Client::connect(Path::new(&socket), Role::Linker, "tests").unwrap();
    let mut all = Vec::new();
    for (path, bytes) in files(&folder) {
        if !path.ends_with("manifest.json") {
            continue;
        }
        let manifest: Manifest = serde_json::from_slice(&bytes).unwrap();
        let dataset = store.dataset(&manifest.dataset, &mut vault).unwrap();
        for table in &manifest.tables {
            all.push(read(&dataset, table));
        }
    }
    all
}

/// A table of a dataset that is open.
pub(crate) fn read(dataset: &Dataset, table: &TableEntry) -> Values {
    let mut rows = Vec::new();
    for batch in dataset.table(&table.name, None).unwrap() {
        let batch = batch.unwrap();
        let options = FormatOptions::new();
        let columns: Vec<_> = (batch.columns().iter())
            .map(|column| ArrayFormatter::try_new(column, &options).unwrap())
            .collect();
        rows.extend(
            (0..batch.num_rows())
                .map(|row| columns.iter().map(|column| column.value(row).to_string()).collect()),
        );
    }
    Values {
        source: dataset.manifest().dataset.name.to_string(),
        table: table.name.to_string(),
        columns: table.columns.iter().map(|column| column.name.clone()).collect(),
        rows,
    }
}

/// The children of the integrated dataset.
pub(crate) fn integrated(site: &Site) -> Values {
    of_period(site, "2024-25", "children")
}

/// A table of the integrated dataset of a period.
pub(crate) fn of_period(site: &Site, period: &str, table: &str) -> Values {
    of_linked(site, "children", period, table)
}

/// A table of a dataset that linking made.
pub(crate) fn of_linked(site: &Site, name: &str, period: &str, table: &str) -> Values {
    let store = Store::open(&site.folder().join("store")).unwrap();
    let socket = site.path("vault.sock");
    let mut vault = Client::connect(Path::new(&socket), Role::Linker, "tests").unwrap();
    let dataset = DatasetRef {
        class: DatasetClass::Integrated,
        name: name.parse().unwrap(),
        period: period.parse().unwrap(),
        purpose: "children-statistics".parse().unwrap(),
    };
    let dataset = store.dataset(&dataset, &mut vault).unwrap();
    let entry = dataset.manifest().tables.iter().find(|entry| entry.name.as_str() == table);
    read(&dataset, entry.unwrap())
}

/// One table of a source's dataset.
pub(crate) fn table(site: &Site, source: &str, table: &str) -> Values {
    let mut all = values(site).into_iter();
    all.find(|values| values.source == source && values.table == table).unwrap()
}
