//! Releases as they are asked for: definitions, the rules that they keep, and the places in their text.

pub(crate) mod check;
pub(crate) mod check_columns;
pub(crate) mod derived_column;
pub(crate) mod dfe;
pub(crate) mod each;
pub(crate) mod formats;
pub(crate) mod location;
mod measure;
mod parse;
pub(crate) mod profile;
pub(crate) mod release_definition;
pub(crate) mod shared_columns;
