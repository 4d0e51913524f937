use std::{
    hash::RandomState,
    hash::{BuildHasher, Hasher},
};

use hashbrown::HashTable;
use rayon::prelude::*;

use crate::coded::Coded;

/// Rows of a generation. Two are remembered: that bounds the memory to about 300 MB.
const GENERATION: u64 = 6 << 20;

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

#[derive(Default)]
struct Shard {
    current: HashTable<u128>,
    previous: HashTable<u128>,
    generation: u64,
}

impl Duplicates {
    pub(crate) fn new() -> Self {
        let shards = rayon::current_num_threads().next_power_of_two();
        Self {
            keys: [RandomState::new(), RandomState::new()],
            shards: std::iter::repeat_with(Shard::default).take(shards).collect(),
            generation: GENERATION,
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
                    for (row, &print) in batch.iter().enumerate() {
                        if own(print) && !shard.is_new(print) {
                            seen.push((at, row));
                        }
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
        self.current.clear();
        if self.generation + 1 < generation {
            self.previous.clear();
        }
        self.generation = generation;
    }

    fn is_new(&mut self, print: u128) -> bool {
        let hash = print as u64;
        let same = |other: &u128| *other == print;
        if self.previous.find(hash, same).is_some() || self.current.find(hash, same).is_some() {
            return false;
        }
        self.current.insert_unique(hash, print, |print| *print as u64);
        true
    }
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
        let mut duplicates = Duplicates { generation: 10, ..Duplicates::new() };
        let spread = |row: u64| u128::from(row) << 64 | u128::from(row) << 127;
        for row in 0..1000u64 {
            let near = spread(row.saturating_sub(4));
            assert_eq!(duplicates.recognise(&[vec![spread(row)], vec![near]]), [[true], [false]]);
            let held: usize = duplicates
                .shards
                .iter()
                .map(|shard| shard.current.len() + shard.previous.len())
                .sum();
            assert!(held <= 20, "{held}");
        }
    }
}
