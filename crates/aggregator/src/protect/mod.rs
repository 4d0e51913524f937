//! Suppress or round, attack, and widen: counts, then sums.

pub(crate) mod additions;
pub(crate) mod flags;
pub(crate) mod protect_counts;
pub(crate) mod protect_sums;
pub(crate) mod sums;
