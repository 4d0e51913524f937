//! Access to all that is held on one child: who the child is by the vault's own books, the sealed rows that are the child's, and the
//! encrypted bundle.

mod bundle;
mod numbers;
mod own_parts;
mod person;
mod set_aside;

pub(crate) use bundle::{Bundle, BundleFault, recipient};
pub use numbers::canonical;
pub(crate) use numbers::{ChildNumbers, OwnNumber};
pub(crate) use own_parts::{Keeping, OwnParts};
pub(crate) use person::{Numbers, Rules, numbers_of};
pub(crate) use set_aside::{SetAside, SetAsideSearch};

/// The name of the action that gives access to one child's data.
pub(crate) const GIVE_ACCESS: &str = "give-access";
