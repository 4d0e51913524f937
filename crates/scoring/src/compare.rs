//! How much two records agree, part by part.

use serde::Serialize;

use crate::{
    Forenames,
    chance::Frequencies,
    record::{BirthDate, KeyedValue, Name, PARTS, Postcode},
    tables::{BIRTH_DATE, FORENAME, POSTCODE, SURNAME, Side, Values},
};

/// The most levels that a part has.
pub(crate) const LEVELS: usize = 8;

/// The level of a part that one of the two records does not have.
pub(crate) const MISSING: u8 = u8::MAX;

/// Two values that differ.
pub(crate) const DIFFERENT: u8 = 0;

pub(crate) mod name {
    pub(crate) const INITIAL: u8 = 1;
    pub(crate) const SOUND: u8 = 2;
    pub(crate) const TWO_LESS: u8 = 3;
    pub(crate) const ONE_LESS: u8 = 4;
    pub(crate) const WHOLE: u8 = 5;
    pub(crate) const SWAPPED_NEAR: u8 = 6;
    pub(crate) const SWAPPED: u8 = 7;
}

pub(crate) mod date {
    pub(crate) const ONE_PART: u8 = 1;
    pub(crate) const TWO_PARTS: u8 = 2;
    pub(crate) const ONE_LESS: u8 = 3;
    pub(crate) const SWAPPED: u8 = 4;
    pub(crate) const WHOLE: u8 = 5;
}

pub(crate) mod postcode {
    pub(crate) const SECTOR: u8 = 1;
    pub(crate) const ONE_LESS: u8 = 2;
    pub(crate) const UNIT: u8 = 3;
}

/// The one level of a sex or a number beside `DIFFERENT`.
pub(crate) const SAME: u8 = 1;

/// A part and how its levels are called, the least first.
pub(crate) const NAMES: [(&str, &[&str]); PARTS] = [
    (
        "forename",
        &[
            "different",
            "initial",
            "sound",
            "two-letters",
            "one-letter",
            "same",
            "swapped-near",
            "swapped",
        ],
    ),
    ("surname", &["different", "initial", "sound", "two-letters", "one-letter", "same"]),
    (
        "birth-date",
        &["different", "one-part", "two-parts", "one-digit", "day-month-swapped", "same"],
    ),
    ("sex", &["different", "same"]),
    ("postcode", &["different", "sector", "one-character", "same"]),
    ("identifier", &["different", "same"]),
];

/// How two records agree in a part, for a person who judges them: no more than this.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Agreement {
    /// The two are the same.
    Agrees,
    /// A typing error or a sound apart, swapped, or the most of it the same.
    Near,
    /// They are others.
    Differs,
    /// One of the two does not have it.
    Missing,
}

/// The parts of which [`Agreement`] is told.
pub const AGREEMENT_PARTS: [&str; 5] = [NAMES[0].0, NAMES[1].0, NAMES[2].0, NAMES[3].0, NAMES[4].0];

impl Agreement {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Agrees => "agrees",
            Self::Near => "near",
            Self::Differs => "differs",
            Self::Missing => "missing",
        }
    }
}

/// A contradiction that the rules forbid, whatever the weights say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Conflict {
    /// The forenames differ, and no identifier is the same: twins, siblings.
    OtherForename,
    /// The forenames are alike, not the same, the sexes differ, and no identifier is the same: Amir and Amira.
    OtherSex,
    /// One of the two has no forename, and no identifier is the same: it may be a twin's row.
    NoForename,
}

/// Two records, compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Pattern(pub(crate) [u8; PARTS]);

/// The values by which the parts of two records agree best.
pub(crate) type Agreed = [(u32, u32); PARTS];

impl Pattern {
    /// How the parts agree. Where forename and surname stand in each other's place, both are near.
    pub(crate) fn agreement(self) -> [Agreement; AGREEMENT_PARTS.len()] {
        let Self([forename, surname, birth_date, sex, postcode, _]) = self;
        let of = |level: u8, near: &[u8], same: u8| match level {
            MISSING => Agreement::Missing,
            level if level == same => Agreement::Agrees,
            level if near.contains(&level) => Agreement::Near,
            _ => Agreement::Differs,
        };
        let alike =
            [name::SOUND, name::TWO_LESS, name::ONE_LESS, name::SWAPPED_NEAR, name::SWAPPED];
        let swapped = forename == name::SWAPPED || forename == name::SWAPPED_NEAR;
        let surname = if swapped { name::SWAPPED } else { surname };
        let near_date = [date::TWO_PARTS, date::ONE_LESS, date::SWAPPED];
        [
            of(forename, &alike, name::WHOLE),
            of(surname, &alike, name::WHOLE),
            of(birth_date, &near_date, date::WHOLE),
            of(sex, &[], SAME),
            of(postcode, &[postcode::SECTOR, postcode::ONE_LESS], postcode::UNIT),
        ]
    }

    /// Why the two cannot be one person.
    pub(crate) fn conflict(self, rule: Forenames) -> Option<Conflict> {
        let Self([forename, _, _, sex, _, identifier]) = self;
        if rule == Forenames::Any || identifier == SAME {
            return None;
        }
        match forename {
            DIFFERENT | name::INITIAL => Some(Conflict::OtherForename),
            MISSING => (rule == Forenames::Agree).then_some(Conflict::NoForename),
            name::WHOLE | name::SWAPPED => None,
            _ => (sex == DIFFERENT).then_some(Conflict::OtherSex),
        }
    }
}

/// A level, how frequent its two values are, and the two: in order, and as they stand left and right.
type Best = (u8, f64, (u32, u32), (u32, u32));

/// Compares records by their values.
pub(crate) struct Comparer<'a> {
    pub(crate) values: &'a Values<'a>,
    pub(crate) frequencies: &'a Frequencies,
}

impl Comparer<'_> {
    /// How two records agree, and the values by which each part agrees best: among equals the rarest, then the first.
    pub(crate) fn compare(&self, left: (&Side, usize), right: (&Side, usize)) -> (Pattern, Agreed) {
        let best = |mine: usize, theirs: usize| {
            let (left, right) = (left.0.part(left.1, mine), right.0.part(right.1, theirs));
            let mut found: Option<Best> = None;
            for a in left {
                for b in right {
                    let level = self.level(mine, *a, *b);
                    let common = self.frequencies.of(mine, *a) + self.frequencies.of(theirs, *b);
                    let ends = (*a.min(b), *a.max(b));
                    let better = found.as_ref().is_none_or(|(least, at, first, _)| {
                        level.cmp(least).then(at.total_cmp(&common)).then(first.cmp(&ends)).is_gt()
                    });
                    if better {
                        found = Some((level, common, ends, (*a, *b)));
                    }
                }
            }
            found.map_or((MISSING, (0, 0)), |(level, _, _, agreed)| (level, agreed))
        };
        let mut levels = [MISSING; PARTS];
        let mut agreed = [(0, 0); PARTS];
        for part in 0..PARTS {
            (levels[part], agreed[part]) = best(part, part);
        }
        let unlike = |level: u8| level < name::TWO_LESS;
        if unlike(levels[FORENAME]) && unlike(levels[SURNAME]) {
            let (one, by_one) = best(FORENAME, SURNAME);
            let (other, by_other) = best(SURNAME, FORENAME);
            if one != MISSING && other != MISSING && one.min(other) >= name::ONE_LESS {
                let same = one.min(other) == name::WHOLE;
                levels[FORENAME] = if same { name::SWAPPED } else { name::SWAPPED_NEAR };
                levels[SURNAME] = MISSING;
                (agreed[FORENAME], agreed[SURNAME]) = (by_one, by_other);
            }
        }
        (Pattern(levels), agreed)
    }

    fn level(&self, part: usize, a: u32, b: u32) -> u8 {
        let (values, x, y) = (self.values, a as usize, b as usize);
        match part {
            FORENAME | SURNAME => names(values.names[x], values.names[y]),
            BIRTH_DATE => dates(values.dates[x], values.dates[y]),
            POSTCODE => postcodes(values.postcodes[x], values.postcodes[y]),
            _ => u8::from(a == b),
        }
    }
}

pub(crate) fn names(a: &Name, b: &Name) -> u8 {
    if a.whole.is_some() && a.whole == b.whole {
        name::WHOLE
    } else if meet(&a.one_less, &b.one_less) {
        name::ONE_LESS
    } else if meet(&a.two_less, &b.two_less) {
        name::TWO_LESS
    } else if meet(&a.sounds, &b.sounds) {
        name::SOUND
    } else if a.initial.is_some() && a.initial == b.initial {
        name::INITIAL
    } else {
        DIFFERENT
    }
}

pub(crate) fn dates(a: &BirthDate, b: &BirthDate) -> u8 {
    if a.whole == b.whole {
        date::WHOLE
    } else if a.swapped == Some(b.whole) || b.swapped == Some(a.whole) {
        date::SWAPPED
    } else if meet(&a.one_less, &b.one_less) {
        date::ONE_LESS
    } else {
        let same = [a.year == b.year, a.month == b.month, a.day == b.day];
        match same.into_iter().filter(|same| *same).count() {
            0 => DIFFERENT,
            1 => date::ONE_PART,
            _ => date::TWO_PARTS,
        }
    }
}

pub(crate) fn postcodes(a: &Postcode, b: &Postcode) -> u8 {
    if a.unit == b.unit {
        postcode::UNIT
    } else if meet(&a.one_less, &b.one_less) {
        postcode::ONE_LESS
    } else if a.sector.is_some() && a.sector == b.sector {
        postcode::SECTOR
    } else {
        DIFFERENT
    }
}

/// Whether two sorted lists share a keyed value.
fn meet(a: &[KeyedValue], b: &[KeyedValue]) -> bool {
    let (mut i, mut j) = (0, 0);
    while let (Some(x), Some(y)) = (a.get(i), b.get(j)) {
        match x.cmp(y) {
            std::cmp::Ordering::Less => i += 1,
            std::cmp::Ordering::Greater => j += 1,
            std::cmp::Ordering::Equal => return true,
        }
    }
    false
}
