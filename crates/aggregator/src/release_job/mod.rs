//! From a definition to a draft, from a draft to a release, and the withdrawal of a release.

pub(crate) mod commands;
mod draft;
mod headlines;
pub(crate) mod job;
pub(crate) mod outcome;
mod protected_release;
