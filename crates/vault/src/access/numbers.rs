//! Numbers of one child, as cells write them.

use minster_identifiers::{NhsNumber, NumberForm, Uln, Upn};
use minster_model::Kind;
use zeroize::Zeroizing;

/// A number of the child.
pub(crate) struct OwnNumber {
    pub(crate) kind: Kind,
    /// Canonical.
    pub(crate) text: Zeroizing<Vec<u8>>,
}

/// All numbers of the child. Holds identifiers: no `Debug`.
pub(crate) struct ChildNumbers(pub(crate) Vec<OwnNumber>);

/// Hands on a number in its canonical form, as ingestion canonicalises: pupil, NHS and learner numbers with their check characters,
/// others in the usual form of service numbers.
///
/// # Errors
/// Why it is none, without the text.
pub fn canonical(kind: &Kind, text: &str, mut take: impl FnMut(&[u8])) -> Result<(), String> {
    let told = |error: minster_identifiers::IdentifierError| error.to_string();
    match kind.as_str() {
        "upn" => take(Upn::parse(text).map_err(told)?.canonical()),
        "uln" => {
            let number = Uln::parse(text).map_err(told)?;
            take(number.canonical().ok_or("it is a temporary number, which many have")?);
        }
        "nhs-number" => take(NhsNumber::parse(text).map_err(told)?.canonical()),
        _ => {
            let number = NumberForm::default().parse(text).map_err(told)?;
            take(number.ok_or("a word or a zero stands in its place")?.canonical());
        }
    }
    Ok(())
}
