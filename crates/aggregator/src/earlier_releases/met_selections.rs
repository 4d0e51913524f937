//! Which of the selections of several releases a child meets: as many as the releases have.

use std::cmp::Ordering;

/// For each selection, whether a child meets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MetSelections(Vec<bool>);

impl MetSelections {
    /// Whether it meets all selections of these places.
    pub(crate) fn all(&self, places: &[usize]) -> bool {
        places.iter().all(|&place| self.0.get(place) == Some(&true))
    }
}

/// The order of the numbers of which they are the digits, the first the lowest: it decides the order in which a table of
/// children names those who count them, and so which of two equally good patterns is found.
impl Ord for MetSelections {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.iter().rev().cmp(other.0.iter().rev())
    }
}

impl PartialOrd for MetSelections {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The selections that each row of a batch meets. Few of all combinations are met, so that a row names one of these.
pub(crate) struct MetByRow {
    /// The place of each row's among those that any row meets.
    of_row: Vec<u32>,
    met: Vec<MetSelections>,
}

impl MetByRow {
    /// So many rows, and no selection yet.
    pub(crate) fn new(rows: usize) -> Self {
        let met = if rows == 0 { Vec::new() } else { vec![MetSelections(Vec::new())] };
        Self { of_row: vec![0; rows], met }
    }

    /// Adds a selection, with whether each row meets it.
    pub(crate) fn add(&mut self, holds: Vec<bool>) {
        let mut met: Vec<MetSelections> = Vec::new();
        // The place of each combination with the selection, and without it.
        let mut next: Vec<[Option<u32>; 2]> = vec![[None; 2]; self.met.len()];
        for (of_row, holds) in self.of_row.iter_mut().zip(holds) {
            let before = *of_row as usize;
            *of_row = *next[before][usize::from(holds)].get_or_insert_with(|| {
                let mut selections = self.met[before].0.clone();
                selections.push(holds);
                met.push(MetSelections(selections));
                met.len() as u32 - 1
            });
        }
        self.met = met;
    }

    /// Something for each row that follows from the selections it meets: asked once for each combination.
    pub(crate) fn of_rows<T: Copy>(
        &self,
        of: impl FnMut(&MetSelections) -> T,
    ) -> impl Iterator<Item = T> {
        let of_met: Vec<T> = self.met.iter().map(of).collect();
        self.of_row.iter().map(move |&met| of_met[met as usize])
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn rows_meet_what_was_said_of_them(
            rows in prop::collection::vec(prop::collection::vec(any::<bool>(), 70), 0..30),
        ) {
            let mut met = MetByRow::new(rows.len());
            for selection in 0..70 {
                met.add(rows.iter().map(|row| row[selection]).collect());
            }
            let mut asked = Vec::new();
            let places = met.of_rows(|of| {
                asked.push(of.clone());
                asked.len() - 1
            });
            let places: Vec<usize> = places.collect();
            let found: Vec<&Vec<bool>> = places.iter().map(|&place| &asked[place].0).collect();
            prop_assert_eq!(found, rows.iter().collect::<Vec<_>>());
            let distinct: std::collections::BTreeSet<_> = rows.iter().collect();
            prop_assert_eq!(asked.len(), distinct.len());
        }
    }

    #[test]
    fn they_are_ordered_as_the_numbers_of_which_they_are_the_digits() {
        let of = |number: u32| MetSelections((0..4).map(|bit| number >> bit & 1 == 1).collect());
        assert!((0..15).all(|number| of(number) < of(number + 1)));
        assert!(of(0b0110).all(&[1, 2]) && !of(0b0110).all(&[0, 1]) && of(0).all(&[]));
    }
}
