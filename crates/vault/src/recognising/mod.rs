//! Recognises children whom the registries know in texts that an auditor's program found.
//!
//! The registries hold match keys: names, birth dates and postcodes of children, joined, each sealed. For a conversation that
//! compares texts they are read once, and of each part, and of each two parts of one child, a hash is kept under a key that was
//! drawn for the conversation. Nothing of it is written anywhere, and all of it is forgotten with the conversation: what a
//! disposal, an erasure or the end of a purpose takes out of a registry is recognised no more.
//!
//! A forename is a word, and on most days some child was born. So nothing is told of a single part, but of parts of *one* child
//! that stand together. [`reading`] says which, and how many must.

mod reading;

use std::{
    collections::HashSet,
    hash::{BuildHasher, RandomState},
};

use jiff::civil::Date;
use minster_vault_api::Recognisable;

pub(crate) use reading::Reading;

/// The text between the parts of a match key.
const BETWEEN: char = '\u{1f}';
/// An initial is no name.
const SHORTEST_NAME: usize = 2;

/// The part that a text is of a child.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Part {
    /// A forename or surname: its letters, as they are compared.
    Name,
    /// A birth date.
    Date,
    /// A postcode.
    Postcode,
}

/// Keyed hashes of what the registries know.
#[derive(Default)]
pub(crate) struct Known {
    key: RandomState,
    parts: HashSet<u64>,
    pairs: HashSet<u64>,
    can: Recognisable,
}

impl Known {
    /// Takes in a match key's text.
    pub(crate) fn add(&mut self, text: &str) {
        let parts: Vec<(Part, u64)> = text
            .split(BETWEEN)
            .filter_map(|text| {
                let part = part_of(text)?;
                Some((part, self.hash(part, text)))
            })
            .collect();
        for (place, (part, hash)) in parts.iter().enumerate() {
            self.parts.insert(*hash);
            match part {
                Part::Name => self.can.names = true,
                Part::Postcode => self.can.postcodes = true,
                Part::Date => self.can.birth_dates |= parts.len() > 1,
            }
            for (_, other) in &parts[place + 1..] {
                self.pairs.insert(self.pair(*hash, *other));
            }
        }
    }

    /// The parts that can be recognised at all.
    pub(crate) fn can(&self) -> Recognisable {
        self.can
    }

    /// The hash of a part, where some child has it.
    fn find(&self, part: Part, text: &str) -> Option<u64> {
        let hash = self.hash(part, text);
        self.parts.contains(&hash).then_some(hash)
    }

    /// Whether two parts are one child's.
    fn are_of_one(&self, one: u64, other: u64) -> bool {
        self.pairs.contains(&self.pair(one, other))
    }

    fn hash(&self, part: Part, text: &str) -> u64 {
        match part {
            Part::Postcode => {
                let text: String = text.chars().filter(|c| c.is_alphanumeric()).collect();
                self.key.hash_one((part, text))
            }
            Part::Name | Part::Date => self.key.hash_one((part, text)),
        }
    }

    fn pair(&self, one: u64, other: u64) -> u64 {
        self.key.hash_one((one.min(other), one.max(other)))
    }
}

/// The part that a text of a match key is: a date, a text with a digit in it, or a name.
fn part_of(text: &str) -> Option<Part> {
    if text.parse::<Date>().is_ok() {
        return Some(Part::Date);
    }
    match text.chars().any(|c| c.is_ascii_digit()) {
        true => Some(Part::Postcode),
        false => (text.chars().count() >= SHORTEST_NAME).then_some(Part::Name),
    }
}
