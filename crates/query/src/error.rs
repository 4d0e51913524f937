use std::fmt;

/// A place in a query: line and column, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The line.
    pub line: u64,
    /// The column, in characters.
    pub column: u64,
}

/// Why a query is no definition, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct QueryError {
    /// Where.
    pub place: Place,
    /// The fault, and what to write instead.
    pub what: String,
    /// The line of the query.
    pub line: String,
}

impl fmt::Display for QueryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place: Place { line, column }, what, line: text } = self;
        let mark = usize::try_from(*column).unwrap_or(1).saturating_sub(1);
        let mark = mark.min(text.chars().count());
        write!(f, "line {line}, column {column}: {what}\n  {text}\n  {:mark$}^", "")
    }
}

/// An error before its line is at hand.
pub(crate) type Fault = (Place, String);

pub(crate) fn with_line(sql: &str, (place, what): Fault) -> QueryError {
    let at = usize::try_from(place.line).unwrap_or(1).saturating_sub(1);
    // A query must not command a terminal.
    let plain = |text: &str| text.replace(char::is_control, " ");
    QueryError {
        place,
        what: plain(&what),
        line: plain(sql.split('\n').nth(at).unwrap_or_default()),
    }
}
