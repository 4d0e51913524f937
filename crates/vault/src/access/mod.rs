//! Access to all that is held on one child: who the child is by the vault's own books, and the encrypted bundle.

mod bundle;
mod numbers;
mod own_parts;
mod person;

pub(crate) use bundle::{Bundle, BundleFault, Finished, NUMBERS_TABLE, Outlet, OwnFile, recipient};
pub use numbers::canonical;
pub(crate) use numbers::{ChildNumbers, OwnNumber};
pub(crate) use own_parts::{Keeping, OwnParts};
pub(crate) use person::{Numbers, Rules, numbers_of};

/// The name of the action that gives access to one child's data.
pub(crate) const GIVE_ACCESS: &str = "give-access";
