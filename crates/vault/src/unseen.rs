//! Characters that are not seen, or that change how others are seen: whoever signs a text must see all of it.

use std::fmt::Write;

/// Whether a character is a control character (C0, DEL, C1), one that changes the direction of writing, ends a line in the
/// eyes of some programs, or takes no room.
pub fn is_unseen(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// A text for a terminal: what is not seen stands there as its number, such as `\u{202e}`.
pub fn shown(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        match is_unseen(character) {
            true => drop(write!(shown, "{}", character.escape_unicode())),
            false => shown.push(character),
        }
    }
    shown
}

/// The same of each line of a text.
pub fn shown_lines(text: &str) -> String {
    text.lines().map(|line| shown(line) + "\n").collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_seen_is_shown_and_all_else_stays() {
        // A bell, an escape sequence, its C1 form, overrides and isolates, marks, a zero-width space, a tag.
        let hidden = "\u{7}\u{1b}[2J\u{9b}2J\u{7f}\u{202e}\u{2066}\u{200f}\u{61c}\u{200b}\u{2028}\u{feff}\u{e0041}";
        let told = shown(hidden);
        assert!(told.is_ascii() && !told.bytes().any(|byte| byte.is_ascii_control()), "{told:?}");
        assert!(told.starts_with("\\u{7}\\u{1b}[2J\\u{9b}2J\\u{7f}\\u{202e}"), "{told}");
        let seen = "Zoë Łukasz, Ærø – 5 £ 北京 עברית";
        assert_eq!(shown(seen), seen);
        assert_eq!(shown_lines("a\r\nb\n"), "a\nb\n");
        assert_eq!(
            shown_lines("a\rb"),
            "a\\u{d}b\n",
            "a lone return would write over what stands before it"
        );
    }
}
