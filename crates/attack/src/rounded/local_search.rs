//! Worlds within ranges: children are moved between inner cells, one at a time, until every sum is within
//! its range again.

use std::collections::{BTreeMap, BTreeSet};

use minster_model::{
    IdVec, TableId, id,
    table::{AlternativeTable, CountTable, TableSet},
};

use crate::{
    rounded::ranges::{Range, Ranges},
    shared::{
        alternative_table,
        bound::Bound,
        linked_tables,
        typed::{InnerCell, TableCell, TypedSet, TypedTable},
    },
};

id! {
    /// The number of an inner cell among the inner cells of all tables: those of the first table come first.
    PlaceId
}

id! {
    /// The number of a sum of inner counts of which a range is known.
    SumId
}

/// Moves of one child in one search: work is bounded by steps, not by seconds.
const MOVES: usize = 100;

/// A sum of inner counts, each once and with a sign, and its range.
#[derive(Debug, Clone)]
pub(crate) struct RangeSum {
    pub(crate) terms: Vec<(PlaceId, i64)>,
    pub(crate) range: Range,
}

/// Changes of the true counts.
pub(crate) type Changes = BTreeMap<PlaceId, i64>;

/// Every inner cell of every table, numbered on from table to table, and every sum that is known of them.
pub(crate) struct RangeSums {
    /// The first inner cell of each table.
    first: IdVec<TableId, PlaceId>,
    pub(crate) truth: IdVec<PlaceId, i64>,
    pub(crate) own: IdVec<PlaceId, Range>,
    pub(crate) sums: IdVec<SumId, RangeSum>,
    /// For each inner cell, the sums that it is in, with its sign.
    pub(crate) sums_of: IdVec<PlaceId, Vec<(SumId, i64)>>,
}

impl RangeSums {
    pub(crate) fn new(set: &TableSet, ranges: &Ranges) -> Self {
        let mut all = Self {
            first: IdVec::new(),
            truth: IdVec::new(),
            own: IdVec::new(),
            sums: IdVec::new(),
            sums_of: IdVec::new(),
        };
        for (table, ranges) in set.tables.iter().zip(ranges) {
            all.add_table(table, ranges);
        }
        // Sums that two tables share are the same in both: their difference is 0, whatever either is.
        for (one, other) in linked_tables::pairs(set) {
            for (of_one, of_other) in linked_tables::shared(set.table(one), set.table(other)) {
                let of_one = of_one.into_iter().map(|inner| (all.place(one, inner), 1));
                let of_other = of_other.into_iter().map(|inner| (all.place(other, inner), -1));
                let terms = of_one.chain(of_other).collect();
                all.sums.push(RangeSum { terms, range: Range::exact(0) });
            }
        }
        all.sums_of = IdVec::of(Vec::new(), all.truth.len());
        for (number, sum) in all.sums.enumerate() {
            sum.terms.iter().for_each(|&(place, sign)| all.sums_of[place].push((number, sign)));
        }
        all
    }

    /// Adds a table's inner cells with their own ranges, and its margins as sums.
    fn add_table(&mut self, table: &CountTable, ranges: &IdVec<TableCell, Range>) {
        self.first.push(self.truth.next_id());
        let mut terms: BTreeMap<TableCell, Vec<(PlaceId, i64)>> = BTreeMap::new();
        let covering = alternative_table::Covering::new(table);
        let mut above = Vec::new();
        for (inner, &count) in table.by_inner().enumerate() {
            let own = covering.of(inner, &mut above);
            let place = self.truth.push(count as i64);
            self.own.push(ranges[own]);
            // The first is the inner cell itself, which is no sum.
            for &margin in above.iter().skip(1) {
                terms.entry(margin).or_default().push((place, 1));
            }
        }
        let sums = terms.into_iter();
        self.sums.extend(sums.map(|(cell, terms)| RangeSum { terms, range: ranges[cell] }));
    }

    /// An inner cell of a table, among those of all tables.
    pub(crate) fn place(&self, table: TableId, inner: InnerCell) -> PlaceId {
        PlaceId(self.first[table].0 + inner.0)
    }

    /// The table and the inner cell that are at a place. The first table starts at 0, so that one starts before each.
    pub(crate) fn inner_cell(&self, place: PlaceId) -> (TableId, InnerCell) {
        let next = self.first.as_slice().partition_point(|&first| first <= place);
        let table = TableId(next - 1);
        (table, InnerCell(place.0 - self.first[table].0))
    }

    /// The true counts of some inner cells, added up.
    pub(crate) fn true_sum(&self, places: &[PlaceId]) -> i64 {
        places.iter().map(|&place| self.truth[place]).sum()
    }

    /// By how much a world's counts differ from the true ones, if there are such inner cells.
    pub(crate) fn changes(
        &self,
        set: &TableSet,
        alternative: &AlternativeTable,
    ) -> Option<Changes> {
        let counts = alternative.counts.iter();
        counts
            .map(|&(table, inner, count)| {
                let (table, inner) = (TableId(table), InnerCell(inner));
                set.by_table().find(table)?.by_inner().find(inner)?;
                let place = self.place(table, inner);
                Some((place, i64::try_from(count).ok()?.checked_sub(self.truth[place])?))
            })
            .collect()
    }

    /// Whether these changes of the true counts leave every count and every sum within its range: by
    /// additions and comparisons alone, which is what makes a world a certificate.
    pub(crate) fn fits(&self, changes: &Changes) -> bool {
        let mut counts = self.truth.clone();
        for (&place, change) in changes {
            if counts.find(place).is_none() {
                return false;
            }
            counts[place] += change;
        }
        // No world has fewer than nobody anywhere, whatever a range says.
        counts.iter().zip(&self.own).all(|(&count, own)| count >= 0 && own.contains(count))
            && self.sums.iter().all(|RangeSum { terms, range }| {
                range.contains(terms.iter().map(|&(place, sign)| sign * counts[place]).sum())
            })
    }
}

/// A move of one child into an inner cell, or out of it.
type Move = (PlaceId, i64);

/// A world in the making, in which some inner cells must stay as they are.
#[derive(Clone)]
pub(crate) struct DraftAlternative<'a> {
    sums: &'a RangeSums,
    value: IdVec<PlaceId, i64>,
    sum: IdVec<SumId, i64>,
    stays: IdVec<PlaceId, bool>,
    /// The sums out of their ranges, by their lengths: the shortest first, since they leave the least choice.
    broken: BTreeSet<(usize, SumId)>,
}

impl<'a> DraftAlternative<'a> {
    pub(crate) fn new(sums: &'a RangeSums, value: IdVec<PlaceId, i64>) -> Self {
        let sum: IdVec<SumId, i64> = sums
            .sums
            .iter()
            .map(|sum| sum.terms.iter().map(|&(place, sign)| sign * value[place]).sum())
            .collect();
        let stays = IdVec::of(false, value.len());
        let mut draft = Self { sums, value, sum, stays, broken: BTreeSet::new() };
        for number in draft.sum.ids() {
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
    pub(crate) fn meet(&mut self, places: &[PlaceId], bound: Bound) -> bool {
        let mut moves: Vec<Move> = Vec::new();
        if self.reach(places, bound, &mut moves) {
            // To repair the sums must not undo what was reached, nor may a later requirement undo what an earlier one did.
            let open: Vec<PlaceId> =
                places.iter().copied().filter(|&place| !self.stays[place]).collect();
            open.iter().for_each(|&place| self.stays[place] = true);
            if self.repair(&mut moves) {
                return true;
            }
            open.iter().for_each(|&place| self.stays[place] = false);
        }
        moves.into_iter().rev().for_each(|(place, by)| self.go((place, -by)));
        false
    }

    /// How the world differs from the truth.
    pub(crate) fn changes(&self) -> Changes {
        let values = self.value.enumerate().zip(&self.sums.truth);
        let changes = values.map(|((place, value), truth)| (place, value - truth));
        changes.filter(|(_, change)| *change != 0).collect()
    }

    fn reach(&mut self, places: &[PlaceId], bound: Bound, moves: &mut Vec<Move>) -> bool {
        let value: i64 = places.iter().map(|&place| self.value[place]).sum();
        let missing = match bound {
            Bound::AtMost(most) => (most - value).min(0),
            Bound::AtLeast(least) => (least - value).max(0),
        };
        // No further than the bound: each child more would have to be made up for elsewhere.
        for _ in 0..missing.abs() {
            let all = places.iter().map(|&place| (place, missing.signum()));
            let Some(best) = self.best(all, moves) else { return false };
            self.go(best);
            moves.push(best);
        }
        true
    }

    fn repair(&mut self, moves: &mut Vec<Move>) -> bool {
        for _ in 0..MOVES {
            let Some(&(_, broken)) = self.broken.first() else { return true };
            let sums = self.sums;
            let RangeSum { terms, range } = &sums.sums[broken];
            let direction = if self.sum[broken] > range.high { -1 } else { 1 };
            let all = terms.iter().map(|&(place, sign)| (place, sign * direction));
            let Some(best) = self.best(all, moves) else { return false };
            self.go(best);
            moves.push(best);
        }
        self.broken.is_empty()
    }

    /// The move that brings the sums nearest to their ranges; none takes back another, so that no search goes in circles.
    fn best(&self, all: impl Iterator<Item = Move>, moves: &[Move]) -> Option<Move> {
        all.filter(|&next| self.may(next, moves)).min_by_key(|&next| self.worse(next))
    }

    /// Whether a move keeps the inner cell within its own range, and takes back no other move.
    fn may(&self, (place, by): Move, moves: &[Move]) -> bool {
        let Range { low, high } = self.sums.own[place];
        !self.stays[place]
            && (low.max(0)..=high).contains(&(self.value[place] + by))
            && !moves.contains(&(place, -by))
    }

    /// How much further from their ranges a move brings the sums that it is in.
    fn worse(&self, (place, by): Move) -> i64 {
        let sums = self.sums.sums_of[place].iter().map(|&(number, sign)| {
            let range = self.sums.sums[number].range;
            let sum = self.sum[number];
            off(range, sum + sign * by) - off(range, sum)
        });
        sums.sum()
    }

    fn go(&mut self, (place, by): Move) {
        let sums = self.sums;
        self.value[place] += by;
        for &(number, sign) in &sums.sums_of[place] {
            self.sum[number] += sign * by;
            self.note(number);
        }
    }

    /// Notes whether a sum is out of its range, so that no other sum needs to be looked at after a move.
    fn note(&mut self, number: SumId) {
        let sums = self.sums;
        let RangeSum { terms, range } = &sums.sums[number];
        let entry = (terms.len(), number);
        match range.contains(self.sum[number]) {
            true => self.broken.remove(&entry),
            false => self.broken.insert(entry),
        };
    }
}

/// How far a sum is from its range.
fn off(range: Range, sum: i64) -> i64 {
    (range.low - sum).max(sum - range.high).max(0)
}

#[cfg(test)]
mod tests {
    use minster_model::{
        policy::{Policy, Zeros},
        table::{CountTable, Hierarchy},
    };

    use super::*;

    fn range(low: i64, high: i64) -> Range {
        Range { low, high }
    }

    fn fits(sums: &RangeSums, changes: &[(usize, i64)]) -> bool {
        sums.fits(&changes.iter().map(|&(place, by)| (PlaceId(place), by)).collect())
    }

    #[test]
    fn a_world_has_every_count_and_every_sum_within_its_range() {
        let leaves = ["1", "2"].map(str::to_owned);
        let dimension = Hierarchy::flat("a", "all", leaves).unwrap();
        let table = CountTable::new("t", vec![dimension], vec![1, 10], vec![]).unwrap();
        let set = TableSet { tables: vec![table], policy: Policy::new(5, Zeros::MayBeWithheld) };
        let sums = RangeSums::new(
            &set,
            &vec![vec![range(9, 13), range(0, 3), range(8, 11)].into()].into(),
        );
        assert!(fits(&sums, &[]) && fits(&sums, &[(0, -1)]) && fits(&sums, &[(0, 2), (1, -2)]));
        assert!(!fits(&sums, &[(0, 3), (1, -2)]), "4 is out of its range, their sum is not");
        assert!(!fits(&sums, &[(0, -2), (1, 1)]));
        assert!(!fits(&sums, &[(0, 2), (1, 1)]), "14 is out of its range");
        assert!(!fits(&sums, &[(2, 0)]), "there is no such cell");
    }
}
