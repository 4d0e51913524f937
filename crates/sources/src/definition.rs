//! A source's definition: its files, tables and columns, and what each column may become.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use minster_model::{ColumnName, Kind, SourceName, TableName, pipeline::IdentifierRule};
use serde::Deserialize;

use crate::DateForm;

/// A whole definition, checked: one source in one year's layout.
#[derive(Debug, Clone)]
pub struct Definition {
    /// The source.
    pub name: SourceName,
    /// How its files are written.
    pub format: Format,
    /// The forms of its dates.
    pub dates: Vec<DateForm>,
    /// The periods it fits: a delivery's period must start with one of them.
    pub years: Vec<String>,
    /// What stands in a pupil-number column.
    pub identifier: IdentifierRule,
    /// CSV: the files' encoding.
    pub encoding: Encoding,
    /// CSV: what stands between two fields.
    pub delimiter: Delimiter,
    /// Files (CSV, Parquet), files or sheets (XLSX), or element paths (XML) that are known and dropped.
    pub ignore: Vec<String>,
    /// XML: the path of the element that holds one child.
    pub unit: Option<String>,
    /// The tables.
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
    /// A workbook (Office Open XML), a sheet a table.
    Xlsx,
    /// Parquet, one file a table.
    Parquet,
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
    #[serde(rename = "windows-1252")]
    Windows1252,
    /// UTF-16 with a byte-order mark, as Excel's "Unicode text" is.
    #[serde(rename = "utf-16")]
    Utf16,
}

/// What stands between two fields of a CSV file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
pub enum Delimiter {
    /// `,`
    #[default]
    #[serde(rename = ",")]
    Comma,
    /// `;`
    #[serde(rename = ";")]
    Semicolon,
    /// A tab.
    #[serde(rename = "\t", alias = "tab")]
    Tab,
    /// `|`
    #[serde(rename = "|")]
    Bar,
}

impl Delimiter {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Comma, Self::Semicolon, Self::Tab, Self::Bar];

    /// Its byte.
    pub fn byte(self) -> u8 {
        match self {
            Self::Comma => b',',
            Self::Semicolon => b';',
            Self::Tab => b'\t',
            Self::Bar => b'|',
        }
    }
}

/// One table: a file (CSV, Parquet), a sheet (XLSX) or a repeated element (XML).
#[derive(Debug, Clone)]
pub struct Table {
    /// Its name in the dataset.
    pub name: TableName,
    /// The file's name, without `.gz` and without a zip's folders; one `*` stands for any characters.
    pub file: String,
    /// XLSX: the sheet's name; one `*` stands for any characters.
    pub sheet: Option<String>,
    /// XML: the record's path below the unit; `.` is the unit itself.
    pub record: Option<String>,
    /// Whether a delivery without it is incomplete.
    pub required: bool,
    /// What becomes of rows that are the same in every field.
    pub duplicates: Duplicates,
    /// The columns by their name in the file; XML: by their path below the record, `^/` from the
    /// unit, `.` the record's own text.
    pub columns: BTreeMap<String, Column>,
    /// Match keys made from the columns' parts.
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
#[derive(Debug, Clone)]
pub struct Column {
    /// What it becomes.
    pub treatment: Treatment,
    /// Its name in the dataset.
    pub output: Option<ColumnName>,
    /// The part that it gives to match keys.
    pub part: Option<Part>,
    /// Whether a blank cell sends the row to quarantine.
    pub required: bool,
    /// CSV, XLSX, Parquet: whether the file may lack it.
    pub optional: bool,
}

/// What a column becomes. A council's privacy notice and DfE's common basic data set (CBDS) say what the
/// columns are; each variant says its rule.
#[derive(Debug, Clone, PartialEq)]
pub enum Treatment {
    /// Gone: names, addresses, free text (its part may still go into match keys, as a keyed hash alone).
    Drop,
    /// The keyed pseudonym of an identifier under the run's purpose. A `bridge` is the same of a
    /// service's own number, kept to join the source's tables and other sources.
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
        /// Whether the cell may be a line of a drop-down list, `a) N1 - Abuse`: a letter before the code, or
        /// words behind it.
        labelled: bool,
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
    /// A date: its calendar year, `2024`.
    Year,
    /// A date: its year and month, `2024-09`.
    Month,
    /// A date: its school term, `2025-spring`: autumn is 1 September to 31 December, spring 1 January to
    /// Easter Sunday, summer the day after to 31 August. So the school census divides the year where it
    /// collects attendance and exclusions (DfE, School census guide, "collection periods").
    Term,
    /// A date: the academic year it falls in, `2024-25`, from 1 September to 31 August (Education Act
    /// 1996, section 579: the school year begins at the start of the first term after July; DfE counts ages at 31 August).
    /// Of a birth date this is the group that starts school together.
    AcademicYear,
    /// A birth date: the whole years completed at the end of a named day. Who was born on 29 February is a
    /// year older from 1 March in other years. A birth after that day is out of range.
    Age {
        /// The day.
        at: Date,
    },
    /// A postcode: its outward part, `AB12` (Royal Mail, Postcode Address File: the inward part is a digit and two letters).
    District,
    /// A postcode: its outward part and the inward part's digit, `AB12 3`.
    Sector,
    /// Anything: the value of a look-up that the council names, such as the LSOA or ward of a postcode (Office
    /// for National Statistics, Postcode Directory). Case and white space do not matter.
    Lookup {
        /// The look-up's name in `pipeline.toml`.
        lookup: String,
        /// What stands for one that is not in it; without it the row is quarantined.
        unknown: Option<String>,
    },
    /// A whole number: the band it falls in, by the bands' lower bounds: `[5, 10]` gives `<5`, `5–9`, `10+`.
    Band(Vec<i64>),
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
        rule: String,
    },
}

impl DefinitionError {
    pub(crate) fn rule(what: impl Into<String>, rule: impl Into<String>) -> Self {
        Self::Rule { what: what.into(), rule: rule.into() }
    }
}

impl Definition {
    /// Parses and checks a definition that has one version and needs no shared code list.
    pub fn parse(text: &str) -> Result<Self, DefinitionError> {
        let mut layouts = crate::layouts(text, &crate::CodeLists::default())?;
        match layouts.pop() {
            Some(only) if layouts.is_empty() => Ok(only),
            _ => Err(DefinitionError::rule("version", "one is expected here")),
        }
    }

    /// Whether a delivery of this period has the layout.
    pub fn fits(&self, period: &minster_model::Period) -> bool {
        self.years.iter().any(|year| period.as_str().starts_with(year.as_str()))
    }

    pub(crate) fn check(&self) -> Result<(), DefinitionError> {
        let rule = |what: String, rule: &str| Err(DefinitionError::rule(what, rule));
        if self.years.is_empty() || self.years.iter().any(String::is_empty) {
            return rule("years".into(), "a layout names the periods it fits");
        }
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
                return rule(at, "XML tables have a record, others have none");
            }
            if table.sheet.is_some() != (self.format == Format::Xlsx) {
                return rule(at, "XLSX tables have a sheet, others have none");
            }
            table.check(&at)?;
        }
        Ok(())
    }
}

impl Table {
    /// The name that a column has in the dataset: `as`, or its last name in lower case, with `_` for
    /// whatever a name may not hold.
    pub fn output_name(&self, column: &str) -> String {
        if let Some(name) = self.columns.get(column).and_then(|column| column.output.as_ref()) {
            return name.to_string();
        }
        plain_name(column)
    }

    fn check(&self, at: &str) -> Result<(), DefinitionError> {
        let rule = |what: String, rule: &str| Err(DefinitionError::rule(what, rule));
        let mut outputs = BTreeSet::new();
        let mut parts = BTreeSet::new();
        for (name, column) in &self.columns {
            let what = format!("{at}, column {name}");
            let passes = column.treatment != Treatment::Drop;
            if passes && self.output_name(name).parse::<ColumnName>().is_err() {
                return rule(what, "its name cannot be a dataset's; give it an `as`");
            }
            if passes && !outputs.insert(self.output_name(name)) {
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

pub(crate) fn plain_name(column: &str) -> String {
    let last = column.rsplit('/').next().unwrap_or(column).to_lowercase();
    if last.parse::<ColumnName>().is_ok() {
        return last;
    }
    let words = last.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("_")
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
