//! A table as columns: where a row comes from, what it is divided by, and each number beside its status.

use crate::content::{NO_CODE, Release, Table, Unit, Value};

/// The column of the release's name.
pub const RELEASE: &str = "release";
/// The column of the period.
pub const PERIOD: &str = "period";
/// The column that says what a row is divided by.
pub const LEVEL: &str = "level";
/// The text of the total's level in its column.
pub const TOTAL: &str = "total";

/// One column.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// One value a row.
    pub values: Values,
}

/// The values of a column.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// Texts.
    Text(Vec<String>),
    /// Whole numbers.
    Whole(Vec<Option<i64>>),
    /// Numbers with one decimal.
    Number(Vec<Option<f64>>),
}

/// The name of a dimension's column of codes.
pub fn code_column(dimension: &str) -> String {
    format!("{dimension}_code")
}

/// The columns of a table.
pub fn columns(release: &Release, table: &Table) -> Vec<Column> {
    let rows = table.rows();
    let text = |name: &str, values: Vec<String>| Column {
        name: name.to_owned(),
        values: Values::Text(values),
    };
    let mut columns = vec![
        text(RELEASE, vec![release.name.clone(); rows]),
        text(PERIOD, vec![release.period.clone(); rows]),
        text(LEVEL, table.levels.clone()),
    ];
    for (place, dimension) in table.dimensions.iter().enumerate() {
        let labels = (0..rows).map(|row| table.category(row, place).label.clone());
        columns.push(text(&dimension.name, labels.collect()));
        if dimension.has_codes {
            let codes = (0..rows).map(|row| {
                table.category(row, place).code.clone().unwrap_or_else(|| NO_CODE.to_owned())
            });
            columns.push(text(&code_column(&dimension.name), codes.collect()));
        }
    }
    for measure in &table.measures {
        let values = match measure.unit {
            Unit::Whole => {
                Values::Whole(measure.values.iter().map(|&value| whole(value)).collect())
            }
            Unit::Number | Unit::Percent => {
                Values::Number(measure.values.iter().map(|value| value.number()).collect())
            }
        };
        let statuses = measure.values.iter().map(|value| value.status().to_owned()).collect();
        columns.push(Column { name: measure.name.clone(), values });
        columns.push(text(&measure.status, statuses));
    }
    columns
}

fn whole(value: Value) -> Option<i64> {
    match value {
        Value::Whole(number) => i64::try_from(number).ok(),
        _ => None,
    }
}
