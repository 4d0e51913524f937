//! `matching.toml`: which tables tie identifiers together, and which summary columns a child gets.

use minster_model::{ColumnName, Period, SourceName, TableName};
use serde::Deserialize;

use crate::{
    condition::{CodeGroup, Condition},
    summary::Summary,
};

/// The whole file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Matching {
    /// Tables with a row a person: what they say about who is who.
    #[serde(rename = "identity")]
    pub identities: Vec<Identity>,
    /// Codes that conditions name together, with the dates between which each counts.
    #[serde(default, rename = "group")]
    pub groups: Vec<CodeGroup>,
    /// The summary columns of the integrated dataset, in order.
    #[serde(default, rename = "column")]
    pub columns: Vec<SummaryColumn>,
    /// Columns made of two summary columns.
    #[serde(default, rename = "ratio")]
    pub ratios: Vec<Ratio>,
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
    /// The column with the number by which the delivery's other tables name the row. It is a row's and no child's: the
    /// next delivery uses it again.
    #[serde(default)]
    pub row: Option<ColumnName>,
    /// The column with the keyed birth date.
    #[serde(default)]
    pub birth_date: Option<ColumnName>,
    /// The column with the keyed name, without the birth date: it tells twins under one number from one child whose
    /// birth date was mistyped.
    #[serde(default)]
    pub name: Option<ColumnName>,
    /// The columns with match keys, in the order in which they are tried.
    #[serde(default)]
    pub match_keys: Vec<ColumnName>,
    /// Whether its rows are pupils of the council's schools. Their source is the register: its numbers are believed before
    /// any other's.
    #[serde(default)]
    pub spine: bool,
    /// Which row of a child counts where a delivery has several, as a pupil of two schools has: the first of these that
    /// tells them apart decides, then the first row. All columns are taken from it.
    #[serde(default)]
    pub prefer: Vec<Preference>,
}

/// What one row of a child is preferred by.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preference {
    /// The column: codes in the order given, else the greatest date or number.
    pub column: ColumnName,
    /// Codes, the preferred first; any other comes after them.
    #[serde(default)]
    pub order: Vec<String>,
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
    /// The column that says which child a row is about. A row about a person is about its own child.
    #[serde(default)]
    pub child: Option<ColumnName>,
    /// What becomes of the rows. `by = "delivery"` orders them by the pipeline's deliveries.
    pub summary: Summary,
    /// Rows that count: all of these must hold.
    #[serde(default, rename = "where")]
    pub conditions: Vec<Condition>,
    /// What a blank says.
    #[serde(default)]
    pub blank: Blank,
}

impl SummaryColumn {
    /// The period of the only delivery that counts.
    pub fn present_in(&self) -> Option<&Period> {
        self.conditions.iter().find_map(|condition| condition.present_in.as_ref())
    }
}

/// What a blank says of a value that an earlier delivery had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Blank {
    /// Nothing: the latest known value stands.
    #[default]
    SaysNothing,
    /// The value is no longer known.
    Clears,
}

/// 1 where one count of a child is at least a share of another, else 0; not known where the other is 0.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ratio {
    /// Its name.
    pub name: ColumnName,
    /// The count above the line.
    pub of: ColumnName,
    /// The count below it.
    pub per: ColumnName,
    /// In a hundred: 10 for persistent absence.
    pub at_least_percent: u32,
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

    /// Whether a source is the register of pupils.
    pub fn is_register(&self, source: &SourceName) -> bool {
        self.identities.iter().any(|identity| identity.spine && identity.source == *source)
    }

    /// The table of persons of this name.
    pub fn identity(&self, source: &SourceName, table: &TableName) -> Option<&Identity> {
        self.identities.iter().find(|one| one.source == *source && one.table == *table)
    }
}
