//! The attacks share these: tables with cells in common, worlds, refusals, and what withstood an attack.

pub(crate) mod alternative_table;
pub(crate) mod bound;
pub(crate) mod categories;
pub(crate) mod id_slice;
pub(crate) mod linked_tables;
pub(crate) mod refusal;
pub(crate) mod releasable;
pub(crate) mod typed;
