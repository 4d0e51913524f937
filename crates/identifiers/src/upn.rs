use std::fmt;

use crate::{IdentifierError, canonicalise};

/// The check letters, and the final letters of temporary numbers: no I, O or S.
/// Source: DfE, *Unique pupil numbers: guidance*; GovTalk `UniquePupilNumber` 2.0.
const ALPHABET: &[u8; 23] = b"ABCDEFGHJKLMNPQRTUVWXYZ";

/// A unique pupil number whose check letter is right.
///
/// Thirteen characters: check letter; local authority (3 digits); establishment (4); year of
/// allocation (2); serial (3 digits, or 2 digits and a letter where the number is temporary). An
/// unknown local authority is no error: their numbers change over the years.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Upn([u8; 13]);

impl Upn {
    /// Reads a number in canonical form or near it (see [`canonicalise`]).
    pub fn parse(field: &str) -> Result<Self, IdentifierError> {
        Self::parse_canonical(canonicalise(field).as_str())
    }

    /// The bytes to hash.
    pub fn canonical(&self) -> &[u8; 13] {
        &self.0
    }

    /// Whether the school gave it until the permanent one is known: links provisionally.
    pub fn is_temporary(&self) -> bool {
        self.0[12].is_ascii_uppercase()
    }

    fn parse_canonical(text: &str) -> Result<Self, IdentifierError> {
        if text.is_empty() {
            return Err(IdentifierError::Blank);
        }
        let bytes: [u8; 13] = text.as_bytes().try_into().map_err(|_| IdentifierError::Malformed)?;
        let check = letter_value(bytes[0]).ok_or(IdentifierError::Malformed)?;
        let body: &[u8; 12] = bytes[1..].try_into().map_err(|_| IdentifierError::Malformed)?;
        let expected = check_value(body).ok_or(IdentifierError::Malformed)?;
        if check == expected { Ok(Self(bytes)) } else { Err(IdentifierError::BadCheckLetter) }
    }
}

impl fmt::Debug for Upn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Upn(…)")
    }
}

/// The check letter for positions 2 to 13, or `None` where they are not the body of a UPN.
///
/// (Σ over positions i = 2..13 of value(character i) × i) mod 23, read in the alphabet; a final
/// letter counts with its place there.
pub fn check_letter(body: &[u8; 12]) -> Option<char> {
    check_value(body).map(|value| char::from(ALPHABET[value as usize]))
}

fn check_value(body: &[u8; 12]) -> Option<u32> {
    let (last, digits) = body.split_last()?;
    let mut sum = 0;
    for (byte, position) in digits.iter().zip(2..) {
        sum += digit_value(*byte)? * position;
    }
    sum += digit_value(*last).or_else(|| letter_value(*last))? * 13;
    Some(sum % 23)
}

fn digit_value(byte: u8) -> Option<u32> {
    byte.is_ascii_digit().then(|| u32::from(byte - b'0'))
}

fn letter_value(byte: u8) -> Option<u32> {
    ALPHABET.iter().zip(0..).find(|(letter, _)| **letter == byte).map(|(_, value)| value)
}

/// The content of a field for a pupil number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpnField {
    /// A number.
    Known(Upn),
    /// None, for a stated reason (code set CS051).
    Missing(MissingReason),
    /// None, and no reason.
    Blank,
}

impl UpnField {
    /// Reads a field: a number, a `UN` code, or nothing.
    pub fn parse(field: &str) -> Result<Self, IdentifierError> {
        let canonical = canonicalise(field);
        let text = canonical.as_str();
        if text.is_empty() {
            return Ok(Self::Blank);
        }
        match text.strip_prefix("UN").filter(|code| code.bytes().all(|b| b.is_ascii_digit())) {
            Some(code) => MissingReason::ALL
                .into_iter()
                .find(|reason| reason.number() == code)
                .map(Self::Missing)
                .ok_or(IdentifierError::UnknownMissingCode),
            None => Upn::parse_canonical(text).map(Self::Known),
        }
    }
}

/// Why a child has no pupil number (CBDS code set CS051). Never a join key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MissingReason {
    /// UN1: under school age, not yet assigned.
    UnderSchoolAge,
    /// UN2: never in a maintained school in England.
    NeverMaintainedSchool,
    /// UN3: educated outside England.
    OutsideEngland,
    /// UN4: newly looked after or in need, not yet known.
    NewlyKnown,
    /// UN5: sources disagree on name or birth date.
    SourcesDisagree,
    /// UN6: not looked after, and not obtainable.
    NotObtainable,
    /// UN7: referral with no further action.
    NoFurtherAction,
    /// UN8: new to the authority.
    NewToAuthority,
    /// UN9: never attended school or further education.
    NeverAttended,
    /// UN10: request closed before it was known.
    RequestClosed,
}

impl MissingReason {
    /// Every reason, in the order of the code set.
    pub const ALL: [Self; 10] = [
        Self::UnderSchoolAge,
        Self::NeverMaintainedSchool,
        Self::OutsideEngland,
        Self::NewlyKnown,
        Self::SourcesDisagree,
        Self::NotObtainable,
        Self::NoFurtherAction,
        Self::NewToAuthority,
        Self::NeverAttended,
        Self::RequestClosed,
    ];

    /// The code as sources write it.
    pub fn code(self) -> &'static str {
        match self {
            Self::UnderSchoolAge => "UN1",
            Self::NeverMaintainedSchool => "UN2",
            Self::OutsideEngland => "UN3",
            Self::NewlyKnown => "UN4",
            Self::SourcesDisagree => "UN5",
            Self::NotObtainable => "UN6",
            Self::NoFurtherAction => "UN7",
            Self::NewToAuthority => "UN8",
            Self::NeverAttended => "UN9",
            Self::RequestClosed => "UN10",
        }
    }

    fn number(self) -> &'static str {
        &self.code()[2..]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn known_numbers() {
        for (text, temporary) in [
            ("Q330400024001", false),
            ("B801200005001", false),
            ("P207000016049", false),
            ("G660400024001", false),
            ("H881400024000", false),
            ("M20840002401A", true),
            ("Z20840002401R", true),
            ("Y20840002401Z", true),
        ] {
            let upn = Upn::parse(text).unwrap();
            assert_eq!(upn.canonical(), text.as_bytes());
            assert_eq!(upn.is_temporary(), temporary);
        }
    }

    #[test]
    fn known_mistakes() {
        use IdentifierError::{BadCheckLetter, Blank, Malformed};
        for (text, error) in [
            // A vendor's help page gives Q as the right letter; it is P.
            ("B207000016049", BadCheckLetter),
            ("Q207000016049", BadCheckLetter),
            ("A123456789123", BadCheckLetter),
            ("R325", Malformed),
            ("X80120000A001", Malformed),
            ("I072272729588", Malformed),
            ("N20840002401O", Malformed),
            ("J000947841350156", Malformed),
            ("É33040002400", Malformed),
            ("", Blank),
        ] {
            assert_eq!(Upn::parse(text), Err(error), "{text}");
        }
    }

    #[test]
    fn a_code_is_a_reason_never_a_number() {
        for reason in MissingReason::ALL {
            assert_eq!(UpnField::parse(reason.code()), Ok(UpnField::Missing(reason)));
        }
        assert_eq!(UpnField::parse("un10 "), Ok(UpnField::Missing(MissingReason::RequestClosed)));
        for code in ["UN", "UN0", "UN11", "UN01"] {
            assert_eq!(UpnField::parse(code), Err(IdentifierError::UnknownMissingCode), "{code}");
        }
        assert_eq!(UpnField::parse(" \u{a0}"), Ok(UpnField::Blank));
    }

    #[test]
    fn published_vectors() {
        let Some(folder) = std::env::var_os("MINSTER_VECTORS") else {
            eprintln!("SKIPPED: MINSTER_VECTORS is not set");
            return;
        };
        let text = std::fs::read_to_string(std::path::Path::new(&folder).join("upn.csv")).unwrap();
        let mut checked = 0;
        for line in text.lines().skip(1) {
            let mut fields = line.splitn(4, ',');
            let (upn, valid) = (fields.next().unwrap(), fields.next().unwrap());
            let kind = fields.next().unwrap();
            let parsed = UpnField::parse(upn);
            let agrees = match valid {
                "true" | "normalise" => matches!(parsed, Ok(UpnField::Known(_))),
                "missing" => matches!(parsed, Ok(UpnField::Missing(_) | UpnField::Blank)),
                // An unknown authority is a warning; a code one return refuses is still a code.
                "false" if matches!(kind, "unknown_LA" | "un_code_not_903") => parsed.is_ok(),
                "false" => parsed.is_err(),
                other => panic!("unknown kind of vector: {other}"),
            };
            assert!(agrees, "vector {}", checked + 2);
            checked += 1;
        }
        assert!(checked > 40);
    }

    fn body() -> impl Strategy<Value = [u8; 12]> {
        let last = prop_oneof![3 => b'0'..=b'9', 1 => prop::sample::select(ALPHABET.to_vec())];
        (prop::array::uniform11(b'0'..=b'9'), last).prop_map(|(digits, last)| {
            let mut body = [last; 12];
            body[..11].copy_from_slice(&digits);
            body
        })
    }

    fn upn(body: &[u8; 12]) -> String {
        let mut text = String::from(check_letter(body).unwrap());
        text.extend(body.iter().map(|byte| char::from(*byte)));
        text
    }

    proptest! {
        #[test]
        fn the_check_letter_makes_it_valid(body in body()) {
            prop_assert!(Upn::parse(&upn(&body)).is_ok());
        }

        #[test]
        fn every_single_substitution_is_found(body in body(), place in 1usize..13, to in b'0'..=b'9') {
            let mut text = upn(&body).into_bytes();
            prop_assume!(text[place] != to);
            prop_assume!(!(place == 12 && text[12].is_ascii_uppercase()));
            text[place] = to;
            prop_assert!(Upn::parse(std::str::from_utf8(&text).unwrap()).is_err());
        }

        #[test]
        fn every_adjacent_and_jump_transposition_is_found(body in body(), place in 1usize..12, jump in 1usize..3) {
            let mut text = upn(&body).into_bytes();
            let other = place + jump;
            prop_assume!(other < 13 && text[place] != text[other]);
            text.swap(place, other);
            prop_assert!(Upn::parse(std::str::from_utf8(&text).unwrap()).is_err());
        }

        #[test]
        fn no_text_breaks_the_parser(field in any::<String>()) {
            let _ = UpnField::parse(&field);
        }
    }
}
