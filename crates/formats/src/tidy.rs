//! A table as columns: where a row comes from, what it is divided by, and each number beside its status.

use std::borrow::Cow;

use crate::content::{
    Category, Dimension, Kind, Measure, MeasureRow, NO_CODE, Release, Table, Unit, Value,
};

/// The column of the release's name.
pub const RELEASE: &str = "release";
/// The column of the period.
pub const PERIOD: &str = "period";
/// The column that says what a row is divided by.
pub const LEVEL: &str = "level";
/// The text of the total's level in its column.
pub const TOTAL: &str = "total";
/// The text between the levels that a row is divided by, and in the name of no level.
pub const BY: &str = " by ";
/// The text of a column of months in the row that is of no month alone.
pub const ALL: &str = "All";

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

/// The table as CSV and Parquet have it. Measures of months that share a column of values become rows, with a column of the
/// months. The other numbers of a row stand in a row of all months alone, so that a level still counts no child twice. All other
/// tables stay as they are.
pub fn in_rows(table: &Table) -> Cow<'_, Table> {
    let row = |of: &'_ Measure| of.row.clone();
    let Some(MeasureRow { column, measure, meaning, .. }) = table.measures.iter().find_map(row)
    else {
        return Cow::Borrowed(table);
    };
    let (fellows, others): (Vec<&Measure>, Vec<&Measure>) =
        table.measures.iter().partition(|of| of.row.is_some());
    // A row of the table is so many of the file: that of all months, then each month in the order of the definition.
    let each = fellows.len() + 1;
    let none = || std::iter::repeat_n(Value::NotApplicable, fellows.len());
    let of_all = |of: &Measure| Measure {
        meaning: format!(
            "{} It stands where {column} is {ALL}, and is not applicable in the other rows.",
            of.meaning
        ),
        values: of.values.iter().flat_map(|&value| std::iter::once(value).chain(none())).collect(),
        ..of.clone()
    };
    let mut measures: Vec<Measure> = others.into_iter().map(of_all).collect();
    let of_row = |row: usize| {
        let values = fellows.iter().filter_map(move |of| of.values.get(row).copied());
        std::iter::once(Value::NotApplicable).chain(values)
    };
    measures.push(Measure {
        status: format!("{measure}_status"),
        unit: fellows.first().map_or(Unit::Number, |of| of.unit),
        values: (0..table.rows()).flat_map(of_row).collect(),
        meaning: format!("{meaning} It is not applicable where {column} is {ALL}."),
        name: measure,
        month: None,
        row: None,
    });
    let mut dimensions: Vec<Dimension> = table.dimensions.clone();
    for dimension in &mut dimensions {
        dimension.of_row =
            dimension.of_row.iter().flat_map(|&place| std::iter::repeat_n(place, each)).collect();
    }
    let category = |label: &str, level: Option<&String>| Category {
        label: label.to_owned(),
        code: None,
        meaning: None,
        level: level.cloned(),
        is_lowest: level.is_some(),
        is_withheld: false,
        is_unknown: false,
    };
    let months = fellows.iter().filter_map(|of| of.row.as_ref());
    let months = months.map(|row| category(&row.text, Some(&column)));
    dimensions.push(Dimension {
        categories: std::iter::once(category(ALL, None)).chain(months).collect(),
        of_row: (0..table.rows()).flat_map(|_| 0..each).collect(),
        meaning: None,
        has_codes: false,
        boundaries: None,
        kind: Kind::Plain,
        name: column.clone(),
    });
    let of_months = |level: &String| match level == TOTAL {
        true => column.clone(),
        false => format!("{level}{BY}{column}"),
    };
    let level = |level: &String| {
        let months = std::iter::repeat_n(of_months(level), fellows.len());
        std::iter::once(level.clone()).chain(months).collect::<Vec<_>>()
    };
    let levels = table.levels.iter().flat_map(level).collect();
    Cow::Owned(Table { levels, dimensions, measures, ..table.clone() })
}

/// The columns of a table.
pub fn columns(release: &Release, table: &Table) -> Vec<Column> {
    let table = &*in_rows(table);
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

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]
mod tests {
    use super::*;

    fn measure(name: &str, month: Option<&str>, values: [Value; 2]) -> Measure {
        let row = month.map(|month| MeasureRow {
            column: "month".to_owned(),
            text: month.to_owned(),
            measure: "absence".to_owned(),
            meaning: "Absence.".to_owned(),
        });
        Measure {
            name: name.to_owned(),
            status: format!("{name}_status"),
            meaning: format!("Of {name}."),
            unit: if row.is_some() { Unit::Number } else { Unit::Whole },
            month: None,
            row,
            values: values.to_vec(),
        }
    }

    fn table(measures: Vec<Measure>) -> Table {
        let category = |(label, level): (&str, Option<&str>)| Category {
            label: label.to_owned(),
            code: None,
            meaning: None,
            level: level.map(str::to_owned),
            is_lowest: level.is_some(),
            is_withheld: false,
            is_unknown: false,
        };
        Table {
            name: "t".to_owned(),
            title: String::new(),
            levels: vec![TOTAL.to_owned(), "ward".to_owned()],
            dimensions: vec![Dimension {
                name: "ward".to_owned(),
                categories: [("All", None), ("Abbey", Some("ward"))].map(category).to_vec(),
                of_row: vec![0, 1],
                meaning: None,
                has_codes: false,
                boundaries: None,
                kind: Kind::Plain,
            }],
            measures,
        }
    }

    #[test]
    fn each_month_is_a_row_and_no_value_stands_at_another_place() {
        use Value::{Number, Whole, Withheld};
        let whole = table(vec![
            measure("children", None, [Whole(30), Whole(12)]),
            measure("absence_1", Some("2024-09"), [Number(1.5), Withheld]),
            measure("absence_2", Some("2024-10"), [Number(2.5), Number(3.5)]),
        ]);
        let rows = in_rows(&whole);
        let expected = ["total", "month", "month", "ward", "ward by month", "ward by month"];
        assert_eq!(rows.levels, expected);
        assert_eq!(rows.dimensions[0].of_row, [0, 0, 0, 1, 1, 1]);
        let months: Vec<&str> =
            (0..rows.rows()).map(|row| rows.category(row, 1).label.as_str()).collect();
        assert_eq!(months, ["All", "2024-09", "2024-10", "All", "2024-09", "2024-10"]);
        let [children, absence] = rows.measures.as_slice() else { panic!("{:?}", rows.measures) };
        let no = Value::NotApplicable;
        assert_eq!(children.values, [Whole(30), no, no, Whole(12), no, no]);
        assert!(children.meaning.contains("where month is All"), "{}", children.meaning);
        assert_eq!(absence.values, [no, Number(1.5), Number(2.5), no, Withheld, Number(3.5)]);
        assert_eq!([&absence.name, &absence.status], ["absence", "absence_status"]);
        // A table without such measures stays as it is.
        let plain = table(vec![measure("children", None, [Whole(30), Whole(12)])]);
        assert!(matches!(in_rows(&plain), Cow::Borrowed(of) if *of == plain));
    }
}
