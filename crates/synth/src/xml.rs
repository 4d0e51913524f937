//! The parts that the XML returns share. All values are made here from letters, digits and hyphens, so
//! that none needs escaping. A return that its schema refuses is never delivered: a defect that the
//! schema sees at once, such as a birth date as a serial number, is not made here.

use std::fmt::Write as _;

use crate::{
    calendar::Day,
    child::Child,
    council::Council,
    dice::Dice,
    file_pieces::Piece,
    services::{Damage, Untidy, service_upn},
    slips::{self, Clerk},
};

pub(crate) fn element(text: &mut String, name: &str, value: &str) {
    if !value.is_empty() {
        // Writing to a string cannot fail.
        let _ = write!(text, "<{name}>{value}</{name}>");
    }
}

/// An element with a date, where there is one.
pub(crate) fn dated(text: &mut String, name: &str, day: Option<Day>) {
    element(text, name, &day.map(Day::iso).unwrap_or_default());
}

/// An element with 1 or 0.
pub(crate) fn flag(text: &mut String, name: &str, yes: bool) {
    element(text, name, if yes { "1" } else { "0" });
}

/// An element with others inside.
pub(crate) fn around(text: &mut String, name: &str, inside: impl FnOnce(&mut String)) {
    let _ = write!(text, "<{name}>");
    inside(text);
    let _ = write!(text, "</{name}>");
}

/// Adds one child or person, on a line of its own.
pub(crate) fn push(piece: &mut Piece, text: &str, child: u64, defect: &'static str) {
    piece.bytes.extend_from_slice(text.as_bytes());
    piece.bytes.push(b'\n');
    piece.rows += 1;
    piece.tell(child, defect);
}

/// The pupil number, or the code for its absence.
pub(crate) fn upn_or_code(
    council: &Council,
    child: &Child,
    dice: &mut Dice,
    damage: &mut Damage,
    absent: &'static str,
) -> Result<String, &'static str> {
    match service_upn(council, child, Untidy::SmallLetters, dice, damage)? {
        upn if upn.is_empty() => Err(absent),
        upn => Ok(upn),
    }
}

/// The birth date: now and then with day and month swapped.
pub(crate) fn born(
    council: &Council,
    child: &Child,
    dice: &mut Dice,
    damage: &mut Damage,
) -> String {
    if let Some(wrong) = slips::wrong_birth_date(council, child, Clerk::Service, dice, damage) {
        return wrong.iso();
    }
    match dice.chance(council.defects.swapped_date).then(|| child.born.swapped()).flatten() {
        Some(swapped) => damage.note("swapped-date", swapped.iso()),
        None => child.born.iso(),
    }
}
