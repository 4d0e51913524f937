use std::fmt;

use crate::{IdentifierError, canonicalise};

/// An identifier without a check: a service's own (`CHILD`, `LAchildID`, `pupilonrolltableid`), or
/// a pupil number of a source that is configured as opaque.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OpaqueId(String);

impl OpaqueId {
    /// The most bytes that an identifier may have.
    pub const MAX_BYTES: usize = 64;

    /// Reads an identifier: any printable characters, in canonical form (see [`canonicalise`]).
    pub fn parse(field: &str) -> Result<Self, IdentifierError> {
        Self::of_canonical(canonicalise(field).as_str())
    }

    pub(crate) fn of_canonical(text: &str) -> Result<Self, IdentifierError> {
        if text.is_empty() {
            return Err(IdentifierError::Blank);
        }
        if text.len() > Self::MAX_BYTES || text.chars().any(char::is_control) {
            return Err(IdentifierError::Malformed);
        }
        Ok(Self(text.to_owned()))
    }

    /// The bytes to hash.
    pub fn canonical(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for OpaqueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OpaqueId(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_token_passes_and_nothing_else() {
        assert_eq!(OpaqueId::parse(" 0002e817-8ca").unwrap().canonical(), b"0002E817-8CA");
        assert_eq!(OpaqueId::parse(" "), Err(IdentifierError::Blank));
        assert_eq!(OpaqueId::parse("a\0b"), Err(IdentifierError::Malformed));
        assert_eq!(OpaqueId::parse(&"a".repeat(65)), Err(IdentifierError::Malformed));
    }
}
