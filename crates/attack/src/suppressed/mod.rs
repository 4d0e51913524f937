//! The attack on tables of which cells are withheld.

mod certificates;
mod equations;
mod holder;
mod insider;
pub(crate) mod intervals;
mod parts;
mod requirement;
mod solve;
mod targets;
pub(crate) mod verify;
