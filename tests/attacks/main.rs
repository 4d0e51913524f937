//! Attacks on what the programs release, by someone who has the public files and knows which values a child can have
//! together: columns that follow from each other, flags, conditions, periods. Each council is made here, and the
//! programs themselves read, link and release it.
#![allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]

mod additions;
mod attacker;
mod changed;
mod changing;
mod council;
mod cycles;
mod flags;
mod floors;
mod inside;
mod known_zeros;
mod noise;
mod order;
mod periods;
mod random;
mod tied;
mod within;
