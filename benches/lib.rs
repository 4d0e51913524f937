//! Benches of single stages; `cargo xtask bench` runs them and the whole job. Holds no code itself.
#![forbid(unsafe_code)]
