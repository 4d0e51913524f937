//! A sample of the children whom a release counts, by which releases of other periods are found to count mostly the
//! same ones.
//!
//! If 23,000 of last autumn's 25,000 pupils are pupils still, two tables, a year apart, divided at the ages 5 and 6, tell
//! how many five-year-olds there are, nearly. The sample holds the smallest record keys. These are the same children's in
//! every period, and say nothing to anyone without the vault's key. It stands in the restricted report.

use std::collections::BTreeSet;

use minster_model::TableName;

use crate::{
    definition::release_definition::Definition,
    derived::linked::Linked,
    error::AggregateError,
    tabulate::{
        column_values,
        tables::{self, Who},
    },
};

/// How many record keys are kept: the share of common children is known to within about a hundredth.
const KEPT: usize = 1_024;

/// The smallest record keys of some children.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Sample {
    smallest: BTreeSet<u64>,
}

impl Sample {
    /// Some of the children whom a definition counts.
    ///
    /// # Errors
    /// As [`tables::tabulate`].
    pub(crate) fn of(
        definition: &Definition,
        dataset: &Linked<'_>,
        children: &TableName,
    ) -> Result<Self, AggregateError> {
        // A column that is no more is told as one of the definition.
        tables::columns(definition, dataset, Who::Told)?;
        let conditions = definition.conditions.iter().map(|of| of.column.as_str());
        let needed = conditions.chain([column_values::CHILD]).collect();
        let mut sample = Self::default();
        tables::each_batch(definition, dataset, children, &needed, |batch| {
            column_values::record_keys(batch)?.into_iter().for_each(|key| sample.add(key));
            Ok(())
        })?;
        Ok(sample)
    }

    pub(crate) fn add(&mut self, key: u64) {
        if self.smallest.len() == KEPT && self.smallest.last().is_some_and(|last| *last <= key) {
            return;
        }
        self.smallest.insert(key);
        if self.smallest.len() > KEPT {
            self.smallest.pop_last();
        }
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = u64> {
        self.smallest.iter().copied()
    }

    /// The share of the children of either whom both count, from 0 to 1, as the samples have it (Broder, *On the
    /// resemblance and containment of documents*, 1997: the smallest of both together are a sample of all of them).
    pub(crate) fn common(&self, other: &Self) -> f64 {
        let all: Vec<u64> = self.smallest.union(&other.smallest).copied().take(KEPT).collect();
        let in_both = |key: &&u64| self.smallest.contains(key) && other.smallest.contains(key);
        let both = all.iter().filter(in_both).count();
        both as f64 / all.len().max(1) as f64
    }
}

impl FromIterator<u64> for Sample {
    fn from_iter<T: IntoIterator<Item = u64>>(keys: T) -> Self {
        let mut sample = Self::default();
        keys.into_iter().for_each(|key| sample.add(key));
        sample
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Keys as evenly spread as keyed hashes are.
    fn keys(children: std::ops::Range<u64>) -> Sample {
        children.map(|child| child.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect()
    }

    #[test]
    fn few_children_are_compared_exactly() {
        assert!((keys(0..200).common(&keys(0..200)) - 1.0).abs() < f64::EPSILON);
        assert!((keys(0..200).common(&keys(100..300)) - 1.0 / 3.0).abs() < 1e-9);
        assert!(keys(0..200).common(&keys(300..400)) < f64::EPSILON);
        assert!(Sample::default().common(&Sample::default()) < f64::EPSILON);
    }

    #[test]
    fn the_share_of_many_children_is_near_the_truth() {
        let (last_year, this_year) = (keys(0..25_000), keys(2_000..27_000));
        assert_eq!(last_year.keys().count(), KEPT);
        let truth = 23_000.0 / 27_000.0;
        assert!((last_year.common(&this_year) - truth).abs() < 0.04);
        assert!(keys(0..25_000).common(&keys(0..2_000)) < 0.12);
    }
}
