//! `[report]` in `matching.toml`: by which columns the linkage report tells of children, and what no child can be.

use minster_model::{ColumnName, SourceName, TableName};
use serde::Deserialize;

use super::hiding::Smallest;
use crate::{
    MatchError,
    condition::Condition,
    definition::Matching,
    events::{Delivered, nearest},
};

/// The section.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Reporting {
    /// Columns by whose values rates are told: of the integrated dataset, or of tables of persons.
    pub groups: Vec<ColumnName>,
    /// Sources that should have a row about each pupil: the report says of how many they have.
    pub covers: Vec<SourceName>,
    /// The smallest count by value that is shown.
    pub smallest: Smallest,
    /// The column of the register's tables of persons with the year of birth: no event can be before it.
    pub birth_year: Option<ColumnName>,
    /// Columns of which no child has two values at once.
    pub one_at_once: Vec<OneAtOnce>,
}

/// A column of which a child has one value at most in one delivery: the school of the main registration.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OneAtOnce {
    /// The name for two of them, in the report's words.
    pub name: String,
    /// The source.
    pub source: SourceName,
    /// Its table of persons.
    pub table: TableName,
    /// The column.
    pub column: ColumnName,
    /// Rows that count: all of these must hold.
    #[serde(rename = "where", default)]
    pub conditions: Vec<Condition>,
}

impl OneAtOnce {
    /// The columns that it reads.
    pub(crate) fn columns(&self) -> impl Iterator<Item = &ColumnName> {
        let tested = self.conditions.iter().flat_map(|condition| condition.columns());
        tested.chain([&self.column])
    }
}

impl Reporting {
    /// Each column and source that it names must be there.
    ///
    /// # Errors
    /// [`MatchError::NoGroup`], [`MatchError::NoCover`], [`MatchError::NoTable`], each with the nearest name;
    /// [`MatchError::Condition`].
    pub(crate) fn check(
        &self,
        matching: &Matching,
        delivered: &[Delivered],
    ) -> Result<(), MatchError> {
        let mut known: Vec<&str> = columns(matching).map(ColumnName::as_str).collect();
        for identity in &matching.identities {
            let of_source = delivered.iter().filter(|one| one.source == identity.source);
            for entry in of_source.filter_map(|one| one.table(&identity.table)) {
                // A column of pseudonyms groups nobody.
                let codes =
                    entry.columns.iter().filter(|of| !of.data_type.starts_with("FixedSize"));
                known.extend(codes.map(|column| column.name.as_str()));
            }
        }
        for group in &self.groups {
            if !known.contains(&group.as_str()) {
                return Err(MatchError::NoGroup {
                    column: group.clone(),
                    nearest: nearest(group.as_str(), known.into_iter()),
                });
            }
        }
        let sources = matching.sources();
        if let Some(source) = self.covers.iter().find(|source| !sources.contains(source)) {
            return Err(MatchError::NoCover {
                source_name: source.clone(),
                nearest: nearest(source.as_str(), sources.iter().map(|source| source.as_str())),
            });
        }
        for one in &self.one_at_once {
            let OneAtOnce { source, table, .. } = one;
            if matching.identity(source, table).is_none() {
                let of_persons = matching.identities.iter().filter(|of| of.source == *source);
                return Err(MatchError::NoTable {
                    source_name: source.clone(),
                    table: table.clone(),
                    nearest: nearest(table.as_str(), of_persons.map(|of| of.table.as_str())),
                });
            }
            for condition in &one.conditions {
                condition
                    .check(&matching.groups)
                    .map_err(|why| MatchError::Condition { column: one.column.clone(), why })?;
            }
        }
        Ok(())
    }
}

/// The columns that the integrated dataset gets from the definition.
pub(crate) fn columns(matching: &Matching) -> impl Iterator<Item = &ColumnName> {
    let ratios = matching.ratios.iter().map(|ratio| &ratio.name);
    matching.columns.iter().map(|column| &column.name).chain(ratios)
}

/// The source of a column of the integrated dataset.
pub(crate) fn source_of<'a>(matching: &'a Matching, name: &ColumnName) -> Option<&'a SourceName> {
    let ratio = matching.ratios.iter().find(|ratio| ratio.name == *name);
    let name = ratio.map_or(name, |ratio| &ratio.of);
    matching.columns.iter().find(|column| column.name == *name).map(|column| &column.source)
}
