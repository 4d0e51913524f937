//! A definition's text: the first year's layout in full, and each later one as its difference from the
//! one before.
//!
//! ```toml
//! name = "returns"
//! format = "csv"
//! years = ["2022-23", "2023-24"]
//!
//! [[table]]
//! name = "header"
//! file = "header.csv"
//! [table.columns]
//! CHILD = { treatment = "bridge", kind = "la-child-id" }
//! SEX = { treatment = "code", codes = ["M", "F"] }
//! NOTE = { treatment = "drop" }
//!
//! [[version]]
//! years = ["2024-25"]
//! [version.remove]
//! header = ["NOTE"]
//! [version.rename.header]
//! CHILD = "CHILDID"                 # its name in the dataset stays
//! [version.change.header]
//! SEX = { treatment = "code", codes = ["M", "F", "U"] }
//! [version.add.header]
//! UPN = { treatment = "pseudonymise", kind = "upn" }
//! ```
//!
//! A version may also add a `[[version.table]]`, take tables away (`remove_tables`), look for them elsewhere
//! (`[version.place.header]` with `file`, `sheet`), and change `name`, `format`, `dates`, `encoding`, `delimiter`
//! or `ignore`: so a return that is delivered as CSV here and as a workbook there is written once.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use minster_model::{ColumnName, Kind, SourceName, TableName, pipeline::IdentifierRule};
use serde::Deserialize;

use crate::{
    CodeLists, Column, DateForm, Definition, DefinitionError, Delimiter, Duplicates, Encoding,
    Format, Generalisation, MatchKey, Part, Table, Treatment, UnknownCode, ValueType,
};

/// Parses a definition's text: every version, each whole and checked.
pub fn layouts(text: &str, lists: &CodeLists) -> Result<Vec<Definition>, DefinitionError> {
    let mut current: DefinitionText =
        toml::from_str(text).map_err(|error| DefinitionError::Toml(Box::new(error)))?;
    let versions = std::mem::take(&mut current.versions);
    let mut definitions = vec![current.resolve(lists)?];
    for version in versions {
        let at = format!("version {}", version.years.join(", "));
        current
            .apply(version)
            .map_err(|(what, rule)| DefinitionError::rule(format!("{at}, {what}"), rule))?;
        definitions.push(current.resolve(lists).map_err(|error| match error {
            DefinitionError::Rule { what, rule } => {
                DefinitionError::Rule { what: format!("{at}, {what}"), rule }
            }
            error => error,
        })?);
    }
    one_version_a_period(&definitions.iter().collect::<Vec<_>>())?;
    Ok(definitions)
}

/// No period may fit two versions of a source.
pub(crate) fn one_version_a_period(definitions: &[&Definition]) -> Result<(), DefinitionError> {
    for (place, one) in definitions.iter().enumerate() {
        for other in definitions[..place].iter().filter(|other| other.name == one.name) {
            for year in &one.years {
                let both = other.years.iter().find(|known| {
                    known.starts_with(year.as_str()) || year.starts_with(known.as_str())
                });
                if let Some(known) = both {
                    return Err(DefinitionError::rule(
                        format!("{}, years", one.name),
                        format!(
                            "periods of `{year}` and of `{known}` fit two versions; exactly one must"
                        ),
                    ));
                }
            }
        }
    }
    Ok(())
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct DefinitionText {
    name: SourceName,
    format: Format,
    #[serde(default)]
    dates: Vec<DateForm>,
    years: Vec<String>,
    #[serde(default)]
    identifier: IdentifierRule,
    #[serde(default)]
    encoding: Encoding,
    #[serde(default)]
    delimiter: Delimiter,
    #[serde(default)]
    ignore: Vec<String>,
    #[serde(default)]
    unit: Option<String>,
    #[serde(rename = "table")]
    tables: Vec<TableText>,
    #[serde(default, rename = "version")]
    versions: Vec<VersionText>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct TableText {
    name: TableName,
    file: String,
    #[serde(default)]
    sheet: Option<String>,
    #[serde(default)]
    record: Option<String>,
    #[serde(default)]
    required: bool,
    #[serde(default)]
    duplicates: Duplicates,
    columns: BTreeMap<String, ColumnText>,
    #[serde(default, rename = "match_key")]
    match_keys: Vec<MatchKey>,
}

/// A difference from the version before.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct VersionText {
    years: Vec<String>,
    name: Option<SourceName>,
    format: Option<Format>,
    dates: Option<Vec<DateForm>>,
    encoding: Option<Encoding>,
    delimiter: Option<Delimiter>,
    ignore: Option<Vec<String>>,
    #[serde(default)]
    remove_tables: Vec<TableName>,
    #[serde(default)]
    remove: BTreeMap<TableName, Vec<String>>,
    #[serde(default)]
    rename: BTreeMap<TableName, BTreeMap<String, String>>,
    #[serde(default)]
    change: BTreeMap<TableName, BTreeMap<String, ColumnText>>,
    #[serde(default)]
    add: BTreeMap<TableName, BTreeMap<String, ColumnText>>,
    #[serde(default)]
    place: BTreeMap<TableName, PlaceText>,
    #[serde(default, rename = "table")]
    tables: Vec<TableText>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct PlaceText {
    file: Option<String>,
    sheet: Option<String>,
}

#[derive(Clone, Deserialize)]
#[serde(untagged)]
enum CodesText {
    Shared(String),
    Own(BTreeSet<String>),
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct ColumnText {
    treatment: String,
    kind: Option<Kind>,
    #[serde(rename = "as")]
    output: Option<ColumnName>,
    #[serde(rename = "type")]
    value_type: Option<ValueType>,
    codes: Option<CodesText>,
    map: Option<BTreeMap<String, String>>,
    unknown: Option<String>,
    #[serde(default)]
    labelled: bool,
    to: Option<String>,
    at: Option<Date>,
    lookup: Option<String>,
    bands: Option<Vec<i64>>,
    part: Option<Part>,
    #[serde(default)]
    required: bool,
    #[serde(default)]
    optional: bool,
}

/// What does not fit, and why.
type Misfit = (String, &'static str);

impl DefinitionText {
    fn apply(&mut self, version: VersionText) -> Result<(), Misfit> {
        self.years = version.years;
        self.name = version.name.unwrap_or_else(|| self.name.clone());
        self.format = version.format.unwrap_or(self.format);
        self.encoding = version.encoding.unwrap_or(self.encoding);
        self.delimiter = version.delimiter.unwrap_or(self.delimiter);
        if let Some(dates) = version.dates {
            self.dates = dates;
        }
        if let Some(ignore) = version.ignore {
            self.ignore = ignore;
        }
        for name in version.remove_tables {
            self.table(&name)?;
            self.tables.retain(|table| table.name != name);
        }
        for (name, columns) in version.remove {
            let table = self.table(&name)?;
            for column in columns {
                let removed = table.columns.remove(&column);
                removed.ok_or((format!("remove.{name}.{column}"), "there is no such column"))?;
            }
        }
        for (name, columns) in version.rename {
            let table = self.table(&name)?;
            for (from, to) in columns {
                table.rename(&from, to).map_err(|why| (format!("rename.{name}.{from}"), why))?;
            }
        }
        for (name, columns) in version.change {
            let table = self.table(&name)?;
            for (column, text) in columns {
                let replaced = table.columns.insert(column.clone(), text);
                replaced.ok_or((format!("change.{name}.{column}"), "there is no such column"))?;
            }
        }
        for (name, columns) in version.add {
            let table = self.table(&name)?;
            for (column, text) in columns {
                if table.columns.insert(column.clone(), text).is_some() {
                    return Err((format!("add.{name}.{column}"), "the column is there already"));
                }
            }
        }
        for (name, place) in version.place {
            let table = self.table(&name)?;
            table.file = place.file.unwrap_or_else(|| table.file.clone());
            table.sheet = place.sheet.or_else(|| table.sheet.take());
        }
        self.tables.extend(version.tables);
        Ok(())
    }

    fn table(&mut self, name: &TableName) -> Result<&mut TableText, Misfit> {
        let found = self.tables.iter_mut().find(|table| table.name == *name);
        found.ok_or_else(|| (format!("table {name}"), "the version before has no such table"))
    }

    fn resolve(&self, lists: &CodeLists) -> Result<Definition, DefinitionError> {
        let tables: Result<_, _> = self.tables.iter().map(|table| table.resolve(lists)).collect();
        let definition = Definition {
            name: self.name.clone(),
            format: self.format,
            dates: self.dates.clone(),
            years: self.years.clone(),
            identifier: self.identifier,
            encoding: self.encoding,
            delimiter: self.delimiter,
            ignore: self.ignore.clone(),
            unit: self.unit.clone(),
            tables: tables?,
        };
        definition.check()?;
        Ok(definition)
    }
}

impl TableText {
    /// A renamed column keeps its name in the dataset.
    fn rename(&mut self, from: &str, to: String) -> Result<(), &'static str> {
        let mut column = self.columns.remove(from).ok_or("there is no such column")?;
        if column.output.is_none() && column.treatment != "drop" {
            let name = crate::definition::plain_name(from);
            column.output = Some(name.parse().map_err(|_| "give the column an `as` first")?);
        }
        match self.columns.insert(to, column) {
            None => Ok(()),
            Some(_) => Err("the new name is another column's"),
        }
    }

    fn resolve(&self, lists: &CodeLists) -> Result<Table, DefinitionError> {
        let mut columns = BTreeMap::new();
        for (name, text) in &self.columns {
            let column = text.resolve(lists).map_err(|rule| {
                DefinitionError::rule(format!("table {}, column {name}", self.name), rule)
            })?;
            columns.insert(name.clone(), column);
        }
        Ok(Table {
            name: self.name.clone(),
            file: self.file.clone(),
            sheet: self.sheet.clone(),
            record: self.record.clone(),
            required: self.required,
            duplicates: self.duplicates,
            columns,
            match_keys: self.match_keys.clone(),
        })
    }
}

impl ColumnText {
    fn resolve(&self, lists: &CodeLists) -> Result<Column, String> {
        let treatment = match self.treatment.as_str() {
            "drop" => Treatment::Drop,
            "match-key" if self.part.is_none() => return Err("match-key needs a part".into()),
            "match-key" => Treatment::Drop,
            "pseudonymise" | "bridge" => Treatment::Pseudonymise(
                self.kind.clone().ok_or("pseudonymise and bridge need a kind")?,
            ),
            "keep" => match self.value_type {
                None => {
                    return Err("keep needs a type; free text has none and never passes".into());
                }
                Some(ValueType::Postcode) => {
                    return Err("a postcode is generalised or dropped".into());
                }
                Some(value_type) => Treatment::Keep(value_type),
            },
            "code" => self.code(lists)?,
            "generalise" => Treatment::Generalise(self.generalisation()?),
            _ => {
                return Err("a treatment is drop, match-key, pseudonymise, bridge, keep, code or generalise".into());
            }
        };
        Ok(Column {
            treatment,
            output: self.output.clone(),
            part: self.part,
            required: self.required,
            optional: self.optional,
        })
    }

    fn code(&self, lists: &CodeLists) -> Result<Treatment, String> {
        let mut list = match &self.codes {
            Some(CodesText::Shared(name)) => lists.get(name).cloned().ok_or_else(|| {
                format!("there is no code list `{name}`; it would stand in codes/{name}.toml")
            })?,
            Some(CodesText::Own(codes)) => {
                crate::CodeList { codes: codes.clone(), ..Default::default() }
            }
            None => Default::default(),
        };
        list.map.extend(self.map.clone().unwrap_or_default());
        if list.codes.is_empty() && list.map.is_empty() {
            return Err("code needs codes or a map".into());
        }
        let unknown = match self.unknown.clone().or(list.unknown) {
            Some(text) if text != "quarantine" => UnknownCode::Becomes(text),
            _ => UnknownCode::Quarantine,
        };
        Ok(Treatment::Code { codes: list.codes, map: list.map, unknown, labelled: self.labelled })
    }

    fn generalisation(&self) -> Result<Generalisation, String> {
        Ok(match self.to.as_deref() {
            Some("year") => Generalisation::Year,
            Some("month") => Generalisation::Month,
            Some("term") => Generalisation::Term,
            Some("academic-year") => Generalisation::AcademicYear,
            Some("age") => Generalisation::Age {
                at: self.at.ok_or("to = \"age\" needs a day: at = \"2024-08-31\"")?,
            },
            Some("district") => Generalisation::District,
            Some("sector") => Generalisation::Sector,
            Some("lookup") => Generalisation::Lookup {
                lookup: self.lookup.clone().ok_or("to = \"lookup\" needs a lookup")?,
                unknown: self.unknown.clone(),
            },
            Some("band") => {
                let bands = self.bands.clone().ok_or("to = \"band\" needs bands")?;
                if bands.is_empty() || !bands.is_sorted_by(|a, b| a < b) {
                    return Err("bands must ascend".into());
                }
                Generalisation::Band(bands)
            }
            _ => {
                return Err("generalise needs to = \"year\", \"month\", \"term\", \"academic-year\", \"age\", \"district\", \"sector\", \"lookup\" or \"band\"".into());
            }
        })
    }
}
