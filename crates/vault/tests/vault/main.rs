//! The vault as its callers, its custodians, its auditor and its attackers see it.
#![allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]
#![allow(clippy::print_stderr, reason = "a test that is left out says so")]

mod after_the_end;
mod approvals;
mod archive;
mod attacks;
mod cases;
mod common;
mod comparing;
mod copies;
mod crash;
mod custody;
mod disposal;
mod ended_stores;
mod ending;
mod erasures;
mod exact_only;
mod header;
mod impostors;
mod intakes;
mod log;
mod manifests;
mod module;
mod mutations;
mod program;
mod publishing;
mod purposes;
mod quarantine;
mod races;
mod rectifications;
mod restoring;
mod restrictions;
mod retention;
mod review;
mod roles;
mod rotation;
mod serving;
mod shared;
mod slips;
mod strangers;
mod told;
mod unlock;
mod vectors;
mod wall;
mod withdrawals;
