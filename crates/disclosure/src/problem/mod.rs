//! The tables as a problem: cells in one numbering, the sums between them, and what must stay possible for whose sake.

pub(crate) mod alternative_table;
pub(crate) mod cells;
mod cells_of_tables;
pub(crate) mod cost;
mod remainders;
pub(crate) mod requirements;
mod respondent_requirements;
pub(crate) mod respondents;
pub(crate) mod sparsity;
pub(crate) mod sum_rules;
