//! One pass over bytes for what has the form of a number.

/// Check letters, and final letters of temporary numbers: no I, O or S.
const ALPHABET: &[u8; 23] = b"ABCDEFGHJKLMNPQRTUVWXYZ";
/// Bytes before a number's first that decide whether it is one.
pub(crate) const CONTEXT: usize = 2;
/// Bytes from a number's first on that decide whether it is one: the longest form, and what follows it.
pub(crate) const LOOKAHEAD: usize = 16;
/// Digits, spaces and hyphens that stand together in every form of a number, at least.
const STRETCH: usize = 10;

/// A string with the form of a number.
#[derive(Hash)]
pub(crate) enum Seen {
    Pupil([u8; 13]),
    Ten([u8; 10]),
}

/// Hands on what begins at `from` or later and before `to`.
pub(crate) fn scan(bytes: &[u8], from: usize, to: usize, mut each: impl FnMut(Seen)) {
    let within = from..to;
    let mut at = from;
    // Every form has a stretch of ten or more: one look at each tenth byte misses none.
    while at <= to {
        let probe = at + STRETCH - 1;
        match bytes.get(probe) {
            None => return,
            Some(&byte) if !in_stretch(byte) => at = probe + 1,
            Some(_) => {
                let before = bytes[at..probe].iter().rev().take_while(|byte| in_stretch(**byte));
                let mut start = probe - before.count();
                while let Some(&byte) = bytes.get(start)
                    && in_stretch(byte)
                    && start <= to
                {
                    if !byte.is_ascii_digit() {
                        start += 1;
                        continue;
                    }
                    let digits = bytes[start..].iter().take_while(|byte| byte.is_ascii_digit());
                    let end = start + digits.count();
                    if !is_digit(before_of(bytes, start))
                        && let Some((begins, seen)) = number(bytes, start, end)
                        && within.contains(&begins)
                    {
                        each(seen);
                    }
                    start = end;
                }
                at = start.max(probe + 1);
            }
        }
    }
}

/// The number that begins with the digits `start..end`, or with the letter before them.
fn number(bytes: &[u8], start: usize, end: usize) -> Option<(usize, Seen)> {
    let (before, after) = (before_of(bytes, start), bytes.get(end).copied());
    match end - start {
        3 if delimits(before) => {
            let parts = bytes.get(start..start + 12)?;
            let separator = parts[3];
            let fits = matches!(separator, b' ' | b'-')
                && parts[7] == separator
                && delimits(bytes.get(start + 12).copied())
                && !is_fraction(bytes, start);
            let digits = [&parts[..3], &parts[4..7], &parts[8..]].concat();
            let digits: [u8; 10] = digits.try_into().ok()?;
            (fits && plausible(&digits)).then_some((start, Seen::Ten(digits)))
        }
        10 if delimits(before) && delimits(after) => {
            let digits: [u8; 10] = bytes[start..end].try_into().ok()?;
            (!is_fraction(bytes, start) && plausible(&digits)).then_some((start, Seen::Ten(digits)))
        }
        11 | 12 => {
            let first = start.checked_sub(1)?;
            let mut characters: [u8; 13] = bytes.get(first..first + 13)?.try_into().ok()?;
            characters.make_ascii_uppercase();
            let last = characters[12];
            let fits = letter(characters[0]).is_some()
                && (last.is_ascii_digit() || letter(last).is_some())
                && delimits(before_of(bytes, first))
                && delimits(bytes.get(first + 13).copied());
            fits.then_some((first, Seen::Pupil(characters)))
        }
        _ => None,
    }
}

/// Whether a pupil number's check letter is right: (Σ over positions 2 to 13 of value × position)
/// mod 23, in the alphabet.
pub(crate) fn is_pupil(characters: &[u8; 13]) -> bool {
    let value = |byte: u8| match byte.is_ascii_digit() {
        true => u32::from(byte - b'0'),
        false => letter(byte).unwrap_or_default(),
    };
    let sum: u32 = characters.iter().zip(1..).skip(1).map(|(byte, at)| value(*byte) * at).sum();
    letter(characters[0]) == Some(sum % 23)
}

/// The weighted sum of nine digits, weights 10 to 2, modulo 11; and the tenth. An NHS number's tenth
/// digit brings the sum to a multiple of 11; a learner's number's brings it to 10, from 0 never.
pub(crate) fn remainder(digits: &[u8; 10]) -> (u32, u32) {
    let value = |byte: &u8| u32::from(byte - b'0');
    let weighted =
        digits[..9].iter().zip((2..=10).rev()).map(|(byte, weight)| value(byte) * weight);
    (weighted.sum::<u32>() % 11, value(&digits[9]))
}

pub(crate) fn letter(byte: u8) -> Option<u32> {
    ALPHABET.iter().zip(0..).find(|(letter, _)| **letter == byte).map(|(_, value)| value)
}

/// Ten equal digits stand for "none".
pub(crate) fn plausible(digits: &[u8; 10]) -> bool {
    digits.iter().all(u8::is_ascii_digit) && digits.iter().any(|digit| *digit != digits[0])
}

/// Whether the digits follow a decimal point.
fn is_fraction(bytes: &[u8], start: usize) -> bool {
    before_of(bytes, start) == Some(b'.') && start >= 2 && is_digit(Some(bytes[start - 2]))
}

fn before_of(bytes: &[u8], at: usize) -> Option<u8> {
    at.checked_sub(1).map(|before| bytes[before])
}

fn delimits(byte: Option<u8>) -> bool {
    byte.is_none_or(|byte| !byte.is_ascii_alphanumeric())
}

fn is_digit(byte: Option<u8>) -> bool {
    byte.is_some_and(|byte| byte.is_ascii_digit())
}

fn in_stretch(byte: u8) -> bool {
    byte.is_ascii_digit() || matches!(byte, b' ' | b'-')
}
