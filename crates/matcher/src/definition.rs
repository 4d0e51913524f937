//! `matching.toml`: which tables tie identifiers together, and which summary columns a child gets.

use minster_model::{ColumnName, SourceName, TableName};
use serde::Deserialize;

use crate::summary::Summary;

/// The whole file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Matching {
    /// Tables with a row a person: what they say about who is who.
    #[serde(rename = "identity")]
    pub identities: Vec<Identity>,
    /// The summary columns of the integrated dataset, in order.
    #[serde(default, rename = "column")]
    pub columns: Vec<SummaryColumn>,
}

/// A table with a row a person.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// The source.
    pub source: SourceName,
    /// Its table.
    pub table: TableName,
    /// The columns with the person's identifiers; the first is the current pupil number, where there
    /// is one. Identifiers in one row are one child's: so a service's own number is a bridge.
    pub identifiers: Vec<ColumnName>,
    /// The column with the keyed birth date.
    #[serde(default)]
    pub birth_date: Option<ColumnName>,
    /// The columns with match keys, in the order in which they are tried.
    #[serde(default)]
    pub match_keys: Vec<ColumnName>,
    /// Whether its rows are pupils of the council's schools.
    #[serde(default)]
    pub spine: bool,
}

/// One summary column of the integrated dataset.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SummaryColumn {
    /// Its name.
    pub name: ColumnName,
    /// The source.
    pub source: SourceName,
    /// Its table.
    pub table: TableName,
    /// The column that says which child a row is about.
    pub child: ColumnName,
    /// What becomes of the rows. `by = "delivery"` orders them by the pipeline's deliveries.
    pub summary: Summary,
    /// Rows that count: all of these must hold.
    #[serde(default, rename = "where")]
    pub conditions: Vec<Condition>,
}

/// A condition on a text column.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// The column.
    pub column: ColumnName,
    /// The values that pass.
    #[serde(rename = "in")]
    pub values: Vec<String>,
}

/// The name of the order of deliveries, as a summary's `by`.
pub const DELIVERY: &str = "delivery";

impl Matching {
    /// Parses the file.
    pub fn parse(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }

    /// The sources it reads, each once, in order.
    pub fn sources(&self) -> Vec<&SourceName> {
        let identities = self.identities.iter().map(|identity| &identity.source);
        let mut sources: Vec<_> =
            identities.chain(self.columns.iter().map(|column| &column.source)).collect();
        sources.sort();
        sources.dedup();
        sources
    }
}
