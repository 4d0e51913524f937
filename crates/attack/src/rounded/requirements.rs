//! Lists what the promise requires of rounded tables.

use minster_model::{
    IdVec, TableId,
    table::{CountTable, ProtectionLevel, TableSet},
};

use crate::{
    rounded::{
        local_search::{PlaceId, RangeSums},
        ranges::{Range, Ranges},
    },
    shared::{
        alternative_table,
        bound::{Bound, high},
        categories::{Category, categories},
        refusal::{Failure, FailureReason},
        typed::{InnerCell, TableCell, TypedPattern, TypedSet, TypedTable},
    },
};

/// One requirement: what some inner cells of a table must be able to count together.
pub(crate) struct RoundedRequirement {
    pub(crate) table: TableId,
    pub(crate) cell: TableCell,
    pub(crate) reason: FailureReason,
    pub(crate) inner: Vec<InnerCell>,
    /// Whether these are the cell's own.
    pub(crate) is_cell: bool,
    pub(crate) bound: Bound,
}

impl RoundedRequirement {
    /// Its inner cells among those of all tables.
    pub(crate) fn places(&self, sums: &RangeSums) -> Vec<PlaceId> {
        self.inner.iter().map(|&inner| sums.place(self.table, inner)).collect()
    }

    pub(crate) fn failure(&self) -> Failure {
        Failure::new(self.table, self.cell, self.reason)
    }
}

/// All that a set promises of its cells.
pub(crate) fn requirements(set: &TableSet, ranges: &Ranges) -> Vec<RoundedRequirement> {
    let mut requirements = Vec::new();
    for ((number, table), ranges) in set.by_table().enumerate().zip(ranges) {
        let of_table = RoundedTableRequirements {
            set,
            number,
            table,
            ranges,
            inner: table.cells_of_inner(),
            below: alternative_table::below(table),
            counts: alternative_table::counts(table),
        };
        of_table.cells(&mut requirements);
        of_table.classes(&mut requirements);
    }
    requirements
}

/// The requirements of one table.
struct RoundedTableRequirements<'a> {
    set: &'a TableSet,
    number: TableId,
    table: &'a CountTable,
    ranges: &'a IdVec<TableCell, Range>,
    /// The cell that each inner cell is.
    inner: IdVec<InnerCell, TableCell>,
    /// For each cell, its inner cells.
    below: IdVec<TableCell, Vec<InnerCell>>,
    counts: IdVec<TableCell, u64>,
}

impl RoundedTableRequirements<'_> {
    /// Each cell that is to be protected must be able to stand at either end of what may be told of it.
    fn cells(&self, requirements: &mut Vec<RoundedRequirement>) {
        for (cell, &count) in self.counts.enumerate() {
            let ends = match self.table.published_pattern() {
                // A cell's own number tells its range, and all numbers together must tell no more.
                None if self.set.policy.is_small(count) => Some(self.ranges[cell]),
                None => None,
                Some(published) if !published.by_cell()[cell] => None,
                Some(_) => self.before(cell, count),
            };
            let Some(Range { low, high }) = ends else { continue };
            for (reason, bound) in [
                (FailureReason::Low, Bound::AtMost(low)),
                (FailureReason::High, Bound::AtLeast(high)),
            ] {
                requirements.push(RoundedRequirement {
                    table: self.number,
                    cell,
                    reason,
                    inner: self.below[cell].clone(),
                    is_cell: true,
                    bound,
                });
            }
        }
    }

    /// Returns between what a cell must be able to be that an earlier release withheld, if that was for its own sake.
    fn before(&self, cell: TableCell, count: u64) -> Option<Range> {
        let low: i64 = self.below[cell].iter().map(|&part| self.ranges[self.inner[part]].low).sum();
        // The promise of then still holds: rounded numbers beside it must not break that.
        if self.set.policy.is_small(count) {
            return Some(Range { low, high: high(self.set.policy.threshold, low) });
        }
        let level = self.table.protection_levels().iter().find(|level| level.cell == cell.0);
        level.map(|&ProtectionLevel { lower, upper, .. }| {
            let count = count as i64;
            Range { low: low.max(count - lower as i64), high: count + upper as i64 }
        })
    }

    /// Groups of which all, or all but fewer than the threshold, share a sensitive category.
    fn classes(&self, requirements: &mut Vec<RoundedRequirement>) {
        let threshold = self.set.policy.threshold;
        for Category { group, inside } in categories(self.table) {
            let count = self.counts[inside];
            if count == 0 || self.counts[group] - count >= threshold {
                continue;
            }
            let outside = |inner: &InnerCell| self.below[inside].binary_search(inner).is_err();
            requirements.push(RoundedRequirement {
                table: self.number,
                cell: inside,
                reason: FailureReason::Class,
                inner: self.below[group].iter().copied().filter(outside).collect(),
                is_cell: false,
                bound: Bound::AtLeast(threshold as i64),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use minster_model::{
        NodeId,
        policy::{Policy, Zeros},
        table::{Hierarchy, Pattern, Sensitive},
    };

    use super::*;

    fn table(counts: [u64; 2]) -> CountTable {
        let care = Hierarchy::flat("care", "all", ["yes".into(), "no".into()]).unwrap();
        let sensitive = vec![Sensitive { dimension: 0, categories: vec![NodeId(1)] }];
        CountTable::new("t", vec![care], counts.to_vec(), sensitive).unwrap()
    }

    /// Cells and why they are asked for.
    fn asked(table: CountTable) -> Vec<(usize, FailureReason)> {
        let ranges = vec![IdVec::of(Range { low: 0, high: 9 }, table.cell_count())].into();
        let set = TableSet { tables: vec![table], policy: Policy::new(5, Zeros::MayBeWithheld) };
        requirements(&set, &ranges)
            .into_iter()
            .map(|requirement| (requirement.cell.0, requirement.reason))
            .collect()
    }

    #[test]
    fn that_fewer_than_the_threshold_are_outside_a_category_is_asked_about() {
        let class = (1, FailureReason::Class);
        assert!(asked(table([1, 4])).contains(&class));
        assert!(asked(table([9, 4])).contains(&class));
        assert_eq!(asked(table([9, 5])), []);
        assert_eq!(asked(table([20, 10])), []);
        // Nothing is learnt of nobody.
        assert!(!asked(table([0, 4])).contains(&class));
    }

    #[test]
    fn what_an_earlier_release_showed_is_asked_about_no_more() {
        let [shown, withheld] = [[false; 3], [false, true, true]].map(|withheld| {
            let pattern = Pattern { withheld: withheld.to_vec() };
            asked(table([9, 3]).published_before(pattern).unwrap())
        });
        let both = vec![(2, FailureReason::Low), (2, FailureReason::High)];
        let class = vec![(1, FailureReason::Class)];
        assert_eq!(shown, class);
        assert_eq!(withheld, [both, class].concat());
    }
}
