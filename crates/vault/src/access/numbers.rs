//! Numbers of one child, as cells write them.

use minster_identifiers::{NhsNumber, NumberForm, Uln, Upn};
use minster_model::Kind;
use zeroize::Zeroizing;

use crate::keys::Keys;

/// A number of the child.
pub(crate) struct OwnNumber {
    pub(crate) kind: Kind,
    /// Canonical.
    pub(crate) text: Zeroizing<Vec<u8>>,
}

/// All numbers of the child. Holds identifiers: no `Debug`.
pub(crate) struct ChildNumbers {
    pub(crate) known: Vec<OwnNumber>,
    /// The number that the grant is about.
    kind: Kind,
    tag: String,
}

/// What a cell is, to one who looks for a child's numbers in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CellNumber {
    /// A number of the child.
    Childs,
    /// A well-formed number that is none of the child's.
    Others,
    /// No number that checks itself.
    None,
}

/// Kinds of numbers that check themselves. A service's number may be as short as `12`, and as well be a count: it is not looked for
/// in cells of which nobody says what they hold.
const CHECKED: [&str; 3] = ["upn", "nhs-number", "uln"];

impl ChildNumbers {
    pub(crate) fn new(known: Vec<OwnNumber>, kind: Kind, tag: String) -> Self {
        Self { known, kind, tag }
    }

    /// What a cell holds.
    pub(crate) fn of_cell(&self, keys: &Keys, cell: &str) -> CellNumber {
        let mut found = CellNumber::None;
        for kind in CHECKED.iter().filter_map(|kind| kind.parse::<Kind>().ok()) {
            let mut is_childs = None;
            let parsed =
                canonical(&kind, cell, |text| is_childs = Some(self.has(keys, &kind, text)));
            match (parsed, is_childs) {
                (Ok(()), Some(true)) => return CellNumber::Childs,
                (Ok(()), Some(false)) => found = CellNumber::Others,
                _ => {}
            }
        }
        found
    }

    /// Whether a number is the child's. The one that the grant is about may be in no registry.
    fn has(&self, keys: &Keys, kind: &Kind, text: &[u8]) -> bool {
        let is_known =
            self.known.iter().any(|own| own.kind == *kind && own.text.as_slice() == text);
        is_known || *kind == self.kind && keys.subject_tag(kind, text) == self.tag
    }
}

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
