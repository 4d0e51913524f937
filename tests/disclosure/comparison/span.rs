//! Finds what follows from the published cells by adding and subtracting.

use std::cell::Cell;

use super::field::Field;

/// Coordinates that are not 0, ascending.
pub(crate) type Sparse = Vec<(u32, u64)>;

/// The span of what is published, as reduced rows, and watched vectors as what is left of them modulo it.
#[derive(Debug, Clone)]
pub(crate) struct Span {
    field: Field,
    /// Watched vectors, then rows: each row has a coordinate of its own that no other vector has.
    vectors: Vec<Sparse>,
    watched: usize,
    /// By coordinate, the row whose own it is.
    row_of: Vec<Option<u32>>,
    /// By coordinate, the vectors that have it, and some that had.
    holders: Vec<Vec<u32>>,
    sums: Vec<u64>,
    touched: Vec<u32>,
    work: Cell<u64>,
}

impl Span {
    pub(crate) fn new(field: Field, coordinates: usize, watched: Vec<Sparse>) -> Self {
        let mut holders = vec![Vec::new(); coordinates];
        for (number, vector) in watched.iter().enumerate() {
            vector.iter().for_each(|&(at, _)| holders[at as usize].push(number as u32));
        }
        Self {
            field,
            watched: watched.len(),
            vectors: watched,
            row_of: vec![None; coordinates],
            holders,
            sums: vec![0; coordinates],
            touched: Vec::new(),
            work: Cell::new(0),
        }
    }

    /// Coordinates looked at so far.
    pub(crate) fn work(&self) -> u64 {
        self.work.get()
    }

    fn count(&self, coordinates: usize) {
        self.work.set(self.work.get() + coordinates as u64);
    }

    /// Returns what is left of a watched vector.
    pub(crate) fn watched(&self, number: usize) -> &Sparse {
        &self.vectors[number]
    }

    /// Returns what is left of a vector modulo what is published.
    pub(crate) fn reduce(&mut self, vector: &[(u32, u64)]) -> Sparse {
        let field = self.field;
        for &(at, value) in vector {
            match self.row_of[at as usize] {
                None => add(field, &mut self.sums, &mut self.touched, at, value),
                Some(row) => {
                    let factor = field.negative(value);
                    for &(other, of_row) in &self.vectors[row as usize] {
                        if other != at {
                            let value = field.multiply(factor, of_row);
                            add(field, &mut self.sums, &mut self.touched, other, value);
                        }
                    }
                }
            }
        }
        self.count(1 + self.touched.len());
        self.touched.sort_unstable();
        self.touched.dedup();
        let mut left = Vec::with_capacity(self.touched.len());
        for at in self.touched.drain(..) {
            let value = std::mem::take(&mut self.sums[at as usize]);
            if value != 0 {
                left.push((at, value));
            }
        }
        left
    }

    /// Publishes what is left of a vector: from now on all is modulo it too.
    pub(crate) fn publish(&mut self, mut left: Sparse) {
        let field = self.field;
        let rarest = left.iter().min_by_key(|&&(at, _)| (self.holders[at as usize].len(), at));
        let Some(&(own, value)) = rarest else { return };
        let inverse = field.inverse(value);
        left.iter_mut().for_each(|(_, value)| *value = field.multiply(*value, inverse));
        let mut holders = std::mem::take(&mut self.holders[own as usize]);
        holders.sort_unstable();
        holders.dedup();
        for holder in holders {
            let vector = &self.vectors[holder as usize];
            let Ok(place) = vector.binary_search_by_key(&own, |&(at, _)| at) else { continue };
            self.count(vector.len() + left.len());
            let factor = field.negative(vector[place].1);
            let changed = combine(field, vector, factor, &left, |at| {
                self.holders[at as usize].push(holder);
            });
            self.vectors[holder as usize] = changed;
        }
        let row = self.vectors.len() as u32;
        left.iter().for_each(|&(at, _)| self.holders[at as usize].push(row));
        self.row_of[own as usize] = Some(row);
        self.vectors.push(left);
    }

    /// The watched vectors that have the coordinate of `left` that the fewest have, and its value there.
    pub(crate) fn sharing(&self, left: &[(u32, u64)]) -> Vec<(usize, u32)> {
        let rarest = left.iter().min_by_key(|&&(at, _)| (self.holders[at as usize].len(), at));
        let Some(&(at, _)) = rarest else { return Vec::new() };
        let mut sharing: Vec<(usize, u32)> = self.holders[at as usize]
            .iter()
            .filter(|&&holder| (holder as usize) < self.watched)
            .filter(|&&holder| value(&self.vectors[holder as usize], at) != 0)
            .map(|&holder| (holder as usize, at))
            .collect();
        self.count(1 + sharing.len());
        sharing.sort_unstable();
        sharing.dedup();
        sharing
    }

    /// Whether a vector is some multiple of another; neither is 0.
    pub(crate) fn are_proportional(&self, one: &[(u32, u64)], other: &[(u32, u64)]) -> bool {
        let field = self.field;
        let (Some(first), Some(second)) = (one.first(), other.first()) else { return false };
        if one.len() != other.len() || first.0 != second.0 {
            return false;
        }
        one.iter().zip(other).all(|(a, b)| {
            a.0 == b.0 && field.multiply(a.1, second.1) == field.multiply(b.1, first.1)
        })
    }

    /// A multiple of `left` less the multiple of `other` that leaves nothing of the coordinate `at`.
    pub(crate) fn without(&self, left: &[(u32, u64)], other: &[(u32, u64)], at: u32) -> Sparse {
        let field = self.field;
        self.count(left.len() + other.len());
        let (factor, scale) = (field.negative(value(left, at)), value(other, at));
        if scale == 1 {
            return combine(field, left, factor, other, |_| {});
        }
        let scaled: Sparse =
            left.iter().map(|&(at, value)| (at, field.multiply(value, scale))).collect();
        combine(field, &scaled, factor, other, |_| {})
    }
}

pub(crate) fn value(vector: &[(u32, u64)], at: u32) -> u64 {
    vector.binary_search_by_key(&at, |&(at, _)| at).map_or(0, |place| vector[place].1)
}

/// Whether no more than so many coordinates are in one vector alone.
pub(crate) fn differ_by_at_most(one: &[(u32, u64)], other: &[(u32, u64)], most: usize) -> bool {
    let (mut mine, mut theirs) = (one.iter().peekable(), other.iter().peekable());
    let mut alone = 0;
    while alone <= most {
        match (mine.peek(), theirs.peek()) {
            (Some(a), Some(b)) if a.0 == b.0 => {
                mine.next();
                theirs.next();
                continue;
            }
            (Some(a), Some(b)) if a.0 < b.0 => mine.next(),
            (Some(_), None) => mine.next(),
            (_, Some(_)) => theirs.next(),
            (None, None) => return true,
        };
        alone += 1;
    }
    false
}

fn add(field: Field, sums: &mut [u64], touched: &mut Vec<u32>, at: u32, value: u64) {
    let sum = &mut sums[at as usize];
    if *sum == 0 {
        touched.push(at);
    }
    *sum = field.add(*sum, value);
}

/// `one` and `factor` times `other`; says which coordinates are new.
fn combine(
    field: Field,
    one: &[(u32, u64)],
    factor: u64,
    other: &[(u32, u64)],
    mut is_new: impl FnMut(u32),
) -> Sparse {
    let mut sum = Vec::with_capacity(one.len() + other.len());
    let mut mine = one.iter().copied().peekable();
    for &(at, value) in other {
        while let Some(before) = mine.next_if(|&(mine, _)| mine < at) {
            sum.push(before);
        }
        let value = field.multiply(factor, value);
        match mine.next_if(|&(mine, _)| mine == at) {
            None => {
                is_new(at);
                sum.push((at, value));
            }
            Some((_, own)) => {
                let total = field.add(own, value);
                if total != 0 {
                    sum.push((at, total));
                }
            }
        }
    }
    sum.extend(mine);
    sum
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn vectors_differ_by_what_is_in_one_alone(
            one in prop::collection::btree_set(0..12u32, 0..8),
            other in prop::collection::btree_set(0..12u32, 0..8),
            most in 0..10usize,
        ) {
            let vector = |of: &BTreeSet<u32>| of.iter().map(|at| (*at, 1)).collect::<Sparse>();
            let alone = one.symmetric_difference(&other).count();
            prop_assert_eq!(differ_by_at_most(&vector(&one), &vector(&other), most), alone <= most);
        }
    }
}
