//! Cells by the names that readers know them by. A name that is withheld is not said here either.

use minster_formats::{Table, Value};
use minster_model::TableName;
use serde::Serialize;

use crate::{earlier_releases::entry::Published, publish::public_table::PublicTable};

/// A published number that would be another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The table.
    pub table: TableName,
    /// The cell, by its categories.
    pub cell: String,
    /// `children`, or the column that is summed.
    pub of: String,
    /// The number that readers have; none where it is withheld.
    pub stands: Option<u64>,
    /// The number that they would get; none where it would be withheld.
    pub would_be: Option<u64>,
}

/// The headline numbers that a table's files withhold: the total of all, and the totals by one dimension.
pub(crate) fn headlines_withheld(table: &Table) -> Vec<String> {
    let Some(children) = table.measures.first() else { return Vec::new() };
    let is_one =
        |row: &usize| table.divided(*row).count() <= 1 && children.values[*row] == Value::Withheld;
    (0..table.rows()).filter(is_one).map(|row| name(table, row)).collect()
}

/// The counts and sums that stand published otherwise. `table` has the rows of `public`. Nothing where the categories are others
/// now: then no cell is the same one.
pub(crate) fn changes(table: &Table, public: &PublicTable, stands: &Published) -> Vec<Change> {
    if public.dimensions() != stands.dimensions {
        return Vec::new();
    }
    let sums = public.all_sums().iter().filter_map(|(column, would_be)| {
        Some((column.to_string(), stands.sums.get(column)?.as_slice(), would_be.as_slice()))
    });
    let counts = ("children".to_owned(), stands.counts.as_slice(), public.counts());
    let mut changes = Vec::new();
    for (of, stands, would_be) in std::iter::once(counts).chain(sums) {
        for (row, &cell) in public.shown().iter().enumerate() {
            let number = |numbers: &[Option<u64>]| numbers.get(cell).copied().flatten();
            let (stands, would_be) = (number(stands), number(would_be));
            if stands != would_be {
                let (table_name, cell) = (public.definition().name.clone(), name(table, row));
                changes.push(Change { table: table_name, cell, of: of.clone(), stands, would_be });
            }
        }
    }
    changes
}

/// A row by the categories that divide it.
fn name(table: &Table, row: usize) -> String {
    let category = |place: usize| {
        format!("{} {}", table.dimensions[place].name, table.category(row, place).label)
    };
    let categories: Vec<String> = table.divided(row).map(category).collect();
    if categories.is_empty() { "the total".to_owned() } else { categories.join(", ") }
}
