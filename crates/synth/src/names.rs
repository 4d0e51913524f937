//! Names as a real council has them: a few that many have and many that few have, clustered by where families come from.
//! All are made of syllables. The shape of the frequencies is that of published lists of names: in England the commonest
//! surname is one in a hundred, among some groups one in fifteen.

use crate::dice::Dice;

/// Where a family's names come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    English,
    Slavic,
    SouthAsian,
    WestAfrican,
    Arabic,
}

/// Syllables of one kind of name: beginnings, middles, ends.
type Syllables = [&'static [&'static str]; 3];

const ENGLISH: Syllables = [
    &[
        "Ash", "Brad", "Cart", "Dun", "Ed", "Fos", "Gran", "Hart", "Kirk", "Lang", "Mar", "Nor",
        "Pem", "Rad", "Stan", "Thorn", "Wal", "Whit", "Bar", "Hol",
    ],
    &["", "", "ing", "en", "er", "al", "is", "o"],
    &[
        "by", "don", "er", "field", "ford", "ham", "ley", "man", "sett", "son", "stead", "ton",
        "well", "worth", "combe", "wick", "hurst",
    ],
];
const SLAVIC: Syllables = [
    &["Kow", "Wis", "Nov", "Zel", "Maz", "Pav", "Dob", "Stan", "Bor", "Gor", "Mir", "Rad"],
    &["al", "ni", "ko", "e", "i", "ar", "oni", "ale"],
    &["ski", "czyk", "ak", "ov", "enko", "escu", "ic", "as"],
];
const SOUTH_ASIAN: Syllables = [
    &["Mo", "Kha", "Ah", "Hu", "Ra", "Sha", "Ta", "Za", "Ba", "Na", "Sa", "Ja"],
    &["ham", "ss", "li", "mee", "hee", "shee", "rou", "noo", "yee", "w"],
    &["med", "ed", "een", "an", "ar", "id", "ood", "im", "ain", "a"],
];
const WEST_AFRICAN: Syllables = [
    &["A", "O", "Ade", "Olu", "Chi", "Nwa", "Ab", "Mu", "Ko", "Ya", "Fa", "Di"],
    &["ba", "du", "ke", "lo", "wa", "di", "nna", "so", "mi", "fe"],
    &["yo", "mi", "ka", "ni", "wale", "la", "ji", "ro", "di"],
];
const ARABIC: Syllables = [
    &["Al", "Ha", "Yu", "Ib", "Kha", "Os", "Fa", "Na", "Su", "Ab"],
    &["da", "ra", "sa", "li", "mou", "wa", "dou", "kee"],
    &["mad", "san", "lih", "ef", "im", "ah", "een", "oud", "r"],
];
const GIRLS: [&str; 8] = ["a", "ie", "ina", "iya", "ette", "elle", "ia", "ah"];
const BOYS: [&str; 8] = ["an", "o", "in", "us", "ick", "ael", "am", "ir"];

/// Two ways to write one sound in our letters.
const SOUNDS: [(&str, &str); 14] = [
    ("ee", "i"),
    ("ou", "u"),
    ("oo", "u"),
    ("kh", "k"),
    ("ah", "a"),
    ("med", "mad"),
    ("y", "i"),
    ("ss", "s"),
    ("w", "v"),
    ("sh", "s"),
    ("czyk", "chik"),
    ("ski", "sky"),
    ("ai", "ay"),
    ("i", "ee"),
];

impl Origin {
    /// The origin of families with this main code of ethnicity.
    pub(crate) fn of(ethnicity: &str, dice: &mut Dice) -> Self {
        match ethnicity {
            "WBRI" | "WIRI" | "WIRT" | "BCRB" => Self::English,
            "WOTH" | "WROM" => Self::Slavic,
            "BAFR" | "BOTH" => Self::WestAfrican,
            "OOTH" => Self::Arabic,
            code if code.starts_with('A') => Self::SouthAsian,
            "MWAS" if dice.chance(0.5) => Self::SouthAsian,
            "MWBA" if dice.chance(0.5) => Self::WestAfrican,
            "CHNE" => Self::Slavic,
            _ => Self::English,
        }
    }

    /// Whether the names were written in other letters first.
    pub(crate) fn is_transliterated(self) -> bool {
        !matches!(self, Self::English | Self::WestAfrican)
    }

    fn syllables(self) -> &'static Syllables {
        match self {
            Self::English => &ENGLISH,
            Self::Slavic => &SLAVIC,
            Self::SouthAsian => &SOUTH_ASIAN,
            Self::WestAfrican => &WEST_AFRICAN,
            Self::Arabic => &ARABIC,
        }
    }

    /// A surname.
    pub(crate) fn surname(self, dice: &mut Dice) -> String {
        let place = match self {
            Self::English => place(dice, 20_000.0, 12.0),
            Self::Slavic => place(dice, 4000.0, 20.0),
            Self::SouthAsian => place(dice, 1500.0, 2.0),
            Self::WestAfrican => place(dice, 2500.0, 8.0),
            Self::Arabic => place(dice, 1200.0, 3.0),
        };
        let [begin, middle, end] = self.syllables();
        let mut own = mixed(place, self as u64);
        let mut name = take(begin, &mut own).to_owned();
        // Frequent names are short.
        let longer = if place < 200 { 1 } else { 1 + (own % 2) };
        (0..longer).for_each(|_| name += take(middle, &mut own));
        name + take(end, &mut own)
    }

    /// A forename.
    pub(crate) fn forename(self, dice: &mut Dice, male: bool) -> String {
        let place = match (self, male) {
            (Self::English, _) => place(dice, 2500.0, 15.0),
            (Self::SouthAsian | Self::Arabic, true) => place(dice, 600.0, 1.5),
            _ => place(dice, 800.0, 8.0),
        };
        let [begin, middle, _] = self.syllables();
        let mut own = mixed(place, self as u64 + if male { 100 } else { 200 });
        let mut name = format!("{}{}", take(begin, &mut own), take(middle, &mut own));
        if place > 150 && own.is_multiple_of(2) {
            name += take(middle, &mut own);
        }
        name + take(if male { &BOYS } else { &GIRLS }, &mut own)
    }
}

/// A place in a list of names: the chance of a place falls as 1 / (place + head), so that a small head makes heavy ones.
fn place(dice: &mut Dice, names: f64, head: f64) -> u64 {
    (head * ((names + head) / head).powf(dice.unit()) - head) as u64
}

/// A number that follows from two others as if by chance.
fn mixed(place: u64, salt: u64) -> u64 {
    let mut mixed =
        place.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ salt.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

fn take(from: &[&'static str], own: &mut u64) -> &'static str {
    let count = from.len() as u64;
    let place = *own % count;
    *own /= count;
    from[place as usize]
}

/// The name as another clerk writes its sounds.
pub(crate) fn variant(name: &str, dice: &mut Dice) -> Option<String> {
    let first = dice.below(SOUNDS.len() as u64) as usize;
    (0..SOUNDS.len()).map(|step| SOUNDS[(first + step) % SOUNDS.len()]).find_map(|(one, other)| {
        // The capital stays.
        let at = name.get(1..)?.find(one)? + 1;
        Some(format!("{}{other}{}", &name[..at], &name[at + one.len()..]))
    })
}

/// The short form by which a child is called.
pub(crate) fn short(forename: &str) -> Option<String> {
    let end = forename.char_indices().nth(3)?.0;
    Some(format!(
        "{}{}",
        &forename[..end],
        if forename.len().is_multiple_of(2) { "y" } else { "ie" }
    ))
}

/// A name with one slip of the fingers: a letter left out, doubled, swapped with its neighbour, or another.
pub(crate) fn mistyped(name: &str, dice: &mut Dice) -> String {
    let mut letters: Vec<char> = name.chars().collect();
    if letters.len() < 3 {
        return name.to_owned();
    }
    let at = 1 + dice.below(letters.len() as u64 - 2) as usize;
    match dice.below(4) {
        0 => drop(letters.remove(at)),
        1 => letters.insert(at, letters[at]),
        2 if letters[at] != letters[at + 1] => letters.swap(at, at + 1),
        _ => letters[at] = if letters[at] == 'e' { 'r' } else { 'e' },
    }
    letters.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::dice::Subject;

    /// How often the commonest surname of 20,000 families stands, and how many different ones there are.
    fn heads(origin: Origin) -> (usize, usize) {
        let mut dice = Dice::new(1, Subject::Hard, 0);
        let mut names: HashMap<String, usize> = HashMap::new();
        (0..20_000).for_each(|_| *names.entry(origin.surname(&mut dice)).or_default() += 1);
        (names.values().copied().max().unwrap_or_default(), names.len())
    }

    #[test]
    fn some_groups_share_few_surnames_and_others_have_many() {
        let (english, different) = heads(Origin::English);
        assert!((100..600).contains(&english), "{english}");
        assert!(different > 1500, "{different}");
        let (asian, fewer) = heads(Origin::SouthAsian);
        assert!(asian > 900 && fewer < different, "{asian} {fewer}");
    }

    #[test]
    fn a_variant_and_a_slip_are_other_names_of_letters_alone() {
        let mut dice = Dice::new(2, Subject::Hard, 0);
        for _ in 0..2000 {
            let name = Origin::SouthAsian.forename(&mut dice, true);
            assert!(name.bytes().all(|byte| byte.is_ascii_alphabetic()), "{name}");
            if let Some(variant) = variant(&name, &mut dice) {
                assert_ne!(variant, name);
                assert_eq!(variant.as_bytes()[0], name.as_bytes()[0]);
            }
            assert_ne!(mistyped(&name, &mut dice), name);
        }
    }
}
