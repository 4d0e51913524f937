//! `columns.toml`: derived columns that several definitions use. A definition takes those that it uses, so that it says by
//! itself what a release was made from.

use std::path::Path;

use minster_model::ColumnName;
use serde::Deserialize;

use crate::{
    definition::{
        check_columns,
        derived_column::DerivedColumn,
        each,
        location::{self, Step, location},
        release_definition::Definition,
    },
    error::AggregateError,
};

/// The derived columns of a pipeline.
#[derive(Debug, Clone, Default)]
pub struct SharedColumns {
    columns: Vec<DerivedColumn>,
    file: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ColumnsFile {
    #[serde(default, rename = "column")]
    columns: Vec<DerivedColumn>,
}

impl SharedColumns {
    /// The names of the columns.
    pub fn names(&self) -> impl Iterator<Item = &ColumnName> {
        self.columns.iter().map(|column| &column.name)
    }

    /// Parses the file; `path` is its name for messages.
    ///
    /// # Errors
    /// [`AggregateError::Columns`] with the line, where it is not TOML of this shape or a column is not one.
    pub fn parse(text: &str, path: &Path) -> Result<Self, AggregateError> {
        let wrong = |why: String| AggregateError::Columns { why };
        let at = |place: usize, why: String| {
            let line = location::line(text, &[Step::Key("column"), Step::Index(place)]);
            let line = line.map(|line| format!("line {line}: ")).unwrap_or_default();
            wrong(format!("{line}{why}"))
        };
        let ColumnsFile { columns } =
            toml::from_str(text).map_err(|error: toml::de::Error| wrong(error.to_string()))?;
        let (mut written, mut places) = (Vec::new(), Vec::new());
        for (place, column) in columns.iter().enumerate() {
            let all = each::columns(column);
            let all = all.map_err(|why| at(place, format!("the column {}: {why}", column.name)))?;
            places.extend(all.iter().map(|_| place));
            written.extend(all);
        }
        // As they are written out: two codes may give one name.
        if let Some((place, why)) = check_columns::fault(&written) {
            return Err(at(places.get(place).copied().unwrap_or_default(), why));
        }
        let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Self { columns: written, file })
    }

    /// The columns, in the file's order.
    pub fn iter(&self) -> impl Iterator<Item = &DerivedColumn> {
        self.columns.iter()
    }

    /// Gives a definition those that it uses, in the file's order, behind its own.
    pub(crate) fn lend(&self, definition: &mut Definition) -> Result<(), AggregateError> {
        let find = |name: &ColumnName| self.columns.iter().position(|of| of.name == *name);
        for (place, own) in definition.columns.iter().enumerate() {
            if find(&own.name).is_some() {
                let what = format!(
                    "{} derives a column {} for all definitions: use that one, or give yours another name",
                    self.file, own.name
                );
                return Err(definition.rule(location!["column", place, "name"], what));
            }
        }
        let named = definition.named_columns().into_iter().map(|(name, _)| name.clone());
        let derived = definition.columns.iter().flat_map(|of| of.is.inputs()).cloned();
        let mut open: Vec<ColumnName> = named.chain(derived).collect();
        let mut used = vec![false; self.columns.len()];
        while let Some(name) = open.pop() {
            if let Some(place) = find(&name)
                && !std::mem::replace(&mut used[place], true)
            {
                open.extend(self.columns[place].is.inputs().into_iter().cloned());
            }
        }
        let lent = self.columns.iter().zip(used).filter(|(_, used)| *used);
        definition.columns.extend(lent.map(|(column, _)| column.clone()));
        Ok(())
    }
}
