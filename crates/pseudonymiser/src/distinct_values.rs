//! A column's cells by their distinct values: what holds for one holds for all that are equal, so that a
//! cell is parsed once a batch however often it stands there.

use ahash::RandomState;
use hashbrown::HashTable;

/// For each row its value's place in `values`, which are distinct and in the order of their first rows.
pub(crate) struct DistinctValues<'a> {
    pub(crate) codes: Vec<u32>,
    pub(crate) values: Vec<&'a [u8]>,
}

/// A cell's first and last bytes and its length: that is all of a short one, and numbers are compared
/// faster than slices. A long one has a hash.
type Key = (u64, u64, usize);

/// A cell up to this length is known from its key.
const SHORT: usize = 16;

impl<'a> DistinctValues<'a> {
    /// Keys are drawn for the run, so that no file can be made to have its cells collide.
    pub(crate) fn new(cells: impl ExactSizeIterator<Item = &'a [u8]>, keys: &RandomState) -> Self {
        let mut codes = Vec::with_capacity(cells.len());
        let mut values: Vec<&[u8]> = Vec::new();
        let mut known: Vec<Key> = Vec::new();
        let mut places: HashTable<u32> = HashTable::new();
        // A cell is often that of the row before, or what followed that one when it changed last: a child's rows stand
        // together, each with the same days, mornings and afternoons take turns.
        let mut follower: Vec<u32> = Vec::new();
        let mut last = None;
        for cell in cells {
            let key = key(cell, keys);
            let is = |place: u32| {
                let place = place as usize;
                known[place] == key && (cell.len() <= SHORT || values[place] == cell)
            };
            let guesses = last.map(|last: u32| [last, follower[last as usize]]);
            let code = match guesses.and_then(|guesses| guesses.into_iter().find(|code| is(*code)))
            {
                Some(code) => code,
                None => {
                    let hash = |key: &Key| keys.hash_one((key.0, key.1));
                    let code = match places.find(hash(&key), |place| is(*place)) {
                        Some(place) => *place,
                        None => {
                            let next = values.len() as u32;
                            values.push(cell);
                            known.push(key);
                            follower.push(next);
                            places.insert_unique(hash(&key), next, |place| {
                                hash(&known[*place as usize])
                            });
                            next
                        }
                    };
                    if let Some(last) = last {
                        follower[last as usize] = code;
                    }
                    code
                }
            };
            last = Some(code);
            codes.push(code);
        }
        Self { codes, values }
    }

    /// The column of a file that lacks it: every cell is empty.
    pub(crate) fn absent(rows: usize) -> Self {
        Self { codes: vec![0; rows], values: vec![b""] }
    }
}

fn key(cell: &[u8], keys: &RandomState) -> Key {
    let ends = match (cell.first_chunk(), cell.last_chunk()) {
        (Some(first), Some(last)) if cell.len() <= SHORT => {
            (u64::from_le_bytes(*first), u64::from_le_bytes(*last))
        }
        (Some(_), _) => (keys.hash_one(cell), 0),
        _ => match (cell.first_chunk(), cell.last_chunk()) {
            (Some(first), Some(last)) => {
                (u32::from_le_bytes(*first).into(), u32::from_le_bytes(*last).into())
            }
            _ => (cell.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)), 0),
        },
    };
    (ends.0, ends.1, cell.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn codes_name_the_cells_and_values_are_distinct(
            cells in prop::collection::vec("[ab]{0,3}|a{0,20}b?a{0,20}", 0..300),
        ) {
            let coded = DistinctValues::new(cells.iter().map(String::as_bytes), &RandomState::new());
            let again: Vec<&[u8]> =
                coded.codes.iter().map(|code| coded.values[*code as usize]).collect();
            let all: Vec<&[u8]> = cells.iter().map(String::as_bytes).collect();
            prop_assert_eq!(again, all);
            let distinct: std::collections::BTreeSet<_> = coded.values.iter().collect();
            prop_assert_eq!(distinct.len(), coded.values.len());
        }
    }
}
