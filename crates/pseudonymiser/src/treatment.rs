//! Cells in, cells out: each column's treatment applied to one of its values.

mod cell;
mod kept_value;
mod part;

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use self::cell::output_type;
pub(crate) use self::cell::{Cell, Output, OutputType, TreatedCell};
use jiff::civil::Date;
use minster_identifiers::{NhsNumber, NumberForm, OpaqueId, Uln, Upn, UpnField, is_placeholder};
use minster_model::{Kind, LinkagePart, Period, UNIT, pipeline::IdentifierRule};
use minster_sources::{
    Column, DateForm, Definition, Fault, Format, Generalisation, Lookup, Part, Reason, Table,
    TokenRule, Treatment, is_serial, parse_date,
};

use crate::{
    IngestError,
    cells::Note,
    corrections::TableCorrections,
    facts::{PlannedFacts, SourceSchedule},
    kept_text::SecondReading,
    period,
    slips::{are_repaired, slip_of},
};

/// The texts that a spreadsheet shows where a formula failed, and writes into its exports (ECMA-376-1, 18.18.11).
const SPREADSHEET_ERRORS: [&str; 8] =
    ["#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NUM!", "#NULL!", "#GETTING_DATA"];

/// How one table's rows are treated.
pub(crate) struct TablePlan {
    pub(crate) outputs: Vec<Output>,
    pub(crate) columns: Vec<PlannedColumn>,
    pub(crate) keys: Vec<PlannedKey>,
    /// XML: the place of the unit's number among the outputs.
    pub(crate) unit: Option<usize>,
    /// Whether a row by which nobody can be found is set aside. A record of a unit is found by its unit's own.
    pub(crate) finds_persons: bool,
    /// The cells of its rows that are told for the retention schedule.
    pub(crate) facts: Vec<PlannedFacts>,
    /// Kinds of numbers that are a person's own; without a schedule, all may be.
    own: Option<BTreeSet<Kind>>,
    rule: IdentifierRule,
    /// The forms in which dates are written.
    pub(crate) dates: Vec<DateForm>,
    /// Texts that mean a blank cell, in upper case.
    blanks: Vec<String>,
    /// The year of the delivery's period, for codes.
    year: Option<i16>,
    /// The last day of the delivery's period, after which nobody in it is born.
    last_day: Option<Date>,
    /// The first day of the delivery's period; one that never comes, where its name does not tell it.
    pub(crate) first_day: Date,
    /// The result of a first reading of the whole delivery.
    whole: Option<Arc<SecondReading>>,
    /// The corrections of its rows that a first reading learnt.
    pub(crate) corrections: TableCorrections,
}

/// The facts of the whole delivery that a table's plan needs.
pub(crate) struct Circumstances<'a> {
    pub(crate) rule: IdentifierRule,
    pub(crate) period: &'a Period,
    pub(crate) lookups: &'a HashMap<String, Arc<Lookup>>,
    pub(crate) whole: Option<Arc<SecondReading>>,
    pub(crate) schedule: Option<SourceSchedule<'a>>,
}

/// A column of the source and what becomes of it.
pub(crate) struct PlannedColumn {
    pub(crate) name: String,
    column: Column,
    lookup: Option<Arc<Lookup>>,
    /// For a service's number: the differences of writing that do not matter.
    form: NumberForm,
    /// Its place in the cell's JSON (RFC 6901).
    pointer: Option<String>,
    /// For dates: whether a spreadsheet's numbers cannot be told from others here.
    doubted: bool,
    /// For numbers: whether a mistyped one is repaired.
    repaired: bool,
    /// Its place among the outputs, where it passes.
    pub(crate) output: Option<usize>,
    /// The place of the output that says why an identifier is missing.
    pub(crate) state: Option<usize>,
    /// The place of the output with a birth date's cohort.
    pub(crate) cohort: Option<usize>,
}

impl PlannedColumn {
    /// Whether anything of it passes, or its rows can fail for it.
    pub(crate) fn passes(&self) -> bool {
        self.output.is_some()
            || self.cohort.is_some()
            || self.column.part.is_some()
            || self.column.linkage.is_some()
            || self.column.required
            || self.is_name()
    }

    /// Whether cells that become blank are counted: of what only gives a match key by which persons are found, the row is
    /// set aside.
    pub(crate) fn is_counted(&self) -> bool {
        let of_address = self.column.part.is_some_and(Part::is_of_address);
        self.output.is_some() || self.cohort.is_some() || of_address
    }

    /// The kind of identifier that it holds.
    pub(crate) fn kind(&self) -> Option<&Kind> {
        match &self.column.treatment {
            Treatment::Pseudonymise(kind) => Some(kind),
            _ => None,
        }
    }

    /// The kind of its numbers, where a mistyped one is repaired by the birth date beside it.
    pub(crate) fn repaired(&self) -> Option<&Kind> {
        self.kind().filter(|_| self.repaired)
    }

    /// Whether it is drawn from a cell's JSON.
    pub(crate) fn is_drawn(&self) -> bool {
        self.pointer.is_some()
    }

    pub(crate) fn is_date(&self) -> bool {
        self.column.is_date()
    }

    /// Whether it holds persons' names.
    pub(crate) fn is_name(&self) -> bool {
        self.column.person_name
    }

    /// The rule of a kept text.
    pub(crate) fn token_rule(&self) -> Option<&TokenRule> {
        match &self.column.treatment {
            Treatment::Token(rule) => Some(rule),
            _ => None,
        }
    }

    pub(crate) fn part(&self) -> Option<Part> {
        self.column.part
    }

    pub(crate) fn linkage(&self) -> Option<LinkagePart> {
        self.column.linkage
    }
}

/// A match key: its parts, and its place among the outputs.
pub(crate) struct PlannedKey {
    pub(crate) parts: Vec<Part>,
    pub(crate) kind: Kind,
    pub(crate) output: usize,
}

impl TablePlan {
    pub(crate) fn new(
        definition: &Definition,
        (place, table): (usize, &Table),
        circumstances: &Circumstances<'_>,
    ) -> Result<Self, IngestError> {
        let Circumstances { rule, period, lookups, whole, schedule } = circumstances;
        let mut outputs = Vec::new();
        let mut columns = Vec::new();
        let dated = table.columns.values().any(|column| column.part == Some(Part::BirthDate));
        let mut dates = definition.dates.clone();
        // Their own cells of dates are read as ISO, whatever form texts have.
        let typed = matches!(definition.format, Format::Xlsx | Format::Parquet);
        if typed && !dates.contains(&DateForm::Iso) {
            dates.push(DateForm::Iso);
        }
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
                form: kind.as_ref().map(|kind| definition.numbers.form(kind)).unwrap_or_default(),
                pointer: name.find("#/").map(|at| name[at + 1..].to_owned()),
                repaired: dated && kind.as_ref().is_some_and(|kind| are_repaired(kind, *rule)),
                doubted: whole.as_ref().is_some_and(|whole| whole.doubts((place, columns.len()))),
                output: None,
                state: None,
                cohort: None,
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
            if let Some(cohort) = &column.cohort {
                planned.cohort = Some(outputs.len());
                let name = cohort.output.to_string();
                outputs.push(Output { name, output_type: OutputType::Date, kind: None });
            }
            columns.push(planned);
        }
        let mut keys = Vec::new();
        for key in &table.match_keys {
            let kind: Kind =
                format!("{}{}", Kind::MATCH_KEY, key.name).parse().map_err(IngestError::Kind)?;
            let (parts, output) = (key.parts.clone(), outputs.len());
            keys.push(PlannedKey { parts, kind: kind.clone(), output });
            let name = format!("key_{}", key.name);
            outputs.push(Output { name, output_type: OutputType::Pseudonym, kind: Some(kind) });
        }
        let facts = match schedule {
            Some(schedule) => schedule.of_table(table, &columns)?,
            None => Vec::new(),
        };
        let own = schedule.map(|schedule| {
            let kinds = columns.iter().filter_map(PlannedColumn::kind);
            kinds.filter(|kind| schedule.is_own(kind)).cloned().collect()
        });
        // A table of which nothing passes is not written.
        let numbered = definition.format == Format::Xml && !outputs.is_empty();
        let unit = numbered.then_some(outputs.len());
        if numbered {
            let name = UNIT.to_owned();
            outputs.push(Output { name, output_type: OutputType::Unit, kind: None });
        }
        Ok(Self {
            outputs,
            columns,
            keys,
            unit,
            finds_persons: definition.format != Format::Xml || table.records == ["."],
            facts,
            own,
            rule: *rule,
            dates,
            blanks: definition.blanks.clone(),
            year: period::year(period),
            last_day: period::last_day(period),
            first_day: period::first_day(period).unwrap_or(Date::MAX),
            whole: whole.clone(),
            corrections: TableCorrections::default(),
        })
    }

    /// Treats one cell of a column; an identifier's token is left to be learnt.
    ///
    /// # Errors
    /// Why the row is to be set aside. A cell that fails and may be blank becomes so, with a note.
    pub(crate) fn treat<'a>(
        &self,
        planned: &'a PlannedColumn,
        raw: &'a [u8],
    ) -> Result<TreatedCell<'a>, Reason> {
        let text = self.bare(std::str::from_utf8(raw).map_err(|_| Reason::Encoding)?);
        let treated = match &planned.pointer {
            None => self.treat_text(planned, text),
            Some(pointer) => match drawn(text, pointer) {
                Ok(drawn) => {
                    self.treat_text(planned, self.bare(&drawn)).map(TreatedCell::into_owned)
                }
                Err(reason) => Err(reason),
            },
        };
        match treated {
            // A text that must not be kept is never only left out of its cell.
            Err(reason @ (Reason::LooksLikeIdentifier | Reason::EqualsName | Reason::Encoding)) => {
                Err(reason)
            }
            Err(reason) if planned.column.fault() == Fault::Blank => Ok(TreatedCell {
                cell: Cell::Null,
                state: "wrong",
                part: None,
                linkage: None,
                name: None,
                note: Some(Note::Blank(reason)),
                blank: false,
                cohort: None,
                slip: planned
                    .kind()
                    .filter(|_| planned.repaired && planned.pointer.is_none())
                    .and_then(|kind| slip_of(kind, text, reason)),
                asked: false,
            }),
            treated => treated,
        }
    }

    /// Whether numbers of a kind are a person's own.
    pub(crate) fn is_own(&self, kind: &Kind) -> bool {
        self.own.as_ref().is_none_or(|own| own.contains(kind))
    }

    /// A text without the space around it; nothing, where it means a blank cell.
    pub(crate) fn bare<'a>(&self, text: &'a str) -> &'a str {
        let text = text.trim();
        let is_blank = self.blanks.iter().any(|blank| blank.eq_ignore_ascii_case(text));
        if is_blank { "" } else { text }
    }

    fn treat_text<'a>(
        &self,
        planned: &'a PlannedColumn,
        text: &'a str,
    ) -> Result<TreatedCell<'a>, Reason> {
        if text.is_empty() && planned.column.required {
            return Err(Reason::Required);
        }
        let serial = planned.is_date() && !text.is_empty() && is_serial(text);
        if serial && planned.doubted && parse_date(text, &self.dates).is_ok() {
            return Err(Reason::AmbiguousDate);
        }
        let part = match planned.column.part {
            Some(part) => self.comparable(part, text)?,
            None => None,
        };
        let (cell, state, note) = match &planned.column.treatment {
            Treatment::Drop => (Cell::Null, "", None),
            // A formula that finds no number says so.
            Treatment::Pseudonymise(kind) if is_placeholder(text) => {
                self.identifier(planned, kind, text)?
            }
            _ if text.starts_with('#') && SPREADSHEET_ERRORS.contains(&text) => {
                return Err(Reason::SpreadsheetError);
            }
            Treatment::Pseudonymise(kind) => self.identifier(planned, kind, text)?,
            _ => {
                let (cell, note) = self.cell(planned, text)?;
                (cell, "", note)
            }
        };
        let note = note.or(serial.then_some(Note::Serial));
        let name = planned.is_name().then(|| text.to_owned());
        let linkage = self.for_scoring(planned, text, &cell);
        let cohort = self.cohort(planned, text)?;
        let blank = text.is_empty();
        Ok(TreatedCell {
            cell,
            state,
            part,
            linkage,
            name,
            note,
            blank,
            cohort,
            slip: None,
            asked: false,
        })
    }

    fn identifier<'a>(
        &self,
        planned: &PlannedColumn,
        kind: &Kind,
        text: &str,
    ) -> Result<(Cell<'a>, &'static str, Option<Note>), Reason> {
        let cell = |identifier: &[u8]| Cell::Identifier(identifier.into());
        let opaque = || OpaqueId::parse(text).map(|id| (cell(id.canonical()), "known"));
        let mut note = None;
        let mut none = || {
            note = Some(Note::Blank(Reason::Placeholder));
            (Cell::Null, "blank")
        };
        let (cell, state) = match (kind.as_str(), self.rule) {
            _ if text.is_empty() => (Cell::Null, "blank"),
            _ if is_placeholder(text) => none(),
            ("upn", IdentifierRule::Strict) => match UpnField::parse(text)? {
                UpnField::Known(upn) => (cell(upn.canonical()), upn_state(&upn)),
                UpnField::Blank => (Cell::Null, "blank"),
                UpnField::Missing(reason) => (Cell::Null, reason.code()),
            },
            ("upn", IdentifierRule::Opaque) => match UpnField::parse(text) {
                Ok(UpnField::Missing(reason)) => (Cell::Null, reason.code()),
                _ => opaque()?,
            },
            ("nhs-number", _) => match NhsNumber::parse(text)? {
                // Ten equal digits pass the check, and nobody has them.
                number if number.is_one_digit() => none(),
                number => (cell(number.canonical()), "known"),
            },
            ("uln", IdentifierRule::Strict) => match Uln::parse(text)?.canonical() {
                Some(digits) => (cell(digits), "known"),
                None => (Cell::Null, "temporary"),
            },
            ("uln", IdentifierRule::Opaque) => opaque()?,
            _ => match planned.form.parse(text)? {
                Some(number) => (cell(number.canonical()), "known"),
                None => none(),
            },
        };
        if planned.column.required && matches!(cell, Cell::Null) {
            return Err(Reason::Required);
        }
        Ok((cell, state, note))
    }
}

/// The value at a place of a cell's JSON, as text; what is not there, or null, is blank.
fn drawn(text: &str, pointer: &str) -> Result<String, Reason> {
    if text.is_empty() {
        return Ok(String::new());
    }
    let json: serde_json::Value = match serde_json::from_str(text) {
        Ok(json) => json,
        // A database's word for nothing may stand in the place of the JSON.
        Err(_) if text.eq_ignore_ascii_case("null") => return Ok(String::new()),
        Err(_) => return Err(Reason::NotJson),
    };
    match json.pointer(pointer) {
        None | Some(serde_json::Value::Null) => Ok(String::new()),
        Some(serde_json::Value::String(text)) => Ok(text.clone()),
        Some(serde_json::Value::Bool(flag)) => Ok(flag.to_string()),
        Some(serde_json::Value::Number(number)) => Ok(number.to_string()),
        Some(_) => Err(Reason::NotJson),
    }
}

pub(crate) fn compact(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).flat_map(char::to_uppercase).collect()
}

fn upn_state(upn: &Upn) -> &'static str {
    if upn.is_temporary() { "temporary" } else { "known" }
}

pub(crate) fn days(date: Date) -> i32 {
    let epoch = jiff::civil::date(1970, 1, 1);
    // A date of 1900 to 2100 is at most 50,000 days away.
    date.since(epoch).map_or(0, |span| span.get_days())
}

#[cfg(test)]
mod tests;
