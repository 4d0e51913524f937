//! One column, or one measure, for each of several months or codes: written once.

use minster_model::{ColumnName, Day, NamedDay};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    definition::{
        derived_column::{Derivation, DerivedColumn, EventCondition, EventCount, EventValue},
        location::{did_you_mean, location},
        release_definition::{Definition, Measure, Table},
        shared_columns::SharedColumns,
    },
    error::AggregateError,
};

/// The list that a column of events is derived for: exactly one of months, and codes of a column.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Each {
    /// Months, such as `2024-09`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub month: Vec<String>,
    /// The column of the codes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub column: Option<ColumnName>,
    /// The codes.
    #[serde(default, rename = "in", skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
}

/// A name with what it is for behind it: `missed_2024_09`.
fn named(name: &ColumnName, of: &str) -> Result<ColumnName, String> {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
    let of: String = of.chars().map(plain).collect();
    format!("{name}_{of}").parse().map_err(|_| format!("{name}_{of} is no name of a column"))
}

/// The first and last day of a month.
fn month(text: &str) -> Result<(Day, Day), String> {
    let wrong = || format!("`{text}` is no month; write it as 2024-09");
    let (year, month) = text.split_once('-').filter(|_| text.len() == 7).ok_or_else(wrong)?;
    let (year, month): (i16, i8) =
        (year.parse().map_err(|_| wrong())?, month.parse().map_err(|_| wrong())?);
    let first = Day::of(year, month, 1).ok_or_else(wrong)?;
    let last = (28..=31).rev().find_map(|day| Day::of(year, month, day)).ok_or_else(wrong)?;
    Ok((first, last))
}

/// The columns that stand for one with `each`.
pub(super) fn columns(column: &DerivedColumn) -> Result<Vec<DerivedColumn>, String> {
    let Some(Each { month: months, column: of, values }) = &column.each else {
        return Ok(vec![column.clone()]);
    };
    let more: Vec<(&String, EventCondition)> = match of {
        None if values.is_empty() && !months.is_empty() => {
            let of_month = |text: &'_ String| {
                let (from, until) = month(text)?;
                let date = "date".parse().map_err(|_| "there is no column date".to_owned())?;
                let mut condition = EventCondition::of(date);
                condition.from = Some(NamedDay::On(from));
                condition.until = Some(NamedDay::On(until));
                Ok::<_, String>(condition)
            };
            months.iter().map(|text| Ok((text, of_month(text)?))).collect::<Result<_, String>>()?
        }
        Some(of) if !values.is_empty() && months.is_empty() => {
            let of_code = |code: &String| EventCondition {
                values: vec![code.clone()],
                ..EventCondition::of(of.clone())
            };
            values.iter().map(|code| (code, of_code(code))).collect()
        }
        _ => return Err("`each` has `month`, or `column` and `in`".to_owned()),
    };
    let with = |(of, condition): (&String, EventCondition)| {
        let mut is = column.is.clone();
        match &mut is {
            Derivation::Count(EventCount { conditions, .. })
            | Derivation::Event(EventValue { conditions, .. }) => conditions.push(condition),
            _ => return Err("`each` stands beside a column of events".to_owned()),
        }
        let name = named(&column.name, of)?;
        Ok(DerivedColumn { name, meaning: column.meaning.clone(), is, each: None })
    };
    more.into_iter().map(with).collect()
}

/// Writes the columns and measures of a definition out.
pub(super) fn write_out(
    definition: &mut Definition,
    shared: &SharedColumns,
) -> Result<(), AggregateError> {
    let mut others = Vec::new();
    for place in 0..definition.columns.len() {
        let column = &definition.columns[place];
        let all = columns(column).map_err(|why| {
            let what = format!("the column {}: {why}", column.name);
            definition.rule(location!["column", place], what)
        })?;
        let mut all = all.into_iter();
        // The first in its place, so that the places of the others stay those of the text.
        if let Some(first) = all.next() {
            definition.columns[place] = first;
        }
        others.extend(all);
    }
    definition.columns.extend(others);
    for number in 0..definition.tables.len() {
        let measures = &definition.tables[number].measures;
        let Some(at) = measures.iter().position(|of| !of.each.is_empty()) else { continue };
        let here = location!["table", number, "measure", at];
        let written = of_measure((definition, shared), &definition.tables[number], at);
        let written = written.map_err(|what| definition.rule(here, what))?;
        let measures = &mut definition.tables[number].measures;
        measures.truncate(at);
        measures.extend(written);
    }
    Ok(())
}

fn of_measure(
    (definition, shared): (&Definition, &SharedColumns),
    table: &Table,
    at: usize,
) -> Result<Vec<Measure>, String> {
    let (measure, name) = (&table.measures[at], &table.measures[at].name);
    if at + 1 != table.measures.len() {
        return Err(format!("the measure {name} has `each`: it stands last in its table"));
    }
    let columns = || definition.columns.iter().chain(shared.iter());
    let known = |column: &ColumnName| columns().any(|of| of.name == *column);
    let one = |of: &String| {
        let mut measure = Measure { name: named(name, of)?, each: Vec::new(), ..measure.clone() };
        let Measure { sum, events, mean, median, per, .. } = &mut measure;
        let mut is_any = false;
        for column in [sum, events, mean, median, per].into_iter().flatten() {
            let own = named(column, of)?;
            if known(&own) {
                *column = own;
                is_any = true;
            }
        }
        if is_any {
            return Ok(measure);
        }
        let names = did_you_mean(of, columns().map(|of| of.name.as_str()));
        Err(format!("the measure {name}: no column of it ends in {of}; {names}"))
    };
    measure.each.iter().map(one).collect()
}
