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
            Treatment::Drop => (Cell::Null, ""),
            _ if text.starts_with('#') && SPREADSHEET_ERRORS.contains(&text) => {
                return Err(Reason::SpreadsheetError);
            }
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
        Treatment::Generalise(Generalisation::Year | Generalisation::Age { .. }) => {
            OutputType::Integer
        }
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
        Generalisation::Term => Cell::Text(term(date()?).into()),
        Generalisation::AcademicYear => {
            let date = date()?;
            let start = if date.month() >= 9 { date.year() } else { date.year() - 1 };
            Cell::Text(format!("{start:04}-{:02}", (start + 1).rem_euclid(100)).into())
        }
        Generalisation::Age { at } => {
            let born = date()?;
            let had_birthday = (at.month(), at.day()) >= (born.month(), born.day());
            let age = i64::from(at.year() - born.year()) - i64::from(!had_birthday);
            Cell::Integer((age >= 0).then_some(age).ok_or(Reason::DateRange)?)
        }
        Generalisation::District => {
            let (outward, _) = postcode(text)?;
            Cell::Text(outward.into())
        }
        Generalisation::Sector => {
            let (outward, inward) = postcode(text)?;
            Cell::Text(format!("{outward} {}", &inward[..1]).into())
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

/// The school term of a day: see [`Generalisation::Term`].
fn term(day: Date) -> String {
    let name = match day.month() {
        9.. => "autumn",
        _ if day <= easter(day.year()) => "spring",
        _ => "summer",
    };
    format!("{:04}-{name}", day.year())
}

/// Easter Sunday in the Gregorian calendar, by the algorithm that "Nature" printed on 20 April 1876 (Meeus, Astronomical
/// Algorithms, chapter 8).
fn easter(year: i16) -> Date {
    let y = i32::from(year);
    let (a, b, c) = (y % 19, y / 100, y % 100);
    let (d, e) = (b / 4, b % 4);
    let g = (b - (b + 8) / 25 + 1) / 3;
    let h = (19 * a + b - d - g + 15) % 30;
    let l = (32 + 2 * e + 2 * (c / 4) - h - c % 4) % 7;
    let m = (a + 11 * h + 22 * l) / 451;
    let n = h + l - 7 * m + 114;
    jiff::civil::date(year, (n / 31) as i8, (n % 31 + 1) as i8)
}

/// A postcode's outward and inward part. The inward part is a digit and two letters (Royal Mail, Postcode Address
/// File), the outward part two to four letters and digits beginning with a letter.
fn postcode(text: &str) -> Result<(String, String), Reason> {
    let mut outward = compact(text);
    if !(5..=7).contains(&outward.len()) || !outward.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return Err(Reason::Malformed);
    }
    let inward = outward.split_off(outward.len() - 3);
    let fits = outward.starts_with(|c: char| c.is_ascii_alphabetic())
        && inward.bytes().zip(0..).all(|(b, at)| b.is_ascii_digit() == (at == 0));
    fits.then_some((outward, inward)).ok_or(Reason::Malformed)
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

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]
mod tests {
    use super::*;

    fn generalised(column: &str, text: &str) -> Result<String, Reason> {
        let definition = Definition::parse(&format!(
            "name='s'\nformat='csv'\nyears=['2024']\ndates=['iso']\n[[table]]\nname='t'\nfile='t.csv'\n[table.columns]\nc = {{ treatment='generalise', {column} }}"
        ))
        .unwrap();
        let table = &definition.tables[0];
        let plan = Plan::new(&definition, table, IdentifierRule::Strict, &HashMap::new()).unwrap();
        let treated = plan.treat(&plan.columns[0], text.as_bytes(), &Dictionary::default())?;
        Ok(match treated.cell {
            Cell::Text(text) => text.to_string(),
            Cell::Integer(number) => number.to_string(),
            _ => String::new(),
        })
    }

    #[test]
    fn an_age_is_whole_years_completed_at_the_named_day() {
        let at = "to='age', at='2024-08-31'";
        for (born, age) in [
            ("2010-08-31", Ok("14")),
            ("2010-09-01", Ok("13")),
            ("2024-08-31", Ok("0")),
            ("2024-09-01", Err(Reason::DateRange)),
        ] {
            assert_eq!(generalised(at, born), age.map(str::to_owned), "{born}");
        }
        assert_eq!(generalised("to='age', at='2025-02-28'", "2012-02-29").unwrap(), "12");
        assert_eq!(generalised("to='age', at='2025-03-01'", "2012-02-29").unwrap(), "13");
    }

    #[test]
    fn the_school_year_is_divided_at_september_january_and_easter() {
        // Easter Sundays: 31 March 2024, 20 April 2025, 5 April 2026 (the almanac's).
        for (day, term) in [
            ("2024-08-31", "2024-summer"),
            ("2024-09-01", "2024-autumn"),
            ("2024-12-31", "2024-autumn"),
            ("2024-03-31", "2024-spring"),
            ("2024-04-01", "2024-summer"),
            ("2025-04-20", "2025-spring"),
            ("2025-04-21", "2025-summer"),
            ("2026-04-06", "2026-summer"),
        ] {
            assert_eq!(generalised("to='term'", day).unwrap(), term, "{day}");
        }
        assert_eq!(generalised("to='academic-year'", "2010-08-31").unwrap(), "2009-10");
        assert_eq!(generalised("to='academic-year'", "2010-09-01").unwrap(), "2010-11");
    }

    #[test]
    fn postcodes_keep_what_the_generalisation_names() {
        assert_eq!(generalised("to='district'", " sw1a 2aa").unwrap(), "SW1A");
        assert_eq!(generalised("to='sector'", "M11AE").unwrap(), "M1 1");
        for wrong in ["AB1", "AB12 CDE", "12 3AB", "AB1 2C!", "A\u{e9}1 2CD", "AB12 345 6CD"] {
            assert_eq!(generalised("to='district'", wrong), Err(Reason::Malformed), "{wrong}");
        }
    }

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
            plan.treat(&plan.columns[0], text.as_bytes(), &Dictionary::default()).map(|_| ())
        };
        assert_eq!(plan("#N/A"), Err(Reason::SpreadsheetError));
        assert_eq!(plan("a\0b"), Err(Reason::NotToken));
        assert_eq!(plan("L1"), Ok(()));
    }
}
