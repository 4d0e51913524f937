//! A table as its readers would see it, row by row, each number or the reason why there is none.

use serde::Serialize;

use crate::publish::{
    columns::{Values, columns},
    protected_table::ProtectedTable,
};

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
    /// The numbers that would be published of a table that withstood the attack.
    pub(crate) fn of(table: &ProtectedTable) -> Self {
        let mut named: Vec<(String, Vec<Shown>)> = Vec::new();
        let mut columns = columns(table).into_iter();
        for column in columns.by_ref().take(table.definition.dimensions.len()) {
            if let Values::Text(texts) = column.values {
                named.push((column.name, texts.into_iter().map(Shown::Category).collect()));
            }
        }
        // Behind the dimensions, each column of numbers stands before the one of their statuses.
        while let (Some(numbers), Some(statuses)) = (columns.next(), columns.next()) {
            let Values::Text(statuses) = statuses.values else { continue };
            let places = statuses.into_iter().enumerate();
            let shown = places.map(|(row, status)| Shown::of(&numbers.values, row, &status));
            named.push((numbers.name, shown.collect()));
        }
        let length = named.first().map_or(0, |(_, of)| of.len());
        let row = |row: usize| named.iter().filter_map(|(_, of)| of.get(row).cloned()).collect();
        let rows = (0..length).map(row).collect();
        Self { columns: named.into_iter().map(|(name, _)| name).collect(), rows }
    }
}

impl Shown {
    fn of(values: &Values, row: usize, status: &str) -> Self {
        let number = match values {
            Values::Whole(values) => values.get(row).copied().flatten().map(Self::Whole),
            Values::Number(values) => values.get(row).copied().flatten().map(Self::Number),
            Values::Text(_) => None,
        };
        number.filter(|_| status.is_empty()).unwrap_or_else(|| Self::Status(format!("[{status}]")))
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
