//! Secondary suppression: what else is withheld, so that all that must stay possible is.

mod bounds;
mod cover;
mod hypercube;
mod hypercube_search;
mod hypercube_steps;
mod improve;
pub(crate) mod linear_program;
pub(crate) mod neighbourhood;
pub(crate) mod suppress;
mod unsuppress;
