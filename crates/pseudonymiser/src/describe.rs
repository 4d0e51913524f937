//! `minster-ingest sources describe`: what the datasets of the pipeline's deliveries hold, as their definitions say it.

use std::fmt::Write as _;

use minster_model::{NameError, Period, SourceName};
use minster_sources::{
    Cohort, Column, Definition, Generalisation, Table, TokenRule, Treatment, ValueType,
};
use minster_vault_api::ReadColumns;
use serde::Serialize;

use crate::Ingestion;

/// The columns of all deliveries' datasets. Holds no row's value.
#[derive(Debug, Serialize)]
pub struct Described {
    /// The report's format.
    pub format: u32,
    /// One entry a delivery whose definition can be used.
    pub deliveries: Vec<DescribedDelivery>,
}

/// A delivery's dataset.
#[derive(Debug, Serialize)]
pub struct DescribedDelivery {
    /// The source.
    pub source: SourceName,
    /// The delivery's period.
    pub period: Period,
    /// One entry a column, table by table.
    pub columns: Vec<DescribedColumn>,
    /// The columns of files that are dropped, and that match keys or parts for scored matching are made of.
    pub used: Vec<UsedColumn>,
    /// The columns of files that are known and dropped; nothing is made of them.
    pub dropped: Vec<DroppedColumn>,
}

/// A column of a file that is dropped once something keyed is made of it.
#[derive(Debug, Serialize)]
pub struct UsedColumn {
    /// The table.
    pub table: String,
    /// Its name in the file; XML: its path.
    pub file: String,
    /// The things that it becomes a part of: `match keys`, `scored matching`.
    pub used_for: Vec<&'static str>,
}

/// A column of a file that gets into no dataset, whole or in part.
#[derive(Debug, Serialize)]
pub struct DroppedColumn {
    /// The table.
    pub table: String,
    /// Its name in the file; XML: its path.
    pub file: String,
}

/// A column of a dataset.
#[derive(Debug, Serialize)]
pub struct DescribedColumn {
    /// The table.
    pub table: String,
    /// Its name in the dataset.
    pub name: String,
    /// Its name in the file; XML: its path.
    pub file: String,
    /// The treatment of the file's cells, in words.
    pub treatment: String,
    /// Whether it holds days.
    pub days: bool,
    /// Its meaning, where the definition has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub meaning: Option<String>,
    /// Codes that can pass, where it holds codes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub codes: Vec<DescribedCode>,
}

/// A code, and what it means.
#[derive(Debug, Serialize)]
pub struct DescribedCode {
    /// The code.
    pub code: String,
    /// Its meaning, where the list has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
}

impl Ingestion {
    /// Describes the deliveries by their definitions; no file of theirs is opened.
    pub fn described(&self) -> Described {
        let delivery = |delivery: &minster_model::pipeline::Delivery| {
            let found = self.definitions.find(&delivery.name, &delivery.period)?;
            let (source, period) = (delivery.name.clone(), delivery.period.clone());
            let (columns, dropped) = (columns(&found.definition), dropped(&found.definition));
            let used = used(&found.definition);
            Some(DescribedDelivery { source, period, columns, used, dropped })
        };
        let deliveries = self.pipeline.sources.iter().filter_map(delivery).collect();
        Described { format: 1, deliveries }
    }
}

impl Described {
    /// For people.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for DescribedDelivery { source, period, columns, used: _, dropped: _ } in &self.deliveries {
            let _ = writeln!(text, "{source} {period}");
            for DescribedColumn { table, name, file, treatment, meaning, codes, .. } in columns {
                let meaning =
                    meaning.as_ref().map_or(String::new(), |meaning| format!(": {meaning}"));
                // A keyed hash of several columns is read from none of its own.
                let from = if file.is_empty() { String::new() } else { format!(" from {file}") };
                let _ = writeln!(text, "  {table}/{name}{from}, {treatment}{meaning}");
                for DescribedCode { code, label } in codes {
                    let label = label.as_deref().unwrap_or_default();
                    let _ = writeln!(text, "    {}", format!("{code} {label}").trim_end());
                }
            }
        }
        text
    }
}

/// The columns that a definition reads into a dataset, as the vault compares them with the purpose.
///
/// # Errors
/// Where a name is too long for a column of a dataset.
pub(crate) fn read_columns(definition: &Definition) -> Result<Vec<ReadColumns>, NameError> {
    let read = |table: &Table| {
        let columns = of_table(table).into_iter().map(|column| column.name.parse());
        Ok(ReadColumns { table: table.name.clone(), columns: columns.collect::<Result<_, _>>()? })
    };
    definition.tables.iter().map(read).collect()
}

/// The parts that a column gives, beside what becomes of its cells.
fn used_for(column: &Column) -> Vec<&'static str> {
    let key = column.part.is_some().then_some("match keys");
    let scored = column.linkage.is_some().then_some("scored matching");
    key.into_iter().chain(scored).collect()
}

/// The columns of files that have no column in a dataset, table by table.
fn without_column(definition: &Definition) -> impl Iterator<Item = (&Table, &String, &Column)> {
    definition.tables.iter().flat_map(|table| {
        let dropped =
            table.columns.iter().filter(|(_, column)| column.treatment == Treatment::Drop);
        // A dropped birth date may give a cohort, which is a column.
        let none = dropped.filter(|(_, column)| column.cohort.is_none());
        none.map(move |(file, column)| (table, file, column))
    })
}

fn used(definition: &Definition) -> Vec<UsedColumn> {
    let used = without_column(definition).map(|(table, file, column)| UsedColumn {
        table: table.name.to_string(),
        file: file.clone(),
        used_for: used_for(column),
    });
    used.filter(|of| !of.used_for.is_empty()).collect()
}

fn dropped(definition: &Definition) -> Vec<DroppedColumn> {
    let dropped = without_column(definition).filter(|(_, _, column)| used_for(column).is_empty());
    let column = |(table, file, _): (&Table, &String, _)| DroppedColumn {
        table: table.name.to_string(),
        file: file.clone(),
    };
    dropped.map(column).collect()
}

fn columns(definition: &Definition) -> Vec<DescribedColumn> {
    definition.tables.iter().flat_map(of_table).collect()
}

fn of_table(table: &Table) -> Vec<DescribedColumn> {
    let mut all = Vec::new();
    for (file, output) in table.outputs() {
        let Some(column) = table.columns.get(file) else { continue };
        let cohort = column.cohort.as_ref().filter(|cohort| cohort.output.as_str() == output);
        all.push(match cohort {
            Some(cohort) => DescribedColumn {
                treatment: of_cohort(cohort),
                days: true,
                meaning: None,
                codes: Vec::new(),
                ..described(table, file, &output, column)
            },
            None => described(table, file, &output, column),
        });
    }
    for key in &table.match_keys {
        let parts: Vec<String> =
            key.parts.iter().map(|part| format!("{part:?}").to_lowercase()).collect();
        all.push(DescribedColumn {
            table: table.name.to_string(),
            name: format!("key_{}", key.name),
            file: String::new(),
            treatment: format!("keyed hash of {}", parts.join(", ")),
            days: false,
            meaning: None,
            codes: Vec::new(),
        });
    }
    all
}

fn described(table: &Table, file: &str, output: &str, column: &Column) -> DescribedColumn {
    let codes = match &column.treatment {
        Treatment::Code(codes) => {
            let code = |code: &str| DescribedCode {
                code: code.to_owned(),
                label: codes.label(code).map(str::to_owned),
            };
            codes.passing().into_iter().map(code).collect()
        }
        _ => Vec::new(),
    };
    DescribedColumn {
        table: table.name.to_string(),
        name: output.to_owned(),
        file: file.to_owned(),
        treatment: treatment(&column.treatment),
        days: matches!(column.treatment, Treatment::Keep(ValueType::Date)),
        meaning: column.meaning.clone(),
        codes,
    }
}

fn of_cohort(cohort: &Cohort) -> String {
    let Cohort { month, day, .. } = cohort;
    format!("generalised to the first {month:02}-{day:02} on which the child was born already")
}

/// The treatment, in words.
fn treatment(treatment: &Treatment) -> String {
    match treatment {
        Treatment::Drop => "dropped".into(),
        Treatment::Pseudonymise(kind) => format!("pseudonymised ({kind})"),
        Treatment::Keep(ValueType::Date) => "kept as a day".into(),
        Treatment::Keep(ValueType::Integer) => "kept as a whole number".into(),
        Treatment::Keep(ValueType::Decimal) => "kept as a number".into(),
        Treatment::Keep(ValueType::Flag) => "kept as true or false".into(),
        Treatment::Token(TokenRule::Pattern(_)) => "kept where it fits a pattern".into(),
        Treatment::Token(TokenRule::Distinct(most)) => {
            format!("kept where a delivery has no more than {most} different ones")
        }
        Treatment::Code(_) => "mapped to a code of a list".into(),
        Treatment::Generalise(to) => format!("generalised to {}", generalised(to)),
    }
}

fn generalised(to: &Generalisation) -> String {
    match to {
        Generalisation::Year => "the year".into(),
        Generalisation::Month => "the month".into(),
        Generalisation::Term => "the school term".into(),
        Generalisation::AcademicYear => "the academic year".into(),
        Generalisation::Age { at } => format!("the age on {at}"),
        Generalisation::District => "the postcode's district".into(),
        Generalisation::Sector => "the postcode's sector".into(),
        Generalisation::Lookup { lookup, .. } => format!("its value in the look-up {lookup}"),
        Generalisation::Band(bands) => {
            let bands: Vec<String> = bands.iter().map(ToString::to_string).collect();
            format!("a band, the lower bounds being {}", bands.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_that_keys_are_made_of_is_no_dropped_one() {
        let definition = Definition::parse(
            r#"
            name = "s"
            format = "csv"
            years = ["2024-25"]
            [[table]]
            name = "t"
            file = "t.csv"
            [table.columns]
            Postcode = { treatment = "match-key", part = "postcode" }
            Surname = { treatment = "match-key", part = "surname", linkage = "surname" }
            Former = { treatment = "drop", linkage = "surname" }
            Telephone = { treatment = "drop" }
            Birth = { treatment = "generalise", type = "date", to = "year", as = "birth_year", part = "birth-date" }
            [[table.match_key]]
            name = "k"
            parts = ["surname", "birth-date", "postcode"]
            "#,
        )
        .unwrap();
        let used: Vec<_> = used(&definition).into_iter().map(|of| (of.file, of.used_for)).collect();
        let dropped: Vec<_> = dropped(&definition).into_iter().map(|of| of.file).collect();
        assert_eq!(
            used,
            [
                ("Former".to_owned(), vec!["scored matching"]),
                ("Postcode".to_owned(), vec!["match keys"]),
                ("Surname".to_owned(), vec!["match keys", "scored matching"]),
            ]
        );
        assert_eq!(dropped, ["Telephone"]);
    }
}
