//! A table as its readers would see it, row by row, each number or the reason why there is none.

use minster_formats::{Table, Value};
use serde::Serialize;

/// A table's columns and rows. It holds what would be published, and nothing else.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Numbers {
    /// The names of the columns: the dimensions, then the numbers.
    pub columns: Vec<String>,
    /// The rows, each with one entry a column.
    pub rows: Vec<Vec<Shown>>,
}

/// The content of one place of a table.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Shown {
    /// A category.
    Category(String),
    /// A whole number.
    Whole(i64),
    /// A number with one decimal.
    Number(f64),
    /// No number, with the status that the released file has: `[c]`, `[z]` or `[low]`.
    Status(String),
}

impl Numbers {
    /// The cells that would be published of a table that withstood the attack.
    pub(crate) fn of(table: &Table) -> Self {
        let dimensions = table.dimensions.iter().map(|dimension| dimension.name.clone());
        let measures = table.measures.iter().map(|measure| measure.name.clone());
        let row = |row: usize| {
            let places = 0..table.dimensions.len();
            let categories =
                places.map(|place| Shown::Category(table.category(row, place).label.clone()));
            let numbers = table.measures.iter().map(|measure| Shown::of(measure.values[row]));
            categories.chain(numbers).collect()
        };
        Self {
            columns: dimensions.chain(measures).collect(),
            rows: (0..table.rows()).map(row).collect(),
        }
    }
}

impl Shown {
    fn of(value: Value) -> Self {
        match value {
            Value::Whole(number) => {
                i64::try_from(number).map_or_else(|_| Self::Status(value.text()), Self::Whole)
            }
            Value::Number(number) => Self::Number(number),
            other => Self::Status(other.text()),
        }
    }
}

impl std::fmt::Display for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Category(text) | Self::Status(text) => f.write_str(text),
            Self::Whole(number) => write!(f, "{number}"),
            Self::Number(number) => write!(f, "{number:.1}"),
        }
    }
}
