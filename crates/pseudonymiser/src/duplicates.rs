use std::{
    collections::{HashSet, hash_map::RandomState},
    hash::{BuildHasher, Hasher},
};

use minster_sources::RawRow;

/// Rows remembered in each of the two generations: bounds the memory to about 300 MB.
const GENERATION: usize = 6 << 20;

/// Recognises equal rows by 128-bit fingerprints under keys drawn for this run. Remembers at least
/// the last [`GENERATION`] rows of a table; equal rows further apart are not recognised.
pub(crate) struct Duplicates {
    keys: [RandomState; 2],
    current: HashSet<u128>,
    previous: HashSet<u128>,
    generation: usize,
}

impl Duplicates {
    pub(crate) fn new() -> Self {
        Self {
            keys: [RandomState::new(), RandomState::new()],
            current: HashSet::new(),
            previous: HashSet::new(),
            generation: GENERATION,
        }
    }

    pub(crate) fn fingerprint(&self, row: RawRow<'_>) -> u128 {
        let half = |key: &RandomState| {
            let mut hasher = key.build_hasher();
            let (bytes, ends) = row.content();
            hasher.write(bytes);
            ends.for_each(|end| hasher.write_usize(end));
            u128::from(hasher.finish())
        };
        half(&self.keys[0]) << 64 | half(&self.keys[1])
    }

    /// Whether the row was not seen before; it is remembered.
    pub(crate) fn is_new(&mut self, fingerprint: u128) -> bool {
        if self.previous.contains(&fingerprint) || !self.current.insert(fingerprint) {
            return false;
        }
        if self.current.len() >= self.generation {
            self.previous = std::mem::take(&mut self.current);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use minster_sources::RawBatch;

    #[test]
    fn equal_rows_alone_are_equal() {
        let mut batch = RawBatch::new(2);
        for (number, row) in [["ab", "c"], ["a", "bc"], ["ab", "c"], ["", "abc"]].iter().enumerate()
        {
            batch.push(number as u64, row.iter().map(|field| field.as_bytes()));
        }
        let mut duplicates = Duplicates::new();
        let prints: Vec<_> = batch.rows().map(|row| duplicates.fingerprint(row)).collect();
        let new: Vec<_> = prints.into_iter().map(|print| duplicates.is_new(print)).collect();
        assert_eq!(new, [true, true, false, true]);
    }

    #[test]
    fn memory_is_bounded_and_near_rows_are_recognised() {
        let mut duplicates = Duplicates { generation: 10, ..Duplicates::new() };
        for row in 0..1000u128 {
            assert!(duplicates.is_new(row));
            assert!(!duplicates.is_new(row.saturating_sub(9)));
            assert!(duplicates.current.len() + duplicates.previous.len() <= 20);
        }
    }
}
