//! The rules of derived columns.

use minster_model::ColumnName;

use crate::{
    definition::{
        derived_column::{Added, Derivation, DerivedColumn},
        location::location,
        release_definition::{CHILDREN, Definition, Measure},
    },
    error::AggregateError,
};

/// The first column that breaks a rule, and how.
pub(crate) fn fault(columns: &[DerivedColumn]) -> Option<(usize, String)> {
    for (place, column) in columns.iter().enumerate() {
        let DerivedColumn { name, is, .. } = column;
        let named = |why: &str| Some((place, format!("the column {name}: {why}")));
        if columns[..place].iter().any(|other| other.name == *name) {
            return Some((place, format!("two columns are named {name}")));
        }
        if [CHILDREN, "child", "on_spine"].contains(&name.as_str()) {
            return named("the dataset has this name for itself");
        }
        if let Some(why) = is.fault() {
            return named(&why);
        }
        if comes_from(columns, name, is, &mut vec![name]) {
            return named("it is derived from itself");
        }
    }
    None
}

/// Whether a column is derived from itself.
fn comes_from<'a>(
    columns: &'a [DerivedColumn],
    name: &ColumnName,
    derivation: &'a Derivation,
    seen: &mut Vec<&'a ColumnName>,
) -> bool {
    derivation.inputs().into_iter().any(|input| {
        if input == name {
            return true;
        }
        if seen.contains(&input) {
            return false;
        }
        seen.push(input);
        let derived = columns.iter().find(|of| of.name == *input);
        derived.is_some_and(|of| comes_from(columns, name, &of.is, seen))
    })
}

/// The rules of a definition's columns, and of what it adds up.
pub(super) fn check(definition: &Definition) -> Result<(), AggregateError> {
    if let Some((place, why)) = fault(&definition.columns) {
        return Err(definition.rule(location!["column", place], why));
    }
    for (number, table) in definition.tables.iter().enumerate() {
        for (at, measure) in table.measures.iter().enumerate() {
            let wrong =
                Measure::summed(measure).into_iter().find_map(|of| unsummed(definition, of));
            if let Some(column) = wrong {
                let what = format!(
                    "the table {}: {column} is derived and cannot be added up, since the sums of two such columns differ by a count that nobody protects: divide by its bands, or take its median",
                    table.name
                );
                return Err(definition.rule(location!["table", number, "measure", at], what));
            }
        }
    }
    Ok(())
}

/// A derived column that a sum would be made of and that may not be added up.
fn unsummed<'a>(definition: &'a Definition, column: &'a ColumnName) -> Option<&'a ColumnName> {
    let derived = definition.columns.iter().find(|of| of.name == *column)?;
    match &derived.is {
        Derivation::Add(Added { of, less }) => {
            of.iter().chain(less).find_map(|part| unsummed(definition, &part.0))
        }
        other => (!other.may_be_summed()).then_some(&derived.name),
    }
}
