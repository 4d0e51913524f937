//! A clerk's writing about a child of the harder council: its name and home as they were on a day or before it, sounds
//! written in another way, slips of the fingers, dates that were guessed. They err more often about some children.

use crate::{
    calendar::Day,
    child::Child,
    council::Council,
    dice::Dice,
    names::{mistyped, short, variant},
    services::Damage,
};

/// The writer: a school knows a child better than a service that has seen it once.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Clerk {
    School,
    Service,
}

impl Clerk {
    /// So many of a service's errors does it make.
    fn share(self) -> f64 {
        match self {
            Self::School => 0.08,
            Self::Service => 1.0,
        }
    }
}

/// Forename and surname as a clerk writes them on a day; none in the ordinary council.
pub(crate) fn names(
    council: &Council,
    child: &Child,
    clerk: Clerk,
    day: Day,
    dice: &mut Dice,
    damage: &mut Damage,
) -> Option<[String; 2]> {
    let hard = child.hard.as_deref()?;
    let defects = &council.defects;
    let rate = |rate: f64| (rate * hard.error * clerk.share()).min(0.5);
    let mut surname = child.surname.clone();
    if let Some((until, former)) = &hard.former_name {
        // A service goes on with the name that it knows.
        let knows_the_new = day >= *until && !dice.chance(0.4 * clerk.share());
        if !knows_the_new {
            surname = match day >= *until {
                true => damage.note("former-name", former.clone()),
                false => former.clone(),
            };
        }
    }
    let mut forename = child.forename.clone();
    let sounds = if hard.origin.is_transliterated() { 2.0 } else { 0.2 };
    for name in [&mut forename, &mut surname] {
        if dice.chance(rate(defects.name_variant * sounds))
            && let Some(other) = variant(name, dice)
        {
            *name = damage.note("name-variant", other);
        }
        if dice.chance(rate(defects.misspelt_name)) {
            *name = damage.note("misspelt-name", mistyped(name, dice));
        }
    }
    if dice.chance(rate(defects.short_name))
        && let Some(called) = short(&forename)
    {
        forename = damage.note("short-name", called);
    }
    if surname.contains('-') && dice.chance(0.25 * clerk.share()) {
        let part = surname.split('-').next_back().unwrap_or_default().to_owned();
        surname = damage.note("part-of-a-double-name", part);
    }
    if dice.chance(rate(defects.swapped_names)) {
        damage.note("swapped-names", ());
        std::mem::swap(&mut forename, &mut surname);
    }
    Some([forename, surname])
}

/// The birth date as a clerk guessed or mistyped it; none where it is as it was born, and in the ordinary council.
pub(crate) fn wrong_birth_date(
    council: &Council,
    child: &Child,
    clerk: Clerk,
    dice: &mut Dice,
    damage: &mut Damage,
) -> Option<Day> {
    let hard = child.hard.as_deref()?;
    if !dice.chance((council.defects.wrong_date * hard.error * clerk.share()).min(0.5)) {
        return None;
    }
    let (year, month, of_month) = child.born.civil();
    // Where nobody knows the day, the first of January is written.
    let guessed = hard.is_new || child.unaccompanied;
    let wrong = match dice.below(4) {
        0 if guessed => Day::new(year, 1, 1),
        0 => child.born.plus(dice.between(1, 3)),
        1 => Day::new(year, if month == 12 { 1 } else { month + 1 }, of_month.min(28)),
        2 => Day::new(year - 1, month, of_month.min(28)),
        _ => child.born.swapped().unwrap_or_else(|| child.born.plus(-1)),
    };
    // A child is born before it is written about.
    let wrong = if wrong > Day::YEAR_END.plus(-400) { child.born.plus(-1) } else { wrong };
    (wrong != child.born).then(|| damage.note("wrong-birth-date", wrong))
}

/// The postcode on a day, as a clerk knows it: some have the home before.
pub(crate) fn postcode(child: &Child, day: Day, dice: &mut Dice, damage: &mut Damage) -> String {
    let Some((until, former)) = child.hard.as_deref().and_then(|hard| hard.former_home.as_ref())
    else {
        return child.postcode.clone();
    };
    match day >= *until {
        true if dice.chance(0.25) => damage.note("former-home", former.clone()),
        true => child.postcode.clone(),
        false => former.clone(),
    }
}
