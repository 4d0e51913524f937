//! The parts by which scored matching compares persons, made from clear values before any of them is hashed.
//!
//! `Kowalska` gives the name `KOWALSKA`, its first letter, how it sounds, and its spellings with one and with two letters
//! less. Each is hashed for itself, so that who compares the hashes sees that two names are alike and reads neither.

use minster_identifiers::{folded_name, words};
use minster_model::{LinkageForm, LinkagePart};
use rphonetic::DoubleMetaphone;

use crate::treatment::compact;

/// Names of more letters have no spellings with two letters less: 20 letters have 190.
const LONGEST_FOR_TWO: usize = 20;

/// Names of more letters have no spellings with one letter less.
const LONGEST_FOR_ONE: usize = 40;

/// Names of fewer letters have no spellings with one letter less: `LI` and `LO` are two names.
const SHORTEST_FOR_ONE: usize = 3;

/// Names of fewer letters have no spellings with two letters less.
const SHORTEST_FOR_TWO: usize = 5;

/// A value's forms: what each text is, and the text. No form of a value has a text twice.
pub type LinkageParts = Vec<(LinkageForm, String)>;

/// The parts of a forename, or of a surname that is one word. A name of one letter is a first letter alone.
pub fn name_parts(text: &str) -> LinkageParts {
    of_name(&folded_name(text))
}

/// A clear value of a part, and what is made of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkageValue {
    /// The text that stands for the value, with its form.
    pub whole: (LinkageForm, String),
    /// The forms by which it is compared.
    pub parts: LinkageParts,
    /// The words of a surname of several, each a value of its own.
    pub words: Vec<LinkageValue>,
}

/// The value that a clear text is of a part; nothing, where it says nothing.
pub fn linkage_value(part: LinkagePart, text: &str) -> Option<LinkageValue> {
    let of = |whole: String, parts: LinkageParts| {
        (!parts.is_empty()).then(|| LinkageValue {
            whole: (part.whole(), whole),
            parts,
            words: Vec::new(),
        })
    };
    match part {
        LinkagePart::Forename => of(folded_name(text), name_parts(text)),
        LinkagePart::Surname => {
            let mut names = surname_parts(text).into_iter();
            let mut value = of(folded_name(text), names.next()?)?;
            for parts in names {
                let word = parts.iter().find(|(form, _)| *form == LinkageForm::Name)?.1.clone();
                value.parts.push((LinkageForm::NameWord, word.clone()));
                value.words.extend(of(word, parts));
            }
            Some(value)
        }
        LinkagePart::BirthDate => {
            let parts = birth_date_parts(text);
            let whole = parts.first()?.1.clone();
            of(whole, parts)
        }
        LinkagePart::Sex => of(text.to_owned(), vec![(LinkageForm::Sex, text.to_owned())]),
        LinkagePart::Postcode => of(postcode_unit(text), postcode_parts(text)),
    }
}

/// The parts of a surname and, where it has several words, of each of them that has three letters or more:
/// `Smith-Jones` is `SMITHJONES`, `SMITH` and `JONES`, for either may be all that another source has.
pub fn surname_parts(text: &str) -> Vec<LinkageParts> {
    let whole = folded_name(text);
    let mut names = vec![whole];
    for word in words(text).into_iter().filter(|word| word.chars().count() >= 3) {
        if !names.contains(&word) {
            names.push(word);
        }
    }
    names.iter().map(|name| of_name(name)).filter(|parts| !parts.is_empty()).collect()
}

/// The parts of a birth date, as `2011-03-04` or `20110304`. Whether there is such a day is not asked here. Nothing, where
/// the text is neither.
pub fn birth_date_parts(text: &str) -> LinkageParts {
    let digits: String = text.chars().filter(|c| *c != '-').collect();
    if digits.len() != 8 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Vec::new();
    }
    let (year, month, day) = (&digits[..4], &digits[4..6], &digits[6..]);
    let mut parts = vec![
        (LinkageForm::BirthDate, digits.clone()),
        (LinkageForm::BirthYear, year.to_owned()),
        (LinkageForm::BirthMonth, month.to_owned()),
        (LinkageForm::BirthDay, day.to_owned()),
    ];
    if day <= "12" && day != month {
        parts.push((LinkageForm::BirthDateSwapped, format!("{year}{day}{month}")));
    }
    let less = without_one([digits]).into_iter().map(|less| (LinkageForm::BirthDateOneLess, less));
    parts.extend(less);
    parts
}

/// The parts of a postcode. One that is not written as in the United Kingdom has no sector.
pub fn postcode_parts(text: &str) -> LinkageParts {
    let unit = postcode_unit(text);
    if unit.is_empty() {
        return Vec::new();
    }
    let mut parts = vec![(LinkageForm::Postcode, unit.clone())];
    if is_uk_postcode(&unit) {
        parts.push((LinkageForm::PostcodeSector, unit[..unit.len() - 2].to_owned()));
    }
    if (4..=10).contains(&unit.chars().count()) {
        let less = without_one([unit]).into_iter();
        parts.extend(less.map(|less| (LinkageForm::PostcodeOneLess, less)));
    }
    parts
}

/// A postcode without what stands between its characters; a dash alone is none.
fn postcode_unit(text: &str) -> String {
    compact(text).chars().filter(|c| c.is_alphanumeric()).collect()
}

/// A folded name's parts.
fn of_name(name: &str) -> LinkageParts {
    let Some(first) = name.chars().next() else { return Vec::new() };
    let mut parts = vec![(LinkageForm::NameInitial, first.to_string())];
    let letters = name.chars().count();
    if letters == 1 {
        return parts;
    }
    parts.push((LinkageForm::Name, name.to_owned()));
    // The rules of sounds are those of Latin letters.
    if name.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        let sounds = DoubleMetaphone::default().double_metaphone(name);
        let (primary, alternate) = (sounds.primary(), sounds.alternate());
        let other = (alternate != primary).then_some(alternate);
        let sounds = [Some(primary), other].into_iter().flatten().filter(|code| !code.is_empty());
        parts.extend(sounds.map(|code| (LinkageForm::NameSound, code)));
    }
    if (SHORTEST_FOR_ONE..=LONGEST_FOR_ONE).contains(&letters) {
        let one_less = without_one([name.to_owned()]);
        if (SHORTEST_FOR_TWO..=LONGEST_FOR_TWO).contains(&letters) {
            let two_less = without_one(one_less.iter().cloned());
            parts.extend(two_less.into_iter().map(|less| (LinkageForm::NameTwoLess, less)));
        }
        parts.extend(one_less.into_iter().map(|less| (LinkageForm::NameOneLess, less)));
    }
    parts
}

/// These texts with each of their characters left out, each once and in order.
fn without_one(texts: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut all: Vec<String> = texts
        .into_iter()
        .flat_map(|text| {
            let characters: Vec<char> = text.chars().collect();
            (0..characters.len())
                .map(|out| {
                    let kept = characters.iter().enumerate().filter(|(place, _)| *place != out);
                    kept.map(|(_, c)| *c).collect()
                })
                .collect::<Vec<String>>()
        })
        .collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// Whether a compact text is written as a postcode: one or two letters, a digit, perhaps a digit or letter, then a digit and
/// two letters (BS 7666).
fn is_uk_postcode(text: &str) -> bool {
    let bytes = text.as_bytes();
    let Some((outward, [digit, unit @ ..])) =
        bytes.len().checked_sub(3).map(|at| bytes.split_at(at))
    else {
        return false;
    };
    let letters = outward.iter().take_while(|byte| byte.is_ascii_uppercase()).count();
    let district = &outward[letters..];
    digit.is_ascii_digit()
        && unit.iter().all(u8::is_ascii_uppercase)
        && (1..=2).contains(&letters)
        && district.first().is_some_and(u8::is_ascii_digit)
        && (1..=2).contains(&district.len())
        && district.iter().all(u8::is_ascii_alphanumeric)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn texts(parts: &LinkageParts, form: LinkageForm) -> Vec<&str> {
        parts.iter().filter(|part| part.0 == form).map(|part| part.1.as_str()).collect()
    }

    #[test]
    fn a_name_has_its_spellings_with_letters_less() {
        let parts = name_parts("Zöe-A");
        assert_eq!(texts(&parts, LinkageForm::Name), ["ZOEA"]);
        assert_eq!(texts(&parts, LinkageForm::NameInitial), ["Z"]);
        assert_eq!(texts(&parts, LinkageForm::NameOneLess), ["OEA", "ZEA", "ZOA", "ZOE"]);
        assert_eq!(texts(&parts, LinkageForm::NameTwoLess), [""; 0]);
        let parts = name_parts("Annie");
        assert_eq!(texts(&parts, LinkageForm::NameOneLess), ["ANIE", "ANNE", "ANNI", "NNIE"]);
        let two = ["AIE", "ANE", "ANI", "ANN", "NIE", "NNE", "NNI"];
        assert_eq!(texts(&parts, LinkageForm::NameTwoLess), two);
    }

    #[test]
    fn names_that_sound_alike_have_one_sound() {
        for (one, other) in [("Smith", "Smyth"), ("Catherine", "Kathryn"), ("Stephen", "Steven")] {
            let (a, b) = (name_parts(one), name_parts(other));
            let sounds = texts(&a, LinkageForm::NameSound);
            assert!(
                sounds.iter().any(|sound| texts(&b, LinkageForm::NameSound).contains(sound)),
                "{one} {other}"
            );
        }
        assert_eq!(texts(&name_parts("Иван"), LinkageForm::NameSound), [""; 0]);
    }

    #[test]
    fn one_letter_is_a_first_letter_alone() {
        assert_eq!(name_parts("j."), [(LinkageForm::NameInitial, "J".to_owned())]);
        assert_eq!(name_parts(" - "), []);
        assert_eq!(texts(&name_parts("Li"), LinkageForm::NameOneLess), [""; 0]);
    }

    #[test]
    fn a_surname_of_two_words_is_each_of_them_too() {
        let wholes = |text: &str| -> Vec<String> {
            let name = |parts: &LinkageParts| texts(parts, LinkageForm::Name).concat();
            surname_parts(text).iter().map(name).collect()
        };
        assert_eq!(wholes("Smith-Jones"), ["SMITHJONES", "SMITH", "JONES"]);
        assert_eq!(wholes("de Silva"), ["DESILVA", "SILVA"]);
        assert_eq!(wholes("Patel"), ["PATEL"]);
        assert_eq!(wholes(""), [""; 0]);
    }

    #[test]
    fn a_value_is_told_by_its_whole_and_knows_its_words() {
        let value = linkage_value(LinkagePart::Surname, "Smith-Jones").unwrap();
        assert_eq!(value.whole, (LinkageForm::Name, "SMITHJONES".to_owned()));
        assert_eq!(texts(&value.parts, LinkageForm::NameWord), ["SMITH", "JONES"]);
        let words: Vec<&str> = value.words.iter().map(|word| word.whole.1.as_str()).collect();
        assert_eq!(words, ["SMITH", "JONES"]);
        let value = linkage_value(LinkagePart::Forename, "Mary-Jane").unwrap();
        assert_eq!((value.whole.1.as_str(), value.words.len()), ("MARYJANE", 0));
        let value = linkage_value(LinkagePart::BirthDate, "2011-03-04").unwrap();
        assert_eq!(value.whole, (LinkageForm::BirthDate, "20110304".to_owned()));
        for part in LinkagePart::ALL.iter().filter(|part| **part != LinkagePart::Sex) {
            assert_eq!(linkage_value(*part, " - "), None, "{part:?}");
        }
    }

    #[test]
    fn a_date_has_its_parts_and_its_swap() {
        let parts = birth_date_parts("2011-03-04");
        assert_eq!(parts, birth_date_parts("20110304"));
        assert_eq!(texts(&parts, LinkageForm::BirthDate), ["20110304"]);
        assert_eq!(texts(&parts, LinkageForm::BirthDateSwapped), ["20110403"]);
        assert_eq!(texts(&parts, LinkageForm::BirthYear), ["2011"]);
        assert_eq!(texts(&parts, LinkageForm::BirthMonth), ["03"]);
        assert_eq!(texts(&parts, LinkageForm::BirthDay), ["04"]);
        for without in ["2011-03-13", "2011-03-03"] {
            let parts = birth_date_parts(without);
            assert_eq!(texts(&parts, LinkageForm::BirthDateSwapped), [""; 0], "{without}");
        }
        for none in ["", "4.3.2011", "2011-3-4", "201103045"] {
            assert_eq!(birth_date_parts(none), [], "{none}");
        }
    }

    #[test]
    fn a_postcode_has_its_sector() {
        for (text, sector) in [("sw1a 2aa", "SW1A2"), ("M1 1AE", "M11"), ("CR26XH", "CR26")] {
            assert_eq!(texts(&postcode_parts(text), LinkageForm::PostcodeSector), [sector]);
        }
        for text in ["4223", "SW1A2A", "12345", "ABC 1DE", "é", "SW1A 2ÅA"] {
            assert_eq!(texts(&postcode_parts(text), LinkageForm::PostcodeSector), [""; 0]);
        }
        assert_eq!(postcode_parts("  "), []);
    }

    proptest! {
        #[test]
        fn any_text_gives_parts_with_a_bound(text in "\\PC{0,60}") {
            for parts in surname_parts(&text).into_iter().chain([name_parts(&text), postcode_parts(&text), birth_date_parts(&text)]) {
                prop_assert!(parts.len() <= 1 + 1 + 2 + 40 + 190);
                prop_assert!(parts.iter().all(|(_, part)| !part.is_empty()));
            }
        }

        #[test]
        fn two_names_one_typing_error_apart_share_a_spelling(name in "[A-Z]{3,12}", at in 0_usize..12, letter in "[A-Z]") {
            let at = at % name.len();
            let spellings = |text: &str| -> Vec<String> {
                let of_name = |part: &(LinkageForm, String)| matches!(part.0, LinkageForm::Name | LinkageForm::NameOneLess);
                name_parts(text).into_iter().filter(of_name).map(|part| part.1).collect()
            };
            let mine = spellings(&name);
            for other in [
                format!("{}{letter}{}", &name[..at], &name[at..]),
                format!("{}{letter}{}", &name[..at], &name[at + 1..]),
            ] {
                prop_assert!(spellings(&other).iter().any(|spelling| mine.contains(spelling)), "{name} {other}");
            }
        }
    }
}
