//! Treats a cell that is no identifier: a date, a number, a flag, a text, a code, or one that becomes coarser.

use minster_identifiers::Shape;
use minster_sources::{
    Reason, TokenRule, Treatment, UnknownCode, ValueType, parse_date, parse_decimal, parse_flag,
    parse_integer,
};

use super::{Cell, PlannedColumn, TablePlan, days};
use crate::{cells::Note, generalise::generalise};

impl TablePlan {
    /// Treats a cell that is no identifier.
    pub(super) fn cell<'a>(
        &self,
        planned: &'a PlannedColumn,
        text: &'a str,
    ) -> Result<(Cell<'a>, Option<Note>), Reason> {
        if text.is_empty() {
            return Ok((Cell::Null, None));
        }
        let cell = match &planned.column.treatment {
            Treatment::Drop | Treatment::Pseudonymise(_) => Cell::Null,
            Treatment::Keep(ValueType::Date) => Cell::Date(days(parse_date(text, &self.dates)?)),
            Treatment::Keep(ValueType::Integer) => {
                let number = parse_integer(text)?;
                // The numbers that a service counts are shorter than those that name someone. A telephone number's 0 is
                // part of its text alone.
                let long = number.unsigned_abs() >= 1_000_000_000;
                let found = |text: &str| Shape::find(text).is_some();
                if long && (found(&number.to_string()) || found(text)) {
                    return Err(Reason::LooksLikeIdentifier);
                }
                Cell::Integer(number)
            }
            Treatment::Keep(ValueType::Decimal) => {
                let number = parse_decimal(text)?;
                let whole = number.fract() == 0.0 && number.abs() >= 1e9;
                if whole && Shape::find(&format!("{number:.0}")).is_some() {
                    return Err(Reason::LooksLikeIdentifier);
                }
                Cell::Decimal(number)
            }
            Treatment::Keep(ValueType::Flag) => Cell::Flag(parse_flag(text)?),
            Treatment::Token(rule) => {
                if Shape::find(text).is_some() {
                    return Err(Reason::LooksLikeIdentifier);
                }
                if self.whole.as_ref().is_some_and(|whole| whole.hold(text)) {
                    return Err(Reason::EqualsName);
                }
                let fits = match rule {
                    TokenRule::Pattern(pattern) => pattern.fits(text),
                    TokenRule::Distinct(_) => {
                        let strange = |c: char| c.is_whitespace() || c.is_control();
                        text.len() <= 16 && !text.contains(strange)
                    }
                };
                Cell::Text(fits.then_some(text).ok_or(Reason::NotToken)?.into())
            }
            Treatment::Code(codes) => {
                return match (codes.find(text, self.year), &codes.unknown) {
                    (Some(found), _) => {
                        // A pattern may say of words that they are not understood.
                        let is_unknown = matches!(&codes.unknown, UnknownCode::Becomes(code) if code == found.code);
                        let note = match (found.outside_its_years, found.by_pattern) {
                            (true, _) => Some(Note::OutsideItsYears),
                            (_, true) if is_unknown => Some(Note::Unknown),
                            (_, true) => Some(Note::ByPattern),
                            _ => None,
                        };
                        Ok((Cell::Text(found.code.into()), note))
                    }
                    (None, UnknownCode::Becomes(code)) => {
                        Ok((Cell::Text(code.as_str().into()), Some(Note::Unknown)))
                    }
                    (None, UnknownCode::Blank) => Ok((Cell::Null, Some(Note::Unknown))),
                    (None, UnknownCode::Quarantine) => Err(Reason::UnknownCode),
                };
            }
            Treatment::Generalise(to) => {
                generalise(to, text, &self.dates, planned.lookup.as_deref())?
            }
        };
        Ok((cell, None))
    }
}
