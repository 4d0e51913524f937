//! The attack on tables of which every number is published rounded or perturbed.

mod integer_program;
mod interval_propagation;
mod local_search;
mod ranges;
mod requirements;
pub(crate) mod verify;
