//! Suppression: tables of counts in, a pattern of withheld cells out. Primary cells (1 to t − 1) are
//! withheld, then as little more as a linear program finds is needed so that each could be as small and
//! as large as the rule alone leaves open. It may depend on `minster-model`, on `microlp` for linear
//! programs, on `fixedbitset` for sets of cells, and on `ring` for the hash that chooses noise.
//!
//! Where a dimension is declared as that of the respondents, the same for each of them, who know their own cells.
//!
//! Or every number is rounded or perturbed instead: [`round`].
//!
//! This crate's answer is not trusted: `minster-attack` shows for itself that it protects.
//!
//! ```
//! use minster_disclosure::suppress;
//! use minster_model::{table::{CountTable, Hierarchy, TableSet}, policy::{Policy, Zeros}};
//!
//! let rows = Hierarchy::flat("ward", "all", ["a".into(), "b".into()])?;
//! let columns = Hierarchy::flat("sex", "all", ["F".into(), "M".into()])?;
//! let table = CountTable::new("t", vec![rows, columns], vec![2, 20, 30, 40], vec![])?;
//! let policy = Policy::new(5, Zeros::Published);
//! let patterns = suppress(&TableSet { tables: vec![table], policy })?.patterns;
//! assert!(patterns[0].withheld.iter().filter(|withheld| **withheld).count() >= 4);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]
#![deny(clippy::indexing_slicing)]
#![cfg_attr(test, allow(clippy::indexing_slicing))]

mod optimal;
mod problem;
mod refusal;
mod rounding;
mod secondary;
#[cfg(test)]
mod test_tables;

pub use optimal::{Effort, Optimum, SAME_COST, SearchOutcome};
pub use problem::{
    cost::cost,
    sparsity::{Coarser, Sparsity, sparsity},
    sum_rules::{Contributions, Dominance, SumRules},
};
pub use refusal::SuppressionRefusal;
pub use rounding::{NOISE, Rounded, RoundingMethod, RoundingRefusal, perturb, round};
pub use secondary::suppress::{Suppression, suppress, suppress_at, suppress_with, widen};

/// Parts that the comparison modes of the tests (`tests/disclosure/comparison/`) share with suppression. None of them
/// says that anything may be released.
pub mod building_blocks {
    pub use crate::{
        problem::{
            alternative_table::{ChangedTable, ChangedTables},
            cells::{Cells, KNOWN, Relation, Withheld},
            requirements::{Requirement, is_primary},
        },
        secondary::{
            linear_program::Programs,
            neighbourhood::{Nearness, Ranks},
            suppress::{forced_published_and_unsafe, patterns},
        },
    };
}
