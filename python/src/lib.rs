//! The compiled part of the package `minster` for Python: it opens a release, compares each file with the manifest's hashes, and hands
//! its tables over as Arrow. It also writes and reads the text of a definition.
//!
//! It links no crate of the project: no key, no identifier and no row about a child is within its reach.
#![forbid(unsafe_code)]

mod definition;
mod manifest;
mod python;
mod release;
mod table;

use pyo3::pymodule;

/// What Python imports as `minster._native`.
#[pymodule]
mod _native {
    #[pymodule_export]
    use crate::python::{Release, Table, from_toml, open, to_toml};
}
