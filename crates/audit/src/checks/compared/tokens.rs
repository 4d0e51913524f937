//! The words, dates and postcodes of a text.

use std::borrow::Cow;

use minster_vault_api::TextToken;

use super::dates;

/// Letters of the longest word: a longer one is a hash, a key or a picture.
const LONGEST: usize = 40;

/// Bytes as text: those of UTF-8 as they are, others as Latin-1, as older programs write it.
pub(super) fn text(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(bytes.iter().copied().map(char::from).collect()),
    }
}

/// Whether unpacked bytes are a text: any word that is read as base64 gives bytes, and hardly any gives a text.
pub(super) fn is_text(bytes: &[u8]) -> bool {
    let odd = |byte: &u8| byte.is_ascii_control() && !b"\n\r\t".contains(byte);
    match std::str::from_utf8(bytes) {
        Ok(_) => !bytes.iter().any(odd),
        Err(_) => {
            let plain = bytes.iter().filter(|byte| byte.is_ascii() && !odd(byte)).count();
            bytes.len() >= 64 && plain * 100 >= bytes.len() * 90
        }
    }
}

/// Hands on each token of a text, in order.
pub(super) fn each(text: &str, mut each: impl FnMut(TextToken<'_>)) {
    let (mut at, mut before) = (0, None::<char>);
    // Where the last word ended, if a word that follows may be a part of the same name.
    let mut word_ended = None;
    while let Some(first) = text[at..].chars().next() {
        let rest = &text[at..];
        if matches!(first, '\n' | '\r' | '\0') {
            each(TextToken::Line);
            (before, at) = (None, at + 1);
            continue;
        }
        let begins = !before.is_some_and(char::is_alphanumeric);
        let mut length = first.len_utf8();
        if begins && let Some((of_date, days)) = dates::date(rest) {
            days.iter().for_each(|day| each(TextToken::Date(&day.to_string())));
            length = of_date;
        } else if begins && let Some((of_postcode, plain)) = dates::postcode(rest) {
            each(TextToken::Postcode(&plain));
            length = of_postcode;
        } else if first.is_alphabetic() {
            length = word(rest);
            let may_join = word_ended.is_some_and(|ended| joins(&text[ended..at]));
            if rest[..length].chars().count() <= LONGEST {
                each(match may_join {
                    true => TextToken::Joined(&rest[..length]),
                    false => TextToken::Word(&rest[..length]),
                });
            }
            word_ended = Some(at + length);
        }
        at += length;
        before = text[..at].chars().next_back();
    }
}

/// Bytes of the word at the head of a text: letters, marks on them, and apostrophes between them.
fn word(text: &str) -> usize {
    let is_letter = |c: char| c.is_alphabetic() || ('\u{300}'..='\u{36f}').contains(&c);
    let mut end = 0;
    for (at, c) in text.char_indices() {
        let after = text[at + c.len_utf8()..].chars().next();
        let is_within = "'\u{2019}`".contains(c) && after.is_some_and(is_letter);
        if !is_letter(c) && !is_within {
            break;
        }
        end = at + c.len_utf8();
    }
    end
}

/// Whether what stands between two words leaves them one name: `Smith-Jones`, `de Silva`.
fn joins(between: &str) -> bool {
    let mut all = between.chars();
    match (all.next(), all.next()) {
        (Some(one), None) => " -\u{a0}\u{2010}\u{2011}\u{2013}".contains(one),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> String {
        let mut told = Vec::new();
        each(text, |token| {
            told.push(match token {
                TextToken::Word(word) => word.to_owned(),
                TextToken::Joined(word) => format!("+{word}"),
                TextToken::Date(day) => day.to_owned(),
                TextToken::Postcode(plain) => format!("={plain}"),
                TextToken::Line => "/".to_owned(),
            });
        });
        told.join(" ")
    }

    #[test]
    fn a_text_is_read_in_its_words_dates_and_postcodes() {
        for (text, tokens) in [
            ("O'Brien,Zoë,14/03/2010,SW1A 2AA", "O'Brien Zoë 2010-03-14 =SW1A2AA"),
            ("Smith-Jones, Anne Marie", "Smith +Jones Anne +Marie"),
            ("a\nb\r\n", "a / b / /"),
            ("{\"surname\":\"Lee\",\"dob\":\"2010-03-14T00:00\"}", "surname Lee dob 2010-03-14 T"),
            ("Emma_Lee.20100314.csv", "Emma Lee 2010-03-14 csv"),
            ("x2010-03-14 A1B2C3", "x A B C"),
            ("Emma%20Lee", "Emma Lee"),
            ("<Born>2010-03-14</Born>", "Born 2010-03-14 Born"),
            ("Jose\u{301} L\u{f3}pez", "Jose\u{301} +L\u{f3}pez"),
        ] {
            assert_eq!(told(text), tokens, "{text}");
        }
        assert_eq!(told(&"x".repeat(41)), "");
    }

    #[test]
    fn other_alphabets_are_read_and_noise_is_no_text() {
        assert_eq!(told(&text(b"Zo\xeb Lee")), "Zoë +Lee");
        assert!(is_text("Zoë, 2010\n".as_bytes()) && is_text(&[&[b'x'; 90][..], b"\xe9"].concat()));
        assert!(!is_text(b"\x01\x02abc") && !is_text(b"\xff\xfe\xe9"));
    }
}
