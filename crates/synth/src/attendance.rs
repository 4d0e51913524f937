//! Attendance: a row a pupil and session. Written by hand: it is nearly all of the council's bytes.

use crate::{
    calendar::SchoolDay,
    child::Child,
    council::Council,
    dice::Subject,
    file_pieces::Piece,
    places,
    services::{Damage, tidy_upn},
};

pub(crate) const HEADER: &str = "UPN,date,session,code,school";

/// Adds a child's sessions of the year.
pub(crate) fn add(council: &Council, child: &Child, days: &[SchoolDay], piece: &mut Piece) {
    let mut dice = child.dice(council, Subject::Attendance);
    let mut away = 0;
    for SchoolDay { term, iso, .. } in days {
        let Some(school) = child.schools[*term] else { continue };
        let (Some(upn), _) = child.upn_in(*term) else { continue };
        if away == 0 && dice.chance(child.absence / 2.0) {
            away = 1 + dice.below(4);
        }
        let absent = away > 0;
        away = away.saturating_sub(1);
        let reason = match absent {
            true => {
                dice.weighted(&[("I", 50), ("M", 12), ("O", 14), ("U", 6), ("C", 10), ("G", 8)])
            }
            false => "",
        };
        for (session, present) in [("AM", "/"), ("PM", "\\")] {
            let mut damage = Damage::default();
            let late = !absent && session == "AM" && dice.below(64) == 0;
            let code = if absent {
                reason
            } else if late {
                "L"
            } else {
                present
            };
            // A register's number is seldom typed: a tenth of the other sources' rate.
            let typed = dice.below(10) == 0;
            let number = match typed {
                true => tidy_upn(council, child, upn, &mut dice, &mut damage),
                false => upn.to_owned(),
            };
            let row: [&str; 4] = [&number, iso, session, code];
            for field in row {
                piece.bytes.extend_from_slice(field.as_bytes());
                piece.bytes.push(b',');
            }
            piece.bytes.extend_from_slice(places::code(school).as_bytes());
            piece.bytes.push(b'\n');
            piece.rows += 1;
            if !damage.defect().is_empty() {
                piece.tell(child.number, damage.defect());
            }
        }
    }
    if dice.chance(council.defects.duplicate_row) && piece.rows > 0 {
        piece.repeat(child.number);
    }
}
