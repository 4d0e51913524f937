//! Worlds within ranges: children are moved between inner cells, one at a time, until every sum is within
//! its range again.

use std::collections::{BTreeMap, BTreeSet};

use minster_model::table::{AlternativeTable, TableSet};

use crate::{
    rounded::ranges::Range,
    shared::{alternative_table, bound::Bound, linked_tables},
};

/// Moves of one child in one search: work is bounded by steps, not by seconds.
const MOVES: usize = 100;

/// A sum of inner counts, each once and with a sign, and its range.
#[derive(Debug, Clone)]
pub(crate) struct RangeSum {
    pub(crate) terms: Vec<(usize, i64)>,
    pub(crate) range: Range,
}

/// Every inner cell of every table, numbered on from table to table, and every sum that is known of them.
pub(crate) struct RangeSums {
    pub(crate) first: Vec<usize>,
    pub(crate) truth: Vec<i64>,
    pub(crate) own: Vec<Range>,
    pub(crate) sums: Vec<RangeSum>,
    /// For each inner cell, the sums that it is in, with its sign.
    pub(crate) sums_of: Vec<Vec<(usize, i64)>>,
}

impl RangeSums {
    pub(crate) fn new(set: &TableSet, ranges: &[Vec<Range>]) -> Self {
        let mut all =
            Self { first: vec![], truth: vec![], own: vec![], sums: vec![], sums_of: vec![] };
        for (table, ranges) in set.tables.iter().zip(ranges) {
            let first = all.truth.len();
            all.first.push(first);
            let mut terms: BTreeMap<usize, Vec<(usize, i64)>> = BTreeMap::new();
            let covering = alternative_table::Covering::new(table);
            let mut cells = Vec::new();
            for inner in 0..table.inner().len() {
                covering.of(inner, &mut cells);
                all.own.push(ranges[cells[0]]);
                all.truth.push(table.inner()[inner] as i64);
                for &cell in &cells[1..] {
                    terms.entry(cell).or_default().push((first + inner, 1));
                }
            }
            all.sums.extend(
                terms.into_iter().map(|(cell, terms)| RangeSum { terms, range: ranges[cell] }),
            );
        }
        for (one, other) in linked_tables::pairs(set) {
            for (of_one, of_other) in
                linked_tables::shared(&set.tables[one], &set.tables[other]).into_values()
            {
                let of_one = of_one.into_iter().map(|inner| (all.first[one] + inner, 1));
                let of_other = of_other.into_iter().map(|inner| (all.first[other] + inner, -1));
                let terms = of_one.chain(of_other).collect();
                all.sums.push(RangeSum { terms, range: Range { low: 0, high: 0 } });
            }
        }
        all.sums_of = vec![Vec::new(); all.truth.len()];
        for (number, sum) in all.sums.iter().enumerate() {
            sum.terms.iter().for_each(|&(inner, sign)| all.sums_of[inner].push((number, sign)));
        }
        all
    }

    /// By how much a world's counts differ from the true ones, if there are such inner cells.
    pub(crate) fn changes(
        &self,
        set: &TableSet,
        alternative: &AlternativeTable,
    ) -> Option<BTreeMap<usize, i64>> {
        let change = |&(table, inner, count): &(usize, usize, u64)| {
            set.tables.get(table)?.inner().get(inner)?;
            let place = self.first[table] + inner;
            Some((place, i64::try_from(count).ok()?.checked_sub(self.truth[place])?))
        };
        alternative.counts.iter().map(change).collect()
    }

    /// Whether these changes of the true counts leave every count and every sum within its range: by
    /// additions and comparisons alone, which is what makes a world a certificate.
    pub(crate) fn fits(&self, changes: &BTreeMap<usize, i64>) -> bool {
        let mut counts = self.truth.clone();
        for (&inner, change) in changes {
            let Some(count) = counts.get_mut(inner) else { return false };
            *count += change;
        }
        let within = |range: &Range, count: i64| (range.low..=range.high).contains(&count);
        counts.iter().zip(&self.own).all(|(&count, own)| count >= 0 && within(own, count))
            && self.sums.iter().all(|RangeSum { terms, range }| {
                within(range, terms.iter().map(|&(inner, sign)| sign * counts[inner]).sum())
            })
    }
}

/// A world in the making, in which some inner cells must stay as they are.
#[derive(Clone)]
pub(crate) struct DraftAlternative<'a> {
    sums: &'a RangeSums,
    value: Vec<i64>,
    sum: Vec<i64>,
    stays: Vec<bool>,
    /// The sums out of their ranges, the shortest first.
    broken: BTreeSet<(usize, usize)>,
}

impl<'a> DraftAlternative<'a> {
    pub(crate) fn new(sums: &'a RangeSums, value: Vec<i64>) -> Self {
        let of_sum =
            |sum: &RangeSum| sum.terms.iter().map(|&(inner, sign)| sign * value[inner]).sum();
        let sum: Vec<i64> = sums.sums.iter().map(of_sum).collect();
        let stays = vec![false; value.len()];
        let mut draft = Self { sums, value, sum, stays, broken: BTreeSet::new() };
        for number in 0..draft.sum.len() {
            draft.note(number);
        }
        draft
    }

    /// Whether every sum is within its range.
    pub(crate) fn fits(&self) -> bool {
        self.broken.is_empty()
    }

    /// Moves children until the bound is met and all is within its range; what met it stays from then on.
    /// Leaves everything as it was where that was not found.
    pub(crate) fn meet(&mut self, inner: &[usize], bound: Bound) -> bool {
        let mut moves: Vec<(usize, i64)> = Vec::new();
        if self.reach(inner, bound, &mut moves) {
            let before: Vec<usize> =
                inner.iter().copied().filter(|&inner| !self.stays[inner]).collect();
            before.iter().for_each(|&inner| self.stays[inner] = true);
            if self.repair(&mut moves) {
                return true;
            }
            before.iter().for_each(|&inner| self.stays[inner] = false);
        }
        moves.into_iter().rev().for_each(|(inner, by)| self.go(inner, -by));
        false
    }

    /// How the world differs from the truth.
    pub(crate) fn changes(&self) -> BTreeMap<usize, i64> {
        let changes = self.value.iter().zip(&self.sums.truth).map(|(value, truth)| value - truth);
        changes.enumerate().filter(|(_, change)| *change != 0).collect()
    }

    fn reach(&mut self, inner: &[usize], bound: Bound, moves: &mut Vec<(usize, i64)>) -> bool {
        let value: i64 = inner.iter().map(|&inner| self.value[inner]).sum();
        let missing = match bound {
            Bound::AtMost(most) => (most - value).min(0),
            Bound::AtLeast(least) => (least - value).max(0),
        };
        for _ in 0..missing.abs() {
            let all = inner.iter().map(|&inner| (inner, missing.signum()));
            let Some((inner, by)) = self.best(all, moves) else { return false };
            self.go(inner, by);
            moves.push((inner, by));
        }
        true
    }

    fn repair(&mut self, moves: &mut Vec<(usize, i64)>) -> bool {
        for _ in 0..MOVES {
            let Some(&(_, broken)) = self.broken.first() else { return true };
            let sums = self.sums;
            let RangeSum { terms, range } = &sums.sums[broken];
            let direction = if self.sum[broken] > range.high { -1 } else { 1 };
            let all = terms.iter().map(|&(inner, sign)| (inner, sign * direction));
            let Some((inner, by)) = self.best(all, moves) else { return false };
            self.go(inner, by);
            moves.push((inner, by));
        }
        self.broken.is_empty()
    }

    /// The move that brings the sums nearest to their ranges; none takes back another.
    fn best(
        &self,
        all: impl Iterator<Item = (usize, i64)>,
        moves: &[(usize, i64)],
    ) -> Option<(usize, i64)> {
        let may = |&(inner, by): &(usize, i64)| {
            let Range { low, high } = self.sums.own[inner];
            !self.stays[inner]
                && (low.max(0)..=high).contains(&(self.value[inner] + by))
                && !moves.contains(&(inner, -by))
        };
        all.filter(may).min_by_key(|&(inner, by)| {
            let worse = self.sums.sums_of[inner].iter().map(|&(number, sign)| {
                let range = self.sums.sums[number].range;
                let off = |sum: i64| (range.low - sum).max(sum - range.high).max(0);
                off(self.sum[number] + sign * by) - off(self.sum[number])
            });
            worse.sum::<i64>()
        })
    }

    fn go(&mut self, inner: usize, by: i64) {
        let sums = self.sums;
        self.value[inner] += by;
        for &(number, sign) in &sums.sums_of[inner] {
            self.sum[number] += sign * by;
            self.note(number);
        }
    }

    fn note(&mut self, number: usize) {
        let sums = self.sums;
        let RangeSum { terms, range } = &sums.sums[number];
        let entry = (terms.len(), number);
        match (range.low..=range.high).contains(&self.sum[number]) {
            true => self.broken.remove(&entry),
            false => self.broken.insert(entry),
        };
    }
}

#[cfg(test)]
mod tests {
    use minster_model::{
        policy::{Policy, Zeros},
        table::{CountTable, Hierarchy},
    };

    use super::*;

    #[test]
    fn a_world_has_every_count_and_every_sum_within_its_range() {
        let leaves = ["1", "2"].map(str::to_owned);
        let dimension = Hierarchy::flat("a", "all", leaves).unwrap();
        let table = CountTable::new("t", vec![dimension], vec![1, 10], vec![]).unwrap();
        let set = TableSet { tables: vec![table], policy: Policy::new(5, Zeros::MayBeWithheld) };
        let range = |low, high| Range { low, high };
        let sums = RangeSums::new(&set, &[vec![range(9, 13), range(0, 3), range(8, 11)]]);
        let fits = |changes: &[(usize, i64)]| sums.fits(&changes.iter().copied().collect());
        assert!(fits(&[]) && fits(&[(0, -1)]) && fits(&[(0, 2), (1, -2)]));
        assert!(!fits(&[(0, 3), (1, -2)]), "4 is out of its range, their sum is not");
        assert!(!fits(&[(0, -2), (1, 1)]));
        assert!(!fits(&[(0, 2), (1, 1)]), "14 is out of its range");
        assert!(!fits(&[(2, 0)]), "there is no such cell");
    }
}
