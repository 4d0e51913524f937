//! Whole-program tests: one folder a theme, each a test binary of its own. Holds no code itself.
#![forbid(unsafe_code)]
