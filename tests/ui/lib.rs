//! Nothing: the package has tests alone.
