//! Suppression: tables of counts in, a pattern of withheld cells out. Primary cells (1 to t − 1) are
//! withheld, then as little more as a linear program finds is needed so that each could be as small and
//! as large as the rule alone leaves open. It may depend on `minster-model`.
//!
//! Where a dimension is declared as that of the holders, the same for each of them, who know their own cells.
//!
//! Or every number is rounded or perturbed instead: [`round`].
//!
//! What comes out is not trusted: `minster-attack` shows for itself that it protects.
//!
//! ```
//! use minster_disclosure::suppress;
//! use minster_model::cube::{CountTable, Hierarchy, Policy, TableSet, Zeros};
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

mod balance;
mod bounds;
mod cells;
mod change;
mod controlled;
mod cover;
mod crowding;
mod cube_search;
mod demand;
mod holders;
mod hypercube;
mod linear;
#[cfg(test)]
mod made_up;
mod near;
mod optimal;
mod perturbation;
mod republish;
mod reroute;
mod rounding;
mod rules;
mod secondary;
mod step;
mod world;

pub use crowding::{Coarser, Crowding, crowding};
pub use linear::{Linear, Singletons, linear};
pub use optimal::{Effort, Optimum, Outcome, SAME_PRICE};
pub use perturbation::{NOISE, perturb};
pub use rounding::{Method, Rounded, RoundingRefusal, round};
pub use rules::{Contributions, Dominance, SumRules};
pub use secondary::{Refusal, Suppression, suppress, suppress_at, suppress_with, widen};
