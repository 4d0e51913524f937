use std::{collections::BTreeMap, path::Path};

use crate::AggregateError;

/// Reads `category,group,…` with a header row, in the file's order.
pub(crate) fn read(path: &Path) -> Result<Vec<(String, String)>, AggregateError> {
    let wrong = |why: &str| AggregateError::Lookup { path: path.to_owned(), why: why.to_owned() };
    let mut reader = csv::Reader::from_path(path).map_err(|_| wrong("cannot be read as CSV"))?;
    let mut rows = Vec::new();
    let mut seen = BTreeMap::new();
    for record in reader.records() {
        let record = record.map_err(|_| wrong("is malformed"))?;
        let (Some(category), Some(group)) = (record.get(0), record.get(1)) else {
            return Err(wrong("has rows without a category and a group"));
        };
        if seen.insert(category.to_owned(), ()).is_some() {
            return Err(wrong("names a category twice"));
        }
        rows.push((category.to_owned(), group.to_owned()));
    }
    Ok(rows)
}
