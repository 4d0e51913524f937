//! Rows that ingestion set aside and sealed, looked through for those of one child. No row was read into a dataset, so only a number
//! that stands in it says whose it is.

use std::collections::BTreeMap;

use age::x25519::Identity;
use minster_model::DatasetRef;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::{ChildNumbers, numbers::CellNumber};
use crate::{
    keys::Keys,
    quarantine::{Unsealed, Unsealing},
};

/// The longest row that is looked at.
const LONGEST_ROW: usize = 4 << 20;
/// Bytes of the rows that are kept for a bundle.
const MOST_KEPT: usize = 4 << 20;

/// A row of the child.
pub(crate) struct KeptRow {
    pub(crate) dataset: DatasetRef,
    pub(crate) file: String,
    pub(crate) table: String,
    pub(crate) row: u64,
    /// Columns and their cells, as the file has them.
    pub(crate) cells: Vec<(String, Zeroizing<String>)>,
}

/// What was found in all files. Holds a child's rows: no `Debug`.
#[derive(Default)]
pub(crate) struct SetAside {
    pub(crate) rows: Vec<KeptRow>,
    /// Files that were looked through.
    pub(crate) files: u64,
    /// Rows that were looked through.
    pub(crate) searched: u64,
    /// Rows with a number of the child that are left out: they name another person too, or cannot be told apart.
    pub(crate) left_out: u64,
    /// Rows that are too long to be looked at.
    pub(crate) too_long: u64,
    kept: usize,
}

/// A file while it is looked through.
pub(crate) struct SetAsideSearch {
    pub(crate) dataset: DatasetRef,
    unsealing: Unsealing,
    line: Zeroizing<Vec<u8>>,
    is_too_long: bool,
}

/// Why a file is not looked through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SearchFault {
    #[error(transparent)]
    Sealed(#[from] Unsealed),
    #[error("more rows of the child were set aside than a bundle holds (4 MiB)")]
    TooMany,
}

/// A line of the sealed file.
#[derive(Deserialize)]
struct Line {
    file: String,
    table: String,
    row: u64,
    raw: Raw,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Raw {
    Unsplit(String),
    Fields(BTreeMap<String, String>),
}

impl SetAsideSearch {
    pub(crate) fn new(dataset: DatasetRef, identity: Identity) -> Self {
        let line = Zeroizing::new(Vec::new());
        Self { dataset, unsealing: Unsealing::new(identity), line, is_too_long: false }
    }

    /// Looks through the next piece.
    pub(crate) fn take(
        &mut self,
        piece: &[u8],
        is_last: bool,
        (child, keys): (&ChildNumbers, &Keys),
        found: &mut SetAside,
    ) -> Result<(), SearchFault> {
        let Self { dataset, unsealing, line, is_too_long } = self;
        let mut pass = |text: &[u8]| {
            for part in text.split_inclusive(|byte| *byte == b'\n') {
                *is_too_long |= line.len() + part.len() > LONGEST_ROW;
                if !*is_too_long {
                    line.extend_from_slice(part);
                }
                if part.ends_with(b"\n") {
                    found.row(dataset, line, std::mem::take(is_too_long), (child, keys));
                    line.clear();
                }
            }
        };
        unsealing.take(piece, &mut pass)?;
        if is_last {
            unsealing.end(&mut pass)?;
            found.files += 1;
        }
        match found.kept <= MOST_KEPT {
            true => Ok(()),
            false => Err(SearchFault::TooMany),
        }
    }
}

impl SetAside {
    fn row(
        &mut self,
        dataset: &DatasetRef,
        line: &[u8],
        is_too_long: bool,
        (child, keys): (&ChildNumbers, &Keys),
    ) {
        self.searched += 1;
        let read: Option<Line> = match is_too_long {
            true => None,
            false => serde_json::from_slice(line).ok(),
        };
        let Some(Line { file, table, row, raw }) = read else {
            self.too_long += 1;
            return;
        };
        match raw {
            // Nobody can say which of its parts is whose.
            Raw::Unsplit(text) => {
                let mut words = text.split(|c: char| !c.is_ascii_alphanumeric());
                if words.any(|word| child.of_cell(keys, word) == CellNumber::Childs) {
                    self.left_out += 1;
                }
            }
            Raw::Fields(cells) => {
                let of = |wanted: CellNumber| {
                    cells.values().any(|cell| child.of_cell(keys, cell) == wanted)
                };
                if !of(CellNumber::Childs) {
                    return;
                }
                if of(CellNumber::Others) {
                    self.left_out += 1;
                    return;
                }
                self.kept +=
                    cells.iter().map(|(name, cell)| name.len() + cell.len()).sum::<usize>();
                let cells = cells.into_iter().filter(|(_, cell)| !cell.trim().is_empty());
                let cells = cells.map(|(column, cell)| (column, Zeroizing::new(cell))).collect();
                self.rows.push(KeptRow { dataset: dataset.clone(), file, table, row, cells });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use minster_model::DatasetClass;

    use super::*;
    use crate::{access::OwnNumber, keys::RootKey};

    fn sealed(to: &Identity, lines: &[&str]) -> Vec<u8> {
        let recipient = to.to_public();
        let recipients = std::iter::once(&recipient as &dyn age::Recipient);
        let encryptor = age::Encryptor::with_recipients(recipients).unwrap();
        let mut writer = encryptor.wrap_output(Vec::new()).unwrap();
        lines.iter().for_each(|line| writeln!(writer, "{line}").unwrap());
        writer.finish().unwrap()
    }

    fn search(known: &[(&str, &str)], lines: &[&str], piece: usize) -> SetAside {
        let keys = Keys::new(RootKey::from_bytes([7; 32]), "store-1");
        let identity = Identity::generate();
        let dataset = DatasetRef {
            class: DatasetClass::Source,
            name: "early_help".parse().unwrap(),
            period: "2024-25".parse().unwrap(),
            purpose: "p".parse().unwrap(),
        };
        let known = known.iter().map(|(kind, text)| OwnNumber {
            kind: kind.parse().unwrap(),
            text: Zeroizing::new(text.as_bytes().to_vec()),
        });
        let upn = "upn".parse().unwrap();
        let tag = keys.subject_tag(&upn, b"Q330400024001");
        let child = ChildNumbers::new(known.collect(), upn, tag);
        let mut found = SetAside::default();
        let mut search = SetAsideSearch::new(dataset, identity.clone());
        let bytes = sealed(&identity, lines);
        let count = bytes.chunks(piece).count();
        for (at, piece) in bytes.chunks(piece).enumerate() {
            search.take(piece, at + 1 == count, (&child, &keys), &mut found).unwrap();
        }
        found
    }

    #[test]
    fn rows_with_a_number_of_the_child_are_found_and_no_others() {
        let lines = [
            r#"{"file":"a.csv","table":"plans","row":2,"raw":{"upn":"q330400024001 ","start":"31/02/2024","empty":" "}}"#,
            r#"{"file":"a.csv","table":"plans","row":3,"raw":{"upn":"Z897200123000","start":"31/02/2024"}}"#,
            // The other child's, who has this child's number in another column.
            r#"{"file":"a.csv","table":"plans","row":4,"raw":{"upn":"Z897200123000","former":"Q330400024001"}}"#,
            r#"{"file":"a.csv","table":"plans","row":5,"raw":"x,Q330400024001,y,z"}"#,
            r#"{"file":"a.csv","table":"plans","row":6,"raw":"x,Z897200123000,y,z"}"#,
            r#"{"file":"b.csv","table":"visits","row":7,"raw":{"nhs":"943 476 5919","note":"=1+1"}}"#,
        ];
        for piece in [700, 1 << 20] {
            // The grant's number is in no registry, and is found by its tag.
            for known in [
                &[("nhs-number", "9434765919")][..],
                &[("upn", "Q330400024001"), ("nhs-number", "9434765919")],
            ] {
                let found = search(known, &lines, piece);
                let rows: Vec<u64> = found.rows.iter().map(|row| row.row).collect();
                assert_eq!(rows, [2, 7]);
                assert_eq!((found.left_out, found.searched, found.files), (2, 6, 1));
                assert_eq!(found.rows[0].cells.len(), 2, "a blank cell says nothing");
            }
        }
    }

    #[test]
    fn a_row_that_is_too_long_or_no_row_is_counted() {
        let long =
            format!(r#"{{"file":"a","table":"t","row":1,"raw":"{}"}}"#, "x".repeat(LONGEST_ROW));
        let found = search(
            &[],
            &[&long, "no row", r#"{"file":"a","table":"t","row":2,"raw":{"u":"Q330400024001"}}"#],
            1 << 20,
        );
        assert_eq!((found.too_long, found.searched, found.rows.len()), (2, 3, 1));
    }
}
