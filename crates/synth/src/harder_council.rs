//! The harder council: children whose records are harder to tell apart, and records that are more often wrong about those
//! who most need to be counted.
//!
//! A family from abroad has a name that clerks write in several ways; a child in care has moved; two classmates have one
//! name. Each child is made as the ordinary council makes it, and hardened by a stream of chance of its own.

use crate::{
    Council,
    calendar::Day,
    child::{self, BLOCK, Child, PupilNumber},
    dice::{Dice, Subject},
    names::Origin,
    numbers::{self, Numbers, authority},
    places,
};

/// The traits that make a child hard to link, and its facts of the school year before.
#[derive(Debug, Clone)]
pub(crate) struct Hard {
    pub(crate) origin: Origin,
    /// How many times as often as in the ordinary council a record about the child is wrong.
    pub(crate) error: f64,
    /// It came from abroad or another council within the year.
    pub(crate) is_new: bool,
    /// A surname that it had until a day.
    pub(crate) former_name: Option<(Day, String)>,
    /// A home that it had until a day.
    pub(crate) former_home: Option<(Day, String)>,
    /// A valid number that is not its own: a sibling's or a classmate's, or that of its identity before adoption.
    pub(crate) relative: Option<String>,
    pub(crate) has_nhs: bool,
    /// It was adopted: this is the identity that it had before.
    pub(crate) is_old_identity: bool,
    /// This is the identity that an adopted child has now, and its number is the other's.
    pub(crate) new_identity_of: Option<u64>,
    /// Its temporary number was, or became, another child's.
    pub(crate) is_number_used_again: bool,
    /// It has the name of a child of another family.
    pub(crate) is_namesake: bool,
    /// Born on one day with the child before it.
    pub(crate) is_twin: bool,
    /// The school year before.
    pub(crate) before: Before,
}

/// A child as schools knew it a year before.
#[derive(Debug, Clone, Default)]
pub(crate) struct Before {
    pub(crate) schools: [Option<u64>; 3],
    /// Its number then, where it was another.
    upn: Option<PupilNumber>,
}

/// Hardens the children of a block.
pub(crate) fn harden(council: &Council, block: u64, children: &mut [Child]) {
    let mut dice = Dice::new(council.seed, Subject::Hard, block);
    let mut first = 0;
    while first < children.len() {
        let home = |child: &Child| (child.surname.clone(), child.postcode.clone());
        let own = home(&children[first]);
        let size = children[first..].iter().take_while(|child| home(child) == own).count();
        family(council, &mut children[first..first + size], &mut dice);
        first += size;
    }
    namesakes(council, children, &mut dice);
    adoption(council, children, &mut dice);
    used_again(council, children, &mut dice);
    for place in 1..children.len() {
        let same = |a: &Child, b: &Child| a.born == b.born && a.postcode == b.postcode && !b.unborn;
        let is_twin = same(&children[place - 1], &children[place]);
        if let Some(hard) = children[place].hard.as_deref_mut() {
            hard.is_twin = is_twin;
        }
    }
    // Another's number is typed by mistake: that of the child before it in the block, a sibling's or a classmate's.
    for place in 0..children.len() {
        let other = (place + children.len() - 1) % children.len();
        let number = children[other].upn_at_end().ok().map(str::to_owned);
        if let Some(hard) = children[place].hard.as_deref_mut()
            && other != place
            && hard.relative.is_none()
        {
            hard.relative = number;
        }
    }
}

fn family(council: &Council, family: &mut [Child], dice: &mut Dice) {
    let origin = Origin::of(family[0].ethnicity, dice);
    let mut surname = origin.surname(dice);
    if origin == Origin::English && dice.chance(0.05) {
        surname = format!("{surname}-{}", origin.surname(dice));
    }
    // In some families daughters have a name of their own.
    let daughters = (origin == Origin::SouthAsian && dice.chance(0.3))
        .then(|| ["Bibam", "Khator", "Kaura"][dice.below(3) as usize]);
    let moved = dice.chance(0.12).then(|| home(dice));
    let is_new = dice.chance(if origin == Origin::English { 0.015 } else { 0.09 });
    for place in 0..family.len() {
        let is_twin = place > 0 && family[place].born == family[place - 1].born;
        let elder = is_twin.then(|| (family[place - 1].forename.clone(), family[place - 1].male));
        let child = &mut family[place];
        if child.unborn {
            child.surname.clone_from(&surname);
            child.hard = Some(Box::new(hard(origin, is_new)));
            continue;
        }
        child.surname = match daughters {
            Some(own) if !child.male => own.to_owned(),
            _ => surname.clone(),
        };
        child.forename = match elder {
            // Twins with names that differ by their ends alone.
            Some((elder, male)) if dice.chance(0.3) => {
                child.male = male;
                similar(&elder, origin, dice, male)
            }
            _ => origin.forename(dice, child.male),
        };
        let mut own = hard(origin, is_new);
        own.error *= if child.looked_after { 2.0 } else { 1.0 };
        own.has_nhs = dice.chance(0.8);
        if dice.chance(if child.looked_after { 0.06 } else { 0.012 }) {
            own.former_name = Some((day(dice), origin.surname(dice)));
        }
        own.former_home = match (&moved, child.looked_after && dice.chance(0.4)) {
            (_, true) => Some((day(dice), home(dice))),
            (Some(home), _) => Some((Day::new(2024, 2, 1).plus(dice.between(0, 20)), home.clone())),
            (None, _) if is_new => Some((day(dice), abroad(dice))),
            _ => None,
        };
        own.before = before(council, child, is_new, dice);
        if is_new && child.in_spine() {
            arrive(council, child, dice);
        }
        child.hard = Some(Box::new(own));
    }
}

fn hard(origin: Origin, is_new: bool) -> Hard {
    let error = if origin.is_transliterated() { 2.5 } else { 1.0 };
    Hard {
        origin,
        error: error * if is_new { 2.0 } else { 1.0 },
        is_new,
        former_name: None,
        former_home: None,
        relative: None,
        has_nhs: true,
        is_old_identity: false,
        new_identity_of: None,
        is_number_used_again: false,
        is_namesake: false,
        is_twin: false,
        before: Before::default(),
    }
}

/// Another name that begins like the elder twin's.
fn similar(elder: &str, origin: Origin, dice: &mut Dice, male: bool) -> String {
    let start = elder.char_indices().nth(elder.chars().count().saturating_sub(2));
    let start = start.map_or(elder, |(end, _)| &elder[..end]);
    let ends = if male { ["us", "ir", "on", "ax"] } else { ["ya", "ix", "el", "um"] };
    let first = dice.below(4) as usize;
    let names = (0..4).map(|step| format!("{start}{}", ends[(first + step) % 4]));
    names.into_iter().find(|name| name != elder).unwrap_or_else(|| origin.forename(dice, male))
}

fn day(dice: &mut Dice) -> Day {
    Day::new(2023, 10, 1).plus(dice.between(0, 600))
}

/// A home in the council, or for some outside of it.
fn home(dice: &mut Dice) -> String {
    match dice.chance(0.3) {
        true => abroad(dice),
        false => places::postcode(
            dice.below(places::WARDS.len() as u64) as usize,
            dice.below(places::POSTCODES),
        ),
    }
}

/// A postcode that is none of the council's.
fn abroad(dice: &mut Dice) -> String {
    format!("QX{} {}AB", 1 + dice.below(30), 1 + dice.below(9))
}

/// The schools a year before: mostly the same, for some others; and children who left in summer.
fn before(council: &Council, child: &mut Child, is_new: bool, dice: &mut Dice) -> Before {
    let count = places::schools(council.pupils);
    let was_here = child.number < council.pupils && !is_new && child::year_group(child.born) > -2;
    let school = child.schools.iter().flatten().next().copied();
    let school = match dice.chance(0.15) {
        true => school.map(|school| (school + 1) % count),
        false => school,
    };
    if !was_here {
        return Before::default();
    }
    let (from, until) =
        dice.weighted(&[((0, 3), 92), ((1, 3), 3), ((2, 3), 3), ((0, 2), 1), ((0, 1), 1)]);
    let schools = [0, 1, 2].map(|term| school.filter(|_| (from..until).contains(&term)));
    if until < 3 || dice.chance(0.03) {
        child.schools = [None; 3];
    }
    // A number is permanent; some had a temporary one then, which stands as the former one now.
    let mut upn = None;
    if dice.chance(0.01)
        && let PupilNumber::Known(_) = &child.upn
        && child.former_upn.is_none()
    {
        let numbers = Numbers::new(council.children());
        let temporary = numbers.temporary_upn(authority::OWN, child.number, 2023);
        child.former_upn = dice.chance(0.9).then(|| temporary.clone());
        upn = Some(PupilNumber::Known(temporary));
    }
    Before { schools, upn }
}

/// A pupil who came within the year: often with a temporary number.
fn arrive(council: &Council, child: &mut Child, dice: &mut Dice) {
    let school = child.schools.iter().flatten().next().copied();
    let from = dice.weighted(&[(0, 40), (1, 35), (2, 25)]);
    child.schools = [0, 1, 2].map(|term| school.filter(|_| term >= from));
    if dice.chance(0.4)
        && let PupilNumber::Known(permanent) = &child.upn
    {
        let numbers = Numbers::new(council.children());
        let temporary = numbers.temporary_upn(authority::OWN, child.number, 2024);
        child.former_upn = None;
        child.upn = match dice.chance(0.6) {
            true => PupilNumber::Replaced { temporary, permanent: permanent.clone() },
            false => PupilNumber::Temporary(temporary),
        };
    }
}

/// Children with the name of another family's child; of some the birth date is the same too.
fn namesakes(council: &Council, children: &mut [Child], dice: &mut Dice) {
    for child in children {
        if child.unborn || child.number < 400 || !dice.chance(0.004) {
            continue;
        }
        let other = child.number - 100 - dice.below(300);
        let mut block = child::block(council, other / BLOCK);
        // Names alone are taken from there: they are made before namesakes are.
        let mut chance = Dice::new(council.seed, Subject::Hard, other / BLOCK);
        let mut first = 0;
        while first < block.len() {
            let own = (block[first].surname.clone(), block[first].postcode.clone());
            let same = |one: &&Child| (&one.surname, &one.postcode) == (&own.0, &own.1);
            let size = block[first..].iter().take_while(same).count();
            family(council, &mut block[first..first + size], &mut chance);
            first += size;
        }
        let other = &block[(other % BLOCK) as usize];
        if other.unborn {
            continue;
        }
        child.surname.clone_from(&other.surname);
        child.forename.clone_from(&other.forename);
        child.male = other.male;
        if dice.chance(0.25) && child::year_group(child.born) == child::year_group(other.born) {
            child.born = other.born;
        }
        if let Some(hard) = child.hard.as_deref_mut() {
            (hard.is_namesake, hard.former_name) = (true, None);
        }
    }
}

/// Makes the second pupil of some blocks the identity that the first had before it was adopted.
fn adoption(council: &Council, children: &mut [Child], dice: &mut Dice) {
    let [new, old, ..] = children else { return };
    let both = new.number < council.pupils && old.number < council.pupils;
    let may = both && new.in_spine() && old.in_spine() && child::year_group(new.born) > -1;
    if !dice.chance(0.008) || !may {
        return;
    }
    let count = places::schools(council.pupils);
    let school = old.schools.iter().flatten().next().copied();
    (old.born, old.male, old.ethnicity) = (new.born, new.male, new.ethnicity);
    old.recorded_ethnicity = new.recorded_ethnicity;
    (old.looked_after, old.in_need) = (true, true);
    old.schools = [school, None, None];
    (new.looked_after, new.in_need) = (false, false);
    new.schools = [None, school, school].map(|school| school.map(|school| (school + 1) % count));
    let origin = Origin::of(new.ethnicity, dice);
    new.surname = origin.surname(dice);
    new.postcode = places::postcode(new.ward, dice.below(places::POSTCODES));
    if dice.chance(0.6) {
        new.forename.clone_from(&old.forename);
    }
    // Some families keep the surname: relatives adopt.
    if dice.chance(0.15) {
        new.surname.clone_from(&old.surname);
    }
    let (Some(of_new), Some(of_old)) = (new.hard.as_deref_mut(), old.hard.as_deref_mut()) else {
        return;
    };
    (of_new.is_new, of_new.before, of_new.former_name) = (false, Before::default(), None);
    (of_old.before.schools, of_old.is_new) = ([school; 3], false);
    of_old.before.upn = None;
    let numbers = Numbers::new(council.children());
    for child in [&mut *new, &mut *old] {
        child.upn = PupilNumber::Known(numbers.upn(authority::OWN, child.number, 2020));
        child.former_upn = None;
    }
    let number = old.upn_at_end().ok().map(str::to_owned);
    // A school or a service that still has the number before enters it: it must not be followed.
    if dice.chance(0.2) {
        new.former_upn.clone_from(&number);
    }
    let old_number = old.number;
    if let (Some(of_new), Some(of_old)) = (new.hard.as_deref_mut(), old.hard.as_deref_mut()) {
        of_new.new_identity_of = Some(old_number);
        of_old.is_old_identity = true;
        if dice.chance(0.3) {
            of_new.relative = number;
            of_new.error = 30.0;
        }
    }
}

/// A temporary number that one child had the year before, and that another who is new has now.
fn used_again(council: &Council, children: &mut [Child], dice: &mut Dice) {
    let [.., before, new] = children else { return };
    let both = new.number < council.pupils && before.number < council.pupils;
    if !dice.chance(0.005) || !both || !new.in_spine() || !before.in_spine() {
        return;
    }
    let (PupilNumber::Known(_), PupilNumber::Known(permanent)) = (&before.upn, &new.upn) else {
        return;
    };
    let numbers = Numbers::new(council.children());
    let temporary = numbers.temporary_upn(authority::OWN, before.number, 2023);
    new.upn = PupilNumber::Replaced { temporary: temporary.clone(), permanent: permanent.clone() };
    new.former_upn = None;
    let school = new.schools.iter().flatten().next().copied();
    new.schools = [school; 3];
    before.former_upn = dice.chance(0.9).then(|| temporary.clone());
    if let (Some(of_new), Some(of_before)) = (new.hard.as_deref_mut(), before.hard.as_deref_mut()) {
        (of_new.is_number_used_again, of_before.is_number_used_again) = (true, true);
        of_new.is_new = true;
        of_new.before = Before::default();
        of_before.is_new = false;
        of_before.before.schools = [before.schools.iter().flatten().next().copied(); 3];
        of_before.before.upn = Some(PupilNumber::Temporary(temporary));
    }
}

/// The child as it was in the school year before; none where nobody knew it here.
pub(crate) fn a_year_before(child: &Child) -> Option<Child> {
    let hard = child.hard.as_deref()?;
    let is_born = child.born < Day::new(2023, 12, 1);
    if child.unborn || hard.is_new || hard.new_identity_of.is_some() || !is_born {
        return None;
    }
    let mut before = child.clone();
    before.year = -1;
    before.schools = hard.before.schools;
    if let Some(upn) = &hard.before.upn {
        (before.upn, before.former_upn) = (upn.clone(), None);
    }
    // One who is given a number this year had none.
    if !matches!(before.upn, PupilNumber::Known(_) | PupilNumber::Temporary(_))
        || hard.before.upn.is_none() && matches!(before.upn, PupilNumber::Temporary(_))
    {
        before.upn = PupilNumber::Missing("UN4");
        before.schools = [None; 3];
    }
    Some(before)
}

/// Words for what a child is like.
pub(crate) fn traits(child: &Child) -> Vec<&'static str> {
    let Some(hard) = child.hard.as_deref() else { return Vec::new() };
    let all = [
        (hard.is_new, "newly-arrived"),
        (hard.origin.is_transliterated(), "transliterated"),
        (hard.former_name.is_some(), "name-changed"),
        (hard.former_home.is_some(), "moved"),
        (
            hard.before.upn.is_some() || matches!(child.upn, PupilNumber::Replaced { .. }),
            "number-changed",
        ),
        (hard.is_number_used_again, "number-used-again"),
        (hard.is_namesake, "namesake"),
        (hard.is_twin, "twin"),
        (hard.is_old_identity || hard.new_identity_of.is_some(), "adopted"),
        (child.unaccompanied, "unaccompanied"),
    ];
    all.into_iter().filter(|one| one.0).map(|one| one.1).collect()
}

/// A number with one digit that is another, or with two neighbours swapped: as long as the right one.
pub(crate) fn faulty(number: &str, swap: bool, dice: &mut Dice) -> String {
    let mut digits = number.as_bytes().to_vec();
    let last = digits.len().saturating_sub(2) as u64;
    let at = 1 + dice.below(last) as usize;
    let is_digit = |digits: &[u8], at: usize| digits.get(at).is_some_and(u8::is_ascii_digit);
    let next = (at..digits.len()).chain(1..at).find(|at| {
        is_digit(&digits, *at) && is_digit(&digits, at + 1) && digits[*at] != digits[at + 1]
    });
    match next {
        Some(at) if swap => digits.swap(at, at + 1),
        _ if is_digit(&digits, at) => {
            digits[at] = b'0' + (digits[at] - b'0' + 1 + dice.below(9) as u8) % 10
        }
        _ => digits[1] = b'0' + (digits[1] - b'0' + 1 + dice.below(9) as u8) % 10,
    }
    String::from_utf8_lossy(&digits).into_owned()
}

/// The NHS number as a service holds it: none for some, and now and then with a wrong last digit.
pub(crate) fn nhs_number(
    council: &Council,
    child: &Child,
    dice: &mut Dice,
) -> (String, &'static str) {
    let Some(hard) = child.hard.as_deref() else { return (child.nhs.clone(), "") };
    if !hard.has_nhs || child.nhs.is_empty() {
        return (String::new(), "");
    }
    match dice.chance(council.defects.wrong_nhs_number) {
        true => (numbers::wrong_last_digit(&child.nhs), "wrong-nhs-number"),
        false => (child.nhs.clone(), ""),
    }
}
