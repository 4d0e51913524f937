//! Files in pieces: each chunk of children gives every file some bytes, and the truth its rows.

use std::io::Write as _;

/// The rows that one chunk adds to one file.
#[derive(Default)]
pub(crate) struct Piece {
    pub(crate) bytes: Vec<u8>,
    pub(crate) rows: u64,
    /// Row within the piece (from 1), child, what is wrong with it (blank: nothing).
    pub(crate) truth: Vec<(u64, u64, &'static str)>,
}

impl Piece {
    /// Adds a row of CSV; a field with a comma or quote is quoted.
    pub(crate) fn row<S: AsRef<str>>(&mut self, fields: &[S]) {
        for (place, field) in fields.iter().enumerate() {
            if place > 0 {
                self.bytes.push(b',');
            }
            let field = field.as_ref();
            if field.contains([',', '"', '\n']) {
                // Writing to a vector cannot fail.
                let _ = write!(self.bytes, "\"{}\"", field.replace('"', "\"\""));
            } else {
                self.bytes.extend_from_slice(field.as_bytes());
            }
        }
        self.bytes.push(b'\n');
        self.rows += 1;
    }

    /// Says what the last row is.
    pub(crate) fn tell(&mut self, child: u64, defect: &'static str) {
        self.truth.push((self.rows, child, defect));
    }

    /// Makes the last row stand twice.
    pub(crate) fn repeat(&mut self, child: u64) {
        let end = self.bytes.len().saturating_sub(1);
        let start = self.bytes[..end].iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
        self.bytes.extend_from_within(start..);
        self.rows += 1;
        self.tell(child, "duplicate-row");
    }
}
