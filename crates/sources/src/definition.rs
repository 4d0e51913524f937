//! A source's definition: its files, tables and columns, and what each column may become.

use std::collections::{BTreeMap, BTreeSet};

use minster_model::{ColumnName, Kind, SourceName, TableName, pipeline::IdentifierRule};
use serde::Deserialize;

use crate::DateForm;

/// A whole definition, checked.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Definition {
    /// The source.
    pub name: SourceName,
    /// How its files are written.
    pub format: Format,
    /// The forms of its dates.
    #[serde(default)]
    pub dates: Vec<DateForm>,
    /// The periods it fits: a delivery's period must start with one of them.
    pub years: Vec<String>,
    /// What stands in a pupil-number column.
    #[serde(default)]
    pub identifier: IdentifierRule,
    /// CSV: the files' encoding.
    #[serde(default)]
    pub encoding: Encoding,
    /// Files (CSV) or element paths (XML) that are known and dropped.
    #[serde(default)]
    pub ignore: Vec<String>,
    /// XML: the path of the element that holds one child.
    #[serde(default)]
    pub unit: Option<String>,
    /// The tables.
    #[serde(rename = "table")]
    pub tables: Vec<Table>,
}

/// How files are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// Comma-separated values with a header row.
    Csv,
    /// XML, one element a child.
    Xml,
}

/// The encoding of a CSV file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Encoding {
    /// UTF-8, with or without a byte-order mark.
    #[default]
    #[serde(rename = "utf-8")]
    Utf8,
    /// Windows-1252.
    Windows1252,
}

/// One table: a file (CSV) or a repeated element (XML).
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// Its name in the dataset.
    pub name: TableName,
    /// The file's name; one `*` stands for any characters.
    pub file: String,
    /// XML: the record's path below the unit; `.` is the unit itself.
    #[serde(default)]
    pub record: Option<String>,
    /// Whether a delivery without it is incomplete.
    #[serde(default)]
    pub required: bool,
    /// What becomes of rows that are the same in every field.
    #[serde(default)]
    pub duplicates: Duplicates,
    /// The columns by their name in the file; XML: by their path below the record, `^/` from the
    /// unit, `.` the record's own text.
    pub columns: BTreeMap<String, Column>,
    /// Match keys made from the columns' parts.
    #[serde(default, rename = "match_key")]
    pub match_keys: Vec<MatchKey>,
}

/// What becomes of equal rows of one table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Duplicates {
    /// The second and later ones are counted as duplicates.
    #[default]
    Exact,
    /// Equal rows are different facts.
    Off,
}

/// A keyed hash of several parts; the parts themselves do not pass.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MatchKey {
    /// Its name; keys of the same name can be compared across sources.
    pub name: TableName,
    /// The parts, in order.
    pub parts: Vec<Part>,
}

/// What a part of a match key is, and so how it is made comparable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// A surname: its letters, upper case.
    Surname,
    /// A forename: its letters, upper case.
    Forename,
    /// A date of birth, ISO.
    BirthDate,
    /// A postcode without its blanks, upper case.
    Postcode,
}

/// One column.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "ColumnText")]
pub struct Column {
    /// What it becomes.
    pub treatment: Treatment,
    /// Its name in the dataset.
    pub output: Option<ColumnName>,
    /// The part that it gives to match keys.
    pub part: Option<Part>,
    /// Whether a blank cell sends the row to quarantine.
    pub required: bool,
    /// CSV: whether the file may lack it.
    pub optional: bool,
}

/// What a column becomes. See `facts` of the field: a council's notice and DfE's CBDS.
#[derive(Debug, Clone, PartialEq)]
pub enum Treatment {
    /// Gone (its part may still go into match keys).
    Drop,
    /// The keyed pseudonym of an identifier.
    Pseudonymise(Kind),
    /// As it is, typed. Free text has no type, so it never passes.
    Keep(ValueType),
    /// A code of a list, mapped to the current list's.
    Code {
        /// Codes that pass as they are.
        codes: BTreeSet<String>,
        /// Codes that pass as another.
        map: BTreeMap<String, String>,
        /// What becomes of any other.
        unknown: UnknownCode,
    },
    /// Coarser.
    Generalise(Generalisation),
}

/// What becomes of a code that is not in its list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UnknownCode {
    /// The row is quarantined.
    Quarantine,
    /// The cell becomes this code.
    Becomes(String),
}

/// The types that may be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ValueType {
    /// A day.
    Date,
    /// A whole number.
    Integer,
    /// A number.
    Decimal,
    /// True or false.
    Flag,
    /// At most 16 characters without a blank: a code whose list is not known here.
    Token,
    /// A postcode: to be generalised, never kept.
    Postcode,
}

/// How a value becomes coarser.
#[derive(Debug, Clone, PartialEq)]
pub enum Generalisation {
    /// A date: its year.
    Year,
    /// A date: its year and month, `2024-09`.
    Month,
    /// A date: the academic year it falls in, `2024-25` (from 1 September, as in England).
    AcademicYear,
    /// A postcode: its outward part.
    District,
    /// Anything: the value of a look-up.
    Lookup {
        /// The look-up's name in `pipeline.toml`.
        lookup: String,
        /// What stands for one that is not in it; without it the row is quarantined.
        unknown: Option<String>,
    },
    /// A number: the band it falls in, by the bands' lower bounds.
    Band(Vec<i64>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ColumnText {
    treatment: String,
    kind: Option<Kind>,
    #[serde(rename = "as")]
    output: Option<ColumnName>,
    #[serde(rename = "type")]
    value_type: Option<ValueType>,
    codes: Option<BTreeSet<String>>,
    map: Option<BTreeMap<String, String>>,
    unknown: Option<String>,
    to: Option<String>,
    lookup: Option<String>,
    bands: Option<Vec<i64>>,
    part: Option<Part>,
    #[serde(default)]
    required: bool,
    #[serde(default)]
    optional: bool,
}

impl TryFrom<ColumnText> for Column {
    type Error = String;

    fn try_from(text: ColumnText) -> Result<Self, String> {
        let ColumnText {
            treatment,
            kind,
            output,
            value_type,
            codes,
            map,
            unknown,
            to,
            lookup,
            bands,
            part,
            required,
            optional,
        } = text;
        let treatment = match treatment.as_str() {
            "drop" => Treatment::Drop,
            "match-key" if part.is_none() => return Err("match-key needs a part".into()),
            "match-key" => Treatment::Drop,
            "pseudonymise" | "bridge" => {
                Treatment::Pseudonymise(kind.ok_or("pseudonymise and bridge need a kind")?)
            }
            "keep" => match value_type {
                None => return Err("keep needs a type; free text has none and never passes".into()),
                Some(ValueType::Postcode) => return Err("a postcode is generalised or dropped".into()),
                Some(value_type) => Treatment::Keep(value_type),
            },
            "code" => {
                let (codes, map) = (codes.unwrap_or_default(), map.unwrap_or_default());
                if codes.is_empty() && map.is_empty() {
                    return Err("code needs codes or a map".into());
                }
                let unknown = unknown.map_or(UnknownCode::Quarantine, |text| match text.as_str() {
                    "quarantine" => UnknownCode::Quarantine,
                    _ => UnknownCode::Becomes(text),
                });
                Treatment::Code { codes, map, unknown }
            }
            "generalise" => Treatment::Generalise(match to.as_deref() {
                Some("year") => Generalisation::Year,
                Some("month") => Generalisation::Month,
                Some("academic-year") => Generalisation::AcademicYear,
                Some("district") => Generalisation::District,
                Some("lookup") => Generalisation::Lookup {
                    lookup: lookup.ok_or("to = \"lookup\" needs a lookup")?,
                    unknown,
                },
                Some("band") => {
                    let bands = bands.ok_or("to = \"band\" needs bands")?;
                    if bands.is_empty() || !bands.is_sorted_by(|a, b| a < b) {
                        return Err("bands must ascend".into());
                    }
                    Generalisation::Band(bands)
                }
                _ => return Err("generalise needs to = \"year\", \"month\", \"academic-year\", \"district\", \"lookup\" or \"band\"".into()),
            }),
            _ => return Err("a treatment is drop, match-key, pseudonymise, bridge, keep, code or generalise".into()),
        };
        Ok(Self { treatment, output, part, required, optional })
    }
}

/// What is wrong with a definition.
#[derive(Debug, thiserror::Error)]
pub enum DefinitionError {
    /// Not TOML, or a key or value that does not belong.
    #[error("{0}")]
    Toml(Box<toml::de::Error>),
    /// A rule of definitions is broken.
    #[error("{what}: {rule}")]
    Rule {
        /// Which table or column.
        what: String,
        /// The rule.
        rule: &'static str,
    },
}

impl Definition {
    /// Parses and checks a definition.
    pub fn parse(text: &str) -> Result<Self, DefinitionError> {
        let definition: Self =
            toml::from_str(text).map_err(|error| DefinitionError::Toml(Box::new(error)))?;
        definition.check()?;
        Ok(definition)
    }

    /// Whether a delivery of this period has the layout.
    pub fn fits(&self, period: &minster_model::Period) -> bool {
        self.years.iter().any(|year| period.as_str().starts_with(year.as_str()))
    }

    fn check(&self) -> Result<(), DefinitionError> {
        let rule = |what: String, rule| Err(DefinitionError::Rule { what, rule });
        if self.format == Format::Xml && self.unit.is_none() {
            return rule("unit".into(), "an XML source names the element that holds one child");
        }
        if self.tables.is_empty() {
            return rule("table".into(), "a source has at least one");
        }
        let mut names = BTreeSet::new();
        for table in &self.tables {
            let at = format!("table {}", table.name);
            if !names.insert(&table.name) {
                return rule(at, "two tables have the same name");
            }
            if table.record.is_some() != (self.format == Format::Xml) {
                return rule(at, "XML tables have a record, CSV tables have none");
            }
            table.check(&at)?;
        }
        Ok(())
    }
}

impl Table {
    /// The name that a column has in the dataset: `as`, or its last name in lower case.
    pub fn output_name(&self, column: &str) -> String {
        match self.columns.get(column).and_then(|column| column.output.as_ref()) {
            Some(name) => name.to_string(),
            None => column.rsplit('/').next().unwrap_or(column).to_lowercase(),
        }
    }

    fn check(&self, at: &str) -> Result<(), DefinitionError> {
        let rule = |what: String, rule| Err(DefinitionError::Rule { what, rule });
        let mut outputs = BTreeSet::new();
        let mut parts = BTreeSet::new();
        for (name, column) in &self.columns {
            let what = format!("{at}, column {name}");
            if column.treatment != Treatment::Drop && !outputs.insert(self.output_name(name)) {
                return rule(
                    what,
                    "two columns have the same name in the dataset; give one an `as`",
                );
            }
            if column.required && column.optional {
                return rule(what, "a column is required or optional, not both");
            }
            if let Some(part) = column.part
                && !parts.insert(part)
            {
                return rule(what, "two columns give the same part");
            }
        }
        for key in &self.match_keys {
            if key.parts.is_empty() || key.parts.iter().any(|part| !parts.contains(part)) {
                return rule(
                    format!("{at}, match key {}", key.name),
                    "each of its parts must be given by a column",
                );
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_column(column: &str) -> Result<Definition, DefinitionError> {
        Definition::parse(&format!(
            "name='s'\nformat='csv'\nyears=['2024']\n[[table]]\nname='t'\nfile='t.csv'\n[table.columns]\nc = {column}"
        ))
    }

    #[test]
    fn free_text_cannot_be_kept() {
        for column in [
            "{ treatment = 'keep' }",
            "{ treatment = 'keep', type = 'text' }",
            "{ treatment = 'keep', type = 'postcode' }",
            "{ treatment = 'publish' }",
            "{ treatment = 'code' }",
            "{ treatment = 'pseudonymise' }",
            "{ treatment = 'drop', misspelt = true }",
            "{ treatment = 'generalise', to = 'band', bands = [3, 1] }",
        ] {
            assert!(with_column(column).is_err(), "{column}");
        }
        assert!(with_column("{ treatment = 'keep', type = 'date' }").is_ok());
    }

    #[test]
    fn a_match_key_needs_its_parts() {
        let text = "name='s'\nformat='csv'\nyears=['2024']\n[[table]]\nname='t'\nfile='t.csv'\n[table.columns]\nc = { treatment='match-key', part='surname' }\n[[table.match_key]]\nname='k'\nparts=['surname','forename']";
        assert!(Definition::parse(text).unwrap_err().to_string().contains("match key k"));
    }
}
