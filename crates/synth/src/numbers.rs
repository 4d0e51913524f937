//! Identifiers of made-up children: unique by construction, with right check characters.

use minster_identifiers::check_letter;

const LETTERS: &[u8; 23] = b"ABCDEFGHJKLMNPQRTUVWXYZ";
const FIRST_ESTABLISHMENT: u64 = 2000;

/// The local authority numbers of the made-up council and its neighbours.
pub(crate) mod authority {
    /// The council itself.
    pub(crate) const OWN: u32 = 899;
    /// Where children moved in from.
    pub(crate) const NEIGHBOURS: [u32; 6] = [890, 891, 892, 895, 896, 897];
    /// Where children who are not at the council's schools go to school.
    pub(crate) const ELSEWHERE: u32 = 898;
    /// Only in second numbers that a child was given by mistake.
    pub(crate) const MISTAKEN: u32 = 893;
}

/// Gives out numbers. Two children never share one: establishment and serial follow from the
/// child's own place, and each purpose has its own authorities.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Numbers {
    establishments: u64,
}

impl Numbers {
    /// The most places that numbers can be given to.
    pub(crate) const CAPACITY: u64 = 7_000_000;

    pub(crate) fn new(places: u64) -> Self {
        Self { establishments: places.div_ceil(300).clamp(3, 7999) }
    }

    /// A permanent pupil number.
    pub(crate) fn upn(self, authority: u32, place: u64, year: i32) -> String {
        let (school, serial) = self.divide(place);
        let year = year.rem_euclid(100);
        upn_of(&format!("{authority:03}{school:04}{year:02}{serial:03}"))
    }

    /// A temporary pupil number: its last character is a letter.
    pub(crate) fn temporary_upn(self, authority: u32, place: u64, year: i32) -> String {
        let (school, serial) = self.divide(place);
        let year = year.rem_euclid(100);
        let (tens, letter) = (serial / 23, char::from(LETTERS[(serial % 23) as usize]));
        upn_of(&format!("{authority:03}{school:04}{year:02}{tens:02}{letter}"))
    }

    fn divide(self, place: u64) -> (u64, u64) {
        (FIRST_ESTABLISHMENT + place % self.establishments, place / self.establishments % 1000)
    }
}

fn upn_of(body: &str) -> String {
    let letter = <&[u8; 12]>::try_from(body.as_bytes()).ok().and_then(check_letter);
    let mut upn = String::with_capacity(13);
    upn.extend(letter);
    upn.push_str(body);
    upn
}

/// Another letter than the right one, `step` places on.
pub(crate) fn wrong_letter(right: u8, step: u64) -> char {
    let place = LETTERS.iter().position(|letter| *letter == right).unwrap_or(0);
    char::from(LETTERS[(place + 1 + (step % 22) as usize) % 23])
}

/// An NHS number: weights 10 to 2, remainder r, check digit 11 − r; r = 1 is not issued.
pub(crate) fn nhs_number(number: u64) -> String {
    let first = 600_000_000 + 2 * (number * 48_271_393 % 100_000_000);
    with_check(first, |remainder| match remainder {
        0 => Some(0),
        1 => None,
        remainder => Some(11 - remainder),
    })
}

/// The number with another check digit.
pub(crate) fn wrong_last_digit(number: &str) -> String {
    let (rest, last) = number.split_at(number.len().saturating_sub(1));
    let digit = last.bytes().next().map_or(0, |digit| (digit - b'0' + 1) % 10);
    format!("{rest}{digit}")
}

/// A unique learner number: the check digit is 10 − r; r = 0 is not issued.
pub(crate) fn learner_number(number: u64) -> String {
    let first = 100_000_000 + 2 * (number * 69_621_337 % 100_000_000);
    with_check(first, |remainder| (remainder != 0).then(|| 10 - remainder))
}

/// At most one of two neighbouring numbers has no check digit: the last weight is 2.
fn with_check(even: u64, digit: impl Fn(u64) -> Option<u64>) -> String {
    let mut text = String::new();
    for candidate in [even, even + 1] {
        let sum: u64 =
            (2..=10).map(|weight| candidate / 10u64.pow(weight - 2) % 10 * u64::from(weight)).sum();
        if let Some(digit) = digit(sum % 11) {
            text = format!("{candidate:09}{digit}");
            break;
        }
    }
    text
}

/// The number of the social care system, that stands in `CHILD` and `LAchildID`.
pub(crate) fn care_number(number: u64) -> String {
    (1_000_000 + number * 2_654_437 % 9_000_000).to_string()
}

/// The number of another service's own system.
pub(crate) fn service_number(number: u64) -> u64 {
    100_000 + number * 7_368_787 % 9_800_000
}

/// A table id of the census: eight hexadecimal digits, different for each number below 2³².
pub(crate) fn table_id(number: u64, salt: u64) -> String {
    let mixed = (number as u32).wrapping_mul(0x9e37_79b1).wrapping_add(salt as u32 ^ 0x85eb_ca6b);
    let mixed = mixed ^ (mixed >> 15);
    format!("{mixed:08x}")
}

/// A pupil's table id: a table id and three digits more.
pub(crate) fn pupil_table_id(number: u64, salt: u64) -> String {
    let tail = number.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(salt) >> 52;
    format!("{}-{tail:03x}", table_id(number, salt))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use minster_identifiers::{NhsNumber, Uln, Upn};

    use super::*;

    #[test]
    fn every_number_is_valid_and_its_own() {
        let numbers = Numbers::new(20_000);
        let mut seen = HashSet::new();
        for place in 0..20_000 {
            let permanent = numbers.upn(authority::OWN, place, 2015);
            let temporary = numbers.temporary_upn(authority::OWN, place, 2015);
            assert!(!Upn::parse(&permanent).unwrap().is_temporary());
            assert!(Upn::parse(&temporary).unwrap().is_temporary());
            assert!(NhsNumber::parse(&nhs_number(place)).is_ok());
            assert!(matches!(Uln::parse(&learner_number(place)), Ok(Uln::Known(_))));
            for number in [
                permanent,
                temporary,
                nhs_number(place),
                learner_number(place),
                care_number(place),
                table_id(place, 7),
            ] {
                assert!(seen.insert(number));
            }
        }
    }

    #[test]
    fn a_wrong_letter_is_wrong() {
        for step in 0..44 {
            assert_ne!(wrong_letter(b'Q', step), 'Q');
        }
    }
}
