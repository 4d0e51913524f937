//! Secondary suppression: what else is withheld, so that all that must stay possible is.

mod bounds;
mod hypercube;
mod hypercube_search;
mod hypercube_steps;
mod improve;
pub(crate) mod linear_program;
mod meet_requirements;
pub(crate) mod neighbourhood;
pub(crate) mod suppress;
mod unsuppress;
