use std::hash::{BuildHasher, Hasher, RandomState};

use crate::coded::Coded;

/// Rows of a generation: a year's attendance of most councils. Two are remembered: that bounds the memory to about
/// 230 MB.
const GENERATION: usize = 10 << 20;
/// Rows of the first one, so that a small table takes little.
const FIRST: usize = 128 << 10;
/// Fingerprints of a bucket: as many as a cache line holds.
const BUCKET: usize = 8;
/// Rows whose buckets are fetched together.
const AHEAD: usize = 64;

/// A table's rows as 128-bit fingerprints under keys drawn for this run.
///
/// A fingerprint is the XOR of keyed hashes (SipHash), one a column, of the cell and the column's place:
/// tabulation hashing (Zobrist 1970), so that each distinct cell is hashed once a batch.
#[derive(Default)]
pub(crate) struct Fingerprints {
    keys: [RandomState; 2],
}

/// Recognises equal rows by their fingerprints. Remembers at least the last [`GENERATION`] rows of a table; equal
/// rows further apart are not recognised.
pub(crate) struct Duplicates {
    current: Prints,
    /// None in the first generation.
    previous: Option<Prints>,
    /// Rows of the current generation, so far and at most.
    rows: usize,
    most: usize,
    /// Rows of every generation but the first.
    generation: usize,
}

/// A set of fingerprints. Of each, 64 bits stand in its bucket, whose place tells about twenty more: a new row
/// is taken for one seen before with a chance of 10 in 2^64.
struct Prints {
    /// 0 where nothing stands; filled from the front, and on into the next bucket where one is full.
    words: Vec<u64>,
    /// Where the first bucket begins, at the start of a cache line.
    first: usize,
    buckets: usize,
}

impl Fingerprints {
    /// Those of a batch's rows, given its columns that are there, each at its place.
    pub(crate) fn of(&self, rows: usize, columns: &[Option<Coded<'_>>]) -> Vec<u128> {
        let mut fingerprints = vec![0; rows];
        for (place, coded) in columns.iter().enumerate() {
            let Some(coded) = coded else { continue };
            let hashes: Vec<u128> =
                coded.values.iter().map(|value| self.hash(place, value)).collect();
            for (fingerprint, code) in fingerprints.iter_mut().zip(&coded.codes) {
                *fingerprint ^= hashes[*code as usize];
            }
        }
        fingerprints
    }

    fn hash(&self, place: usize, value: &[u8]) -> u128 {
        let half = |key: &RandomState| {
            let mut hasher = key.build_hasher();
            hasher.write_usize(place);
            hasher.write(value);
            u128::from(hasher.finish())
        };
        half(&self.keys[0]) << 64 | half(&self.keys[1])
    }
}

impl Duplicates {
    pub(crate) fn new() -> Self {
        Self::with_generations(FIRST, GENERATION)
    }

    fn with_generations(first: usize, generation: usize) -> Self {
        Self { current: Prints::new(first), previous: None, rows: 0, most: first, generation }
    }

    /// For each batch's fingerprints, whether its row was not seen before; all are remembered. What is
    /// forgotten depends on the rows' and batches' order alone.
    pub(crate) fn recognise(&mut self, batches: &[Vec<u128>]) -> Vec<Vec<bool>> {
        let recognise = |batch: &Vec<u128>| {
            if self.rows + batch.len() > self.most {
                self.turn(batch.len());
            }
            self.rows += batch.len();
            let mut fresh = Vec::with_capacity(batch.len());
            for prints in batch.chunks(AHEAD) {
                self.fetch(prints);
                fresh.extend(prints.iter().map(|print| self.is_new(*print)));
            }
            fresh
        };
        batches.iter().map(recognise).collect()
    }

    /// A generation begins with a batch of so many rows; what was current two generations ago is forgotten.
    fn turn(&mut self, rows: usize) {
        self.most = self.generation.max(rows);
        let current = match self.previous.take() {
            Some(mut used) if used.holds(self.most) => {
                used.clear();
                used
            }
            _ => Prints::new(self.most),
        };
        self.previous = Some(std::mem::replace(&mut self.current, current));
        self.rows = 0;
    }

    /// Touches the buckets of many rows, so that the waits for memory overlap. Those that are about to be written are
    /// touched by writing: a page that is read first is given twice.
    fn fetch(&mut self, fingerprints: &[u128]) {
        if let Some(previous) = &self.previous {
            let read = |print: &u128| previous.bucket(previous.place(*print))[0];
            std::hint::black_box(fingerprints.iter().map(read).fold(0, |all, bits| all ^ bits));
        }
        let nothing = std::hint::black_box(0);
        for print in fingerprints {
            let place = self.current.place(*print);
            self.current.bucket_mut(place)[0] |= nothing;
        }
    }

    fn is_new(&mut self, print: u128) -> bool {
        let before = self.previous.as_ref().is_some_and(|previous| previous.has(print));
        !before && self.current.add(print)
    }
}

impl Prints {
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
    fn places(&self, print: u128) -> impl Iterator<Item = usize> + use<> {
        let place = self.place(print);
        (place..self.buckets).chain(0..place)
    }

    fn clear(&mut self) {
        self.words.fill(0);
    }

    /// The bucket to begin with: evenly, by the higher bits.
    fn place(&self, print: u128) -> usize {
        (((print >> 64) * self.buckets as u128) >> 64) as usize
    }

    fn has(&self, print: u128) -> bool {
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
    fn add(&mut self, print: u128) -> bool {
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
fn kept(print: u128) -> u64 {
    (print as u64).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prints(fingerprints: &Fingerprints, rows: &[[&str; 2]]) -> Vec<u128> {
        let keys = ahash::RandomState::new();
        let column = |place: usize| {
            let cells: Vec<&[u8]> = rows.iter().map(|row| row[place].as_bytes()).collect();
            Some(Coded::new(cells.into_iter(), &keys))
        };
        fingerprints.of(rows.len(), &[column(0), column(1)])
    }

    #[test]
    fn equal_rows_alone_are_equal() {
        let mut duplicates = Duplicates::new();
        let rows = [["ab", "c"], ["a", "bc"], ["ab", "c"], ["", "abc"], ["c", "ab"], ["x", "x"]];
        let fingerprints = Fingerprints::default();
        let first = prints(&fingerprints, &rows);
        assert_eq!(duplicates.recognise(&[first]), [[true, true, false, true, true, true]]);
        let second = prints(&fingerprints, &[["a", "bc"], ["y", "y"]]);
        assert_eq!(duplicates.recognise(&[second]), [[false, true]]);
    }

    #[test]
    fn memory_is_bounded_and_near_rows_are_recognised() {
        let mut duplicates = Duplicates::with_generations(4, 10);
        let spread = |row: u64| u128::from(row + 1) | u128::from(row) << 127;
        for row in 0..1000u64 {
            let near = spread(row.saturating_sub(4));
            assert_eq!(duplicates.recognise(&[vec![spread(row)], vec![near]]), [[true], [false]]);
            let held = std::iter::once(&duplicates.current)
                .chain(&duplicates.previous)
                .flat_map(|prints| &prints.words)
                .filter(|print| **print != 0)
                .count();
            assert!(held <= 20, "{held}");
        }
    }

    #[test]
    fn many_prints_are_each_found_again_and_no_other() {
        let mut prints = Prints::new(10_000);
        // Places as even as a hash's, from the golden ratio.
        let print = |row: u64| {
            let place = row.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            u128::from(place) << 64 | u128::from(row)
        };
        assert!((0..10_000).all(|row| prints.add(print(row))));
        assert!((0..10_000).all(|row| prints.has(print(row)) && !prints.add(print(row))));
        assert!((10_000..20_000).all(|row| !prints.has(print(row))));
        // All in one bucket: they go on into the next ones.
        let mut prints = Prints::new(100);
        assert!((1..=100).all(|row| prints.add(row)) && (1..=100).all(|row| prints.has(row)));
        assert!(!prints.has(101));
    }
}
