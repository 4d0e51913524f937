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
        if read.iter().all(|read| read.columns.is_empty()) {
            outside.push(format!("{source} without a word on the columns that are read"));
        }
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

    /// The first of a source that it allows and another one does not, in words.
    pub fn wider_than(&self, before: &Self, source: &SourceName) -> Option<String> {
        match (self.0.get(source)?, before.0.get(source)) {
            (_, Some(SourceColumns::Whole(All::All))) => None,
            (SourceColumns::Whole(All::All), _) => Some(format!("all columns of {source}")),
            (SourceColumns::Tables(tables), _) => tables.iter().find_map(|(table, columns)| {
                let before = match before.0.get(source) {
                    Some(SourceColumns::Tables(before)) => before.get(table),
                    _ => None,
                };
                match (columns, before) {
                    (_, Some(TableColumns::Whole(All::All))) => None,
                    (TableColumns::Whole(All::All), _) => {
                        Some(format!("all columns of the table {table} of {source}"))
                    }
                    (TableColumns::Some(columns), before) => {
                        let stood = |column: &&ColumnName| match before {
                            Some(TableColumns::Some(before)) => before.contains(*column),
                            _ => false,
                        };
                        let new = columns.iter().find(|column| !stood(column))?;
                        Some(format!("the column {new} of the table {table} of {source}"))
                    }
                }
            }),
        }
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
        // A run that says nothing of its columns is outside, wherever they are named.
        assert_eq!(
            outside("hub", &[read("visits", &[])]),
            ["hub without a word on the columns that are read"]
        );
        assert!(outside("census", &[]).is_empty());
        // A table without a column that passes is no table of the dataset.
        assert!(outside("hub", &[read("visits", &["upn"]), read("staff", &[])]).is_empty());
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
    fn a_scope_is_wider_by_a_source_a_table_or_a_column() {
        let scope = |text: &str| serde_json::from_str::<ColumnScope>(text).unwrap();
        let before = scope(r#"{"hub": {"visits": ["upn"], "teams": "all"}, "census": "all"}"#);
        let wider =
            |text: &str, source: &str| scope(text).wider_than(&before, &source.parse().unwrap());
        for same in [r#"{"hub": {"visits": ["upn"], "teams": ["x"]}}"#, r#"{"census": "all"}"#] {
            let of = if same.contains("hub") { "hub" } else { "census" };
            assert_eq!(wider(same, of), None, "{same}");
        }
        for (text, source, expected) in [
            (
                r#"{"hub": {"visits": ["upn", "x"]}}"#,
                "hub",
                "the column x of the table visits of hub",
            ),
            (r#"{"hub": {"visits": "all"}}"#, "hub", "all columns of the table visits of hub"),
            (r#"{"hub": {"staff": ["x"]}}"#, "hub", "the column x of the table staff of hub"),
            (r#"{"hub": "all"}"#, "hub", "all columns of hub"),
            (r#"{"police": "all"}"#, "police", "all columns of police"),
        ] {
            assert_eq!(wider(text, source).as_deref(), Some(expected), "{text}");
        }
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
