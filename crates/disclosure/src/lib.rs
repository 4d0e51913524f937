//! Suppression: tables of counts in, a pattern of withheld cells out. Primary cells (1 to t − 1) are
//! withheld, then as little more as a linear program finds is needed so that each could be as small and
//! as large as the rule alone leaves open. It may depend on `minster-model`.
//!
//! Where a dimension is declared as that of the holders, the same for each of them, who know their own cells.
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

#[cfg(test)]
mod made_up;
mod optimal;
mod problem;
mod refusal;
mod rounding;
mod secondary;

pub use optimal::{Effort, Optimum, Outcome, SAME_PRICE};
pub use problem::{
    sparsity::{Coarser, Crowding, crowding},
    sum_rules::{Contributions, Dominance, SumRules},
};
pub use refusal::Refusal;
pub use rounding::{Method, NOISE, Rounded, RoundingRefusal, perturb, round};
pub use secondary::suppress::{Suppression, suppress, suppress_at, suppress_with, widen};

/// Parts that the comparison modes of the tests (`tests/disclosure/comparison/`) share with suppression. None of them
/// says that anything may be released.
pub mod parts {
    pub use crate::{
        problem::{
            cells::{Cells, KNOWN, Relation},
            demand::{Demand, is_primary},
            world::{World, Worlds},
        },
        secondary::{
            linear_program::Programs,
            neighbourhood::{Nearness, Ranks},
            suppress::{kept_and_withheld, patterns},
        },
    };
}
