//! The scope of a purpose: the sentence of the privacy notice that names it, and the columns that it may use.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use minster_model::{ColumnName, SourceName, TableName};
use serde::{Deserialize, Serialize};

use crate::bounds;

/// The version of the council's privacy notice that names a purpose, and the sentence that names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notice {
    /// The notice's version, from 1.
    pub version: u32,
    /// The day (ISO) on which this version was published.
    #[serde(deserialize_with = "bounds::text::<_, { bounds::SHORT }>")]
    pub day: String,
    /// The sentence, as it stands there.
    #[serde(deserialize_with = "bounds::text::<_, { bounds::LINE }>")]
    pub sentence: String,
}

/// The sentence that an act outside a purpose would break: the end of a refusal. Empty for a purpose of before notices were named.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BrokenPromise(pub Option<Notice>);

impl fmt::Display for BrokenPromise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            None => Ok(()),
            Some(Notice { version, day, sentence }) => write!(
                f,
                ". It would break version {version} of the privacy notice ({day}): \"{sentence}\""
            ),
        }
    }
}

/// The columns of each source that a purpose may use. A source, table or column that is not named is not allowed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ColumnScope(pub BTreeMap<SourceName, SourceColumns>);

/// The word for all columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum All {
    /// All of them.
    #[serde(rename = "all")]
    All,
}

/// The columns of a source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum SourceColumns {
    /// Those of all its tables.
    Whole(All),
    /// Those of these tables.
    Tables(BTreeMap<TableName, TableColumns>),
}

/// The columns of a table, by their names in the dataset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum TableColumns {
    /// All of them.
    Whole(All),
    /// These.
    Some(BTreeSet<ColumnName>),
}

/// The columns of a table that a definition reads into a dataset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadColumns {
    /// The table.
    pub table: TableName,
    /// The columns, by their names in the dataset; match keys too.
    #[serde(deserialize_with = "bounds::list::<_, _, { bounds::SOME }>")]
    pub columns: Vec<ColumnName>,
}

impl ColumnScope {
    /// The tables and columns outside it, in words; none where all are within.
    pub fn outside(&self, source: &SourceName, read: &[ReadColumns]) -> Vec<String> {
        let tables = match self.0.get(source) {
            Some(SourceColumns::Whole(All::All)) => return Vec::new(),
            Some(SourceColumns::Tables(tables)) => Some(tables),
            None => None,
        };
        let mut outside = Vec::new();
        for ReadColumns { table, columns } in read.iter().filter(|read| !read.columns.is_empty()) {
            match tables.and_then(|tables| tables.get(table)) {
                Some(TableColumns::Whole(All::All)) => {}
                Some(TableColumns::Some(allowed)) => {
                    let others = columns.iter().filter(|column| !allowed.contains(*column));
                    outside.extend(others.map(|column| {
                        format!("the column {column} of the table {table} of {source}")
                    }));
                }
                None => outside.push(format!("the table {table} of {source}")),
            }
        }
        outside
    }

    /// Sources that it names.
    pub fn sources(&self) -> impl Iterator<Item = &SourceName> {
        self.0.keys()
    }
}

/// The first of what is outside a purpose, and how many more there are.
pub fn first_of(outside: &[String]) -> Option<String> {
    let first = outside.first()?;
    Some(match outside.len() - 1 {
        0 => first.clone(),
        1 => format!("{first}, and 1 more"),
        more => format!("{first}, and {more} more"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(table: &str, columns: &[&str]) -> ReadColumns {
        let columns = columns.iter().map(|column| column.parse().unwrap()).collect();
        ReadColumns { table: table.parse().unwrap(), columns }
    }

    #[test]
    fn a_scope_denies_what_it_does_not_name() {
        let scope: ColumnScope = serde_json::from_str(
            r#"{"census": "all", "hub": {"visits": ["upn", "outcome"], "teams": "all"}}"#,
        )
        .unwrap();
        let outside =
            |source: &str, read: &[ReadColumns]| scope.outside(&source.parse().unwrap(), read);
        assert!(outside("census", &[read("pupils", &["upn", "whatever"])]).is_empty());
        assert!(outside("hub", &[read("visits", &["upn"]), read("teams", &["x"])]).is_empty());
        // A table without a column that passes is no table of the dataset.
        assert!(outside("hub", &[read("staff", &[])]).is_empty());
        let found = outside("hub", &[read("visits", &["upn", "reason"]), read("staff", &["x"])]);
        let expected = ["the column reason of the table visits of hub", "the table staff of hub"];
        assert_eq!(found, expected);
        assert_eq!(
            first_of(&found).unwrap(),
            "the column reason of the table visits of hub, and 1 more"
        );
        assert_eq!(outside("police", &[read("cases", &["x"])]), ["the table cases of police"]);
        assert_eq!(first_of(&[]), None);
    }

    #[test]
    fn a_broken_promise_repeats_the_sentence_and_says_where_it_stands() {
        let notice = Notice { version: 3, day: "2026-09-01".into(), sentence: "We count.".into() };
        assert_eq!(
            BrokenPromise(Some(notice)).to_string(),
            ". It would break version 3 of the privacy notice (2026-09-01): \"We count.\""
        );
        assert_eq!(BrokenPromise(None).to_string(), "");
    }
}
