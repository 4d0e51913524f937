//! Cells in, cells out: each column's treatment applied to one of its values.

use std::{borrow::Cow, collections::HashMap, sync::Arc};

use jiff::civil::Date;
use minster_identifiers::{NhsNumber, OpaqueId, Uln, Upn, UpnField};
use minster_model::{Kind, Pseudonym, pipeline::IdentifierRule};
use minster_sources::{
    Column, DateForm, Definition, Generalisation, Lookup, Part, Reason, Table, Treatment,
    UnknownCode, ValueType, parse_date, parse_decimal, parse_flag, parse_integer,
};

use crate::{IngestError, tokens::Dictionary};

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
    /// For pseudonyms: of what.
    pub(crate) kind: Option<Kind>,
}

/// One treated cell.
#[derive(Clone)]
pub(crate) enum Cell<'a> {
    Null,
    Known(Pseudonym),
    /// An identifier whose pseudonym is still to be learnt.
    New(Box<[u8]>),
    Date(i32),
    Integer(i64),
    Decimal(f64),
    Flag(bool),
    Text(Cow<'a, str>),
}

impl Cell<'_> {
    /// The identifier whose pseudonym is still to be learnt.
    pub(crate) fn new_identifier(&self) -> Option<&[u8]> {
        match self {
            Self::New(identifier) => Some(identifier),
            _ => None,
        }
    }
}

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
#[derive(Clone)]
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

    /// Treats one cell of a column; a pseudonym that `dictionary` lacks is left to be learnt.
    pub(crate) fn treat<'a>(
        &self,
        planned: &'a PlannedColumn,
        raw: &'a [u8],
        dictionary: &Dictionary,
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
            Treatment::Pseudonymise(kind) => self.identifier(planned, kind, text, dictionary)?,
            _ => (cell(planned, text)?, ""),
        };
        Ok(TreatedCell { cell, state, part })
    }

    fn identifier<'a>(
        &self,
        planned: &PlannedColumn,
        kind: &Kind,
        text: &str,
        dictionary: &Dictionary,
    ) -> Result<(Cell<'a>, &'static str), Reason> {
        let token = |identifier: &[u8]| dictionary.cell(kind, identifier);
        let opaque = || OpaqueId::parse(text).map(|id| (token(id.canonical()), "known"));
        let (cell, state) = match (kind.as_str(), self.rule) {
            _ if text.is_empty() => (Cell::Null, "blank"),
            ("upn", IdentifierRule::Strict) => match UpnField::parse(text)? {
                UpnField::Known(upn) => (token(upn.canonical()), upn_state(&upn)),
                UpnField::Blank => (Cell::Null, "blank"),
                UpnField::Missing(reason) => (Cell::Null, reason.code()),
            },
            ("upn", IdentifierRule::Opaque) => match UpnField::parse(text) {
                Ok(UpnField::Missing(reason)) => (Cell::Null, reason.code()),
                _ => opaque()?,
            },
            ("nhs-number", _) => (token(NhsNumber::parse(text)?.canonical()), "known"),
            ("uln", IdentifierRule::Strict) => match Uln::parse(text)?.canonical() {
                Some(digits) => (token(digits), "known"),
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
            let short = text.len() <= 16 && !text.contains(char::is_whitespace);
            Cell::Text(short.then_some(text).ok_or(Reason::NotToken)?.into())
        }
        Treatment::Code { codes, map, unknown } => match (codes.contains(text), map.get(text)) {
            (true, _) => Cell::Text(text.into()),
            (_, Some(code)) => Cell::Text(code.as_str().into()),
            _ => match unknown {
                UnknownCode::Quarantine => return Err(Reason::UnknownCode),
                UnknownCode::Becomes(code) => Cell::Text(code.as_str().into()),
            },
        },
        Treatment::Generalise(to) => generalise(planned, to, text)?,
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
        Treatment::Generalise(Generalisation::Year) => OutputType::Integer,
        Treatment::Keep(ValueType::Token | ValueType::Postcode)
        | Treatment::Code { .. }
        | Treatment::Generalise(_) => OutputType::Text,
    };
    (Some(output_type), None)
}

fn generalise<'a>(
    planned: &'a PlannedColumn,
    to: &'a Generalisation,
    text: &'a str,
) -> Result<Cell<'a>, Reason> {
    let date = || parse_date(text, &planned.dates);
    Ok(match to {
        Generalisation::Year => Cell::Integer(date()?.year().into()),
        Generalisation::Month => {
            let date = date()?;
            Cell::Text(format!("{:04}-{:02}", date.year(), date.month()).into())
        }
        Generalisation::AcademicYear => {
            let date = date()?;
            let start = if date.month() >= 9 { date.year() } else { date.year() - 1 };
            Cell::Text(format!("{start:04}-{:02}", (start + 1).rem_euclid(100)).into())
        }
        Generalisation::District => {
            // The inward part is always three characters (BS 7666).
            let compact = compact(text);
            match compact.len() {
                5..=7 if compact.is_ascii() => {
                    Cell::Text(compact[..compact.len() - 3].to_owned().into())
                }
                _ => return Err(Reason::Malformed),
            }
        }
        Generalisation::Lookup { unknown, .. } => {
            let found = planned.lookup.as_ref().and_then(|lookup| lookup.get(text));
            let value = found.or(unknown.as_deref()).ok_or(Reason::NotInLookup)?;
            Cell::Text(value.into())
        }
        Generalisation::Band(bands) => {
            let number = parse_integer(text)?;
            let above = bands.partition_point(|&lower| lower <= number);
            Cell::Text(match (above.checked_sub(1).map(|at| bands[at]), bands.get(above)) {
                (None, _) => format!("<{}", bands[0]).into(),
                (Some(lower), Some(next)) => format!("{lower}–{}", next - 1).into(),
                (Some(lower), None) => format!("{lower}+").into(),
            })
        }
    })
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

fn compact(text: &str) -> String {
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
