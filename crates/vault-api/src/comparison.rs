//! Texts that an auditor's program found, as the vault compares them with its registries: words, dates and postcodes in, counts of
//! lines out. So an auditor who holds no key learns that children's rows were copied, and of no child which.

use serde::{Deserialize, Serialize};

use crate::IdentifierBatch;

/// One word, date or postcode of a text, or the end of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextToken<'a> {
    /// A word.
    Word(&'a str),
    /// A word that may be a part of the same name as the word before: a blank or a hyphen alone stands between them.
    Joined(&'a str),
    /// A date, `2010-03-04`. A spelling with two meanings gives two.
    Date(&'a str),
    /// A postcode: upper case, without blanks.
    Postcode(&'a str),
    /// The end of a line.
    Line,
}

/// A text, or a piece of one, to be compared.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct ComparedText {
    tokens: IdentifierBatch,
    /// Whether the text ends here. One that does not is the last of its message, and goes on in the next.
    pub ends: bool,
}

/// The lines of a text that tell of children whom a registry knows. Counts alone, and only where there are more than chance
/// explains.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recognised {
    /// Lines with a child's birth date beside the child's names or postcode.
    pub children: u64,
    /// Lines with a forename and surname of one child, where the text has those of several children.
    pub names: u64,
    /// Lines with a birth date and one name of one child, where there are several.
    pub birth_dates: u64,
    /// Lines with a child's postcode.
    pub postcodes: u64,
}

/// The parts that the vault's registries can recognise at all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recognisable {
    /// Names.
    pub names: bool,
    /// Birth dates beside names or postcodes.
    pub birth_dates: bool,
    /// Postcodes.
    pub postcodes: bool,
}

impl ComparedText {
    /// A whole text of these tokens.
    pub fn of<'a>(tokens: impl IntoIterator<Item = TextToken<'a>>) -> Self {
        let mut text = Self { tokens: IdentifierBatch::default(), ends: true };
        tokens.into_iter().for_each(|token| text.push(token));
        text
    }

    /// Adds a token.
    pub fn push(&mut self, token: TextToken<'_>) {
        let (tag, text) = match token {
            TextToken::Word(text) => (b'w', text),
            TextToken::Joined(text) => (b'j', text),
            TextToken::Date(text) => (b'd', text),
            TextToken::Postcode(text) => (b'p', text),
            TextToken::Line => (b'l', ""),
        };
        self.tokens.push_parts(&[&[tag], text.as_bytes()]);
    }

    /// How many tokens it has.
    pub fn len(&self) -> usize {
        self.tokens.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }

    /// About the bytes that it takes of a message.
    pub fn byte_len(&self) -> usize {
        self.tokens.byte_len() + 5 * self.tokens.len()
    }

    /// Its tokens in order; nothing where one is none.
    pub fn tokens(&self) -> Option<Vec<TextToken<'_>>> {
        if !self.tokens.is_well_formed() {
            return None;
        }
        self.tokens.iter().map(read).collect()
    }
}

fn read(bytes: &[u8]) -> Option<TextToken<'_>> {
    let (tag, text) = bytes.split_first()?;
    let text = std::str::from_utf8(text).ok()?;
    match (tag, text) {
        (b'w', text) => Some(TextToken::Word(text)),
        (b'j', text) => Some(TextToken::Joined(text)),
        (b'd', text) => Some(TextToken::Date(text)),
        (b'p', text) => Some(TextToken::Postcode(text)),
        (b'l', "") => Some(TextToken::Line),
        _ => None,
    }
}

impl Recognised {
    /// Whether nothing was recognised.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_come_back_as_they_were_pushed_and_others_do_not() {
        let all = [
            TextToken::Word("Zoë"),
            TextToken::Joined("Smith"),
            TextToken::Date("2010-03-04"),
            TextToken::Postcode("ZZ11AA"),
            TextToken::Line,
        ];
        let mut text = ComparedText::default();
        all.iter().for_each(|token| text.push(*token));
        assert_eq!(text.tokens().as_deref(), Some(&all[..]));
        for broken in [&b""[..], b"x", b"lx", b"w\xff"] {
            let mut text = ComparedText::default();
            text.tokens.push(broken);
            assert_eq!(text.tokens(), None, "{broken:?}");
        }
    }
}
