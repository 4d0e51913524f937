use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::{Path, PathBuf},
};

use crate::{
    definition::{
        location::{Location, did_you_mean, location},
        release_definition::Definition,
    },
    error::AggregateError,
    tabulate::categories::Lookups,
};

/// The look-ups that a definition names.
pub(crate) fn of(
    definition: &Definition,
    files: &BTreeMap<String, PathBuf>,
) -> Result<Lookups, AggregateError> {
    let mut lookups = HashMap::new();
    for (number, dimension) in definition.dimensions.iter().enumerate() {
        if let Some(name) = &dimension.code_lookup {
            let at = location!["dimension", number, "code_lookup"];
            lookups.insert(name.clone(), named(definition, name, files, &at)?);
        }
        let levels = dimension.placed_levels(number).into_iter();
        for (level, at) in levels.chain(dimension.placed_groupings(number)) {
            let Some(name) = level.lookup else { continue };
            let pairs = named(definition, &name, files, &at)?;
            lookups.insert(name, pairs);
        }
    }
    for (number, table) in definition.tables.iter().enumerate() {
        for (at, measure) in table.measures.iter().enumerate() {
            let Some(rate) = &measure.rate else { continue };
            let at = location!["table", number, "measure", at, "rate"];
            lookups.insert(rate.lookup.clone(), named(definition, &rate.lookup, files, &at)?);
        }
    }
    Ok(lookups)
}

/// One look-up, by its name.
pub(crate) fn named(
    definition: &Definition,
    name: &str,
    files: &BTreeMap<String, PathBuf>,
    at: &Location,
) -> Result<Vec<(String, String)>, AggregateError> {
    let path = files.get(name).ok_or_else(|| {
        let suggestion = did_you_mean(name, files.keys().map(String::as_str));
        let what = format!("there is no look-up {name} under [lookups]; {suggestion}");
        definition.rule(at.clone(), what)
    })?;
    read(path)
}

/// Reads a look-up: `category,group,…` with a header row, in the file's order.
///
/// # Errors
/// [`AggregateError::Lookup`] where the file cannot be read, a row has no group, or a category stands twice.
pub fn read(path: &Path) -> Result<Vec<(String, String)>, AggregateError> {
    let wrong = |why: &str| AggregateError::Lookup { path: path.to_owned(), why: why.to_owned() };
    let mut reader = csv::Reader::from_path(path).map_err(|_| wrong("cannot be read as CSV"))?;
    let mut rows = Vec::new();
    let mut seen = BTreeSet::new();
    for record in reader.records() {
        let record = record.map_err(|_| wrong("is malformed"))?;
        let (Some(category), Some(group)) = (record.get(0), record.get(1)) else {
            return Err(wrong("has rows without a category and a group"));
        };
        if !seen.insert(category.to_owned()) {
            return Err(wrong("names a category twice"));
        }
        rows.push((category.to_owned(), group.to_owned()));
    }
    Ok(rows)
}
