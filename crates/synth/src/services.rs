//! Early help and missing episodes, and what every source does to a value now and then.

use crate::{
    calendar::{DateStyle, Day},
    child::Child,
    council::Council,
    dice::{Dice, Subject},
    file_pieces::Piece,
    harder_council,
    numbers::{self, Numbers, authority},
    slips::{self, Clerk},
};

pub(crate) const EARLY_HELP: &str =
    "person_id,upn,forename,surname,dob,postcode,start_date,end_date,reason";
pub(crate) const MISSING: &str =
    "police_ref,nhs_number,forename,surname,dob,postcode,reported,found,risk";

/// The damage to a row: the first defect is told.
#[derive(Default)]
pub(crate) struct Damage(Option<&'static str>);

impl Damage {
    pub(crate) fn note<T>(&mut self, defect: &'static str, value: T) -> T {
        self.0.get_or_insert(defect);
        value
    }

    pub(crate) fn defect(&self) -> &'static str {
        self.0.unwrap_or_default()
    }
}

/// How a pupil number can be untidy where it stands.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Untidy {
    /// A cell of a table holds whatever was typed.
    Anyhow,
    /// An XML return's schema allows small letters, and refuses blanks and apostrophes.
    SmallLetters,
}

/// A pupil number as it was typed: now and then untidy, wrong or left out.
pub(crate) fn tidy_upn(
    council: &Council,
    child: &Child,
    upn: &str,
    dice: &mut Dice,
    damage: &mut Damage,
) -> String {
    typed_upn(council, child, upn, Untidy::Anyhow, dice, damage)
}

fn typed_upn(
    council: &Council,
    child: &Child,
    upn: &str,
    untidy: Untidy,
    dice: &mut Dice,
    damage: &mut Damage,
) -> String {
    let Some(first) = upn.bytes().next() else { return String::new() };
    let defects = &council.defects;
    if council.hard {
        for (rate, swap, defect) in [
            (defects.wrong_digit, false, "wrong-digit"),
            (defects.swapped_digits, true, "swapped-digits"),
        ] {
            if dice.chance(rate * child.error()) {
                return damage.note(defect, harder_council::faulty(upn, swap, dice));
            }
        }
    }
    if dice.chance(defects.wrong_check_letter) {
        let letter = numbers::wrong_letter(first, dice.bits());
        return damage.note("wrong-check-letter", format!("{letter}{}", &upn[1..]));
    }
    if dice.chance(defects.missing_upn) {
        return damage.note("missing-upn", String::new());
    }
    if dice.chance(defects.untidy_upn) {
        let untidy = match (dice.below(4), untidy) {
            (0, _) | (_, Untidy::SmallLetters) => upn.to_lowercase(),
            (1, _) => format!(" {upn} "),
            (2, _) => format!("{}\u{a0}{}", &upn[..4], &upn[4..]),
            _ => format!("'{upn}"),
        };
        return damage.note("untidy-upn", untidy);
    }
    upn.to_owned()
}

/// The pupil number as a service outside the schools holds it: it may be a second one.
pub(crate) fn service_upn(
    council: &Council,
    child: &Child,
    untidy: Untidy,
    dice: &mut Dice,
    damage: &mut Damage,
) -> Result<String, &'static str> {
    let upn = child.upn_at_end()?;
    if dice.chance(council.defects.second_upn) {
        let numbers = Numbers::new(council.children());
        let second = numbers.upn(authority::MISTAKEN, child.number, 2016);
        return Ok(damage.note("second-upn", second));
    }
    if let Some(hard) = child.hard.as_deref()
        && let Some(other) = &hard.relative
        && dice.chance(council.defects.relatives_upn * hard.error)
    {
        return Ok(damage.note("anothers-upn", other.clone()));
    }
    Ok(typed_upn(council, child, upn, untidy, dice, damage))
}

/// The birth date as it was typed: now and then a serial number, or with day and month swapped.
pub(crate) fn date(
    council: &Council,
    child: &Child,
    clerk: Clerk,
    style: DateStyle,
    dice: &mut Dice,
    damage: &mut Damage,
) -> String {
    let wrong = slips::wrong_birth_date(council, child, clerk, dice, damage);
    let day = wrong.unwrap_or(child.born);
    if dice.chance(council.defects.serial_date) {
        return damage.note("serial-date", day.serial());
    }
    if dice.chance(council.defects.swapped_date)
        && let Some(swapped) = day.swapped()
    {
        return damage.note("swapped-date", style.write(swapped));
    }
    style.write(day)
}

pub(crate) fn name(council: &Council, name: &str, dice: &mut Dice, damage: &mut Damage) -> String {
    if name.len() > 2 && dice.chance(council.defects.misspelt_name) {
        let at = 1 + dice.below(name.len() as u64 - 2) as usize;
        return damage.note("misspelt-name", format!("{}{}", &name[..at], &name[at + 1..]));
    }
    name.to_owned()
}

/// Forename and surname as a service has them on a day.
fn names(
    council: &Council,
    child: &Child,
    day: Day,
    dice: &mut Dice,
    damage: &mut Damage,
) -> [String; 2] {
    slips::names(council, child, Clerk::Service, day, dice, damage).unwrap_or_else(|| {
        [&child.forename, &child.surname].map(|own| name(council, own, dice, damage))
    })
}

pub(crate) fn add_early_help(council: &Council, child: &Child, piece: &mut Piece) {
    if !child.early_help {
        return;
    }
    let mut dice = child.dice(council, Subject::EarlyHelp);
    for _ in 0..dice.weighted(&[(1, 80), (2, 20)]) {
        let mut damage = Damage::default();
        let upn = match dice.chance(0.55) {
            true => service_upn(council, child, Untidy::Anyhow, &mut dice, &mut damage)
                .unwrap_or_default(),
            false => String::new(),
        };
        let start = child.day(2024, 9, 1).plus(dice.between(-60, 270));
        let end = match dice.chance(0.6) {
            true => start.plus(dice.between(20, 200)).slashed(),
            false => String::new(),
        };
        let [forename, surname] = names(council, child, start, &mut dice, &mut damage);
        let row = [
            format!("EH{}", numbers::service_number(child.number)),
            upn,
            forename,
            surname,
            date(council, child, Clerk::Service, DateStyle::Slashed, &mut dice, &mut damage),
            slips::postcode(child, start, &mut dice, &mut damage),
            start.slashed(),
            end,
            dice.pick(&["ATTEND", "PARENT", "HOUSING", "HEALTH", "BEHAVE"]).to_owned(),
        ];
        piece.row(&row);
        piece.tell(child.number, damage.defect());
        if dice.chance(council.defects.duplicate_row) {
            piece.repeat(child.number);
        }
    }
}

pub(crate) fn add_missing(council: &Council, child: &Child, piece: &mut Piece) {
    if !child.missing {
        return;
    }
    let mut dice = child.dice(council, Subject::Missing);
    for episode in 0..dice.weighted(&[(1, 60), (2, 20), (5, 20)]) {
        let mut damage = Damage::default();
        let mut nhs = if dice.chance(0.3) { child.nhs.clone() } else { String::new() };
        if !nhs.is_empty() && dice.chance(council.defects.wrong_nhs_number) {
            nhs = numbers::wrong_last_digit(&nhs);
            damage.note("wrong-nhs-number", ());
        }
        let reported = child.day(2024, 9, 1).plus(dice.between(0, 320));
        let [forename, surname] = names(council, child, reported, &mut dice, &mut damage);
        let row = [
            format!("P{}", numbers::service_number(child.number * 6 + episode)),
            nhs,
            forename,
            surname,
            date(council, child, Clerk::Service, DateStyle::Iso, &mut dice, &mut damage),
            slips::postcode(child, reported, &mut dice, &mut damage),
            reported.iso(),
            reported.plus(dice.between(0, 4)).iso(),
            dice.pick(&["LOW", "MEDIUM", "HIGH"]).to_owned(),
        ];
        piece.row(&row);
        piece.tell(child.number, damage.defect());
    }
}
