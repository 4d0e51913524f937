//! Searches bytes for well-formed identifiers of children, where none should be, and tells how many
//! there are and how many chance alone would give: never a value, never a place.
//!
//! `minster` cannot name a `Upn`: no crate that it links parses one. This one only counts, which is
//! why it is a crate of its own and shares nothing with `minster-identifiers`. No type of it can hold
//! a number; what it keeps of one is a hash under a random key that is forgotten with the search. It
//! depends on nothing.
//!
//! | kind | what is counted | right by chance |
//! |---|---|---|
//! | [`Kind::Pupil`] | letter, 11 digits, digit or letter (temporary numbers); either case | 1 in 23 |
//! | [`Kind::Nhs`] | 10 digits, also 3-3-4 with spaces or hyphens | 1 in 11 |
//! | [`Kind::Learner`] | the same | 1 in 11 |
//!
//! Each is delimited by the beginning or end of what is searched, or by bytes that are neither ASCII
//! letters nor digits. Two ten-digit strings are no numbers: ten equal digits, and what follows a decimal
//! point.
//!
//! ```
//! use minster_leakage::{Kind, Search};
//!
//! let mut search = Search::default();
//! search.value(b"ward,count\nW01,12\n");
//! assert!(search.findings().iter().all(|finding| !finding.beyond_chance()));
//! // An invented number of the right form, in pieces as a file is read.
//! search.feed(b"note: Q33040");
//! search.feed(b"0024001, see");
//! search.end();
//! let pupil = search.findings().into_iter().find(|finding| finding.kind == Kind::Pupil);
//! assert!(pupil.is_some_and(|finding| finding.right == 1 && finding.beyond_chance()));
//! ```
#![forbid(unsafe_code)]

mod chance;
mod disguise;
mod label;
mod scan;
mod tally;

use std::hash::RandomState;

pub use chance::Finding;
pub use disguise::{Disguised, Form};
pub use label::may_identify;
use scan::{CONTEXT, LOOKAHEAD, Seen};
use tally::Tally;

/// The kind of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A pupil, by unique pupil number.
    Pupil,
    /// A patient, by NHS number.
    Nhs,
    /// A learner, by unique learner number.
    Learner,
}

impl Kind {
    /// Its name for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pupil => "pupil numbers",
            Self::Nhs => "NHS numbers",
            Self::Learner => "learner numbers",
        }
    }
}

/// One search: of a file, a column, a stream.
#[derive(Default)]
pub struct Search {
    counts: Counts,
    /// The end of what was fed, where a number may begin that is not whole yet.
    buffer: Vec<u8>,
    /// In `buffer`, where the next number may begin.
    from: usize,
    bytes: u64,
}

#[derive(Default)]
struct Counts {
    key: RandomState,
    wrong_pupil: Tally,
    wrong_ten: Tally,
    right: [Tally; 3],
}

impl Search {
    /// Searches a whole: a cell, a short file.
    pub fn value(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        let counts = &mut self.counts;
        scan::scan(bytes, 0, bytes.len(), |seen| counts.see(&seen));
    }

    /// Searches the next piece of something long; [`Search::end`] says that it was the last.
    pub fn feed(&mut self, piece: &[u8]) {
        self.bytes += piece.len() as u64;
        self.buffer.extend_from_slice(piece);
        let to = self.buffer.len().saturating_sub(LOOKAHEAD).max(self.from);
        self.search_to(to);
        let kept = to.saturating_sub(CONTEXT);
        self.buffer.drain(..kept);
        self.from = to - kept;
    }

    /// Ends what was fed.
    pub fn end(&mut self) {
        self.search_to(self.buffer.len());
        self.buffer.clear();
        self.from = 0;
    }

    /// The findings so far, one a kind.
    pub fn findings(&self) -> [Finding; 3] {
        let Counts { wrong_pupil, wrong_ten, right: [pupil, nhs, learner], .. } = &self.counts;
        [
            Finding::of(Kind::Pupil, pupil, wrong_pupil, self.bytes),
            Finding::of(Kind::Nhs, nhs, wrong_ten, self.bytes),
            Finding::of(Kind::Learner, learner, wrong_ten, self.bytes),
        ]
    }

    /// Bytes searched so far.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    fn search_to(&mut self, to: usize) {
        let counts = &mut self.counts;
        scan::scan(&self.buffer, self.from, to, |seen| counts.see(&seen));
    }
}

impl Counts {
    fn see(&mut self, seen: &Seen) {
        let hash = std::hash::BuildHasher::hash_one(&self.key, seen);
        let [pupil, nhs, learner] = &mut self.right;
        let tally = match seen {
            Seen::Pupil(characters) if scan::is_pupil(characters) => pupil,
            Seen::Pupil(_) => &mut self.wrong_pupil,
            Seen::Ten(digits) => match scan::remainder(digits) {
                (sum, check) if (sum + check) % 11 == 0 => nhs,
                (sum, check) if sum != 0 && sum + check == 10 => learner,
                _ => &mut self.wrong_ten,
            },
        };
        tally.add(hash);
    }
}
