//! Numbers by their beginnings, each with what it leads to. A column of them is looked up part by part: rows stand in no order of children,
//! and one look-up after another would wait for memory each time.

use arrow::array::{Array, FixedSizeBinaryArray};
use minster_model::Pseudonym;

use crate::small_set::NONE;

/// Bits of a number that say where in the list it may stand, at least and at most.
const BITS: std::ops::RangeInclusive<u32> = 1..=24;

/// Numbers by their beginnings.
#[derive(Debug)]
pub(crate) struct SortedNumbers {
    /// Bits of a number that say where in the list it may stand. Pseudonyms are as good as random: nearly each part of the list
    /// holds one or two.
    bits: u32,
    /// For each beginning of a number, and behind the last, where the numbers with it begin.
    starts: Vec<u32>,
    numbers: Vec<u128>,
    of: Vec<u32>,
}

impl SortedNumbers {
    /// Takes numbers, each once, and what each leads to.
    pub(crate) fn new(pairs: &[(Pseudonym, u32)]) -> Self {
        let bits = pairs.len().checked_ilog2().unwrap_or(0).clamp(*BITS.start(), *BITS.end());
        let part = |pair: usize| beginning(number(pairs[pair].0.as_bytes()), bits);
        let mut starts = vec![0u32; (1 << bits) + 1];
        (0..pairs.len()).for_each(|pair| starts[part(pair) + 1] += 1);
        (0..1 << bits).for_each(|part| starts[part + 1] += starts[part]);
        let sorted = in_order(pairs.len(), bits, part).into_iter().map(|pair| {
            let (pseudonym, of) = pairs[pair as usize];
            (number(pseudonym.as_bytes()), of)
        });
        let (numbers, of) = sorted.unzip();
        Self { bits, starts, numbers, of }
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }

    /// The value to which a number leads, or none.
    pub(crate) fn of(&self, pseudonym: &Pseudonym) -> u32 {
        self.of_number(number(pseudonym.as_bytes()))
    }

    fn of_number(&self, number: u128) -> u32 {
        let part = beginning(number, self.bits);
        let (start, end) = (self.starts[part] as usize, self.starts[part + 1] as usize);
        let place = self.numbers[start..end].iter().position(|known| *known == number);
        place.map_or(NONE, |place| self.of[start + place])
    }

    /// The place that each cell of a column leads to, with that of the cell: cells in the order of their numbers where there are many.
    /// None for a number that is not there; blanks are left out.
    pub(crate) fn of_cells(&self, column: &FixedSizeBinaryArray) -> Vec<(u32, u32)> {
        let (cells, _) = column.value_data().as_chunks::<{ Pseudonym::LEN }>();
        let of = |row: u32| (row, self.of_number(number(&cells[row as usize])));
        let is_valid = |row: &u32| column.is_valid(*row as usize);
        let part = |row: usize| beginning(number(&cells[row]), self.bits);
        match self.numbers.len() > FEW {
            true => in_order(cells.len(), self.bits, part)
                .into_iter()
                .filter(is_valid)
                .map(of)
                .collect(),
            false => (0..cells.len() as u32).filter(is_valid).map(of).collect(),
        }
    }

    /// The place that each cell of a column leads to; none for a blank and for a number that is not there.
    pub(crate) fn of_column(&self, column: &FixedSizeBinaryArray) -> Vec<u32> {
        let mut of = vec![NONE; column.len()];
        for (row, found) in self.of_cells(column) {
            of[row as usize] = found;
        }
        of
    }
}

fn number(bytes: &[u8; Pseudonym::LEN]) -> u128 {
    u128::from_be_bytes(*bytes)
}

/// Children and numbers up to which the processor's own memory holds all that rows ask for: rows stay as they stand.
const FEW: usize = 64 << 10;

/// The first bits of a number.
fn beginning(number: u128, bits: u32) -> usize {
    (number >> (u128::BITS - bits)) as usize
}

/// Places from 0 in the order of a key of so many bits; places with the same key stay in order. Two passes, whatever the rows
/// are: sorting by comparison takes longer than what the order saves.
fn in_order(places: usize, bits: u32, key: impl Fn(usize) -> usize) -> Vec<u32> {
    let low = bits / 2;
    let pass = |order: Option<Vec<u32>>, bits: u32, digit: &dyn Fn(usize) -> usize| {
        let before = |place: usize| order.as_ref().map_or(place as u32, |order| order[place]);
        let mut next = vec![0u32; (1 << bits) + 1];
        let digits: Vec<u32> =
            (0..places).map(|place| digit(before(place) as usize) as u32).collect();
        digits.iter().for_each(|digit| next[*digit as usize + 1] += 1);
        (0..1 << bits).for_each(|digit| next[digit + 1] += next[digit]);
        let mut after = vec![0u32; places];
        for (place, digit) in digits.into_iter().enumerate() {
            let next = &mut next[digit as usize];
            after[*next as usize] = before(place);
            *next += 1;
        }
        after
    };
    let by_low = (low > 0).then(|| pass(None, low, &|place| key(place) & ((1 << low) - 1)));
    pass(by_low, bits - low, &|place| key(place) >> low)
}

/// Brings what is about a child together, children in order; what is about one child stays in order.
pub(crate) fn by_child<T: Copy>(all: Vec<T>, children: usize, child: impl Fn(&T) -> u32) -> Vec<T> {
    if children <= FEW || all.is_sorted_by_key(&child) {
        return all;
    }
    by_code(all, child)
}

/// Puts pseudonyms, each with something of its own, in order.
pub(crate) fn by_pseudonym<T: Copy + Ord>(all: Vec<(Pseudonym, T)>) -> Vec<(Pseudonym, T)> {
    let bits = all.len().checked_ilog2().unwrap_or(0).clamp(*BITS.start(), *BITS.end());
    let part = |one: &(Pseudonym, T)| beginning(number(one.0.as_bytes()), bits);
    let order = in_order(all.len(), bits, |place| part(&all[place]));
    let mut sorted: Vec<_> = order.into_iter().map(|place| all[place as usize]).collect();
    sorted.chunk_by_mut(|a, b| part(a) == part(b)).for_each(<[_]>::sort_unstable);
    sorted
}

/// Puts rows in the order of their codes; those with one code stay in order.
pub(crate) fn by_code<T: Copy>(all: Vec<T>, code: impl Fn(&T) -> u32) -> Vec<T> {
    let greatest = all.iter().map(&code).max().unwrap_or_default();
    let bits = (u32::BITS - greatest.leading_zeros()).max(1);
    let order = in_order(all.len(), bits, |place| code(&all[place]) as usize);
    order.into_iter().map(|place| all[place as usize]).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn pseudonym(n: u16) -> Pseudonym {
        let [a, b] = n.to_be_bytes();
        // Beginnings of both kinds: many of one, and one of each.
        Pseudonym::from_bytes([a % 3, b, a, b, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, a, b])
    }

    /// Cells of more numbers than the processor's own memory holds are looked up in the order of the numbers.
    #[test]
    fn cells_lead_where_a_column_leads_in_whatever_order() {
        for known in [300, FEW as u64 + 300] {
            let number = |n: u64| {
                let mut bytes = [0; Pseudonym::LEN];
                // As good as random at the beginning, as pseudonyms are.
                bytes[..8].copy_from_slice(&n.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes());
                bytes
            };
            let pairs: Vec<_> =
                (0..known).map(|n| (Pseudonym::from_bytes(number(n)), n as u32)).collect();
            let sorted = SortedNumbers::new(&pairs);
            // Every fifth cell is blank, and some numbers are unknown.
            let cell = |row: u64| (!row.is_multiple_of(5)).then(|| number(row * 7 % (known + 90)));
            let cells = (0..5_000).map(cell);
            let column = FixedSizeBinaryArray::try_from_sparse_iter_with_size(cells, 16).unwrap();
            let mut of_cells = sorted.of_cells(&column);
            assert_eq!(of_cells.is_sorted(), known == 300);
            of_cells.sort_unstable();
            let of_column = (0u32..).zip(sorted.of_column(&column));
            assert!(of_cells.into_iter().eq(of_column.filter(|(row, _)| !row.is_multiple_of(5))));
        }
    }

    proptest! {
        #[test]
        fn pairs_come_in_the_order_of_pseudonyms_and_of_codes(
            all in prop::collection::vec((0u16..2_000, 0u32..9), 0..300),
        ) {
            let pairs: Vec<_> = all.iter().map(|(n, of)| (pseudonym(*n), *of)).collect();
            let mut expected = pairs.clone();
            expected.sort_unstable();
            prop_assert_eq!(by_pseudonym(pairs), expected);
            let mut expected = all.clone();
            expected.sort_by_key(|one| one.1);
            prop_assert_eq!(by_code(all, |one| one.1), expected);
        }

        #[test]
        fn a_column_leads_where_each_number_alone_leads(
            known in prop::collection::btree_map(0u16..2_000, 0u32..90, 0..200),
            cells in prop::collection::vec(prop::option::of(0u16..2_000), 1..300),
        ) {
            let pairs: Vec<_> = known.iter().map(|(n, of)| (pseudonym(*n), *of)).collect();
            let expected: BTreeMap<Pseudonym, u32> = pairs.iter().copied().collect();
            let sorted = SortedNumbers::new(&pairs);
            prop_assert_eq!(sorted.is_empty(), known.is_empty());
            let values = cells.iter().map(|cell| cell.map(|n| *pseudonym(n).as_bytes()));
            let column = FixedSizeBinaryArray::try_from_sparse_iter_with_size(values, 16).unwrap();
            let of: Vec<u32> = cells
                .iter()
                .map(|cell| cell.and_then(|n| expected.get(&pseudonym(n)).copied()).unwrap_or(NONE))
                .collect();
            prop_assert_eq!(sorted.of_column(&column), of);
        }

        #[test]
        fn what_is_about_one_child_stays_in_order(
            all in prop::collection::vec((0u32..9_000, 0u32..1_000), 0..400),
        ) {
            let children = [9_000, FEW + 1];
            prop_assert_eq!(&by_child(all.clone(), children[0], |one| one.0), &all);
            let together = by_child(all.clone(), children[1], |one| one.0);
            let of = |all: &[(u32, u32)], child| -> Vec<u32> {
                all.iter().filter(|one| one.0 == child).map(|one| one.1).collect()
            };
            for (child, _) in &all {
                prop_assert_eq!(of(&together, *child), of(&all, *child));
            }
            prop_assert_eq!(together.len(), all.len());
            prop_assert!(together.is_sorted_by_key(|one| one.0));
        }
    }
}
