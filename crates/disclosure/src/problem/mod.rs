//! The tables as a problem: cells in one numbering, the sums between them, and what must stay possible for whose sake.

pub(crate) mod cells;
mod cells_of_tables;
pub(crate) mod demand;
mod holder_demands;
pub(crate) mod holders;
mod remainders;
pub(crate) mod sparsity;
pub(crate) mod sum_rules;
pub(crate) mod world;
