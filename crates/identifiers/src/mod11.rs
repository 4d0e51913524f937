use std::fmt;

use crate::{IdentifierError, canonicalise};

/// A ten-digit NHS number whose check digit is right.
///
/// Weights 10 to 2 on the first nine digits; with r the sum's remainder by 11 the check digit is
/// 0 where r = 0, impossible where r = 1, else 11 − r. Source: NHS Data Dictionary, *NHS number*.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NhsNumber([u8; 10]);

impl NhsNumber {
    /// Reads a number; hyphens and spaces between its parts are allowed.
    pub fn parse(field: &str) -> Result<Self, IdentifierError> {
        let digits = ten_digits(field)?;
        let expected = match weighted_remainder(&digits) {
            0 => Some(0),
            1 => None,
            remainder => Some(11 - remainder),
        };
        checked(digits, expected).map(Self)
    }

    /// The bytes to hash.
    pub fn canonical(&self) -> &[u8; 10] {
        &self.0
    }

    /// Whether its ten digits are the same: such numbers pass the check, and stand where none is known.
    pub fn is_one_digit(&self) -> bool {
        self.0.iter().all(|digit| *digit == self.0[0])
    }

    /// Whether it lies in the range kept for tests (999…).
    pub fn is_test(&self) -> bool {
        self.0.starts_with(b"999")
    }
}

impl fmt::Debug for NhsNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NhsNumber(…)")
    }
}

/// A ten-digit unique learner number: one that belongs to a learner, or the temporary one.
///
/// Weights as for the NHS number; the check digit is 10 − r, impossible where r = 0. Source: ESFA,
/// *ULN validation*.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Uln {
    /// A learner's own number.
    Known(UlnDigits),
    /// 9999999999: not yet known. Never a join key.
    Temporary,
}

/// The digits of a learner's own number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UlnDigits([u8; 10]);

impl Uln {
    /// Reads a number.
    pub fn parse(field: &str) -> Result<Self, IdentifierError> {
        let digits = ten_digits(field)?;
        if digits == *b"9999999999" {
            return Ok(Self::Temporary);
        }
        let expected = match weighted_remainder(&digits) {
            0 => None,
            remainder => Some(10 - remainder),
        };
        checked(digits, expected).map(|digits| Self::Known(UlnDigits(digits)))
    }

    /// The bytes to hash; none for the temporary number.
    pub fn canonical(&self) -> Option<&[u8; 10]> {
        match self {
            Self::Known(UlnDigits(digits)) => Some(digits),
            Self::Temporary => None,
        }
    }
}

impl fmt::Debug for Uln {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Uln(…)")
    }
}

impl fmt::Debug for UlnDigits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UlnDigits(…)")
    }
}

fn ten_digits(field: &str) -> Result<[u8; 10], IdentifierError> {
    let text = canonicalise(field).as_str().replace('-', "");
    if text.is_empty() {
        return Err(IdentifierError::Blank);
    }
    let digits: [u8; 10] = text.as_bytes().try_into().map_err(|_| IdentifierError::Malformed)?;
    let all = digits.iter().all(u8::is_ascii_digit);
    if all { Ok(digits) } else { Err(IdentifierError::Malformed) }
}

fn weighted_remainder(digits: &[u8; 10]) -> u32 {
    let weights = (2..=10).rev();
    digits.iter().zip(weights).map(|(digit, weight)| u32::from(digit - b'0') * weight).sum::<u32>()
        % 11
}

fn checked(digits: [u8; 10], expected: Option<u32>) -> Result<[u8; 10], IdentifierError> {
    if expected == Some(u32::from(digits[9] - b'0')) {
        Ok(digits)
    } else {
        Err(IdentifierError::BadCheckDigit)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn known_nhs_numbers() {
        for good in ["9434765919", "9434765870", "6716689966", "943 476 5919", "943-476-5919"] {
            assert!(NhsNumber::parse(good).is_ok(), "{good}");
        }
        for bad in ["9434765918", "0000000001", "1234567890", "9995260183"] {
            assert_eq!(NhsNumber::parse(bad), Err(IdentifierError::BadCheckDigit), "{bad}");
        }
        assert!(NhsNumber::parse("9991590838").unwrap().is_test());
        assert!(NhsNumber::parse("9999999999").unwrap().is_one_digit());
        assert!(!NhsNumber::parse("9434765919").unwrap().is_one_digit());
    }

    #[test]
    fn known_learner_numbers() {
        for good in ["0000000042", "3909960307", "8246281940", "1909378657"] {
            assert_eq!(Uln::parse(good).unwrap().canonical(), good.as_bytes().try_into().ok());
        }
        for bad in ["0000000000", "1234567890", "8246281941"] {
            assert_eq!(Uln::parse(bad), Err(IdentifierError::BadCheckDigit), "{bad}");
        }
        assert_eq!(Uln::parse("9999999999"), Ok(Uln::Temporary));
        assert_eq!(Uln::Temporary.canonical(), None);
    }

    proptest! {
        #[test]
        fn every_single_substitution_is_found(number in 0u32..1_000_000_000, place in 0usize..10, to in b'0'..=b'9') {
            let valid = (0..10).map(|check| format!("{number:09}{check}"));
            let mut valid = valid.filter(|text| NhsNumber::parse(text).is_ok());
            let text = valid.next();
            prop_assume!(text.is_some());
            prop_assert!(valid.next().is_none());
            let mut bytes = text.unwrap_or_default().into_bytes();
            prop_assume!(bytes[place] != to);
            bytes[place] = to;
            prop_assert!(NhsNumber::parse(std::str::from_utf8(&bytes).unwrap()).is_err());
        }

        #[test]
        fn no_text_breaks_the_parser(field in any::<String>()) {
            let _ = (NhsNumber::parse(&field), Uln::parse(&field));
        }
    }
}
