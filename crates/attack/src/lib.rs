//! The independent attacker. [`verify`] alone makes a [`ReleasableSet`]: it shows, for every small
//! cell, that the published numbers say no more than the rule itself. It may depend on `minster-model`,
//! and calls no code of the crate that suppressed; both use the model and the solver `microlp`.
//!
//! **The promise.** An *alternative table*, a *world* for short, is a set of whole inner counts that fits every
//! published number and the policy (with [`Zeros::Published`](minster_model::policy::Zeros) a withheld inner cell is
//! at least 1).
//! For each primary cell (1 to t − 1), with `low` the sum of its inner cells' least values, some world
//! has the cell at `low` and some world has it at max(t, low + t − 1) or more. For each group that a
//! sensitive category would disclose, some world has t or more children outside the category.
//!
//! An *insider* knows that they, or a few with them, are in one withheld inner cell. For each who could be,
//! the same must hold over the worlds that leave them there, what they know added to `low`.
//!
//! A *respondent* (a school) knows all cells of theirs: they take their own children out of every number. The
//! *remainder*, which is left then, is to them a number of a table about everyone else, and where it is small the
//! same must hold of it, over the worlds that leave their own cells at the truth.
//!
//! The proof is the worlds: each is checked by adding up, so that no solver is trusted, and none of
//! those who propose one to [`verify_with`].
//!
//! [`verify_rounded`] does the same for tables of which every number is published rounded or perturbed: each
//! then tells a range, and all ranges together must say no more about a small cell than its own.
//!
//! [`verify_joint`] says whether releases about different children may be public together.
//!
//! ```
//! use minster_attack::verify;
//! use minster_model::{table::{CountTable, Hierarchy, Pattern, TableSet}, policy::{Policy, Zeros}};
//!
//! let rows = Hierarchy::flat("ward", "all", ["a".into(), "b".into()])?;
//! let columns = Hierarchy::flat("sex", "all", ["F".into(), "M".into()])?;
//! let table = CountTable::new("t", vec![rows, columns], vec![2, 20, 30, 40], vec![])?;
//! let policy = Policy::new(5, Zeros::Published);
//! let set = TableSet { tables: vec![table], policy };
//!
//! // The small cell alone is withheld: it follows from its margins.
//! let mut withheld = vec![false; 9];
//! withheld[set.tables[0].cell(&[1, 1])] = true;
//! assert!(verify(set.clone(), vec![Pattern { withheld }]).is_err());
//! // All four inner cells are withheld, and every margin stands.
//! let withheld = [false, false, false, false, true, true, false, true, true].to_vec();
//! assert!(verify(set, vec![Pattern { withheld }]).is_ok());
//! # Ok::<(), minster_model::table::TableError>(())
//! ```
#![forbid(unsafe_code)]
#![deny(clippy::indexing_slicing)]
#![cfg_attr(test, allow(clippy::indexing_slicing))]

mod joint;
mod rounded;
mod shared;
mod suppressed;

pub use joint::verify::{JointRelease, verify_joint, who_counts};
pub use rounded::verify::{certify_rounded, verify_rounded};
pub use shared::{
    linked_tables::{check, cycle},
    refusal::{Failure, FailureReason, Refusal},
    releasable::{Certified, ReleasableSet},
};
pub use suppressed::{
    intervals::{Interval, interval, intervals},
    verify::{certify, verify, verify_with},
};
