//! Cells in, cells out: each column's treatment applied to one of its values.

use std::{borrow::Cow, collections::HashMap, sync::Arc};

use jiff::civil::Date;
use minster_identifiers::{NhsNumber, OpaqueId, Uln, Upn, UpnField};
use minster_model::{Kind, pipeline::IdentifierRule};
use minster_sources::{
    Column, DateForm, Definition, Generalisation, Lookup, Part, Reason, Table, Treatment,
    UnknownCode, ValueType, parse_date, parse_decimal, parse_flag, parse_integer,
};
use minster_vault_api::Token;

use crate::{IngestError, generalise::generalise};

/// What a column of the dataset holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OutputType {
    Pseudonym,
    Date,
    Integer,
    Decimal,
    Flag,
    Text,
}

/// One column of the dataset.
#[derive(Debug, Clone)]
pub(crate) struct Output {
    pub(crate) name: String,
    pub(crate) output_type: OutputType,
    /// For pseudonyms, for which tokens stand: of what.
    pub(crate) kind: Option<Kind>,
}

/// One treated cell.
pub(crate) enum Cell<'a> {
    Null,
    /// What stands for a pseudonym in this run.
    Token(Token),
    /// An identifier whose token is still to be learnt.
    Identifier(Box<[u8]>),
    Date(i32),
    Integer(i64),
    Decimal(f64),
    Flag(bool),
    Text(Cow<'a, str>),
}

impl Cell<'_> {
    /// The identifier whose token is still to be learnt.
    pub(crate) fn identifier(&self) -> Option<&[u8]> {
        match self {
            Self::Identifier(identifier) => Some(identifier),
            _ => None,
        }
    }
}

/// What a spreadsheet shows where a formula failed, and writes into its exports (ECMA-376-1, 18.18.11).
const SPREADSHEET_ERRORS: [&str; 8] =
    ["#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NUM!", "#NULL!", "#GETTING_DATA"];

/// How one table's rows are treated.
pub(crate) struct Plan {
    pub(crate) outputs: Vec<Output>,
    pub(crate) columns: Vec<PlannedColumn>,
    pub(crate) keys: Vec<PlannedKey>,
    rule: IdentifierRule,
}

/// A column of the source and what becomes of it.
pub(crate) struct PlannedColumn {
    pub(crate) name: String,
    column: Column,
    lookup: Option<Arc<Lookup>>,
    dates: Vec<DateForm>,
    /// Its place among the outputs, where it passes.
    pub(crate) output: Option<usize>,
    /// The place of the output that says why an identifier is missing.
    pub(crate) state: Option<usize>,
}

impl PlannedColumn {
    /// Whether anything of it passes, or its rows can fail for it.
    pub(crate) fn passes(&self) -> bool {
        self.output.is_some() || self.column.part.is_some() || self.column.required
    }

    pub(crate) fn part(&self) -> Option<Part> {
        self.column.part
    }
}

/// A match key: its parts, and its place among the outputs.
pub(crate) struct PlannedKey {
    pub(crate) parts: Vec<Part>,
    pub(crate) kind: Kind,
    pub(crate) output: usize,
}

/// What one cell of the source became.
pub(crate) struct TreatedCell<'a> {
    pub(crate) cell: Cell<'a>,
    /// Why an identifier is missing, for columns that say so.
    pub(crate) state: &'static str,
    /// Its part of match keys.
    pub(crate) part: Option<String>,
}

impl Plan {
    pub(crate) fn new(
        definition: &Definition,
        table: &Table,
        rule: IdentifierRule,
        lookups: &HashMap<String, Arc<Lookup>>,
    ) -> Result<Self, IngestError> {
        let mut outputs = Vec::new();
        let mut columns = Vec::new();
        for (name, column) in &table.columns {
            let lookup = match &column.treatment {
                Treatment::Generalise(Generalisation::Lookup { lookup, .. }) => {
                    let found = lookups.get(lookup).ok_or_else(|| IngestError::NoLookup {
                        lookup: lookup.clone(),
                        table: table.name.to_string(),
                    })?;
                    Some(Arc::clone(found))
                }
                _ => None,
            };
            let (output_type, kind) = output_type(&column.treatment);
            let mut planned = PlannedColumn {
                name: name.clone(),
                column: column.clone(),
                lookup,
                dates: definition.dates.clone(),
                output: None,
                state: None,
            };
            if let Some(output_type) = output_type {
                let name = table.output_name(name);
                let state = format!("{name}_state");
                let says =
                    kind.as_ref().is_some_and(|kind| kind.as_str() == "upn") && !column.required;
                planned.output = Some(outputs.len());
                outputs.push(Output { name, output_type, kind });
                if says {
                    planned.state = Some(outputs.len());
                    outputs.push(Output { name: state, output_type: OutputType::Text, kind: None });
                }
            }
            columns.push(planned);
        }
        let mut keys = Vec::new();
        for key in &table.match_keys {
            let kind: Kind =
                format!("match-key:{}", key.name).parse().map_err(IngestError::Kind)?;
            let (parts, output) = (key.parts.clone(), outputs.len());
            keys.push(PlannedKey { parts, kind: kind.clone(), output });
            let name = format!("key_{}", key.name);
            outputs.push(Output { name, output_type: OutputType::Pseudonym, kind: Some(kind) });
        }
        Ok(Self { outputs, columns, keys, rule })
    }

    /// Treats one cell of a column; an identifier's token is left to be learnt.
    pub(crate) fn treat<'a>(
        &self,
        planned: &'a PlannedColumn,
        raw: &'a [u8],
    ) -> Result<TreatedCell<'a>, Reason> {
        let text = std::str::from_utf8(raw).map_err(|_| Reason::Encoding)?.trim();
        if text.is_empty() && planned.column.required {
            return Err(Reason::Required);
        }
        let part = match planned.column.part {
            Some(part) => comparable(part, text, &planned.dates)?,
            None => None,
        };
        let (cell, state) = match &planned.column.treatment {
            Treatment::Drop => (Cell::Null, ""),
            _ if text.starts_with('#') && SPREADSHEET_ERRORS.contains(&text) => {
                return Err(Reason::SpreadsheetError);
            }
            Treatment::Pseudonymise(kind) => self.identifier(planned, kind, text)?,
            _ => (cell(planned, text)?, ""),
        };
        Ok(TreatedCell { cell, state, part })
    }

    fn identifier<'a>(
        &self,
        planned: &PlannedColumn,
        kind: &Kind,
        text: &str,
    ) -> Result<(Cell<'a>, &'static str), Reason> {
        let cell = |identifier: &[u8]| Cell::Identifier(identifier.into());
        let opaque = || OpaqueId::parse(text).map(|id| (cell(id.canonical()), "known"));
        let (cell, state) = match (kind.as_str(), self.rule) {
            _ if text.is_empty() => (Cell::Null, "blank"),
            ("upn", IdentifierRule::Strict) => match UpnField::parse(text)? {
                UpnField::Known(upn) => (cell(upn.canonical()), upn_state(&upn)),
                UpnField::Blank => (Cell::Null, "blank"),
                UpnField::Missing(reason) => (Cell::Null, reason.code()),
            },
            ("upn", IdentifierRule::Opaque) => match UpnField::parse(text) {
                Ok(UpnField::Missing(reason)) => (Cell::Null, reason.code()),
                _ => opaque()?,
            },
            ("nhs-number", _) => (cell(NhsNumber::parse(text)?.canonical()), "known"),
            ("uln", IdentifierRule::Strict) => match Uln::parse(text)?.canonical() {
                Some(digits) => (cell(digits), "known"),
                None => (Cell::Null, "temporary"),
            },
            _ => opaque()?,
        };
        if planned.column.required && matches!(cell, Cell::Null) {
            return Err(Reason::Required);
        }
        Ok((cell, state))
    }
}

/// What a cell that is no identifier becomes.
fn cell<'a>(planned: &'a PlannedColumn, text: &'a str) -> Result<Cell<'a>, Reason> {
    if text.is_empty() {
        return Ok(Cell::Null);
    }
    Ok(match &planned.column.treatment {
        Treatment::Drop | Treatment::Pseudonymise(_) => Cell::Null,
        Treatment::Keep(ValueType::Date) => Cell::Date(days(parse_date(text, &planned.dates)?)),
        Treatment::Keep(ValueType::Integer) => Cell::Integer(parse_integer(text)?),
        Treatment::Keep(ValueType::Decimal) => Cell::Decimal(parse_decimal(text)?),
        Treatment::Keep(ValueType::Flag) => Cell::Flag(parse_flag(text)?),
        Treatment::Keep(ValueType::Token | ValueType::Postcode) => {
            let strange = |c: char| c.is_whitespace() || c.is_control();
            let short = text.len() <= 16 && !text.contains(strange);
            Cell::Text(short.then_some(text).ok_or(Reason::NotToken)?.into())
        }
        Treatment::Code { codes, map, unknown, labelled } => {
            let current = |text: &'a str| match map.get(text) {
                Some(code) => Some(code.as_str()),
                None => codes.contains(text).then_some(text),
            };
            let found = match labelled {
                false => current(text),
                true => labelled_codes(text).into_iter().find_map(current),
            };
            match (found, unknown) {
                (Some(code), _) => Cell::Text(code.into()),
                (None, UnknownCode::Becomes(code)) => Cell::Text(code.as_str().into()),
                (None, UnknownCode::Quarantine) => return Err(Reason::UnknownCode),
            }
        }
        Treatment::Generalise(to) => {
            generalise(to, text, &planned.dates, planned.lookup.as_deref())?
        }
    })
}

fn output_type(treatment: &Treatment) -> (Option<OutputType>, Option<Kind>) {
    let output_type = match treatment {
        Treatment::Drop => return (None, None),
        Treatment::Pseudonymise(kind) => return (Some(OutputType::Pseudonym), Some(kind.clone())),
        Treatment::Keep(ValueType::Date) => OutputType::Date,
        Treatment::Keep(ValueType::Integer) => OutputType::Integer,
        Treatment::Keep(ValueType::Decimal) => OutputType::Decimal,
        Treatment::Keep(ValueType::Flag) => OutputType::Flag,
        Treatment::Generalise(Generalisation::Year | Generalisation::Age { .. }) => {
            OutputType::Integer
        }
        Treatment::Keep(ValueType::Token | ValueType::Postcode)
        | Treatment::Code { .. }
        | Treatment::Generalise(_) => OutputType::Text,
    };
    (Some(output_type), None)
}

/// What may be the code in a line of a drop-down list: the line, the line without its letter, and of that
/// what stands before a colon or a dash.
fn labelled_codes(line: &str) -> [&str; 3] {
    let without = match line.split_once(") ") {
        Some((letter, rest))
            if letter.len() <= 2 && letter.bytes().all(|b| b.is_ascii_lowercase()) =>
        {
            rest.trim_start()
        }
        _ => line,
    };
    let ends = [without.find(": "), without.find(" - ")].into_iter().flatten().min();
    [line, without, ends.map_or(without, |end| without[..end].trim_end())]
}

fn comparable(part: Part, text: &str, dates: &[DateForm]) -> Result<Option<String>, Reason> {
    let text = match part {
        _ if text.is_empty() => return Ok(None),
        Part::Surname | Part::Forename => text
            .chars()
            .filter(|c| c.is_alphabetic() || c.is_numeric())
            .flat_map(char::to_uppercase)
            .collect(),
        Part::BirthDate => parse_date(text, dates)?.to_string(),
        Part::Postcode => compact(text),
    };
    Ok((!text.is_empty()).then_some(text))
}

pub(crate) fn compact(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).flat_map(char::to_uppercase).collect()
}

fn upn_state(upn: &Upn) -> &'static str {
    if upn.is_temporary() { "temporary" } else { "known" }
}

fn days(date: Date) -> i32 {
    let epoch = jiff::civil::date(1970, 1, 1);
    // A date of 1900 to 2100 is at most 50,000 days away.
    date.since(epoch).map_or(0, |span| span.get_days())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_found_in_a_drop_down_s_line() {
        for (line, code) in [
            ("a) WBRI", "WBRI"),
            ("q) 6: Police", "6"),
            ("N1 - Abuse or Neglect", "N1"),
            ("f) U6: Foster placement - not FFA", "U6"),
            ("C2", "C2"),
        ] {
            assert_eq!(labelled_codes(line)[2], code, "{line}");
        }
        assert_eq!(labelled_codes("b) Not stated/recorded")[1], "Not stated/recorded");
        assert_eq!(labelled_codes("Ann) smith"), ["Ann) smith"; 3]);
    }

    #[test]
    fn a_failed_formula_or_a_control_character_is_no_token() {
        let plan = |text: &str| {
            let definition = Definition::parse("name='s'\nformat='csv'\nyears=['2024']\n[[table]]\nname='t'\nfile='t.csv'\n[table.columns]\nc = { treatment='keep', type='token' }").unwrap();
            let plan = Plan::new(
                &definition,
                &definition.tables[0],
                IdentifierRule::Strict,
                &HashMap::new(),
            )
            .unwrap();
            plan.treat(&plan.columns[0], text.as_bytes()).map(|_| ())
        };
        assert_eq!(plan("#N/A"), Err(Reason::SpreadsheetError));
        assert_eq!(plan("a\0b"), Err(Reason::NotToken));
        assert_eq!(plan("L1"), Ok(()));
    }
}
