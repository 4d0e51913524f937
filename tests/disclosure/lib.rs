//! What suppression and attack are tested against: every world of a small table, found by trying.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, missing_docs, reason = "an oracle for tests")]

pub mod ranges;
pub mod worlds;
