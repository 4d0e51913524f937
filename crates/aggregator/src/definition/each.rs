//! One column, or one measure, for each of several months, terms, years or codes: written once.

use minster_model::{ColumnName, Day, NamedDay};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    definition::{
        derived_column::{
            CalendarPart, Derivation, DerivedColumn, EventCondition, EventCount, EventValue,
        },
        location::{did_you_mean, location},
        measure::MeasureRow,
        release_definition::{Definition, Measure, Table},
        shared_columns::SharedColumns,
    },
    derived::part,
    error::AggregateError,
};

/// The list that a column of events is derived for: exactly one of parts of the calendar, and codes of a column.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Each {
    /// Months, such as `2024-09`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub month: Vec<String>,
    /// Terms, such as `2024-25 1 autumn`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub term: Vec<String>,
    /// Years, such as `2024`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub year: Vec<String>,
    /// Academic years, such as `2024-25`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub academic_year: Vec<String>,
    /// The column of the codes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub column: Option<ColumnName>,
    /// The codes.
    #[serde(default, rename = "in", skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
}

impl Each {
    /// The parts of the calendar that are listed, if it lists one kind of them and nothing else.
    fn parts(&self) -> Option<(CalendarPart, &[String])> {
        let all = [
            (CalendarPart::Month, &self.month),
            (CalendarPart::Term, &self.term),
            (CalendarPart::Year, &self.year),
            (CalendarPart::AcademicYear, &self.academic_year),
        ];
        let mut listed = all.into_iter().filter(|(_, texts)| !texts.is_empty());
        let (by, texts) = listed.next()?;
        let is_alone = listed.next().is_none() && self.column.is_none() && self.values.is_empty();
        is_alone.then_some((by, texts))
    }

    /// The column and its codes, if it lists these and nothing else.
    fn codes(&self) -> Option<(&ColumnName, &[String])> {
        let parts = [&self.month, &self.term, &self.year, &self.academic_year];
        let is_alone = parts.iter().all(|of| of.is_empty()) && !self.values.is_empty();
        self.column.as_ref().filter(|_| is_alone).map(|column| (column, self.values.as_slice()))
    }
}

/// A name with what it is for behind it: `missed_2024_09`.
fn named(name: &ColumnName, of: &str) -> Result<ColumnName, String> {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
    let of: String = of.chars().map(plain).collect();
    format!("{name}_{of}").parse().map_err(|_| format!("{name}_{of} is no name of a column"))
}

/// The first and last day of a part of the calendar, by the name that the part has in a derived column.
fn days(by: CalendarPart, text: &str) -> Option<(Day, Day)> {
    let (year, rest) = text.split_at_checked(4)?;
    let year: i16 = year.parse().ok()?;
    let next = year.checked_add(1)?;
    let ((first_year, first), (last_year, last)) = match by {
        CalendarPart::Month => {
            let month: i8 = rest.strip_prefix('-')?.parse().ok()?;
            ((year, month), (year, month))
        }
        CalendarPart::Year => ((year, 1), (year, 12)),
        CalendarPart::AcademicYear => ((year, 9), (next, 8)),
        CalendarPart::Term if text.ends_with("autumn") => ((year, 9), (year, 12)),
        CalendarPart::Term if text.ends_with("spring") => ((next, 1), (next, 3)),
        CalendarPart::Term => ((next, 4), (next, 8)),
    };
    let first = Day::of(first_year, first, 1)?;
    let last = (28..=31).rev().find_map(|day| Day::of(last_year, last, day))?;
    let is_named = |day: Day| part(day.0.into(), by).is_ok_and(|name| name == text);
    (is_named(first) && is_named(last)).then_some((first, last))
}

/// The columns that stand for one with `each`.
pub(super) fn columns(column: &DerivedColumn) -> Result<Vec<DerivedColumn>, String> {
    let Some(each) = &column.each else { return Ok(vec![column.clone()]) };
    let more: Vec<(&String, EventCondition)> = match (each.parts(), each.codes()) {
        (Some((by, texts)), _) => {
            let of_part = |text: &'_ String| {
                let wrong =
                    || format!("`{text}` is no {}; write it as {}", by.name(), by.example());
                let (from, until) = days(by, text).ok_or_else(wrong)?;
                let date = "date".parse().map_err(|_| "there is no column date".to_owned())?;
                let mut condition = EventCondition::of(date);
                condition.from = Some(NamedDay::On(from));
                condition.until = Some(NamedDay::On(until));
                Ok::<_, String>(condition)
            };
            texts.iter().map(|text| Ok((text, of_part(text)?))).collect::<Result<_, String>>()?
        }
        (None, Some((of, values))) => {
            let of_code = |code: &String| EventCondition {
                values: vec![code.clone()],
                ..EventCondition::of(of.clone())
            };
            values.iter().map(|code| (code, of_code(code))).collect()
        }
        (None, None) => {
            return Err("`each` has one of `month`, `term`, `year` and `academic-year`, or `column` and `in`".to_owned());
        }
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
        if let Some(at) = measures.iter().position(|of| of.row.is_some()) {
            let what =
                format!("the measure {}: `row` is the program's; write `rows`", measures[at].name);
            return Err(definition.rule(location!["table", number, "measure", at], what));
        }
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
        if measure.rows.is_some() && of == minster_formats::tidy::ALL {
            return Err(format!(
                "the measure {name}: `{of}` is the text of its row without a month"
            ));
        }
        let row = measure.rows.as_ref().map(|column| MeasureRow {
            column: column.clone(),
            text: of.clone(),
            measure: name.clone(),
        });
        let name_of = named(name, of)?;
        let mut measure =
            Measure { name: name_of, each: Vec::new(), rows: None, row, ..measure.clone() };
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
