//! Identifiers of a child as they stand in raw records: parsing, canonical form, check characters.
//!
//! Raw side only: `minster-ingest`, the vault (to recognise enumeration) and the made-up council
//! link this crate, `minster` never does. It may depend on `model`, `thiserror`, `unicode-normalization` and `deunicode` alone. No type
//! here can be serialised or displayed, and `Debug` hides the value.
//!
//! ```
//! use minster_identifiers::{Upn, UpnField};
//!
//! let field = UpnField::parse(" q330400024001 ")?;
//! let UpnField::Known(upn) = field else { unreachable!() };
//! assert_eq!(upn.canonical(), b"Q330400024001");
//! assert_eq!(format!("{upn:?}"), "Upn(…)");
//! assert!(!upn.is_temporary());
//!
//! // A code for a missing number is never an identifier.
//! assert!(matches!(UpnField::parse("UN4")?, UpnField::Missing(_)));
//! // The right length and shape, the wrong check letter.
//! assert_eq!(Upn::parse("A330400024001").unwrap_err().code(), "bad-check-letter");
//! # Ok::<(), minster_identifiers::IdentifierError>(())
//! ```
#![forbid(unsafe_code)]

mod canonical;
mod mod11;
mod names;
mod number;
mod opaque;
mod shape;
mod slip;
mod upn;

pub use canonical::{Canonical, canonicalise};
pub use mod11::{NhsNumber, Uln, UlnDigits};
pub use names::{folded_name, words};
pub use number::{NumberForm, is_placeholder};
pub use opaque::OpaqueId;
pub use shape::{Shape, shown, shown_path};
pub use slip::{nhs_numbers_before_a_slip, upns_before_a_slip};
pub use upn::{MissingReason, Upn, UpnField, check_letter};

/// Why a text is not an identifier. Holds nothing of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum IdentifierError {
    /// Nothing but white space.
    #[error("the field is blank")]
    Blank,
    /// Not the length or the characters that this kind of identifier has.
    #[error("the field has not the shape of this identifier")]
    Malformed,
    /// The right shape, but the check letter does not fit the other characters.
    #[error("the check letter does not fit the other characters")]
    BadCheckLetter,
    /// The right shape, but the check digit does not fit the other digits.
    #[error("the check digit does not fit the other digits")]
    BadCheckDigit,
    /// A `UN` code that is not in code set CS051.
    #[error("the code for a missing number is not in the code set")]
    UnknownMissingCode,
}

impl IdentifierError {
    /// The stable reason code under which the row is quarantined.
    pub fn code(self) -> &'static str {
        match self {
            Self::Blank => "blank",
            Self::Malformed => "malformed",
            Self::BadCheckLetter => "bad-check-letter",
            Self::BadCheckDigit => "bad-check-digit",
            Self::UnknownMissingCode => "unknown-missing-code",
        }
    }
}
