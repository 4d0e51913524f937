//! The pages are true: what they name exists, their links lead somewhere, their commands run, and the programs print what
//! the pages show.
#![allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]

mod links;
mod named;
mod pages;
mod quoted;
mod run;
mod threats;
mod told;
mod words;
