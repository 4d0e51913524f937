//! All that was ever released, and what a new release may say beside it.

pub(crate) mod changed_data;
pub(crate) mod differencing;
pub(crate) mod entry;
pub(crate) mod joint_attack;
pub(crate) mod known_releases;
pub(crate) mod ledger;
mod met_selections;
pub(crate) mod noise_budget;
pub(crate) mod other_periods;
pub(crate) mod overlap;
pub(crate) mod population_counts;
mod release_group;
pub(crate) mod sample;
pub(crate) mod selection;
