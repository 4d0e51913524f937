//! Codes that a derived column names and that no row has: mistyped, they would be zeros that nobody notices.

use std::collections::BTreeSet;

use minster_model::ColumnName;

use super::{
    event_rows::{EventRows, Unusable},
    linked::{Linked, wrong},
    values::Values,
};
use crate::{
    definition::{
        derived_column::{Derivation, EventCondition, EventCount, EventValue, Recoded},
        location::location,
        release_definition::Definition,
    },
    error::AggregateError,
};

/// The codes that conditions list, each with its column.
fn listed(conditions: &[EventCondition]) -> BTreeSet<(&ColumnName, &str)> {
    let of = |of| {
        let EventCondition { column, values, not_in, .. }: &EventCondition = of;
        values.iter().chain(not_in).map(move |code| (column, code.as_str()))
    };
    conditions.iter().flat_map(of).collect()
}

/// Takes away those of some codes that a row has.
fn strike_out<'a>(
    absent: &mut BTreeSet<(&'a ColumnName, &'a str)>,
    column: &ColumnName,
    values: &Values,
) {
    absent.retain(|(of, code)| {
        *of != column
            || match values {
                Values::Texts(texts) => {
                    !(0..texts.places.len()).any(|row| texts.get(row) == Some(*code))
                }
                Values::Whole(values) => {
                    let number = code.parse::<i64>().ok().filter(|of| of.to_string() == *code);
                    number.is_none_or(|number| !values.contains(&Some(number)))
                }
                Values::Days(_) => false,
            }
    });
}

impl Linked<'_> {
    /// A note for each code that a derived column of a definition names and that no row has.
    ///
    /// # Errors
    /// As the columns themselves.
    pub(crate) fn codes_of_no_row(
        &self,
        definition: &Definition,
    ) -> Result<Vec<String>, AggregateError> {
        let mut notes = Vec::new();
        for (place, derived) in definition.columns.iter().enumerate() {
            let at = || location!["column", place, "is"];
            match &derived.is {
                Derivation::Count(EventCount { events: table, conditions, .. })
                | Derivation::Event(EventValue { events: table, conditions, .. }) => {
                    let rows = self.row_of()?;
                    let absent = of_events(&self.events(table, &rows), conditions);
                    let absent = absent.map_err(|error| wrong(definition, error, at()))?;
                    let note = |(column, code)| {
                        format!(
                            "the column {}: no row of {table} has the {column} {code}",
                            derived.name
                        )
                    };
                    notes.extend(absent.into_iter().map(note));
                }
                Derivation::Recode(Recoded { of, groups, .. }) if !groups.is_empty() => {
                    let array = self.column(definition, (&derived.name, of), &at())?;
                    let mut absent =
                        groups.values().flatten().map(|code| (of, code.as_str())).collect();
                    if let Some(values) = Values::read(&array) {
                        strike_out(&mut absent, of, &values);
                    }
                    let note = |(column, code)| {
                        format!("the column {}: no child has the {column} {code}", derived.name)
                    };
                    notes.extend(absent.into_iter().map(note));
                }
                _ => {}
            }
        }
        Ok(notes)
    }
}

fn of_events<'a>(
    events: &EventRows<'_>,
    conditions: &'a [EventCondition],
) -> Result<BTreeSet<(&'a ColumnName, &'a str)>, Unusable> {
    let mut absent = listed(conditions);
    let columns: BTreeSet<&ColumnName> = absent.iter().map(|(column, _)| *column).collect();
    if columns.is_empty() {
        return Ok(absent);
    }
    let columns: Vec<&ColumnName> = columns.into_iter().collect();
    events.each(&columns, |batch| {
        for column in &columns {
            strike_out(&mut absent, column, batch.get(column)?);
        }
        Ok(())
    })?;
    Ok(absent)
}
