use rayon::prelude::*;

use crate::{
    column::{Column, RiskError},
    sizes::Sizes,
};

/// A table of counts by key is made where it has at most this many places a row; else keys are sorted.
const PLACES_A_ROW: u64 = 4;

/// Rows in equivalence classes: two rows are of one class if, and only if, they agree in every column. Keys are compared
/// whole, so that no two classes are ever taken for one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Classes {
    /// The class of each row.
    of_row: Vec<u32>,
    /// The rows of each class; none is empty.
    sizes: Vec<u32>,
}

impl Classes {
    /// The classes by these columns.
    ///
    /// # Errors
    /// [`RiskError::NoColumn`]; [`RiskError::Rows`] where the columns are of different rows.
    pub fn of(columns: &[&Column]) -> Result<Self, RiskError> {
        let [first, others @ ..] = columns else { return Err(RiskError::NoColumn) };
        let rows = first.codes().len();
        if let Some(other) = others.iter().find(|other| other.codes().len() != rows) {
            return Err(RiskError::Rows { rows, others: other.codes().len() });
        }
        let mut keys: Vec<u64> = first.codes().par_iter().map(|&code| u64::from(code)).collect();
        // Every key is below it.
        let mut radix = u64::from(first.values()).max(1);
        for column in others {
            let values = u64::from(column.values()).max(1);
            if radix.checked_mul(values).is_none() {
                // Classes so far take the place of their keys. There are fewer than 2^32, as there are rows.
                let so_far = Self::by(&keys, radix);
                keys.par_iter_mut().zip(&so_far.of_row).for_each(|(key, &of)| *key = of.into());
                radix = (so_far.sizes.len() as u64).max(1);
            }
            let codes = column.codes().par_iter();
            keys.par_iter_mut().zip(codes).for_each(|(key, &code)| {
                *key = *key * values + u64::from(code);
            });
            radix = radix.saturating_mul(values);
        }
        Ok(Self::by(&keys, radix))
    }

    /// The classes of equal keys, in the order of keys. All are below `radix`.
    fn by(keys: &[u64], radix: u64) -> Self {
        match radix <= PLACES_A_ROW.saturating_mul(keys.len() as u64) {
            true => Self::counted(keys, radix),
            false => Self::sorted(keys),
        }
    }

    fn counted(keys: &[u64], radix: u64) -> Self {
        let mut counts = vec![0_u32; radix as usize];
        keys.iter().for_each(|&key| counts[key as usize] += 1);
        let mut sizes = Vec::new();
        // From here on the place of a key holds the number of its class.
        for count in &mut counts {
            let size = std::mem::replace(count, sizes.len() as u32);
            if size > 0 {
                sizes.push(size);
            }
        }
        Self { of_row: keys.par_iter().map(|&key| counts[key as usize]).collect(), sizes }
    }

    fn sorted(keys: &[u64]) -> Self {
        let numbered = keys.par_iter().enumerate();
        let mut order: Vec<(u64, u32)> = numbered.map(|(row, &key)| (key, row as u32)).collect();
        order.par_sort_unstable();
        let (mut of_row, mut sizes) = (vec![0; keys.len()], Vec::new());
        for class in order.chunk_by(|a, b| a.0 == b.0) {
            class.iter().for_each(|&(_, row)| of_row[row as usize] = sizes.len() as u32);
            sizes.push(class.len() as u32);
        }
        Self { of_row, sizes }
    }

    /// The class of each row, from 0.
    pub fn of_row(&self) -> &[u32] {
        &self.of_row
    }

    /// How large the classes are.
    pub fn sizes(&self) -> Sizes {
        Sizes::of(&self.sizes)
    }

    /// The rows, class after class, and for each class where its rows begin; at the end where the last one's end.
    pub(crate) fn in_order(&self) -> (Vec<u32>, Vec<usize>) {
        let mut starts = Vec::with_capacity(self.sizes.len() + 1);
        let mut at = 0;
        for &size in &self.sizes {
            starts.push(at);
            at += size as usize;
        }
        starts.push(at);
        let (mut next, mut rows) = (starts.clone(), vec![0; self.of_row.len()]);
        for (row, &class) in self.of_row.iter().enumerate() {
            let place = &mut next[class as usize];
            rows[*place] = row as u32;
            *place += 1;
        }
        (rows, starts)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn counted_and_sorted_classes_are_the_same(
            keys in proptest::collection::vec(0_u64..50, 0..300)
        ) {
            prop_assert_eq!(Classes::counted(&keys, 50), Classes::sorted(&keys));
        }
    }

    #[test]
    fn the_table_of_counts_is_bounded_by_the_rows() {
        // A key of 2^40 would need a table of 4 TB.
        let classes = Classes::by(&[1 << 40, 3, 1 << 40], (1 << 40) + 1);
        assert_eq!((classes.of_row, classes.sizes), (vec![1, 0, 1], vec![1, 2]));
    }
}
