use std::fmt::Display;

/// A number of things in words: `1 cell`, `2 cells`, `0 cells`.
///
/// ```
/// assert_eq!(minster_model::counted(1, "entry", "entries"), "1 entry");
/// assert_eq!(minster_model::counted(0, "cell", "cells"), "0 cells");
/// ```
pub fn counted(count: impl Display, one: &str, many: &str) -> String {
    let count = count.to_string();
    let noun = if count == "1" { one } else { many };
    format!("{count} {noun}")
}
