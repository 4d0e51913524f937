//! Releases as they are asked for: definitions, the rules that they keep, and the places in their text.

pub(crate) mod check;
pub(crate) mod location;
mod parse;
pub(crate) mod profile;
pub(crate) mod release_definition;
