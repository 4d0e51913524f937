//! A column's cells by their distinct values: what holds for one holds for all that are equal, so that a
//! cell is parsed once a batch however often it stands there.

use ahash::RandomState;
use hashbrown::HashTable;

/// For each row its value's place in `values`, which are distinct and in the order of their first rows.
pub(crate) struct Coded<'a> {
    pub(crate) codes: Vec<u32>,
    pub(crate) values: Vec<&'a [u8]>,
}

impl<'a> Coded<'a> {
    /// Keys are drawn for the run, so that no file can be made to have its cells collide.
    pub(crate) fn new(cells: impl ExactSizeIterator<Item = &'a [u8]>, keys: &RandomState) -> Self {
        let mut codes = Vec::with_capacity(cells.len());
        let mut values: Vec<&[u8]> = Vec::new();
        let mut places: HashTable<u32> = HashTable::new();
        let mut last: Option<(&[u8], u32)> = None;
        for cell in cells {
            // Neighbours are often equal: a child's rows stand together, or a day's.
            let code = match last {
                Some((value, code)) if value == cell => code,
                _ => {
                    let hash = keys.hash_one(cell);
                    let next = values.len() as u32;
                    let same = |place: &u32| values[*place as usize] == cell;
                    match places.find(hash, same) {
                        Some(place) => *place,
                        None => {
                            values.push(cell);
                            let rehash = |place: &u32| keys.hash_one(values[*place as usize]);
                            places.insert_unique(hash, next, rehash);
                            next
                        }
                    }
                }
            };
            last = Some((cell, code));
            codes.push(code);
        }
        Self { codes, values }
    }

    /// The column of a file that lacks it: every cell is empty.
    pub(crate) fn absent(rows: usize) -> Self {
        Self { codes: vec![0; rows], values: vec![b""] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn codes_name_the_cells_and_values_are_distinct(
            cells in prop::collection::vec("[ab]{0,3}", 0..300),
        ) {
            let coded = Coded::new(cells.iter().map(String::as_bytes), &RandomState::new());
            let again: Vec<&[u8]> =
                coded.codes.iter().map(|code| coded.values[*code as usize]).collect();
            let all: Vec<&[u8]> = cells.iter().map(String::as_bytes).collect();
            prop_assert_eq!(again, all);
            let distinct: std::collections::BTreeSet<_> = coded.values.iter().collect();
            prop_assert_eq!(distinct.len(), coded.values.len());
        }
    }
}
