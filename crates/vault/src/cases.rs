//! Cases of children's rights: their clock, and the sealed file that says whom a case is about.

use jiff::{Span, civil::Date};
use minster_model::Kind;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{
    VaultFault,
    folder::OpenFolder,
    keys::{Link, hex, random, unhex},
    state::State,
};

/// Where the sealed files are.
pub(crate) const FOLDER: &str = "cases";
/// Months until the answer: UK GDPR Article 12(3).
pub(crate) const MONTHS: i32 = 1;
/// Months until the answer of a case that was extended: two further ones.
pub(crate) const EXTENDED_MONTHS: i32 = 3;
/// A case was received at most so many days ago: a day before that has a slip in its year.
pub(crate) const LONGEST_AGO: i32 = 366;
const FORMAT: u32 = 1;

/// The last day for the answer to what was received on a day: the same day so many months later, or that month's last day where it has
/// no such day.
pub(crate) fn due(received: Date, months: i32) -> Date {
    received.saturating_add(Span::new().months(months))
}

/// The number that a case is about, as a link. It is kept until the case asks for it no more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CaseSubject {
    pub(crate) kind: Kind,
    pub(crate) link: Link,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SubjectFile {
    format: u32,
    /// So that the hash in the log says nothing of the number, and no two cases have one name.
    nonce: String,
    kind: Kind,
    link: String,
}

impl CaseSubject {
    /// The content of its file.
    pub(crate) fn write(&self) -> Result<Zeroizing<Vec<u8>>, VaultFault> {
        let (kind, link, nonce) = (self.kind.clone(), hex(&self.link), hex(&random::<16>()?));
        let file = SubjectFile { format: FORMAT, nonce, kind, link };
        let written = serde_json::to_vec(&file).map(Zeroizing::new);
        written.map_err(|_| VaultFault::Crypto("a case could not be written"))
    }

    /// The subject in a file; nothing where it is no such file.
    pub(crate) fn read(plain: &[u8]) -> Option<Self> {
        let file: SubjectFile = serde_json::from_slice(plain).ok()?;
        let link = Link::try_from(unhex(&file.link)?).ok()?;
        (file.format == FORMAT).then_some(Self { kind: file.kind, link })
    }
}

/// Removes files of cases that ask for their number no more.
pub(crate) fn sweep(folder: &OpenFolder, state: &State) -> Result<(), VaultFault> {
    folder.sweep(FOLDER, |name| state.cases.asks_for_subject(name))
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    /// The Information Commissioner's rule: the corresponding day of the next month, or its last day.
    #[test]
    fn a_month_ends_on_the_same_day_or_on_the_last_of_a_shorter_month() {
        for ((year, month, day), one, three) in [
            ((2026, 11, 30), date(2026, 12, 30), date(2027, 2, 28)),
            ((2026, 1, 31), date(2026, 2, 28), date(2026, 4, 30)),
            ((2028, 1, 31), date(2028, 2, 29), date(2028, 4, 30)),
            ((2027, 11, 30), date(2027, 12, 30), date(2028, 2, 29)),
            ((2028, 2, 29), date(2028, 3, 29), date(2028, 5, 29)),
            ((2026, 3, 31), date(2026, 4, 30), date(2026, 6, 30)),
            ((2026, 12, 1), date(2027, 1, 1), date(2027, 3, 1)),
        ] {
            let received = date(year, month, day);
            assert_eq!((due(received, MONTHS), due(received, EXTENDED_MONTHS)), (one, three));
        }
    }

    #[test]
    fn a_subject_that_was_written_is_read_and_no_other_is() {
        let subject = CaseSubject { kind: "upn".parse().unwrap(), link: [7; 32] };
        let written = subject.write().unwrap();
        assert_eq!(CaseSubject::read(&written), Some(subject.clone()));
        assert_ne!(written, subject.write().unwrap(), "no two are the same text");
        for at in 0..written.len() {
            assert_eq!(CaseSubject::read(&written[..at]), None);
        }
    }
}
