use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A keyed pseudonym: the first 128 bits of the vault's HMAC-SHA-256. Carries no raw identifier.
///
/// 128 bits keep the chance of any collision among 10⁹ pseudonyms below 1.5 × 10⁻²¹.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pseudonym([u8; Self::LEN]);

/// Why a text is not a pseudonym.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a pseudonym is 32 lower-case hexadecimal digits")]
pub struct PseudonymError;

impl Pseudonym {
    /// Bytes in a pseudonym.
    pub const LEN: usize = 16;

    /// Takes the bytes that the vault answered.
    pub const fn from_bytes(bytes: [u8; Self::LEN]) -> Self {
        Self(bytes)
    }

    /// The bytes, as they stand in a dataset's column.
    pub const fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }
}

impl fmt::Display for Pseudonym {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&base16ct::lower::encode_string(&self.0))
    }
}

impl fmt::Debug for Pseudonym {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pseudonym(…)")
    }
}

impl FromStr for Pseudonym {
    type Err = PseudonymError;

    fn from_str(text: &str) -> Result<Self, PseudonymError> {
        let mut bytes = [0; Self::LEN];
        match base16ct::lower::decode(text, &mut bytes) {
            Ok(decoded) if decoded.len() == Self::LEN => Ok(Self(bytes)),
            _ => Err(PseudonymError),
        }
    }
}

impl TryFrom<String> for Pseudonym {
    type Error = PseudonymError;

    fn try_from(text: String) -> Result<Self, PseudonymError> {
        text.parse()
    }
}

impl From<Pseudonym> for String {
    fn from(pseudonym: Pseudonym) -> String {
        pseudonym.to_string()
    }
}

/// The version of a purpose's key. Version 1 is the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KeyVersion(pub u32);

impl fmt::Display for KeyVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_back() {
        let pseudonym = Pseudonym::from_bytes(std::array::from_fn(|i| i as u8 * 17));
        assert_eq!(pseudonym.to_string().parse(), Ok(pseudonym));
        assert!("00".parse::<Pseudonym>().is_err());
        assert!("0".repeat(31).parse::<Pseudonym>().is_err());
        assert!("0".repeat(34).parse::<Pseudonym>().is_err());
        assert!("A".repeat(32).parse::<Pseudonym>().is_err());
        assert!("G".repeat(32).parse::<Pseudonym>().is_err());
    }
}
