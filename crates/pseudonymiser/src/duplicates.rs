//! Rows of a table that are equal in every column: the later ones are left out and counted.

mod grouped;
mod scattered;

use std::hash::{BuildHasher, Hasher, RandomState};

use crate::distinct_values::DistinctValues;

use self::{grouped::Grouped, scattered::Scattered};

/// Rows of a generation: a year's attendance of most councils. Two are remembered: that bounds the memory to about
/// 260 MB.
const GENERATION: usize = 10 << 20;
/// Rows of the first one, so that a small table takes little.
const FIRST: usize = 128 << 10;

/// The memory of a row: 64 bits that no other row has but by chance, and 32 of its first column's.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Print {
    row: u64,
    first: u32,
}

/// A table's rows as fingerprints under keys drawn for this run.
///
/// A fingerprint is the XOR of keyed hashes (SipHash), one a column, of the cell and the column's place:
/// tabulation hashing (Zobrist 1970), so that each distinct cell is hashed once a batch.
#[derive(Default)]
pub(crate) struct Fingerprints {
    rows: RandomState,
    firsts: RandomState,
}

/// Recognises equal rows by their fingerprints. Remembers at least the last [`GENERATION`] rows of a table; equal
/// rows further apart are not recognised. A new row is taken for one seen before with a chance of n in 2^64, where n rows
/// have its first column (half a million at most), or 10 where these are scattered.
pub(crate) struct Duplicates {
    seen: SeenRows,
    /// Rows of the current generation, so far and at most.
    rows: usize,
    most: usize,
    /// Rows of every generation but the first.
    generation: usize,
}

/// The rows that were seen of a table, in the order in which its rows mostly come: child by child, or otherwise.
enum SeenRows {
    Grouped(Box<Grouped>),
    Scattered(Scattered),
}

impl Fingerprints {
    /// Those of a batch's rows, given its columns that are there, each at its place, and of XML each row's unit: rows of
    /// two units are about two persons, and never equal.
    pub(crate) fn of(
        &self,
        rows: usize,
        columns: &[Option<DistinctValues<'_>>],
        units: &[u32],
    ) -> Vec<Print> {
        let mut prints = vec![Print { row: 0, first: 0 }; rows];
        let unit_place = columns.len();
        let mut columns = columns.iter().enumerate();
        if let Some((place, coded)) =
            columns.by_ref().find_map(|(place, coded)| Some((place, coded.as_ref()?)))
        {
            let hashes: Vec<Print> = coded
                .values
                .iter()
                .map(|value| Print {
                    row: hash(&self.rows, place, value),
                    first: hash(&self.firsts, place, value) as u32,
                })
                .collect();
            for (print, code) in prints.iter_mut().zip(&coded.codes) {
                *print = hashes[*code as usize];
            }
        }
        for (place, coded) in columns {
            let Some(coded) = coded else { continue };
            let hashes: Vec<u64> =
                coded.values.iter().map(|value| hash(&self.rows, place, value)).collect();
            for (print, code) in prints.iter_mut().zip(&coded.codes) {
                print.row ^= hashes[*code as usize];
            }
        }
        // Rows of a unit stand together: its number is hashed once.
        let (mut last, mut hashed) = (None, 0);
        for (print, unit) in prints.iter_mut().zip(units) {
            if last != Some(*unit) {
                (last, hashed) = (Some(*unit), hash(&self.rows, unit_place, &unit.to_le_bytes()));
            }
            print.row ^= hashed;
        }
        prints
    }
}

fn hash(key: &RandomState, place: usize, value: &[u8]) -> u64 {
    let mut hasher = key.build_hasher();
    hasher.write_usize(place);
    hasher.write(value);
    hasher.finish()
}

impl Duplicates {
    pub(crate) fn new() -> Self {
        Self::with_generations(FIRST, GENERATION)
    }

    fn with_generations(first: usize, generation: usize) -> Self {
        Self {
            seen: SeenRows::Grouped(Box::new(Grouped::new(first))),
            rows: 0,
            most: first,
            generation,
        }
    }

    /// For each batch's fingerprints, whether its row was not seen before; all are remembered. Which ones are
    /// forgotten depends on the rows' and batches' order alone.
    pub(crate) fn recognise(&mut self, batches: &[Vec<Print>]) -> Vec<Vec<bool>> {
        batches.iter().map(|batch| self.recognise_batch(batch)).collect()
    }

    fn recognise_batch(&mut self, batch: &[Print]) -> Vec<bool> {
        if self.rows + batch.len() > self.most {
            self.most = self.generation.max(batch.len());
            self.rows = 0;
            match &mut self.seen {
                SeenRows::Grouped(seen) => seen.turn(self.most),
                SeenRows::Scattered(seen) => seen.turn(self.most),
            }
        }
        self.rows += batch.len();
        let mut fresh = Vec::with_capacity(batch.len());
        if let SeenRows::Grouped(seen) = &mut self.seen {
            seen.recognise(batch, &mut fresh);
            if fresh.len() < batch.len() {
                self.seen = SeenRows::Scattered(seen.scatter(self.most));
            }
        }
        if let SeenRows::Scattered(seen) = &mut self.seen {
            seen.recognise(&batch[fresh.len()..], &mut fresh);
        }
        fresh
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    fn prints(fingerprints: &Fingerprints, rows: &[[&str; 2]]) -> Vec<Print> {
        let keys = ahash::RandomState::new();
        let column = |place: usize| {
            let cells: Vec<&[u8]> = rows.iter().map(|row| row[place].as_bytes()).collect();
            Some(DistinctValues::new(cells.into_iter(), &keys))
        };
        fingerprints.of(rows.len(), &[None, column(0), column(1)], &[])
    }

    #[test]
    fn equal_rows_alone_are_equal() {
        let mut duplicates = Duplicates::new();
        let rows = [["ab", "c"], ["a", "bc"], ["ab", "c"], ["", "abc"], ["c", "ab"], ["x", "x"]];
        let fingerprints = Fingerprints::default();
        let first = prints(&fingerprints, &rows);
        assert_eq!(duplicates.recognise(&[first]), [[true, true, false, true, true, true]]);
        let second = prints(&fingerprints, &[["a", "bc"], ["y", "y"], ["ab", "c"]]);
        assert_eq!(duplicates.recognise(&[second]), [[false, true, false]]);
    }

    /// Child and day as a fingerprint, as even as a hash.
    fn print(child: u32, day: u32) -> Print {
        let both = u64::from(child) << 32 | u64::from(day);
        Print { row: both.wrapping_mul(0x9e37_79b9_7f4a_7c15), first: child }
    }

    fn scattered(first: usize, generation: usize) -> Duplicates {
        let SeenRows::Grouped(nothing) = Duplicates::with_generations(first, generation).seen
        else {
            unreachable!("a table begins grouped");
        };
        let seen = SeenRows::Scattered(nothing.scatter(first));
        Duplicates { seen, ..Duplicates::with_generations(first, generation) }
    }

    #[test]
    fn every_order_of_rows_has_the_same_duplicates() {
        let (children, days) = (300, 200);
        let by_child = (0..children).flat_map(|child| (0..days).map(move |day| (child, day)));
        let by_day = (0..days).flat_map(|day| (0..children).map(move |child| (child, day)));
        let one_child = (0..600_000).map(|day| (0, day));
        let often = (0..60_000).map(|row| if row % 50 == 0 { (0, row) } else { (row / 400, row) });
        let all: [(Vec<_>, bool); 4] = [
            (by_child.collect(), true),
            (by_day.collect(), false),
            (one_child.collect(), false),
            (often.collect(), true),
        ];
        for (number, (rows, stays_grouped)) in all.into_iter().enumerate() {
            let mut duplicates = Duplicates::new();
            let mut known = HashSet::new();
            // One row in seven comes again, and in the end all do.
            let again = rows.iter().copied().step_by(7);
            let rows: Vec<_> = rows.iter().copied().chain(again).chain(rows.clone()).collect();
            for batch in rows.chunks(1_000) {
                let new: Vec<bool> = batch.iter().map(|row| known.insert(*row)).collect();
                let batch = batch.iter().map(|(child, day)| print(*child, *day)).collect();
                assert_eq!(duplicates.recognise(&[batch]), [new]);
            }
            let grouped = matches!(duplicates.seen, SeenRows::Grouped(_));
            assert_eq!(grouped, stays_grouped, "{number}");
        }
    }

    proptest! {
        /// Both forget the same rows, too.
        #[test]
        fn grouped_and_scattered_rows_have_the_same_duplicates(
            batches in prop::collection::vec(prop::collection::vec((0..6u32, 0..6u32), 0..30), 0..40),
            (first, generation) in (1..20usize, 1..60usize),
        ) {
            let mut grouped = Duplicates::with_generations(first, generation);
            let mut scattered = scattered(first, generation);
            for batch in batches {
                let batch: Vec<_> = batch.iter().map(|(child, day)| print(*child, *day)).collect();
                let batch = [batch];
                prop_assert_eq!(grouped.recognise(&batch), scattered.recognise(&batch));
            }
            prop_assert!(matches!(grouped.seen, SeenRows::Grouped(_)));
        }
    }

    #[test]
    fn memory_is_bounded_and_near_rows_are_recognised() {
        let mut all = [Duplicates::with_generations(4, 10), scattered(4, 10)];
        for duplicates in &mut all {
            for row in 0..1000u32 {
                let near = print(row.saturating_sub(4), 0);
                let batches = [vec![print(row, 0)], vec![near]];
                assert_eq!(duplicates.recognise(&batches), [[true], [false]]);
                let held = match &duplicates.seen {
                    SeenRows::Grouped(seen) => seen.held(),
                    SeenRows::Scattered(seen) => seen.held(),
                };
                assert!(held <= 20, "{held}");
            }
        }
    }
}
