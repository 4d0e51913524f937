//! Fingerprints of rows in any order, where each may be anywhere in memory.

use super::Print;

/// Fingerprints of a bucket: as many as a cache line holds.
const BUCKET: usize = 8;
/// Rows whose buckets are fetched together.
const AHEAD: usize = 64;
/// 2^64 by the golden ratio: spreads numbers that differ little.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// Two generations of fingerprints.
pub(super) struct Scattered {
    current: Prints,
    /// None in the first generation.
    previous: Option<Prints>,
}

/// A set of fingerprints. 64 bits of each stand in its bucket, whose place tells about twenty more.
struct Prints {
    /// 0 where nothing stands; filled from the front, and on into the next bucket where one is full.
    words: Vec<u64>,
    /// Where the first bucket begins, at the start of a cache line.
    first: usize,
    buckets: usize,
}

impl Scattered {
    /// A set of these fingerprints, with room for `most` in the current generation.
    pub(super) fn of(
        current: impl ExactSizeIterator<Item = Print>,
        previous: Option<impl ExactSizeIterator<Item = Print>>,
        most: usize,
    ) -> Self {
        let previous = previous.map(|previous| Prints::of(previous.len(), previous));
        Self { current: Prints::of(most, current), previous }
    }

    /// Says of each row whether it was not seen before, and remembers it.
    pub(super) fn recognise(&mut self, prints: &[Print], fresh: &mut Vec<bool>) {
        for prints in prints.chunks(AHEAD) {
            self.fetch(prints);
            fresh.extend(prints.iter().map(|print| self.is_new(*print)));
        }
    }

    /// A generation of at most so many rows begins; the one before the last is forgotten.
    pub(super) fn turn(&mut self, most: usize) {
        let current = match self.previous.take() {
            Some(mut used) if used.holds(most) => {
                used.clear();
                used
            }
            _ => Prints::new(most),
        };
        self.previous = Some(std::mem::replace(&mut self.current, current));
    }

    /// Touches the buckets of many rows, so that the waits for memory overlap. Those that are about to be written are
    /// touched by writing: a page that is read first is given twice.
    fn fetch(&mut self, prints: &[Print]) {
        if let Some(previous) = &self.previous {
            let read = |print: &Print| previous.bucket(previous.place(*print))[0];
            std::hint::black_box(prints.iter().map(read).fold(0, |all, bits| all ^ bits));
        }
        let nothing = std::hint::black_box(0);
        for print in prints {
            let place = self.current.place(*print);
            self.current.bucket_mut(place)[0] |= nothing;
        }
    }

    fn is_new(&mut self, print: Print) -> bool {
        let before = self.previous.as_ref().is_some_and(|previous| previous.has(print));
        !before && self.current.add(print)
    }
}

impl Prints {
    fn of(most: usize, seen: impl Iterator<Item = Print>) -> Self {
        let mut prints = Self::new(most);
        seen.for_each(|print| _ = prints.add(print));
        prints
    }

    /// Room for `most` and a third more; memory that is never written is never taken.
    fn new(most: usize) -> Self {
        let buckets = Self::buckets(most);
        let words = vec![0; (buckets + 1) * BUCKET];
        let first = words.as_ptr().align_offset(size_of::<[u64; BUCKET]>()).min(BUCKET);
        Self { words, first, buckets }
    }

    fn buckets(most: usize) -> usize {
        (most + most / 3) / BUCKET + 8
    }

    /// Whether there is room for `most`.
    fn holds(&self, most: usize) -> bool {
        self.buckets >= Self::buckets(most)
    }

    fn bucket(&self, place: usize) -> &[u64; BUCKET] {
        let (buckets, _) = self.words[self.first..].as_chunks();
        &buckets[place]
    }

    fn bucket_mut(&mut self, place: usize) -> &mut [u64; BUCKET] {
        let (buckets, _) = self.words[self.first..].as_chunks_mut();
        &mut buckets[place]
    }

    /// A bucket's place, and those that follow until the table's end, then from its start.
    fn places(&self, print: Print) -> impl Iterator<Item = usize> + use<> {
        let place = self.place(print);
        (place..self.buckets).chain(0..place)
    }

    fn clear(&mut self) {
        self.words.fill(0);
    }

    /// The bucket to begin with: evenly, by row and first column.
    fn place(&self, print: Print) -> usize {
        let spread = u64::from(print.first).wrapping_mul(GOLDEN) ^ print.row;
        ((u128::from(spread) * self.buckets as u128) >> 64) as usize
    }

    fn has(&self, print: Print) -> bool {
        let kept = kept(print);
        for place in self.places(print) {
            let bucket = self.bucket(place);
            if stands_in(bucket, kept) {
                return true;
            }
            if bucket[BUCKET - 1] == 0 {
                break;
            }
        }
        false
    }

    /// Adds a fingerprint; `false` if it is there.
    fn add(&mut self, print: Print) -> bool {
        let kept = kept(print);
        for place in self.places(print) {
            let bucket = self.bucket_mut(place);
            if stands_in(bucket, kept) {
                return false;
            }
            let used = bucket.iter().map(|print| usize::from(*print != 0)).sum::<usize>();
            if let Some(empty) = bucket.get_mut(used) {
                *empty = kept;
                break;
            }
        }
        true
    }
}

/// Looks at all, so that no branch depends on where it stands.
fn stands_in(bucket: &[u64; BUCKET], kept: u64) -> bool {
    bucket.iter().fold(false, |found, print| found | (*print == kept))
}

/// The bits of a fingerprint that are kept; 0 is for what is empty.
fn kept(print: Print) -> u64 {
    print.row.max(1)
}

#[cfg(test)]
impl Scattered {
    /// Rows that are remembered.
    pub(super) fn held(&self) -> usize {
        let words = std::iter::once(&self.current).chain(&self.previous).flat_map(|p| &p.words);
        words.filter(|print| **print != 0).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As even as a hash.
    fn print(row: u64) -> Print {
        Print { row: row.wrapping_mul(GOLDEN), first: 0 }
    }

    #[test]
    fn many_are_each_found_again_and_no_other() {
        let mut prints = Prints::new(10_000);
        assert!((0..10_000).all(|row| prints.add(print(row))));
        assert!((0..10_000).all(|row| prints.has(print(row)) && !prints.add(print(row))));
        assert!((10_000..20_000).all(|row| !prints.has(print(row))));
    }

    #[test]
    fn where_a_bucket_is_full_they_go_on_into_the_next() {
        let mut prints = Prints::new(100);
        let crowded = |row| Print { row, first: 0 };
        assert!((1..=100).all(|row| prints.add(crowded(row))));
        assert!((1..=100).all(|row| prints.has(crowded(row))));
        assert!(!prints.has(crowded(101)));
    }
}
