//! Numbers that pass their checks, computed here from the published rules and not by the programs that are tested.

/// Check letters, and the letters that may end a temporary number: no I, O or S (DfE, "Unique pupil numbers").
const LETTERS: &[u8; 23] = b"ABCDEFGHJKLMNPQRTUVWXYZ";

/// A pupil number with its right check letter, another for each place. Schools and years of allocation differ, as they do
/// in a council.
pub fn upn(place: u32) -> String {
    let body =
        format!("935{:04}{:02}{:03}", 2101 + 7 * (place % 29), 9 + place / 29 % 8, 1 + place / 232);
    // Each digit counts as often as its position says, from 2 on.
    let sum: u32 =
        body.bytes().zip(2..).map(|(digit, times)| u32::from(digit - b'0') * times).sum();
    format!("{}{body}", char::from(LETTERS[(sum % 23) as usize]))
}

/// The sum of nine digits, weighted from ten down to two: by it an NHS number and a learner number are checked.
fn weighted(digits: &str) -> u32 {
    digits.bytes().zip((2..=10).rev()).map(|(digit, weight)| u32::from(digit - b'0') * weight).sum()
}

/// The first number with a right check digit from `from` on, of nine digits.
fn checked(from: u32, check_digit: impl Fn(u32) -> Option<u32>) -> String {
    let found = (from..).find_map(|number| {
        let digits = format!("{number:09}");
        Some(format!("{digits}{}", check_digit(weighted(&digits))?))
    });
    found.unwrap_or_default()
}

/// An NHS number, of a range that was not given to anyone (NHS Data Dictionary, "NHS number").
pub fn nhs_number(place: u32) -> String {
    checked(999_000_000 + 20 * place, |sum| match 11 - sum % 11 {
        10 => None,
        check => Some(check % 11),
    })
}

/// A learner number (DfE, "Unique learner number"). None that is an NHS number as well is used.
pub fn learner_number(place: u32) -> String {
    checked(613_204_000 + 20 * place, |sum| match sum % 11 {
        0 => None,
        remainder => Some(10 - remainder),
    })
}
