//! Treated cells, and the content of a dataset's column.

use std::borrow::Cow;

use minster_model::{Kind, LinkagePart};
use minster_sources::{Generalisation, Reason, Treatment, ValueType, parse_date};
use minster_vault_api::Token;

use super::{PlannedColumn, TablePlan, part::LONGEST_PART};
use crate::cells::Note;

/// The type of a dataset's column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OutputType {
    Pseudonym,
    Date,
    Integer,
    Decimal,
    Flag,
    Text,
    /// The number of the row's unit.
    Unit,
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
    /// The token that stands for a pseudonym in this run.
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
    /// The same, bound to nothing.
    pub(super) fn into_owned(self) -> Cell<'static> {
        match self {
            Self::Null => Cell::Null,
            Self::Token(token) => Cell::Token(token),
            Self::Identifier(identifier) => Cell::Identifier(identifier),
            Self::Date(days) => Cell::Date(days),
            Self::Integer(number) => Cell::Integer(number),
            Self::Decimal(number) => Cell::Decimal(number),
            Self::Flag(flag) => Cell::Flag(flag),
            Self::Text(text) => Cell::Text(text.into_owned().into()),
        }
    }

    /// The identifier whose token is still to be learnt.
    pub(crate) fn identifier(&self) -> Option<&[u8]> {
        match self {
            Self::Identifier(identifier) => Some(identifier),
            _ => None,
        }
    }
}

/// One treated cell of the source.
pub(crate) struct TreatedCell<'a> {
    pub(crate) cell: Cell<'a>,
    /// Why an identifier is missing, for columns that say so.
    pub(crate) state: &'static str,
    /// Its part of match keys.
    pub(crate) part: Option<String>,
    /// The value that it gives to scored matching.
    pub(crate) linkage: Option<String>,
    /// A person's name, for which kept texts are searched.
    pub(crate) name: Option<String>,
    /// The note about it, where it did not pass as it was.
    pub(crate) note: Option<Note>,
    /// Whether it was blank.
    pub(crate) blank: bool,
    /// A birth date's cohort, as days since 1970.
    pub(crate) cohort: Option<i32>,
    /// A number that failed and may be repaired, in its canonical writing.
    pub(crate) slip: Option<Box<[u8]>>,
    /// Whether its number was asked for, and the answer stands in its place.
    pub(crate) asked: bool,
}

impl TablePlan {
    /// The value that a cell gives to scored matching. A date that is none gives nothing.
    pub(super) fn for_scoring(
        &self,
        planned: &PlannedColumn,
        text: &str,
        cell: &Cell<'_>,
    ) -> Option<String> {
        let said = match planned.column.linkage? {
            LinkagePart::BirthDate => parse_date(text, &self.dates).ok()?.to_string(),
            LinkagePart::Sex => match cell {
                Cell::Text(code) => code.as_ref().to_owned(),
                _ => return None,
            },
            LinkagePart::Forename | LinkagePart::Surname | LinkagePart::Postcode => text.to_owned(),
        };
        (!said.is_empty() && said.len() <= LONGEST_PART).then_some(said)
    }
}

impl TreatedCell<'_> {
    /// The cell for a number that failed for this reason and was repaired.
    pub(crate) fn repaired(token: Token, reason: Reason) -> TreatedCell<'static> {
        TreatedCell {
            cell: Cell::Token(token),
            state: "repaired",
            part: None,
            linkage: None,
            name: None,
            note: Some(Note::Repaired(reason)),
            blank: false,
            cohort: None,
            slip: None,
            asked: false,
        }
    }

    /// The cell of a number that means another child.
    pub(crate) fn meant(cell: Cell<'static>) -> TreatedCell<'static> {
        TreatedCell {
            cell,
            state: "known",
            part: None,
            linkage: None,
            name: None,
            note: None,
            blank: false,
            cohort: None,
            slip: None,
            asked: false,
        }
    }

    /// Why a cell that was not blank became so. A word that stands for no number is as good as a blank.
    pub(crate) fn failed(&self) -> Option<Reason> {
        match self.note {
            Some(Note::Blank(Reason::Placeholder)) | None => None,
            Some(Note::Blank(reason)) => Some(reason),
            Some(_) => None,
        }
    }

    /// The same, bound to nothing.
    pub(super) fn into_owned(self) -> TreatedCell<'static> {
        TreatedCell { cell: self.cell.into_owned(), ..self }
    }
}

/// The type of a column that is treated so, and the kind of its identifiers.
pub(super) fn output_type(treatment: &Treatment) -> (Option<OutputType>, Option<Kind>) {
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
        Treatment::Token(_) | Treatment::Code(_) | Treatment::Generalise(_) => OutputType::Text,
    };
    (Some(output_type), None)
}
