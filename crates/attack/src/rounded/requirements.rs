//! Lists what the promise requires of rounded tables.

use minster_model::table::{CountTable, ProtectionLevel, TableSet};

use crate::{
    rounded::{local_search::RangeSums, ranges::Range},
    shared::{
        alternative_table,
        bound::Bound,
        refusal::{Failure, FailureReason},
    },
};

/// One requirement: what some inner cells of a table must be able to count together.
pub(crate) struct RoundedRequirement {
    pub(crate) table: usize,
    pub(crate) cell: usize,
    pub(crate) reason: FailureReason,
    pub(crate) inner: Vec<usize>,
    /// Whether these are the cell's own.
    pub(crate) is_cell: bool,
    pub(crate) bound: Bound,
}

impl RoundedRequirement {
    /// Its inner cells among those of all tables.
    pub(crate) fn places(&self, sums: &RangeSums) -> Vec<usize> {
        self.inner.iter().map(|inner| sums.first[self.table] + inner).collect()
    }

    pub(crate) fn failure(&self) -> Failure {
        Failure { table: self.table, cell: self.cell, reason: self.reason }
    }
}

pub(crate) fn requirements(set: &TableSet, ranges: &[Vec<Range>]) -> Vec<RoundedRequirement> {
    let mut requirements = Vec::new();
    for (number, table) in set.tables.iter().enumerate() {
        let below = alternative_table::below(table);
        let counts = alternative_table::cells(table, table.inner());
        for (cell, &count) in counts.iter().enumerate() {
            let ends = match table.published_pattern() {
                None if set.policy.is_small(count) => {
                    let Range { low, high } = ranges[number][cell];
                    Some((low, high))
                }
                None => None,
                Some(published) if !published.withheld[cell] => None,
                Some(_) => before(set, table, &ranges[number], &below[cell], cell, count as i64),
            };
            let Some((low, high)) = ends else { continue };
            for (reason, bound) in [
                (FailureReason::Low, Bound::AtMost(low)),
                (FailureReason::High, Bound::AtLeast(high)),
            ] {
                let inner = below[cell].clone();
                requirements.push(RoundedRequirement {
                    table: number,
                    cell,
                    reason,
                    inner,
                    is_cell: true,
                    bound,
                });
            }
        }
        classes(set, number, &below, &counts, &mut requirements);
    }
    requirements
}

/// Returns what the promise requires of a cell that an earlier release withheld, if it does.
fn before(
    set: &TableSet,
    table: &CountTable,
    ranges: &[Range],
    below: &[usize],
    cell: usize,
    count: i64,
) -> Option<(i64, i64)> {
    let inner = table.inner_cells();
    let low: i64 = below.iter().map(|&place| ranges[inner[place]].low).sum();
    let threshold = set.policy.threshold as i64;
    let unsafe_by_rule = table.protection_levels().iter().find(|level| level.cell == cell);
    match unsafe_by_rule {
        _ if set.policy.is_small(count as u64) => Some((low, threshold.max(low + threshold - 1))),
        Some(&ProtectionLevel { lower, upper, .. }) => {
            Some((low.max(count - lower as i64), count + upper as i64))
        }
        None => None,
    }
}

/// Groups of which all, or all but fewer than the threshold, share a sensitive category.
fn classes(
    set: &TableSet,
    number: usize,
    below: &[Vec<usize>],
    counts: &[u64],
    requirements: &mut Vec<RoundedRequirement>,
) {
    let table = &set.tables[number];
    for sensitive in table.sensitive() {
        let dimension = &table.dimensions()[sensitive.dimension];
        for (cell, &count) in counts.iter().enumerate() {
            let mut nodes = table.coordinates(cell);
            let category = nodes[sensitive.dimension];
            let root = std::iter::successors(Some(category), |&node| dimension.parent(node)).last();
            nodes[sensitive.dimension] = root.unwrap_or(category);
            let group = table.cell(&nodes);
            let discloses = sensitive.categories.contains(&category)
                && count > 0
                && counts[group] - count < set.policy.threshold;
            if discloses {
                let outside = |inner: &usize| below[cell].binary_search(inner).is_err();
                requirements.push(RoundedRequirement {
                    table: number,
                    cell,
                    reason: FailureReason::Class,
                    inner: below[group].iter().copied().filter(outside).collect(),
                    is_cell: false,
                    bound: Bound::AtLeast(set.policy.threshold as i64),
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use minster_model::{
        policy::{Policy, Zeros},
        table::{Hierarchy, Pattern, Sensitive},
    };

    use super::*;

    fn table(counts: [u64; 2]) -> CountTable {
        let care = Hierarchy::flat("care", "all", ["yes".into(), "no".into()]).unwrap();
        let sensitive = vec![Sensitive { dimension: 0, categories: vec![1] }];
        CountTable::new("t", vec![care], counts.to_vec(), sensitive).unwrap()
    }

    /// Cells and why they are asked for.
    fn asked(table: CountTable) -> Vec<(usize, FailureReason)> {
        let ranges = vec![vec![Range { low: 0, high: 9 }; table.cell_count()]];
        let set = TableSet { tables: vec![table], policy: Policy::new(5, Zeros::MayBeWithheld) };
        requirements(&set, &ranges)
            .into_iter()
            .map(|requirement| (requirement.cell, requirement.reason))
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
        let both = |cell| [(cell, FailureReason::Low), (cell, FailureReason::High)];
        let before = |withheld: [bool; 3]| {
            let pattern = Pattern { withheld: withheld.to_vec() };
            asked(table([9, 3]).published_before(pattern).unwrap())
        };
        let class = vec![(1, FailureReason::Class)];
        assert_eq!(before([false, false, false]), class);
        assert_eq!(before([false, true, true]), [both(2).to_vec(), class].concat());
    }
}
