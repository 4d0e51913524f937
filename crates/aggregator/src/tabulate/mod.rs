//! From rows of children to tables of counts and sums.

pub(crate) mod additive;
pub(crate) mod categories;
pub(crate) mod check_against_data;
pub(crate) mod children;
pub(crate) mod column_values;
pub(crate) mod contributions;
pub(crate) mod excluded;
pub(crate) mod joint_table;
pub(crate) mod lookup;
pub(crate) mod tables;
pub(crate) mod tied_releases;
pub(crate) mod ties;
