//! Formats, containers and versions, on files made here, and what hostile ones come to.
#![allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]

mod common;
mod containers;
mod layouts;
mod parquet;
mod text;
mod workbooks;
