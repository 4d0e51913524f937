//! Regular expressions of a definition: of linear time, bounded in size, compared by their text.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use regex::{Regex, RegexBuilder};

/// A compiled pattern may take this many bytes; every shipped one takes less.
const LARGEST: usize = 1 << 20;

/// A pattern of a definition. It is parsed with its definition and compiled when it is first needed: a run needs few of
/// all that ship.
#[derive(Clone)]
pub struct Pattern {
    text: Arc<str>,
    whole: bool,
    regex: Arc<OnceLock<Option<Regex>>>,
}

impl Pattern {
    /// A pattern that the whole text must match: `\d{6}` fits `100000` and not `1000000`.
    ///
    /// # Errors
    /// Where it is no regular expression.
    pub fn whole(text: &str) -> Result<Self, String> {
        Self::new(text, true)
    }

    /// A pattern that is searched anywhere in a text, without regard to case.
    ///
    /// # Errors
    /// As [`Pattern::whole`].
    pub fn anywhere(text: &str) -> Result<Self, String> {
        Self::new(text, false)
    }

    fn new(text: &str, whole: bool) -> Result<Self, String> {
        let pattern = Self { text: text.into(), whole, regex: Arc::default() };
        // The syntax alone: to translate hundreds of patterns took most of a run's start.
        match regex_syntax::ast::parse::Parser::new().parse(&pattern.expression()) {
            Ok(_) => Ok(pattern),
            Err(_) => Err(pattern.refusal()),
        }
    }

    fn expression(&self) -> String {
        match self.whole {
            true => format!("^(?:{})$", self.text),
            false => self.text.to_string(),
        }
    }

    fn refusal(&self) -> String {
        format!(
            "`{}` is no pattern that can be used (a regular expression without look-around, below 1 MiB when compiled)",
            self.text
        )
    }

    fn regex(&self) -> Option<&Regex> {
        let build = || {
            let mut builder = RegexBuilder::new(&self.expression());
            builder.case_insensitive(!self.whole).size_limit(LARGEST).build().ok()
        };
        self.regex.get_or_init(build).as_ref()
    }

    /// Compiles it.
    ///
    /// # Errors
    /// Where it is too large: then it fits nothing, and must not be used.
    pub fn compile(&self) -> Result<(), String> {
        self.regex().map(|_| ()).ok_or_else(|| self.refusal())
    }

    /// Whether a text fits.
    pub fn fits(&self, text: &str) -> bool {
        self.regex().is_some_and(|regex| regex.is_match(text))
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pattern({})", self.text)
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        (&self.text, self.whole) == (&other.text, other.whole)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]
mod tests {
    use super::*;

    #[test]
    fn a_whole_pattern_leaves_nothing_over_and_one_anywhere_may() {
        let whole = Pattern::whole("a|ab").unwrap();
        assert!(whole.fits("a") && whole.fits("ab") && !whole.fits("abc") && !whole.fits("xa"));
        let anywhere = Pattern::anywhere("child.*id").unwrap();
        assert!(anywhere.fits("The CHILD's ID") && !anywhere.fits("id of a child"));
        assert!(Pattern::whole("(").is_err());
        assert!(Pattern::whole(r"(?:a{1000}){1000}").unwrap().compile().is_err());
    }
}
