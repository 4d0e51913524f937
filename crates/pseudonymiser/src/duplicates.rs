use std::{
    hash::RandomState,
    hash::{BuildHasher, Hasher},
};

use rayon::prelude::*;

use crate::coded::Coded;

/// Rows of a generation. Two are remembered: that bounds the memory to about 140 MB.
const GENERATION: u64 = 6 << 20;
/// Fingerprints of a bucket: as many as a cache line holds.
const BUCKET: usize = 8;
/// Rows whose buckets are fetched together.
const AHEAD: usize = 64;

/// Recognises equal rows by 128-bit fingerprints under keys drawn for this run. Remembers at least
/// the last [`GENERATION`] rows of a table; equal rows further apart are not recognised.
///
/// A fingerprint is the XOR of keyed hashes (SipHash), one a column, of the cell and the column's place:
/// tabulation hashing (Zobrist 1970), so that each distinct cell is hashed once a batch.
pub(crate) struct Duplicates {
    keys: [RandomState; 2],
    /// By the fingerprints' highest bits, for as many threads.
    shards: Vec<Shard>,
    generation: u64,
    rows: u64,
}

struct Shard {
    current: Prints,
    previous: Prints,
    generation: u64,
}

/// A set of fingerprints. Of each, 64 bits stand in its bucket, whose place tells about twenty more: a new row
/// is taken for one seen before with a chance of 10 in 2^64.
struct Prints {
    /// 0 where nothing stands; filled from the front, and on into the next bucket where one is full.
    buckets: Vec<[u64; BUCKET]>,
    /// By how many bits a fingerprint chose its shard.
    bits: u32,
}

impl Duplicates {
    pub(crate) fn new() -> Self {
        Self::with_generation(GENERATION)
    }

    fn with_generation(generation: u64) -> Self {
        let shards = rayon::current_num_threads().next_power_of_two();
        let prints = || Prints::new(generation as usize / shards, shards.trailing_zeros());
        let shard = || Shard { current: prints(), previous: prints(), generation: 0 };
        Self {
            keys: [RandomState::new(), RandomState::new()],
            shards: std::iter::repeat_with(shard).take(shards).collect(),
            generation,
            rows: 0,
        }
    }

    /// The fingerprints of a batch's rows, given its columns that are there, each at its place.
    pub(crate) fn fingerprints(&self, rows: usize, columns: &[Option<Coded<'_>>]) -> Vec<u128> {
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

    /// For each batch's fingerprints, whether its row was not seen before; all are remembered. What is
    /// forgotten depends on the rows' and batches' order alone, not on the number of threads.
    pub(crate) fn recognise(&mut self, batches: &[Vec<u128>]) -> Vec<Vec<bool>> {
        let generations: Vec<u64> = batches
            .iter()
            .map(|batch| {
                let generation = self.rows / self.generation;
                self.rows += batch.len() as u64;
                generation
            })
            .collect();
        let bits = self.shards.len().trailing_zeros();
        let seen: Vec<Vec<(usize, usize)>> = self
            .shards
            .par_iter_mut()
            .enumerate()
            .map(|(place, shard)| {
                let own = |print: u128| bits == 0 || (print >> (128 - bits)) as usize == place;
                let mut seen = Vec::new();
                for (at, (batch, generation)) in batches.iter().zip(&generations).enumerate() {
                    shard.turn_to(*generation);
                    let rows = batch.iter().copied().enumerate();
                    let rows: Vec<(usize, u128)> = rows.filter(|(_, print)| own(*print)).collect();
                    for rows in rows.chunks(AHEAD) {
                        shard.fetch(rows);
                        let old = rows.iter().filter(|(_, print)| !shard.is_new(*print));
                        seen.extend(old.map(|(row, _)| (at, *row)));
                    }
                }
                seen
            })
            .collect();
        let mut fresh: Vec<Vec<bool>> =
            batches.iter().map(|batch| vec![true; batch.len()]).collect();
        for (batch, row) in seen.into_iter().flatten() {
            fresh[batch][row] = false;
        }
        fresh
    }
}

impl Shard {
    /// What was current two generations ago is forgotten.
    fn turn_to(&mut self, generation: u64) {
        if self.generation == generation {
            return;
        }
        std::mem::swap(&mut self.previous, &mut self.current);
        self.current.buckets.fill([0; BUCKET]);
        if self.generation + 1 < generation {
            self.previous.buckets.fill([0; BUCKET]);
        }
        self.generation = generation;
    }

    /// Reads the buckets of many rows, from end to end, so that the waits for memory overlap.
    fn fetch(&self, rows: &[(usize, u128)]) {
        let read = |prints: &Prints, print| {
            let bucket = prints.buckets[prints.place(print)];
            bucket[0] ^ bucket[BUCKET - 1]
        };
        let earlier = |print| if self.generation > 0 { read(&self.previous, print) } else { 0 };
        let all = rows.iter().map(|(_, print)| read(&self.current, *print) ^ earlier(*print));
        std::hint::black_box(all.fold(0, |all, bits| all ^ bits));
    }

    fn is_new(&mut self, print: u128) -> bool {
        let forgotten = self.generation == 0 || !self.previous.has(print);
        forgotten && self.current.add(print)
    }
}

impl Prints {
    /// Room for `most` and a third more; memory that is never written is never taken.
    fn new(most: usize, bits: u32) -> Self {
        Self { buckets: vec![[0; BUCKET]; (most + most / 3) / BUCKET + 8], bits }
    }

    /// The bucket to begin with: evenly, by the bits after those that chose the shard.
    fn place(&self, print: u128) -> usize {
        let bits = (print << self.bits) >> 64;
        ((bits * self.buckets.len() as u128) >> 64) as usize
    }

    fn has(&self, print: u128) -> bool {
        let kept = kept(print);
        let (before, from) = self.buckets.split_at(self.place(print));
        for bucket in from.iter().chain(before) {
            if bucket.contains(&kept) {
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
        let place = self.place(print);
        let (before, from) = self.buckets.split_at_mut(place);
        for bucket in from.iter_mut().chain(before) {
            if bucket.contains(&kept) {
                return false;
            }
            let used = bucket.iter().filter(|print| **print != 0).count();
            if used < BUCKET {
                bucket[used] = kept;
                break;
            }
        }
        true
    }
}

/// The bits of a fingerprint that are kept; 0 is for what is empty.
fn kept(print: u128) -> u64 {
    (print as u64).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prints(duplicates: &Duplicates, rows: &[[&str; 2]]) -> Vec<u128> {
        let keys = ahash::RandomState::new();
        let column = |place: usize| {
            let cells: Vec<&[u8]> = rows.iter().map(|row| row[place].as_bytes()).collect();
            Some(Coded::new(cells.into_iter(), &keys))
        };
        duplicates.fingerprints(rows.len(), &[column(0), column(1)])
    }

    #[test]
    fn equal_rows_alone_are_equal() {
        let mut duplicates = Duplicates::new();
        let rows = [["ab", "c"], ["a", "bc"], ["ab", "c"], ["", "abc"], ["c", "ab"], ["x", "x"]];
        let prints = prints(&duplicates, &rows);
        assert_eq!(duplicates.recognise(&[prints]), [[true, true, false, true, true, true]]);
        assert_eq!(prints_again(&mut duplicates), [[false, true]]);
    }

    fn prints_again(duplicates: &mut Duplicates) -> Vec<Vec<bool>> {
        let prints = prints(duplicates, &[["a", "bc"], ["y", "y"]]);
        duplicates.recognise(&[prints])
    }

    #[test]
    fn memory_is_bounded_and_near_rows_are_recognised() {
        let mut duplicates = Duplicates::with_generation(10);
        let spread = |row: u64| u128::from(row + 1) | u128::from(row) << 127;
        for row in 0..1000u64 {
            let near = spread(row.saturating_sub(4));
            assert_eq!(duplicates.recognise(&[vec![spread(row)], vec![near]]), [[true], [false]]);
            let held: usize = duplicates
                .shards
                .iter()
                .flat_map(|shard| [&shard.current, &shard.previous])
                .flat_map(|prints| prints.buckets.as_flattened())
                .filter(|print| **print != 0)
                .count();
            assert!(held <= 20, "{held}");
        }
    }

    #[test]
    fn many_prints_are_each_found_again_and_no_other() {
        let mut prints = Prints::new(10_000, 1);
        // Places as even as a hash's, from the golden ratio.
        let print = |row: u64| {
            let place = row.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            u128::from(place) << 64 | u128::from(row)
        };
        assert!((0..10_000).all(|row| prints.add(print(row))));
        assert!((0..10_000).all(|row| prints.has(print(row)) && !prints.add(print(row))));
        assert!((10_000..20_000).all(|row| !prints.has(print(row))));
        // All in one bucket: they go on into the next ones.
        let mut prints = Prints::new(100, 0);
        assert!((1..=100).all(|row| prints.add(row)) && (1..=100).all(|row| prints.has(row)));
        assert!(!prints.has(101));
    }
}
