//! A table of two dimensions as CSV: two categories, a count, and where it is protected a status.

use std::{error::Error, fs::File, path::Path};

use minster_model::{
    policy::{Policy, Zeros},
    table::{CountTable, Hierarchy, TableSet},
};

/// The total of a dimension.
pub(crate) const ALL: &str = "All";

/// One row of the file.
pub(crate) struct Row {
    pub(crate) categories: [String; 2],
    pub(crate) count: u64,
    #[allow(dead_code, reason = "a table that is yet to be protected has no status")]
    pub(crate) withheld: bool,
}

pub(crate) struct Table {
    /// The headings of the two dimensions.
    pub(crate) headings: [String; 2],
    pub(crate) rows: Vec<Row>,
}

impl Table {
    pub(crate) fn read(path: &Path) -> Result<Self, Box<dyn Error>> {
        let mut reader = csv::Reader::from_reader(File::open(path)?);
        let headings = reader.headers()?.clone();
        let heading = |place| headings.get(place).ok_or("two dimensions and a count are wanted");
        let headings = [heading(0)?.to_owned(), heading(1)?.to_owned()];
        let mut rows = Vec::new();
        for (line, row) in (2..).zip(reader.records()) {
            let row = row?;
            let [first, second, count] = [0, 1, 2].map(|place| row.get(place).unwrap_or(""));
            let count =
                count.parse().map_err(|_| format!("line {line}: the count is no number"))?;
            let withheld = row.get(3) == Some("c");
            rows.push(Row { categories: [first.to_owned(), second.to_owned()], count, withheld });
        }
        Ok(Self { headings, rows })
    }

    /// The categories of a dimension, in the file's order.
    fn categories(&self, dimension: usize) -> Vec<String> {
        let mut categories: Vec<String> = Vec::new();
        for row in &self.rows {
            let category = &row.categories[dimension];
            if category != ALL && !categories.contains(category) {
                categories.push(category.clone());
            }
        }
        categories
    }

    /// The table by its inner cells; margins are added up.
    pub(crate) fn set(&self, threshold: u64) -> Result<TableSet, Box<dyn Error>> {
        let [rows, columns] = [0, 1].map(|dimension| self.categories(dimension));
        let count = |row: &String, column: &String| {
            let cell = self.rows.iter().find(|one| one.categories == [row.clone(), column.clone()]);
            cell.map_or(0, |one| one.count)
        };
        let inner =
            rows.iter().flat_map(|row| columns.iter().map(move |column| count(row, column)));
        let inner = inner.collect();
        let [first, second] = &self.headings;
        let dimensions =
            vec![Hierarchy::flat(first, ALL, rows)?, Hierarchy::flat(second, ALL, columns)?];
        let table = CountTable::new("table", dimensions, inner, vec![])?;
        Ok(TableSet { tables: vec![table], policy: Policy::new(threshold, Zeros::Published) })
    }

    /// The names of the cells, in the order of the table's cells.
    pub(crate) fn names(set: &TableSet) -> Vec<[String; 2]> {
        let table = &set.tables[0];
        let dimensions = table.dimensions();
        let name = |cell| {
            let nodes = table.coordinates(cell);
            [0, 1].map(|dimension| dimensions[dimension].code(nodes[dimension]).to_owned())
        };
        (0..table.cell_count()).map(name).collect()
    }
}
