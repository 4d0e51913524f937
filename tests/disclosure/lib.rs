//! What suppression and attack are tested against: every world of a small table, found by trying, exact
//! elimination, and the tables and figures of a peer.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, missing_docs, reason = "an oracle for tests")]

pub mod exact;
pub mod peers;
pub mod ranges;
pub mod worlds;
