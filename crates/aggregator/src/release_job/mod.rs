//! From a definition to a preview or a draft, from a draft to a release, and the withdrawal of a release.

mod beside_others;
pub(crate) mod commands;
mod draft;
mod headlines;
pub(crate) mod job;
pub(crate) mod lineage;
pub(crate) mod made;
pub(crate) mod outcome;
pub(crate) mod preview;
pub(crate) mod protected_release;
pub(crate) mod public;
pub(crate) mod refused;
pub(crate) mod reproduce;
