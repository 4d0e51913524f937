//! Rows in, cells out: each column's treatment applied to one row at a time.

use std::{borrow::Cow, collections::HashMap, sync::Arc};

use jiff::civil::Date;
use minster_identifiers::{NhsNumber, OpaqueId, Uln, Upn, UpnField};
use minster_model::{Kind, Pseudonym, pipeline::IdentifierRule};
use minster_sources::{
    Column, DateForm, Definition, Generalisation, Lookup, Part, RawRow, Reason, Table, Treatment,
    UnknownCode, ValueType, parse_date, parse_decimal, parse_flag, parse_integer,
};

use crate::{IngestError, tokens::Known};

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
pub(crate) enum Cell<'a> {
    Null,
    Known(Pseudonym),
    /// A place in the batch's list of identifiers that the dictionary lacks.
    New(u32),
    Date(i32),
    Integer(i64),
    Decimal(f64),
    Flag(bool),
    Text(Cow<'a, str>),
}

/// How one table's rows are treated.
pub(crate) struct Plan {
    pub(crate) outputs: Vec<Output>,
    columns: Vec<PlannedColumn>,
    keys: Vec<Vec<Part>>,
    rule: IdentifierRule,
}

struct PlannedColumn {
    name: String,
    column: Column,
    lookup: Option<Arc<Lookup>>,
    dates: Vec<DateForm>,
    state: bool,
}

/// Identifiers of one batch that the dictionary lacks, each once.
#[derive(Default)]
pub(crate) struct Missing {
    pub(crate) places: HashMap<(usize, Box<[u8]>), u32>,
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
            let output = table.output_name(name);
            let mut state = false;
            if let Some(output_type) = output_type {
                state =
                    kind.as_ref().is_some_and(|kind| kind.as_str() == "upn") && !column.required;
                outputs.push(Output { name: output.clone(), output_type, kind });
            }
            if state {
                let (name, output_type) = (format!("{output}_state"), OutputType::Text);
                outputs.push(Output { name, output_type, kind: None });
            }
            columns.push(PlannedColumn {
                name: name.clone(),
                column: column.clone(),
                lookup,
                dates: definition.dates.clone(),
                state,
            });
        }
        for key in &table.match_keys {
            let kind = format!("match-key:{}", key.name).parse().map_err(IngestError::Kind)?;
            let name = format!("key_{}", key.name);
            outputs.push(Output { name, output_type: OutputType::Pseudonym, kind: Some(kind) });
        }
        let keys = table.match_keys.iter().map(|key| key.parts.clone()).collect();
        Ok(Self { outputs, columns, keys, rule })
    }

    /// Treats one row. On an error `cells` is of no use, and the column that failed is named.
    pub(crate) fn treat<'a>(
        &'a self,
        row: RawRow<'a>,
        known: &[Option<Known<'_>>],
        missing: &mut Missing,
        cells: &mut Vec<Cell<'a>>,
    ) -> Result<(), (Reason, &'a str)> {
        cells.clear();
        let mut parts: [Option<String>; 4] = Default::default();
        for (place, planned) in self.columns.iter().enumerate() {
            let at = |reason| (reason, planned.name.as_str());
            let text = std::str::from_utf8(row.field(place)).map_err(|_| at(Reason::Encoding))?;
            let text = text.trim();
            if text.is_empty() && planned.column.required {
                return Err(at(Reason::Required));
            }
            if let Some(part) = planned.column.part {
                parts[part as usize] = comparable(part, text, &planned.dates).map_err(at)?;
            }
            self.cell(planned, text, known, missing, cells).map_err(at)?;
        }
        for key in &self.keys {
            let texts: Option<Vec<&str>> =
                key.iter().map(|part| parts[*part as usize].as_deref()).collect();
            let cell = match texts {
                Some(texts) => token(texts.join("\u{1f}").as_bytes(), cells.len(), known, missing),
                None => Cell::Null,
            };
            cells.push(cell);
        }
        Ok(())
    }

    fn cell<'a>(
        &self,
        planned: &'a PlannedColumn,
        text: &'a str,
        known: &[Option<Known<'_>>],
        missing: &mut Missing,
        cells: &mut Vec<Cell<'a>>,
    ) -> Result<(), Reason> {
        let blank = text.is_empty();
        let cell = match &planned.column.treatment {
            Treatment::Drop => return Ok(()),
            Treatment::Pseudonymise(kind) => {
                return self.identifier(planned, kind, text, known, missing, cells);
            }
            _ if blank => Cell::Null,
            Treatment::Keep(ValueType::Date) => Cell::Date(days(parse_date(text, &planned.dates)?)),
            Treatment::Keep(ValueType::Integer) => Cell::Integer(parse_integer(text)?),
            Treatment::Keep(ValueType::Decimal) => Cell::Decimal(parse_decimal(text)?),
            Treatment::Keep(ValueType::Flag) => Cell::Flag(parse_flag(text)?),
            Treatment::Keep(ValueType::Token | ValueType::Postcode) => {
                let short = text.len() <= 16 && !text.contains(char::is_whitespace);
                Cell::Text(short.then_some(text).ok_or(Reason::NotToken)?.into())
            }
            Treatment::Code { codes, map, unknown } => {
                match (codes.contains(text), map.get(text)) {
                    (true, _) => Cell::Text(text.into()),
                    (_, Some(code)) => Cell::Text(code.as_str().into()),
                    _ => match unknown {
                        UnknownCode::Quarantine => return Err(Reason::UnknownCode),
                        UnknownCode::Becomes(code) => Cell::Text(code.as_str().into()),
                    },
                }
            }
            Treatment::Generalise(to) => generalise(planned, to, text)?,
        };
        cells.push(cell);
        Ok(())
    }

    fn identifier<'a>(
        &self,
        planned: &PlannedColumn,
        kind: &Kind,
        text: &str,
        known: &[Option<Known<'_>>],
        missing: &mut Missing,
        cells: &mut Vec<Cell<'a>>,
    ) -> Result<(), Reason> {
        let place = cells.len();
        let (cell, state) = match (kind.as_str(), self.rule) {
            _ if text.is_empty() => (Cell::Null, "blank"),
            ("upn", IdentifierRule::Strict) => match UpnField::parse(text)? {
                UpnField::Known(upn) => {
                    (token_of_upn(&upn, place, known, missing), upn_state(&upn))
                }
                UpnField::Blank => (Cell::Null, "blank"),
                UpnField::Missing(reason) => (Cell::Null, reason.code()),
            },
            ("upn", IdentifierRule::Opaque) => match UpnField::parse(text) {
                Ok(UpnField::Missing(reason)) => (Cell::Null, reason.code()),
                _ => (token(OpaqueId::parse(text)?.canonical(), place, known, missing), "known"),
            },
            ("nhs-number", _) => {
                (token(NhsNumber::parse(text)?.canonical(), place, known, missing), "known")
            }
            ("uln", IdentifierRule::Strict) => match Uln::parse(text)?.canonical() {
                Some(digits) => (token(digits, place, known, missing), "known"),
                None => (Cell::Null, "temporary"),
            },
            _ => (token(OpaqueId::parse(text)?.canonical(), place, known, missing), "known"),
        };
        if planned.column.required && matches!(cell, Cell::Null) {
            return Err(Reason::Required);
        }
        cells.push(cell);
        if planned.state {
            cells.push(Cell::Text(Cow::Owned(state.to_owned())));
        }
        Ok(())
    }
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

fn token_of_upn<'a>(
    upn: &Upn,
    place: usize,
    known: &[Option<Known<'_>>],
    missing: &mut Missing,
) -> Cell<'a> {
    token(upn.canonical(), place, known, missing)
}

fn upn_state(upn: &Upn) -> &'static str {
    if upn.is_temporary() { "temporary" } else { "known" }
}

fn token<'a>(
    identifier: &[u8],
    place: usize,
    known: &[Option<Known<'_>>],
    missing: &mut Missing,
) -> Cell<'a> {
    if let Some(pseudonym) =
        known.get(place).copied().flatten().and_then(|known| known.get(identifier))
    {
        return Cell::Known(pseudonym);
    }
    let next = u32::try_from(missing.places.len()).unwrap_or(u32::MAX);
    Cell::New(*missing.places.entry((place, Box::from(identifier))).or_insert(next))
}

fn days(date: Date) -> i32 {
    let epoch = jiff::civil::date(1970, 1, 1);
    // A date of 1900 to 2100 is at most 50,000 days away.
    date.since(epoch).map_or(0, |span| span.get_days())
}
