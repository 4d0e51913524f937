//! The numbers that a number which fails its check may have been before one slip of a typist.

use std::collections::BTreeSet;

use crate::{NhsNumber, Upn};

/// The characters of the numbers that are repaired: digits, and the letters of pupil numbers (no I, O, S).
const CHARACTERS: &[u8; 33] = b"0123456789ABCDEFGHJKLMNPQRTUVWXYZ";

/// The pupil numbers from which one slip leads to this text, which is none: one character taken for another, two
/// neighbours changed round, one left out, one too many. The check letter may be among them. In ascending order; none
/// where the text is a pupil number itself.
///
/// ```
/// use minster_identifiers::upns_before_a_slip;
///
/// // Two neighbours changed round.
/// assert!(upns_before_a_slip("Q330400204001").iter().any(|upn| upn == b"Q330400024001"));
/// assert!(upns_before_a_slip("Q330400024001").is_empty());
/// ```
pub fn upns_before_a_slip(canonical: &str) -> Vec<[u8; 13]> {
    let parse = |text: &str| Upn::parse(text).ok().map(|upn| *upn.canonical());
    before(canonical, parse)
}

/// The same of NHS numbers. Ten equal digits, which nobody has, are none.
pub fn nhs_numbers_before_a_slip(canonical: &str) -> Vec<[u8; 10]> {
    let known = |number: &NhsNumber| !number.is_one_digit();
    let parse = |text: &str| NhsNumber::parse(text).ok().filter(known).map(|one| *one.canonical());
    before(canonical, parse)
}

fn before<const N: usize>(text: &str, parse: impl Fn(&str) -> Option<[u8; N]>) -> Vec<[u8; N]> {
    // Hyphens between an NHS number's parts are no characters of it.
    let text: Vec<u8> = text.bytes().filter(|byte| *byte != b'-').collect();
    let parse = |bytes: &[u8]| std::str::from_utf8(bytes).ok().and_then(&parse);
    if parse(&text).is_some() {
        return Vec::new();
    }
    let mut found = BTreeSet::new();
    let mut look = |bytes: &[u8]| found.extend(parse(bytes));
    match text.len() as isize - N as isize {
        0 => {
            for place in 0..N {
                let mut slip = text.clone();
                for character in CHARACTERS {
                    slip[place] = *character;
                    look(&slip);
                }
            }
            for place in 1..N {
                let mut slip = text.clone();
                slip.swap(place - 1, place);
                look(&slip);
            }
        }
        -1 => {
            for place in 0..N {
                let mut slip = text.clone();
                slip.insert(place, b'0');
                for character in CHARACTERS {
                    slip[place] = *character;
                    look(&slip);
                }
            }
        }
        1 => {
            for place in 0..=N {
                let mut slip = text.clone();
                slip.remove(place);
                look(&slip);
            }
        }
        _ => {}
    }
    found.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::check_letter;

    fn texts<const N: usize>(found: Vec<[u8; N]>) -> Vec<String> {
        found.into_iter().map(|one| String::from_utf8(one.to_vec()).unwrap()).collect()
    }

    /// From a few lines of Python that try all texts at one slip's distance.
    #[test]
    fn known_answers() {
        assert_eq!(
            texts(upns_before_a_slip("A330400024001")),
            [
                "A330400024007",
                "A33040002400H",
                "A330400024501",
                "A330400034001",
                "A330400424001",
                "A338400024001",
                "A360400024001",
                "Q330400024001"
            ]
        );
        assert_eq!(
            texts(nhs_numbers_before_a_slip("9434765918")),
            [
                "8434765918",
                "9431765918",
                "9434745918",
                "9434765218",
                "9434765919",
                "9434765978",
                "9434768918",
                "9434965918",
                "9443765918",
                "9934765918"
            ]
        );
        for none in ["", "Q330400024001", "Q3304000240", "Q33040002400199", "ÄÖÜ", "UN4", "N/A"]
        {
            assert!(upns_before_a_slip(none).is_empty(), "{none}");
        }
        assert!(nhs_numbers_before_a_slip("9434765919").is_empty());
        assert!(!texts(nhs_numbers_before_a_slip("1111111112")).contains(&"1111111111".to_owned()));
    }

    fn upn() -> impl Strategy<Value = String> {
        prop::array::uniform12(b'0'..=b'9').prop_map(|body| {
            let letter = check_letter(&body).unwrap();
            format!("{letter}{}", String::from_utf8(body.to_vec()).unwrap())
        })
    }

    proptest! {
        #[test]
        fn a_number_is_among_those_from_which_its_slips_lead(
            number in upn(), place in 0usize..13, to in prop::sample::select(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ".to_vec()), what in 0..4
        ) {
            let mut slip = number.clone().into_bytes();
            match what {
                0 => slip[place] = to,
                1 => slip.swap(place.min(11), place.min(11) + 1),
                2 => drop(slip.remove(place)),
                _ => slip.insert(place, slip[place]),
            }
            let slip = String::from_utf8(slip).unwrap();
            prop_assume!(Upn::parse(&slip).is_err());
            let found = texts(upns_before_a_slip(&slip));
            prop_assert!(found.contains(&number), "{slip}");
            prop_assert!(found.iter().all(|one| Upn::parse(one).is_ok()));
        }

        #[test]
        fn no_text_breaks_it(text in any::<String>()) {
            let _ = (upns_before_a_slip(&text), nhs_numbers_before_a_slip(&text));
        }
    }
}
