//! The attack on tables of which cells are withheld.

mod cell_sums;
mod certificates;
mod equations;
mod insider;
pub(crate) mod intervals;
mod requirement;
mod requirements;
mod respondents;
mod solve;
pub(crate) mod verify;
