//! Suppression and attack are tested against these: every world of a small table, found by trying, exact
//! elimination, and the tables and figures of a peer; and two weaker ways of withholding, which peers have.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, missing_docs, reason = "an oracle for tests")]

pub mod alternative_tables;
pub mod checker;
pub mod comparison;
pub mod exact;
pub mod peers;
pub mod ranges;

/// How many of so many cases are tried: all, or as many in a hundred as `MINSTER_CASES_PERCENT` says, for runs of
/// many mutants.
pub fn tried(cases: u32) -> u32 {
    (cases * percent()).div_ceil(100)
}

/// How often at least something must have been seen where all cases are tried; where only some are, not at all.
pub fn seen(least: u32) -> u32 {
    if percent() < 100 { 0 } else { least }
}

fn percent() -> u32 {
    std::env::var("MINSTER_CASES_PERCENT").map_or(100, |percent| percent.parse().unwrap())
}
