use std::borrow::Cow;

/// A field without what spreadsheets and typists add to it.
#[derive(Clone, PartialEq, Eq)]
pub struct Canonical<'a> {
    text: Cow<'a, str>,
    changed: bool,
}

impl Canonical<'_> {
    /// The canonical text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the field had to be changed: counted in the report on a source's quality.
    pub fn changed(&self) -> bool {
        self.changed
    }
}

impl std::fmt::Debug for Canonical<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Canonical(…)")
    }
}

/// Removes white space (no-break and zero-width spaces too) and the apostrophe by which a
/// spreadsheet marks a text, and turns ASCII letters to upper case. Doing it twice changes nothing.
pub fn canonicalise(field: &str) -> Canonical<'_> {
    let unchanged = |c: char| c.is_ascii_digit() || c.is_ascii_uppercase();
    if field.chars().all(unchanged) {
        return Canonical { text: Cow::Borrowed(field), changed: false };
    }
    let text = trimmed(field).to_ascii_uppercase();
    let changed = text != field;
    Canonical { text: Cow::Owned(text), changed }
}

/// The same with letters as they are.
pub(crate) fn trimmed(field: &str) -> String {
    let field = field.trim_start_matches(|c: char| is_space(c) || c == '\'');
    field.chars().filter(|c| !is_space(*c)).collect()
}

fn is_space(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{200b}' | '\u{200c}' | '\u{200d}' | '\u{2060}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn additions_of_spreadsheets_go() {
        for field in
            [" q330 400024001", "'Q330400024001", "Q330400024001\u{a0}", "\u{feff}q330400024001"]
        {
            let canonical = canonicalise(field);
            assert_eq!(canonical.as_str(), "Q330400024001");
            assert!(canonical.changed());
        }
        assert!(!canonicalise("Q330400024001").changed());
    }

    proptest! {
        #[test]
        fn twice_is_once(field in any::<String>()) {
            let once = canonicalise(&field);
            let twice = canonicalise(once.as_str());
            prop_assert_eq!(once.as_str(), twice.as_str());
            prop_assert!(!twice.changed());
        }
    }
}
