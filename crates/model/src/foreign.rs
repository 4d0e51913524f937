//! Foreign text (names of files, columns, elements and sheets) as it may be shown.

use std::fmt;

/// No name is shown further than this many characters.
const LONGEST: usize = 120;

/// Foreign text for a message, a log or a report: control characters and those that turn or hide text are escaped, and
/// what is too long to be a name is cut.
///
/// ```
/// use minster_model::escaped;
///
/// assert_eq!(escaped("pupils.csv").to_string(), "pupils.csv");
/// assert_eq!(escaped("a\u{1b}[31m\u{202e}b").to_string(), "a\\u{1b}[31m\\u{202e}b");
/// ```
pub fn escaped(text: &str) -> Escaped<'_> {
    Escaped(text)
}

/// See [`escaped`].
#[derive(Debug, Clone, Copy)]
pub struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write as _;
        for (place, c) in self.0.chars().enumerate() {
            if place == LONGEST {
                return f.write_char('…');
            }
            if is_hidden(c) {
                write!(f, "{}", c.escape_unicode())?;
            } else {
                f.write_char(c)?;
            }
        }
        Ok(())
    }
}

/// Whether a character moves a terminal's cursor, turns the direction of text (Unicode Standard Annex 9, section 2) or
/// cannot be seen.
pub fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_turns_or_hides_text_passes() {
        let hidden = "\u{0}\u{7}\r\n\t\u{7f}\u{85}\u{9b}\u{200b}\u{202a}\u{202e}\u{2066}\u{2069}\u{feff}\u{e0041}";
        for c in hidden.chars() {
            let shown = escaped(&c.to_string()).to_string();
            assert!(shown.starts_with("\\u{"), "{shown}");
            assert!(shown.is_ascii());
        }
        assert_eq!(escaped("Zoë’s list – 2024").to_string(), "Zoë’s list – 2024");
    }

    #[test]
    fn a_name_that_is_none_is_cut() {
        assert_eq!(escaped(&"x".repeat(1_000)).to_string().chars().count(), LONGEST + 1);
    }
}
