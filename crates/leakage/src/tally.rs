use std::collections::HashSet;

/// Hashes that are kept at once: above it, every second is forgotten.
const MOST: usize = 1 << 16;

/// How many different ones there are; above [`MOST`] about how many.
#[derive(Default)]
pub(crate) struct Tally {
    kept: HashSet<u64>,
    /// Kept are those hashes that end in so many zero bits.
    zeros: u32,
    all: u64,
}

impl Tally {
    pub(crate) fn add(&mut self, hash: u64) {
        self.all += 1;
        if hash.trailing_zeros() >= self.zeros && self.kept.insert(hash) && self.kept.len() > MOST {
            self.zeros += 1;
            self.kept.retain(|hash| hash.trailing_zeros() >= self.zeros);
        }
    }

    /// Different ones.
    pub(crate) fn different(&self) -> u64 {
        (self.kept.len() as u64) << self.zeros
    }

    /// All, repeated ones too.
    pub(crate) fn all(&self) -> u64 {
        self.all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::hash::{BuildHasher, RandomState};

    #[test]
    fn many_are_counted_nearly() {
        let (mut tally, key) = (Tally::default(), RandomState::new());
        (0..500_000u32).chain(0..500_000).for_each(|one| tally.add(key.hash_one(one)));
        assert_eq!(tally.all(), 1_000_000);
        assert!(tally.different().abs_diff(500_000) < 20_000, "{}", tally.different());
        let mut few = Tally::default();
        (0..1000u32).chain(0..1000).for_each(|one| few.add(key.hash_one(one)));
        assert_eq!(few.different(), 1000);
    }
}
