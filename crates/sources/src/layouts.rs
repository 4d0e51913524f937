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

use std::{collections::BTreeMap, sync::Arc};

mod text;

use jiff::civil::Date;
use minster_model::{LinkagePart, TableName};

use self::text::{
    CodesText, ColumnText, DefinitionText, TableText, ToText, TreatmentText, TypeText, VersionText,
};
use crate::{
    CodeList, CodeLists, Cohort, Column, Definition, DefinitionError, Duplicates, Fault,
    Generalisation, Part, Pattern, Table, TokenRule, Treatment, UnknownCode, ValueType,
};

/// Different tokens of one column in a delivery, where a definition says nothing.
const DISTINCT_TOKENS: usize = 100;

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

/// A misfit, and why.
type Misfit = (String, &'static str);

impl DefinitionText {
    fn apply(&mut self, version: VersionText) -> Result<(), Misfit> {
        self.years = version.years;
        self.name = version.name.unwrap_or_else(|| self.name.clone());
        self.format = version.format.unwrap_or(self.format);
        self.encoding = version.encoding.unwrap_or(self.encoding);
        self.delimiter = version.delimiter.unwrap_or(self.delimiter);
        self.extra_sheets = version.extra_sheets.unwrap_or(self.extra_sheets);
        if let Some(dates) = version.dates {
            self.dates = dates;
        }
        if let Some(blanks) = version.blanks {
            self.blanks = blanks;
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
            for (ours, theirs) in [
                (&mut table.file, place.file),
                (&mut table.sheet, place.sheet),
                (&mut table.record, place.record),
            ] {
                if let Some(theirs) = theirs {
                    *ours = theirs;
                }
            }
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
            excel_exports: self.excel_exports,
            blanks: self.blanks.iter().map(|blank| blank.trim().to_uppercase()).collect(),
            extra_sheets: self.extra_sheets,
            ignore: self.ignore.clone(),
            unit: self.unit.clone(),
            header: self.header.clone(),
            tables: tables?,
            numbers: Arc::default(),
        };
        definition.check()?;
        Ok(definition)
    }
}

impl TableText {
    /// A renamed column keeps its name in the dataset.
    fn rename(&mut self, from: &str, to: String) -> Result<(), &'static str> {
        let mut column = self.columns.remove(from).ok_or("there is no such column")?;
        if column.output.is_none() && column.treatment != TreatmentText::Drop {
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
            files: self.file.all(),
            sheets: self.sheet.all(),
            unit: self.unit.clone(),
            records: self.record.all(),
            required: self.required,
            duplicates: self.duplicates.unwrap_or(match self.key {
                Some(_) => Duplicates::Exact,
                None => Duplicates::Off,
            }),
            key: self.key.clone(),
            columns,
            match_keys: self.match_keys.clone(),
        })
    }
}

impl ColumnText {
    fn resolve(&self, lists: &CodeLists) -> Result<Column, String> {
        let token = self.value_type == Some(TypeText::Token);
        if !token && (self.pattern.is_some() || self.distinct.is_some()) {
            return Err("`pattern` and `distinct` belong to a token".into());
        }
        let treatment = match self.treatment {
            TreatmentText::Drop => Treatment::Drop,
            TreatmentText::MatchKey if self.part.is_none() => {
                return Err("match-key needs a part".into());
            }
            TreatmentText::MatchKey => Treatment::Drop,
            TreatmentText::Pseudonymise | TreatmentText::Bridge => Treatment::Pseudonymise(
                self.kind.clone().ok_or("pseudonymise and bridge need a kind")?,
            ),
            TreatmentText::Keep => match self.value_type {
                None => {
                    return Err("keep needs a type; free text has none and never passes".into());
                }
                Some(TypeText::Postcode) => {
                    return Err("a postcode is generalised or dropped".into());
                }
                Some(TypeText::Date) => Treatment::Keep(ValueType::Date),
                Some(TypeText::Integer) => Treatment::Keep(ValueType::Integer),
                Some(TypeText::Decimal) => Treatment::Keep(ValueType::Decimal),
                Some(TypeText::Flag) => Treatment::Keep(ValueType::Flag),
                Some(TypeText::Token) => Treatment::Token(self.token()?),
            },
            TreatmentText::Code => self.code(lists)?,
            TreatmentText::Generalise => Treatment::Generalise(self.generalisation()?),
        };
        if self.linkage == Some(LinkagePart::Sex) && !matches!(treatment, Treatment::Code(_)) {
            return Err("a sex for scored matching is a code: sources have it in many words".into());
        }
        Ok(Column {
            treatment,
            also: self.also.clone(),
            heading: self.heading.as_deref().map(Pattern::anywhere).transpose()?,
            output: self.output.clone(),
            cohort: self.cohort()?,
            meaning: self.meaning.clone(),
            part: self.part,
            linkage: self.linkage,
            required: self.required,
            optional: self.optional,
            fault: match self.unknown.as_deref() {
                Some("quarantine") => Fault::Quarantine,
                _ => self.fault,
            },
            person_name: self.person_name
                || matches!(self.part, Some(Part::Surname | Part::Forename))
                || matches!(self.linkage, Some(LinkagePart::Surname | LinkagePart::Forename)),
        })
    }

    fn cohort(&self) -> Result<Option<Cohort>, String> {
        let Some(text) = &self.cohort else { return Ok(None) };
        let numbers = text.at.split_once('-').filter(|_| text.at.len() == 5);
        let numbers =
            numbers.and_then(|(month, day)| Some((month.parse().ok()?, day.parse().ok()?)));
        // A day that a leap year alone has is not in each year.
        let is_day = |(month, day): &(i8, i8)| Date::new(2023, *month, *day).is_ok();
        let (month, day) = numbers.filter(is_day).ok_or(
            "a cohort is at a day of each year: cohort = { at = \"08-31\", as = \"cohort\" }",
        )?;
        Ok(Some(Cohort { month, day, output: text.output.clone() }))
    }

    fn token(&self) -> Result<TokenRule, String> {
        match (&self.pattern, self.distinct) {
            (Some(_), Some(_)) => Err("a token has a pattern or a bound, not both".into()),
            (Some(pattern), None) => Ok(TokenRule::Pattern(Pattern::whole(pattern)?)),
            (None, bound) => Ok(TokenRule::Distinct(bound.unwrap_or(DISTINCT_TOKENS))),
        }
    }

    fn code(&self, lists: &CodeLists) -> Result<Treatment, String> {
        let list = match &self.codes {
            Some(CodesText::Shared(name)) => {
                let found = lists.get(name).ok_or_else(|| {
                    format!("there is no code list `{name}`; it would stand in codes/{name}.toml")
                })?;
                Arc::clone(found)
            }
            Some(CodesText::Own(codes)) => Arc::new(CodeList::own(codes.clone())),
            None => Arc::default(),
        };
        let list = match &self.map {
            Some(map) => Arc::new(list.with(map)),
            None => list,
        };
        if list.codes.is_empty() && list.map.is_empty() {
            return Err("code needs codes or a map".into());
        }
        let unknown = match self.unknown.clone().or_else(|| list.unknown.clone()) {
            Some(text) if text == "quarantine" => UnknownCode::Quarantine,
            Some(text) => UnknownCode::Becomes(text),
            None if self.fault == Fault::Quarantine => UnknownCode::Quarantine,
            None => UnknownCode::Blank,
        };
        Ok(Treatment::Code(Arc::new(list.compile(self.level, unknown)?)))
    }

    fn generalisation(&self) -> Result<Generalisation, String> {
        Ok(match self.to {
            Some(ToText::Year) => Generalisation::Year,
            Some(ToText::Month) => Generalisation::Month,
            Some(ToText::Term) => Generalisation::Term,
            Some(ToText::AcademicYear) => Generalisation::AcademicYear,
            Some(ToText::Age) => Generalisation::Age {
                at: self.at.ok_or("to = \"age\" needs a day: at = \"2024-08-31\"")?,
            },
            Some(ToText::District) => Generalisation::District,
            Some(ToText::Sector) => Generalisation::Sector,
            Some(ToText::Lookup) => Generalisation::Lookup {
                lookup: self.lookup.clone().ok_or("to = \"lookup\" needs a lookup")?,
                unknown: self.unknown.clone(),
            },
            Some(ToText::Band) => {
                let bands = self.bands.clone().ok_or("to = \"band\" needs bands")?;
                if bands.is_empty() || !bands.is_sorted_by(|a, b| a < b) {
                    return Err("bands must ascend".into());
                }
                Generalisation::Band(bands)
            }
            None => {
                return Err("generalise needs to = \"year\", \"month\", \"term\", \"academic-year\", \"age\", \"district\", \"sector\", \"lookup\" or \"band\"".into());
            }
        })
    }
}

/// The JSON schema of definitions, for editors.
pub fn schema() -> schemars::Schema {
    schemars::schema_for!(DefinitionText)
}
