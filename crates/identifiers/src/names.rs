//! Names as they are compared, so that one name has one key however it was typed.

use unicode_normalization::UnicodeNormalization;

/// A name, or a text that may be one: its letters and digits in upper case. Accents go, and letters that have none of
/// their own become plain ones: `José`, written in one or two characters, and `JOSE` are one name, and so are `O’Brien` and
/// `Obrien`, `Łukasz` and `Lukasz`. Letters of other scripts stay.
pub fn folded_name(text: &str) -> String {
    if text.is_ascii() {
        return text
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .map(|c| c.to_ascii_uppercase())
            .collect();
    }
    let mut folded = String::with_capacity(text.len());
    for c in text.nfkd().filter(|c| is_told(*c)) {
        match deunicode::deunicode_char(c) {
            Some(plain) if is_latin(c) => {
                folded.extend(
                    plain.chars().filter(|c| c.is_alphanumeric()).map(|c| c.to_ascii_uppercase()),
                );
            }
            _ => folded.extend(c.to_uppercase()),
        }
    }
    folded
}

/// The words of a text. A letter and its accent are one character first, so that no word ends between them.
pub fn words(text: &str) -> Vec<String> {
    let composed: String = text.nfkc().collect();
    composed.split(|c: char| !is_told(c)).map(folded_name).collect()
}

/// Whether a character tells two names apart: a letter or digit, and none that is written for an apostrophe (Unicode,
/// "Spacing Modifier Letters").
fn is_told(c: char) -> bool {
    c.is_alphanumeric() && !matches!(c, '\u{2b0}'..='\u{2ff}')
}

/// Latin letters outside of ASCII: Latin-1, Extended A and B, IPA, Extended Additional, C, D and E (Unicode, "Blocks").
fn is_latin(c: char) -> bool {
    matches!(c, '\u{c0}'..='\u{2af}' | '\u{1e00}'..='\u{1eff}' | '\u{2c60}'..='\u{2c7f}' | '\u{a720}'..='\u{a7ff}' | '\u{ab30}'..='\u{ab6f}')
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_name_has_one_form() {
        for (plain, others) in [
            ("JOSE", &["José", "Jose", "JOSE\u{301}", "jose\u{301}", " José "][..]),
            (
                "OBRIEN",
                &["O'Brien", "O’Brien", "O`Brien", "Oʼbrien", "OBRIEN", "O Brien", "O-Brien"],
            ),
            ("NUNEZ", &["Núñez", "Nun\u{303}ez", "NUNEZ"]),
            ("LUKASZ", &["Łukasz", "LUKASZ", "lukasz"]),
            ("SORENSEN", &["Sørensen", "SØRENSEN"]),
            ("WEISS", &["Weiß", "WEISS", "WEIẞ"]),
            ("DORDE", &["Đorđe", "Dorde"]),
            ("AESA", &["Æsa", "AESA"]),
            ("ISIK", &["Işık", "Isik"]),
            ("ANNELOUISE", &["Anne-Louise", "Anne‐Louise", "Anne–Louise", "Anne\u{a0}Louise"]),
            ("FIONA", &["ﬁona"]),
            // An apostrophe as a letter.
            ("NDIAYE", &["ŉdiaye", "N’Diaye"]),
        ] {
            for other in others {
                assert_eq!(folded_name(other), plain, "{other}");
            }
        }
        // Other scripts are not taken for one another.
        assert_ne!(folded_name("李"), folded_name("理"));
        assert_eq!(folded_name("Иван"), "ИВАН");
    }

    #[test]
    fn no_word_ends_at_an_accent() {
        assert_eq!(words("de Nun\u{303}ez-Cruz"), ["DE", "NUNEZ", "CRUZ"]);
    }

    proptest! {
        #[test]
        fn a_name_has_one_form_composed_and_decomposed_and_in_any_case(name in "\\PC{0,20}") {
            let folded = folded_name(&name);
            prop_assert_eq!(&folded, &folded_name(&name.nfc().collect::<String>()));
            prop_assert_eq!(&folded, &folded_name(&name.nfd().collect::<String>()));
        }

        #[test]
        fn case_and_marks_between_letters_do_not_matter(name in "[A-Za-zÀ-ÖØ-öø-ſ]{1,12}", mark in "[ '’.-]") {
            let parted: String = name.chars().flat_map(|c| [c.to_string(), mark.clone()]).collect();
            prop_assert_eq!(folded_name(&name), folded_name(&parted));
            prop_assert_eq!(folded_name(&name), folded_name(&name.to_uppercase()));
            prop_assert!(folded_name(&name).is_ascii());
        }
    }
}
