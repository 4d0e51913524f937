//! Why a cell is withheld: for the restricted report and for a preview.

use minster_model::{
    policy::Policy,
    table::{CountTable, Pattern},
};
use serde::{Deserialize, Serialize};

/// Why a cell is withheld.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// It is below the threshold.
    BelowThreshold,
    /// Its zero is unsafe under the policy.
    UnsafeZero,
    /// With it, a reader would learn that nearly all of a group are of a sensitive category.
    Sensitive,
    /// It is withheld whatever it counts: never published, dominated by few, or withheld as a count.
    ForItsOwnSake,
    /// It covers others.
    Secondary,
    /// It was withheld when its table was published before.
    Standing,
}

impl Reason {
    /// For people.
    pub fn text(self) -> &'static str {
        match self {
            Self::BelowThreshold => "it is below the threshold",
            Self::UnsafeZero => "its zero is unsafe under the policy",
            Self::Sensitive => "with it nearly all of a group would be known to be sensitive",
            Self::ForItsOwnSake => {
                "it is withheld whatever it counts: never published, dominated by few, withheld as a count, near to an earlier number, or withheld there"
            }
            Self::Secondary => "others could be worked out from it",
            Self::Standing => "it was withheld when its table was published before",
        }
    }
}

/// Why each withheld cell of a table is withheld; `counts` are its true ones.
pub(crate) fn reasons(
    table: &CountTable,
    pattern: &Pattern,
    policy: Policy,
    counts: &[u64],
) -> Vec<(usize, Reason)> {
    let unsafe_by_rule: Vec<usize> =
        table.protection_levels().iter().map(|level| level.cell).collect();
    let reason = |cell: usize| {
        let count = counts[cell];
        if table.published_pattern().is_some() {
            Reason::Standing
        } else if unsafe_by_rule.binary_search(&cell).is_ok() {
            Reason::ForItsOwnSake
        } else if policy.is_small(count) {
            if count == 0 { Reason::UnsafeZero } else { Reason::BelowThreshold }
        } else if is_most_of_a_group(table, counts, cell, policy.threshold) {
            Reason::Sensitive
        } else {
            Reason::Secondary
        }
    };
    let withheld = (0..table.cell_count()).filter(|&cell| pattern.withheld[cell]);
    withheld.map(|cell| (cell, reason(cell))).collect()
}

/// Whether a cell is of a sensitive category that all of a group are in, or all but fewer than the threshold.
fn is_most_of_a_group(table: &CountTable, counts: &[u64], cell: usize, threshold: u64) -> bool {
    table.sensitive().iter().any(|sensitive| {
        let dimension = table.dimension(sensitive.dimension);
        let mut nodes = table.coordinates(cell);
        let category = nodes[sensitive.dimension];
        let root = std::iter::successors(Some(category), |&node| dimension.parent(node)).last();
        let Some(root) = root.filter(|root| *root != category) else { return false };
        nodes[sensitive.dimension] = root;
        sensitive.categories.contains(&category)
            && counts[table.cell(&nodes)].saturating_sub(counts[cell]) < threshold
    })
}

#[cfg(test)]
mod tests {
    use minster_model::{
        NodeId,
        policy::Zeros,
        table::{Hierarchy, ProtectionLevel, Sensitive},
    };

    use super::*;

    #[test]
    fn each_withheld_cell_has_the_reason_that_comes_first() {
        let of = |name: &str, codes: &[&str]| {
            Hierarchy::flat(name, "all", codes.iter().map(|&code| code.to_owned())).unwrap()
        };
        let dimensions = vec![of("ward", &["a", "b"]), of("care", &["no", "yes"])];
        let sensitive = vec![Sensitive { dimension: 1, categories: vec![NodeId(2)] }];
        // In ward a, 9 of 12 are in care, and the rest are few; in ward b, 20 of 60 are.
        let inner = vec![3, 9, 40, 20];
        let table = CountTable::new("t", dimensions, inner, sensitive).unwrap();
        let levels = vec![ProtectionLevel { cell: table.cell(&[2, 1]), lower: 5, upper: 5 }];
        let table = table.with_protection_levels(levels).unwrap();
        let withheld = [[1, 1], [1, 2], [2, 1], [2, 2]].map(|nodes| table.cell(&nodes));
        let mut pattern = Pattern { withheld: vec![false; table.cell_count()] };
        withheld.iter().for_each(|&cell| pattern.withheld[cell] = true);
        let policy = Policy::new(5, Zeros::Published);
        let of = |table: &CountTable| reasons(table, &pattern, policy, &table.cell_counts());
        let expected =
            [Reason::BelowThreshold, Reason::Sensitive, Reason::ForItsOwnSake, Reason::Secondary];
        assert_eq!(of(&table), withheld.into_iter().zip(expected).collect::<Vec<_>>());
        let stands = table.clone().published_before(pattern.clone()).unwrap();
        assert!(of(&stands).iter().all(|(_, reason)| *reason == Reason::Standing));
        assert_eq!(of(&stands).len(), 4);
    }
}
