//! A source's definition: its files, tables and columns, and what each column may become.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use minster_model::{ColumnName, SourceName, TableName, UNIT, pipeline::IdentifierRule};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::{Column, DateForm, Header, MatchKey, Numbers, TokenRule, Treatment};

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
    /// The content of a pupil-number column.
    pub identifier: IdentifierRule,
    /// CSV: the files' encoding.
    pub encoding: Encoding,
    /// CSV: what stands between two fields.
    pub delimiter: Delimiter,
    /// Whether what a spreadsheet does to an export is read: headings in another case or with spaces, titles above the
    /// header, a `sep=` line, blank columns at the end, another delimiter, UTF-16 or Windows-1252 unannounced.
    pub excel_exports: bool,
    /// Texts that mean a blank cell, in upper case.
    pub blanks: Vec<String>,
    /// XLSX: what becomes of a sheet that is no table.
    pub extra_sheets: ExtraSheets,
    /// Files (CSV, Parquet), files or sheets (XLSX), or element paths (XML) that are known and dropped.
    pub ignore: Vec<String>,
    /// XML: the path of the element that holds one child.
    pub unit: Option<String>,
    /// XML: where a file says what it is.
    pub header: Header,
    /// The tables.
    pub tables: Vec<Table>,
    /// The normal forms of service numbers.
    pub numbers: Arc<Numbers>,
}

/// The treatment of a workbook's sheet that no table lists and whose header is no table's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ExtraSheets {
    /// The source stops.
    #[default]
    Refuse,
    /// It is named and passed over, as guidance is.
    Ignore,
}

/// How files are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
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

/// The character between two fields of a CSV file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
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
    /// The patterns of the file's name, without `.gz` and without a zip's folders: a `*` stands for any characters, and case
    /// does not matter.
    pub files: Vec<String>,
    /// XLSX: what the sheet's name may be.
    pub sheets: Vec<String>,
    /// XML: the path of the element that holds one child, where it is not the definition's.
    pub unit: Option<String>,
    /// XML: the record's path below the unit; `.` is the unit itself. Where there are several, the first that a unit has counts.
    pub records: Vec<String>,
    /// Whether a delivery without it is incomplete.
    pub required: bool,
    /// The treatment of rows that are the same in every field.
    pub duplicates: Duplicates,
    /// Columns, by their names in the dataset, that with the child tell one event from another. Where absent, each row
    /// is an event of its own; where empty, a child has one.
    pub key: Option<Vec<String>>,
    /// The columns by their name in the file; XML: by their path below the record, `^/` from the
    /// unit, `.` the record's own text. `NAME#/POINTER` is a value in the JSON of the column `NAME` (RFC 6901, section 6).
    pub columns: BTreeMap<String, Column>,
    /// Match keys made from the columns' parts.
    pub match_keys: Vec<MatchKey>,
}

/// The treatment of equal rows of one table. Where a definition says nothing, a table with a key has exact duplicates,
/// and one without has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Duplicates {
    /// The second and later ones are counted as duplicates.
    Exact,
    /// Equal rows are different facts.
    Off,
}

/// A fault of a definition.
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

    /// Compiles the patterns of headings, codes and tokens.
    ///
    /// # Errors
    /// Where one is too large.
    pub(crate) fn compile_patterns(&self) -> Result<(), DefinitionError> {
        for table in &self.tables {
            for (name, column) in &table.columns {
                let wrong = |rule| {
                    DefinitionError::rule(format!("table {}, column {name}", table.name), rule)
                };
                if let Some(heading) = &column.heading {
                    heading.compile().map_err(wrong)?;
                }
                match &column.treatment {
                    Treatment::Token(TokenRule::Pattern(pattern)) => pattern.compile(),
                    Treatment::Code(codes) => codes.compile_patterns(),
                    _ => Ok(()),
                }
                .map_err(wrong)?;
            }
        }
        Ok(())
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
        if self.format != Format::Xml && self.header != Header::default() {
            return rule("header".into(), "XML sources may have one, others have none");
        }
        if self.tables.is_empty() {
            return rule("table".into(), "a source has at least one");
        }
        let units: BTreeSet<&str> = self
            .tables
            .iter()
            .filter_map(|table| table.unit.as_deref())
            .chain(self.unit.as_deref())
            .collect();
        let nested = |unit: &&str| {
            units.iter().any(|other| unit.starts_with(&format!("{}/", other.trim_end_matches('/'))))
        };
        if let Some(unit) = units.iter().copied().find(|unit| nested(unit)) {
            return rule(format!("unit {unit}"), "it stands inside another unit; make it a record");
        }
        let mut names = BTreeSet::new();
        for table in &self.tables {
            let at = format!("table {}", table.name);
            if !names.insert(&table.name) {
                return rule(at, "two tables have the same name");
            }
            if table.records.is_empty() == (self.format == Format::Xml) {
                return rule(at, "XML tables have a record, others have none");
            }
            if table.sheets.is_empty() == (self.format == Format::Xlsx) {
                return rule(at, "XLSX tables have a sheet, others have none");
            }
            if table.unit.is_some() && self.format != Format::Xml {
                return rule(at, "XML tables may have a unit of their own, others have none");
            }
            if table.files.is_empty() {
                return rule(at, "it names the file that it stands in");
            }
            if self.format == Format::Xml && table.outputs().any(|(_, output)| output == UNIT) {
                return rule(
                    at,
                    "the dataset numbers its units under the name `unit`; give it an `as`",
                );
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

    /// The columns that pass, by their names in the file and in the dataset. One gives its value and its cohort.
    pub fn outputs(&self) -> impl Iterator<Item = (&str, String)> {
        let passing = self.columns.iter().filter(|(_, column)| column.treatment != Treatment::Drop);
        let passing = passing.map(|(name, _)| (name.as_str(), self.output_name(name)));
        let cohorts = self.columns.iter().filter_map(|(name, column)| {
            Some((name.as_str(), column.cohort.as_ref()?.output.to_string()))
        });
        passing.chain(cohorts)
    }

    /// A column's name in the file, and what is drawn out of its JSON.
    pub(crate) fn source_of(column: &str) -> (&str, Option<&str>) {
        match column.find("#/") {
            Some(at) => (&column[..at], Some(&column[at + 1..])),
            None => (column, None),
        }
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
            if let Some(cohort) = &column.cohort
                && !outputs.insert(cohort.output.to_string())
            {
                return rule(what, "its cohort has the name of another column");
            }
            if column.also.iter().any(|also| also.contains("#/")) {
                return rule(what, "`also` names columns; a value in JSON has a line of its own");
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
        for column in self.key.iter().flatten() {
            if !outputs.contains(column) {
                return rule(
                    format!("{at}, key"),
                    "each of its columns must be one of the dataset's",
                );
            }
        }
        for key in &self.match_keys {
            if let Err(why) = key.check_name() {
                return rule(format!("{at}, match key {}", key.name), why);
            }
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
    use crate::Fault;

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
    fn a_key_names_columns_of_the_dataset() {
        let table = |more: &str, column: &str| {
            Definition::parse(&format!(
                "name='s'\nformat='csv'\nyears=['2024']\n[[table]]\nname='t'\nfile='t.csv'\n{more}\n[table.columns]\nSTART = {column}"
            ))
        };
        let date = "{ treatment = 'keep', type = 'date', as = 'start' }";
        let known =
            |more| table(more, date).map(|definition| definition.tables[0].clone()).unwrap();
        assert_eq!(known("").key, None);
        assert_eq!(known("key=[]").key, Some(Vec::new()));
        assert_eq!(known("key=['start']").key, Some(vec!["start".to_owned()]));
        // Without a key, equal rows are two events.
        assert_eq!(known("").duplicates, Duplicates::Off);
        assert_eq!(known("key=[]").duplicates, Duplicates::Exact);
        assert_eq!(known("key=[]\nduplicates='off'").duplicates, Duplicates::Off);
        assert_eq!(known("duplicates='exact'").duplicates, Duplicates::Exact);
        for (key, column) in [("START", date), ("end", date), ("start", "{ treatment = 'drop' }")] {
            let wrong = table(&format!("key=['{key}']"), column).unwrap_err();
            assert!(wrong.to_string().contains("table t, key"), "{wrong}");
        }
    }

    #[test]
    fn no_column_of_an_xml_table_has_the_name_of_its_units_number() {
        let table = |name: &str| {
            Definition::parse(&format!(
                "name='s'\nformat='xml'\nunit='/a'\nyears=['2024']\n[[table]]\nname='t'\nfile='*.xml'\nrecord='.'\n[table.columns]\nUnit = {{ treatment = 'keep', type = 'flag'{name} }}"
            ))
        };
        assert!(table("").unwrap_err().to_string().contains("`unit`"));
        assert!(table(", as = 'ward_unit'").is_ok());
    }

    #[test]
    fn a_match_key_needs_its_parts() {
        let text = "name='s'\nformat='csv'\nyears=['2024']\n[[table]]\nname='t'\nfile='t.csv'\n[table.columns]\nc = { treatment='match-key', part='surname' }\n[[table.match_key]]\nname='k'\nparts=['surname','forename']";
        assert!(Definition::parse(text).unwrap_err().to_string().contains("match key k"));
    }

    #[test]
    fn a_row_without_its_keys_or_its_required_cells_is_set_aside() {
        let fault = |column: &str| with_column(column).map(|d| d.tables[0].columns["c"].fault());
        for (column, expected) in [
            ("{ treatment = 'keep', type = 'date' }", Fault::Blank),
            ("{ treatment = 'keep', type = 'date', fault = 'quarantine' }", Fault::Quarantine),
            ("{ treatment = 'keep', type = 'date', required = true }", Fault::Quarantine),
            ("{ treatment = 'drop', part = 'birth-date' }", Fault::Quarantine),
            ("{ treatment = 'pseudonymise', kind = 'upn' }", Fault::Blank),
            ("{ treatment = 'pseudonymise', kind = 'upn', required = true }", Fault::Quarantine),
            ("{ treatment = 'bridge', kind = 'x', fault = 'quarantine' }", Fault::Quarantine),
        ] {
            assert_eq!(fault(column).unwrap(), expected, "{column}");
        }
    }
}
